"""History: files of earlier years, imported by a description of their layout and no new code per file.

Stations of an import are its own: they are named `<prefix>.<name>`, so that they never meet those of the county, and
are kept as `stations/<layout>.csv` in the home, with the columns of the registry's stations.csv: `stations(home)`
reads them all, and a bureau that adopts such stations copies rows into its registry. Reference columns (an official
AQI, an official class) are kept as `reference/<layout>.csv` and never become observations.

An import is an upsert like any other: doing it twice changes nothing, and one that was killed is repeated.
"""

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from domain.errors import FeedCorrupt, FeedUnavailable
from domain.records import TABLES, Rejection
from domain.registry import Registry, Zones
from ingest.blocks import Block, batches, observations
from ingest.decoded import Context
from ingest.decoders import table
from ingest.layouts import Layout, find, names
from ingest.old_frames import read_frames
from ingest.old_scenes import read_raster, read_scenes
from ingest.places import needed, station_rows
from store.home import Home
from store.scenes import NOTES

#: What is being done, and which share of it is.
Progress = Callable[[str, float], None]

#: Rows of one upsert, and values held before they are written: what bounds memory.
BATCH_ROWS = 500_000
HELD_VALUES = 12_000_000
#: Decompression and parsing release the interpreter; more threads would only hold more files.
_READERS, _AHEAD = 2, 12

_NOWHERE = Zones((), (), (), (), ())
_NO_REGISTRY = Registry(Path(), {}, pd.DataFrame(), pd.DataFrame(), _NOWHERE, _NOWHERE)


@dataclass(frozen=True, slots=True)
class Counts:
    """What one import did."""

    layout: str
    payloads: int = 0  # files
    records: int = 0  # rows, elements, frames or items seen, good or bad
    observations: int = 0  # values offered to the lake
    new: int = 0
    changed: int = 0
    unchanged: int = 0  # known already, or given again in the same files
    scenes: int = 0
    stations: int = 0
    reference: int = 0
    rejected: dict[str, int] = field(default_factory=dict)  # by reason
    notices: dict[str, int] = field(default_factory=dict)  # what was taken in otherwise than the files say
    statements: tuple[str, ...] = ()  # where items and files of scenes disagree


@dataclass(frozen=True, slots=True)
class Imported:
    """What the files of one import say, before anything is written."""

    blocks: tuple[Block, ...] = ()
    observations: pd.DataFrame | None = None  # rows that are no blocks (frames)
    scenes: pd.DataFrame | None = None
    stations: pd.DataFrame | None = None
    reference: pd.DataFrame | None = None
    rejections: tuple[Rejection, ...] = ()
    n_records: int = 0
    notices: dict[str, int] = field(default_factory=dict)


def files(layout: Layout, path: Path) -> list[Path]:
    """The files of the layout: `path` itself, or those below it, by name.

    Raises:
        FeedUnavailable: there is none.
    """
    found = [path] if path.is_file() else sorted(p for p in path.rglob(layout.glob) if p.is_file())
    if not found:
        raise FeedUnavailable(f"{layout.feed}: {path}: no file {layout.glob!r} there; correct the path or the layout")
    return found


def read(home: Home, layout: Layout, path: Path, *, now: datetime) -> Iterator[Imported]:
    """Each file of the layout in turn; its bytes are archived, nothing else is written.

    Raises:
        FeedUnavailable: there is no such file.
    """
    found = files(layout, path)
    with ThreadPoolExecutor(_READERS) as pool:
        for first in range(0, len(found), _AHEAD):
            yield from pool.map(lambda p: _read_file(home, layout, p, now), found[first : first + _AHEAD])


def look(layout: Layout, path: Path, *, now: datetime) -> Imported:
    """What the table files of a layout say, all at once and without keeping anything, for a comparison.

    Raises:
        FeedUnavailable: there is no such file.
        FeedCorrupt: nothing in the files could be read.
    """
    time, _ = needed(layout)
    parsed = []
    for place in files(layout, path):
        # tables bring their own stations, so nothing is asked of a registry
        context = Context(layout.feed, now, now, _NO_REGISTRY, raw_ref="", name=place.name)
        parsed.append(table.parse(place.read_bytes(), context, layout))
    blocks = tuple(b for p in parsed for b in p.blocks)
    rejections = tuple(r for p in parsed for r in p.rejections)
    if not blocks and rejections:
        raise FeedCorrupt(rejections[0].detail)
    return Imported(
        observations=observations(blocks, medium=layout.medium, period=time.period, feed=layout.feed, received_at=now),
        stations=pd.concat([p.stations for p in parsed], ignore_index=True).drop_duplicates("station_id"),
        reference=pd.concat([p.reference for p in parsed], ignore_index=True),
        rejections=rejections,
        n_records=sum(p.n_records for p in parsed),
    )


def official(medium: str, path: Path, *, now: datetime) -> Imported:
    """A file or folder with official values of a medium, by the first layout at hand that has some and fits its name.

    Raises:
        FeedUnavailable: no layout fits.
        FeedCorrupt: nothing in the files could be read.
    """
    fitting = [layout for layout in map(find, names()) if layout.medium == medium and layout.reference]
    for layout in fitting:
        inside = [path] if path.is_file() and path.match(layout.glob) else list(path.rglob(layout.glob))
        if inside and _fits(inside[0], layout, now):
            return look(layout, path, now=now)
    known = ", ".join(f"{layout.id} ({layout.glob})" for layout in fitting)
    raise FeedUnavailable(f"{path}: no layout with official values of {medium!r} fits; there are: {known or 'none'}")


def _fits(path: Path, layout: Layout, now: datetime) -> bool:
    context = Context(layout.feed, now, now, _NO_REGISTRY, raw_ref="", name=path.name)
    return bool(table.parse(path.read_bytes(), context, layout).blocks)


def import_history(
    home: Home, layout: Layout, path: Path, *, now: datetime, progress: Progress | None = None
) -> Counts:
    """Import every file of the layout at or below `path`.

    Raises:
        FeedUnavailable: there is no such file.
        StoreError: the home refused a write.
    """
    told = progress or _silent
    total = len(files(layout, path))
    counts, held = Counts(layout.id), list[Imported]()
    for n, imported in enumerate(read(home, layout, path, now=now), 1):
        held.append(imported)
        told(f"{layout.id}: {n} of {total} files", n / total)
        if n == total or sum(len(b) * len(b.values) for i in held for b in i.blocks) > HELD_VALUES:
            counts = _added(counts, save(home, layout, held, now=now))
            held.clear()
    _mark(home, layout, counts, now)
    return counts


def save(home: Home, layout: Layout, imported: Sequence[Imported], *, now: datetime) -> Counts:
    """Write what was read: rejections, stations and reference columns first, then scenes and observations."""
    refused = [r for i in imported for r in i.rejections]
    home.ledger.reject(refused)
    n_stations = _keep(home, f"stations/{layout.id}.csv", [i.stations for i in imported], ["station_id"])
    key = ["station_id", "time", "period"]
    n_reference = _keep(home, f"reference/{layout.id}.csv", [_plain(i.reference) for i in imported], key)
    why = f"history import {layout.id}"
    found = [i.scenes for i in imported if i.scenes is not None and len(i.scenes)]
    scenes = pd.concat(found, ignore_index=True) if found else TABLES["scenes"].frame([])
    rows = Counter[str]()
    if len(scenes):  # in one commit: an archive of daily grids is hundreds of files
        frame = scenes.drop_duplicates(list(TABLES["scenes"].key), keep="last")
        done = home.lake.upsert("scenes", frame, now=now, why=why)
        rows.update(new=done.new, changed=done.changed, unchanged=len(scenes) - done.new - done.changed)
    for frame in _frames(layout, imported, now):
        done = home.lake.upsert("observations", frame, now=now, why=why)
        known = len(frame) - done.new - done.changed
        rows.update(observations=len(frame), new=done.new, changed=done.changed, unchanged=known)
    notices = Counter[str]()
    for i in imported:
        notices.update(i.notices)
    return Counts(
        layout.id,
        payloads=len(imported),
        records=sum(i.n_records for i in imported),
        **rows,
        scenes=len(scenes),
        stations=n_stations,
        reference=n_reference,
        rejected=dict(sorted(Counter(str(r.reason) for r in refused).items())),
        notices=dict(sorted(notices.items())),
        statements=tuple(
            f"{name}: {note}"
            for name, properties in zip(scenes["id"], scenes["properties"], strict=True)
            for note in json.loads(properties).get(NOTES, ())
        ),
    )


def stations(home: Home) -> pd.DataFrame:
    """The stations of every import so far, with the columns of the registry's stations and `layout`."""
    parts = [
        station_rows(_read_csv(path.read_bytes()).to_dict("records")).assign(layout=path.stem)
        for path in sorted(home.files.path("stations").glob("*.csv"))
    ]
    return pd.concat(parts, ignore_index=True) if parts else station_rows([]).assign(layout="")


def reference(home: Home, layout: str) -> pd.DataFrame:
    """The reference columns kept of a layout: station_id, time, period and text columns; empty when there are none."""
    path = home.files.path(f"reference/{layout}.csv")
    if not path.is_file():
        return pd.DataFrame()
    frame = _read_csv(path.read_bytes())
    return frame.assign(time=pd.to_datetime(frame["time"], utc=True).dt.as_unit("us"))


def _silent(_what: str, _share: float) -> None:
    """Nobody watches."""


# --- reading ----------------------------------------------------------------------------------------------------------


def _read_file(home: Home, layout: Layout, path: Path, now: datetime) -> Imported:
    payload = path.read_bytes()
    context = Context(
        feed=layout.feed,
        received_at=now,
        until=now,
        registry=home.registry,
        raw_ref=home.files.archive(payload, "".join(path.suffixes[-2:])),
        name=path.name,
    )
    if layout.format == "frames":
        return Imported(**read_frames(payload, context, layout, archive=home.files.archive))
    if layout.format == "stac":
        return Imported(**read_scenes(payload, context, layout, path.parent, home.files))
    if layout.format == "rasters":
        return Imported(**read_raster(context, layout, path, home.files))
    parsed = table.parse(payload, context, layout)
    return Imported(
        blocks=parsed.blocks,
        stations=parsed.stations,
        reference=parsed.reference,
        rejections=parsed.rejections,
        n_records=parsed.n_records,
    )


# --- writing ----------------------------------------------------------------------------------------------------------


def _frames(layout: Layout, imported: Sequence[Imported], now: datetime) -> Iterator[pd.DataFrame]:
    yield from (i.observations for i in imported if i.observations is not None)
    blocks = [b for i in imported for b in i.blocks]
    if blocks:
        time, _ = needed(layout)
        for batch in batches(blocks, rows=BATCH_ROWS):
            yield observations(batch, medium=layout.medium, period=time.period, feed=layout.feed, received_at=now)


def _keep(home: Home, relative: str, frames: Sequence[pd.DataFrame | None], key: list[str]) -> int:
    """Rows of a small table beside the lake, by key; the newer row wins. Returns how many rows were given."""
    given = [f for f in frames if f is not None and not f.empty]
    if not given:
        return 0
    new = pd.concat(given, ignore_index=True).drop_duplicates(key, keep="last")
    path = home.files.path(relative)
    old = [_read_csv(path.read_bytes())] if path.is_file() else []
    text = pd.concat([*old, _read_csv(new.to_csv(index=False).encode())], ignore_index=True)
    kept = text.drop_duplicates(key, keep="last").sort_values(key).fillna("")
    home.files.write_bytes(relative, kept.to_csv(index=False, lineterminator="\n").encode())
    return len(new)


def _plain(frame: pd.DataFrame | None) -> pd.DataFrame | None:
    """Times as text."""
    if frame is None or frame.empty:
        return None
    return frame.assign(time=frame["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _read_csv(content: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content), dtype="str", keep_default_na=False)


def _added(one: Counts, two: Counts) -> Counts:
    numbers = ("payloads", "records", "observations", "new", "changed", "unchanged", "scenes", "stations", "reference")
    return Counts(
        one.layout,
        **{name: getattr(one, name) + getattr(two, name) for name in numbers},
        rejected=dict(Counter(one.rejected) + Counter(two.rejected)),
        notices=dict(Counter(one.notices) + Counter(two.notices)),
        statements=one.statements + two.statements,
    )


def _mark(home: Home, layout: Layout, counts: Counts, now: datetime) -> None:
    refused = sum(counts.rejected.values())
    state = "received" if counts.observations or counts.scenes else "rejected" if refused else "empty"
    moment = now.astimezone(UTC)
    home.coverage.mark(
        layout.feed,
        moment,
        moment,
        state,
        n_records=counts.records,
        n_rejected=refused,
        detail=f"{counts.payloads} files",
        now=now,
    )
