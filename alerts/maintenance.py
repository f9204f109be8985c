"""Maintenance of stations, planned with its end: what is measured then is no finding, and quality control knows it too.

`plan` writes two logs in one transaction: the suppression that alarms go by, and for each station a review that says
that what is measured then is not valid (flag 4, as a device's own mark M of HJ 212-2017 table 8), which quality control
lays over its own flags. Ending it early ends both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pandas as pd

from alerts.samples import MICRO, Samples, micros
from domain.records import Flag
from store.home import Home
from store.ledger.alerts import Connection
from store.ledger.reviews import Review, read_reviews, say_review, take_back
from store.ledger.suppressions import Suppression, end_suppression, read_suppressions, say_suppression

#: Of each station the spans [start, end) in microseconds during which it is worked on.
Spans = Mapping[str, tuple[tuple[int, int], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Work at one station, or at all that match: `station` may hold * and ?; township and medium may be empty."""

    who: str
    why: str
    start: datetime
    end: datetime
    station: str = "*"
    township: str = ""
    medium: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """What must be so of a station."""
        return {k: v for k, v in (("township", self.township), ("medium", self.medium)) if v}


def plan(home: Home, work: Work, *, now: datetime) -> int:
    """Write planned work down; returns its number.

    Raises:
        ValueError: nobody or no reason is named, the span is empty or over, or no station matches.
    """
    stations = [row for row in _rows(home) if _matches(row, work.station, work.labels)]
    if not stations:
        raise ValueError(f"no station of the registry matches {work.station!r} {work.labels or ''}".rstrip())
    entry = Suppression(
        kind="maintenance", who=work.who, why=work.why, start=work.start, end=work.end, subject=work.station,
        labels=work.labels,
    )  # fmt: skip
    with home.ledger.begin() as connection:
        number = say_suppression(home.ledger, entry, now=now, connection=connection)
        for row in stations:
            _review(home, row, work, number, now, connection)
    return number


def end(home: Home, number: int, *, who: str, why: str, now: datetime) -> int:
    """Work that is over before its planned end; returns the number of the new entry.

    Raises:
        ValueError: nobody or no reason is named, there is no such work, or it is over.
    """
    known = read_suppressions(home.ledger, kind="maintenance")
    found = known[known["number"] == number]
    if found.empty:
        raise ValueError(f"there is no maintenance {number}")
    entry = found.iloc[0]
    reviews = read_reviews(home.ledger)
    mine = reviews[reviews["holds"].astype(bool) & reviews["why"].str.startswith(_mark(number))]
    with home.ledger.begin() as connection:
        done = end_suppression(home.ledger, number, who=who, why=why, now=now, connection=connection)
        for review in mine.itertuples():
            take_back(home.ledger, int(review.number), who=who, why=why, now=now, connection=connection)
            if entry["start"] < now:
                row = {"station_id": review.station_id, "medium": review.medium}
                shorter = Work(who=who, why=entry["why"], start=entry["start"], end=now)
                _review(home, row, shorter, number, now, connection)
    return done


def _review(home: Home, row: Mapping[str, Any], work: Work, number: int, now: datetime, connection: Connection) -> None:
    review = Review(
        who=work.who, why=f"{_mark(number)}{work.why}", medium=str(row["medium"]), station_id=str(row["station_id"]),
        parameter="", start=work.start, end=work.end, flag=int(Flag.FAIL),
    )  # fmt: skip
    say_review(home.ledger, review, now=now, connection=connection)


def _mark(number: int) -> str:
    return f"maintenance {number}: "


def spans_of(home: Home, log: pd.DataFrame) -> Spans:
    """When each station is or was worked on, by the log of `read_suppressions`."""
    out: dict[str, list[tuple[int, int]]] = {}
    work = log[log["kind"] == "maintenance"].to_dict("records")
    rows = _rows(home) if work else []
    for entry in work:
        span = (micros(entry["start"].to_pydatetime()), micros(entry["until"].to_pydatetime()))
        if span[0] < span[1]:
            for station in {str(r["station_id"]) for r in rows if _matches(r, entry["subject"], entry["labels"])}:
                out.setdefault(station, []).append(span)
    return {station: tuple(sorted(spans)) for station, spans in out.items()}


def _rows(home: Home) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in home.registry.stations.to_dict("records")]


def _matches(row: Mapping[str, Any], station: str, labels: Mapping[str, str]) -> bool:
    return fnmatchcase(str(row["station_id"]), station) and all(str(row[k]) == v for k, v in labels.items())


def outside(samples: Samples, spans: Spans) -> Samples:
    """The samples no part of which was measured during maintenance of their station."""
    kept = np.ones(len(samples.value), dtype=bool)
    for position, subject in enumerate(samples.subjects):
        for start, stop in spans.get(subject, ()):
            kept &= ~((samples.subject == position) & (samples.start < stop) & (samples.end > start))
    return samples if kept.all() else samples.where(kept)


def heard(spans: Iterable[tuple[int, int]], wait: timedelta) -> list[int]:
    """Moments at which a station counts as heard although it said nothing: so that no wait is over during maintenance.

    From the start to the end of each span, no further apart than half the wait; the last is the end itself.
    """
    step = max(wait // MICRO // 2, 1)
    return [at for start, stop in spans for at in (*range(start, stop, step), stop)]
