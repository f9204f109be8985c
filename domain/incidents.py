"""The words of incidents: what several eyes saw of one matter, and what people do about it.

`Evidence` is one thing one eye says; a frame of evidence has these fields as columns (`frame`). An incident joins
evidence of one kind that is near in space and time; its `handling` is what people did, never what the data say.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum

import numpy as np
import pandas as pd

#: Reports with this source are tasks of ours that come back with a verdict; they are no witnesses of their own.
ANSWERS = "sanyan"


class Eye(StrEnum):
    """Who saw it."""

    SKY = "sky"
    GROUND = "ground"
    HUMAN = "human"


class Handling(StrEnum):
    """What people did about an incident, in the order of the loop."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    DISPATCHED = "dispatched"
    VERIFIED = "verified"
    CLOSED = "closed"


class Outcome(StrEnum):
    """What somebody who went there says."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    INSTRUMENT = "instrument"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing one eye says: an alarm, a candidate polygon, a spot of reports, or the verdict of somebody there."""

    id: str  # origin and id in its own table; ASCII
    origin: str  # alert, candidate, spot, verdict
    ref: str  # id in its own table
    eye: str
    weight: str  # row of incident_weights.csv
    kind: str  # row of incident_kinds.csv
    rule: str  # of an alarm, else ""
    subject: str
    township: str
    name_zh: str
    name_en: str
    severity: str
    standing: bool  # False: withdrawn by corrected data or by the reporter; kept, but says nothing
    certainty: float  # 0..1, or the number of witnesses of a spot
    starts_at: datetime
    ends_at: datetime | None  # None: it goes on
    known_at: datetime  # when it can first have been known
    sure_at: datetime | None = None  # when a second witness was heard; until then a spot weighs as one report
    lon: float  # WGS 84; NaN when it has no place
    lat: float
    extent_m: float  # how far it reaches around that point
    river: str
    river_km: float  # NaN when it lies on no river
    keys: str  # words separated by blanks; evidence that shares one belongs together
    summary_zh: str
    summary_en: str


COLUMNS = tuple(f.name for f in fields(Evidence))
_TIMES = ("starts_at", "ends_at", "known_at", "sure_at")
_NUMBERS = ("certainty", "lon", "lat", "extent_m", "river_km")
EPOCH = pd.Timestamp("1970-01-01", tz="UTC")
NEVER = np.iinfo(np.int64).max // 4


def frame(rows: Iterable[Evidence] | pd.DataFrame) -> pd.DataFrame:
    """Evidence as a frame with these columns and dtypes, ordered by id; of two rows of one id the last stays."""
    data = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame([_plain(r) for r in rows], columns=list(COLUMNS))
    data = data.drop_duplicates("id", keep="last").sort_values("id", kind="stable").reset_index(drop=True)
    out = {}
    for name in COLUMNS:
        if name in _TIMES:
            out[name] = pd.to_datetime(data[name], utc=True).astype("datetime64[us, UTC]")
        elif name in _NUMBERS:
            out[name] = data[name].astype(float)
        elif name == "standing":
            out[name] = data[name].astype(bool)
        else:
            out[name] = data[name].astype("str")
    return pd.DataFrame(out)


def micros(times: pd.Series, *, missing: int = NEVER) -> np.ndarray:
    """(n,) int64 microseconds since 1970; `missing` where there is no time."""
    values = times.to_numpy(dtype="datetime64[us]").astype(np.int64)
    return np.where(times.isna().to_numpy(), missing, values)


def _plain(row: Evidence) -> dict[str, object]:
    return {name: getattr(row, name) for name in COLUMNS}
