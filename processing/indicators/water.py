"""Surface water: the class of a section as measured and by day, and how far it is from its target."""

import numpy as np
import pandas as pd

from domain.limits import LAKES, editions, target_class
from domain.times import DAY, HOUR, HOUR_4
from processing import surface_water as water
from processing.aggregate import Observed, attribute, dates, day_of, flag_of, results, together
from processing.aqi import named
from processing.periods import marked
from processing.registered import indicator
from processing.water_days import Rows, as_measured, of_days


@indicator(
    "water.class",
    name_zh="断面水质类别",
    name_en="class of a water section",
    unit="1",
    periods=(HOUR, HOUR_4, DAY),
    subject="section",
    formula="worst class of the measured items, rounded to evaluation decimals; below detection: half the limit",
    completeness="what is measured; a day's item needs two thirds of its values",
    standard="GB 3838-2002",
    source="GB 3838-2002 5.1 and table 1; 环办监测函〔2020〕82号; 总站水字〔2018〕87号",
    confidence="partly confirmed",
    takes="observations",
    parameters=water.judged(),
)
@indicator(
    "water.class_excess",
    name_zh="断面水质超目标级数",
    name_en="classes a section is worse than its target",
    unit="1",
    periods=(HOUR, HOUR_4, DAY),
    subject="section",
    formula="class minus target class; above 0 the target is missed",
    completeness="as water.class",
    standard="GB 3838-2002",
    source="GB 3838-2002 5.1; target class of the section in the registry",
    confidence="partly confirmed",
    takes="observations",
    parameters=water.judged(),
)
def water_class(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:
    """Single-factor class of each section, 1 to 6, with the items that decide it (detail).

    Args:
        observed: hourly, 4-hourly or daily observations.
        stations: the registry's stations (kind: lake or river; target class).
    """
    judged = water.judged()
    parts = [_classes(as_measured(observed, period).of(judged), period, stations) for period in (HOUR, HOUR_4)]
    return together([*parts, _classes(of_days(observed).of(judged), DAY, stations)])


def _classes(rows: Rows, period: str, stations: pd.DataFrame) -> pd.DataFrame:
    day = day_of(rows.time)
    kind, target = (attribute(stations, rows, day, c) for c in ("kind", "target"))
    found = water.section(rows.values, rows.items, np.isin(kind, LAKES))
    known = ~np.isnan(found.value)
    used = ~np.isnan(found.items)
    deciding = named(found.deciding & known[:, None] & (found.value > 1)[:, None], rows.items)
    common = {
        "medium": "water",
        "subject": rows.subject,
        "time": rows.time,
        "period": period,
        "unit": "1",
        "n_valid": used.sum(axis=1),
        "n_expected": rows.seen.sum(axis=1),
        "flag": flag_of(rows.flags, used, known),
        "edition": editions("surface water", dates(day)),
    }
    classes = results(
        indicator="water.class",
        value=found.value,
        grade=water.grade(found.value),
        detail=_told(deciding, known, period),
        **common,
    )
    aim = np.array([target_class(t) for t in target], dtype=float)
    over = named((found.items > aim[:, None]) & known[:, None], rows.items)
    excess = results(
        indicator="water.class_excess",
        value=found.value - aim,
        grade=np.where(known, np.where(found.value > aim, "超标", "达标"), ""),
        detail=_told(over, known, period),
        **common,
    )
    return together([classes, excess[aim > 0]])


def _told(items: np.ndarray, known: np.ndarray, period: str) -> np.ndarray:
    """The items, and for a day the number that nobody could confirm."""
    mark = marked("two thirds of a day") if period == DAY else ""
    with_mark = np.where(items == "", mark, items + "; " + mark) if mark else items
    return np.where(known, with_mark, "no valid item")
