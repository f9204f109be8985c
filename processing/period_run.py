"""The shell of months, seasons and years: which daily indicators changed -> the periods they lie in -> upsert.

A year is computed whole from its daily indicators, so whatever came when, the table becomes the same. What compares
periods with each other (change, trend) follows from the rows of the years around.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from domain.errors import StoreConflict
from domain.records import TABLES
from domain.times import DAY, MONTH, SEASON, YEAR, day_start
from processing.aggregate import dates, day_of, seconds
from processing.counts import Counts
from processing.periods import BEFORE_DAYS, Daily
from processing.registered import Indicator, Takes, registered, taking
from store.home import Home

CURSOR = "compute_periods"
MEDIA = ("air", "water")
#: Years before and after a year whose periods are compared with its own: the longest is the trend.
AROUND_YEARS = 9

_ATTEMPTS = 10
_FEW_DAYS = 40
_PASSES = 20
_DAILY = ["indicator", "subject", "time", "value", "flag"]
_log = logging.getLogger(__name__)

Progress = Callable[[str, float], None]


def compute_periods(home: Home, *, now: datetime, progress: Progress | None = None) -> Counts:
    """Monthly, seasonal and annual indicators of every year whose daily indicators changed since the last run.

    Args:
        home: memory and registry.
        now: the moment of the run, written with the commit.
        progress: called with what is being done and the share that is done.

    Raises:
        CatalogueError: a table of limits or settings is not as it must be.
        StoreConflict: other writers never let us through.
    """
    told = progress or (lambda _text, _share: None)
    counts, since = Counts(), home.ledger.cursor(CURSOR)
    for _ in range(_PASSES):
        changes = home.lake.changes("indicators", since)
        if changes.version == since:
            break
        plan = _plan(_differing(home, changes.days, since, changes.version))
        for i, (medium, years) in enumerate(plan.items()):
            told(f"{medium} {years[0]} .. {years[-1]}", i / len(plan))
            counts += _settle(home, medium, years, now)
        since = changes.version
        home.ledger.advance(CURSOR, since)
    told("", 1.0)
    return counts


def _plan(dirty: Iterable[tuple[str, date]]) -> dict[str, list[int]]:
    """The years that changed days reach, by medium: their own, and the next where days look back over New Year."""
    found: dict[str, set[int]] = {}
    for medium, day in dirty:
        if medium in MEDIA:
            found.setdefault(medium, set()).update((day.year, (day + timedelta(days=BEFORE_DAYS)).year))
    return {m: sorted(found[m]) for m in MEDIA if m in found}


def _differing(
    home: Home, touched: frozenset[tuple[str, date]], since: int, version: int
) -> frozenset[tuple[str, date]]:
    """Of the touched days those of which a daily value or its flag is not what it was at the version of the last run.

    Most hours change nothing of a day yet: it has no value before its twentieth hour. Many days at once are history
    and taken as they are, and so is everything when the earlier version is no longer there.
    """
    days = {day for medium, day in touched if medium in MEDIA}
    if since < 0 or not days or max(days) - min(days) > timedelta(days=_FEW_DAYS):
        return touched
    start, end = day_start(min(days)), day_start(max(days) + timedelta(days=1))
    where = {"period": [DAY], "indicator": sorted({name for medium in MEDIA for name in _needed(medium)})}
    what: dict[str, Any] = {
        "columns": ["medium", *_DAILY],
        "medium": list(MEDIA),
        "start": start,
        "end": end,
        "where": where,
    }
    try:
        before = home.lake.read("indicators", version=since, **what)
    except OSError:
        return touched
    both = [f[f["value"].notna()] for f in (before, home.lake.read("indicators", version=version, **what))]
    differ = pd.concat(both).drop_duplicates(keep=False)
    stamps = dates(day_of(seconds(differ["time"]))).tolist()
    return frozenset(zip(differ["medium"], stamps, strict=True))


def _settle(home: Home, medium: str, years: Sequence[int], now: datetime) -> Counts:
    """The years computed and written; read and computed again when somebody else wrote them meanwhile."""
    for _ in range(_ATTEMPTS):
        try:
            return _write(home, medium, years, now)
        except StoreConflict as conflict:
            _log.info("%s %s: %s; computing again", medium, years, conflict)
    raise StoreConflict(f"{medium} {years[0]} to {years[-1]}: {_ATTEMPTS} runs in a row met another writer")


def _write(home: Home, medium: str, years: Sequence[int], now: datetime) -> Counts:
    version = home.lake.version("periods")
    ours = [_of_year(home, medium, year) for year in years]
    last = years[-1] + AROUND_YEARS
    compared = _comparisons(home, medium, years, ours, version)
    rows = _together([*ours, compared[_between(_years(compared), years[0], last)]])
    stored = _stored(home, medium, (years[0], last), version, columns=list(TABLES["periods"].key))
    mine = stored["indicator"].isin(_ids("days", medium)) & np.isin(_years(stored), years)
    written = home.lake.upsert(
        "periods",
        rows,
        now=now,
        why="computed anew from changed days",
        remove=_gone(stored[mine | stored["indicator"].isin(_ids("periods", medium))], rows, medium),
        expected_version=version,
    )
    return Counts(computed=len(years)).wrote(written)


def _comparisons(
    home: Home, medium: str, years: Sequence[int], ours: Sequence[pd.DataFrame], version: int
) -> pd.DataFrame:
    """What follows from the new rows of some years and the stored ones of the years around them."""
    functions = taking("periods", medium)
    needs = sorted({p for metas in functions.values() for m in metas for p in m.parameters})
    around = (years[0] - AROUND_YEARS, years[-1] + AROUND_YEARS)
    stored = _stored(home, medium, around, version, where={"indicator": needs, "period": [MONTH, SEASON, YEAR]})
    theirs = stored[~np.isin(_years(stored), years)]
    new = _together(ours)
    basis = _together([new[new["indicator"].isin(needs)], theirs])
    return _together([f(basis, home.registry.stations) for f in functions])


def _stored(home: Home, medium: str, years: tuple[int, int], version: int, **what: Any) -> pd.DataFrame:
    start, end = _new_year(years[0]), _new_year(years[1] + 1)
    return home.lake.read("periods", medium=medium, start=start, end=end, version=version, **what)


def _of_year(home: Home, medium: str, year: int) -> pd.DataFrame:
    """Rows of a year from its daily indicators."""
    start, end = _new_year(year) - timedelta(days=BEFORE_DAYS), _new_year(year + 1)
    where = {"period": [DAY], "indicator": sorted(_needed(medium))}
    days = home.lake.read("indicators", columns=_DAILY, medium=medium, start=start, end=end, where=where)
    return year_rows(days, year, medium, home.registry.stations)


def year_rows(days: pd.DataFrame, year: int, medium: str, stations: pd.DataFrame) -> pd.DataFrame:
    """Rows of the table `periods` of one year of one medium.

    Args:
        days: daily indicators of the year and the `BEFORE_DAYS` before it.
        year: the Shanghai year.
        medium: air or water.
        stations: the registry's stations.
    """
    # A county's day is laid beside those of the stations, under the same names.
    daily = Daily.of(days.assign(indicator=days["indicator"].str.replace(".county_", ".", regex=False)), year)
    return _together([f(daily, stations) for f in taking("days", medium)]) if len(daily.subjects) else _together([])


def _needed(medium: str) -> set[str]:
    """The daily indicators that periods are computed from: everything of a day that observations gave."""
    return {r.meta.id for r in registered().values() if _daily(r.meta, medium)}


def _daily(meta: Indicator, medium: str) -> bool:
    return meta.medium == medium and meta.takes == "observations" and DAY in meta.periods


def _ids(takes: Takes, medium: str) -> set[str]:
    return {meta.id for metas in taking(takes, medium).values() for meta in metas}


def _together(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    kept = [f for f in frames if len(f)]
    return pd.concat(kept, ignore_index=True) if kept else TABLES["periods"].frame()


def _gone(stored: pd.DataFrame, rows: pd.DataFrame, medium: str) -> pd.DataFrame | None:
    """Stored rows whose keys no longer come out; None when there are none."""
    keys = list(TABLES["periods"].key)
    left = ~pd.MultiIndex.from_frame(stored[keys]).isin(pd.MultiIndex.from_frame(rows[keys]))
    return stored[left].assign(medium=medium) if left.any() else None


def _new_year(year: int) -> datetime:
    return day_start(date(year, 1, 1))


def _years(rows: pd.DataFrame) -> np.ndarray:
    """The Shanghai year in which each row's period begins."""
    return np.asarray(dates(day_of(seconds(rows["time"]))).astype("datetime64[Y]").astype(int) + 1970)


def _between(years: np.ndarray, first: int, last: int) -> np.ndarray:
    return (years >= first) & (years <= last)
