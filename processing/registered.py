"""Indicators say what they are where they are written, and are found without a list.

A function in `processing/indicators` becomes an indicator by carrying its own metadata:

    @indicator("air.O3_mda8", unit="ug/m3", periods=(DAY,), takes="observations", ...)
    def ozone_mda8(...): ...

The decorator returns the function unchanged. It may be repeated: one function can give several indicators.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, Literal, TypeVar

import processing.indicators as package

F = TypeVar("F", bound=Callable[..., Any])

Takes = Literal["observations", "days", "periods", "scene", "grids", "history", "reports"]
Confidence = Literal["confirmed", "partly confirmed", "unconfirmed", "own definition"]

_MARK = "__indicators__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """What a person must know of one indicator to trust it."""

    id: str  # medium.quantity
    name_zh: str
    name_en: str
    unit: str  # "1" for a pure number, class or grade
    periods: tuple[str, ...]  # ISO 8601 durations of the values it gives
    subject: str  # station, township, water body, spot
    formula: str  # one line
    completeness: str  # how many values it needs
    standard: str  # standard and edition(s), or "own definition"
    source: str  # table, clause or paper
    confidence: Confidence
    # observations: f(observed, stations) -> rows of the table indicators; days: f(daily, places) -> rows of the table
    # periods; periods: f(what came out of those, places) -> rows of the same table; others as their shell says.
    takes: Takes
    parameters: tuple[str, ...]  # ids of the parameters it reads, names of the bands, or for periods ids of indicators
    before_days: int = 0  # values of day D depend on observations from D - before_days
    after_days: int = 0  # to D + after_days

    @property
    def medium(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Registered:
    """An indicator and the function that computes it."""

    meta: Indicator
    function: Callable[..., Any]


def indicator(
    id: str,  # noqa: A002 - the field's name
    *,
    name_zh: str,
    name_en: str,
    unit: str,
    periods: tuple[str, ...],
    subject: str,
    formula: str,
    completeness: str,
    standard: str,
    source: str,
    confidence: Confidence,
    takes: Takes,
    parameters: tuple[str, ...],
    before_days: int = 0,
    after_days: int = 0,
) -> Callable[[F], F]:
    """Attach the metadata of an indicator to the function that computes it; the function itself is returned.

    Args:
        id: `medium.quantity`, unique in the whole package.
        name_zh: Chinese name, for people.
        name_en: English name, for people.
        unit: canonical unit; "1" for a pure number.
        periods: durations of the values it gives.
        subject: what a value belongs to.
        formula: one line.
        completeness: how many values it needs, one line.
        standard: standard and editions.
        source: table and clause, or paper.
        confidence: how sure we are of the rule.
        takes: `observations`, `days`, `periods`, `scene`, `history` or `reports`.
        parameters: the parameters (or bands) it reads.
        before_days: days before its own whose observations matter.
        after_days: days after its own whose observations matter.
    """
    meta = Indicator(
        id=id,
        name_zh=name_zh,
        name_en=name_en,
        unit=unit,
        periods=periods,
        subject=subject,
        formula=formula,
        completeness=completeness,
        standard=standard,
        source=source,
        confidence=confidence,
        takes=takes,
        parameters=parameters,
        before_days=before_days,
        after_days=after_days,
    )

    def attach(function: F) -> F:
        setattr(function, _MARK, (meta, *getattr(function, _MARK, ())))
        return function

    return attach


@cache
def registered() -> Mapping[str, Registered]:
    """Every indicator of `processing.indicators`, by id, in the order of the ids.

    Raises:
        ValueError: two functions claim the same id.
    """
    found: dict[str, Registered] = {}
    for module in modules(package):
        for entry in declared(module):
            if entry.meta.id in found:
                raise ValueError(f"{module.__name__}: the indicator {entry.meta.id!r} is registered twice")
            found[entry.meta.id] = entry
    return dict(sorted(found.items()))


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """The modules of a package, imported, in the order of their names."""
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda i: i.name):
        yield importlib.import_module(f"{package.__name__}.{info.name}")


def declared(module: ModuleType) -> Iterator[Registered]:
    """The indicators of functions written in this module; imported ones belong to theirs."""
    for value in vars(module).values():
        if callable(value) and getattr(value, "__module__", None) == module.__name__:
            for meta in getattr(value, _MARK, ()):
                yield Registered(meta, value)


def taking(takes: Takes, medium: str | None = None) -> dict[Callable[..., Any], tuple[Indicator, ...]]:
    """The functions computed from `takes` (of one medium), each with all the indicators it gives."""
    out: dict[Callable[..., Any], tuple[Indicator, ...]] = {}
    for entry in registered().values():
        if entry.meta.takes == takes and medium in (None, entry.meta.medium):
            out[entry.function] = (*out.get(entry.function, ()), entry.meta)
    return out
