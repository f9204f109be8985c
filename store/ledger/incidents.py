"""Incidents as people look at them: the list, one incident with everything around it, what was reviewed."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from domain.incidents import Handling
from store.ledger.audit import audit, read_audit
from store.ledger.incident_tables import WORDS, WORDS_OF, evidence, incidents, joins, resolved, tasks, typed
from store.ledger.ledger import Ledger


@dataclass(frozen=True)
class Case:
    """One incident with everything around it."""

    incident: dict[str, Any]
    evidence: pd.DataFrame
    timeline: pd.DataFrame
    tasks: pd.DataFrame
    sources: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which incidents: all conditions hold; None (or "") is no condition. Merged ones are never wanted."""

    active: bool | None = True  # True: somebody must still do something; False: nobody must
    handling: str | Collection[str] | None = None  # in this state, or in one of these
    kind: str | None = None
    severity: str | None = None  # of this suggested colour
    township: str | None = None
    eye: str | None = None  # seen by this eye
    assignee: str | None = None
    text: str = ""  # contained in id, title, summary or assignee
    since: datetime | None = None  # opened at or after
    until: datetime | None = None  # opened before
    historical: bool | None = None  # whether it was over long before it was known

    def conditions(self) -> list[Any]:
        """As SQL."""
        c = incidents.c
        out: list[Any] = [(WORDS_OF if self.text else c.merged_into) == ""]
        flags = ((c.active, self.active), (c.historical, self.historical))
        out += [column.is_(value) for column, value in flags if value is not None]
        words = ((c.kind, self.kind), (c.severity, self.severity), (c.township, self.township))
        out += [column == value for column, value in (*words, (c.assignee, self.assignee)) if value is not None]
        if self.handling is not None:
            out.append(c.handling.in_([self.handling] if isinstance(self.handling, str) else list(self.handling)))
        if self.eye is not None:
            out.append(c.eyes.contains(self.eye, autoescape=True))
        if self.text:
            out.append(WORDS.like(sa.func.lower(f"%{_literal(self.text)}%"), escape="/"))
        out += [] if self.since is None else [c.opened_at >= self.since]
        return out + ([] if self.until is None else [c.opened_at < self.until])


def read_incidents(
    ledger: Ledger, *, now: datetime, limit: int = 200, offset: int = 0, **conditions: Any
) -> pd.DataFrame:
    """Incidents in the order in which they need a person: nobody looked at it yet and it is red or its time is up, then
    the worst colour, then the nearest deadline, then the newest. Without `active=True` (the default) just the newest
    first.

    Args:
        ledger: the ledger.
        now: decides what is overdue.
        limit: rows at most.
        offset: rows to leave out before.
        conditions: fields of `Wanted`.

    Returns:
        the columns of the table, and `overdue`.
    """
    found = typed(ledger.frame(_page(Wanted(**conditions), now, limit, offset)), "incidents")
    return found.assign(overdue=(found["deadline"] < pd.Timestamp(now)) & found["active"].astype(bool))


def list_incidents(
    ledger: Ledger,
    *,
    now: datetime,
    limit: int,
    offset: int = 0,
    columns: Collection[str] = (),
    **conditions: Any,
) -> tuple[list[dict[str, Any]], int]:
    """What `read_incidents` lists as plain rows, and what `count_incidents` counts, of one moment.

    `columns`: these (of the table) and `overdue` alone; by default all.
    """
    wanted = Wanted(**conditions)
    some = [incidents.c[n] for n in dict.fromkeys((*columns, "active", "deadline"))] if columns else []
    with ledger.reading() as connection:
        page = _page(wanted, now, limit, offset)
        rows = [dict(row) for row in connection.execute(page.with_only_columns(*some) if some else page).mappings()]
        # A page that is not full is the last one: nothing needs to be looked through again for the count.
        ended = len(rows) < limit and (rows or not offset)
        total = offset + len(rows) if ended else int(connection.scalar(_count(wanted)) or 0)
    for row in rows:
        row["overdue"] = bool(row["active"] and row["deadline"] is not None and row["deadline"] < now)
    return rows, total


def _page(wanted: Wanted, now: datetime, limit: int, offset: int) -> sa.Select[Any]:
    """Which rows they are is found in an index; only those are read."""
    c = incidents.c
    rank: dict[str, int] = {"red": 0, "orange": 1, "yellow": 2}
    late = sa.and_(c.deadline.is_not(None), c.deadline < now, c.handling == Handling.OPEN)
    order: list[Any] = [c.opened_at.desc(), c.id]
    if wanted.active:
        # A red one that nobody has taken waits for no deadline.
        fresh = sa.and_(c.severity == "red", c.handling == Handling.OPEN)
        needs = [sa.case((sa.or_(late, fresh), 0), else_=1), sa.case(rank, value=c.severity, else_=3)]
        order = [*needs, sa.case((c.deadline.is_(None), 1), else_=0), c.deadline, *order]
    ids = sa.select(c.id).where(*wanted.conditions()).order_by(*order).limit(limit).offset(offset)
    return sa.select(incidents).where(c.id.in_(ids.scalar_subquery())).order_by(*order)


def _count(wanted: Wanted) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(incidents).where(*wanted.conditions())


def _literal(text: str) -> str:
    """A text of which LIKE takes every character as itself, / being the escape."""
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")


def count_incidents(ledger: Ledger, **conditions: Any) -> int:
    """How many incidents `read_incidents` would list without a limit; the same conditions."""
    with ledger.reading() as connection:
        return int(connection.scalar(_count(Wanted(**conditions))) or 0)


def resolve(ledger: Ledger, incident_id: str) -> str | None:
    """The id under which an incident now goes: its own, or that of what it was merged into; None: there is none."""
    with ledger.reading() as connection:
        return resolved(connection, incident_id)


def read_case(ledger: Ledger, incident_id: str) -> Case | None:
    """One incident, of several that were merged the one they became; its timeline tells the steps of all of them."""
    now_id = resolve(ledger, incident_id)
    if now_id is None:
        return None
    row = typed(ledger.frame(sa.select(incidents).where(incidents.c.id == now_id)), "incidents").iloc[0].to_dict()
    mine = sa.select(evidence).where(evidence.c.incident_id == now_id).order_by(evidence.c.known_at, evidence.c.id)
    sent = sa.select(tasks).where(tasks.c.incident_id == now_id).order_by(tasks.c.created_at, tasks.c.id)
    return Case(
        incident=row,
        evidence=typed(ledger.frame(mine), "evidence"),
        timeline=read_audit(ledger, [now_id, *_merged_into(ledger, now_id)]),
        tasks=typed(ledger.frame(sent), "tasks"),
        sources=json.loads(row["sources"] or "[]"),
    )


def _merged_into(ledger: Ledger, incident_id: str) -> list[str]:
    found: list[str] = []
    asked = [incident_id]
    while asked:
        rows = ledger.frame(sa.select(incidents.c.id).where(incidents.c.merged_into.in_(asked)))
        asked = [i for i in rows["id"] if i not in found]
        found += asked
    return found


def newest_change(ledger: Ledger) -> int:
    """A number that grows with every step and every join that changed something: what to poll."""
    with ledger.reading() as connection:
        joined = connection.scalar(sa.select(joins.c.committed)) or 0
        return int(joined) + int(connection.scalar(sa.select(sa.func.max(audit.c.number))) or 0)


def read_tasks(ledger: Ledger, *, state: str | None = None) -> pd.DataFrame:
    """Tasks sent to grid workers, oldest first."""
    query = sa.select(tasks).order_by(tasks.c.created_at, tasks.c.id)
    return typed(ledger.frame(query if state is None else query.where(tasks.c.state == state)), "tasks")


def read_reviewed(ledger: Ledger) -> pd.DataFrame:
    """Alarms that somebody went to see: alert_id, rule, subject, starts_at, reviewed ("true" when it was found, "false"
    when there was nothing or the instrument was at fault), incident_id, verified_at.
    """
    query = (
        sa.select(
            evidence.c.ref.label("alert_id"),
            evidence.c.rule,
            evidence.c.subject,
            evidence.c.starts_at,
            sa.case((incidents.c.outcome == "found", "true"), else_="false").label("reviewed"),
            evidence.c.incident_id,
            incidents.c.verified_at,
        )
        .join_from(evidence, incidents, evidence.c.incident_id == incidents.c.id)
        .where(evidence.c.origin == "alert", incidents.c.outcome.in_(["found", "not_found", "instrument"]))
        .order_by(evidence.c.rule, evidence.c.starts_at, evidence.c.id)
    )
    return ledger.frame(query)


def read_evidence(ledger: Ledger) -> pd.DataFrame:
    """All evidence with the incident it belongs to, ordered by id."""
    return typed(ledger.frame(sa.select(evidence).order_by(evidence.c.id)), "evidence")


def digests(ledger: Ledger, origin: str | None = None) -> dict[str, str]:
    """Digest of each piece of evidence (of one origin)."""
    query = sa.select(evidence.c.id, evidence.c.digest)
    with ledger.reading() as connection:
        rows = connection.execute(query if origin is None else query.where(evidence.c.origin == origin)).all()
    return {row.id: row.digest for row in rows}
