"""Rows to write: plain builders, so that a test is rows in, rows out."""

from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from domain.records import TABLES
from store.lake import Lake
from store.ledger import Ledger
from tests.store.postgres import binaries, database, emptied, server

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


@pytest.fixture(scope="session")
def postgres():
    """The address of a PostgreSQL that has the tables of the ledger."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql): the ledger is tested on SQLite alone")
    with server(programs) as folder:
        address = database(folder, "ready")
        Ledger(address).engine.dispose()
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request, tmp_path):
    """The address of an empty ledger on each database that we support."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    return emptied(request.getfixturevalue("postgres"))


@pytest.fixture
def ledger(ledger_url):
    found = Ledger(ledger_url)
    yield found
    found.engine.dispose()


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


def put(lake, frame, **kwargs):
    return lake.upsert("observations", frame, now=NOW, why="test", **kwargs)


def values(lake):
    found = lake.read("observations")
    return dict(zip(zip(found["station_id"], found["time"].astype(str), strict=True), found["value"], strict=True))


def files(lake, table="observations"):
    actions = pa.table(DeltaTable(f"{lake.root}/{table}").get_add_actions(flatten=True))
    return {a["partition.month"]: a for a in actions.to_pylist()}
