"""The 8 h running mean of ozone, hour by hour."""

import numpy as np
import pandas as pd

from domain.limits import editions
from domain.records import Flag
from domain.times import HOUR
from processing.aggregate import HOUR_S, Observed, Wide, dates, day_of, results
from processing.air_profiles import ozone_8h
from processing.aqi import ITEMS
from processing.registered import indicator

_OZONE = ITEMS.index("O3")


@indicator(
    "air.O3_8h",
    name_zh="臭氧8小时滑动平均",
    name_en="8 h running mean of ozone",
    unit="ug/m3",
    periods=(HOUR,),
    subject="station",
    formula="mean of the 8 hourly means up to and including the hour, rounded half-even",
    completeness="6 of 8 hours",
    standard="GB 3095-2012, GB 3095-2026",
    source="GB 3095-2026 chapter 3 and table 4",
    confidence="confirmed",
    takes="observations",
    parameters=("O3",),
    before_days=1,
)
def ozone_running(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001 - all take both
    """8 h running mean of ozone at every hour with an observation; NaN with fewer than 6 hours.

    Args:
        observed: hourly observations.
        stations: not needed here.
    """
    rows = observed.wide(ITEMS, HOUR)
    found = ozone_8h(rows.station, rows.time, rows.values[:, _OZONE])
    at = np.flatnonzero(rows.seen[:, _OZONE])
    value, hours = found.value[at], found.hours[at]
    known = ~np.isnan(value)
    return results(
        indicator="air.O3_8h",
        medium="air",
        subject=rows.subject[at],
        time=rows.time[at],
        period=HOUR,
        value=value,
        unit="ug/m3",
        grade="",
        n_valid=hours,
        n_expected=8,
        flag=np.where(known, _worst(rows)[at], int(Flag.MISSING)),
        detail=np.where(known, "", "fewer than 6 of 8 hours"),
        edition=editions("air limits", dates(day_of(rows.time[at]))),
    )


def _worst(rows: Wide) -> np.ndarray:
    """(n,) flag of each running mean from those of the hours it used: 3, else 2, else 1."""
    there = np.isfinite(rows.values[:, _OZONE])
    out = np.full(len(rows), int(Flag.PASS))
    low = int(rows.time.min()) if len(rows) else 0
    key = rows.station * np.int64(int(rows.time.max()) - low + 8 * HOUR_S + 1 if len(rows) else 1) + (rows.time - low)
    first = np.searchsorted(key, key - 7 * HOUR_S)
    for flag in (Flag.NOT_EVALUATED, Flag.SUSPECT):
        marked = np.concatenate([[0], np.cumsum(there & (rows.flags[:, _OZONE] == flag))])
        out[marked[1:] > marked[first]] = int(flag)
    return out
