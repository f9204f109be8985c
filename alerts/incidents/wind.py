"""The likely sources of an incident as the shell asks for them: the wind is read from the lake around its start."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from alerts.incidents.evidence import Places
from alerts.incidents.likely_sources import Alarms, Wind, as_dicts, likely_sources, mean_wind
from alerts.incidents.settle import Sources
from alerts.incidents.tables import settings
from domain.records import Flag
from domain.times import HOUR
from store.home import Home

_MOMENT = ["station_id", "time"]


def sources_of(home: Home, places: Places) -> Sources:
    """The function that tells the likely sources of an incident of this home."""

    def of(row: Mapping[str, Any], evidence: pd.DataFrame, alarms: Alarms) -> list[dict[str, Any]]:
        wind = wind_before(home, row, evidence) if row["kind"] == "air" else None
        return as_dicts(likely_sources(evidence, alarms, places, wind))

    return of


def wind_before(home: Home, row: Mapping[str, Any], evidence: pd.DataFrame) -> Wind | None:
    """The mean wind of the hours before an incident began: at its own stations, else at all of the county."""
    start = row["first_at"]
    found = home.lake.read(
        "observations",
        columns=["station_id", "parameter", "time", "value", "flag"],
        medium="air",
        start=start - timedelta(hours=settings()["wind_window"]),
        end=start + timedelta(hours=1),
        where={"parameter": ["wind_speed", "wind_dir"], "period": [HOUR]},
    )
    found = found[~found["flag"].isin([Flag.FAIL, Flag.MISSING])]
    own = found[found["station_id"].isin(evidence["subject"])]
    pairs = (own if len(own) else found).pivot_table(
        index=_MOMENT, columns="parameter", values="value", aggfunc="first"
    )
    if not {"wind_speed", "wind_dir"} <= set(pairs.columns):
        return None
    return mean_wind(*(pairs[name].to_numpy(dtype=np.float64) for name in ("wind_speed", "wind_dir")))
