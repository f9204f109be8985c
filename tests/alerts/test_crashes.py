"""Killed at random at every stage: nothing is lost, and nothing doubled at a receiver that honours the key."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from alerts.cap import problems
from alerts.notifiers import Answer
from alerts.run import deliver, evaluate
from domain.registry import Registry
from store.home import SAMPLE_COUNTY, Home
from store.ledger.alerts import read_transitions
from store.ledger.outbox import Letter, read_deliveries, read_outbox
from tests.alerts.conftest import Box, final, hours, indicators, put

PROJECT = Path(__file__).parents[2]
LONG = (pytest.mark.slow, pytest.mark.timeout(1800))
STATIONS = ["air-1", "air-2", "air-3", "air-4", "air-5"]


def restless(home: Home, length: int, seed: int) -> None:
    """Many short episodes, all at different hours."""
    rng = np.random.default_rng(seed)
    for station in STATIONS:
        blocks = rng.integers(3, 7, size=length)
        values = np.repeat(np.where(np.arange(length) % 2, 210, 60), blocks)[:length]
        put(home, "indicators", indicators("air.aqi", station, values.tolist()))


def tortured(stage: str, root: Path, kills: int, last: int, **environ: str) -> int:
    """How many children were killed."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("SANYAN_")} | environ
    command = [sys.executable, "-m", "tests.alerts.crashes", stage, str(root), str(kills), "7", str(last)]
    done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return int(json.loads(done.stdout.splitlines()[-1])["killed"])


class Receiver:
    """Takes each key once, however often it is sent, and forgets to answer now and then."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                receiver.taken[str(self.headers["Idempotency-Key"])] += 1
                try:
                    self.send_response(200)
                    self.end_headers()
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # the sender was killed

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.stop()


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """The sample county with a log, a folder of CAP files and a receiver of HTTP."""
    folder = tmp_path / "county"
    shutil.copytree(SAMPLE_COUNTY, folder)
    (folder / "notification.yaml").write_text(
        """\
channels:
  - {name: log, kind: log}
  - {name: cap, kind: cap, settings: {sender: monitor@example.invalid}}
  - {name: hook, kind: webhook, settings: {url: "${HOOK}"}}
routes:
  - {channels: [log, cap, hook]}
""",
        encoding="utf-8",
    )
    return folder


def calm(tmp_path: Path, length: int, seed: int) -> Home:
    """The same data, evaluated at once without any accident."""
    home = Home(tmp_path / "calm", Registry.load(SAMPLE_COUNTY))
    restless(home, length, seed)
    evaluate(home, now=hours(length), notifiers=[Box("log")])
    return home


@pytest.mark.parametrize(
    ("kills", "length"),
    [pytest.param(4, 8, id="4 times"), pytest.param(100, 30, id="100 times", marks=LONG)],
)
def test_evaluate_killed_at_random(home: Home, tmp_path: Path, kills: int, length: int) -> None:
    restless(home, length, 1)
    assert tortured("evaluate", home.root, kills, length) >= kills
    expected = calm(tmp_path, length, 1)
    assert final(home).equals(final(expected))
    columns = ["id", "name", "at", "severity", "reason", "verdict"]
    found, wanted = (read_transitions(h.ledger)[columns].sort_values("id").to_dict("records") for h in (home, expected))
    assert found == wanted
    assert len(found) >= 3, "something must happen"
    assert read_outbox(home.ledger)["key"].tolist() == read_outbox(expected.ledger)["key"].tolist()


@pytest.mark.parametrize(
    ("kills", "length"),
    [pytest.param(5, 30, id="5 times"), pytest.param(100, 400, id="100 times", marks=LONG)],
)
def test_deliver_killed_at_random(
    home: Home, registry: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, kills: int, length: int
) -> None:
    url = f"http://127.0.0.1:{receiver.server.server_port}/"
    monkeypatch.setenv("HOOK", url)
    place = Home(home.root, Registry.load(registry))
    restless(place, length, 2)
    for hour in range(24, length + 24, 24):  # soon enough to be news
        evaluate(place, now=hours(min(hour, length)))
    killed = tortured("deliver", home.root, kills, length, HOOK=url, SANYAN_REGISTRY=str(registry))
    letters = read_outbox(place.ledger)
    assert killed >= min(kills, 5)
    assert set(letters["state"]) == {"sent"}
    keys = {c: sorted(letters.loc[letters["channel"] == c, "key"]) for c in ("log", "cap", "hook")}
    lines = (home.root / "alerts.log").read_text(encoding="utf-8").splitlines()
    assert sorted(json.loads(line)["key"] for line in lines) == keys["log"]
    assert sorted(receiver.taken) == keys["hook"]
    files = sorted((home.root / "cap").rglob("*.xml"))
    assert all(problems(f.read_bytes()) == [] for f in files)
    assert len({(f.parent, f.stem.split("-")[1]) for f in files}) == len(files), "no document twice"
    written = {f.stem.split("-")[1] for f in files}
    assert written <= set(keys["cap"])
    tries = read_deliveries(place.ledger)
    assert (tries[tries["result"] == "sent"].groupby("key").size() == 1).all()


def test_a_dead_channel_holds_back_no_other(home: Home) -> None:
    """The dead one answers only after the other has sent everything: one after the other would never end."""
    restless(home, 40, 3)
    done = threading.Event()

    class Well(Box):
        def send(self, letter: Letter) -> Answer:
            answer = super().send(letter)
            if len(self.letters) == wanted:
                done.set()
            return answer

    class Dead(Box):
        def send(self, letter: Letter) -> Answer:
            return Answer("failed", "timeout") if done.wait(timeout=60) else Answer("sent", "held the other back")

    channels = [Dead("a-dead"), Well("b-well")]
    evaluate(home, now=hours(40), notifiers=channels)
    wanted = int((read_outbox(home.ledger)["channel"] == "b-well").sum())
    assert wanted > len(STATIONS)
    sent = deliver(home, channels, now=hours(40))
    assert (sent.sent, sent.failed) == (wanted, 1)
