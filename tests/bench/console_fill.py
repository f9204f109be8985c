"""A home as large as the console must bear: 500 stations, ten years, 50,000 past incidents with what belongs to them.

What an answer costs depends on what it reads, so the lake has ten years of a value a day of every station, ten years of
hours of one of them, and one whole month of eight hourly parameters of all (2.9 million rows in one file): the next
hour falls into that month.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from domain.incidents import COLUMNS
from domain.records import TABLES
from domain.registry import STATION_COLUMNS
from store.home import SAMPLE_COUNTY, Home
from store.ledger import incident_tables, users
from store.ledger.audit import Entry, append
from store.ledger.users import User

#: The last hour of a Shanghai month but eight.
NOW = datetime(2026, 8, 31, 8, tzinfo=UTC)
STATIONS, YEARS, PAST, OPEN = 500, 10, 50_000, 200
PARAMETERS = ("SO2", "NO2", "CO", "O3", "PM10", "PM2.5", "air_temp", "humidity")
_SEVERITY = ("blue", "yellow", "orange", "red")
_MONTH = datetime(2026, 7, 31, 16, tzinfo=UTC)
_FIRST = NOW - timedelta(days=365 * YEARS)


def names() -> list[str]:
    """The stations."""
    return [f"bench-{n:03d}" for n in range(STATIONS)]


def fill(folder: Path) -> Home:
    """Make the home below a folder, the registry beside it in `county`."""
    county = folder / "county"
    county.mkdir()
    for path in SAMPLE_COUNTY.iterdir():
        if path.is_file():
            (county / path.name).write_bytes(path.read_bytes())
    place = ("air", "urban", "331102001")
    rows = [
        [name, f"站{n}", f"station {n}", *place, f"{119.6 + n / 1000:.4f}", "28.4", "", "", "PT1H", "2"]
        for n, name in enumerate(names())
    ]
    rows = [[*row, "", "", "", "2016-01-01", ""] for row in rows]
    pd.DataFrame(rows, columns=list(STATION_COLUMNS)).to_csv(county / "stations.csv", index=False)
    for name in ("channels", "sources"):
        text = (county / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0]
        (county / f"{name}.csv").write_text(text + "\n", encoding="utf-8")
    home = Home.open(folder / "home", county)
    days = pd.date_range(_FIRST, _MONTH - timedelta(days=1), freq="D")
    for month in np.array_split(days, YEARS * 12):
        hours = pd.date_range(month[0], month[-1] + timedelta(hours=23), freq="h")
        write(home, month, ("PM2.5",), "P1D", more=values(hours, ("PM2.5",), "PT1H", names()[:1]))
    write(home, pd.date_range(_MONTH, NOW, freq="h", inclusive="left"), PARAMETERS, "PT1H")
    _grades(home)
    _incidents(home)
    users.add_user(home.ledger, User("bench", "", "administrator"), now=NOW)
    return home


def values(times: pd.DatetimeIndex, parameters: tuple[str, ...], period: str, stations: list[str]) -> pd.DataFrame:
    """Observations of some stations at some times."""
    index = pd.MultiIndex.from_product([stations, parameters, times], names=["station_id", "parameter", "time"])
    frame = index.to_frame(index=False)
    rng = np.random.default_rng(len(index))
    return frame.assign(
        medium="air",
        period=period,
        value=np.round(rng.gamma(2, 20, len(frame)), 1),
        unit="ug/m3",
        flag=2,
        source_flag="N",
        feed="bench",
        received_at=pd.Timestamp(NOW),
    )


def write(
    home: Home, times: pd.DatetimeIndex, parameters: tuple[str, ...], period: str, more: pd.DataFrame | None = None
) -> None:
    """Write observations of all stations, and some more, in one commit."""
    frames = [values(times, parameters, period, names()), *([] if more is None else [more])]
    home.lake.upsert("observations", TABLES["observations"].frame(pd.concat(frames)), now=NOW, why="bench")


def _grades(home: Home) -> None:
    """The daily AQI of a year of every station: what the calendar shows and the map is coloured by."""
    days = pd.date_range(NOW - timedelta(days=366), NOW, freq="D").floor("D") + timedelta(hours=-8)
    index = pd.MultiIndex.from_product([names(), days], names=["subject", "time"])
    frame = index.to_frame(index=False)
    rng = np.random.default_rng(2)
    frame = frame.assign(
        indicator="air.aqi", medium="air", period="P1D", value=rng.integers(20, 180, len(frame)).astype(float),
        unit="1", grade="", n_valid=20, n_expected=24, flag=1, detail="", edition="HJ 633-2026",
    )  # fmt: skip
    home.lake.upsert("indicators", TABLES["indicators"].frame(frame), now=NOW, why="bench")


def _incidents(home: Home) -> None:
    rng = np.random.default_rng(1)
    rows, evidence, steps = [], [], []
    for n in range(PAST + OPEN):
        closed = n < PAST
        age = timedelta(minutes=int(rng.integers(60, 60 * 24 * 3650))) if closed else timedelta(hours=n % 40)
        row = incident(n, _SEVERITY[int(rng.integers(4))], NOW - age, closed=closed)
        rows.append(row)
        evidence += [_evidence(row, k) for k in range(3)]
        taken = ("opened", "acknowledge", "verify", "close") if closed else ("opened",)
        steps += [Entry("bench", str(row["id"]), step) for step in taken]
    with home.ledger.begin() as connection:
        incident_tables.put_incidents(connection, rows)
        incident_tables.put_evidence(connection, pd.DataFrame(evidence))
        append(connection, steps, NOW)


def incident(n: int, severity: str, opened: datetime, *, closed: bool) -> dict[str, Any]:
    """One incident as the ledger keeps it."""
    return {
        **dict.fromkeys(("founder", "river", "outcome", "assignee", "merged_into"), ""),
        "id": f"I{n:06d}",
        "kind": ("air", "water", "noise")[n % 3],
        "title_zh": f"站{n % STATIONS}：空气污染",
        "title_en": f"station {n % STATIONS}: air pollution",
        "summary_zh": "自昨日起 PM2.5 小时浓度持续高于三级限值，卫星影像同日可见裸露地块，两名网格员先后上报扬尘。",
        "summary_en": "PM2.5 above the limit since yesterday; bare ground seen from space; two reports of dust.",
        **dict.fromkeys(("first_at", "last_at", "opened_at", "created_at"), opened),
        "lon": 119.9,
        "lat": 28.4,
        "township": "331102001",
        "eyes": "ground,human",
        "n_evidence": 3,
        "log_odds": 1.0,
        "confidence": 0.7,
        "severity": severity,
        "sources": "[]",
        "handling": "closed" if closed else "open",
        "deadline": None if closed else opened + timedelta(hours=2),
        "historical": False,
        "active": not closed,
        "version": 3 if closed else 1,
        "escalated": 0,
        "reopened": 0,
    }


def _evidence(of: dict[str, Any], k: int) -> dict[str, Any]:
    """One piece of evidence as the ledger keeps it."""
    told = {
        "id": f"alert:{of['id']}-{k}", "origin": "alert", "ref": f"{of['id']}-{k}", "eye": ("ground", "human")[k % 2],
        "kind": of["kind"], "subject": names()[k], "township": of["township"], "severity": of["severity"],
        "starts_at": of["first_at"], "ends_at": of["first_at"] + timedelta(hours=3), "known_at": of["opened_at"],
        "sure_at": of["opened_at"],
        "certainty": 1.0, "lon": of["lon"], "lat": of["lat"], "extent_m": 0.0, "river_km": None, "standing": False,
        "incident_id": of["id"], "digest": "", "rule": "air.polluted",
        "summary_zh": "PM2.5 超标", "summary_en": "PM2.5",
    }  # fmt: skip
    return dict.fromkeys(COLUMNS, "") | told
