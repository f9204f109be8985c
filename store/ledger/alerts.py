"""Alerts, what became of them, and what was said to whom: the part of the ledger that must never forget or repeat.

| table | one row is |
|---|---|
| alerts | one alert as the data now give it |
| transitions | one thing that happened to an alert, and whether it was worth saying (append only, then a verdict) |
| rule_states | up to when a rule was judged, and by which version of it |

The functions that decide take the connection of an open transaction that holds `claim`.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from domain.records import Alert
from store.ledger.ledger import Instant, Ledger, metadata

#: An open transaction, for those who may not know SQLAlchemy.
Connection = sa.Connection

_ADVICE = ("cause_zh", "cause_en", "action_zh", "action_en")

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", sa.String, primary_key=True),  # fingerprint and the start it was first seen with
    sa.Column("fingerprint", sa.String, nullable=False),
    sa.Column("rule", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("labels", sa.String, nullable=False),  # JSON
    sa.Column("status", sa.String, nullable=False),
    sa.Column("starts_at", Instant, nullable=False),
    sa.Column("fired_at", Instant),
    sa.Column("ends_at", Instant),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("threshold", sa.Float, nullable=False),
    sa.Column("unit", sa.String, nullable=False),
    sa.Column("severity", sa.String, nullable=False),
    sa.Column("severity_now", sa.String, nullable=False, server_default=""),
    sa.Column("turned_at", Instant),
    sa.Column("historical", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("inhibited_by", sa.String, nullable=False),
    sa.Column("summary_zh", sa.String, nullable=False),
    sa.Column("summary_en", sa.String, nullable=False),
    *(sa.Column(n, sa.String, nullable=False, server_default="") for n in _ADVICE),
    sa.UniqueConstraint("fingerprint", "starts_at"),
    sa.Index("alerts_of_rule", "rule", "starts_at"),
)

transitions = sa.Table(
    "transitions",
    metadata,
    sa.Column("id", sa.String, primary_key=True),  # alert, name, and the how many-th of that name
    sa.Column("alert_id", sa.String, sa.ForeignKey("alerts.id"), nullable=False, index=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("at", Instant, nullable=False),  # in the data
    sa.Column("severity", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),  # among those of the alert
    sa.Column("verdict", sa.String, nullable=False, index=True),  # waiting, told, dropped
    sa.Column("why", sa.String, nullable=False),  # the message's group, or stage and reason
)

rule_states = sa.Table(
    "rule_states",
    metadata,
    sa.Column("rule", sa.String, primary_key=True),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("judged_until", Instant, nullable=False),
    sa.Column("next_at", Instant),
)

#: One row: how many evaluations were committed.
evaluations = sa.Table(
    "evaluations",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("committed", sa.Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Stored:
    """An alert with its id in the ledger."""

    id: str
    alert: Alert


@dataclass(frozen=True, slots=True)
class RuleState:
    """Up to when a rule was judged, by which version of it, and when time alone will change something next."""

    digest: str
    judged_until: datetime
    next_at: datetime | None = None


_FIELDS = [f.name for f in fields(Alert)]
_LIVE = ("firing", "resolved")


def committed(ledger: Ledger) -> int:
    """How many evaluations were committed: read before the data, given to `claim` after."""
    with ledger.engine.connect() as connection:
        return int(connection.scalar(sa.select(evaluations.c.committed)) or 0)


def claim(connection: Connection, ledger: Ledger, seen: int) -> bool:
    """Take the right to write what was decided upon `seen` commits; false when somebody else wrote since.

    The row stays locked until the transaction ends, so evaluations commit one after another.
    """
    ledger.insert_new(connection, evaluations, [{"id": 1, "committed": 0}])
    found = connection.execute(sa.update(evaluations).where(evaluations.c.committed == seen).values(committed=seen + 1))
    return found.rowcount == 1


def read_alerts(
    ledger: Ledger,
    *,
    rule: str | None = None,
    status: str | Sequence[str] | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> pd.DataFrame:
    """Alerts that overlap [start, end), by time; columns of `domain.records.Alert` and id; labels are dicts."""
    query = sa.select(alerts).order_by(alerts.c.starts_at, alerts.c.rule, alerts.c.subject)
    query = query if rule is None else query.where(alerts.c.rule == rule)
    if status is not None:
        query = query.where(alerts.c.status.in_([status] if isinstance(status, str) else list(status)))
    query = query if start is None else query.where(sa.or_(alerts.c.ends_at.is_(None), alerts.c.ends_at > start))
    query = query if end is None else query.where(alerts.c.starts_at < end)
    found = ledger.frame(query)
    found["labels"] = [json.loads(text) for text in found["labels"]]
    for column in ("starts_at", "fired_at", "ends_at", "turned_at"):
        found[column] = pd.to_datetime(found[column], utc=True).astype("datetime64[us, UTC]")
    return found


def read_transitions(ledger: Ledger, alert_id: str | None = None) -> pd.DataFrame:
    """What happened to alerts (or to one), in order."""
    query = sa.select(transitions).order_by(transitions.c.alert_id, transitions.c.position)
    return ledger.frame(query if alert_id is None else query.where(transitions.c.alert_id == alert_id))


def states(ledger: Ledger) -> dict[str, RuleState]:
    """The state of every rule that was ever judged."""
    with ledger.engine.connect() as connection:
        rows = connection.execute(sa.select(rule_states)).all()
    return {row.rule: RuleState(row.digest, row.judged_until, row.next_at) for row in rows}


def save_states(connection: Connection, new: Mapping[str, RuleState], gone: Iterable[str]) -> None:
    """Replace the states of some rules and forget others."""
    names = [*new, *gone]
    connection.execute(sa.delete(rule_states).where(rule_states.c.rule.in_(names)))
    if new:
        rows = [{"rule": rule, **asdict(state)} for rule, state in new.items()]
        connection.execute(sa.insert(rule_states), rows)


def reaching(ledger: Ledger, rule: str, after: datetime) -> dict[str, datetime]:
    """For each subject with alerts of the rule that go on after a moment: when the earliest of them began."""
    query = (
        sa.select(alerts.c.subject, sa.func.min(alerts.c.starts_at, type_=Instant))
        .where(alerts.c.rule == rule, alerts.c.status != "withdrawn")
        .where(sa.or_(alerts.c.ends_at.is_(None), alerts.c.ends_at > after))
        .group_by(alerts.c.subject)
    )
    with ledger.engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def stored(connection: Connection, rules: Collection[str], since: datetime | None = None) -> list[Stored]:
    """The alerts of some rules that began at or after a moment."""
    query = sa.select(alerts).where(alerts.c.rule.in_(rules)).order_by(alerts.c.fingerprint, alerts.c.starts_at)
    query = query if since is None else query.where(alerts.c.starts_at >= since)
    return [_stored(row) for row in connection.execute(query).mappings()]


def fired_after(connection: Connection, rules: Collection[str], after: datetime) -> list[Stored]:
    """The alerts of some rules that were firing at or after a moment."""
    query = sa.select(alerts).where(alerts.c.rule.in_(rules), alerts.c.status.in_(_LIVE))
    query = query.where(sa.or_(alerts.c.ends_at.is_(None), alerts.c.ends_at > after)).order_by(alerts.c.id)
    return [_stored(row) for row in connection.execute(query).mappings()]


def insert(connection: Connection, new: Sequence[Alert]) -> list[str]:
    """Insert alerts; returns their ids."""
    if not new:
        return []
    wanted = [f"{a.fingerprint}-{a.starts_at:%Y%m%dT%H%M%S}" for a in new]
    prefixes = {a.fingerprint for a in new}
    taken: set[str] = set()
    for part in _parts(prefixes):
        taken |= set(connection.scalars(sa.select(alerts.c.id).where(alerts.c.fingerprint.in_(part))))
    ids = []
    for name in wanted:
        # An alert keeps its id when late data move its start; another may begin there later.
        n, free = 1, name
        while free in taken:
            n, free = n + 1, f"{name}.{n + 1}"
        taken.add(free)
        ids.append(free)
    connection.execute(sa.insert(alerts), [{"id": i, **_row(a)} for i, a in zip(ids, new, strict=True)])
    return ids


def update(connection: Connection, changed: Sequence[Stored]) -> None:
    """Replace alerts."""
    for s in changed:
        connection.execute(sa.update(alerts).where(alerts.c.id == s.id).values(_row(s.alert)))


def forget(connection: Connection, ids: Sequence[str]) -> None:
    """Delete alerts that never fired and no longer are pending."""
    for part in _parts(ids):
        connection.execute(sa.delete(alerts).where(alerts.c.id.in_(part), alerts.c.status == "pending"))


@dataclass(frozen=True, slots=True)
class Transition:
    """One thing that happened to an alert at a moment of its data; `id` is its identity for ever."""

    id: str
    alert_id: str
    name: str  # firing, escalated, eased, resolved, reopened, withdrawn, restored
    at: datetime
    severity: str
    reason: str
    position: int


def counts_of(connection: Connection, alert_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """How many transitions of each name each alert has had."""
    out: dict[str, dict[str, int]] = {}
    for part in _parts(alert_ids):
        query = sa.select(transitions.c.alert_id, transitions.c.name, sa.func.count())
        query = query.where(transitions.c.alert_id.in_(part)).group_by(transitions.c.alert_id, transitions.c.name)
        for alert_id, name, n in connection.execute(query):
            out.setdefault(alert_id, {})[name] = n
    return out


def record(connection: Connection, happened: Sequence[Transition], recorded_at: datetime) -> None:
    """Append transitions; their verdict waits."""
    rows = [
        {f.name: getattr(t, f.name) for f in fields(Transition)}
        | {"recorded_at": recorded_at, "verdict": "waiting", "why": ""}
        for t in happened
    ]
    if rows:
        connection.execute(sa.insert(transitions), rows)


def is_waiting(ledger: Ledger) -> bool:
    """Whether any transition has no verdict yet: time alone may change what is said of it."""
    query = sa.select(transitions.c.id).where(transitions.c.verdict == "waiting").limit(1)
    with ledger.engine.connect() as connection:
        return connection.scalar(query) is not None


def waiting(connection: Connection) -> list[tuple[Transition, Alert]]:
    """Transitions without a verdict, with their alerts as they are now, in the order they happened."""
    query = sa.select(transitions)
    query = query.where(transitions.c.verdict == "waiting").order_by(transitions.c.alert_id, transitions.c.position)
    found = [_transition(row) for row in connection.execute(query).mappings()]
    by_id = {s.id: s.alert for s in _with_ids(connection, {t.alert_id for t in found})}
    return [(t, by_id[t.alert_id]) for t in found]


def told(connection: Connection, alert_ids: Collection[str]) -> dict[str, list[Transition]]:
    """The transitions of some alerts that were told, in the order they happened."""
    out: dict[str, list[Transition]] = {}
    for part in _parts(alert_ids):
        query = sa.select(transitions).where(transitions.c.alert_id.in_(part), transitions.c.verdict == "told")
        for row in connection.execute(query.order_by(transitions.c.alert_id, transitions.c.position)).mappings():
            out.setdefault(row["alert_id"], []).append(_transition(row))
    return out


def messages_since(connection: Connection, since: datetime) -> dict[str, int]:
    """How many messages (groups of transitions told at once) were recorded of each rule since a moment."""
    query = (
        sa.select(alerts.c.rule, sa.func.count(sa.distinct(transitions.c.why)))
        .join(alerts, alerts.c.id == transitions.c.alert_id)
        .where(transitions.c.verdict == "told", transitions.c.recorded_at > since)
        .group_by(alerts.c.rule)
    )
    return {rule: int(n) for rule, n in connection.execute(query)}


def suppressed(ledger: Ledger, since: datetime | None = None) -> pd.DataFrame:
    """How many transitions were or are held back, by verdict (dropped, waiting) and reason; most first."""
    n = sa.func.count().label("n")
    query = sa.select(transitions.c.verdict, transitions.c.why, n).where(transitions.c.verdict != "told")
    query = query if since is None else query.where(transitions.c.recorded_at >= since)
    return ledger.frame(query.group_by(transitions.c.verdict, transitions.c.why).order_by(n.desc(), transitions.c.why))


def mark_historical(connection: Connection, alert_ids: Collection[str], historical: bool) -> None:
    """Remember of alerts whether their beginning was found too late to be worth saying."""
    for part in _parts(alert_ids):
        query = sa.update(alerts).where(alerts.c.id.in_(part), alerts.c.historical != historical)
        connection.execute(query.values(historical=historical))


def decide(connection: Connection, verdicts: Sequence[tuple[str, str, str]]) -> None:
    """Write verdicts: (transition id, told or dropped, why)."""
    rows = [{"of": of, "new_verdict": verdict, "new_why": why} for of, verdict, why in verdicts]
    if rows:
        statement = sa.update(transitions).where(transitions.c.id == sa.bindparam("of"))
        statement = statement.values(verdict=sa.bindparam("new_verdict"), why=sa.bindparam("new_why"))
        connection.execute(statement, rows)


def _with_ids(connection: Connection, ids: Collection[str]) -> list[Stored]:
    query = [sa.select(alerts).where(alerts.c.id.in_(part)) for part in _parts(ids)]
    return [_stored(row) for q in query for row in connection.execute(q).mappings()]


def _parts(ids: Collection[str]) -> list[list[str]]:
    """Parts small enough for one statement of any database."""
    ordered = sorted(ids)
    return [ordered[at : at + 500] for at in range(0, len(ordered), 500)]


def _transition(row: sa.RowMapping) -> Transition:
    return Transition(**{f.name: row[f.name] for f in fields(Transition)})


def _row(alert: Alert) -> dict[str, Any]:
    row = {name: getattr(alert, name) for name in _FIELDS}
    return {**row, "labels": json.dumps(alert.labels, ensure_ascii=False, sort_keys=True)}


def _stored(row: sa.RowMapping) -> Stored:
    return Stored(row["id"], Alert(**{**{name: row[name] for name in _FIELDS}, "labels": json.loads(row["labels"])}))
