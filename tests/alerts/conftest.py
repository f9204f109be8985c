"""A home with the sample county, and short ways to put values into it."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from alerts.notifiers import Answer
from domain.records import TABLES
from domain.registry import Registry
from store.home import SAMPLE_COUNTY, Home
from store.ledger.alerts import read_alerts
from store.ledger.outbox import Letter

T0 = datetime(2026, 8, 18, 0, 0, tzinfo=UTC)  # 08:00 in Shanghai
HOUR = timedelta(hours=1)
Put = Callable[..., None]


@pytest.fixture(scope="session")
def county() -> Registry:
    return Registry.load(SAMPLE_COUNTY)


@pytest.fixture
def home(tmp_path: Path, county: Registry, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in ("SANYAN_WEBHOOK_URL", "SANYAN_LAKE_URL", "SANYAN_LEDGER_URL"):
        monkeypatch.delenv(name, raising=False)
    return Home(tmp_path, county)


def hours(n: float) -> datetime:
    return T0 + n * HOUR


def indicators(
    indicator: str,
    subject: str,
    values: Iterable[float | None],
    *,
    first: datetime = T0,
    period: str = "PT1H",
    every: timedelta | None = None,
    detail: str = "",
    medium: str = "",
) -> pd.DataFrame:
    """Values of an indicator in a row; None is a value that was never written."""
    step = every or {"PT1H": HOUR, "PT4H": 4 * HOUR, "P1D": 24 * HOUR}[period]
    rows = [
        {
            "indicator": indicator,
            "medium": medium or indicator.partition(".")[0],
            "subject": subject,
            "time": first + i * step,
            "period": period,
            "value": float(v),
            "unit": "1",
            "grade": "",
            "n_valid": 1,
            "n_expected": 1,
            "flag": 1,
            "detail": detail,
            "edition": "",
        }
        for i, v in enumerate(values)
        if v is not None
    ]
    return TABLES["indicators"].frame(rows)


def observations(
    station: str,
    parameter: str,
    values: Iterable[float | None],
    *,
    medium: str,
    first: datetime = T0,
    period: str = "PT1H",
    unit: str = "mg/L",
    flags: Iterable[int] | None = None,
) -> pd.DataFrame:
    step = {"PT1H": HOUR, "PT4H": 4 * HOUR}[period]
    listed = list(values)
    rows = [
        {
            "medium": medium,
            "station_id": station,
            "parameter": parameter,
            "time": first + i * step,
            "period": period,
            "value": float(v),
            "unit": unit,
            "flag": flag,
            "source_flag": "N",
            "feed": "ground_hj212",
            "received_at": first + (i + 1) * step,
        }
        for i, (v, flag) in enumerate(zip(listed, flags or [2] * len(listed), strict=True))
        if v is not None
    ]
    return TABLES["observations"].frame(rows)


def put(home: Home, table: str, frame: pd.DataFrame, **more: pd.DataFrame) -> None:
    home.lake.upsert(table, frame, now=T0, why="test", **more)


def final(home: Home) -> pd.DataFrame:
    """The alert table without what only tells how it came about."""
    found = read_alerts(home.ledger)
    return found[found["status"] != "withdrawn"].drop(columns=["id", "historical"]).reset_index(drop=True)


def brief(home: Home) -> list[tuple[str, str, str, str]]:
    """rule, subject, status, reason of every alert."""
    found = read_alerts(home.ledger)
    return [(a.rule, a.subject, a.status, a.reason) for a in found.itertuples()]


class Box:
    """A channel that keeps what it gets, and fails when told to."""

    def __init__(self, name: str = "box") -> None:
        self.name = name
        self.letters: list[Letter] = []
        self.answers: list[Answer] = []

    def send(self, letter: Letter) -> Answer:
        answer = self.answers.pop(0) if self.answers else Answer("sent")
        if answer.result == "sent":
            self.letters.append(letter)
        return answer
