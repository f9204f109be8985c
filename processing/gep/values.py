"""The tables of the accounts: ecosystems, services, quantities, switches, and rows of parameters and prices.

A row of gep_parameters.csv or gep_prices.csv is one number with ecosystem, item, region, year, set (which paper or norm
it is from), source and status. A profile says from which sets it takes a parameter; `Values` picks the rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd

from domain.catalogue import TABLES_DIR, read_table
from domain.errors import CatalogueError
from processing.gep.registered import CONFIRMED, STATUSES

#: An ecosystem or zone that stands for all.
ALL = "all"

_ROWS = "parameter item ecosystem region year value low high distribution unit set source status note"
_COLUMNS: Mapping[str, tuple[str, str]] = {
    "gep_ecosystems": ("ecosystem parent name_zh name_en landcover source", "ecosystem"),
    "gep_services": ("service category name_zh name_en seea_class ecosystem seea unit display source", "service"),
    "gep_quantities": (
        "quantity kind by unit name_zh name_en department cv_pct low high note status",
        "quantity",
    ),
    "gep_switches": ("switch option name_zh name_en effect source status", "switch option"),
    "gep_users": ("service item user share source", "service item user"),
    "gep_condition": ("variable name_zh name_en unit low high source status", "variable"),
    "gep_names": ("kind id name_zh name_en", "kind id"),
    "gep_uncertainty": ("status distribution half_width_pct source", "status"),
    "gep_parameters": (_ROWS, "parameter item ecosystem region year set"),
    "gep_prices": (_ROWS, "parameter item ecosystem region year set"),
}
_DISTRIBUTIONS = ("", "uniform", "triangular", "normal", "fixed")


@cache
def read(name: str) -> pd.DataFrame:
    """A table of the accounts as text, with the column `line`.

    Raises:
        CatalogueError: every problem at once.
    """
    columns, key = _COLUMNS[name]
    frame = read_table(TABLES_DIR / f"{name}.csv", columns=columns.split(), key=key.split())
    if columns == _ROWS:
        problems = [p for row in frame.to_dict("records") for p in _row_problems(f"{name}.csv:{row['line']}", row)]
        if problems:
            raise CatalogueError(problems)
    return frame


def _row_problems(where: str, row: Mapping[str, object]) -> list[str]:
    found = [
        f"{where}: {c} {row[c]!r} is no number" for c in ("value", "low", "high") if not _numeric(row[c], c == "value")
    ]
    if row["status"] not in STATUSES:
        found.append(f"{where}: status {row['status']!r} is not one of {STATUSES}")
    if row["distribution"] not in _DISTRIBUTIONS:
        found.append(f"{where}: distribution {row['distribution']!r} is not one of {_DISTRIBUTIONS}")
    if bool(row["low"]) != bool(row["high"]):
        found.append(f"{where}: low and high go together")
    return found


def _numeric(text: object, needed: bool) -> bool:
    if text == "":
        return not needed
    try:
        return bool(np.isfinite(float(str(text))))
    except ValueError:
        return False


@cache
def parents() -> Mapping[str, str]:
    """Ecosystem -> the one above it, "" at the top."""
    frame = read("gep_ecosystems")
    return dict(zip(frame["ecosystem"], frame["parent"], strict=True))


def lineage(ecosystem: str) -> tuple[str, ...]:
    """An ecosystem and those above it, then `all`."""
    chain = [ecosystem]
    while parents().get(chain[-1]):
        chain.append(parents()[chain[-1]])
    return (*dict.fromkeys(chain), ALL)


@cache
def of_landcover() -> Mapping[int, str]:
    """Code of a land-cover class (landcover.csv) -> ecosystem of the accounts."""
    frame = read("gep_ecosystems")
    return {int(row.landcover): str(row.ecosystem) for row in frame.itertuples() if row.landcover}


@dataclass(frozen=True, slots=True)
class Row:
    """One number of the tables, as an account uses it."""

    parameter: str
    item: str
    ecosystem: str
    value: float
    low: float  # NaN when the row gives none
    high: float
    distribution: str
    unit: str
    set: str
    source: str
    status: str
    year: int | None
    note: str

    @property
    def key(self) -> str:
        """Name of the row among all that an account uses."""
        return "/".join(part for part in (self.parameter, self.item, self.ecosystem) if part not in ("", ALL))

    @property
    def confirmed(self) -> bool:
        """Whether its source was seen."""
        return self.status in CONFIRMED


@cache
def _all() -> pd.DataFrame:
    frame = pd.concat([read("gep_parameters"), read("gep_prices")], ignore_index=True)
    for column in ("value", "low", "high", "year"):
        frame[column] = pd.to_numeric(frame[column].where(frame[column] != ""))
    return frame


@cache
def _of(parameter: str) -> pd.DataFrame:
    frame = _all()
    return frame[frame["parameter"] == parameter]


def known_sets(parameter: str) -> frozenset[str]:
    """The sets that have rows of a parameter."""
    return frozenset(_of(parameter)["set"])


@dataclass(frozen=True)
class Values:
    """The rows that a profile takes in a region and year.

    `sets` names for each parameter the sets it may be from, the first that has a row wins; a parameter that is not
    named has to have one set only. `extra` are rows of the user's own, before all others.
    """

    sets: Mapping[str, Sequence[str]]
    region: str
    year: int
    extra: pd.DataFrame | None = None
    _found: dict[str, list[Row]] = field(default_factory=dict, compare=False)
    _series: dict[str, Mapping[int, Row]] = field(default_factory=dict, compare=False)

    def rows(self, parameter: str) -> list[Row]:
        """Every row of a parameter that may be used: of its sets, of this region, of the newest year not after ours.

        Raises:
            CatalogueError: several sets have the parameter and the profile names none.
        """
        if parameter not in self._found:
            self._found[parameter] = self._rows(parameter)
        return self._found[parameter]

    def _rows(self, parameter: str) -> list[Row]:
        frame = _of(parameter)
        if self.extra is not None and len(self.extra):
            own = self.extra[self.extra["parameter"] == parameter]
            frame = pd.concat([own, frame], ignore_index=True) if len(own) else frame
        frame = frame[[self.region.startswith(r) for r in frame["region"]]]
        order = list(self.sets.get(parameter, ())) or self._only(parameter, frame)
        frame = frame[frame["set"].isin(order)]
        frame = frame.assign(rank=frame["set"].map(order.index), near=-frame["region"].str.len())
        usable = frame[~(frame["year"] > self.year)]
        frame = usable if len(usable) else frame.assign(year=-frame["year"])
        frame = frame.sort_values(["rank", "near", "year"], ascending=[True, True, False], na_position="last")
        frame = frame.drop_duplicates(["item", "ecosystem"])
        return [_row(r) for r in frame.to_dict("records")]

    @staticmethod
    def _only(parameter: str, frame: pd.DataFrame) -> list[str]:
        sets = list(dict.fromkeys(frame["set"]))
        if len(sets) > 1:
            raise CatalogueError(
                [f"{parameter}: the sets {sets} have it and the profile names none; add it to `sets` of the profile"]
            )
        return sets

    def by_year(self, parameter: str) -> Mapping[int, Row]:
        """The rows of a parameter that is a series, by year; rows of the user's own come before those of the tables."""
        if parameter in self._series:
            return self._series[parameter]
        frames = [_of(parameter)]
        if self.extra is not None and len(self.extra):
            frames.append(self.extra[self.extra["parameter"] == parameter])
        rows = [r for f in frames for r in f.to_dict("records") if self.region.startswith(str(r["region"]))]
        self._series[parameter] = {int(r["year"]): _row(r) for r in rows}
        return self._series[parameter]


def _row(r: Mapping[str, object]) -> Row:
    year = float(str(r["year"]))
    return Row(
        parameter=str(r["parameter"]),
        item=str(r["item"]),
        ecosystem=str(r["ecosystem"]),
        value=float(str(r["value"])),
        low=float(str(r["low"])),
        high=float(str(r["high"])),
        distribution=str(r["distribution"]),
        unit=str(r["unit"]),
        set=str(r["set"]),
        source=str(r["source"]),
        status=str(r["status"]),
        year=None if np.isnan(year) else int(abs(year)),
        note=str(r["note"]),
    )


def best(rows: Iterable[Row], ecosystem: str, item: str) -> Row | None:
    """The row nearest to an ecosystem and item: its own, then of the ecosystem above, then of all; None without one."""
    found = {(row.ecosystem, row.item): row for row in rows}
    for eco in lineage(ecosystem):
        for wanted in (item, ""):
            if (eco, wanted) in found:
                return found[eco, wanted]
    return None


def own_rows(records: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Rows of a user's own (profile file or forms) in the form of the tables; what is left out is empty."""
    frame = pd.DataFrame([{c: r.get(c, "") for c in _ROWS.split()} for r in records], columns=_ROWS.split())
    for column in ("value", "low", "high", "year"):
        frame[column] = pd.to_numeric(frame[column].where(frame[column].astype(str) != ""))
    frame["ecosystem"] = frame["ecosystem"].where(frame["ecosystem"] != "", ALL)
    return frame
