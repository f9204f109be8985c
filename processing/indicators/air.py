"""Ambient air: the hourly and daily index, daily means, the daily maximum 8 h mean of ozone."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from domain.limits import air_limits, editions, in_force
from domain.records import Flag
from domain.standards import setting, table
from domain.times import DAY, HOUR
from processing import aqi as index
from processing.aggregate import (
    Days,
    Observed,
    Wide,
    attribute,
    dates,
    day_of,
    flag_of,
    mean_rounded,
    results,
    together,
)
from processing.air_profiles import hourly_index, profile_of, standard_of
from processing.periods import marked
from processing.registered import indicator

F = TypeVar("F", bound=Callable[..., Any])

_OZONE = index.ITEMS.index("O3")


@indicator(
    "air.aqi",
    name_zh="空气质量指数",
    name_en="air quality index",
    unit="1",
    periods=(HOUR, DAY),
    subject="station",
    formula="max of IAQI; IAQI = ceil((IH-IL)/(BH-BL)*(C-BL)+IL), C rounded half-even first",
    completeness="2012: what is there; 2026: all six items, or above 100 without the missing ones",
    standard="HJ 633-2012 to 2026-02-28, HJ 633-2026 from 2026-03-01",
    source="HJ 633-2012 4.2, 6; HJ 633-2026 4.2 to 5.3, table 1",
    confidence="confirmed",
    takes="observations",
    parameters=index.ITEMS,
    before_days=1,
)
def air_aqi(observed: Observed, stations: pd.DataFrame, *, edition: str | None = None) -> pd.DataFrame:
    """Hourly and daily air quality index with its primary pollutants (detail) and category (grade).

    Hourly: by the profile of the day, since 2026 and by the live platform before it 1 h means, PM through the 24 h
    column. Daily: 24 h means and the daily maximum 8 h mean of ozone; until 2026
    also its largest hour. Where an index may not be published the value is NaN and the detail names what is missing.

    Args:
        observed: hourly observations.
        stations: the registry's stations (zone decides the ozone limit of incomplete days).
        edition: an edition of HJ 633 for all days; by default the one in force on each.

    Raises:
        KeyError: there is no such edition.
    """
    rows = observed.wide(index.ITEMS, HOUR)
    hourly = _hourly_rows(rows, edition)
    days = observed.days(index.ITEMS, HOUR)
    means = _daily_means(days)
    means[:, _OZONE] = _mda8(days, stations).value
    peak = np.fmax.reduce(days.values[:, _OZONE], axis=-1)
    peak[np.isfinite(days.values[:, _OZONE]).sum(axis=-1) < setting("air.daily", "hours")] = np.nan
    worst = _worst(days)
    daily = _daily_rows(means, worst, days, peak, edition)
    return together([hourly, daily])


def _hourly_rows(rows: Wide, wanted: str | None) -> pd.DataFrame:
    """Index rows of hours, each by the profile of its day or all by that of one edition."""
    day = dates(day_of(rows.time))
    profile = editions("hourly aqi", day) if wanted is None else np.full(len(day), profile_of(wanted), dtype=object)
    parts = []
    for name in np.unique(profile):
        at = np.flatnonzero(profile == name)
        found = hourly_index(str(name), rows.station, rows.time, rows.values, at)
        parts.append(_index_rows(found, standard_of(str(name)), rows.flags[at], rows.subject[at], rows.time[at], HOUR))
    return together(parts)


def _daily_rows(
    values: np.ndarray, flags: np.ndarray, days: Days, peak: np.ndarray, wanted: str | None
) -> pd.DataFrame:
    """Index rows of days, each in the edition of its day or all in one."""
    day = dates(days.day)
    edition = editions("aqi", day) if wanted is None else np.full(len(day), wanted, dtype=object)
    parts = []
    for standard in np.unique(edition):
        at = np.flatnonzero(edition == standard)
        also = {("O3", "1h"): peak[at]} if standard == "HJ 633-2012" else None
        found = index.aqi(values[at], standard, index.DAILY, also=also)
        parts.append(_index_rows(found, standard, flags[at], days.subject[at], days.time[at], DAY))
    return together(parts)


def _index_rows(
    found: index.Aqi, standard: str, flags: np.ndarray, subject: np.ndarray, time: np.ndarray, period: str
) -> pd.DataFrame:
    known = ~np.isnan(found.published)
    missing = index.named(found.missing)
    return results(
        indicator="air.aqi",
        medium="air",
        subject=subject,
        time=time,
        period=period,
        value=found.published,
        unit="1",
        grade=index.category(found.published),
        n_valid=(~found.missing).sum(axis=1),
        n_expected=len(index.ITEMS),
        flag=flag_of(flags, ~found.missing, known),
        detail=np.where(known, index.named(found.primary), "missing: " + missing),
        edition=standard,
    )


def _means(function: F) -> F:
    """Register one daily mean per pollutant; ozone's day is its maximum 8 h mean."""
    for pollutant, name_zh in (
        ("SO2", "二氧化硫"),
        ("NO2", "二氧化氮"),
        ("CO", "一氧化碳"),
        ("PM10", "PM10"),
        ("PM2.5", "PM2.5"),
    ):
        function = indicator(
            f"air.{pollutant}",
            name_zh=f"{name_zh}日均值",
            name_en=f"daily mean of {pollutant}",
            unit="mg/m3" if pollutant == "CO" else "ug/m3",
            periods=(DAY,),
            subject="station",
            formula="mean of the hourly means of a Shanghai day, rounded half-even (CO 1 decimal, others 0)",
            completeness="20 of 24 hours",
            standard="GB 3095-2012, GB 3095-2026 by date",
            source="GB 3095-2026 chapter 3 and table 4",
            confidence="confirmed",
            takes="observations",
            parameters=(pollutant,),
        )(function)
    return function


@_means
def daily_means(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001 - all take both
    """Daily means of SO2, NO2, CO, PM10 and PM2.5; NaN below 20 hours.

    Args:
        observed: hourly observations.
        stations: not needed here.
    """
    days = observed.days(index.ITEMS, HOUR)
    means, hours, worst = _daily_means(days), np.isfinite(days.values).sum(axis=-1), _worst(days)
    edition = _gb3095_editions(days.day)
    parts = []
    for i, pollutant in enumerate(index.ITEMS):
        if pollutant == "O3":
            continue
        at = np.flatnonzero(days.seen[:, i].any(axis=-1))
        known = ~np.isnan(means[at, i])
        parts.append(
            results(
                indicator=f"air.{pollutant}",
                medium="air",
                subject=days.subject[at],
                time=days.time[at],
                period=DAY,
                value=means[at, i],
                unit="mg/m3" if pollutant == "CO" else "ug/m3",
                grade="",
                n_valid=hours[at, i],
                n_expected=24,
                flag=np.where(known, worst[at, i], int(Flag.MISSING)),
                detail=np.where(known, "", f"fewer than {setting('air.daily', 'hours'):.0f} hours"),
                edition=edition[at],
            )
        )
    return together(parts)


@indicator(
    "air.O3_mda8",
    name_zh="臭氧日最大8小时平均",
    name_en="daily maximum 8 h mean of ozone",
    unit="ug/m3",
    periods=(DAY,),
    subject="station",
    formula="largest mean of 8 consecutive hours ending 08:00 to 24:00, rounded half-even",
    completeness="6 hours a window; 14 of 17 windows, or the maximum above the limit",
    standard="GB 3095-2012, GB 3095-2026 by date",
    source="GB 3095-2026 table 4; HJ 663 6.1.2; window range from memory",
    confidence="partly confirmed",
    takes="observations",
    parameters=("O3",),
)
def ozone_mda8(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:
    """Daily maximum 8 h mean of ozone; NaN on days that do not count.

    Args:
        observed: hourly observations.
        stations: the registry's stations (zone decides the limit of incomplete days).
    """
    days = observed.days(index.ITEMS, HOUR)
    at = np.flatnonzero(days.seen[:, _OZONE].any(axis=-1))
    found = _mda8(days, stations)
    value = found.value[at]
    known = ~np.isnan(value)
    return results(
        indicator="air.O3_mda8",
        medium="air",
        subject=days.subject[at],
        time=days.time[at],
        period=DAY,
        value=value,
        unit="ug/m3",
        grade="",
        n_valid=found.windows[at],
        n_expected=17,
        flag=np.where(known, _worst(days)[at, _OZONE], int(Flag.MISSING)),
        detail=np.where(known, "", "too few valid 8 h means; ") + marked("range of windows"),
        edition=_gb3095_editions(days.day[at]),
    )


def _daily_means(days: Days) -> np.ndarray:
    """(n, 6) rounded daily means, NaN below 20 hours."""
    need = int(setting("air.daily", "hours"))
    return np.stack(
        [mean_rounded(days.values[:, i], need=need, decimals=index.decimals(p)) for i, p in enumerate(index.ITEMS)],
        axis=1,
    )


def _mda8(days: Days, stations: pd.DataFrame) -> index.Mda8:
    zone = attribute(stations, days, days.day, "zone")
    day = dates(days.day)
    limit = np.where(zone == "1", air_limits("O3", "daily_max_8h", 1, day), air_limits("O3", "daily_max_8h", 2, day))
    return index.mda8(
        days.values[:, _OZONE],
        limit,
        min_in_window=int(setting("air.O3_mda8", "hours_in_window")),
        min_windows=int(setting("air.O3_mda8", "windows")),
        first_end=int(setting("air.O3_mda8", "first_end")),
    )


def _worst(days: Days) -> np.ndarray:
    """(n, 6) flag of a day's statistic from those of its hours."""
    used = np.isfinite(days.values)
    return flag_of(days.flags, used, used.any(axis=-1))


def _gb3095_editions(days: np.ndarray) -> np.ndarray:
    rows = table("air_gb3095_limits").drop_duplicates("valid_from").sort_values("valid_from")
    return np.asarray(rows["standard"].to_numpy(object)[in_force(rows["valid_from"], dates(days))])
