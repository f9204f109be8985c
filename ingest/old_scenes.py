"""Satellite scenes that somebody keeps as a STAC item with rasters beside it.

An item that was copied with its rasters, or whose rasters were made smaller, still describes the originals: its hrefs
lead elsewhere and its `proj:shape` and `proj:transform` are not those of the files at hand. Here the layout says which
file is which asset, and the files say their own geometry; how often that differed is a counted notice.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from domain.errors import FeedCorrupt
from domain.records import Reason, Rejection
from ingest.decoded import Context
from ingest.decoders import stac_item
from ingest.layouts import Layout
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
    local, refused, notices = _local(item["assets"], layout.stac.assets, context, folder, files)
    inner = replace(context, name=str(folder / context.name))
    decoded = stac_item.decode(json.dumps(item | {"assets": local, "links": []}).encode(), inner)
    return {
        "scenes": decoded.scenes,
        "rejections": (*refused, *decoded.rejections),
        "n_records": decoded.n_records,
        "notices": dict(notices),
    }


def _local(
    assets: Mapping[str, Any], told: Mapping[str, str], context: Context, folder: Path, files: Files
) -> tuple[dict[str, Any], list[Rejection], Counter[str]]:
    """The item's assets that have a file, described as the file is."""
    local: dict[str, Any] = {}
    refused: list[Rejection] = []
    notices = Counter({LEFT_OUT: sum(name not in told for name in assets)})
    for name, file_name in told.items():
        if not isinstance(assets.get(name), dict):
            refused.append(context.reject(Reason.MISSING_BAND, f"the item has no asset {name!r}; correct the layout"))
            continue
        place = folder / file_name
        if not place.is_file():
            refused.append(
                context.reject(Reason.MISSING_BAND, f"asset {name!r}: no file {file_name!r} beside the item")
            )
            continue
        try:
            geometry = _geometry(place, files)
        except FeedCorrupt as error:
            refused.append(context.reject(Reason.UNREADABLE_RASTER, f"asset {name!r}: {error}"))
            continue
        notices[FROM_FILES] += any(assets[name].get(key, value) != value for key, value in geometry.items())
        local[name] = assets[name] | geometry | {"href": str(place.resolve())}
    return local, refused, +notices


def _geometry(place: Path, files: Files) -> dict[str, Any]:
    cells = files.read_raster(place.resolve())
    return {"proj:shape": list(cells.shape[-2:]), "proj:transform": list(cells.attrs["transform"])[:6]}


def _refused(context: Context, detail: str) -> dict[str, Any]:
    return {"rejections": (context.reject(Reason.BAD_DOCUMENT, detail),), "n_records": 1}
