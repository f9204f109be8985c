"""From a breaching packet to the message at the receiver, through a real Airflow; and 15,000 alarms at once.

The packet is the one of the simulated ammonia spill that makes its rule fire. Everything before it is in memory
already; then its file is dropped where packets are kept as they were received, Airflow is asked for that hour, and the
clock stops when an HTTP receiver on loopback has the message. Airflow's own record says where the time goes.

    python -m tests.bench.latency
"""

import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from alerts.pipeline import Context, silenced_spans
from alerts.pipeline import run as through
from alerts.run import deliver, evaluate
from console.orchestrator import Airflow, airflow, environment_of
from domain.times import LOCAL
from ingest.run import ingest
from processing.period_run import compute_periods
from processing.run import compute
from sample_feeds.scenario import load
from sample_feeds.simulate import simulate
from store.home import Home
from store.ledger.alerts import Stored, read_alerts
from tests.alerts.test_pipeline import RULES, call, water
from tests.pipeline import SEED, START

FEED, RULE, DAG = "ground_hj212", "water.ammonia", "ground_hourly"
FIRST, SPILL, LAST = 40, 64, 80  # hours of the scenario
HOUR = timedelta(hours=1)
ALARMS = 15_000
GOAL_S = 10.0


def run() -> list[dict[str, Any]]:
    """Print and return how long 15,000 alarms and one breaching packet take."""
    results = [_pipeline(), *_packets(3)]
    for r in results:
        print(f"{r['what']}: {r['s']:.2f} s (goal: under {r['goal_s']:g} s){r.get('parts', '')}")
    return results


def _pipeline() -> dict[str, Any]:
    """Half of 15,000 alarms inhibited by others, through all stages."""
    loud = [Stored(str(i), water("ammonia", 4, subject=f"s{i}")) for i in range(0, ALARMS, 2)]
    calls = [call(water("class", 5, subject=f"s{i}"), of=f"s{i}") for i in range(ALARMS)]
    begun = time.perf_counter()
    passed = through(calls, Context(RULES, silenced_spans(RULES, loud), {}))
    took = time.perf_counter() - begun
    if len(passed.stopped) != ALARMS // 2:
        raise RuntimeError("half of them are to be inhibited")
    return {"what": f"{ALARMS:,} alarms through all stages, half of them inhibited", "s": took, "goal_s": 1.0}


def _packets(times: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder, receiver() as (url, arrived):
        root = Path(folder)
        feeds, late, home, hour = _prepared(root)
        environ = environment_of(home, str(feeds), START.isoformat(), retries=0) | {"SANYAN_WEBHOOK_URL": url}
        before = root / "before"
        shutil.copytree(home, before)
        out = []
        with airflow(root / "airflow", environ) as server:
            server.ready([DAG])
            for n in range(times):
                shutil.rmtree(home)
                shutil.copytree(before, home)
                arrived.clear()
                out.append(_one(server, feeds, late, hour, arrived, first=n == 0))
        return out


def _one(
    server: Airflow, feeds: Path, late: Path, hour: datetime, arrived: dict[str, float], *, first: bool
) -> dict[str, Any]:
    """The file is dropped, Airflow is asked, the message is awaited."""
    target = feeds / late.relative_to(late.parents[3])
    part = target.with_suffix(".part")
    shutil.copyfile(late, part)
    dropped = time.time()
    part.replace(target)
    run_id = server.trigger(DAG, {"partition": hour.astimezone(LOCAL).strftime("%Y-%m-%dT%H")})
    asked = time.time()
    took = message(server, arrived) - dropped
    parts = [f"asked {asked - dropped:.2f} s", *_tasks(server, run_id, dropped)]
    target.unlink()
    which = "the first after a start" if first else "warm"
    return {"what": f"packet to message, {which}", "s": took, "goal_s": GOAL_S, "parts": "; " + ", ".join(parts)}


def message(server: Airflow, arrived: dict[str, float]) -> float:
    """When the first message was at the receiver, which is waited for.

    Raises:
        RuntimeError: none came.
    """
    deadline = time.monotonic() + 180
    while not arrived and time.monotonic() < deadline:
        time.sleep(0.005)
    if not arrived:
        raise RuntimeError(f"no message in 180 s; the logs are in {server.logs}")
    return min(arrived.values())


def _tasks(server: Airflow, run_id: str, dropped: float) -> list[str]:
    """Of each task up to the message when it began and ended, in seconds since the packet; the run is over then."""
    out = []
    wanted = ("ingest_ground", "compute", "evaluate")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if any(r["dag_run_id"] == run_id and r["state"] in ("success", "failed") for r in server.runs(DAG)):
            break
        time.sleep(0.2)
    found = server.client.get(f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances").json()["task_instances"]
    for t in sorted((t for t in found if t["task_id"] in wanted), key=lambda t: t["start_date"]):
        begin, end = (datetime.fromisoformat(t[k]).timestamp() - dropped for k in ("start_date", "end_date"))
        out.append(f"{t['task_id']} {begin:.2f} to {end:.2f} s")
    return out


def _prepared(root: Path) -> tuple[Path, Path, Path, datetime]:
    """Feeds without the last packet, that packet's file, a home that knows all before, and the packet's hour."""
    feeds, home = root / "feeds", root / "home"
    begin, end = START + FIRST * HOUR, START + LAST * HOUR
    simulate(feeds, start=begin, end=end, seed=SEED, scenario=load())
    place, spill = Home.open(home), START + SPILL * HOUR
    _once(place, feeds, begin, spill)
    hour = spill
    while hour < end:
        kept = root / "kept"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(home, kept)
        _once(place, feeds, hour, hour + HOUR)
        fired = read_alerts(place.ledger, rule=RULE, status="firing")
        if len(fired):
            break
        hour += HOUR
    else:
        raise RuntimeError(f"{RULE} never fired: the scenario has changed")
    shutil.rmtree(home)
    shutil.move(kept, home)
    local = hour.astimezone(LOCAL)
    relative = Path("ground/hj212") / f"{local:%Y-%m-%d}" / f"{local:%H}.hj212"
    late = root / "late" / relative
    late.parent.mkdir(parents=True)
    shutil.move(feeds / relative, late)
    for path in (feeds / "ground/hj212").rglob("*.hj212"):  # what comes later is not there yet
        if (path.parent.name, path.stem) > (f"{local:%Y-%m-%d}", f"{local:%H}"):
            path.unlink()
    return feeds, late, home, hour


def _once(place: Home, feeds: Path, start: datetime, end: datetime) -> None:
    ingest(place, FEED, start=start, end=end, now=end, root=str(feeds))
    compute(place, now=end)
    compute_periods(place, now=end)
    evaluate(place, now=end)
    deliver(place, now=end)


@contextmanager
def receiver() -> Iterator[tuple[str, dict[str, float]]]:
    """An HTTP receiver that notes when it got a message of our rule."""
    arrived: dict[str, float] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if message.get("rule") == RULE:
                arrived.setdefault(str(self.headers["Idempotency-Key"]), datetime.now(UTC).timestamp())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", arrived
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    run()
