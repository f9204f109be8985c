"""How fast the console answers with 500 stations, ten years and 50,000 past incidents, and with 50 people watching.

Ten years of hourly values are not what costs: the newest of a series is kept in memory and renewed by the days a commit
names. So the lake made here has ten years of one value a day of 500 stations (1.8 million rows, the log of 120 months)
and one month of eight hourly parameters (2.9 million rows); a new hour is written while people watch.
"""

import asyncio
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import numpy as np
import pandas as pd
import socketio

from console.web.app import build
from console.web.county import BaseMap
from console.web.site import COOKIE, Site
from console.web.watch import Watch
from domain.records import TABLES
from domain.registry import STATION_COLUMNS
from store.home import SAMPLE_COUNTY, Home
from store.ledger import incident_tables, users
from store.ledger.users import User

NOW = datetime(2026, 9, 1, tzinfo=UTC)
STATIONS, YEARS, PAST, WATCHING = 500, 10, 50_000, 50
PARAMETERS = ("SO2", "NO2", "CO", "O3", "PM10", "PM2.5", "air_temp", "humidity")
_CLIENT = re.compile(r"client_id[^0-9a-f]{1,12}([0-9a-f-]{36})")
_SEVERITY = ("blue", "yellow", "orange", "red")


def run() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        home = _home(Path(folder))
        site = Site(home, lambda: NOW, is_live=False)
        print(f"console: {STATIONS} stations, {YEARS} years, {PAST:,} past incidents")
        begun = time.perf_counter()
        site.observed.rows()
        site.computed.rows()
        print(f"  first look at the lake after a start        {time.perf_counter() - begun:8.2f} s")
        asyncio.run(_answers(site))
        _renewal(site)
        asyncio.run(_watched(site))
        _served(home, Path(folder) / "county")


def _home(folder: Path) -> Home:
    county = folder / "county"
    county.mkdir()
    for path in SAMPLE_COUNTY.iterdir():
        if path.is_file():
            (county / path.name).write_bytes(path.read_bytes())
    place = ("air", "urban", "331102001")
    rows = [
        [f"bench-{n:03d}", f"站{n}", f"station {n}", *place, f"{119.6 + n / 1000:.4f}", "28.4", "", "", "PT1H", "2"]
        for n in range(STATIONS)
    ]
    rows = [[*row, "", "", "", "2016-01-01", ""] for row in rows]
    pd.DataFrame(rows, columns=list(STATION_COLUMNS)).to_csv(county / "stations.csv", index=False)
    for name in ("channels", "sources"):
        text = (county / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0]
        (county / f"{name}.csv").write_text(text + "\n", encoding="utf-8")
    home = Home.open(folder / "home", county)
    days = pd.date_range(NOW - timedelta(days=365 * YEARS), NOW - timedelta(days=31), freq="D", tz=UTC)
    for month in np.array_split(days, YEARS * 12):
        _write(home, month, ("PM2.5",), "P1D")
    _write(
        home, pd.date_range(NOW - timedelta(days=30), NOW - timedelta(hours=1), freq="h", tz=UTC), PARAMETERS, "PT1H"
    )
    _incidents(home)
    users.add_user(home.ledger, User("bench", "", "administrator"), now=NOW)
    return home


def _write(home: Home, times: pd.DatetimeIndex, parameters: tuple[str, ...], period: str) -> None:
    stations = [f"bench-{n:03d}" for n in range(STATIONS)]
    index = pd.MultiIndex.from_product([stations, parameters, times], names=["station_id", "parameter", "time"])
    frame = index.to_frame(index=False)
    rng = np.random.default_rng(len(index))
    frame = frame.assign(
        medium="air",
        period=period,
        value=np.round(rng.gamma(2, 20, len(frame)), 1),
        unit="ug/m3",
        flag=2,
        source_flag="N",
        feed="bench",
        received_at=pd.Timestamp(NOW),
    )
    home.lake.upsert("observations", TABLES["observations"].frame(frame), now=NOW, why="bench")


def _incidents(home: Home) -> None:
    rng = np.random.default_rng(1)
    rows = []
    for n in range(PAST + 200):
        closed = n < PAST
        age = timedelta(minutes=int(rng.integers(60, 60 * 24 * 3650))) if closed else timedelta(hours=n % 40)
        rows.append(_row(n, _SEVERITY[int(rng.integers(4))], NOW - age, closed=closed))
    with home.ledger.begin() as connection:
        incident_tables.put_incidents(connection, rows)


def _row(n: int, severity: str, opened: datetime, *, closed: bool) -> dict[str, Any]:
    """One incident as the ledger keeps it."""
    return {
        **dict.fromkeys(("founder", "river", "outcome", "assignee", "merged_into"), ""),
        "id": f"I{n:06d}",
        "kind": ("air", "water", "noise")[n % 3],
        "title_zh": f"站{n % STATIONS}：空气污染",
        "title_en": f"station {n % STATIONS}: air pollution",
        "summary_zh": "自昨日起持续超标，两只眼看到同一处。",
        "summary_en": "above the limit since yesterday, seen by two eyes",
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


async def _answers(site: Site) -> None:
    app = build(site, pages=False)
    token = users.open_token(site.home.ledger, "bench", "bench", now=NOW, lasts=timedelta(days=1))
    headers = {"Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bench", headers=headers) as client:
        for what, path in {
            "latest value of every station": "/api/v1/latest",
            "latest values of one station": "/api/v1/latest?station=bench-042",
            "incident list, first 50 that need a person": "/api/v1/incidents?size=50",
            "incident list, red, past ones too": "/api/v1/incidents?size=50&past=true&severity=red",
            "incident list, a word in 50,000": "/api/v1/incidents?size=50&past=true&words=站42",
            "map state of every station": "/api/v1/geojson/stations",
        }.items():
            taken = []
            for _ in range(12):
                begun = time.perf_counter()
                answer = await client.get(path)
                taken.append((time.perf_counter() - begun) * 1000)
                answer.raise_for_status()
            told = f"{len(answer.content) / 1024:,.0f} kB"
            print(f"  {what:<43} {statistics.median(taken[1:]):8.1f} ms   first {taken[0]:7.1f} ms   {told}")


def _renewal(site: Site) -> None:
    """One new hour of all stations: from the commit to the newest values being known."""
    _write(site.home, pd.DatetimeIndex([pd.Timestamp(NOW)]), PARAMETERS, "PT1H")
    time.sleep(0.6)  # versions are asked for twice a second
    begun = time.perf_counter()
    site.observed.rows()
    print(f"  a new hour of all stations is known after   {(time.perf_counter() - begun) * 1000:8.1f} ms")


async def _watched(site: Site) -> None:
    """Fifty pages watch while incidents change: what one look costs, and how long until the last page is told."""
    watch = Watch(site, BaseMap(site))
    watch.look()
    told: list[float] = []
    watch.subscribers = {_teller(told, n) for n in range(WATCHING)}
    looks, delays = [], []
    for n in range(5):
        with site.home.ledger.begin() as connection:
            seen = incident_tables.committed(site.home.ledger)
            incident_tables.claim(connection, site.home.ledger, seen)
        begun = time.perf_counter()
        change = await asyncio.to_thread(watch.look)
        looks.append((time.perf_counter() - begun) * 1000)
        for tell in watch.subscribers:
            tell(change)
        delays.append((max(told) - begun) * 1000)
        told.clear()
        await asyncio.sleep(0.1 * (n % 2))
    quiet = [_timed(watch.look) for _ in range(5)]
    print(f"  one look when nothing changed               {statistics.median(quiet):8.1f} ms, whoever watches")
    print(f"  one look when an incident changed           {statistics.median(looks):8.1f} ms")
    print(f"  until the last of {WATCHING} pages is told            {statistics.median(delays):8.1f} ms")


def _teller(told: list[float], _n: int) -> Callable[[object], None]:
    return lambda _change: told.append(time.perf_counter())


def _served(home: Home, county: Path) -> None:
    """The real server in a process of its own, fifty pages open over their sockets."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", "from console.cli import main; main()", "console", "serve"]
    command += ["--home", str(home.root), "--port", str(port), "--until", NOW.isoformat()]
    environment = os.environ | {"SANYAN_REGISTRY": str(county)}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _listening(port)
        asyncio.run(_fifty(home, f"http://127.0.0.1:{port}", server.pid))
    finally:
        server.terminate()
        server.wait(timeout=20)


def _listening(port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError("the console did not come up")


async def _fifty(home: Home, url: str, pid: int) -> None:
    heard: dict[str, float] = {}
    secret = users.open_session(home.ledger, "bench", now=NOW, lasts=timedelta(days=1))
    cookie = {"Cookie": f"{COOKIE}={secret}"}
    async with httpx.AsyncClient(base_url=url, headers=cookie, timeout=120) as client:
        await client.get("/")
        built = []

        async def page() -> str:
            begun = time.perf_counter()
            answer = await client.get("/")
            built.append((time.perf_counter() - begun) * 1000)
            return _CLIENT.search(answer.text).group(1)

        sockets = [await _connected(url, cookie, await page(), heard) for _ in range(WATCHING)]
    await asyncio.sleep(4)  # pages that stand open cost what one look costs
    before, begun = _cpu_s(pid), time.perf_counter()
    await asyncio.sleep(6)
    idle = (_cpu_s(pid) - before) / (time.perf_counter() - begun)
    heard.clear()
    red = _row(PAST + 500, "red", NOW, closed=False)
    with home.ledger.begin() as connection:
        incident_tables.claim(connection, home.ledger, incident_tables.committed(home.ledger))
        incident_tables.put_incidents(connection, [red])
    begun = time.perf_counter()
    while len(heard) < WATCHING and time.perf_counter() - begun < 30:
        await asyncio.sleep(0.02)
    print(f"  a page is built in                          {statistics.median(built):8.1f} ms")
    print(f"  {WATCHING} open pages, nothing new: the server uses   {idle:8.1%} of one core")
    late = max(heard.values(), default=float("nan")) - begun
    print(f"  a red incident sounds on {len(heard)} of {WATCHING} pages after {late:8.2f} s (a look every 1.5 s)")
    for one in sockets:
        await one.disconnect()


async def _connected(url: str, cookie: dict[str, str], client_id: str, heard: dict[str, float]) -> Any:
    one = socketio.AsyncClient(reconnection=False)

    @one.on("*")
    async def _(_event: str, *said: Any) -> None:
        if "syAlarm" in str(said):
            heard.setdefault(client_id, time.perf_counter())

    query = {"client_id": client_id, "tab_id": client_id, "document_id": client_id, "next_message_id": 0}
    asked = urlencode(query | {"old_tab_id": "", "implicit_handshake": "true"})
    await one.connect(
        f"{url}?{asked}",
        headers=dict(cookie),
        transports=["websocket"],
        socketio_path="/_nicegui_ws/socket.io",
        wait_timeout=30,
    )
    return one


def _cpu_s(pid: int) -> float:
    """Processor seconds of a process so far (proc(5), fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    run()
