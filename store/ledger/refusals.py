"""Rows the dashboard server refused, with its reason: listed until somebody has looked."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

import pandas as pd
import sqlalchemy as sa

from store.ledger.ledger import Instant, Ledger, metadata

refusals = sa.Table(
    "refusals",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("line", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("refused_at", Instant, nullable=False),
)


def keep_refusals(ledger: Ledger, refused: Sequence[tuple[str, str]], now: datetime) -> None:
    """Keep (line, reason) pairs; the same line is listed once."""
    rows = {
        (key := hashlib.sha256(line.encode()).hexdigest()): {
            "id": key,
            "line": line,
            "reason": reason,
            "refused_at": now,
        }
        for line, reason in refused
    }
    with ledger.begin() as connection:
        ledger.insert_new(connection, refusals, list(rows.values()))


def read_refusals(ledger: Ledger) -> pd.DataFrame:
    """All refused rows, newest first."""
    return ledger.frame(sa.select(refusals).order_by(refusals.c.refused_at.desc(), refusals.c.id))
