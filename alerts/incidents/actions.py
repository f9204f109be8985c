"""The steps people take: each one transaction over incident, evidence, task, outbox and audit trail.

Whoever acts names the `version` of the incident he saw; when somebody else acted meanwhile, nothing happens and he is
told (optimistic locking). None stands for "whatever it is now" (the command line). All return the new version.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from alerts.incidents import dispatch as task
from alerts.incidents.evidence import Places, verdict
from alerts.incidents.handling import Policy, policy, taken
from alerts.incidents.settle import Settling, settle
from alerts.incidents.wind import sources_of
from domain.errors import PipelineError, StoreConflict
from domain.grids import grids, responsible
from domain.incidents import Outcome, frame
from domain.rivers import Rivers
from domain.texts import say
from domain.times import LOCAL
from store.home import Home
from store.ledger import incident_tables as book
from store.ledger import outbox
from store.ledger.audit import Entry, append
from store.ledger.outbox import Letter

Row = dict[str, Any]
#: What a step does besides changing the incident: given the changed row, it returns what else the trail should say.
Beside = Callable[[book.Connection, Row], Mapping[str, Any]]


def acknowledge(
    home: Home, incident_id: str, *, who: str, why: str = "", version: int | None = None, now: datetime
) -> int:
    """Somebody has seen it and takes it on: whoever acknowledges is on it unless somebody is already.

    Raises:
        PipelineError: the step is not allowed now, or nobody is named.
        StoreConflict: somebody else acted since `version`.
        KeyError: there is no such incident.
    """
    return _act(
        home, "acknowledge", incident_id, who, why, version, now, change=lambda r: {"assignee": r["assignee"] or who}
    )


def assign(
    home: Home, incident_id: str, *, to: str, who: str, why: str = "", version: int | None = None, now: datetime
) -> int:
    """Somebody is on it from now on ("" for nobody). Raises as `acknowledge`."""
    said = {"to": to}
    return _act(home, "assign", incident_id, who, why, version, now, change=lambda _: {"assignee": to}, data=said)


def comment(home: Home, incident_id: str, *, who: str, why: str, version: int | None = None, now: datetime) -> int:
    """A note for the timeline. Raises as `acknowledge`."""
    return _act(home, "comment", incident_id, who, why, version, now)


def close(home: Home, incident_id: str, *, who: str, why: str, version: int | None = None, now: datetime) -> int:
    """It is dealt with, in these words; tasks that nobody answered are called off. Raises as `acknowledge`."""

    def call_off(tx: book.Connection, row: Row) -> Mapping[str, Any]:
        waiting = [t["id"] for t in book.tasks_of(tx, [row["id"]]) if t["state"] == "sent"]
        book.change_tasks(tx, {i: {"state": "cancelled"} for i in waiting})
        return {"cancelled": waiting} if waiting else {}

    return _act(home, "close", incident_id, who, why, version, now, beside=call_off)


def reopen(home: Home, incident_id: str, *, who: str, why: str, version: int | None = None, now: datetime) -> int:
    """It was not over after all. Raises as `acknowledge`."""
    return _act(home, "reopen", incident_id, who, why, version, now)


def dispatch(
    home: Home,
    incident_id: str,
    *,
    who: str,
    why: str = "",
    grid: str = "",
    note: str = "",
    version: int | None = None,
    now: datetime,
) -> int:
    """Send the worker of a grid: the task goes into the outbox with the same transaction.

    Args:
        home: memory and registry.
        incident_id: the incident, or one that became part of it.
        who: who sends.
        why: a reason, if there is one to give.
        grid: code of the grid; by default that which answers for the place.
        note: what the worker should know besides.
        version: that was seen.
        now: the moment.

    Raises:
        PipelineError: as `acknowledge`; or there is no such grid, or none can be told from the incident's place.
        StoreConflict: somebody else acted since `version`.
        KeyError: there is no such incident.
    """
    known = grids(home.registry)

    def send(tx: book.Connection, row: Row) -> Mapping[str, Any]:
        chosen = _grid(known, row, grid, now)
        number = task.task_id(row["id"], len(book.tasks_of(tx, [row["id"]])) + 1)
        names = dict(zip(home.registry.townships.ids, home.registry.townships.names_zh, strict=True))
        payload = task.task_json(
            row, chosen, number=number, township=names.get(chosen["township"], ""), note=note, now=now,
            deadline=row["deadline"],
        )  # fmt: skip
        book.put_task(
            tx,
            home.ledger,
            {
                "id": number,
                "incident_id": row["id"],
                "anchor": row["founder"],
                "grid_code": chosen["grid_code"],
                "township": chosen["township"],
                "worker": chosen["worker"],
                "created_at": now,
                "deadline": row["deadline"],
                "who": who,
                "state": "sent",
            },
        )
        outbox.put(tx, home.ledger, [Letter(task.key(number), task.CHANNEL, now, payload)], now)
        return {"task": number, "grid": chosen["grid_code"]}

    return _act(home, "dispatch", incident_id, who, why, version, now, beside=send)


def verify(
    home: Home,
    incident_id: str,
    *,
    outcome: str,
    who: str,
    why: str,
    version: int | None = None,
    now: datetime,
) -> int:
    """Somebody was there: what he found is evidence, and the confidence follows from it at once.

    Raises:
        PipelineError: as `acknowledge`, or no such outcome.
        StoreConflict: somebody else acted since `version`.
        KeyError: there is no such incident.
    """
    if outcome not in set(Outcome):
        known = ", ".join(str(o) for o in Outcome)
        raise PipelineError(say("incident.refuse_outcome", outcome=outcome, known=known))
    job = settling(home, now)

    def tell(tx: book.Connection, row: Row) -> Mapping[str, Any]:
        about = {"kind": row["kind"], "township": row["township"], "anchor": row["founder"]}
        ref = f"{row['id']}:{row['version']}"
        words = {
            lang: say("verdict.said", lang, who=who, outcome=say(f"outcome.{outcome}", lang), why=why)
            for lang in ("zh", "en")
        }
        said = verdict(ref, outcome, pd.Timestamp(now), about, zh=words["zh"], en=words["en"])
        found = settle(job, tx, frame([said]))
        append(tx, found.entries, now)
        return {"outcome": outcome}

    return _act(home, "verify", incident_id, who, why, version, now, beside=tell)


def settling(home: Home, now: datetime) -> Settling:
    """What settling evidence of a home needs."""
    places = Places(home.registry, Rivers.of(home.registry))
    return Settling(home.ledger, places, policy(home.registry.root), sources_of(home, places), now)


def _act(
    home: Home,
    step: str,
    incident_id: str,
    who: str,
    why: str,
    version: int | None,
    now: datetime,
    *,
    change: Callable[[Row], Mapping[str, Any]] | None = None,
    beside: Beside | None = None,
    data: Mapping[str, Any] | None = None,
) -> int:
    """One step: check, change, do what goes with it, and say so in the trail; all or nothing."""
    terms: Policy = policy(home.registry.root)
    with home.ledger.begin() as tx:
        row = book.current(tx, incident_id)
        if version is not None and row["version"] != version:
            raise StoreConflict(say("incident.refuse_version", id=row["id"], found=row["version"], seen=version))
        changes = taken(row, step, who=who, why=why, now=now, terms=terms)
        changes |= {} if change is None else change(row)
        after = {**row, **changes}
        book.put_incidents(tx, [after])
        said = {"from": row["handling"], "to": after["handling"], "version": after["version"], **(data or {})}
        said |= {} if beside is None else beside(tx, after)
        append(tx, [Entry(who, row["id"], step, why, said)], now)
    return int(after["version"])


def _grid(known: pd.DataFrame, row: Row, grid: str, now: datetime) -> dict[str, Any]:
    if not grid:
        lon, lat = (float("nan") if row[c] is None else float(row[c]) for c in ("lon", "lat"))
        found = responsible(known, lon, lat, row["township"], now.astimezone(LOCAL).date())
        if found is None:
            raise PipelineError(say("incident.refuse_no_grid"))
        grid = found
    rows = known[known["grid_code"] == grid].sort_values("valid_from").to_dict("records")
    if not rows:
        raise PipelineError(say("incident.refuse_grid", grid=grid))
    return {str(k): v for k, v in rows[-1].items()}
