"""The second look at observations: tests that need other values than the series' own last day.

`screening.screen` judges each series by itself; this adds what other parameters, other stations, the learnt usual, the
logger's clock and its earlier blocks say, and lays the worst flag on top. Which test a parameter takes, and its
numbers, are rows of `domain/tables/qc_context.csv` and `qc_physics.csv`.

What these tests see lies within the same day around as before: values of the same moment, whose own flags look one day
around, or windows within one day. Values that failed the first look speak neither for nor against others.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from domain.catalogue import TABLES_DIR, parameters, read_table
from domain.errors import CatalogueError
from domain.records import TABLES, Flag
from domain.times import HOUR, HOUR_4
from domain.usual import usual as bands_of
from processing import climatology, qc
from processing.aggregate import coded, length_s, seconds
from processing.neighbours import distances_km, neighbour_test
from processing.physics import contradictions, rules
from processing.repeats import repeated_block_test, stale_clock_test

#: Tests in the order in which they are named, after those of the first look.
TESTS = ("physics", "neighbours", "climatology", "repeat", "clock")
#: Tests that tell the unusual, which pollution is too; the others tell the wrong.
OF_THE_UNUSUAL = ("neighbours", "climatology")

_NUMBERS = [
    "near_km", "near_n", "near_z", "near_floor", "near_relative", "usual_width", "usual_floor", "repeat_n", "late_h",
    "drift_days", "drift_offset",
]  # fmt: skip
#: Values that must keep arriving late in a row.
_CLOCK_N = 5


@dataclass(frozen=True, slots=True)
class Around:
    """What the second look knows beside the observations."""

    stations: pd.DataFrame  # of the registry: station_id, lon, lat
    bands: pd.DataFrame  # rows of the table `bands`

    @classmethod
    def nothing(cls) -> "Around":
        """No positions and no history: what needs them is not evaluated, and says so."""
        return cls(pd.DataFrame(columns=["station_id", "lon", "lat"]), TABLES["bands"].frame())


@dataclass(frozen=True, slots=True)
class Corroborated:
    """Flags after the second look."""

    flag: np.ndarray  # (n,) int8
    tests: pd.Categorical  # (n,) all tests that marked it, comma separated
    not_evaluated: Counter[str]  # "test: reason" -> rows


@cache
def context() -> pd.DataFrame:
    """The table qc_context.csv, indexed by (medium, parameter); NaN where a test is not for a parameter.

    Raises:
        CatalogueError: unknown parameter or unread number; all at once.
    """
    name = "qc_context.csv"
    columns = ["medium", "parameter", *_NUMBERS, "confidence", "source"]
    frame = read_table(TABLES_DIR / name, columns=columns, key=["medium", "parameter"])
    numbers = frame[_NUMBERS].apply(lambda c: pd.to_numeric(c.where(c != ""), errors="coerce"))
    problems = [
        f"{name}:{line}: {c} {text!r} is not a number"
        for c in _NUMBERS
        for line, text, number in zip(frame["line"], frame[c], numbers[c], strict=True)
        if text and np.isnan(number)
    ]
    known = parameters().index
    problems += [f"{name}:{r.line}: {r.parameter!r} is unknown" for r in frame.itertuples() if r.parameter not in known]
    if problems:
        raise CatalogueError(problems)
    return numbers.set_index(pd.MultiIndex.from_frame(frame[["medium", "parameter"]]))


def corroborate(
    observations: pd.DataFrame,
    medium: str,
    flag: np.ndarray,
    tests: pd.Categorical,
    around: Around,
    *,
    counted: np.ndarray | None = None,
) -> Corroborated:
    """Flags of the first look with those of the second.

    Args:
        observations: columns of the table, in any order; received_at may be absent, then no clock is judged.
        medium: their medium.
        flag: (n,) flags of the first look.
        tests: (n,) the tests that gave them.
        around: positions and history.
        counted: (n,) rows to count among `not_evaluated`; by default all.
    """
    look = _Look(observations, medium, flag)
    found = {
        "physics": look.physics(),
        "neighbours": look.neighbours(around.stations),
        "climatology": look.climatology(around.bands),
        "repeat": look.repeats(),
        "clock": look.clocks(),
    }
    counts: Counter[str] = Counter()
    rows = np.ones(len(flag), bool) if counted is None else counted
    for name, (flags, reasons) in found.items():
        for reason, where in reasons.items():
            n = int((where & rows & (flags == int(Flag.NOT_EVALUATED))).sum())
            if n:
                counts[f"{name}: {reason}"] += n
    return Corroborated(qc.worst(np.stack([flag, *(f for f, _ in found.values())])), _named(tests, found, look), counts)


def _named(
    tests: pd.Categorical, found: dict[str, tuple[np.ndarray, dict[str, np.ndarray]]], look: "_Look"
) -> pd.Categorical:
    """The names of the tests that marked each row; only combinations that occur become categories."""
    code = np.zeros(len(tests), np.int64)
    for bit, name in enumerate(TESTS):
        marked = np.isin(found[name][0], (int(Flag.SUSPECT), int(Flag.FAIL)))
        code |= marked.astype(np.int64) << bit
    if not code.any():
        return tests
    version, versions = pd.factorize(look.versions)
    first, names = np.asarray(tests.codes, np.int64), np.asarray(tests.categories.astype("str"), dtype=object)
    usual = (code >> TESTS.index("climatology")) & 1
    key = (first * (1 << len(TESTS)) + code) * max(len(versions), 1) + version * usual
    unique, place = np.unique(key, return_inverse=True)
    texts = []
    for value in unique:
        rest, which = divmod(int(value), max(len(versions), 1))
        at, bits = divmod(rest, 1 << len(TESTS))
        said = [
            f"climatology@{versions[which]}" if t == "climatology" else t for b, t in enumerate(TESTS) if bits >> b & 1
        ]
        texts.append(",".join([*([names[at]] if names[at] else []), *said]))
    categories, codes = np.unique(np.array(texts, dtype=object), return_inverse=True)
    return pd.Categorical.from_codes(codes[place], categories=pd.Index(categories, dtype="str"))


class _Look:
    """The observations of one medium, coded once for all tests of the second look."""

    def __init__(self, frame: pd.DataFrame, medium: str, flag: np.ndarray) -> None:
        self.frame, self.medium = frame, medium
        self.station, self.stations = coded(frame["station_id"])
        self.parameter, self.parameters = coded(frame["parameter"])
        self.period, self.periods = coded(frame["period"])
        self.time = seconds(frame["time"])
        self.raw = frame["value"].to_numpy(float)
        self.missing = flag == int(Flag.MISSING)
        self.values = np.where(self.missing | (flag == int(Flag.FAIL)), np.nan, self.raw)
        limits = context().reindex([(medium, str(p)) for p in self.parameters])
        self._limits = {c: limits[c].to_numpy(float) for c in _NUMBERS}
        self.versions = np.full(len(frame), "", dtype=object)
        self._grids: dict[int, _Grid] = {}

    def limit(self, column: str) -> np.ndarray:
        """A number of the table for each row."""
        return np.asarray(self._limits[column][self.parameter]) if len(self.parameters) else np.zeros(0)

    def grid(self, period: int) -> "_Grid":
        """The values of a period by station and time, laid out once."""
        if period not in self._grids:
            self._grids[period] = _Grid(self, period)
        return self._grids[period]

    def physics(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Contradictions between parameters of one station and moment."""
        out = self._unjudged()
        named = {p for r in rules() if r.medium == self.medium for p in r.needs}
        for period in range(len(self.periods)):
            grid = self.grid(period)
            values = {p: grid.of(p) for p in self.parameters if p in named}
            for name, flags in contradictions({p: v for p, (v, _) in values.items()}, self.medium).items():
                rows = values[name][1]
                there = rows >= 0
                out[rows[there]] = flags[there]
        out = self._settled(out)
        asked = np.isin(np.asarray(self.parameters, dtype=object), list(named))[self.parameter]
        return out, {"no other parameter of the same moment to compare with": asked}

    def neighbours(self, stations: pd.DataFrame) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Values that no other station of the medium supports."""
        out = self._unjudged()
        place = stations.drop_duplicates("station_id", keep="last").set_index("station_id")
        place = place[["lon", "lat"]].astype(float).reindex(self.stations)
        apart = distances_km(place["lon"].to_numpy(), place["lat"].to_numpy())
        for code, name in enumerate(self.parameters):
            limits = {c: self._limits[c][code] for c in _NUMBERS}
            if np.isnan(limits["near_km"]):
                continue
            for period in range(len(self.periods)):
                values, rows = self.grid(period).of(name)
                if not values.size:
                    continue
                flags = neighbour_test(
                    values, apart <= limits["near_km"], need=int(limits["near_n"]), z=limits["near_z"],
                    floor=limits["near_floor"], relative=limits["near_relative"],
                )  # fmt: skip
                out[rows[rows >= 0]] = flags[rows >= 0]
        reason = {"too few stations of the same moment near by": ~np.isnan(self.limit("near_km"))}
        return self._settled(out), reason

    def climatology(self, bands: pd.DataFrame) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Values outside what the station's history calls usual."""
        width, asked = self.limit("usual_width"), ~np.isnan(self.limit("usual_width"))
        if bands.empty:
            return self._settled(self._unjudged()), {"nothing was learnt from history": asked}
        mine = bands[(bands["medium"] == self.medium) & bands["station_id"].isin(self.stations)]
        at = np.flatnonzero(asked & np.isfinite(self.values))
        usual = bands_of(mine, self.frame.iloc[at], self.time[at])
        self.versions[at] = usual.version
        out = self._unjudged()
        out[at] = climatology.climatology_test(
            self.values[at], usual.low, usual.middle, usual.high, width=width[at],
            floor=np.nan_to_num(self.limit("usual_floor"))[at],
        )  # fmt: skip
        return self._settled(out), {"too little history of the station, month and hour": asked}

    def repeats(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Blocks of earlier values sent again."""
        n = np.where(self._compared(), self.limit("repeat_n"), np.nan)
        order = self._order()
        flags = np.empty(len(self.time), np.int8)
        flags[order] = repeated_block_test(
            self.values[order], self.time[order], self._series()[order], n=n[order], longest_s=qc.CONTEXT_S
        )
        return self._settled(flags), {"too few values near by": ~np.isnan(n)}

    def clocks(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Clocks that stand behind, told by the moments of arrival."""
        late = np.where(self._compared(), self.limit("late_h") * 3600, np.nan)
        if "received_at" not in self.frame:
            return self._settled(self._unjudged()), {"no moment of arrival": ~np.isnan(late)}
        order = self._order()
        flags = np.empty(len(self.time), np.int8)
        flags[order] = stale_clock_test(
            self.time[order], seconds(self.frame["received_at"])[order], self._series()[order],
            values=self.raw[order], length_s=self._length()[order], late_s=late[order], n=_CLOCK_N,
            longest_s=qc.CONTEXT_S,
        )  # fmt: skip
        return self._settled(flags), {"too few values near by": ~np.isnan(late)}

    def _series(self) -> np.ndarray:
        code = self.station * np.int64(len(self.parameters)) + self.parameter
        return np.asarray(code * np.int64(max(len(self.periods), 1)) + self.period)

    def _order(self) -> np.ndarray | slice:
        """What puts rows in the order of series and time; the lake gives them so."""
        series = self._series()
        step = np.diff(series)
        if ((step > 0) | ((step == 0) & (np.diff(self.time) >= 0))).all():
            return slice(None)
        return np.lexsort((self.time, series))

    def _length(self) -> np.ndarray:
        return np.array([length_s(p) for p in self.periods], float)[self.period]

    def _compared(self) -> np.ndarray:
        return np.isin(np.asarray(self.periods, dtype=object), (HOUR, HOUR_4))[self.period]

    def _unjudged(self) -> np.ndarray:
        return np.full(len(self.time), int(Flag.NOT_EVALUATED), np.int8)

    def _settled(self, flags: np.ndarray) -> np.ndarray:
        """9 exactly where the value is missing; what only was left out because it failed is not evaluated."""
        unjudged = np.where(flags == int(Flag.MISSING), int(Flag.NOT_EVALUATED), flags)
        return np.where(self.missing, int(Flag.MISSING), unjudged).astype(np.int8)


class _Grid:
    """Values of one period laid out by station and time."""

    def __init__(self, look: _Look, period: int) -> None:
        self.look = look
        self.rows = np.flatnonzero(look.period == period)
        moments, column = np.unique(look.time[self.rows], return_inverse=True)
        self.cell = look.station[self.rows] * len(moments) + column
        self.shape = (len(look.stations), len(moments))

    def of(self, parameter: str) -> tuple[np.ndarray, np.ndarray]:
        """(s, t) values of a parameter, NaN where none, and the row each came from, -1 where none."""
        mine = self.look.parameter[self.rows] == list(self.look.parameters).index(parameter)
        values, rows = np.full(self.shape, np.nan), np.full(self.shape, -1, np.int64)
        values.flat[self.cell[mine]] = self.look.values[self.rows[mine]]
        rows.flat[self.cell[mine]] = self.rows[mine]
        return values, rows
