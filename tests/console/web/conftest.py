"""A small home full of hostile text, and who looks at it: made once."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from console.web.app import build
from console.web.roles import roles
from console.web.site import Site
from domain.records import TABLES, Alert, Reason, Rejection
from store.home import SAMPLE_COUNTY, Home
from store.ledger import alerts as book
from store.ledger import incident_tables, users
from store.ledger.suppressions import Suppression, say_suppression
from store.ledger.users import User

NOW = datetime(2026, 9, 1, tzinfo=UTC)
HOST = "http://testserver"

#: Text that acts where it is not kept a text: in a page, a database, a spreadsheet, a path, a template.
HOSTILE = (
    "<script>window.struck=1</script>",
    '"><img src=x onerror="window.struck=1">',
    "<svg/onload=window.struck=1>",
    "javascript:window.struck=1",
    "{{constructor.constructor('window.struck=1')()}}",
    "${7*7}{7*7}#{7*7}",
    "'; DROP TABLE users; --",
    "' OR '1'='1",
    '=HYPERLINK("http://evil.example","x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1+1",
    "../../etc/passwd",
    "%s%n%x{0}{lang}",
    "</textarea></title></style><b onmouseover=window.struck=1>b</b>",
    "\u202ertl\u0000nul",
)
PHONE = "13800000000"


def incident(identity: str = "I1", **changed) -> dict:
    """A row of incidents."""
    row = {
        "id": identity,
        "kind": "water",
        "founder": "e1",
        "title_zh": HOSTILE[0],
        "title_en": HOSTILE[1],
        "summary_zh": HOSTILE[2],
        "summary_en": HOSTILE[4],
        "first_at": NOW - timedelta(hours=5),
        "last_at": NOW,
        "opened_at": NOW - timedelta(hours=4),
        "lon": 119.9,
        "lat": 28.4,
        "township": "331102001",
        "river": "",
        "eyes": "ground,human",
        "n_evidence": 2,
        "log_odds": 1.0,
        "confidence": 0.73,
        "severity": "orange",
        "outcome": "",
        "sources": json.dumps([{"name_zh": HOSTILE[0], "name_en": HOSTILE[1], "why_zh": HOSTILE[2], "why_en": ""}]),
        "handling": "open",
        "assignee": "",
        "deadline": NOW + timedelta(hours=1),
        "created_at": NOW - timedelta(hours=4),
        "merged_into": "",
        "historical": False,
        "active": True,
        "version": 1,
        "escalated": 0,
        "reopened": 0,
    }
    return row | changed


def fill(home: Home) -> None:
    """Observations, indicators, reports, alerts, incidents and rejections, hostile wherever people write."""
    hours = [NOW - timedelta(hours=n) for n in range(1, 49)]
    seen = [
        {
            "medium": "air",
            "station_id": "air-1",
            "parameter": "PM2.5",
            "time": t,
            "period": "PT1H",
            "value": 20.0 + n,
            "unit": "ug/m3",
            "flag": 2,
            "source_flag": HOSTILE[n % len(HOSTILE)],
            "feed": "ground_hj212",
            "received_at": NOW,
        }
        for n, t in enumerate(hours)
        if n not in (10, 11, 12)
    ]
    home.lake.upsert("observations", TABLES["observations"].frame(seen), now=NOW, why="test")
    judged = [
        {k: seen[5][k] for k in ("medium", "station_id", "parameter", "time", "period")}
        | {"flag": 4, "tests": "spike", "level": "auto-checked"}
    ]
    home.lake.upsert("quality", TABLES["quality"].frame(judged), now=NOW, why="test")
    graded = [
        {
            "indicator": "air.aqi",
            "medium": "air",
            "subject": "air-1",
            "time": hours[0],
            "period": "PT1H",
            "value": 160.0,
            "unit": "1",
            "grade": "四级",
            "n_valid": 6,
            "n_expected": 6,
            "flag": 1,
            "detail": HOSTILE[0],
            "edition": "HJ 633-2026",
        }
    ]
    home.lake.upsert("indicators", TABLES["indicators"].frame(graded), now=NOW, why="test")
    reports = [
        {
            "id": f"R{n}",
            "source": "grid",
            "grid_code": "331102001001001",
            "township": "331102001",
            "observed_at": NOW - timedelta(hours=n + 1),
            "received_at": NOW,
            "lon": 119.9 + n / 1000,
            "lat": 28.4,
            "category": "W",
            "urgency": 2,
            "text": text,
            "photos": "[]",
            "status": "handling",
            "verdict": text,
            "duplicate_of": "",
            "incident": "",
            "flag": 2,
            "feed": "grid_platform",
        }
        for n, text in enumerate(HOSTILE)
    ]
    home.lake.upsert("reports", TABLES["reports"].frame(reports), now=NOW, why="test")
    _ledger(home)


def _ledger(home: Home) -> None:
    for n, hour in enumerate(range(48)):
        start = NOW - timedelta(hours=hour + 1)
        state = "failed" if n in (10, 11, 12) else "received"
        home.coverage.mark("ground_hj212", start, start + timedelta(hours=1), state, n_records=1, now=NOW)
    payload = f"ST=22;联系人：张示例 {PHONE} {HOSTILE[0]}".encode()
    home.ledger.reject(
        [
            Rejection(
                feed="ground_hj212",
                received_at=NOW - timedelta(hours=2),
                reason=Reason.BAD_CRC,
                detail=HOSTILE[1],
                raw_ref=home.files.archive(payload),
                offset=0,
                length=len(payload),
            )
        ]
    )
    alert = Alert(
        fingerprint="f1",
        rule="air.polluted",
        subject="air-1",
        labels={"township": HOSTILE[0]},
        status="firing",
        starts_at=NOW - timedelta(hours=3),
        fired_at=NOW - timedelta(hours=2),
        value=160,
        threshold=150,
        unit="1",
        severity="orange",
        summary_zh=HOSTILE[0],
        summary_en=HOSTILE[1],
    )
    with home.ledger.begin() as connection:
        book.insert(connection, [alert])
        incident_tables.put_incidents(connection, [incident()])
    quiet = Suppression(
        kind="silence", who=HOSTILE[0], why=HOSTILE[1], start=NOW, end=NOW + timedelta(hours=2), rule="air.*"
    )
    say_suppression(home.ledger, quiet, now=NOW)


@pytest.fixture(scope="session")
def county(tmp_path_factory) -> Path:
    """The sample county with a hostile station name and a hostile rule."""
    folder = tmp_path_factory.mktemp("county") / "county"
    shutil.copytree(SAMPLE_COUNTY, folder)
    table = folder / "stations.csv"
    text = table.read_text(encoding="utf-8").replace(
        "紫金站（模拟）,Zijin (simulated)", f"{HOSTILE[0]},{HOSTILE[2]}", 1
    )
    table.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def home(tmp_path_factory, county) -> Home:
    found = Home.open(tmp_path_factory.mktemp("home"), county)
    fill(found)
    for role in roles():
        users.add_user(found.ledger, User(role, HOSTILE[0], role), now=NOW)
    return found


@pytest.fixture(scope="session")
def site(home) -> Site:
    return Site(home, lambda: NOW, is_live=False)


@pytest.fixture(scope="session")
def app(site):
    return build(site, pages=False)


@pytest.fixture
def stranger(app) -> TestClient:
    return TestClient(app, base_url=HOST, follow_redirects=False)


@pytest.fixture
def as_role(app, site):
    """A browser in which an account of the role is signed in."""

    def signed(role: str) -> TestClient:
        secret = users.open_session(site.home.ledger, role, now=NOW, lasts=timedelta(hours=1))
        return TestClient(app, base_url=HOST, follow_redirects=False, cookies={site.cookie: secret})

    return signed
