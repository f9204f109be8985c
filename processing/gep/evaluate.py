"""One formula over all zones, ecosystems, items and draws at once: its arguments found, checked and put together."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from processing.gep.draws import Draws, of_input, of_row
from processing.gep.price_index import Moved
from processing.gep.registered import Argument, Given, Parameter, Registered, Result, resolved
from processing.gep.said import Problem, Said, said
from processing.gep.values import ALL, Row, Values, best, lineage
from processing.gep.zoned import Zoned


@dataclass(frozen=True)
class Computed:
    """The result of a formula, (draw, zone, ecosystem, item), and what it was made from."""

    values: np.ndarray
    items: tuple[str, ...]
    by_zone: bool
    by_ecosystem: bool
    used: tuple[tuple[Row, np.ndarray], ...]  # rows of the tables and (ecosystem, item) where they were used
    problems: tuple[Problem, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(zone, ecosystem, item)."""
        return self.values.shape[1], self.values.shape[2], self.values.shape[3]


@dataclass
class Evaluation:
    """What formulas draw on: inputs, rows of tables, options of switches, results of other parts."""

    zoned: Zoned
    values: Values
    switches: Mapping[str, str]
    draws: Draws
    results: dict[str, Computed] = field(default_factory=dict)
    money: Moved = field(default_factory=lambda: Moved(1.0))  # what moves inputs in CNY (comparable prices)

    def compute(
        self, formula: Registered, *, items: tuple[str, ...] = (), scope: tuple[str, ...] = (), part: str = ""
    ) -> Computed | Problem:
        """The result of a formula, or why there is none.

        Args:
            formula: the formula.
            items: its items; () takes those of its inputs.
            scope: the ecosystems it holds for; () takes all.
            part: name for problems.
        """
        of = {n: resolved(a, self.switches) for n, a in formula.meta.arguments.items()}
        part = part or formula.meta.part
        wanted = self._items(formula, of, items)
        if not wanted:
            missing = sorted({a.name for a in of.values() if isinstance(a, Given)})
            what = said("account.said.no_item", quantity=", ".join(missing))
            return Problem(part, "missing", what, self.zoned.zones)
        arguments = _Arguments(self, part, wanted, scope)
        for name, argument in of.items():
            why = arguments.take(name, argument)
            if why is not None:
                return why
        return arguments.result(formula)

    def _items(self, formula: Registered, of: Mapping[str, Argument], items: tuple[str, ...]) -> tuple[str, ...]:
        if not formula.meta.itemised:
            return ("",)
        if items:
            return items
        found: dict[str, None] = {}
        for argument in of.values():
            if isinstance(argument, Given):
                found |= dict.fromkeys(self.zoned.items(argument.name))
        return tuple(found)


class _Arguments:
    """The arguments of one formula as arrays (draw, zone, ecosystem, item)."""

    def __init__(self, evaluation: Evaluation, part: str, items: tuple[str, ...], scope: tuple[str, ...]) -> None:
        self.at, self.part, self.items, self.scope = evaluation, part, items, scope
        self.arrays: dict[str, np.ndarray] = {}
        self.sums: list[np.ndarray] = []  # what makes a cell active: areas, masses
        self.later: dict[str, Parameter] = {}
        self.problems: list[Problem] = []
        self.used: list[tuple[Row, np.ndarray]] = []
        self.by_zone = self.by_ecosystem = False

    @property
    def ecosystems(self) -> tuple[str, ...]:
        return self.at.zoned.ecosystems if self.by_ecosystem else (ALL,)

    def take(self, name: str, argument: Argument) -> Problem | None:
        """Find one argument; a parameter waits until the ecosystems are known."""
        if isinstance(argument, Parameter):
            self.later[name] = argument
        elif isinstance(argument, Given):
            return self._given(name, argument.name)
        elif isinstance(argument, Result):
            return self._result(name, argument.part)
        else:
            self.arrays[name] = np.full((1, 1, 1, 1), argument)
        return None

    def _given(self, name: str, quantity: str) -> Problem | None:
        taken = self.at.zoned.take(quantity, self.items)
        if taken is None:
            what = said("account.said.not_given", quantity=quantity)
            return Problem(self.part, "missing", what, self.at.zoned.zones)
        self.problems += [Problem(self.part, "fallback", note) for note in taken.notes]
        factor = self.at.draws.meet(of_input(quantity)).reshape(-1, 1, 1, 1)
        index = self.at.money if "_cny" in quantity else Moved(1.0)
        self.used += [(row, np.ones((1, 1), dtype=bool)) for row in index.rows]
        values = taken.values[np.newaxis] * index.ratio
        if taken.summed and taken.by_ecosystem:
            values = np.where(self._in_scope()[:, np.newaxis], values, 0.0)
            self.sums.append(values[0])
        self.by_zone |= taken.by_zone
        self.by_ecosystem |= taken.by_ecosystem
        self.arrays[name] = values * factor
        return None

    def _result(self, name: str, part: str) -> Problem | None:
        found = self.at.results.get(part)
        if found is None:
            return Problem(self.part, "missing", said("account.said.no_part", part=part), self.at.zoned.zones)
        self.by_zone |= found.by_zone
        self.by_ecosystem |= found.by_ecosystem
        self.used += [(row, np.asarray(where.any(axis=1, keepdims=True))) for row, where in found.used]
        values = found.values
        if found.by_ecosystem:
            values = np.where(self._in_scope()[:, np.newaxis], values, 0.0)
            self.sums.append(values[0])
        self.arrays[name] = values
        return None

    def _in_scope(self) -> np.ndarray:
        kinds = self.at.zoned.ecosystems
        return np.array([not self.scope or bool(set(lineage(e)) & set(self.scope)) for e in kinds])

    def _active(self) -> np.ndarray:
        """(zone, ecosystem, item) where there is something to compute: no sum is nought."""
        shape = (
            len(self.at.zoned.zones) if self.by_zone else 1,
            len(self.ecosystems),
            len(self.items),
        )
        active = np.ones(shape, dtype=bool)
        if self.by_ecosystem:
            active &= self._in_scope()[:, np.newaxis]
        for values in self.sums:
            active &= values != 0
        return active

    def result(self, formula: Registered) -> Computed:
        """The formula over everything; cells where a sum is nought are nought whatever the rest."""
        active = self._active()
        for name, parameter in self.later.items():
            self.arrays[name] = self._parameter(parameter, active)
        filled = {
            n: np.where(np.isnan(a) & ~active, 1.0, a) if np.isnan(a).any() else a for n, a in self.arrays.items()
        }
        raw = np.asarray(formula.function(**filled), dtype=float)
        strata = formula.meta.strata
        where = active.any(axis=-1, keepdims=True) if strata else active
        items = ("",) if strata else self.items
        shape = (max(raw.shape[0], 1), *where.shape)
        values = np.where(where, np.broadcast_to(raw, np.broadcast_shapes(raw.shape, shape)), 0.0)
        self._missing(values[0], active)
        return Computed(
            values, items, self.by_zone, self.by_ecosystem, tuple(self.used), tuple(dict.fromkeys(self.problems))
        )

    def _parameter(self, parameter: Parameter, active: np.ndarray) -> np.ndarray:
        """(draw, 1, ecosystem, item) of a parameter; a class without a row is a problem with its area."""
        name, _, fixed = parameter.name.partition(":")
        rows = self.at.values.rows(name)
        needed = np.asarray(active.any(axis=0))
        columns: dict[tuple[int, int], Row | None] = {}
        where: dict[Row, np.ndarray] = {}
        for e, eco in enumerate(self.ecosystems):
            for i, item in enumerate(self.items):
                row = columns[e, i] = best(rows, eco, fixed or item)
                if row is not None and needed[e, i]:
                    where.setdefault(row, np.zeros(needed.shape, dtype=bool))[e, i] = True
                elif row is None and needed[e, i]:
                    self.problems.append(Problem(self.part, "parameter", self._lacks(parameter.name, e, item)))
        self.used += where.items()
        drawn = {row: self.at.draws.meet(of_row(row)) for row in where}
        n = max([len(v) for v in drawn.values()], default=1)
        out = np.full((n, 1, *needed.shape), np.nan)
        for (e, i), row in columns.items():
            if row is not None:
                out[:, 0, e, i] = drawn.get(row, row.value)
        return out

    def _lacks(self, name: str, e: int, item: str) -> Said:
        row = f"{name} {item}".strip()
        if not self.by_ecosystem:
            return said("account.said.no_row", row=row)
        area = f"{self.at.zoned.area_m2[:, e].sum() / 1e4:.2f}"
        return said("account.said.no_row_of_class", ecosystem=self.ecosystems[e], row=row, area=area)

    def _missing(self, central: np.ndarray, active: np.ndarray) -> None:
        unknown = np.isnan(central)
        if not unknown.any() or any(p.kind == "parameter" for p in self.problems):
            return
        lacking = sorted(n for n, a in self.arrays.items() if np.isnan(np.where(active, a[:1], 1.0)).any())
        zones = self.at.zoned.zones if self.by_zone else (self.at.zoned.region,)
        where = tuple(z for z, bad in zip(zones, unknown.any(axis=(1, 2)), strict=True) if bad)
        what = said("account.said.unknown", arguments=", ".join(lacking) or "-")
        self.problems.append(Problem(self.part, "missing", what, where))
