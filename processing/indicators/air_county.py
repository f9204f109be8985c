"""The value of a county: the mean of its valid stations, hour by hour and day by day, and the index of it.

A county is the first six digits of its stations' township codes. Its months and years follow from its days.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from domain.limits import air_limits, editions
from domain.records import Flag
from domain.standards import setting
from domain.times import DAY, HOUR
from processing import aqi as index
from processing.aggregate import (
    DAY_S,
    FIXED,
    HOUR_S,
    Observed,
    attribute,
    dates,
    day_of,
    fixed,
    flag_of,
    mean_rounded,
    results,
    together,
)
from processing.periods import joined, marked
from processing.registered import indicator
from processing.rounding import divide_half_even

F = TypeVar("F", bound=Callable[..., Any])

_OZONE = index.ITEMS.index("O3")
_DIGITS = 6  # of a township's code that name its county


@dataclass(frozen=True, slots=True)
class _Stations:
    """Values of stations side by side: n rows of one station and time, p items."""

    names: np.ndarray
    station: np.ndarray
    time: np.ndarray
    values: np.ndarray  # (n, 6)
    flags: np.ndarray  # (n, 6)


@dataclass(frozen=True, slots=True)
class _Counties:
    """Values of counties: m rows of one county and time, p items."""

    subject: np.ndarray
    time: np.ndarray
    values: np.ndarray  # (m, 6) NaN where too few stations are valid
    flags: np.ndarray  # (m, 6)
    count: np.ndarray  # (m, 6) valid stations
    expected: np.ndarray  # (m,) stations of the county on that day


def _registered(function: F) -> F:
    for pollutant in index.ITEMS:
        name = "air.county_O3_mda8" if pollutant == "O3" else f"air.county_{pollutant}"
        for one, periods in ((name, (DAY,)), ("air.county_O3", (HOUR,))) if pollutant == "O3" else ((name, _BOTH),):
            function = indicator(
                one,
                name_zh=f"全县{pollutant}浓度",
                name_en=f"{pollutant} of the county",
                unit="mg/m3" if pollutant == "CO" else "ug/m3",
                periods=periods,
                subject="county",
                formula="mean of the values of its valid stations, rounded half-even (CO 1 decimal, others 0)",
                completeness="75 % of its stations, background stations aside",
                standard="HJ 663",
                source="HJ 663-2013 (from memory)",
                confidence="unconfirmed",
                takes="observations",
                parameters=(pollutant,),
            )(function)
    return function


_BOTH = (HOUR, DAY)


@indicator(
    "air.county_aqi",
    name_zh="全县空气质量指数",
    name_en="air quality index of the county",
    unit="1",
    periods=_BOTH,
    subject="county",
    formula="AQI of the county's concentrations",
    completeness="as air.aqi; each item needs 75 % of the stations",
    standard="HJ 633-2012, HJ 633-2026 by date",
    source="HJ 633; HJ 663-2013 (from memory)",
    confidence="unconfirmed",
    takes="observations",
    parameters=index.ITEMS,
)
@_registered
def counties(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:
    """Concentrations and index of each county, hourly and daily.

    Args:
        observed: hourly observations.
        stations: the registry's stations: township, kind, zone and validity.
    """
    rows = observed.wide(index.ITEMS, HOUR)
    hourly = _Stations(rows.names, rows.station, rows.time, rows.values, rows.flags)
    days = observed.days(index.ITEMS, HOUR)
    need = int(setting("air.daily", "hours"))
    means = [mean_rounded(days.values[:, i], need=need, decimals=index.decimals(p)) for i, p in enumerate(index.ITEMS)]
    means[_OZONE] = _ozone(days.values[:, _OZONE], attribute(stations, days, days.day, "zone"), days.day)
    used = np.isfinite(days.values)
    daily = _Stations(
        days.names, days.station, days.time, np.stack(means, 1), flag_of(days.flags, used, used.any(axis=-1))
    )
    by_hour, by_day = _county(hourly, stations), _county(daily, stations)
    return together([*_rows(by_hour, HOUR), *_rows(by_day, DAY, _ozone_peak(by_hour, by_day))])


def _ozone_peak(hours: _Counties, days: _Counties) -> np.ndarray:
    """(m,) largest hour of ozone of each county and day, NaN below 20 hours: part of the daily report of 2012."""
    codes = pd.Index(days.subject).append(pd.Index(hours.subject)).factorize()[0]
    mine, theirs = codes[: len(days.subject)], codes[len(days.subject) :]
    low = int(min(hours.time.min(), days.time.min())) if len(hours.time) else 0
    key = mine * np.int64(10**7) + day_of(days.time) - low // DAY_S
    there = np.isfinite(hours.values[:, _OZONE])
    place = pd.Index(key).get_indexer(theirs * np.int64(10**7) + day_of(hours.time) - low // DAY_S)
    used = there & (place >= 0)
    peak = np.full(len(key), -np.inf)
    np.maximum.at(peak, place[used], hours.values[used, _OZONE])
    count = np.bincount(place[used], minlength=len(key))
    return np.where((count >= setting("air.daily", "hours")) & np.isfinite(peak), peak, np.nan)


def _ozone(hours: np.ndarray, zone: np.ndarray, day: np.ndarray) -> np.ndarray:
    limits = [air_limits("O3", "daily_max_8h", level, dates(day)) for level in (1, 2)]
    return index.mda8(
        hours,
        np.where(zone == "1", *limits),
        min_in_window=int(setting("air.O3_mda8", "hours_in_window")),
        min_windows=int(setting("air.O3_mda8", "windows")),
        first_end=int(setting("air.O3_mda8", "first_end")),
    ).value


def _members(stations: pd.DataFrame) -> pd.DataFrame:
    """The stations that count for a county, with its code."""
    rows = stations[stations["medium"] == "air"]
    if not setting("air.county", "background"):
        rows = rows[rows["kind"] != "background"]
    return rows.assign(county=rows["township"].str[:_DIGITS])[lambda r: r["county"] != ""]


def _county(rows: _Stations, stations: pd.DataFrame) -> _Counties:
    """The mean over the valid stations of each county and time; exact, NaN below the share of stations."""
    members = _members(stations)
    codes, names = pd.factorize(members["county"].astype("str"), sort=True)
    of = np.full(len(rows.names), -1)
    place = pd.Index(rows.names).get_indexer(members["station_id"])
    of[place[place >= 0]] = codes[place >= 0]
    county = of[rows.station] if len(rows.names) else rows.station
    at = np.flatnonzero(county >= 0)
    low = int(rows.time[at].min()) if len(at) else 0
    steps = (rows.time[at] - low) // HOUR_S
    span = np.int64(steps.max() + 1 if len(at) else 1)
    key, back = np.unique(county[at] * span + steps, return_inverse=True)
    time = key % span * HOUR_S + low
    expected = _expected(members, codes, key // span, day_of(time))
    shape = (len(key), len(index.ITEMS))
    values, flags, count = np.full(shape, np.nan), np.zeros(shape, np.int8), np.zeros(shape, np.int64)
    for i, pollutant in enumerate(index.ITEMS):
        whole, there = fixed(rows.values[at, i])
        total = np.bincount(back, weights=whole, minlength=len(key)).astype(np.int64)  # below 2**53: exact
        count[:, i] = np.bincount(back, weights=there, minlength=len(key)).astype(np.int64)
        places = index.decimals(pollutant)
        mean = divide_half_even(total * 10**places, np.maximum(count[:, i], 1) * 10**FIXED) / 10.0**places
        enough = (count[:, i] > 0) & (count[:, i] >= setting("air.county", "share") * expected)
        values[:, i] = np.where(enough, mean, np.nan)
        flags[:, i] = np.where(enough, _flags(rows.flags[at, i], there, back, len(key)), int(Flag.MISSING))
    return _Counties(np.asarray(names, dtype=object)[key // span], time, values, flags, count, expected)


def _flags(flags: np.ndarray, there: np.ndarray, back: np.ndarray, n: int) -> np.ndarray:
    """Of each group 3 when a used value is suspect, else 2 when one was not evaluated, else 1."""
    out = np.full(n, int(Flag.PASS))
    for flag in (Flag.NOT_EVALUATED, Flag.SUSPECT):
        out[back[there & (flags == flag)]] = int(flag)
    return out


def _expected(members: pd.DataFrame, codes: np.ndarray, county: np.ndarray, day: np.ndarray) -> np.ndarray:
    """How many stations each county has on each day by the registry."""
    out = np.zeros(len(county), np.int64)
    limits = members[["valid_from", "valid_to"]].itertuples(index=False, name=None)
    for code, (first, last) in zip(codes, limits, strict=True):
        since = np.datetime64(first or "1970-01-01", "D").astype(np.int64)
        until = np.datetime64(last or "9999-12-31", "D").astype(np.int64)
        out += (county == code) & (day >= since) & (day <= until)
    return out


def _rows(found: _Counties, period: str, peak: np.ndarray | None = None) -> list[pd.DataFrame]:
    """Rows of the concentrations and of the index."""
    parts = []
    edition = editions("air assessment", dates(day_of(found.time)))
    mark = marked("75 % of stations")
    for i, pollutant in enumerate(index.ITEMS):
        known = ~np.isnan(found.values[:, i])
        at = np.flatnonzero(found.count[:, i] > 0)
        name = "air.county_O3_mda8" if pollutant == "O3" and period == DAY else f"air.county_{pollutant}"
        parts.append(
            results(
                indicator=name,
                medium="air",
                subject=found.subject[at],
                time=found.time[at],
                period=period,
                value=found.values[at, i],
                unit="mg/m3" if pollutant == "CO" else "ug/m3",
                grade="",
                n_valid=found.count[at, i],
                n_expected=np.maximum(found.expected[at], found.count[at, i]),
                flag=found.flags[at, i],
                detail=np.where(known[at], mark, joined("too few valid stations", mark)),
                edition=edition[at],
            )
        )
    return [*parts, *_index(found, period, peak, mark)]


def _index(found: _Counties, period: str, peak: np.ndarray | None, mark: str) -> list[pd.DataFrame]:
    parts = []
    edition = editions("aqi", dates(day_of(found.time)))
    for standard in np.unique(edition):
        at = np.flatnonzero(edition == standard)
        also = {("O3", "1h"): peak[at]} if peak is not None and standard == "HJ 633-2012" else None
        columns = index.HOURLY if period == HOUR else index.DAILY
        got = index.aqi(found.values[at], standard, columns, also=also)
        known = ~np.isnan(got.published)
        words = np.where(known, index.named(got.primary), "missing: " + index.named(got.missing))
        parts.append(
            results(
                indicator="air.county_aqi",
                medium="air",
                subject=found.subject[at],
                time=found.time[at],
                period=period,
                value=got.published,
                unit="1",
                grade=index.category(got.published),
                n_valid=(~got.missing).sum(axis=1),
                n_expected=len(index.ITEMS),
                flag=flag_of(found.flags[at], ~got.missing, known),
                detail=np.where(words == "", mark, words + "; " + mark),
                edition=standard,
            )
        )
    return parts
