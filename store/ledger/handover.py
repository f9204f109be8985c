"""Notes from shift to shift: append-only words of who was on duty."""

from datetime import datetime

import pandas as pd
import sqlalchemy as sa

from store.ledger.ledger import Instant, Ledger, metadata

#: Longest note, characters.
LONGEST = 4000

notes = sa.Table(
    "handover_notes",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("text", sa.String, nullable=False),
)


def say_note(ledger: Ledger, who: str, text: str, *, now: datetime) -> None:
    """Append a note.

    Raises:
        ValueError: it is empty or too long, or nobody says it.
    """
    if not who.strip() or not text.strip():
        raise ValueError("a note needs who says it and what")
    if len(text) > LONGEST:
        raise ValueError(f"a note has at most {LONGEST} characters; this one has {len(text)}")
    with ledger.begin() as connection:
        connection.execute(sa.insert(notes), [{"at": now, "who": who, "text": text.strip()}])


def read_notes(ledger: Ledger, *, limit: int = 100) -> pd.DataFrame:
    """The newest notes, newest first: number, at, who, text."""
    return ledger.frame(sa.select(notes).order_by(notes.c.number.desc()).limit(limit))
