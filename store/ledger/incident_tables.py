"""Incidents, their evidence and the tasks sent out for them: the tables, and what the closed loop writes into them.

| table | one row is |
|---|---|
| incidents | one incident as the evidence now gives it, and what people did about it |
| evidence | one thing one eye says, and the incident it belongs to ("" while nobody believes it) |
| tasks | one task for a grid worker, and the verdict that came back |
| joins | one row: how many joins were committed |

`version` of an incident grows with every step of people (or of the system in their place), not with its evidence: who
acts names the version he saw. An incident that became part of another stays as a pointer (`merged_into`).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from domain import incidents as words
from domain.errors import StoreConflict
from domain.incidents import Handling
from store.ledger.ledger import Instant, Ledger, metadata

#: An open transaction, for those who may not know SQLAlchemy.
Connection = sa.Connection


def _text(name: str, *, index: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.String, nullable=False, server_default="", index=index)


incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    # what the evidence gives
    _text("kind"),
    _text("founder"),
    _text("title_zh"),
    _text("title_en"),
    _text("summary_zh"),
    _text("summary_en"),
    sa.Column("first_at", Instant, nullable=False),
    sa.Column("last_at", Instant),
    sa.Column("opened_at", Instant, nullable=False),
    sa.Column("lon", sa.Float),
    sa.Column("lat", sa.Float),
    _text("township"),
    _text("river"),
    sa.Column("river_km", sa.Float),
    _text("eyes"),
    sa.Column("n_evidence", sa.Integer, nullable=False),
    sa.Column("log_odds", sa.Float, nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    _text("severity"),
    _text("outcome"),
    _text("sources"),  # JSON list
    # what people did
    _text("handling"),
    _text("assignee"),
    sa.Column("deadline", Instant),
    sa.Column("escalated", sa.Integer, nullable=False, server_default="0"),
    sa.Column("reopened", sa.Integer, nullable=False, server_default="0"),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("acknowledged_at", Instant),
    sa.Column("dispatched_at", Instant),
    sa.Column("verified_at", Instant),
    sa.Column("closed_at", Instant),
    sa.Column("closed_in_time", sa.Boolean),
    _text("merged_into"),
    sa.Column("historical", sa.Boolean, nullable=False),
    # 1 while somebody must do something: neither closed, merged nor historical
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Index("incidents_active", "active", "handling"),
    sa.Index("incidents_opened", "opened_at"),
)

#: The list in its order, with everything it is filtered by: pages and counts come from the index alone.
_FILTERED = [incidents.c[n] for n in ("active", "handling", "severity", "kind", "township", "eyes", "historical")]
_ORDERED = [incidents.c.opened_at.desc(), incidents.c.id, *_FILTERED, incidents.c.assignee]
sa.Index("incidents_in_order", incidents.c.merged_into, *_ORDERED)

#: What a text is looked for in. SQLite looks through the index below alone, which begins with an expression of its own
#: (`WORDS_OF`) because nothing else makes SQLite take this one. PostgreSQL bounds the length of an entry: no index.
WORDS: sa.ColumnElement[str] = sa.literal_column(
    "lower(id || ' ' || title_zh || ' ' || title_en || ' ' || summary_zh || ' ' || summary_en || ' ' || assignee)"
)
WORDS_OF: sa.ColumnElement[str] = sa.literal_column("lower(merged_into)")
sa.Index("incidents_by_words", WORDS_OF, *_ORDERED, WORDS).ddl_if(dialect="sqlite")

_TYPES: dict[str, Any] = {
    **dict.fromkeys(("starts_at", "ends_at", "known_at", "sure_at"), Instant),
    **dict.fromkeys(("certainty", "lon", "lat", "extent_m", "river_km"), sa.Float),
    "standing": sa.Boolean,
}
_MAY_MISS = ("ends_at", "sure_at", "lon", "lat", "river_km")
evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    *(sa.Column(n, _TYPES.get(n, sa.String), nullable=n in _MAY_MISS) for n in words.COLUMNS if n != "id"),
    sa.Column("incident_id", sa.String, nullable=False, index=True),
    sa.Column("digest", sa.String, nullable=False),
    sa.Index("evidence_span", "starts_at", "ends_at"),
    sa.Index("evidence_origin", "origin"),
)

tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("incident_id", sa.String, nullable=False, index=True),
    sa.Column("anchor", sa.String, nullable=False),  # evidence that will always lead to the incident
    _text("grid_code"),
    _text("township"),
    _text("worker"),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("deadline", Instant),
    _text("who"),
    _text("state", index=True),  # sent, answered, cancelled
    _text("outcome"),
    _text("verdict"),
    sa.Column("answered_at", Instant),
)

joins = sa.Table(
    "joins",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("committed", sa.Integer, nullable=False),
)

_INSTANTS = {
    table.name: [c.name for c in table.c if isinstance(c.type, Instant)] for table in (incidents, evidence, tasks)
}
_BATCH = 500


def committed(ledger: Ledger) -> int:
    """How many joins were committed: read before the data, given to `claim` after."""
    with ledger.reading() as connection:
        return int(connection.scalar(sa.select(joins.c.committed)) or 0)


def claim(connection: Connection, ledger: Ledger, seen: int) -> bool:
    """Take the right to write what was joined upon `seen` commits; false when somebody else wrote since."""
    ledger.insert_new(connection, joins, [{"id": 1, "committed": 0}])
    found = connection.execute(sa.update(joins).where(joins.c.committed == seen).values(committed=seen + 1))
    return found.rowcount == 1


def evidence_between(connection: Connection, start: datetime, end: datetime | None) -> pd.DataFrame:
    """Evidence whose span touches [start, end]; `end` None: all that comes after."""
    query = sa.select(evidence).where(sa.or_(evidence.c.ends_at.is_(None), evidence.c.ends_at >= start))
    query = query if end is None else query.where(evidence.c.starts_at <= end)
    return _rows(connection, query)


def evidence_by(connection: Connection, column: str, values: Collection[str]) -> pd.DataFrame:
    """Evidence with one of these values in a column (id or incident_id)."""
    parts = [sa.select(evidence).where(evidence.c[column].in_(part)) for part in _parts(values)]
    frames = [_rows(connection, query) for query in parts]
    return pd.concat(frames, ignore_index=True) if frames else _rows(connection, sa.select(evidence).where(sa.false()))


def put_evidence(connection: Connection, rows: pd.DataFrame) -> None:
    """Insert or replace evidence; columns of the table."""
    remove_evidence(connection, rows["id"].tolist())
    records = _records(rows[[c.name for c in evidence.c]], "evidence")
    for at in range(0, len(records), _BATCH):
        connection.execute(sa.insert(evidence), records[at : at + _BATCH])


def remove_evidence(connection: Connection, ids: Collection[str]) -> None:
    """Take out evidence that no longer exists where it came from."""
    for part in _parts(ids):
        connection.execute(sa.delete(evidence).where(evidence.c.id.in_(part)))


def move_evidence(connection: Connection, moves: Mapping[str, str]) -> None:
    """Write to which incident evidence belongs: id -> incident."""
    rows = [{"of": of, "to": to} for of, to in sorted(moves.items())]
    if rows:
        statement = sa.update(evidence).where(evidence.c.id == sa.bindparam("of"))
        connection.execute(statement.values(incident_id=sa.bindparam("to")), rows)


def stored(connection: Connection, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Incidents by id, as dicts, locked until the transaction ends."""
    out: dict[str, dict[str, Any]] = {}
    for part in _parts(ids):
        query = sa.select(incidents).where(incidents.c.id.in_(part)).with_for_update()
        out |= {row["id"]: dict(row) for row in connection.execute(query).mappings()}
    return out


def current(connection: Connection, incident_id: str) -> dict[str, Any]:
    """The incident under which an id now goes, locked until the transaction ends.

    Raises:
        KeyError: there is no such incident.
    """
    now_id = resolved(connection, incident_id)
    if now_id is None:
        raise KeyError(incident_id)
    return stored(connection, [now_id])[now_id]


def put_incidents(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert or replace whole incidents."""
    for part in _parts([str(row["id"]) for row in rows]):
        connection.execute(sa.delete(incidents).where(incidents.c.id.in_(part)))
    for at in range(0, len(rows), _BATCH):
        connection.execute(sa.insert(incidents), [dict(row) for row in rows[at : at + _BATCH]])


def unanswered(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    """Active incidents that nobody acknowledged although their deadline has passed, oldest first."""
    query = sa.select(incidents).where(incidents.c.active, incidents.c.handling == Handling.OPEN)
    query = query.where(incidents.c.deadline <= now).order_by(incidents.c.created_at, incidents.c.id)
    return [dict(row) for row in connection.execute(query.with_for_update()).mappings()]


def put_task(connection: Connection, ledger: Ledger, row: Mapping[str, Any]) -> None:
    """Insert a task; one that is there already is left alone."""
    ledger.insert_new(connection, tasks, [dict(row)])


def task_of(connection: Connection, task_id: str) -> dict[str, Any] | None:
    """A task by its id."""
    row = connection.execute(sa.select(tasks).where(tasks.c.id == task_id)).mappings().one_or_none()
    return None if row is None else dict(row)


def tasks_of(connection: Connection, incident_ids: Collection[str]) -> list[dict[str, Any]]:
    """The tasks of some incidents, oldest first."""
    query = sa.select(tasks).where(tasks.c.incident_id.in_(list(incident_ids))).order_by(tasks.c.created_at)
    return [dict(row) for row in connection.execute(query).mappings()]


def all_tasks(connection: Connection) -> list[dict[str, Any]]:
    """All tasks, oldest first."""
    return [dict(row) for row in connection.execute(sa.select(tasks).order_by(tasks.c.created_at)).mappings()]


def change_tasks(connection: Connection, changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Change some columns of tasks: id -> new values."""
    for task_id, values in sorted(changes.items()):
        connection.execute(sa.update(tasks).where(tasks.c.id == task_id).values(**values))


def resolved(connection: Connection, incident_id: str) -> str | None:
    """The id under which an incident now goes; None: there is no such incident.

    Raises:
        StoreConflict: the pointers run in a circle: the table was changed by hand.
    """
    seen: set[str] = set()
    while incident_id not in seen:
        seen.add(incident_id)
        into = connection.scalar(sa.select(incidents.c.merged_into).where(incidents.c.id == incident_id))
        if into is None:
            return None
        if not into:
            return incident_id
        incident_id = str(into)
    raise StoreConflict(f"incident {incident_id} was merged into itself")


def _rows(connection: Connection, query: sa.Select[Any]) -> pd.DataFrame:
    result = connection.execute(query)
    return typed(pd.DataFrame(result.mappings().all(), columns=list(result.keys())), "evidence")


def typed(found: pd.DataFrame, table: str) -> pd.DataFrame:
    """Rows of a table with its instants as UTC times."""
    instants = {n: pd.to_datetime(found[n], utc=True).astype("datetime64[us, UTC]") for n in _INSTANTS[table]}
    return found.assign(**instants)


def _records(rows: pd.DataFrame, table: str) -> list[dict[str, Any]]:
    """Plain values for SQL: no NaN, no pandas."""
    plain = rows.astype(object).where(rows.notna(), None)
    out: list[dict[str, Any]] = plain.to_dict("records")
    for name in _INSTANTS[table]:
        for row in out:
            row[name] = None if row[name] is None else row[name].to_pydatetime()
    return out


def _parts(ids: Collection[str]) -> list[list[str]]:
    ordered = sorted(set(ids))
    return [ordered[at : at + _BATCH] for at in range(0, len(ordered), _BATCH)]
