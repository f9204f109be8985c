"""Rows to write: plain builders, so that a test is rows in, rows out."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from domain.records import TABLES
from store.lake import Lake

NOW = datetime(2026, 9, 1, tzinfo=UTC)


def observations(
    values: dict[tuple[str, str], float], *, received: str = "2026-08-20T00:00Z", feed: str = "test"
) -> pd.DataFrame:
    """{(station, time): value} of PM2.5 as an observation frame."""
    return TABLES["observations"].frame(
        [
            {
                "medium": "air",
                "station_id": station,
                "parameter": "PM2.5",
                "time": pd.Timestamp(time),
                "period": "PT1H",
                "value": value,
                "unit": "ug/m3",
                "flag": 2,
                "source_flag": "N",
                "feed": feed,
                "received_at": pd.Timestamp(received),
            }
            for (station, time), value in values.items()
        ]
    )


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")
