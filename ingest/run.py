"""Ingest: fetch, archive, decode, validate, upsert, mark. Every step can be repeated; none reads the clock.

A window is answered slot by slot and written in few large batches, since each write makes a month's partition anew.
What is written is the same whether a month comes hour by hour, at once, shuffled or twice: of two rows with one key the
later received wins. Coverage is marked last, so that a run that died is simply run again.
"""

import importlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, cast
from urllib.parse import urlsplit

import pandas as pd

from domain.errors import CatalogueError, FeedError
from domain.records import Reason
from ingest import fetch
from ingest.assets import take_in
from ingest.decoded import Context, Decoded
from ingest.feeds import Feed, for_registry
from ingest.validate import validate
from store.home import Home

#: Rows held before they are written: what bounds memory.
BATCH_ROWS = 1_000_000
_TABLES = ("observations", "scenes", "reports")
#: How far back `ingest_new` looks into slots, and how far apart two files of one tick of a disk's clock may be.
REACH = timedelta(hours=2)
_TICK_NS = 20_000_000


@dataclass(frozen=True, slots=True)
class Counts:
    """What one run did; `rejected` by reason, `records` all that were seen, good or bad."""

    payloads: int = 0
    records: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            payloads=self.payloads + other.payloads,
            records=self.records + other.records,
            new=self.new + other.new,
            changed=self.changed + other.changed,
            unchanged=self.unchanged + other.unchanged,
            rejected=dict(sorted((Counter(self.rejected) + Counter(other.rejected)).items())),
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for logs and XCom."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one question brought."""

    start: datetime
    end: datetime
    decoded: tuple[tuple[datetime, Decoded], ...]  # by the time of receipt
    failure: FeedError | None = None

    @property
    def rows(self) -> int:
        return sum(len(d.observations) + len(d.scenes) + len(d.reports) for _, d in self.decoded)


def feeds_root() -> str:
    """Where the feeds are: SANYAN_FEEDS, a folder or an address; `var/feeds` by default."""
    return os.environ.get("SANYAN_FEEDS", "var/feeds")


def feeds_of(home: Home, *, only: str | None = None) -> dict[str, Feed]:
    """The active feeds of this deployment, by id, and the one named by `only`, active or not.

    Raises:
        CatalogueError: every problem of feeds.yaml at once.
    """
    return for_registry(home.registry.root, only=only)


def ingest(home: Home, feed: Feed | str, *, start: datetime, end: datetime, now: datetime, root: str) -> Counts:
    """Take in what a feed gave in the receive window [start, end).

    Args:
        home: where everything is kept.
        feed: the feed or its id.
        start: first instant; a slot of the feed that overlaps the window is asked for whole.
        end: first instant after.
        now: the moment written beside replaced rows and answers.
        root: folder or address that relative paths are below.

    Raises:
        CatalogueError: there is no such feed.
        FeedUnavailable: no answer; what came before it is kept, and the window is marked as failed.
        FeedCorrupt: a catalogue that cannot be read; likewise.
    """
    spec = _feed(home, feed)
    total, held = Counts(), list[_Answer]()
    for answer in _answers(home, spec, start, end, root):
        held.append(answer)
        if answer.failure is not None or sum(a.rows for a in held) >= BATCH_ROWS:
            total, held = total + _write(home, spec, held, now), []
        if answer.failure is not None:
            raise answer.failure
    return total + _write(home, spec, held, now)


def ingest_new(home: Home, feed: Feed | str, *, now: datetime, root: str, reach: timedelta = REACH) -> Counts:
    """Take in the files of a feed that came since the last call, in the slots of the last hours, and nothing else.

    This is what shortens the way of a packet: `ingest` reads its slot whole, this only what is new. How far it came is
    kept after everything is written, so a run that dies is repeated by the next. Nothing is said of coverage, and what
    this never saw (a web, a file older than `reach`) is taken by `ingest`, which finds the rest unchanged.

    Args:
        home: where everything is kept.
        feed: the feed or its id.
        now: the moment; slots that begin after it are not looked into.
        root: folder that relative paths are below.
        reach: how far back slots are looked into.

    Raises:
        CatalogueError: there is no such feed.
        FeedUnavailable: the folder of the feeds is not there.
    """
    spec = _feed(home, feed)
    cursor = f"arrived.{spec.id}"
    since = home.ledger.cursor(cursor)
    # A disk's clock ticks in milliseconds: a file of the last tick is read again rather than missed.
    payloads, latest = fetch.arrived(spec, root, now - reach, now, since - _TICK_NS)
    decode = _decoder(spec)
    decoded = tuple((p.received_at, _taken(home, spec, root, p, decode)) for p in payloads)
    counts = _store(home, spec, [d for _, d in decoded], now)
    if latest > since:
        home.ledger.advance(cursor, latest)
    return counts


def _feed(home: Home, feed: Feed | str) -> Feed:
    if isinstance(feed, Feed):
        return feed
    known = for_registry(home.registry.root, only=feed)
    if feed not in known:
        raise CatalogueError([f"feeds.yaml: there is no feed {feed!r}; it has {sorted(known)}"])
    return known[feed]


def _answers(home: Home, feed: Feed, start: datetime, end: datetime, root: str) -> Iterator[_Answer]:
    """The answer to each question, the last one with its failure when the feed is dead."""
    decode = _decoder(feed)
    for ask in fetch.asks(feed, root, start, end, home.registry.county["bbox"]):
        decoded, failure = list[tuple[datetime, Decoded]](), None
        try:
            for payload in ask.payloads:  # a loop, so that what came before a failure stays
                decoded.append((payload.received_at, _taken(home, feed, root, payload, decode)))
        except FeedError as error:
            failure = error
        yield _Answer(ask.start, ask.end, tuple(decoded), failure)
        if failure is not None:
            return


def _decoder(feed: Feed) -> Callable[[bytes, Context], Decoded]:
    module = importlib.import_module(f"ingest.decoders.{feed.decoder}")
    return cast("Callable[[bytes, Context], Decoded]", module.decode)


def _taken(
    home: Home, feed: Feed, root: str, payload: fetch.Payload, decode: Callable[[bytes, Context], Decoded]
) -> Decoded:
    """One payload archived, decoded, validated, and its rasters brought in."""
    suffix = PurePosixPath(urlsplit(payload.name).path).suffix[:10]
    raw_ref = home.files.archive(payload.content, suffix if suffix.isascii() else "")
    context = Context(
        feed=feed.id,
        received_at=payload.received_at,
        until=payload.until,
        registry=home.registry,
        raw_ref=raw_ref,
        name=payload.name,
        options=feed.options,
    )
    decoded = validate(decode(payload.content, context), context)
    return take_in(decoded, context, home, feed, root) if len(decoded.scenes) else decoded


def _write(home: Home, feed: Feed, answers: list[_Answer], now: datetime) -> Counts:
    """Upsert, quarantine, then mark what was asked as answered."""
    total = _store(home, feed, [d for answer in answers for _, d in answer.decoded], now)
    _mark(home, feed, answers, now)
    return total


def _store(home: Home, feed: Feed, decoded: list[Decoded], now: datetime) -> Counts:
    """Upsert and quarantine."""
    rejections = [r for d in decoded for r in d.rejections]
    total = Counts(
        payloads=len(decoded),
        records=sum(d.n_records for d in decoded),
        rejected=dict(sorted(Counter(str(r.reason) for r in rejections).items())),
    )
    for table in _TABLES:
        frames = [getattr(d, table) for d in decoded if len(getattr(d, table))]
        if frames:
            rows = pd.concat(frames, ignore_index=True)
            written = home.lake.upsert(table, rows, now=now, why=f"feed {feed.id}", newest="received_at")
            total += Counts(
                new=written.new, changed=written.changed, unchanged=len(rows) - written.new - written.changed
            )
    home.ledger.reject(rejections)
    return total


def _mark(home: Home, feed: Feed, answers: list[_Answer], now: datetime) -> None:
    """Say of each slot that was asked what came: so that every gap can name its reason."""
    if not answers:
        return
    asked = home.coverage.read(feed.id, answers[0].start, answers[-1].end)
    before = dict(zip(zip(asked["start"], asked["end"], strict=True), asked["state"], strict=True))
    for answer in answers:
        for start, end in feed.slots(answer.start, answer.end):
            here = [d for at, d in answer.decoded if start <= at < end]
            n_rejected = sum(len(d.rejections) for d in here)
            home.coverage.mark(
                feed.id,
                start,
                end,
                "failed" if answer.failure else _state(here, str(before.get((start, end), ""))),
                n_records=sum(d.n_records for d in here),
                n_rejected=n_rejected,
                detail=str(answer.failure or ""),
                now=now,
            )


def _state(here: list[Decoded], before: str) -> str:
    """What a slot's answer is: empty, rejected, received, or late when it had been empty before."""
    if any(len(d.observations) + len(d.scenes) + len(d.reports) for d in here):
        return "late" if before in {"empty", "late"} else "received"
    refused = {str(r.reason) for d in here for r in d.rejections}
    return "rejected" if refused - {Reason.EMPTY.value} else "empty"
