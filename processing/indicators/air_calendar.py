"""The calendar of the air quality index: days of each category, and the warning tier of each day."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from domain.limits import editions
from domain.records import Flag
from domain.standards import table
from domain.times import DAY
from processing import air_statistics as rules
from processing.air_days import PERIODS
from processing.aqi import ITEMS
from processing.periods import Daily, Sheet, day_dates, last_dates, marked, worst_flag
from processing.registered import indicator
from processing.rounding import round_computed

F = TypeVar("F", bound=Callable[..., Any])

#: The six categories of HJ 633 as words of ids.
CATEGORIES = ("excellent", "good", "light", "moderate", "heavy", "severe")


def _days_of(function: F) -> F:
    """Register the days of each category of the calendar."""
    for word, zh in zip(CATEGORIES, table("air_aqi_categories")["category_cn"], strict=True):
        function = indicator(
            f"air.days_{word}",
            name_zh=f"{zh}天数",
            name_en=f"days of category {word}",
            unit="1",
            periods=PERIODS,
            subject="station or county",
            formula=f"days whose AQI lies in the category {zh}",
            completeness="what is valid; how many days are beside it",
            standard="HJ 633-2012, HJ 633-2026 by date of each day",
            source="HJ 633-2026 table 1",
            confidence="confirmed",
            takes="days",
            parameters=ITEMS,
        )(function)
    return function


@indicator(
    "air.good_days_rate",
    name_zh="优良天数比例",
    name_en="share of days with an AQI up to 100",
    unit="%",
    periods=PERIODS,
    subject="station or county",
    formula="days with AQI <= 100 / days with an AQI * 100, 1 decimal",
    completeness="what is valid; how many days are beside it",
    standard="HJ 633-2012, HJ 633-2026 by date of each day",
    source="HJ 663 (decimals one source)",
    confidence="partly confirmed",
    takes="days",
    parameters=ITEMS,
)
@_days_of
def calendar(daily: Daily, stations: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001 - all take both
    """Days of each AQI category, and the share of good ones.

    Args:
        daily: daily indicators of the year.
        stations: not needed here.
    """
    sheet = Sheet("air")
    index, flags = daily.values("air.aqi"), daily.flags("air.aqi")
    edges = table("air_aqi_categories")["aqi_high"].to_numpy(float)[:-1]
    level = np.where(np.isfinite(index), np.searchsorted(edges, np.nan_to_num(index)), -1)
    names = editions("aqi", last_dates(daily.spans))
    for i, span in enumerate(daily.spans):
        at = daily.columns(span)
        there = level[:, at] >= 0
        valid = there.sum(axis=1)
        common = {
            "subject": daily.subjects,
            "day": span.first,
            "flag": worst_flag(flags[:, at], there),
            "n_valid": valid,
            "n_expected": span.days,
            "edition": str(names[i]),
            "only": (flags[:, at] != Flag.MISSING).any(axis=1) | (valid > 0),
        }
        none = np.where(valid > 0, "", "no valid day").astype(object)
        for k, word in enumerate(CATEGORIES):
            days = np.where(valid > 0, (level[:, at] == k).sum(axis=1), np.nan)
            sheet.add(f"air.days_{word}", span.period, value=days, detail=none, **common)
        good = ((level[:, at] >= 0) & (level[:, at] <= 1)).sum(axis=1)
        rate = np.where(valid > 0, round_computed(100 * good / np.maximum(valid, 1), 1), np.nan)
        text = np.where(valid > 0, marked("decimals of the rate"), none).astype(object)
        sheet.add("air.good_days_rate", span.period, value=rate, unit="%", detail=text, **common)
    return sheet.frame()


@indicator(
    "air.warning_tier",
    name_zh="重污染天气预警等级",
    name_en="heavy-pollution warning tier reached",
    unit="1",
    periods=(DAY,),
    subject="station or county",
    formula="highest tier that the daily AQI up to this day reaches: 0 none, 1 the mildest; tiers by version",
    completeness="an AQI of the day; a missing day ends a run",
    standard="2017/2018 rule, 2024 national rule by date",
    source="air_warning_steps.csv",
    confidence="unconfirmed",
    takes="days",
    parameters=ITEMS,
)
def warnings(daily: Daily, stations: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001 - all take both
    """The warning tier that the observed daily AQI reaches each day.

    Args:
        daily: daily indicators of the year and the days before it.
        stations: not needed here.
    """
    sheet = Sheet("air")
    index, flags = daily.values("air.aqi"), daily.flags("air.aqi")
    versions = editions("heavy pollution warning", day_dates(daily.days))
    known = np.isfinite(index)
    seen = known | (flags != Flag.MISSING)
    for version in np.unique(versions[daily.within]):
        names = np.array(["无", *rules.tiers(str(version))], dtype=object)
        tier = rules.warning_tiers(index, str(version))
        mine = seen & (versions == version)
        mine[:, : daily.within.start] = False
        subject, day = np.nonzero(mine)
        value = np.where(known[subject, day], tier[subject, day], np.nan)
        mark = marked("tiers of 2024") if version == "2024 national" else ""
        sheet.add(
            "air.warning_tier",
            DAY,
            subject=daily.subjects[subject],
            day=daily.days[day],
            value=value,
            grade=np.where(np.isnan(value), "", names[tier[subject, day]]).astype(object),
            flag=np.where(np.isin(flags[subject, day], (1, 2, 3)), flags[subject, day], 2),
            n_valid=known[subject, day].astype(int),
            edition=str(version),
            detail=np.where(np.isnan(value), "no AQI", mark).astype(object),
        )
    return sheet.frame()
