"""The newest value of every series, kept in memory and brought up to date by what the lake's commits say they touched.

Ten years of values are looked through once, backwards and only so far; after that only the days that a
commit names are read. So an answer costs no more with ten years than with ten days.
"""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pandas as pd

from domain.records import TABLES
from domain.times import local_day, spans
from store.days import Days
from store.home import Home

#: How many months with data are looked through: whole ones as far as so many rows go, after that only for stations that
#: have no value yet.
_MONTHS_BACK, _WHOLE_ROWS = 13, 3_000_000
#: Versions are asked for at most this often, seconds.
_ASKED_EVERY_S = 0.5

_COLUMNS = {
    "observations": ["medium", "station_id", "parameter", "period", "time", "value", "unit", "flag", "source_flag"],
    "indicators": ["medium", "subject", "indicator", "period", "time", "value", "unit", "grade", "flag", "detail"],
}
_SERIES = {
    "observations": ["medium", "station_id", "parameter", "period"],
    "indicators": ["medium", "subject", "indicator", "period"],
}


@dataclass
class Latest:
    """The newest row of every series of `observations` (with the flag of quality control) or `indicators`."""

    home: Home
    table: str
    version: int = 0  # grows when the rows change
    _rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    _known: dict[str, int] = field(default_factory=dict)
    _asked: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def sources(self) -> tuple[str, ...]:
        """The tables whose commits change this."""
        return ("observations", "quality") if self.table == "observations" else ("indicators",)

    def rows(self) -> pd.DataFrame:
        """One row a series, sorted; columns of `_COLUMNS`. Nobody may change the frame."""
        with self._lock:
            now = time.monotonic()
            if now - self._asked >= _ASKED_EVERY_S:
                self._refresh()
                self._asked = now
            return self._rows

    def _refresh(self) -> None:
        lake = self.home.lake
        changes = {t: lake.changes(t, self._known.get(t, -1)) for t in self.sources}
        touched: Days = frozenset().union(*(c.days for c in changes.values()))
        if self._known and not touched:
            return
        if self._known:
            rows = self._renewed(touched)
        else:
            rows = _newest(self.table, [self._back(m, days) for m, days in _by_medium(touched).items()])
        self._rows = rows
        self._known = {t: c.version for t, c in changes.items()}
        self.version += 1

    def _renewed(self, touched: Days) -> pd.DataFrame:
        """The rows after commits that touched some days: what lies on those days is read again."""
        old, parts = self._rows, []
        for medium, days in _by_medium(touched).items():
            stale = (old["medium"] == medium) & local_day(old["time"]).isin({d.isoformat() for d in days})
            parts += [self._read(medium, start, end)[0] for start, end in spans(days)]
            old = old[~stale]
        rows = _newest(self.table, [old, *parts])
        # Where the newest value was taken out, an older one is somewhere: that medium is read backwards again.
        before, after = (f.set_index(_SERIES[self.table])["time"] for f in (self._rows, rows))
        fell = before.index[~(after.reindex(before.index) >= before).to_numpy()]
        for medium in sorted({str(key[0]) for key in fell}):
            days = _by_medium(self.home.lake.changes(self.table, -1).days).get(medium, set())
            rows = _newest(self.table, [rows[rows["medium"] != medium], self._back(medium, days)])
        return rows

    def _back(self, medium: str, days: set[date]) -> pd.DataFrame:
        """The newest rows of a medium, month by month backwards until every station of it has been met."""
        column = _SERIES[self.table][1]
        stations = self.home.registry.stations
        missing = set(stations.loc[stations["medium"] == medium, "station_id"])
        met, read = TABLES[self.table].frame()[_COLUMNS[self.table]], 0
        for month in sorted({d.replace(day=1) for d in days}, reverse=True)[:_MONTHS_BACK]:
            if read > _WHOLE_ROWS and not missing:
                break
            last = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
            ((start, end),) = spans([month, last], gap=31)
            found, n = self._read(medium, start, end, None if read <= _WHOLE_ROWS else sorted(missing))
            met, read = _newest(self.table, [met, found]), read + n
            missing -= set(met[column])
        return met

    def _read(
        self, medium: str, start: datetime, end: datetime, stations: list[str] | None = None
    ) -> tuple[pd.DataFrame, int]:
        """The newest row of each series in a span, and how many rows were read for it."""
        spec, lake = TABLES[self.table], self.home.lake
        where = None if stations is None else {_SERIES[self.table][1]: stations}
        columns = [*spec.key, *(c for c in _COLUMNS[self.table] if c not in spec.key)]
        rows = lake.read(self.table, columns=columns, medium=medium, start=start, end=end, where=where, categories=True)
        n = len(rows)
        rows = _newest(self.table, [rows])
        if self.table == "observations":
            flags = lake.read(
                "quality",
                columns=[*spec.key, "flag"],
                medium=medium,
                start=start,
                end=end,
                where=where,
                categories=True,
            )
            rows = _judged(rows, _plain(flags), list(spec.key))
        return rows[_COLUMNS[self.table]], n


def _newest(table: str, parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Of several frames the newest row of each series."""
    filled = [p for p in parts if len(p)]
    if not filled:
        return TABLES[table].frame()[_COLUMNS[table]]
    series = _SERIES[table]
    short = [p.sort_values("time", kind="stable").drop_duplicates(series, keep="last") for p in filled]
    whole = pd.concat([_plain(p) for p in short], ignore_index=True).sort_values("time", kind="stable")
    return whole.drop_duplicates(series, keep="last").sort_values(series, ignore_index=True)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Words as text again: frames of different commits have different words."""
    words = [c for c in frame.columns if isinstance(frame[c].dtype, pd.CategoricalDtype)]
    return frame.astype(dict.fromkeys(words, "str"))


def _judged(rows: pd.DataFrame, flags: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Rows with the flag of quality control where there is one, else that of the door."""
    merged = rows.merge(flags.rename(columns={"flag": "judged"}), on=key, how="left")
    merged["flag"] = merged["judged"].fillna(merged["flag"]).astype("int32")
    return merged.drop(columns="judged")


def _by_medium(touched: Days) -> dict[str, set[date]]:
    out: dict[str, set[date]] = {}
    for medium, day in touched:
        out.setdefault(medium, set()).add(day)
    return out
