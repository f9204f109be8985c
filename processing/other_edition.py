"""Any day under the other edition: what the index of a day would have been by the breakpoints of another HJ 633.

History is never restated: the table `indicators` holds each day in the edition in force on it. This is for comparing a
year across a change of editions, computed on request and kept nowhere.
"""

from datetime import datetime, timedelta

import pandas as pd

from domain.times import DAY
from processing.aggregate import Observed
from processing.aqi import ITEMS
from processing.indicators.air import air_aqi
from store.home import Home

_KEY = ["station_id", "parameter", "time", "period"]


def under(home: Home, edition: str, *, start: datetime, end: datetime) -> pd.DataFrame:
    """Daily AQI of every station as published and under another edition, side by side.

    Args:
        home: memory and registry.
        edition: HJ 633-2012 or HJ 633-2026.
        start: start of the first day, UTC.
        end: start of the first day after.

    Returns:
        subject, time, then `edition, value, grade, detail` in force and the same with `_other`; rows where both are
        missing are left out.

    Raises:
        KeyError: there is no such edition.

    Source: HJ 633-2012, HJ 633-2026; the daily rules of each.
    """
    observed = home.lake.read(
        "observations", medium="air", start=start - timedelta(days=1), end=end, where={"parameter": list(ITEMS)}
    )
    judged = home.lake.read(
        "quality",
        columns=[*_KEY, "flag", "tests"],
        medium="air",
        start=start - timedelta(days=1),
        end=end,
        where={"parameter": list(ITEMS)},
    )
    flagged = observed.merge(judged, on=_KEY, how="left", suffixes=("", "_judged"))
    flagged["flag"] = flagged["flag_judged"].fillna(flagged["flag"]).astype("int32")
    flagged["tests"] = flagged["tests"].fillna("")
    rows = Observed(flagged)
    both = [air_aqi(rows, home.registry.stations, edition=name) for name in (None, edition)]
    said = ["subject", "time", "edition", "value", "grade", "detail"]
    days = [part.loc[(part["period"] == DAY) & (part["time"] >= start) & (part["time"] < end), said] for part in both]
    out = days[0].merge(days[1], on=["subject", "time"], suffixes=("", "_other"))
    return out[out["value"].notna() | out["value_other"].notna()].sort_values(["subject", "time"], ignore_index=True)
