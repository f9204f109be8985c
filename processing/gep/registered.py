"""Formulas of GEP norms say what they are where they are written, and are found without a list.

A pure function in `processing/gep/formulas` becomes a formula of an account by carrying its own metadata:

    @formula("W2", part="water_retention", unit="m3", arguments={"area_m2": given("area_m2"), ...}, ...)
    def water_retention(area_m2, p_mm, r_mm, et_mm): ...

The decorator returns the function unchanged and may be repeated. A `part` is a service, or a service and one of its
components (`soil_retention.silt`); `price.*` parts give prices. Where norms disagree, several formulas have the same
part and different `options` of the switches (domain/tables/gep_switches.csv).

Arrays of an account have the axes (draw, zone, ecosystem, item); every argument broadcasts against them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import processing.gep.formulas as package
from processing.registered import modules

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__gep_formulas__"

#: What the source of a formula or number is worth, best first; the first two count as confirmed.
STATUSES = ("confirmed", "cross-checked", "secondary", "memory", "start value", "own definition")
CONFIRMED = STATUSES[:2]


@dataclass(frozen=True, slots=True)
class Given:
    """An input of the account: a quantity of domain/tables/gep_quantities.csv."""

    name: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A row of gep_parameters.csv or gep_prices.csv."""

    name: str


@dataclass(frozen=True, slots=True)
class Result:
    """The quantity of another part of the same account."""

    part: str


@dataclass(frozen=True, slots=True)
class By:
    """What an argument is depends on a switch; a number is a constant."""

    switch: str
    options: Mapping[str, "Given | Parameter | Result | float"]


Argument = Given | Parameter | Result | By | float


def given(name: str) -> Given:
    """An input of the account."""
    return Given(name)


def parameter(name: str) -> Parameter:
    """A row of the parameters or prices."""
    return Parameter(name)


def result(part: str) -> Result:
    """The quantity of another part."""
    return Result(part)


def by(switch: str, **options: "Given | Parameter | Result | float") -> By:
    """An argument by the option of a switch."""
    return By(switch, options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """What a person must know of one formula to trust its numbers."""

    id: str  # short, as norms.md has it: W2, SV1, K1 ...
    part: str  # service, service.component, or price.kind
    name_zh: str
    name_en: str
    unit: str  # of the result; of a price: CNY per what
    expression: str
    clause: str  # norm and clause, or paper
    status: str
    arguments: Mapping[str, Argument]
    options: Mapping[str, str] = field(default_factory=dict)  # options of switches under which it is the formula
    itemised: bool = False  # whether it is computed for each item (pollutant, nutrient, product, lake)
    strata: bool = False  # whether its items are strata that it sums
    price_type: str = ""  # of prices: construction cost, annualised cost, market price, tax rate ...
    welfare: bool = False  # holds consumer surplus: no exchange value of SEEA EA

    @property
    def service(self) -> str:
        """The service it belongs to; `price` for prices."""
        return self.part.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Registered:
    """A formula and the function that computes it."""

    meta: Formula
    function: Callable[..., Any]


def formula(
    id: str,  # noqa: A002 - the field's name
    *,
    part: str,
    name_zh: str,
    name_en: str,
    unit: str,
    expression: str,
    clause: str,
    status: str,
    arguments: Mapping[str, Argument],
    options: Mapping[str, str] | None = None,
    itemised: bool = False,
    strata: bool = False,
    price_type: str = "",
    welfare: bool = False,
) -> Callable[[F], F]:
    """Attach the metadata of a formula to the function that computes it; the function itself is returned."""
    meta = Formula(
        id=id,
        part=part,
        name_zh=name_zh,
        name_en=name_en,
        unit=unit,
        expression=expression,
        clause=clause,
        status=status,
        arguments=dict(arguments),
        options=dict(options or {}),
        itemised=itemised,
        strata=strata,
        price_type=price_type,
        welfare=welfare,
    )

    def attach(function: F) -> F:
        setattr(function, _MARK, (meta, *getattr(function, _MARK, ())))
        return function

    return attach


@cache
def formulas() -> Mapping[str, Registered]:
    """Every formula of `processing.gep.formulas` by id.

    Raises:
        ValueError: two functions claim the same id.
    """
    found: dict[str, Registered] = {}
    for module in modules(package):
        for value in vars(module).values():
            if callable(value) and getattr(value, "__module__", None) == module.__name__:
                for meta in getattr(value, _MARK, ()):
                    if meta.id in found:
                        raise ValueError(f"{module.__name__}: the formula {meta.id!r} is registered twice")
                    found[meta.id] = Registered(meta, value)
    return dict(sorted(found.items()))


def candidates(part: str, switches: Mapping[str, str]) -> list[Registered]:
    """The formulas of a part whose options agree with the switches, the most particular first."""
    fitting = [
        r
        for r in formulas().values()
        if r.meta.part == part and all(switches.get(s) == option for s, option in r.meta.options.items())
    ]
    return sorted(fitting, key=lambda r: (-len(r.meta.options), r.meta.id))


def resolved(argument: Argument, switches: Mapping[str, str]) -> "Given | Parameter | Result | float":
    """What an argument is under these switches.

    Raises:
        KeyError: the switch has no such option here.
    """
    return argument.options[switches[argument.switch]] if isinstance(argument, By) else argument


def switches_of(meta: Formula) -> Iterator[str]:
    """The switches a formula depends on."""
    yield from meta.options
    for argument in meta.arguments.values():
        if isinstance(argument, By):
            yield argument.switch
