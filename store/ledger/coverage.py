"""For every feed and window: what was asked and what came, so that every gap can name its reason."""

from datetime import datetime

import pandas as pd
import sqlalchemy as sa

from store.ledger.ledger import Instant, Ledger, metadata

#: From worst to best; never_asked is the absence of a row, and a better answer replaces a worse one.
STATES = ("never_asked", "failed", "empty", "rejected", "late", "received", "superseded")

coverage = sa.Table(
    "coverage",
    metadata,
    sa.Column("feed", sa.String, primary_key=True),
    sa.Column("start", Instant, primary_key=True),
    sa.Column("end", Instant, primary_key=True),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("n_records", sa.Integer, nullable=False),
    sa.Column("n_rejected", sa.Integer, nullable=False),
    sa.Column("detail", sa.String, nullable=False),
    sa.Column("asked_at", Instant, nullable=False),
)


class Coverage:
    """What each feed was asked for and what it answered."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def mark(
        self,
        feed: str,
        start: datetime,
        end: datetime,
        state: str,
        *,
        n_records: int = 0,
        n_rejected: int = 0,
        detail: str = "",
        now: datetime,
    ) -> None:
        """Record the answer to one window; a failed question never hides an earlier good answer.

        Raises:
            ValueError: an unknown state.
        """
        if state not in STATES[1:]:
            raise ValueError(f"{state!r} is not one of {STATES[1:]}")
        row = {
            "feed": feed,
            "start": start,
            "end": end,
            "state": state,
            "n_records": n_records,
            "n_rejected": n_rejected,
            "detail": detail,
            "asked_at": now,
        }
        here = sa.and_(coverage.c.feed == feed, coverage.c.start == start, coverage.c.end == end)
        with self.ledger.begin() as connection:
            if self.ledger.insert_new(connection, coverage, [row]):
                return
            stored = connection.execute(sa.select(coverage).where(here)).mappings().one()
            content = ("state", "n_records", "n_rejected", "detail")
            worse = STATES.index(state) < STATES.index(stored["state"])
            if not worse and any(stored[c] != row[c] for c in content):
                connection.execute(sa.update(coverage).where(here).values(row))

    def span(self, feed: str) -> tuple[datetime, datetime] | None:
        """From the first window in which a feed brought anything to the last it answered; None when it never did.

        Years in which a feed was asked and empty, before its first packet, are no silence of its stations.
        """
        brought = sa.case((coverage.c.state != "empty", coverage.c.start))
        query = sa.select(sa.func.min(brought, type_=Instant), sa.func.max(coverage.c.end, type_=Instant)).where(
            coverage.c.feed == feed, coverage.c.state != "failed"
        )
        with self.ledger.engine.connect() as connection:
            start, end = connection.execute(query).one()
        return None if start is None else (start, end)

    def read(self, feed: str | None = None, start: datetime | None = None, end: datetime | None = None) -> pd.DataFrame:
        """The answers to windows that overlap [start, end), in order."""
        query = sa.select(coverage).order_by(coverage.c.feed, coverage.c.start, coverage.c.end)
        query = query if feed is None else query.where(coverage.c.feed == feed)
        query = query if start is None else query.where(coverage.c.end > start)
        query = query if end is None else query.where(coverage.c.start < end)
        return self.ledger.frame(query)
