"""STAC catalogues, static or behind an API, as one payload an item.

A static catalogue is walked with pystac, an API root searched with pystac-client, both over our own transport; from the
items on the way is the same. An item belongs to the window in which it was published (`created`, else `datetime`), as
files belong to the hour in which they came.

A search that breaks off gives the items of the pages before it first and fails then: they are kept, and the next run
has them already, rasters included.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pystac
import pystac_client
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO

from domain.errors import FeedCorrupt, FeedError, FeedUnavailable
from ingest.feeds import Feed, Search
from ingest.fetch import Payload, below, get, is_web, moment
from ingest.web import ask

#: How often one address is read in one search: more is a circle of pages.
_MOST_TIMES = 3
#: How the publication of an item that is no whole JSON document is found.
_TOLD = {name: re.compile(rb'"%s"\s*:\s*"([^"]+)"' % name.encode()) for name in ("created", "datetime")}


def stac(feed: Feed, root: str, start: datetime, end: datetime, bbox: Sequence[float]) -> Iterator[Payload]:
    """Items published in [start, end) whose bbox meets ours, by publication and name; the content is the item's JSON.

    Raises:
        FeedUnavailable: the catalogue cannot be reached.
        FeedCorrupt: its root or a collection is no STAC document.
    """
    if feed.search is None:
        raise ValueError(f"{feed.id}: a stac feed without search")
    address = feed.address(root, (start, end))
    landing = get(feed, address)
    if landing is None:
        raise FeedUnavailable(f"{feed.id}: {address}: there is no catalogue; correct the path in feeds.yaml")
    items, failure = _items(feed, feed.search, address, landing, end, bbox)
    chosen = [(at or start, name, content) for at, name, content in items if at is None or start <= at < end]
    for at, name, content in sorted(set(chosen)):  # pages that shift give items twice
        if _overlaps(content, bbox):
            slot = next(feed.slots(at, at + timedelta(microseconds=1)))
            yield Payload(below(root, name), content, at, slot[1])
    if failure is not None:
        raise failure


_Items = list[tuple[datetime | None, str, bytes]]


def _items(
    feed: Feed, search: Search, address: str, landing: bytes, end: datetime, bbox: Sequence[float]
) -> tuple[_Items, FeedError | None]:
    """The items as far as they came, with their publication, and what broke the search off."""
    items: _Items = []
    try:
        is_api = is_web(address) and "conformsTo" in json.loads(landing)
        for name, content in (_searched if is_api else _walked)(feed, search, address, end, bbox):
            items.append((published(content), name, content))
    except FeedError as error:
        return items, error
    except (ValueError, KeyError, TypeError, AttributeError, pystac.STACError, pystac.STACTypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        return items, FeedCorrupt(f"{feed.id}: {address}: the catalogue cannot be read ({reason})")
    return items, None


def published(item: bytes) -> datetime | None:
    """When an item was published (`created`, else `datetime`); None when even a broken document does not tell."""
    try:
        properties = json.loads(item)["properties"]
        times = [properties.get("created"), properties.get("datetime")]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        times = [text.decode("ascii", "replace") for told in _TOLD.values() for text in told.findall(item)]
    return next((at for at in map(moment, times) if at is not None), None)


def _walked(
    feed: Feed, search: Search, address: str, _end: datetime, _bbox: Sequence[float]
) -> Iterator[tuple[str, bytes]]:
    class Io(pystac.stac_io.DefaultStacIO):  # type: ignore[misc]
        """pystac's reader over our own transport, so that retries and messages are ours."""

        def read_text_from_href(self, href: str) -> str:
            return _must(feed, href).decode()

    for collection in _collections(pystac.Catalog.from_file(address, stac_io=Io()), set(search.collections)):
        for link in collection.get_links("item"):
            name = str(link.get_absolute_href())
            yield (
                name,
                get(feed, name) or b"",
            )  # an item that is not there is refused by the decoder, not the feed's end


def _collections(catalog: pystac.Catalog, wanted: set[str]) -> Iterator[pystac.Catalog]:
    if catalog.id in wanted:
        yield catalog
        return
    for child in catalog.get_children():
        yield from _collections(child, wanted)


def _searched(
    feed: Feed, search: Search, address: str, end: datetime, bbox: Sequence[float]
) -> Iterator[tuple[str, bytes]]:
    asked: Counter[str] = Counter()

    class Io(StacApiIO):  # type: ignore[misc]
        """pystac-client's reader over our own transport: one session, our retries, our messages."""

        def request(
            self,
            href: str,
            method: str | None = None,
            headers: dict[str, str] | None = None,
            parameters: dict[str, Any] | None = None,
        ) -> str:
            posted = (method or "GET").upper() == "POST"
            asked[f"{href} {json.dumps(parameters, sort_keys=True, default=str)}"] += 1
            if max(asked.values()) > _MOST_TIMES:
                raise FeedCorrupt(f"{feed.id}: {href}: the pages of the search lead in a circle; tell who runs it")
            answer = ask(
                feed.id,
                href,
                access=feed.access,
                method="POST" if posted else "GET",
                params=None if posted else parameters,
                body=parameters if posted else None,
                headers=headers,
            )
            if answer.status_code in {404, 410}:
                raise FeedUnavailable(f"{feed.id}: {href}: the catalogue names it, but it is not there; ask again")
            return answer.text

    try:
        client = pystac_client.Client.open(address, stac_io=Io())
        period = (end - timedelta(days=search.lookback_days), end)
        answer = client.search(
            collections=list(search.collections),
            bbox=list(bbox),
            datetime=period,
            max_items=None,
            method=search.method,
            limit=search.page_size,
        )
        for item in answer.items_as_dicts():
            yield _own_href(item) or f"{address}#{item.get('id')}", _canonical(item)
    except APIError as error:
        raise FeedUnavailable(f"{feed.id}: {address}: the catalogue does not answer ({error})") from error


def _own_href(item: dict[str, Any]) -> str:
    links = item.get("links")
    hrefs = [link.get("href") for link in links if link.get("rel") == "self"] if isinstance(links, list) else []
    return str(hrefs[0]) if hrefs else ""


def _canonical(item: dict[str, Any]) -> bytes:
    """The item's JSON without its links, which differ from search to search."""
    content = {key: value for key, value in item.items() if key != "links"}
    return json.dumps(content, ensure_ascii=False, sort_keys=True).encode()


def _must(feed: Feed, href: str) -> bytes:
    content = get(feed, href)
    if content is None:
        raise FeedUnavailable(f"{feed.id}: {href}: the catalogue names it, but it is not there; ask again")
    return content


def _overlaps(content: bytes, wanted: Sequence[float]) -> bool:
    """Whether an item's bbox (of four or six numbers) meets the wanted one; one without a readable bbox counts."""
    try:
        box = [float(v) for v in json.loads(content)["bbox"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return True
    half = len(box) // 2
    if half not in {2, 3} or max(abs(box[1]), abs(box[half + 1])) > 90:
        return True  # latitude before longitude, for example: the decoder says so
    return bool(box[0] <= wanted[2] and box[half] >= wanted[0] and box[1] <= wanted[3] and box[half + 1] >= wanted[1])
