"""Alertmanager itself as the oracle of grouping, inhibition and dedup: the same alerts into both, who is told of what.

The binary (Debian: apt-get install prometheus-alertmanager) runs on loopback with a receiver of ours; without it the
test says so. Each round is a world of its own, by the label `round`, on which it groups and inhibits, so that many
rounds are one run: alerts come, some end and others come, and all of it is sent once more.
"""

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import numpy as np
import pytest

from alerts.pipeline import Call, Context, run, silenced_spans
from alerts.rules import Rule
from domain.records import Alert
from store.ledger.alerts import Stored, Transition
from tests.alerts.conftest import hours
from tests.alerts.test_reconcile import alert
from tests.alerts.test_small_model import BASE

ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
ROUNDS = 60
SUBJECTS = [f"s{i}" for i in range(4)]
INHIBITS = {"air.a": (), "air.b": ("air.a",), "air.c": ("air.a", "air.b")}
RULES = {name: Rule.model_validate({**BASE, "id": name, "inhibit": by}) for name, by in INHIBITS.items()}

#: rule and subject of an alert.
Name = tuple[str, str]
#: What is told at once of one rule: the alerts that fire, and those that ended.
Told = tuple[frozenset[Name], frozenset[Name]]


def rounds() -> list[tuple[set[Name], set[Name]]]:
    """Which alerts fire first, and which fire after that; a silencer that fires at all fires throughout."""
    rng = np.random.default_rng(20260818)
    names = [(rule, subject) for rule in RULES for subject in SUBJECTS]
    out = []
    for _ in range(ROUNDS):
        first = {n for n in names if rng.random() < 0.4}
        steady = {n for n in names if n[0] != "air.c" and n in first}
        others = {n for n in names if n[0] == "air.c" and rng.random() < 0.5}
        out.append((first, steady | others))
    return out


class Ours:
    """The pipeline, from round to round, with what was told."""

    def __init__(self) -> None:
        self.told: dict[str, list[Transition]] = {}

    def look(self, now: int, before: set[Name], after: set[Name]) -> dict[str, Told]:
        rows = {
            n: self._row(n, now if n in before - after else None, 2 if n in after - before else 1)
            for n in before | after
        }
        calls = [self._call(n, rows[n], "firing") for n in sorted(after)]
        calls += [self._call(n, rows[n], "resolved") for n in sorted(before - after)]
        spans = silenced_spans(RULES, [Stored(f"{n}", a) for n, a in rows.items()])
        kept = run(calls, Context(RULES, spans, self.told, now=hours(now))).kept
        for call in kept:
            self.told.setdefault(call.transition.alert_id, []).append(call.transition)
        return {
            rule: (
                frozenset(
                    (c.alert.rule, c.alert.subject)
                    for c in kept
                    if c.alert.rule == rule and c.transition.name == "firing"
                ),
                frozenset(
                    (c.alert.rule, c.alert.subject)
                    for c in kept
                    if c.alert.rule == rule and c.transition.name == "resolved"
                ),
            )
            for rule in RULES
        }

    def _row(self, name: Name, ends: int | None, fired: int) -> Alert:
        return alert(fired - 1, fired, ends, rule=name[0], subject=name[1], fingerprint=f"{name}")

    def _call(self, name: Name, row: Alert, what: str) -> Call:
        at = row.ends_at if what == "resolved" else row.fired_at
        assert at is not None
        position = 0 if what == "firing" else 1
        return Call(Transition(f"{name}{what}", f"{name}", what, at, "yellow", "", position), row, at)


class Server:
    """An Alertmanager on loopback, and what it told our receiver."""

    def __init__(self, folder: Path) -> None:
        self.notified: list[dict[str, object]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                server.notified.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.receiver = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.receiver.serve_forever, daemon=True).start()
        self.port = _free_port()
        (folder / "am.yml").write_text(json.dumps(self._configuration()))  # JSON is YAML
        command = [
            str(ALERTMANAGER), f"--config.file={folder / 'am.yml'}", f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address=", "--log.level=error",
        ]  # fmt: skip
        self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _configuration(self) -> dict[str, object]:
        inhibit = [
            {"source_matchers": [f'rule="{by}"'], "target_matchers": [f'rule="{rule}"'], "equal": ["subject", "round"]}
            for rule, silencers in INHIBITS.items()
            for by in silencers
        ]
        url = f"http://127.0.0.1:{self.receiver.server_port}/"
        return {
            "route": {"receiver": "ours", "group_by": ["rule", "round"], "group_wait": "2s", "group_interval": "1s",
                      "repeat_interval": "1h"},
            "receivers": [{"name": "ours", "webhook_configs": [{"url": url, "send_resolved": True}]}],
            "inhibit_rules": inhibit,
        }  # fmt: skip

    def ready(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/-/ready", timeout=2).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        pytest.fail("Alertmanager did not come up in 20 s")

    def post(self, alerts: list[tuple[int, Name, bool]]) -> None:
        """Alerts as a Prometheus sends them: (round, name, whether it is over).

        Silencers first: Alertmanager may tell of an alert before it has read the one that inhibits it.
        """
        for rule in INHIBITS:
            self._post([a for a in alerts if a[1][0] == rule])
            time.sleep(0.3)

    def _post(self, alerts: list[tuple[int, Name, bool]]) -> None:
        now = datetime.now(UTC)
        rows = [
            {
                "labels": {"alertname": n[0], "rule": n[0], "subject": n[1], "round": str(r)},
                "startsAt": (now - timedelta(minutes=5)).isoformat(),
                "endsAt": (now if over else now + timedelta(hours=1)).isoformat(),
            }
            for r, n, over in alerts
        ]
        httpx.post(f"http://127.0.0.1:{self.port}/api/v2/alerts", json=rows, timeout=10).raise_for_status()

    def settled(self) -> list[dict[str, object]]:
        """What was told since the last question, once nothing more has come for a group's wait and two intervals."""
        seen, quiet_since = len(self.notified), time.monotonic()
        while time.monotonic() - quiet_since < 4.5:
            time.sleep(0.1)
            if len(self.notified) != seen:
                seen, quiet_since = len(self.notified), time.monotonic()
        found, self.notified = self.notified, []
        return found

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)
        self.receiver.shutdown()
        self.receiver.server_close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    if ALERTMANAGER is None:
        pytest.skip("alertmanager is not on PATH (Debian: apt-get install prometheus-alertmanager)")
    running = Server(tmp_path)
    try:
        running.ready()
        yield running
    finally:
        running.stop()


def theirs(notified: list[dict[str, object]], known: set[tuple[int, Name]]) -> dict[tuple[int, str], Told]:
    """For each round and rule what was news: Alertmanager repeats what still fires in a group that changed."""
    firing: dict[tuple[int, str], set[Name]] = {}
    ended: dict[tuple[int, str], set[Name]] = {}
    for message in notified:
        for a in message["alerts"]:  # type: ignore[attr-defined]
            labels = a["labels"]
            key, name = (int(labels["round"]), labels["rule"]), (labels["rule"], labels["subject"])
            if a["status"] == "resolved":
                ended.setdefault(key, set()).add(name)
            elif (key[0], name) not in known:
                firing.setdefault(key, set()).add(name)
    keys = firing.keys() | ended.keys()
    return {k: (frozenset(firing.get(k, ())), frozenset(ended.get(k, ()))) for k in keys}


def expected(found: list[dict[str, Told]]) -> dict[tuple[int, str], Told]:
    return {(r, rule): told for r, one in enumerate(found) for rule, told in one.items() if any(told)}


def test_the_same_alerts_are_told_in_the_same_groups(server: Server) -> None:
    worlds, ours = rounds(), [Ours() for _ in range(ROUNDS)]
    first = [o.look(1, set(), a) for o, (a, _) in zip(ours, worlds, strict=True)]
    server.post([(r, n, False) for r, (a, _) in enumerate(worlds) for n in sorted(a)])
    told = theirs(server.settled(), set())
    assert told == expected(first)
    assert sum(len(f) for f, _ in told.values()) > ROUNDS, "the rounds must say something"
    known = {(r, n) for (r, _), (f, _) in told.items() for n in f}

    # Once more the same: nobody is told twice.
    server.post([(r, n, False) for r, (a, _) in enumerate(worlds) for n in sorted(a)])
    again = [o.look(1, a, a) for o, (a, _) in zip(ours, worlds, strict=True)]
    assert theirs(server.settled(), known) == expected(again) == {}

    # Some end, others come; the end of what was inhibited is told by neither.
    after = [o.look(2, a, b) for o, (a, b) in zip(ours, worlds, strict=True)]
    server.post([(r, n, n not in b) for r, (a, b) in enumerate(worlds) for n in sorted(a | b)])
    assert theirs(server.settled(), known) == expected(after)
    assert any(ended for one in after for _, ended in one.values()), "some must end"
