"""The rasters of scenes, brought into the home: all bands of a scene whole, or none of them.

A band comes to `incoming/<feed>/<item>/`, is compared with what its item says of it, opened and read to its last cell;
only when every band of the scene has passed are they moved to `scenes/<item>/<band>.tif`. So nothing half-written is
ever there. What came before a dead server stays in `incoming`, and the next run goes on from there.
"""

import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from shapely import box
from shapely.geometry import mapping

from domain.errors import FeedCorrupt, FeedUnavailable
from domain.records import Reason, Rejection
from ingest.decoded import Context, Decoded
from ingest.decoders.stac_item import STATED
from ingest.feeds import Feed
from ingest.fetch import above, below, is_web, local
from ingest.scene_files import disagreements, facts, misplaced, spoiled
from store.home import Home
from store.scenes import FILES, NOTES


@dataclass(frozen=True, slots=True)
class _Door:
    """What every file of a run needs."""

    home: Home
    feed: Feed
    root: str
    context: Context


def take_in(decoded: Decoded, context: Context, home: Home, feed: Feed, root: str) -> Decoded:
    """The decoded scenes with their rasters in the home, `assets` naming them there; scenes with a bad band refused.

    Properties tell of each file what it was when it came (`sanyan:files`) and where item and file disagree
    (`sanyan:notes`). A scene from the web that the lake has as it is, with all its files, is not fetched again.

    Raises:
        FeedUnavailable: a raster cannot be reached.
    """
    door = _Door(home, feed, root, context)
    known = home.lake.read("scenes", where={"id": decoded.scenes["id"].tolist()})
    rows: list[dict[str, Any]] = []
    rejections: list[Rejection] = []
    for scene in decoded.scenes.to_dict("records"):
        row = {str(key): value for key, value in scene.items()}
        sources = {band: above(root, href) for band, href in json.loads(row["assets"]).items()}
        kept = _kept(row, known, home) if all(map(is_web, sources.values())) else None
        taken = kept or _taken(row, sources, door)
        if isinstance(taken, Rejection):
            rejections.append(taken)
        else:
            rows.append(taken)
    whole = Decoded.of(scenes=rows, rejections=(*decoded.rejections, *rejections), n_records=decoded.n_records)
    return replace(whole, observations=decoded.observations, reports=decoded.reports)


def forget_halves(home: Home, *, before: datetime) -> int:
    """Delete what came of scenes before a moment and was never finished; returns of how many scenes."""
    gone = 0
    for feed in sorted(home.files.path("incoming").glob("*")):
        for folder in sorted(p for p in feed.iterdir() if p.is_dir()):
            newest = max(p.stat().st_mtime for p in [folder, *folder.iterdir()])
            if newest < before.timestamp():
                with _incoming(folder):
                    shutil.rmtree(folder)
                gone += 1
    return gone


def _taken(row: dict[str, Any], sources: Mapping[str, str], door: _Door) -> dict[str, Any] | Rejection:
    files = door.home.files
    with _incoming(files.path(f"incoming/{door.feed.id}/{row['id']}")) as folder:
        found: dict[str, dict[str, Any]] = {}
        for band, source in sources.items():
            seen = _band(row, band, source, folder / band, door)
            if isinstance(seen, Rejection):
                shutil.rmtree(folder)
                return seen
            found[band] = seen
        places = {band: f"scenes/{row['id']}/{band}{seen['suffix']}" for band, seen in found.items()}
        for band, place in places.items():
            files.adopt(folder / band, place)
        shutil.rmtree(folder)
    return described(row, places, found)


def _band(row: Mapping[str, Any], band: str, source: str, place: Path, door: _Door) -> dict[str, Any] | Rejection:
    """One file fetched and read to its end: what it is, or why the scene is refused."""
    what = f"item {row['id']}: band {band}: {below(door.root, source)}"
    if "://" in source and not is_web(source) and not source.startswith("file://"):
        scheme = source.partition("://")[0]
        detail = f"{what}: addresses of {scheme}:// are not fetched; name a mirror among the feed's options"
        return door.context.reject(Reason.MISSING_BAND, detail)
    if not _fetched(door.feed, source, place):
        return door.context.reject(Reason.MISSING_BAND, f"{what} is not there; ask the catalogue for the item again")
    stated = _stated(row).get(band, {})
    bad = spoiled(stated, place)
    if bad:
        return door.context.reject(Reason.UNREADABLE_RASTER, f"{what} {bad}")
    try:
        seen = facts(place, door.home.files)
    except FeedCorrupt as error:
        # The reader names the file it was given, which lies elsewhere in each home.
        said = str(error).replace(f"{place.parent}/", "")
        return door.context.reject(Reason.UNREADABLE_RASTER, f"{what}, {place.stat().st_size} bytes: {said}")
    elsewhere = misplaced(seen, row["geometry"], stated.get("epsg") or row["epsg"])
    if elsewhere:
        return door.context.reject(Reason.BAD_POSITION, f"{what} {elsewhere}")
    return seen


def _fetched(feed: Feed, source: str, place: Path) -> bool:
    if is_web(source):
        from ingest.web import download  # an HTTP client only where there is a web

        return download(feed.id, source, place, access=feed.access)
    try:
        shutil.copyfile(local(source), place)
    except (FileNotFoundError, IsADirectoryError):
        return False
    except OSError as error:
        raise FeedUnavailable(f"{feed.id}: {source}: {error.strerror or error}") from error
    return True


def described(
    row: Mapping[str, Any], places: Mapping[str, str], found: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The row with its files, what they are, and where the item says otherwise."""
    stated = _stated(row)
    notes = [f"{band}: {note}" for band, seen in found.items() for note in disagreements(stated.get(band, {}), seen)]
    kept = {band: {k: seen[k] for k in ("size", "sha256", "shape") if k in seen} for band, seen in found.items()}
    properties = json.loads(row["properties"]) | {FILES: kept} | ({NOTES: notes} if notes else {})
    codes = [int(seen["crs"][5:]) for seen in found.values() if str(seen.get("crs", "")).startswith("EPSG:")]
    return dict(row) | {
        "epsg": codes[0] if codes else row["epsg"],
        "geometry": row["geometry"] or _outline(found),
        "assets": json.dumps(places, ensure_ascii=False),
        "properties": json.dumps(properties, sort_keys=True, ensure_ascii=False),
    }


def _outline(found: Mapping[str, Mapping[str, Any]]) -> str:
    """GeoJSON of the box a scene's first raster covers, for scenes that came without an item; "" when none tells."""
    bounds = next((seen["bounds"] for seen in found.values() if seen.get("bounds")), None)
    return "" if bounds is None else json.dumps(mapping(box(*bounds)), sort_keys=True)


def _kept(row: Mapping[str, Any], known: pd.DataFrame, home: Home) -> dict[str, Any] | None:
    """The row as the lake has it, when its item is the same and all its files are there."""
    for old in known[known["id"] == row["id"]].to_dict("records"):
        properties = json.loads(old["properties"])
        told = properties.pop(FILES, {})
        properties.pop(NOTES, None)
        places = {band: home.files.path(place) for band, place in json.loads(old["assets"]).items()}
        same = properties == json.loads(row["properties"]) and set(places) == set(json.loads(row["assets"]))
        if same and all(p.is_file() and p.stat().st_size == told.get(b, {}).get("size") for b, p in places.items()):
            return dict(row) | {key: old[key] for key in ("epsg", "geometry", "assets", "properties")}
    return None


def _stated(row: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(json.loads(row["properties"]).get(STATED, {}))


@contextmanager
def _incoming(folder: Path) -> Iterator[Path]:
    """The folder of one item; one run of a feed at a time."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder.mkdir(exist_ok=True)
        yield folder
