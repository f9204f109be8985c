"""The audit trail: every step of people and of the system, append-only, each entry chained to the one before.

`digest` = SHA-256 of the digest before and of the entry's own content. The database refuses to change or delete an
entry (triggers); should somebody do it with the tools of the database, `check_chain` names the entry that does not fit.
Cutting off the end cannot be seen from the chain alone: keep `newest` of it elsewhere, as the daily bulletin prints it.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from store.ledger.ledger import Instant, Ledger, metadata

SYSTEM = "system"
FIRST = "0" * 64

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False, index=True),  # id of an incident
    sa.Column("action", sa.String, nullable=False),
    sa.Column("why", sa.String, nullable=False),
    sa.Column("data", sa.String, nullable=False),  # JSON
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
)

_REFUSAL = {
    "sqlite": "CREATE TRIGGER audit_no_{name} BEFORE {verb} ON audit "
    "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END",
    "postgresql": "CREATE TRIGGER audit_no_{name} BEFORE {verb} ON audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
}
_REFUSE = """CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$"""


@sa.event.listens_for(audit, "after_create")
def _refuse_changes(_table: sa.Table, connection: sa.Connection, **_: Any) -> None:
    verbs = ["UPDATE", "DELETE"]
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_REFUSE)
        verbs.append("TRUNCATE")
    for verb in verbs:
        connection.exec_driver_sql(_REFUSAL[connection.dialect.name].format(name=verb.lower(), verb=verb))


@dataclass(frozen=True, slots=True)
class Entry:
    """One step: who did what to which incident, and why."""

    who: str
    subject: str
    action: str
    why: str = ""
    data: Any = None  # anything JSON can say


def append(connection: sa.Connection, entries: Sequence[Entry], now: datetime) -> int:
    """Append entries in their order; returns the number of the last entry there is, -1 when there is none."""
    last = connection.execute(
        sa.select(audit.c.number, audit.c.digest).order_by(audit.c.number.desc()).limit(1)
    ).first()
    number, digest = (-1, FIRST) if last is None else (int(last.number), str(last.digest))
    rows = []
    for entry in entries:
        number += 1
        row = {
            "number": number,
            "at": now,
            "who": entry.who,
            "subject": entry.subject,
            "action": entry.action,
            "why": entry.why,
            "data": json.dumps(entry.data, ensure_ascii=False, sort_keys=True, default=str),
            "previous": digest,
        }
        digest = _digest(row)
        rows.append({**row, "digest": digest})
    if rows:
        connection.execute(sa.insert(audit), rows)
    return number


def newest(ledger: Ledger) -> tuple[int, str]:
    """Number and digest of the last entry; (-1, 64 zeros) before the first."""
    query = sa.select(audit.c.number, audit.c.digest).order_by(audit.c.number.desc()).limit(1)
    with ledger.reading() as connection:
        last = connection.execute(query).first()
    return (-1, FIRST) if last is None else (int(last.number), str(last.digest))


def read_audit(ledger: Ledger, subjects: Sequence[str] | None = None, since: int = -1) -> pd.DataFrame:
    """Entries after a number (of some incidents), in their order; `data` is parsed."""
    query = sa.select(audit).where(audit.c.number > since).order_by(audit.c.number)
    found = ledger.frame(query if subjects is None else query.where(audit.c.subject.in_(list(subjects))))
    found["data"] = [json.loads(text) for text in found["data"]]
    return found


def check_chain(ledger: Ledger) -> list[str]:
    """What is wrong with the chain, in words; nothing when it is whole."""
    problems, number, digest = [], -1, FIRST
    with ledger.reading() as connection:
        for row in connection.execute(sa.select(audit).order_by(audit.c.number)).mappings():
            number += 1
            if row["number"] != number:
                problems.append(f"entry {number} is missing; the next is {row['number']}")
                number = int(row["number"])
            if row["previous"] != digest:
                problems.append(f"entry {number} does not follow the one before it")
            digest = _digest(row)
            if row["digest"] != digest:
                problems.append(f"entry {number} was altered: its content does not give its digest")
                digest = str(row["digest"])
    return problems


def _digest(row: "sa.RowMapping | dict[str, Any]") -> str:
    at = row["at"].astimezone(UTC).isoformat(timespec="microseconds")
    text = "\x1f".join([*(str(row[name]) for name in ("previous", "number")), at])
    text += "\x1f" + "\x1f".join(str(row[name]) for name in ("who", "subject", "action", "why", "data"))
    return hashlib.sha256(text.encode()).hexdigest()
