"""Satellite scenes that somebody keeps: a STAC item with rasters beside it, or bare rasters and grids.

An item that was copied with its rasters, or whose rasters were made smaller, still describes the originals: its hrefs
lead elsewhere and its `proj:shape` and `proj:transform` are not those of the files at hand. Here the layout says which
file is which asset, and the files say their own geometry; where that differs is kept with the scene (`sanyan:notes`)
and is a counted notice.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from domain.errors import FeedCorrupt
from domain.records import Reason, Rejection
from ingest.assets import described
from ingest.decoded import Context, Decoded
from ingest.decoders import raster_file, stac_item
from ingest.layouts import Layout
from ingest.scene_files import disagreements, facts, misplaced
from store.files import Files

#: Counted notices.
FROM_FILES = "geometry taken from the file, the item says otherwise"
LEFT_OUT = "assets of the item without a file in the layout"


def read_scenes(payload: bytes, context: Context, layout: Layout, folder: Path, files: Files) -> dict[str, Any]:
    """The fields of `history.Imported` of one STAC item, its assets replaced by the files in `folder`."""
    if layout.stac is None:
        raise TypeError(f"layout {layout.id} describes no scenes")
    try:
        item = json.loads(payload)
    except (ValueError, RecursionError) as error:
        return _refused(context, f"no JSON ({error})")
    if not isinstance(item, dict) or not isinstance(item.get("assets"), dict):
        return _refused(context, "no STAC item: it has no assets")
    told = layout.stac.assets
    named = {name: asset for name, asset in item["assets"].items() if name in told and isinstance(asset, dict)}
    refused = [
        context.reject(Reason.MISSING_BAND, f"the item has no asset {name!r}; correct the layout")
        for name in told
        if name not in named
    ]
    local = {name: asset | {"href": str((folder / told[name]).resolve())} for name, asset in named.items()}
    inner = replace(context, name=str(folder / context.name), options={})
    decoded = stac_item.decode(json.dumps(item | {"assets": local, "links": []}).encode(), inner)
    notices = Counter({LEFT_OUT: sum(name not in told for name in item["assets"])})
    rows = []
    for scene in decoded.scenes.to_dict("records"):
        row, bad, differing = _seen({str(k): v for k, v in scene.items()}, context, files)
        refused += bad
        notices[FROM_FILES] += differing
        rows += [row] if row is not None else []
    return {
        "scenes": Decoded.of(scenes=rows).scenes,
        "rejections": (*refused, *decoded.rejections),
        "n_records": decoded.n_records,
        "notices": dict(+notices),
    }


def read_raster(context: Context, layout: Layout, path: Path, files: Files) -> dict[str, Any]:
    """The fields of `history.Imported` of one bare raster or grid."""
    if layout.rasters is None:
        raise TypeError(f"layout {layout.id} describes no rasters")
    row = raster_file.scene(replace(context, name=str(path.resolve())), layout.rasters, path.stat().st_size)
    if isinstance(row, Rejection):
        return {"rejections": (row,), "n_records": 1}
    kept, refused, _ = _seen(row, context, files)
    return {"scenes": Decoded.of(scenes=[kept] if kept else []).scenes, "rejections": tuple(refused), "n_records": 1}


def _seen(row: dict[str, Any], context: Context, files: Files) -> tuple[dict[str, Any] | None, list[Rejection], int]:
    """A scene as its files are, the files that were refused, and how many say otherwise than the item."""
    hrefs: Mapping[str, str] = json.loads(row["assets"])
    stated = json.loads(row["properties"]).get(stac_item.STATED, {})
    refused: list[Rejection] = []
    found: dict[str, dict[str, Any]] = {}
    for name, href in hrefs.items():
        place, what = Path(href), f"asset {name!r}"
        if not place.is_file():
            detail = f"{what}: no file {place.name!r} beside the item"
            refused.append(context.reject(Reason.MISSING_BAND, detail))
            continue
        try:
            seen = facts(place, files)
        except FeedCorrupt as error:
            refused.append(context.reject(Reason.UNREADABLE_RASTER, f"{what}: {error}"))
            continue
        elsewhere = misplaced(seen, row["geometry"], stated.get(name, {}).get("epsg") or row["epsg"])
        if elsewhere:
            refused.append(context.reject(Reason.BAD_POSITION, f"{what}: {place.name} {elsewhere}"))
            continue
        found[name] = seen
    if not found:
        return None, refused, 0
    differing = sum(bool(disagreements(stated.get(name, {}), seen)) for name, seen in found.items())
    return described(row, {name: hrefs[name] for name in found}, found), refused, differing


def _refused(context: Context, detail: str) -> dict[str, Any]:
    return {"rejections": (context.reject(Reason.BAD_DOCUMENT, detail),), "n_records": 1}
