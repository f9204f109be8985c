"""What people say of observations: an append-only log, in which taking back is one more entry.

An entry is its own mark that days must be computed anew: compute keeps the number of the last entry it has worked off.
Numbers follow the order of the commits, so that no entry can appear behind that cursor.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

import pandas as pd
import sqlalchemy as sa

from domain.records import Flag
from store.ledger.ledger import Instant, Ledger, metadata

#: Flags a person may give; whether a value is missing is not a matter of opinion.
GIVEN = (Flag.PASS, Flag.NOT_EVALUATED, Flag.SUSPECT, Flag.FAIL)

reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("takes_back", sa.BigInteger, nullable=True, unique=True),  # the number of the entry that no longer holds
    sa.Column("who", sa.String, nullable=False),
    sa.Column("said_at", Instant, nullable=False),
    sa.Column("why", sa.String, nullable=False),
    sa.Column("medium", sa.String, nullable=False),
    sa.Column("station_id", sa.String, nullable=False),
    sa.Column("parameter", sa.String, nullable=False),  # "" means all of the station
    sa.Column("start", Instant, nullable=False),
    sa.Column("end", Instant, nullable=False),
    sa.Column("flag", sa.Integer, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One judgement: these observations have this flag, says who, and why."""

    who: str
    why: str
    medium: str
    station_id: str
    parameter: str  # "" means all of the station
    start: datetime
    end: datetime  # first instant after
    flag: int


def say_review(ledger: Ledger, review: Review, *, now: datetime, connection: sa.Connection | None = None) -> int:
    """Append a judgement, in the transaction of `connection` or in one of its own; returns its number.

    Raises:
        ValueError: nobody or no reason is named, the span is empty, or the flag is not one a person may give.
    """
    if not review.who.strip() or not review.why.strip():
        raise ValueError("a review needs who says it and why")
    if review.start >= review.end:
        raise ValueError(f"the review's span from {review.start} to {review.end} is empty")
    if review.flag not in GIVEN:
        raise ValueError(f"flag {review.flag} is not one of {[int(f) for f in GIVEN]}")
    with ledger.within(connection) as own:
        return _append(own, asdict(review) | {"said_at": now, "takes_back": None})


def take_back(
    ledger: Ledger, number: int, *, who: str, why: str, now: datetime, connection: sa.Connection | None = None
) -> int:
    """Append that an entry no longer holds, as `say_review` does; returns the number of the new entry.

    Raises:
        ValueError: nobody or no reason is named, there is no such judgement, or it was taken back before.
    """
    if not who.strip() or not why.strip():
        raise ValueError("a review needs who says it and why")
    with ledger.within(connection) as own:
        found = own.execute(sa.select(reviews).where(reviews.c.number == number)).mappings().one_or_none()
        gone = own.scalar(sa.select(reviews.c.number).where(reviews.c.takes_back == number))
        if found is None or found["takes_back"] is not None:
            raise ValueError(f"there is no review {number}")
        if gone is not None:
            raise ValueError(f"review {number} was taken back by entry {gone}")
        said = {"who": who, "why": why, "said_at": now, "takes_back": number}
        return _append(own, dict(found) | said)


def read_reviews(ledger: Ledger, *, since: int = -1) -> pd.DataFrame:
    """All entries after a number, in their order, with `holds`: whether the entry is a judgement that still stands."""
    frame = ledger.frame(sa.select(reviews).order_by(reviews.c.number))
    frame["takes_back"] = pd.to_numeric(frame["takes_back"]).astype("Int64")
    back = frame["takes_back"]
    frame["holds"] = back.isna() & ~frame["number"].isin(back.dropna())
    return frame[frame["number"] > since].reset_index(drop=True)


def _append(connection: sa.Connection, row: Mapping[str, object]) -> int:
    last = connection.scalar(sa.select(sa.func.max(reviews.c.number)))
    number = 0 if last is None else int(last) + 1
    connection.execute(sa.insert(reviews).values(dict(row) | {"number": number}))
    return number
