"""A home in which people reported spots, for tests of the loop."""

import json
from datetime import datetime
from pathlib import Path

import pandas as pd

from alerts.incidents.run import join
from alerts.incidents.task_channel import GridTasks
from alerts.run import deliver
from domain.incidents import ANSWERS
from domain.records import TABLES
from store.home import SAMPLE_COUNTY, Home
from store.ledger.incidents import read_incidents
from tests.alerts.incidents.given import HOUR, T0

NOW = T0 + 3 * HOUR


def spot(name: str = "spot-grid-1", *, lon: float = 119.6462, lat: float = 28.5158, witnesses: int = 3, at: float = 0):
    detail = {
        "township": "331102204",
        "urgency": 1,
        "lon": lon,
        "lat": lat,
        "reports": [f"{name}-{n}" for n in range(witnesses)],
        "categories": ["S"],
        "last": (T0 + (at + 1) * HOUR).isoformat(),
    }
    return {
        "indicator": "human.spot", "medium": "human", "subject": name, "time": T0 + at * HOUR, "period": "PT1H",
        "value": float(witnesses), "unit": "1", "grade": "S", "n_valid": witnesses, "n_expected": witnesses, "flag": 1,
        "detail": json.dumps(detail), "edition": "",
    }  # fmt: skip


def answer(task: str, verdict: str, *, at: datetime, status: str = "closed"):
    return {
        "id": task, "source": ANSWERS, "grid_code": "331102204201001", "township": "331102204", "observed_at": NOW,
        "received_at": at, "lon": 119.6, "lat": 28.5, "category": "S", "urgency": 1, "text": "", "photos": "[]",
        "status": status, "verdict": verdict, "duplicate_of": "", "incident": "", "flag": 2, "feed": "grid_platform",
    }  # fmt: skip


def put(home: Home, table: str, *rows) -> None:
    home.lake.upsert(table, TABLES[table].frame(list(rows)), now=NOW, why="test")


def opened(root: Path, *rows) -> tuple[Home, str]:
    """A home with one incident, and its id."""
    home = Home.open(root, SAMPLE_COUNTY)
    put(home, "indicators", *(rows or (spot(),)))
    join(home, now=NOW, channels=["log"])
    return home, read_incidents(home.ledger, now=NOW)["id"].iloc[0]


def sent(home: Home, now: datetime) -> list[dict]:
    """The tasks as the platform picks them up."""
    channel = GridTasks.of(home.root, {})
    deliver(home, [channel], now=now)
    return [json.loads(path.read_text()) for path in sorted(channel.folder.iterdir())]


def row(home: Home, name: str) -> pd.Series:
    return read_incidents(home.ledger, now=NOW, active=None).set_index("id").loc[name]
