"""What people keep quiet and why: silences, shelved alarms, maintenance; an append-only log with its history.

| kind | what it is (ISA-18.2, IEC 62682) |
|---|---|
| silence | whatever matches is not said for a while |
| shelve | one alarm is put aside by an operator and comes back by itself |
| maintenance | a station (or all that match) is worked on: its values are no findings, its alarms are not said |

Every entry has its end. Ending one early is one more entry that names it; nothing is changed or deleted.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

import pandas as pd
import sqlalchemy as sa

from store.ledger.ledger import Instant, Ledger, metadata

KINDS = ("silence", "shelve", "maintenance")

#: How long one alarm may be shelved at most; ISA-18.2 wants a limit and leaves it to the site.
LONGEST_SHELVE = timedelta(hours=24)

_GLOB = frozenset("*?[")

suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("ends", sa.BigInteger, unique=True),  # the number of the entry that is over with this one
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("said_at", Instant, nullable=False),
    sa.Column("why", sa.String, nullable=False),
    sa.Column("rule", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("severity", sa.String, nullable=False),
    sa.Column("labels", sa.String, nullable=False),  # JSON
    sa.Column("start", Instant, nullable=False),
    sa.Column("end", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One entry. `rule` and `subject` may hold * and ?; an empty severity is any; labels must all be the alert's."""

    kind: str
    who: str
    why: str
    start: datetime
    end: datetime  # first instant after
    rule: str = "*"
    subject: str = "*"
    severity: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def say_suppression(ledger: Ledger, new: Suppression, *, now: datetime, connection: sa.Connection | None = None) -> int:
    """Append an entry, in the transaction of `connection` or in one of its own; returns its number.

    Raises:
        ValueError: nobody or no reason is named, the span is empty or over, or an alarm is shelved for too long or not
            named exactly.
    """
    problem = _problem(new, now)
    if problem:
        raise ValueError(problem)
    row = asdict(new) | {"labels": json.dumps(dict(new.labels), ensure_ascii=False, sort_keys=True)}
    with ledger.within(connection) as own:
        return _append(own, row | {"said_at": now, "ends": None})


def _problem(new: Suppression, now: datetime) -> str:
    if new.kind not in KINDS:
        return f"{new.kind!r} is none of {', '.join(KINDS)}"
    if not new.who.strip() or not new.why.strip():
        return f"a {new.kind} needs who says it and why"
    if new.end <= max(new.start, now):
        return f"a {new.kind} needs an end after its start and after now"
    if new.kind == "shelve" and _GLOB & set(new.rule + new.subject):
        return "one alarm is shelved at a time: name its rule and its subject"
    if new.kind == "shelve" and new.end - new.start > LONGEST_SHELVE:
        return f"an alarm is shelved for {LONGEST_SHELVE} at most; it comes back by itself and can be shelved again"
    return ""


def end_suppression(
    ledger: Ledger, number: int, *, who: str, why: str, now: datetime, connection: sa.Connection | None = None
) -> int:
    """Append that an entry is over now, as `say_suppression` does; returns the number of the new entry.

    Raises:
        ValueError: nobody or no reason is named, there is no such entry, or it is over.
    """
    if not who.strip() or not why.strip():
        raise ValueError("ending a suppression needs who says it and why")
    with ledger.within(connection) as own:
        found = own.execute(sa.select(suppressions).where(suppressions.c.number == number)).mappings().first()
        gone = own.scalar(sa.select(suppressions.c.number).where(suppressions.c.ends == number))
        if found is None or found["ends"] is not None:
            raise ValueError(f"there is no suppression {number}")
        if gone is not None or found["end"] <= now:
            raise ValueError(f"suppression {number} is over already")
        return _append(own, dict(found) | {"who": who, "why": why, "said_at": now, "ends": number})


def read_suppressions(ledger: Ledger, *, kind: str | None = None) -> pd.DataFrame:
    """The entries in their order, without those that only end others.

    Beside the columns of the log: `until`, when the entry is or was truly over; `ended_by` and `ended_why` when
    somebody ended it early; `last`, the number of the last entry that speaks of it.
    """
    log = ledger.frame(sa.select(suppressions).order_by(suppressions.c.number))
    log["labels"] = [json.loads(text) for text in log["labels"]]
    log["ends"] = pd.to_numeric(log["ends"]).astype("Int64")
    for column in ("said_at", "start", "end"):
        log[column] = pd.to_datetime(log[column], utc=True).astype("datetime64[us, UTC]")
    enders = {int(row["ends"]): row for row in log[log["ends"].notna()].to_dict("records")}
    own = log[log["ends"].isna()].drop(columns="ends")
    ended = [enders.get(n) for n in own["number"]]
    over = [e["said_at"] if e else at for e, at in zip(ended, own["end"], strict=True)]
    own["until"] = pd.Series(over, index=own.index, dtype="datetime64[us, UTC]")
    own["ended_by"] = [e["who"] if e else "" for e in ended]
    own["ended_why"] = [e["why"] if e else "" for e in ended]
    own["last"] = [int(e["number"] if e else n) for e, n in zip(ended, own["number"], strict=True)]
    own = own if kind is None else own[own["kind"] == kind]
    return own.reset_index(drop=True)


def state_of(entries: pd.DataFrame, at: datetime) -> pd.Series:
    """planned, active or over at a moment, for each entry of `read_suppressions`."""
    moment = pd.Timestamp(at)
    state = pd.Series("active", index=entries.index, dtype="str")
    state[entries["start"] > moment] = "planned"
    state[entries["until"] <= moment] = "over"
    return state


def _append(connection: sa.Connection, row: Mapping[str, object]) -> int:
    last = connection.scalar(sa.select(sa.func.max(suppressions.c.number)))
    number = 0 if last is None else int(last) + 1
    connection.execute(sa.insert(suppressions).values(dict(row) | {"number": number}))
    return number
