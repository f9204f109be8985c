"""Items of water sections: daily means, oxygen saturation as measured."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from domain.catalogue import parameters
from domain.limits import editions
from domain.records import Flag
from domain.times import DAY, HOUR, HOUR_4
from processing.aggregate import Observed, dates, day_of, flag_of, results, together
from processing.periods import marked
from processing.registered import indicator
from processing.rounding import round_computed
from processing.water_days import ITEMS, as_measured, of_days
from processing.water_indices import do_saturation

F = TypeVar("F", bound=Callable[..., Any])


def _items(function: F) -> F:
    """Register the daily mean of every item."""
    known = parameters()
    for item in ITEMS:
        function = indicator(
            f"water.{item}",
            name_zh=f"{known.loc[item, 'name_zh']}日均值",
            name_en=f"daily mean of {known.loc[item, 'name_en']}",
            unit=str(known.loc[item, "unit"]),
            periods=(DAY,),
            subject="section",
            formula="mean of the day's values, 6 decimals; below detection: half the limit; pH through hydrogen ions",
            completeness="two thirds of the values (16 of 24, 4 of 6); else a value reported for the day",
            standard="GB 3838-2002; 环办监测函〔2020〕82号",
            source="HJ 915-2017 practice (from memory); pH 总站水字〔2020〕90号",
            confidence="unconfirmed",
            takes="observations",
            parameters=(item,),
        )(function)
    return function


@_items
def item_days(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001 - all take both
    """Daily mean of each item of each section; NaN with too few values.

    Args:
        observed: hourly, 4-hourly or daily observations.
        stations: not needed here.
    """
    rows = of_days(observed)
    known, mark = parameters(), marked("two thirds of a day")
    edition = editions("surface water", dates(day_of(rows.time)))
    parts = []
    for i, item in enumerate(rows.items):
        at = np.flatnonzero(rows.seen[:, i])
        there = np.isfinite(rows.values[at, i])
        parts.append(
            results(
                indicator=f"water.{item}",
                medium="water",
                subject=rows.subject[at],
                time=rows.time[at],
                period=DAY,
                value=rows.values[at, i],
                unit=str(known.loc[item, "unit"]),
                grade="",
                n_valid=there.astype(int),
                n_expected=1,
                flag=np.where(there, rows.flags[at, i], int(Flag.MISSING)),
                detail=np.where(there, mark, "too few values; " + mark),
                edition=edition[at],
            )
        )
    return together(parts)


@indicator(
    "water.DO_saturation",
    name_zh="溶解氧饱和度",
    name_en="saturation of dissolved oxygen",
    unit="%",
    periods=(HOUR, HOUR_4),
    subject="section",
    formula="DO / (468 / (31.6 + T)) * 100, 1 decimal, fresh water at one atmosphere",
    completeness="oxygen and water temperature of the same time",
    standard="HJ 2.3-2018",
    source="HJ 2.3-2018 annex D",
    confidence="confirmed",
    takes="observations",
    parameters=("DO", "water_temp"),
)
def saturation(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001 - all take both
    """Share of the oxygen that water of that temperature can hold, as measured.

    Args:
        observed: hourly or 4-hourly observations of DO and water temperature.
        stations: not needed here.
    """
    return together([_saturation(observed, period) for period in (HOUR, HOUR_4)])


def _saturation(observed: Observed, period: str) -> pd.DataFrame:
    all_rows = as_measured(observed, period)
    if "DO" not in all_rows.items:
        return together([])
    rows = all_rows.of(("DO",))
    both = all_rows.of(("DO", "water_temp"))
    oxygen = both.seen[:, both.items.index("DO")]
    warm = both.items.index("water_temp") if "water_temp" in both.items else None
    temp = np.full(len(rows.time), np.nan) if warm is None else both.values[oxygen, warm]
    flags = np.column_stack([rows.flags[:, 0], np.full(len(temp), 9) if warm is None else both.flags[oxygen, warm]])
    value = round_computed(100 * rows.values[:, 0] / do_saturation(temp), 1)
    known = np.isfinite(value)
    return results(
        indicator="water.DO_saturation",
        medium="water",
        subject=rows.subject,
        time=rows.time,
        period=period,
        value=value,
        unit="%",
        grade="",
        n_valid=np.isfinite(rows.values[:, 0]).astype(int) + np.isfinite(temp),
        n_expected=2,
        flag=flag_of(flags, np.isfinite(flags) & (flags != 9), known),
        detail=np.where(known, "", "no oxygen or no water temperature"),
        edition="HJ 2.3-2018",
    )
