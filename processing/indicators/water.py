"""Surface water: the class of a section as measured and by day, and how far it is from its target."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.limits import LAKES, editions, target_class
from domain.records import Flag
from domain.standards import setting
from domain.times import DAY, HOUR, HOUR_4
from processing import surface_water as water
from processing.aggregate import (
    FIXED,
    Observed,
    attribute,
    dates,
    day_begin,
    day_of,
    flag_of,
    mean_rounded,
    results,
    together,
)
from processing.aqi import named
from processing.registered import indicator
from processing.rounding import round_half_even


@dataclass(frozen=True, slots=True)
class _Rows:
    """Items of sections side by side, as measured or of a day."""

    names: np.ndarray
    station: np.ndarray
    time: np.ndarray
    values: np.ndarray  # (n, k)
    flags: np.ndarray  # (n, k)
    seen: np.ndarray  # (n, k)


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
    parts = []
    for period in (HOUR, HOUR_4):
        rows = observed.wide(water.judged(), period)
        parts.append(
            _classes(_Rows(rows.names, rows.station, rows.time, rows.values, rows.flags, rows.seen), period, stations)
        )
    parts.append(_classes(_days(observed), DAY, stations))
    return together(parts)


def _classes(rows: _Rows, period: str, stations: pd.DataFrame) -> pd.DataFrame:
    day = day_of(rows.time)
    kind, target = (attribute(stations, rows, day, c) for c in ("kind", "target"))
    found = water.section(rows.values, water.judged(), np.isin(kind, LAKES))
    known = ~np.isnan(found.value)
    used = ~np.isnan(found.items)
    deciding = named(found.deciding & known[:, None] & (found.value > 1)[:, None], water.judged())
    common = {
        "medium": "water",
        "subject": rows.names[rows.station] if len(rows.station) else rows.station,
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
        detail=np.where(known, deciding, "no valid item"),
        **common,
    )
    aim = np.array([target_class(t) for t in target], dtype=float)
    over = named((found.items > aim[:, None]) & known[:, None], water.judged())
    excess = results(
        indicator="water.class_excess",
        value=found.value - aim,
        grade=np.where(known, np.where(found.value > aim, "超标", "达标"), ""),
        detail=np.where(known, over, "no valid item"),
        **common,
    )
    return together([classes, excess[aim > 0]])


def _days(observed: Observed) -> _Rows:
    """Items of each section and day: means of the day's values, else the value that was reported for the day.

    pH is averaged through its hydrogen ions. Hourly values go before 4-hourly ones, those before daily ones.
    """
    hourly, four, daily = (_day_means(observed, p) for p in (HOUR, HOUR_4, DAY))
    parts = [hourly, four, daily]
    station = np.concatenate([p.station for p in parts])
    day = np.concatenate([day_of(p.time) for p in parts])
    low = day.min() if len(day) else 0
    span = np.int64(day.max() - low + 1 if len(day) else 1)
    keys, back = np.unique(station * span + (day - low), return_inverse=True)
    shape = (len(keys), len(water.judged()))
    values, flags, seen = np.full(shape, np.nan), np.full(shape, int(Flag.MISSING), np.int8), np.zeros(shape, bool)
    first = 0
    for part in parts:
        row = back[first : first + len(part.station)]
        first += len(part.station)
        better = np.isnan(values[row]) & part.seen
        values[row] = np.where(better, part.values, values[row])
        flags[row] = np.where(better, part.flags, flags[row])
        seen[row] |= part.seen
    return _Rows(observed.names, keys // span, day_begin(keys % span + low), values, flags, seen)


def _day_means(observed: Observed, period: str) -> _Rows:
    days = observed.days(water.judged(), period)
    slots = days.values.shape[-1]
    need = int(np.ceil(setting("water.daily", "share") * slots))
    values = mean_rounded(days.values, need=need, decimals=FIXED)
    acid = water.judged().index("pH")
    enough = np.isfinite(days.values[:, acid]).sum(axis=-1) >= need
    values[:, acid] = np.where(enough, round_half_even(water.ph_mean(days.values[:, acid]), FIXED), np.nan)
    used = np.isfinite(days.values)
    flags = flag_of(days.flags, used, used.any(axis=-1)).astype(np.int8)
    return _Rows(days.names, days.station, days.time, values, flags, np.asarray(days.seen.any(axis=-1)))
