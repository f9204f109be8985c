"""Air by month, season and year: means, percentiles, days above the limit.

Subjects are stations and counties; a county's days are the indicators `air.county_*`.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from domain.limits import air_limits, editions
from domain.records import Flag
from domain.standards import table
from domain.times import MONTH, SEASON, YEAR
from processing import air_statistics as rules
from processing.air_days import AVERAGING, DECIMALS_OF, PERIODS, SOURCES, UNIT, statistic_of, valid_spans
from processing.aqi import ITEMS
from processing.periods import Daily, Sheet, day_dates, joined, last_dates, marked, worst_flag
from processing.registered import indicator
from processing.rounding import round_computed

F = TypeVar("F", bound=Callable[..., Any])


def _name(pollutant: str, kind: tuple[str, int]) -> str:
    return f"air.{pollutant}_mean" if kind[0] == "mean" else f"air.{pollutant}_p{kind[1]}"


def _statistics(function: F) -> F:
    """Register the mean or percentile of every item."""
    for pollutant, kinds in rules.STATISTICS.items():
        for kind in kinds:
            words = ("均值", "mean") if kind[0] == "mean" else (f"第{kind[1]}百分位数", f"percentile {kind[1]}")
            day = "daily maximum 8 h means" if pollutant == "O3" else "daily means"
            function = indicator(
                _name(pollutant, kind),
                name_zh=f"{pollutant}月、季、年{words[0]}",
                name_en=f"{words[1]} of the {day} of {pollutant}",
                unit=UNIT[pollutant],
                periods=PERIODS,
                subject="station or county",
                formula=f"{words[1]} of the {day}; k = 1 + (n-1)p/100, linear; decimals by edition",
                completeness="month 27 days (February 25); season its three months; year 324 days and every month",
                standard="HJ 663-2013, HJ 663-2026 by date; validity GB 3095",
                source="GB 3095-2026 table 4; HJ 663 table 1 and annex A; air_rounding.csv",
                confidence="partly confirmed",
                takes="days",
                parameters=(pollutant,),
            )(function)
    return function


@_statistics
def statistics(daily: Daily, stations: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001 - all take both
    """Means and percentiles of each item over months, seasons and the year; NaN where too few days are valid.

    Args:
        daily: daily indicators of the year.
        stations: not needed here.
    """
    sheet = Sheet("air")
    editions_of = editions("air assessment", last_dates(daily.spans))
    for pollutant, kinds in rules.STATISTICS.items():
        values, flags = daily.values(SOURCES[pollutant]), daily.flags(SOURCES[pollutant])
        there = np.isfinite(values)
        valid, counts = valid_spans(daily, values)
        for i, span in enumerate(daily.spans):
            columns, edition = daily.columns(span), str(editions_of[i])
            seen = (flags[:, columns] != Flag.MISSING).any(axis=1) | there[:, columns].any(axis=1)
            if not seen.any():
                continue
            flag = worst_flag(flags[:, columns], there[:, columns])
            places = rules.decimals(edition, "statistics", pollutant)
            few = f"too few valid days: a {_WORD[span.period]}"
            for kind in kinds:
                found = np.where(valid[:, i], statistic_of(values[:, columns], kind, places), np.nan)
                mark = marked(*((f"percentile {kind[1]}",) if kind[0] == "p" else ()), DECIMALS_OF[edition])
                sheet.add(
                    _name(pollutant, kind),
                    span.period,
                    subject=daily.subjects,
                    day=span.first,
                    value=found,
                    unit=UNIT[pollutant],
                    flag=flag,
                    n_valid=counts[:, i],
                    n_expected=span.days,
                    edition=edition,
                    detail=np.where(valid[:, i], mark, few).astype(object),
                    only=seen,
                )
    return sheet.frame()


_WORD = {
    MONTH: "month needs 27 days, February 25",
    SEASON: "season needs its months valid",
    YEAR: "year needs 324 days and every month",
}


def _exceedance(function: F) -> F:
    """Register days above the limit and the share of days within it, for every item."""
    for pollutant in ITEMS:
        common: dict[str, Any] = {
            "periods": PERIODS,
            "subject": "station or county",
            "completeness": "what is valid; how many days are beside it",
            "standard": "GB 3095-2012, GB 3095-2026 by date of each day",
            "source": "GB 3095 tables 1 and 2; HJ 663 (decimals one source)",
            "confidence": "partly confirmed",
            "takes": "days",
            "parameters": (pollutant,),
        }
        function = indicator(
            f"air.{pollutant}_exceed_days",
            name_zh=f"{pollutant}超标天数",
            name_en=f"days of {pollutant} above the daily limit",
            unit="1",
            formula="days whose value exceeds the limit of the day; detail: largest multiple (C-S)/S and its day",
            **common,
        )(function)
        function = indicator(
            f"air.{pollutant}_attainment_rate",
            name_zh=f"{pollutant}达标率",
            name_en=f"share of valid days of {pollutant} within the daily limit",
            unit="%",
            formula="days within the limit / valid days * 100, 1 decimal",
            **common,
        )(function)
    return function


@_exceedance
def exceedance(daily: Daily, stations: pd.DataFrame) -> pd.DataFrame:
    """Days above the limit that held on them, the largest multiple, and the share of valid days within it.

    Args:
        daily: daily indicators of the year.
        stations: the registry's stations (zone decides the level; counties are judged by level 2).
    """
    sheet = Sheet("air")
    first_level = daily.registered(stations, "zone") == "1"
    names = _limit_editions(daily.days)
    for pollutant in ITEMS:
        values, flags = daily.values(SOURCES[pollutant]), daily.flags(SOURCES[pollutant])
        levels = [air_limits(pollutant, AVERAGING[pollutant], n, day_dates(daily.days)) for n in (1, 2)]
        limit = np.where(first_level, *levels)
        there = np.isfinite(values)
        over = there & (values > limit)
        times_over = np.where(over, values / limit - 1, 0)
        for span in daily.spans:
            at = daily.columns(span)
            valid, above = there[:, at].sum(axis=1), over[:, at].sum(axis=1)
            worst = np.argmax(times_over[:, at], axis=1)
            multiple = round_computed(times_over[np.arange(len(valid)), at.start + worst], 2)
            text = [
                f"max multiple {m:.2f} on {d}" if n else ""
                for n, m, d in zip(above, multiple, day_dates(span.first + worst), strict=True)
            ]
            common: dict[str, Any] = {
                "subject": daily.subjects,
                "day": span.first,
                "flag": worst_flag(flags[:, at], there[:, at]),
                "n_valid": valid,
                "n_expected": span.days,
                "edition": names[at.stop - 1],
                "only": (flags[:, at] != Flag.MISSING).any(axis=1) | (valid > 0),
            }
            known = np.where(valid > 0, above, np.nan)
            missing = np.where(valid > 0, "", "no valid day")
            sheet.add(
                f"air.{pollutant}_exceed_days",
                span.period,
                value=known,
                detail=[joined(t, m) for t, m in zip(text, missing, strict=True)],
                **common,
            )
            rate = round_computed(100 * (valid - known) / np.maximum(valid, 1), 1)
            sheet.add(
                f"air.{pollutant}_attainment_rate",
                span.period,
                value=rate,
                unit="%",
                detail=np.where(valid > 0, marked("decimals of the rate"), "no valid day").astype(object),
                **common,
            )
    return sheet.frame()


def _limit_editions(days: np.ndarray) -> np.ndarray:
    rows = table("air_gb3095_limits").drop_duplicates("valid_from").sort_values("valid_from")
    starts = rows["valid_from"].to_numpy(dtype="datetime64[D]")
    at = np.maximum(np.searchsorted(starts, day_dates(days), side="right") - 1, 0)
    return np.asarray(rows["standard"].to_numpy(object)[at])
