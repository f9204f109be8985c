"""The newest value of every series, kept in memory and brought up to date by what the lake's commits say they changed.

Ten years of values are looked through once, backwards and only so far. After that the rows that commits tell are laid
over what is known; a commit that does not tell its rows (a long import) has its days read again. So an answer costs no
more with ten years than with ten days, and is never older than the last commit before it.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from domain.records import TABLES
from domain.times import spans
from store.days import Days
from store.home import Home
from store.lake import News

#: How many months with data are looked through: whole ones as far as so many rows go, after that only for stations that
#: have no value yet.
_MONTHS_BACK, _WHOLE_ROWS = 13, 3_000_000

_COLUMNS = {
    "observations": ["medium", "station_id", "parameter", "period", "time", "value", "unit", "flag", "source_flag"],
    "indicators": ["medium", "subject", "indicator", "period", "time", "value", "unit", "grade", "flag", "detail"],
}
_SERIES = {
    "observations": ["medium", "station_id", "parameter", "period"],
    "indicators": ["medium", "subject", "indicator", "period"],
}

#: Medium, station or subject, parameter or indicator, period.
Series = tuple[str, str, str, str]
#: A row of `_COLUMNS`, its time in microseconds since 1970.
Row = tuple[Any, ...]
_TIME = 4
_NEVER = -(1 << 62)


@dataclass
class Latest:
    """The newest row of every series of `observations` (with the flag of quality control) or `indicators`."""

    home: Home
    table: str
    version: int = 0  # grows when the rows change
    _newest: dict[Series, Row] = field(default_factory=dict)  # with the flag of the door
    _judged: dict[Series, dict[int, int]] = field(default_factory=dict)  # flags from the newest row on
    _order: list[Series] = field(default_factory=list)
    _shown: pd.DataFrame | None = None
    _known: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def sources(self) -> tuple[str, ...]:
        """The tables whose commits change this."""
        return ("observations", "quality") if self.table == "observations" else ("indicators",)

    def stand(self) -> int:
        """The version after what was committed until now."""
        with self._lock:
            self._refresh()
            return self.version

    def rows(self) -> pd.DataFrame:
        """One row a series, sorted; columns of `_COLUMNS`. Nobody may change the frame."""
        with self._lock:
            self._refresh()
            if self._shown is None:
                self._shown = _framed(self.table, self._told())
            return self._shown

    def told(self) -> tuple[int, list[Row]]:
        """The version, and what `rows` gives as plain tuples."""
        with self._lock:
            self._refresh()
            return self.version, self._told()

    def _told(self) -> list[Row]:
        if len(self._order) != len(self._newest) or not all(map(self._newest.__contains__, self._order)):
            self._order = sorted(self._newest)
        flag = _COLUMNS[self.table].index("flag")
        out = []
        for series in self._order:
            row, flags = self._newest[series], self._judged.get(series)
            judged = None if flags is None else flags.get(row[_TIME])
            out.append(row if judged is None or judged == row[flag] else (*row[:flag], judged, *row[flag + 1 :]))
        return out

    def _refresh(self) -> None:
        lake = self.home.lake
        versions = {t: lake.version(t) for t in self.sources}
        if versions == self._known:
            return
        if any(versions[t] < known for t, known in self._known.items()):  # somebody put another table there
            self._known, self._newest, self._judged = {}, {}, {}
        news = {t: lake.news(t, self._known.get(t, -1), self._told_columns(t)) for t in self.sources}
        before = dict(self._newest), {k: dict(v) for k, v in self._judged.items()}
        if not self._known:
            for medium, days in _by_medium(news[self.table].days).items():
                self._back(medium, days)
        elif all(n.rows is not None for n in news.values()):
            self._lay(news)
        else:
            self._reread(frozenset().union(*(n.days for n in news.values())))
        self._judged = {s: _from(flags, self._at(s)) for s, flags in self._judged.items()}
        first = not self._known
        self._known = {t: n.version for t, n in news.items()}
        if first or before != (self._newest, self._judged):
            self.version, self._shown = self.version + 1, None

    def _told_columns(self, table: str) -> list[str]:
        return _COLUMNS[self.table] if table == self.table else [*_SERIES[self.table], "time", "flag"]

    # --- by the rows that commits tell --------------------------------------------------------------------------------

    def _lay(self, news: dict[str, News]) -> None:
        """Lay the told rows over what is known."""
        stored, gone = self._final(news[self.table])
        lost = {s for s, at in gone if s in self._newest and self._at(s) == at}
        old = {s: int(self._newest.pop(s)[_TIME]) for s in lost}
        for (series, at), row in stored.items():
            if at >= max(self._at(series), old.get(series, _NEVER)):
                self._newest[series] = row
        if self.table == "observations":
            flags, taken = self._final(news["quality"])
            for series, at in taken:
                self._judged.get(series, {}).pop(at, None)
            for (series, at), row in flags.items():
                if at >= self._at(series):
                    self._judged.setdefault(series, {})[at] = row[-1]
        # Where the newest value was taken out and none came after it, an older one is somewhere.
        self._seek({s for s in lost if s not in self._newest})

    def _final(self, news: News) -> tuple[dict[tuple[Series, int], Row], set[tuple[Series, int]]]:
        """Of each row that commits tell what the last of them says: the row now stored, or that it is gone."""
        stored: dict[tuple[Series, int], Row] = {}
        gone: set[tuple[Series, int]] = set()
        rows = news.rows if news.rows is not None else pd.DataFrame()
        if rows.empty:
            return stored, gone
        for row, away in zip(_tuples(rows, rows.columns[:-1]), rows["gone"].tolist(), strict=True):
            series: Series = row[:_TIME]
            key = series, row[_TIME]
            if away:
                stored.pop(key, None)
                gone.add(key)
            else:
                gone.discard(key)
                stored[key] = row
        return stored, gone

    def _put(self, rows: pd.DataFrame) -> None:
        """Keep what is newer than the known, or the known said again."""
        rows = rows.sort_values("time", kind="stable").drop_duplicates(_SERIES[self.table], keep="last")
        for row in _tuples(rows, _COLUMNS[self.table]):
            series: Series = row[:_TIME]
            if row[_TIME] >= self._at(series):
                self._newest[series] = row

    def _judge(self, rows: pd.DataFrame) -> None:
        """Keep the flags of quality control of the newest rows, and of what may come after them."""
        if rows.empty:
            return
        of = rows.groupby(_SERIES[self.table], sort=False, observed=True).ngroup().to_numpy()
        first = np.unique(of, return_index=True)[1]
        floor = np.array([self._at(s) for s in _tuples(rows.iloc[first], _SERIES[self.table])])
        for *series, at, flag in _tuples(rows[_micros(rows) >= floor[of]], [*_SERIES[self.table], "time", "flag"]):
            self._judged.setdefault((series[0], series[1], series[2], series[3]), {})[at] = flag

    def _at(self, series: Series) -> int:
        known = self._newest.get(series)
        return _NEVER if known is None else int(known[_TIME])

    # --- by the days they lie on --------------------------------------------------------------------------------------

    def _reread(self, touched: Days) -> None:
        """Read days again: what was known to be newest there is forgotten, what is found is laid over the rest."""
        fallen: set[Series] = set()
        for medium, days in _by_medium(touched).items():
            for start, end in spans(days):
                low, high = (round(m.timestamp() * 1_000_000) for m in (start, end))
                there = {s: r for s, r in self._newest.items() if s[0] == medium and low <= r[_TIME] < high}
                for series in there:
                    del self._newest[series]
                self._judged = {
                    s: {at: f for at, f in flags.items() if s[0] != medium or not low <= at < high}
                    for s, flags in self._judged.items()
                }
                self._read(medium, start, end)
                fallen |= {s for s, row in there.items() if self._at(s) < row[_TIME]}
        self._seek(fallen)

    def _seek(self, fallen: set[Series]) -> None:
        """Look backwards for the newest rows of series that have lost theirs."""
        for medium in sorted({s[0] for s in fallen}):
            missing = {s for s in fallen if s[0] == medium}
            for series in missing:
                self._newest.pop(series, None)
            days = _by_medium(self.home.lake.changes(self.table, -1).days).get(medium, set())
            for start, end in _months(days):
                self._read(medium, start, end, sorted({s[1] for s in missing}))
                missing -= self._newest.keys()
                if not missing:
                    break

    def _back(self, medium: str, days: set[date]) -> None:
        """Look for the newest rows of a medium, month by month backwards until every station of it has been met."""
        stations = self.home.registry.stations
        missing = set(stations.loc[stations["medium"] == medium, "station_id"])
        read = 0
        for start, end in _months(days):
            if read > _WHOLE_ROWS and not missing:
                break
            met, n = self._read(medium, start, end, None if read <= _WHOLE_ROWS else sorted(missing))
            read, missing = read + n, missing - met

    def _read(
        self, medium: str, start: datetime, end: datetime | None, stations: Sequence[str] | None = None
    ) -> tuple[set[str], int]:
        """Lay the rows of a span over what is known; which stations have any, and how many rows there were."""
        where = None if stations is None else {_SERIES[self.table][1]: list(stations)}
        found = [
            self.home.lake.read(
                t,
                columns=self._told_columns(t),
                medium=medium,
                start=start,
                end=end,
                where=where,
                categories=True,
            )
            for t in self.sources
        ]
        self._put(found[0])
        if self.table == "observations":
            self._judge(found[1])
        return set(found[0][_SERIES[self.table][1]].unique()), len(found[0])


def _framed(table: str, rows: list[Row]) -> pd.DataFrame:
    """The rows as a frame."""
    columns = _COLUMNS[table]
    if not rows:
        return TABLES[table].frame()[columns]
    parts = dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))
    times = pd.Series(np.array(parts.pop("time"), "datetime64[us]")).dt.tz_localize("UTC")
    return pd.DataFrame(parts).astype({"flag": "int32"}).assign(time=times)[columns]


def _from(flags: dict[int, int], floor: int) -> dict[int, int]:
    """The flags of that moment and later."""
    return {at: flag for at, flag in flags.items() if at >= floor} if len(flags) > 1 else flags


def _tuples(rows: pd.DataFrame, columns: Sequence[str]) -> list[Row]:
    """Rows as tuples of plain values, times in microseconds."""
    parts = [(_micros(rows) if c == "time" else rows[c].to_numpy()).tolist() for c in columns]
    return list(zip(*parts, strict=True))


def _micros(rows: pd.DataFrame) -> np.ndarray:
    return np.asarray(rows["time"].dt.as_unit("us").astype("int64"))


def _months(days: set[date]) -> Iterator[tuple[datetime, datetime | None]]:
    """The months that have days, from the last one backwards: from the start of each to that of the one read before."""
    end = None
    for month in sorted({d.replace(day=1) for d in days}, reverse=True)[:_MONTHS_BACK]:
        ((start, _),) = spans([month])
        yield start, end
        end = start


def _by_medium(touched: Days) -> dict[str, set[date]]:
    out: dict[str, set[date]] = {}
    for medium, day in touched:
        out.setdefault(medium, set()).add(day)
    return out
