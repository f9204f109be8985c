"""The outbox: messages written in the transaction that found the reason for them, sent afterwards, never lost.

A message is pending until a channel took it (sent), will never take it (refused), or could not be reached for so long
that the message is of no use any more (expired): that is listed until somebody has looked. Its key is the idempotency
key a receiver can honour: at such a receiver every message arrives exactly once, at any other at least once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
import sqlalchemy as sa

from store.ledger.ledger import Instant, Ledger, metadata

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("channel", sa.String, nullable=False),
    sa.Column("at", Instant, nullable=False),  # of what is told
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("payload", sa.String, nullable=False),  # JSON
    sa.Column("state", sa.String, nullable=False, index=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
)

#: One attempt to send a message.
deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("key", sa.String, sa.ForeignKey("outbox.key"), primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("result", sa.String, nullable=False),  # sent, failed, refused
    sa.Column("detail", sa.String, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one channel."""

    key: str
    channel: str
    at: datetime
    payload: str
    attempts: int = 0
    created_at: datetime | None = None  # when it was put into the outbox; None before


def put(connection: sa.Connection, ledger: Ledger, letters: Sequence[Letter], now: datetime) -> int:
    """Put letters into the outbox; one that is there already is left alone. Returns how many were new."""
    rows = [
        {
            "key": x.key,
            "channel": x.channel,
            "at": x.at,
            "created_at": now,
            "payload": x.payload,
            "state": "pending",
            "attempts": 0,
            "due_at": now,
        }
        for x in letters
    ]
    return ledger.insert_new(connection, outbox, rows)


def due(ledger: Ledger, channel: str, now: datetime) -> list[Letter]:
    """The letters to try now on a channel, oldest first."""
    query = sa.select(outbox).where(outbox.c.channel == channel, outbox.c.state == "pending", outbox.c.due_at <= now)
    with ledger.reading() as connection:
        rows = connection.execute(query.order_by(outbox.c.at, outbox.c.key)).all()
    return [Letter(r.key, r.channel, r.at, r.payload, r.attempts, r.created_at) for r in rows]


def attempted(
    ledger: Ledger, letter: Letter, result: str, detail: str, now: datetime, due_at: datetime, *, give_up: bool = False
) -> None:
    """Record an attempt: `sent` and `refused` end it, `failed` makes it due again, or expired when we give up."""
    state = ("expired" if give_up else "pending") if result == "failed" else result
    with ledger.begin() as connection:
        here = sa.and_(outbox.c.key == letter.key, outbox.c.state == "pending")
        attempts = connection.scalar(sa.select(outbox.c.attempts).where(here))
        if attempts is None:
            return  # another run has settled it meanwhile
        connection.execute(sa.update(outbox).where(here).values(state=state, attempts=attempts + 1, due_at=due_at))
        row = {"key": letter.key, "attempt": attempts + 1, "at": now, "result": result, "detail": detail}
        connection.execute(sa.insert(deliveries), [row])


def sent_since(ledger: Ledger, channel: str, since: datetime) -> int:
    """How many messages a channel has taken since a moment."""
    query = (
        sa.select(sa.func.count())
        .select_from(deliveries.join(outbox, outbox.c.key == deliveries.c.key))
        .where(outbox.c.channel == channel, deliveries.c.result == "sent", deliveries.c.at > since)
    )
    with ledger.reading() as connection:
        return int(connection.scalar(query) or 0)


def summary(ledger: Ledger) -> pd.DataFrame:
    """A row for each channel and state: n, oldest (when the oldest was written), last_detail (of the last attempt)."""
    latest = (
        sa.select(deliveries.c.key, sa.func.max(deliveries.c.attempt).label("attempt"))
        .group_by(deliveries.c.key)
        .subquery()
    )
    query = (
        sa.select(
            outbox.c.channel,
            outbox.c.state,
            sa.func.count().label("n"),
            sa.func.min(outbox.c.created_at, type_=Instant).label("oldest"),
            sa.func.max(deliveries.c.detail).label("last_detail"),
        )
        .select_from(
            outbox.outerjoin(latest, latest.c.key == outbox.c.key).outerjoin(
                deliveries,
                sa.and_(deliveries.c.key == latest.c.key, deliveries.c.attempt == latest.c.attempt),
            )
        )
        .group_by(outbox.c.channel, outbox.c.state)
        .order_by(outbox.c.channel, outbox.c.state)
    )
    return ledger.frame(query)


def read_outbox(ledger: Ledger, state: str | None = None) -> pd.DataFrame:
    """Letters in the order of what they tell."""
    query = sa.select(outbox).order_by(outbox.c.at, outbox.c.key)
    return ledger.frame(query if state is None else query.where(outbox.c.state == state))


def read_deliveries(ledger: Ledger) -> pd.DataFrame:
    """Every attempt to send."""
    return ledger.frame(sa.select(deliveries).order_by(deliveries.c.key, deliveries.c.attempt))
