"""An account: every part of a profile computed from the inputs of a year, physical and monetary, with its draws.

`account` is pure: a frame of inputs, a profile, a year and a seed give the same numbers anywhere. Quantities are
computed by zone and ecosystem and only added up afterwards, so parts sum to totals by construction.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.errors import CatalogueError
from processing.gep.draws import Draws
from processing.gep.evaluate import Computed, Evaluation
from processing.gep.price_index import Moved, moved
from processing.gep.profile import Line, Profile
from processing.gep.registered import STATUSES
from processing.gep.said import Problem, said
from processing.gep.values import Row, Values, known_sets
from processing.gep.zoned import Zoned


@dataclass(frozen=True)
class Flow:
    """One part of an account: (draw, zone, ecosystem, item); draw 0 is the central estimate."""

    line: Line
    quantity: Computed
    price: np.ndarray | None  # broadcasts against the quantity; None when the part is physical only
    price_rows: tuple[tuple[Row, np.ndarray], ...]
    moved: bool = False  # whether a price index moved the price to the year of the account

    @property
    def part(self) -> str:
        """Its service and component."""
        return self.line.part.part

    @property
    def service(self) -> str:
        """Its service."""
        return self.part.partition(".")[0]

    @property
    def value(self) -> np.ndarray | None:
        """CNY (draw, zone, ecosystem, item): quantity times price, nothing else."""
        return None if self.price is None else self.quantity.values * self.price

    @property
    def complete(self) -> bool:
        """Whether every zone and ecosystem has a number."""
        values = self.quantity.values if self.value is None else self.value
        return not bool(np.isnan(values[0]).any())

    def unconfirmed(self, e: int, i: int) -> frozenset[str]:
        """What stands behind a cell and was not confirmed: rows of the tables and formulas."""
        rows = (*self.quantity.used, *self.price_rows)
        found = {row.key for row, where in rows if not row.confirmed and _at(where, e, i)}
        found |= {f.meta.id for f in (self.line.quantity, self.line.price) if f and f.meta.status not in STATUSES[:2]}
        return frozenset(found)

    @property
    def status(self) -> str:
        """The least of what it is made from."""
        rows = [row.status for row, _ in (*self.quantity.used, *self.price_rows)]
        formulas = [f.meta.status for f in (self.line.quantity, self.line.price) if f]
        return max([*rows, *formulas], key=STATUSES.index)


def _at(where: np.ndarray, e: int, i: int) -> bool:
    return bool(where[min(e, where.shape[0] - 1), min(i, where.shape[1] - 1)])


@dataclass(frozen=True)
class Account:
    """The account of a district and year by one profile."""

    profile: Profile
    year: int
    region: str
    base_year: int | None  # None: current prices
    zoned: Zoned
    flows: tuple[Flow, ...]
    problems: tuple[Problem, ...]
    draws: Draws

    @property
    def missing(self) -> tuple[str, ...]:
        """Parts of the profile that could not be computed, or not everywhere."""
        computed = {f.part for f in self.flows if f.complete}
        return tuple(line.part.part for line in self.profile.lines if line.part.part not in computed)

    @property
    def complete(self) -> bool:
        """Whether the sum may be called GEP: no valued part of the profile is missing."""
        return not self.missing

    def valued(self) -> Iterable[Flow]:
        """The parts with a value that is known everywhere: only these are added up."""
        return (f for f in self.flows if f.price is not None and f.complete)

    def draws_of_total(self) -> np.ndarray:
        """The value of all valued parts together, CNY, central estimate first (draw)."""
        parts = [_total(f) for f in self.valued()]
        return np.sum(np.broadcast_arrays(*parts), axis=0) if parts else np.zeros(1)

    @property
    def total(self) -> float:
        """The sum of all valued parts, CNY; GEP only when the account is complete."""
        return float(self.draws_of_total()[0])

    def part(self, name: str) -> Flow:
        """A part by its name.

        Raises:
            KeyError: it was not computed.
        """
        for flow in self.flows:
            if flow.part == name:
                return flow
        raise KeyError(name)


def _total(flow: Flow) -> np.ndarray:
    value = flow.value
    return np.zeros(1) if value is None else value.sum(axis=(1, 2, 3))


def account(
    inputs: pd.DataFrame,
    profile: Profile,
    *,
    year: int,
    region: str,
    zones: Iterable[str] | None = None,
    base_year: int | None = None,
    draws: int = 0,
    seed: int = 0,
    given: Mapping[str, np.ndarray] | None = None,
    local: pd.DataFrame | None = None,
) -> Account:
    """The account of a year.

    Args:
        inputs: rows of the table gep_inputs of the year: zone, ecosystem, quantity, value (method is read if it is
            there); other columns are ignored.
        profile: the norm.
        year: the year of the account.
        region: code of the district; rows of other zones are its parts.
        zones: the parts to use; those of the rows by default.
        base_year: value everything at prices of this year (comparable prices); None for prices of the year itself.
        draws: how many Monte Carlo draws; 0 gives the central estimate alone.
        seed: of the draws.
        given: draws of factors by name instead of random ones (a factor that is not named stays at its value).
        local: parameters and prices of the district itself (`reported.prices_of`), before those of the profile.

    Raises:
        CatalogueError: ecosystems with an area have no parameter, each with its area; or the inputs were made by other
            variants than those of the profile.
    """
    zoned = Zoned.of(inputs, region, zones)
    drawn = Draws(draws, seed)
    values = _values(profile, region, base_year or year, local)
    flows, problems = _computed(_evaluation(zoned, profile, year, values, drawn), profile)
    errors = [f"{profile.id}: {p.part}: {p.what}" for p in problems if p.kind == "parameter"]
    errors += _variants(zoned, profile)
    if errors:
        raise CatalogueError(list(dict.fromkeys(errors)))
    if draws or given:
        if given:
            drawn.give(given)
        else:
            drawn.draw()
        flows, problems = _computed(_evaluation(zoned, profile, year, values, drawn), profile)
    return Account(profile, year, region, base_year, zoned, flows, problems, drawn)


def _values(profile: Profile, region: str, year: int, local: pd.DataFrame | None) -> Values:
    """The rows the account may use; those of the district itself come first."""
    if local is None or local.empty:
        return Values(profile.sets, region, year, profile.extra)
    own = {str(p): dict.fromkeys(local.loc[local["parameter"] == p, "set"]) for p in local["parameter"].unique()}
    sets = dict(profile.sets)
    for name, first in own.items():
        sets[name] = tuple(dict.fromkeys([*first, *(sets.get(name) or sorted(known_sets(name)))]))
    extra = pd.concat([local, profile.extra], ignore_index=True) if len(profile.extra) else local
    return Values(sets, region, year, extra)


def _evaluation(zoned: Zoned, profile: Profile, year: int, values: Values, drawn: Draws) -> Evaluation:
    """Inputs in CNY are moved to the base year; without a price index between the two they are not known there."""
    return Evaluation(zoned, values, profile.switches, drawn, money=moved(values, year, values.year))


def _computed(evaluation: Evaluation, profile: Profile) -> tuple[tuple[Flow, ...], tuple[Problem, ...]]:
    flows: list[Flow] = []
    problems: list[Problem] = []
    for line in profile.lines:
        part = line.part
        quantity = evaluation.compute(line.quantity, items=part.items, scope=part.ecosystems, part=part.part)
        if isinstance(quantity, Problem):
            problems.append(quantity)
            continue
        problems += quantity.problems
        evaluation.results[part.part] = quantity
        flow = _valued(evaluation, line, quantity)
        if isinstance(flow, Problem):
            problems.append(flow)
            continue
        problems += _of_year(evaluation, flow)
        flows.append(flow)
    return tuple(flows), tuple(dict.fromkeys(problems))


def _valued(evaluation: Evaluation, line: Line, quantity: Computed) -> Flow | Problem:
    if line.price is None:
        return Flow(line, quantity, None, ())
    items = quantity.items
    price = evaluation.compute(line.price, items=items if line.price.meta.itemised else (), part=line.part.part)
    if isinstance(price, Problem):
        return price
    wrong = [p for p in price.problems if p.kind in ("parameter", "missing")]
    if wrong:
        return wrong[0]
    if any(p > q and p > 1 for p, q in zip(price.shape, quantity.shape, strict=True)):
        what = said("account.said.not_alike")
        return Problem(line.part.part, "missing", what, evaluation.zoned.zones)
    index = _moved(evaluation, price)
    if np.isnan(index.ratio):
        return Flow(line, quantity, price.values, price.used)
    rows = tuple((row, np.ones((1, 1), dtype=bool)) for row in index.rows)
    return Flow(line, quantity, price.values * index.ratio, (*price.used, *rows), moved=index.ratio != 1.0)


def _moved(evaluation: Evaluation, price: Computed) -> Moved:
    """What moves a price of the tables to the year of the account; nothing, if its rows are not of one year."""
    years = {row.year for row, _ in price.used if row.unit.startswith("CNY") and row.year is not None}
    return moved(evaluation.values, years.pop(), evaluation.values.year) if len(years) == 1 else Moved(1.0)


def _of_year(evaluation: Evaluation, flow: Flow) -> list[Problem]:
    """Prices that stay at another year: the index between the two has gaps, or their rows are of several years."""
    target = evaluation.values.year
    found = []
    for row, _ in flow.price_rows:
        if flow.moved or not row.unit.startswith("CNY") or row.year in (None, target):
            continue
        lacking = moved(evaluation.values, int(str(row.year)), target).lacking
        key = "account.said.price_year" if lacking else "account.said.price_years"
        what = said(key, row=row.key, year=row.year, target=target, lacking=_runs(lacking))
        found.append(Problem(flow.part, "price", what))
    return found


def _runs(years: tuple[int, ...]) -> str:
    """Years as runs: `2011-2014, 2016`."""
    starts = [y for y in years if y - 1 not in years]
    ends = [y for y in years if y + 1 not in years]
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))


def _variants(zoned: Zoned, profile: Profile) -> list[str]:
    """Inputs whose method names a variant that is not the profile's."""
    method = zoned.method("rkls_t")
    told = dict(word.split("=", 1) for word in method.replace(";", " ").split() if "=" in word)
    return [
        f"{profile.id}: rkls_t was made with {name}={option}, the profile has {profile.switches[name]}; make it again"
        for name, option in told.items()
        if name in profile.switches and profile.switches[name] != option
    ]
