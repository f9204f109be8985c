"""Fertility grades of farmland soil by the second national soil survey."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from domain.times import DAY
from processing.aggregate import Observed, day_begin, day_of, flag_of, results, together
from processing.indicators.soil import samples
from processing.registered import indicator
from processing.soil_indices import fertility_grades

F = TypeVar("F", bound=Callable[..., Any])

#: Parameter without `soil_` -> item of the survey.
ITEMS = {"OM": "有机质", "TN": "全氮", "AP": "有效磷", "AK": "速效钾", "SK": "缓效钾"}
_WORDS = np.array(["", "一级", "二级", "三级", "四级", "五级", "六级"], dtype=object)


def _each(function: F) -> F:
    """Register one grade per nutrient."""
    for item, name_zh in ITEMS.items():
        function = indicator(
            f"soil.fertility_{item}",
            name_zh=f"土壤{name_zh}养分等级",
            name_en=f"fertility grade by soil {item}",
            unit="1",
            periods=(DAY,),
            subject="sample point",
            formula="grade 1 (rich) to 6 (poor); a value on a bound has the better grade, but for grade 1",
            completeness="the item",
            standard="second national soil survey",
            source="全国第二次土壤普查 grading table; bounds included below are our reading",
            confidence="partly confirmed",
            takes="observations",
            parameters=(f"soil_{item}",),
        )(function)
    return function


@_each
def fertility(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:
    """Grade 1 to 6 of each nutrient of each sample of farmland.

    Args:
        observed: laboratory results of a day.
        stations: the registry's stations (kind construction is left out).
    """
    rows = samples(observed, stations, tuple(ITEMS))
    day = day_of(rows.time)
    parts = []
    for i, (item, name_zh) in enumerate(ITEMS.items(), 1):
        at = np.flatnonzero(rows.seen[:, i])
        grades = fertility_grades(name_zh, rows.values[at, i])
        known = ~np.isnan(grades)
        parts.append(
            results(
                indicator=f"soil.fertility_{item}",
                medium="soil",
                subject=rows.subject[at],
                time=day_begin(day[at]),
                period=DAY,
                value=grades,
                unit="1",
                grade=_WORDS[np.nan_to_num(grades, nan=0).astype(int)],
                n_valid=known.astype(int),
                n_expected=1,
                flag=flag_of(rows.flags[at, i][:, None], known[:, None], known),
                detail=np.where(known, "", "no valid value"),
                edition="second national soil survey",
            )
        )
    return together(parts)
