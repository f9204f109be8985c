"""Short ways to write observations and stations down in tests."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd

from domain.records import TABLES
from domain.registry import STATION_COLUMNS
from domain.times import LENGTHS
from processing.aggregate import Observed

NOW = datetime(2026, 9, 1, tzinfo=UTC)


def local(text: str) -> pd.Timestamp:
    """A Shanghai time as UTC."""
    return pd.Timestamp(text, tz="Asia/Shanghai").tz_convert("UTC").as_unit("us")


def series(
    station: str,
    parameter: str,
    values: Sequence[float],
    start: str = "2026-08-18 00:00",
    *,
    period: str = "PT1H",
    medium: str = "air",
    flag: int = 2,
    source_flag: str = "",
) -> pd.DataFrame:
    """Values one period apart, in the columns of the table; NaN is a value that is missing."""
    step = LENGTHS[period]
    return TABLES["observations"].frame(
        [
            {
                "medium": medium,
                "station_id": station,
                "parameter": parameter,
                "time": local(start) + i * step,
                "period": period,
                "value": float(value),
                "unit": "1",
                "flag": 9 if value != value else flag,
                "source_flag": source_flag,
                "feed": "test",
                "received_at": NOW,
            }
            for i, value in enumerate(values)
        ]
    )


def observed(*parts: pd.DataFrame, flag: int | None = 1) -> Observed:
    """Observations as indicators get them: flagged as passed unless they are missing, or as they are with None."""
    frame = pd.concat(parts, ignore_index=True)
    if flag is not None:
        frame["flag"] = frame["flag"].where(frame["flag"].isin((3, 4, 9)), flag).astype("int32")
    return Observed(frame.assign(tests=""))


def stations(**columns: str) -> pd.DataFrame:
    """One station of the registry; columns that are not given are empty."""
    return pd.DataFrame([dict.fromkeys(STATION_COLUMNS, "") | {"valid_from": "2020-01-01"} | columns])
