"""The catalogue of feeds: `feeds.yaml`, one entry a feed, checked strictly before anything is asked.

A feed in a known format is one entry. A deployment that keeps a `feeds.yaml` in its registry folder is served by that
one instead of ours.
"""

import importlib
import importlib.util
import string
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from domain.errors import CatalogueError
from domain.times import DAY, LENGTHS
from ingest.access import Access

FEEDS = Path(__file__).parent / "feeds.yaml"

_SLOTTED = {"year", "month", "day", "hour", "minute", "start", "end"}
_PLACEHOLDERS = {"files": _SLOTTED, "pages": _SLOTTED | {"page"}, "stac": set[str]()}


class Strict(BaseModel):
    """A model that refuses unknown keys and cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoOptions(Strict):
    """The options of a decoder that has none."""


class Search(Strict):
    """What a STAC catalogue is asked for."""

    collections: tuple[str, ...]
    lookback_days: int = 90  # how long before its publication a scene may have been acquired (API roots only)
    method: Literal["GET", "POST"] = "GET"  # how an API is asked
    page_size: int = 100  # items of one page of an API


class Feed(Strict):
    """Where one feed is, how it is asked, and who reads it."""

    id: str
    name_zh: str
    name_en: str
    eye: Literal["ground", "human", "sky"]
    decoder: str  # module of ingest/decoders
    transport: Literal["files", "pages", "stac"]
    path: str  # relative to the feeds' root, or a whole address; {day} {hour} ... of the slot, {page} of a page
    every: str  # ISO 8601 duration of one slot, counted from local midnight
    zone: str  # IANA zone of the folders' days and hours, and of times that carry none
    source: str  # who gives it, in what form
    licence: str
    active: bool = True  # an entry that is not is there to be copied: it is asked by name alone
    search: Search | None = None  # of a stac feed
    access: Access | None = None  # how the feed lets us in; every key is explained in ingest/access.py
    options: dict[str, Any] = {}

    @field_validator("every")
    @classmethod
    def _a_slot(cls, every: str) -> str:
        length = LENGTHS.get(every, timedelta(0))
        if not length or timedelta(days=1) % length:
            raise ValueError(f"{every!r} is no length of a slot; use PT10M, PT1H, PT4H or P1D")
        return every

    @field_validator("zone")
    @classmethod
    def _a_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{zone!r} is no IANA time zone; use for example Asia/Shanghai") from None
        return zone

    @model_validator(mode="after")
    def _fits(self) -> "Feed":
        try:
            used = {name for _, name, _, _ in string.Formatter().parse(self.path) if name is not None}
        except ValueError as error:
            raise ValueError(f"path {self.path!r}: {error}") from None
        allowed = _PLACEHOLDERS[self.transport]
        if used - allowed:
            raise ValueError(
                f"path {self.path!r} uses {sorted(used - allowed)}; {self.transport} knows {sorted(allowed)}"
            )
        if self.transport == "pages" and "page" not in used:
            raise ValueError(f"path {self.path!r} lacks {{page}}")
        if (self.transport == "stac") != (self.search is not None):
            raise ValueError("search is needed by a stac feed, and by no other")
        return self

    def address(self, root: str, slot: tuple[datetime, datetime], *, page: int = 1) -> str:
        """Where the slot's payloads are: the path with the slot's local time filled in, below `root` unless whole."""
        start, end = (moment.astimezone(ZoneInfo(self.zone)) for moment in slot)
        path = self.path.format(
            year=f"{start:%Y}",
            month=f"{start:%m}",
            day=f"{start:%Y-%m-%d}",
            hour=f"{start:%H}",
            minute=f"{start:%M}",
            start=start.isoformat(),
            end=end.isoformat(),
            page=page,
        )
        return path if "://" in path or path.startswith("/") else f"{root.rstrip('/')}/{path}"

    def slots(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The feed's slots that overlap [start, end), in order, as (start, end) in UTC."""
        zone, length = ZoneInfo(self.zone), LENGTHS[self.every]
        day = start.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        while day < end:
            # A day of a zone with summer time may have 23 or 25 hours: steps are made in UTC.
            following = (day + timedelta(days=1)).replace(fold=0)
            at, stop = day.astimezone(ZoneInfo("UTC")), following.astimezone(ZoneInfo("UTC"))
            while at < stop:
                slot_end = stop if self.every == DAY else min(at + length, stop)
                if at < end and slot_end > start:
                    yield at, slot_end
                at = slot_end
            day = following


def load(path: Path = FEEDS, *, only: str | None = None) -> dict[str, Feed]:
    """The feeds of one file, by id.

    Args:
        path: the file.
        only: check the options of this feed alone, so that the decoders of others need not be imported.

    Raises:
        CatalogueError: every problem of the file at once, each with its line.
    """
    if not path.is_file():
        raise CatalogueError([f"{path}: the file is missing"])
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CatalogueError([f"{path.name}:{line}: {error.problem}; it must be YAML"]) from error
    problems = [f"{path.name}:{line}: the key {key!r} repeats" for line, key in _repeats(root)]
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict) or set(data) != {"feeds"} or not isinstance(data["feeds"], dict):
        raise CatalogueError([*problems, f"{path.name}:1: it must have one key, feeds, with an entry for each feed"])
    found: dict[str, Feed] = {}
    for name, entry in data["feeds"].items():
        feed, wrong = _feed(str(name), entry, options=only in {None, name})
        problems += [f"{path.name}:{_line(root, ('feeds', name, *at))}: feed {name!r}: {what}" for at, what in wrong]
        if feed is not None:
            found[feed.id] = feed
    if problems:
        raise CatalogueError(problems)
    return found


def for_registry(folder: Path, *, only: str | None = None) -> dict[str, Feed]:
    """The feeds of a deployment: its own `feeds.yaml` in the registry folder, else ours; `only` as for `load`.

    Feeds that are not active are left out, unless `only` names one.

    Raises:
        CatalogueError: every problem of the file at once.
    """
    own = folder / "feeds.yaml"
    known = load(own if own.is_file() else FEEDS, only=only)
    return {name: feed for name, feed in known.items() if feed.active or name == only}


def _feed(name: str, entry: object, *, options: bool) -> tuple[Feed | None, list[tuple[tuple[Any, ...], str]]]:
    if not isinstance(entry, dict):
        return None, [((), "the entry must be a mapping")]
    if "id" in entry:
        return None, [(("id",), "the id is the entry's name; take this key out")]
    try:
        feed = Feed(id=name, **entry)
    except ValidationError as error:
        return None, _problems(error)
    return feed, _decoder_problems(feed, options=options)


def _decoder_problems(feed: Feed, *, options: bool) -> list[tuple[tuple[Any, ...], str]]:
    """A decoder is found by its name; the options it takes are its own model `Options`, if it has one."""
    module_name = f"ingest.decoders.{feed.decoder}"
    if not feed.decoder.isidentifier() or importlib.util.find_spec(module_name) is None:
        return [(("decoder",), f"there is no ingest/decoders/{feed.decoder}.py")]
    if not options:
        return []
    model = getattr(importlib.import_module(module_name), "Options", NoOptions)
    try:
        model(**feed.options)
    except ValidationError as error:
        return [(("options", *at), what) for at, what in _problems(error)]
    return []


def _problems(error: ValidationError) -> list[tuple[tuple[Any, ...], str]]:
    return [(tuple(e["loc"]), _said(e["loc"], e["msg"], e["type"])) for e in error.errors()]


def _said(loc: Iterable[object], message: str, kind: str) -> str:
    where = ".".join(str(part) for part in loc)
    plain = {
        "extra_forbidden": "unknown key; take it out or correct its spelling",
        "missing": "the key is missing",
    }.get(kind, message.removeprefix("Value error, "))
    return f"{where}: {plain}" if where else plain


def _line(node: yaml.Node | None, keys: Iterable[object]) -> int:
    """The line of the deepest part of `keys` that exists, counted from 1."""
    line = 1
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            found = [(k, v) for k, v in node.value if str(k.value) == str(key)]
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            found = [(node.value[key], node.value[key])]
        else:
            found = []
        if not found:
            break
        line, node = found[0][0].start_mark.line + 1, found[0][1]
    return line


def _repeats(node: yaml.Node | None) -> Iterator[tuple[int, str]]:
    """Keys given twice in one mapping: YAML keeps the last silently."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if str(key.value) in seen:
                yield key.start_mark.line + 1, str(key.value)
            seen.add(str(key.value))
            yield from _repeats(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeats(value)
