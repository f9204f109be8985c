"""The rasters of scenes, brought into the home: all bands of a scene whole, or none of them.

A band is fetched, written beside, opened and read to its last cell; only when every band of the scene has passed are
they moved to `scenes/<item>/<band>.tif`. So nothing half-written is ever there.
"""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from domain.errors import FeedCorrupt
from domain.records import Reason, Rejection
from ingest.decoded import Context, Decoded
from ingest.feeds import Feed
from ingest.fetch import above, below, get, is_web
from store.home import Home

#: First bytes of TIFF, BigTIFF and JPEG 2000. Other formats could make the reader open files and addresses of its own.
_RASTERS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+", b"\x00\x00\x00\x0cjP  ")


def take_in(decoded: Decoded, context: Context, home: Home, feed: Feed, root: str) -> Decoded:
    """The decoded scenes with their rasters in the home, `assets` naming them there; scenes with a bad band refused.

    A scene from the web that the lake has as it is, with all its files, is not fetched again.

    Raises:
        FeedUnavailable: a raster cannot be reached.
    """
    known = home.lake.read("scenes", where={"id": decoded.scenes["id"].tolist()})
    rows: list[dict[str, Any]] = []
    rejections: list[Rejection] = []
    for scene in decoded.scenes.to_dict("records"):
        row = {str(key): value for key, value in scene.items()}
        sources = {band: above(root, href) for band, href in json.loads(row["assets"]).items()}
        places = {band: f"scenes/{row['id']}/{band}.tif" for band in sources}
        local = row | {"assets": json.dumps(places, ensure_ascii=False)}
        if all(map(is_web, sources.values())) and _kept(local, known, home):
            rows.append(local)
            continue
        taken = _taken(local, sources, places, context, home, feed, root)
        if isinstance(taken, Rejection):
            rejections.append(taken)
        else:
            rows.append(taken)
    whole = Decoded.of(scenes=rows, rejections=(*decoded.rejections, *rejections), n_records=decoded.n_records)
    return replace(whole, observations=decoded.observations, reports=decoded.reports)


def _taken(
    row: dict[str, Any],
    sources: Mapping[str, str],
    places: Mapping[str, str],
    context: Context,
    home: Home,
    feed: Feed,
    root: str,
) -> dict[str, Any] | Rejection:
    with tempfile.TemporaryDirectory(prefix="sanyan-scene-") as folder:
        for band, source in sources.items():
            what = f"item {row['id']}: band {band}: {below(root, source)}"
            content = get(feed, source)
            if content is None:
                return context.reject(Reason.MISSING_BAND, f"{what} is not there")
            if not content.startswith(_RASTERS):
                return context.reject(
                    Reason.UNREADABLE_RASTER,
                    f"{what}, {len(content)} bytes, is no GeoTIFF or JPEG 2000; fetch it again",
                )
            beside = Path(folder) / f"{band}.tif"
            beside.write_bytes(content)
            try:
                cells = home.files.read_raster(beside.resolve())
            except FeedCorrupt as error:
                # The reader names the file it was given: of no use to anybody, and another one each time.
                said = str(error).replace(f"{beside.parent.resolve()}/", "")
                return context.reject(Reason.UNREADABLE_RASTER, f"{what}, {len(content)} bytes: {said}")
            row = row | {"epsg": row["epsg"] or _epsg(str(cells.attrs["crs"]))}
        for band, place in places.items():
            home.files.write_bytes(place, (Path(folder) / f"{band}.tif").read_bytes())
    return row


def _kept(row: Mapping[str, Any], known: pd.DataFrame, home: Home) -> bool:
    same = known[(known["id"] == row["id"]) & (known["properties"] == row["properties"])]
    return bool(len(same)) and all(home.files.path(place).is_file() for place in json.loads(row["assets"]).values())


def _epsg(crs: str) -> int:
    number = crs.upper().removeprefix("EPSG:")
    return int(number) if number.isdigit() else 0
