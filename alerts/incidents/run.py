"""The shell of incidents: what changed in ledger and lake -> evidence -> incidents, verdicts in, escalations out.

Everything a join decides is one transaction with its cursors: it happened or it did not. Two joins at once cannot mix:
one that finds that another committed since it began to read begins again.
"""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from alerts import notifiers
from alerts.incidents import evidence as eyes
from alerts.incidents.actions import settling
from alerts.incidents.escalation import escalate
from alerts.incidents.evidence import Places
from alerts.incidents.handling import taken
from alerts.incidents.settle import Settled, Settling, settle
from domain.errors import StoreConflict
from domain.incidents import ANSWERS, Handling, frame
from domain.records import TABLES
from domain.times import HOUR
from store.home import Home
from store.ledger import alerts as alarm_book
from store.ledger import incident_tables as book
from store.ledger.audit import Entry, append
from store.ledger.incidents import digests

CURSORS = {"indicators": "join.indicators", "candidates": "join.candidates", "reports": "join.reports"}
ALARMS = "join.evaluations"
SPOT = "human.spot"
_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Joined:
    """What one join did."""

    evidence: int = 0  # new or changed
    incidents_new: int = 0
    incidents_changed: int = 0
    incidents_merged: int = 0
    verdicts: int = 0
    escalations: int = 0

    def as_dict(self) -> dict[str, int]:
        """Plain values, for logs and XCom."""
        return asdict(self)


@dataclass(frozen=True)
class _Found:
    """Evidence that differs from what the ledger has, what is gone, and how far the sources were read."""

    changed: pd.DataFrame
    gone: Collection[str]
    cursors: Mapping[str, int]


def join(home: Home, *, now: datetime, channels: Sequence[str] | None = None) -> Joined:
    """Make incidents of what the eyes say, take in the verdicts that came, and call who must be called.

    Args:
        home: memory and registry.
        now: the moment of the steps; deadlines run from it.
        channels: names of the outbox's channels for escalations; by default those that are on.

    Raises:
        CatalogueError: a table, handling.yaml or a channel is not as it must be.
        StoreConflict: other joins never let us through.
    """
    names = channels if channels is not None else _channels(home)
    for _ in range(_ATTEMPTS):
        try:
            return _join(home, names, now)
        except StoreConflict:
            continue  # somebody committed while we read: read again, with what he wrote
    raise StoreConflict(f"incidents: {_ATTEMPTS} joins in a row met another one")


def _channels(home: Home) -> list[str]:
    return [c.name for c in notifiers.channels(home.root, os.environ, home.registry.root)]


def _join(home: Home, channels: Sequence[str], now: datetime) -> Joined:
    seen = book.committed(home.ledger)
    job = settling(home, now)
    found = _differences(home, job.places)
    with home.ledger.begin() as tx:
        settled, verdicts = Settled(), 0
        if len(found.changed) or found.gone:
            if not book.claim(tx, home.ledger, seen):
                raise StoreConflict("another join was committed meanwhile")
            settled = settle(job, tx, found.changed, found.gone)
            append(tx, settled.entries, now)
            verdicts = _verdicts(job, tx, found.changed)
        called = escalate(home.ledger, tx, job.terms, channels, now)
        for name, version in found.cursors.items():
            home.ledger.advance(name, version, tx)
    return Joined(
        evidence=len(found.changed) + len(found.gone),
        incidents_new=len(settled.new),
        incidents_changed=len(settled.changed),
        incidents_merged=len(settled.merged),
        verdicts=verdicts,
        escalations=called,
    )


def _differences(home: Home, places: Places) -> _Found:
    """All evidence there is now against that of the ledger; nothing is read when nothing was written since."""
    changes = {table: home.lake.changes(table, home.ledger.cursor(name)) for table, name in CURSORS.items()}
    committed = alarm_book.committed(home.ledger)
    versions = {CURSORS[table]: c.version for table, c in changes.items()} | {ALARMS: committed}
    stale = committed > home.ledger.cursor(ALARMS) or any(c.days for c in changes.values())
    if not stale:
        return _Found(frame([]), (), versions)
    now_there = {
        "spot": eyes.of_spots(_spots(home), places),
        "candidate": eyes.of_candidates(home.lake.read("candidates"), places),
    }
    alarms = alarm_book.read_alerts(home.ledger, status=["firing", "resolved", "withdrawn"])
    now_there["alert"] = eyes.of_alerts(alarms, now_there["spot"], home.lake.read("candidates"), places)
    now_there["verdict"] = eyes.of_verdicts(_answers(home), _tasks(home))
    changed, gone = [], []
    for origin, rows in now_there.items():
        held = digests(home.ledger, origin)
        differs = [held.get(i) != d for i, d in zip(rows["id"], eyes.digests(rows), strict=True)]
        changed.append(rows[np.array(differs, dtype=bool)])
        # What people said by hand stands in the ledger alone.
        gone += sorted(held.keys() - set(rows["id"])) if origin != "verdict" else []
    return _Found(frame(pd.concat(changed)), tuple(gone), versions)


def _spots(home: Home) -> pd.DataFrame:
    where = {"indicator": [SPOT], "period": [HOUR]}
    return home.lake.read("indicators", medium="human", where=where)


def _answers(home: Home) -> pd.DataFrame:
    if home.lake.version("reports") < 0:
        return TABLES["reports"].frame()
    return home.lake.read("reports", where={"source": [ANSWERS]})


def _tasks(home: Home) -> dict[str, dict[str, Any]]:
    """Tasks by id, with the kind of their incident."""
    with home.ledger.reading() as connection:
        tasks = book.all_tasks(connection)
        rows = book.stored(connection, {t["incident_id"] for t in tasks})
    return {t["id"]: {**t, "kind": rows[t["incident_id"]]["kind"]} for t in tasks}


def _verdicts(job: Settling, tx: book.Connection, changed: pd.DataFrame) -> int:
    """Verdicts that came by the feed answer their task and verify their incident; returns how many."""
    said = changed[changed["origin"] == "verdict"]
    entries = []
    for row in said.sort_values(["known_at", "id"]).to_dict("records"):
        number = str(row["ref"]).partition(":")[2]
        task = book.task_of(tx, number)
        if task is None or task["state"] == "answered":
            continue
        outcome = str(row["weight"]).removeprefix("verdict.")
        answer = {
            "state": "answered",
            "outcome": outcome,
            "verdict": row["summary_zh"],
            "answered_at": row["known_at"].to_pydatetime(),
        }
        book.change_tasks(tx, {number: answer})
        incident = book.current(tx, task["incident_id"])
        data: dict[str, Any] = {"task": number, "outcome": outcome, "from": incident["handling"]}
        if incident["handling"] != Handling.CLOSED:
            why = str(row["summary_zh"])
            after = {
                **incident,
                **taken(incident, "verify", who=task["grid_code"], why=why, now=job.now, terms=job.terms),
            }
            book.put_incidents(tx, [after])
            data |= {"to": after["handling"], "version": after["version"]}
        entries.append(Entry(f"grid:{task['grid_code']}", incident["id"], "verify", row["summary_zh"], data))
    append(tx, entries, job.now)
    return len(entries)
