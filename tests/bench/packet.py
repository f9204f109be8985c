"""From a breaching packet of a device to the message at an HTTP receiver, through a real gateway and a real Airflow.

The packet is the one of the simulated ammonia spill that makes its rule fire, moved by whole days to today. Everything
before it is in memory already. It is sent over TCP to `sanyan gateway serve`, which asks Airflow to run
`watch_minutely`; or its file is moved among the feed's files, and Airflow is asked by hand. The clock stops when the
receiver has the message. Airflow's own record says where the time goes.

    python -m tests.bench.packet
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from alerts.run import deliver, evaluate
from console.orchestrator import Airflow, airflow, environment_of
from domain.times import LOCAL
from ingest.feeds import for_registry
from ingest.gateway.journal import drop
from ingest.run import ingest
from processing.period_run import compute_periods
from processing.run import compute
from sample_feeds.hj212_frames import frame
from sample_feeds.play import Packet, packets, send
from sample_feeds.scenario import load
from store.home import SAMPLE_COUNTY, Home
from store.ledger.alerts import read_alerts
from tests.bench.latency import FEED, FIRST, GOAL_S, HOUR, LAST, RULE, SPILL, message, receiver
from tests.pipeline import SEED, START

DAG = "watch_minutely"
WARM = 5
DEVICES, PACKETS_OF_EACH = 100, 50


@dataclass(frozen=True)
class Given:
    """What is there before the packet comes."""

    feeds: Path
    home: Path
    before: Path  # the home as it is before the packet
    registry: Path
    breach: Packet


def run() -> list[dict[str, Any]]:
    """Print and return how long the packet takes on each way."""
    with tempfile.TemporaryDirectory() as folder, receiver() as (url, arrived):
        root = Path(folder)
        given = prepared(root)
        told = environment_of(given.home, str(given.feeds), START.isoformat(), retries=0)
        told |= {"SANYAN_WEBHOOK_URL": url, "SANYAN_REGISTRY": str(given.registry)}
        results = []
        with airflow(root / "airflow", told) as server:
            server.ready([DAG])
            server.unpause(DAG)
            with _gateway(root, given, server) as port:
                for n in range(1 + WARM):
                    way = "over TCP, the first after a start" if not n else "over TCP, warm"
                    results.append(_one(way, server, given, arrived, lambda: _over_tcp(given, port)))
                for _ in range(2):
                    way = "over TCP, while another run is at work"
                    results.append(_one(way, server, given, arrived, lambda: _while_at_work(server, given, port)))
                results.append(_many(port))
                _clear(given)
            for _ in range(2):
                way = "file drop, warm"
                results.append(_one(way, server, given, arrived, lambda: _by_file(server, given)))
    return results


def _many(port: int) -> dict[str, Any]:
    """Devices at once, each with packets that it sends one after the other when the one before was answered."""
    found = [
        Packet(START, f"{d:024d}", _asking(d, n), breaks=False) for d in range(DEVICES) for n in range(PACKETS_OF_EACH)
    ]
    begun = time.perf_counter()
    done = asyncio.run(send(found, "127.0.0.1", port))
    rate = len(found) / (time.perf_counter() - begun)
    if done.lost or done.repeated:
        raise RuntimeError("packets were not answered")
    what = f"{DEVICES} devices at once, each packet answered when it is on disk"
    print(f"{what}: {rate:,.0f} packets a second; load {os.getloadavg()[0]:.1f}", flush=True)
    return {"what": what, "packets_a_second": rate}


def _asking(device: int, number: int) -> bytes:
    head = f"QN={20260820100300000 + number};ST=22;CN=2061;PW=123456;MN={device:024d};Flag=5;"
    items = ";".join(f"a{21000 + i}-Avg=12.5,a{21000 + i}-Flag=N" for i in range(10))
    return frame(f"{head}CP=&&DataTime=20260820090000;{items}&&".encode())


def _one(
    way: str, server: Airflow, given: Given, arrived: dict[str, float], begin: Callable[[], tuple[float, str]]
) -> dict[str, Any]:
    """The home as before, the packet sent, the message awaited, and the record of the run that made it."""
    shutil.rmtree(given.home)
    shutil.copytree(given.before, given.home)
    arrived.clear()
    known = {r["dag_run_id"] for r in server.runs(DAG)}
    sent, parts = begin()
    took = message(server, arrived) - sent
    runs = _ended(server, known)
    made = next((r for r in runs if _sent_by(server, r["dag_run_id"])), runs[-1])
    parts += _record(server, made, sent, sent + took)
    _clear(given)
    parts += f"; load {os.getloadavg()[0]:.1f}"
    print(f"packet to message {way}: {took:.2f} s (goal: under {GOAL_S:g} s); {parts}", flush=True)
    return {"what": way, "s": took, "goal_s": GOAL_S, "parts": parts}


def _ended(server: Airflow, known: set[str]) -> list[dict[str, Any]]:
    """The new runs, in order, when all are over and have been for a while: the gateway may ask for one more."""
    deadline, over = time.monotonic() + 120, 0
    while time.monotonic() < deadline:
        time.sleep(1.0)
        new = [r for r in server.runs(DAG) if r["dag_run_id"] not in known]
        ended = bool(new) and all(r["state"] in ("success", "failed") for r in new)
        over = over + 1 if ended else 0
        if over > 3:
            return sorted(new, key=lambda r: str(r["queued_at"]))
    raise RuntimeError("a run does not end")


def _steps(server: Airflow, run_id: str) -> dict[str, Any]:
    """What the task `alarm` of a run returned."""
    path = f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances/alarm/xcomEntries/return_value?deserialize=true"
    answer = server.client.get(path)
    return dict(answer.json().get("value") or {}) if answer.is_success else {}


def _sent_by(server: Airflow, run_id: str) -> bool:
    return bool(_steps(server, run_id).get("evaluate", {}).get("sent"))


def _record(server: Airflow, made: dict[str, Any], sent: float, message: float) -> str:
    """When the run was asked for, began, and what its steps took."""
    path = f"/api/v2/dags/{DAG}/dagRuns/{made['dag_run_id']}/taskInstances"
    found = server.client.get(path).json()["task_instances"]
    (alarm,) = (t for t in found if t["task_id"] == "alarm")
    at = [datetime.fromisoformat(t).timestamp() - sent for t in (made["queued_at"], alarm["start_date"])]
    steps = ", ".join(f"{k} {v['took_s']:.2f}" for k, v in _steps(server, made["dag_run_id"]).items())
    return f"run asked for at {at[0]:.2f}, task begins at {at[1]:.2f}, steps {steps}, message at {message - sent:.2f} s"


def _over_tcp(given: Given, port: int) -> tuple[float, str]:
    begun = time.time()
    done = asyncio.run(send([given.breach], "127.0.0.1", port))
    if done.lost:
        raise RuntimeError("the gateway did not answer")
    return begun, f"{'answered' if done.answered else 'taken'} at {time.time() - begun:.3f}, "


def _while_at_work(server: Airflow, given: Given, port: int) -> tuple[float, str]:
    run_id = server.trigger(DAG, {})
    while server.run_state(DAG, run_id) != "running":
        time.sleep(0.1)
    time.sleep(2.0)  # it has read the new files: the packet needs the next run
    return _over_tcp(given, port)


def _by_file(server: Airflow, given: Given) -> tuple[float, str]:
    _, place = drop(for_registry(given.registry)[FEED], str(given.feeds), "by_hand")
    target = place(datetime.now(UTC))
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    part.write_bytes(given.breach.content)
    begun = time.time()
    part.replace(target)
    server.trigger(DAG, {})
    return begun, ""


def _clear(given: Given) -> None:
    """The files of this packet away, so that the next time is the first time again."""
    for path in (given.feeds / "ground/hj212").rglob("*-*.hj212*"):
        if ".gateway" not in path.parts:
            path.unlink()


@contextmanager
def _gateway(root: Path, given: Given, server: Airflow) -> Iterator[int]:
    """`sanyan gateway serve` as a process of its own, with a home of its own."""
    settings = f"listen: [{{port: 0}}]\nairflow: {{url: '{server.url}'}}\n"
    (given.registry / "gateway.yaml").write_text(settings, encoding="utf-8")
    environ = os.environ | {"SANYAN_REGISTRY": str(given.registry), "SANYAN_LANG": "en", "PYTHONUNBUFFERED": "1"}
    command = [str(Path(sys.executable).parent / "sanyan"), "gateway", "serve"]
    command += ["--home", str(root / "gateway"), "--root", str(given.feeds)]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None:
                raise RuntimeError("no output")
            said = process.stdout.readline()
            yield int(said.split("127.0.0.1:")[1].split(".")[0])
        finally:
            process.terminate()
            process.wait(timeout=30)


def prepared(root: Path) -> Given:
    """Feeds without the breaching packet, a home that knows all before, and that packet."""
    feeds, home, registry = root / "feeds", root / "home", root / "county"
    shutil.copytree(SAMPLE_COUNTY, registry)
    by = _days_to_now()
    place = Home.open(home, registry)
    all_of_them = packets(place.registry, load(), START + FIRST * HOUR, START + LAST * HOUR, seed=SEED, by=by)
    begin = (START + FIRST * HOUR + by).astimezone(UTC)
    spill = (START + SPILL * HOUR + by).astimezone(UTC)
    _capture(feeds, [p for p in all_of_them if p.at < spill], begin, spill)
    _once(place, feeds, begin, spill)
    for packet in (p for p in all_of_them if p.at >= spill):
        if packet.mn not in _waters(place):
            continue
        before = root / "before"
        shutil.rmtree(before, ignore_errors=True)
        shutil.copytree(home, before)
        hour = packet.at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        _capture(feeds, [packet], hour, hour + HOUR)
        _once(place, feeds, hour, hour + HOUR)
        if len(read_alerts(place.ledger, rule=RULE, status="firing")):
            _path(feeds, hour).unlink()
            return Given(feeds, home, before, registry, packet)
    raise RuntimeError(f"{RULE} never fired: the scenario has changed")


def _waters(place: Home) -> set[str]:
    stations = place.registry.stations
    return set(stations.loc[stations["medium"] == "water", "mn"])


def _days_to_now() -> timedelta:
    """Whole days from the simulated spill to its last time of day before now."""
    spill = START + (SPILL + 9) * HOUR  # when its first breaching packet is in
    return timedelta(days=(datetime.now(LOCAL) - spill) // timedelta(days=1))


def _capture(feeds: Path, found: Sequence[Packet], start: datetime, end: datetime) -> None:
    """Packets as files of the hours they came in, an empty one for an hour without any."""
    hour = start
    while hour < end:
        path = _path(feeds, hour)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(p.content for p in found if hour <= p.at < hour + HOUR))
        hour += HOUR


def _path(feeds: Path, hour: datetime) -> Path:
    local = hour.astimezone(LOCAL)
    return feeds / "ground/hj212" / f"{local:%Y-%m-%d}" / f"{local:%H}.hj212"


def _once(place: Home, feeds: Path, start: datetime, end: datetime) -> None:
    ingest(place, FEED, start=start, end=end, now=end, root=str(feeds))
    compute(place, now=end)
    compute_periods(place, now=end)
    evaluate(place, now=end)
    deliver(place, now=end)


if __name__ == "__main__":
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    run()
