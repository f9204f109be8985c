"""Feeds as payloads: one function a transport, each an iterator of whole payloads in order.

A file that is not there is an empty answer; a folder or server that is not there is `FeedUnavailable`. What came before
a failure is kept: the iterator yields it first and raises then.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from domain.errors import FeedUnavailable
from domain.times import utc
from ingest.feeds import Feed

#: Pages in a row that tell nothing before paging is given up, and the most pages of one slot.
_BLIND_PAGES = 3
_MOST_PAGES = 10_000
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Payload:
    """One whole answer of a feed, as it came."""

    name: str  # path below the feeds' root, or whole address
    content: bytes
    received_at: datetime  # start of the slot, or publication
    until: datetime  # end of the slot: nothing in the payload can be later


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to a feed and, lazily, its answer."""

    start: datetime
    end: datetime
    payloads: Iterator[Payload]


def arrived(feed: Feed, root: str, start: datetime, end: datetime, since: int) -> tuple[list[Payload], int]:
    """The files of the slots of [start, end) that came or changed after a moment of the disk, in the order they did.

    Args:
        feed: a feed of local files; of any other there is nothing to be told.
        root: folder that relative paths are below.
        start: first instant of the slots looked into.
        end: first instant after.
        since: a former answer; -1 is the beginning.

    Returns:
        The payloads, and what to give as `since` next time: the change time of the latest file in ns since 1970.

    Raises:
        FeedUnavailable: the feed's folder is not there, or a file cannot be read.
    """
    if feed.transport != "files" or is_web(feed.path if "://" in feed.path else root):
        return [], since
    _standing(feed, root)
    found = []
    for slot in feed.slots(start, end):
        for name in _matching(feed, feed.address(root, slot)):
            changed = _changed(local(name))
            if changed > since:
                found.append((changed, name, slot))
    payloads = []
    for changed, name, slot in sorted(found):
        content = get(feed, name)
        if content is not None:
            payloads.append(Payload(below(root, name), content, *slot))
            since = max(since, changed)
    return payloads, since


def asks(feed: Feed, root: str, start: datetime, end: datetime, bbox: Sequence[float]) -> Iterator[Ask]:
    """The questions for the receive window [start, end), in order; iterating an answer may raise.

    Args:
        feed: the feed.
        root: folder or address that relative paths are below.
        start: first instant.
        end: first instant after.
        bbox: west, south, east, north in degrees: what lies outside is not asked for (sky only).

    Raises:
        FeedUnavailable: no answer, after retries; the text names the feed and the address.
        FeedCorrupt: a catalogue that cannot be read at all.
    """
    if feed.transport == "stac":
        from ingest.catalogues import stac  # pystac only where there is a catalogue

        yield Ask(start, end, stac(feed, root, start, end, bbox))
        return
    transport = {"files": files, "pages": pages}[feed.transport]
    for slot in feed.slots(start, end):
        yield Ask(*slot, transport(feed, root, slot))


def files(feed: Feed, root: str, slot: tuple[datetime, datetime]) -> Iterator[Payload]:
    """The slot's files, by name; none is an empty answer.

    Raises:
        FeedUnavailable: the feed's folder or server is not there.
    """
    address = feed.address(root, slot)
    _standing(feed, root)
    for name in _matching(feed, address):
        content = get(feed, name)
        if content is not None:
            yield Payload(below(root, name), content, *slot)


def pages(feed: Feed, root: str, slot: tuple[datetime, datetime]) -> Iterator[Payload]:
    """The slot's pages 1, 2, ... as far as they themselves say (`data.pages`, or `data.total` and `data.pageSize`).

    A page that cannot be read is yielded like any other, for the decoder to refuse; the next one is asked for.

    Raises:
        FeedUnavailable: no answer, or a page that others promised is missing; the other pages come first.
    """
    _standing(feed, root)
    promised, blind, missing = 0, 0, []
    for number in range(1, _MOST_PAGES + 1):
        if number > max(promised, 1) and (promised or not blind or blind >= _BLIND_PAGES):
            break
        address = feed.address(root, slot, page=number)
        content = get(feed, address)
        if content is None:
            if number > promised:
                break
            missing.append(address)
            continue
        told = _promised(content)
        blind = 0 if told else blind + 1
        promised = max(promised, told)
        yield Payload(below(root, address), content, *slot)
    if missing:
        raise FeedUnavailable(f"{feed.id}: of {promised} pages these are missing: {', '.join(missing)}; ask again")


def get(feed: Feed, address: str) -> bytes | None:
    """The bytes at a path, file:// or http(s) address; None when there is nothing (no file, 404, 410).

    Connection errors, 429 and 5xx are tried again with growing pauses.

    Raises:
        FeedUnavailable: no answer; the text names the feed and the address.
    """
    if not is_web(address):
        return _read(feed, local(address))
    from ingest.web import get as get_web  # an HTTP client only where there is a web

    return get_web(feed.id, address, access=feed.access)


def below(root: str, address: str) -> str:
    """An address as seen from the feeds' root, so that what is said of a payload does not depend on where that is."""
    for start in (root, str(local(root)) if not is_web(root) else root):
        if address.startswith(start.rstrip("/") + "/"):
            return address[len(start.rstrip("/")) + 1 :]
    return address


def above(root: str, name: str) -> str:
    """The whole address of what `below` named."""
    return name if "://" in name or name.startswith("/") else f"{root.rstrip('/')}/{name}"


def is_web(address: str) -> bool:
    """Whether an address is fetched over HTTP."""
    return address.startswith(("http://", "https://"))


def local(address: str) -> Path:
    """The path of a file:// address or a plain path."""
    return Path(unquote(urlsplit(address).path)) if address.startswith("file://") else Path(address)


def moment(text: object) -> datetime | None:
    """An RFC 3339 time in UTC; None when it is none or has no zone."""
    try:
        return utc(datetime.fromisoformat(str(text)))
    except ValueError:
        return None


def _read(feed: Feed, path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FeedUnavailable(f"{feed.id}: {path}: {error.strerror or error}") from error


def _changed(path: Path) -> int:
    """When a file last came or changed by the disk's own clock, ns since 1970; -1 when there is none.

    The time of change and not that of writing: a move to its place counts, and copies may keep old times of writing.
    """
    try:
        return path.stat().st_ctime_ns
    except FileNotFoundError:
        return -1


def _standing(feed: Feed, root: str) -> None:
    """A folder of feeds that is not there (a share not mounted) is dead, not empty: the root, or the feed's own."""
    whole = "://" in feed.path or feed.path.startswith("/")
    folder = re.split(r"[{*?\[]", feed.path)[0].rpartition("/")[0] if whole else root
    if not is_web(folder) and not local(folder).is_dir():
        raise FeedUnavailable(f"{feed.id}: {folder}: the folder is not there; mount it, or correct SANYAN_FEEDS")


def _matching(feed: Feed, address: str) -> Iterable[str]:
    """The files a pattern matches, by name, without the lock and hidden files that programs leave about."""
    if is_web(address):
        return [address.replace("*", "")]  # a web cannot be listed: there a star is nothing
    parts = feed.path.split("/")
    wild = next((i for i, part in enumerate(parts) if _GLOB.search(part)), None)
    if wild is None:
        return [address]
    depth = len(parts) - wild
    path = local(address)
    found = path.parents[depth - 1].glob("/".join(path.parts[-depth:]))
    return [str(p) for p in sorted(found) if not p.name.startswith(("~$", "."))]


def _promised(content: bytes) -> int:
    """How many pages an answer says there are; 0 when it cannot be read."""
    try:
        data = json.loads(content)["data"]
        if "pages" in data:
            return max(int(data["pages"]), 1)
        return max(math.ceil(int(data["total"]) / int(data["pageSize"])), 1)
    except (ValueError, KeyError, TypeError, ZeroDivisionError, RecursionError, OverflowError):
        return 0
