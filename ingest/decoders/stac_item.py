"""STAC items: scenes and grids of a catalogue, with their rasters by band."""

import json
import math
import posixpath
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pystac

from domain.catalogue import TABLES_DIR, read_table
from domain.records import Reason, Rejection
from ingest.decoded import Context, Decoded
from ingest.feeds import Strict
from ingest.moments import EARLIEST
from ingest.reports import text

#: Ids become names of folders, asset keys names of files.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
#: What pystac raises at documents that are no items.
_NO_ITEM = (
    pystac.STACError,
    pystac.STACTypeError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class Options(Strict):
    """What is wanted of each item."""

    bands: tuple[str, ...] = ()  # as in domain/tables/imagery_bands.csv, all of them needed; empty: every raster


def decode(payload: bytes, context: Context) -> Decoded:
    """The scene of one item; `assets` names the rasters where the catalogue has them, seen from the feeds' root.

    A payload that is no STAC item is a `bad_document`, an item without a wanted band a `missing_band`.
    """
    try:
        scene = _scene(payload, context)
    except _NO_ITEM as error:
        detail = f"no STAC item ({type(error).__name__}: {error}); have the catalogue corrected"
        return _refused(payload, context, Reason.BAD_DOCUMENT, detail)
    if isinstance(scene, Rejection):
        return Decoded.of(rejections=[scene], n_records=1)
    return Decoded.of(scenes=[scene], n_records=1)


def _scene(payload: bytes, context: Context) -> dict[str, Any] | Rejection:
    def refuse(reason: Reason, detail: str) -> Rejection:
        return context.reject(reason, detail, length=len(payload))

    if not payload.strip():
        return refuse(Reason.EMPTY, "the item is empty or not there; ask again")
    item = pystac.Item.from_dict(json.loads(payload))
    name = text(item.id)
    if not _ID.fullmatch(name):
        return refuse(Reason.BAD_DOCUMENT, f"item id {name[:80]!r} cannot be a name of files; have it corrected")
    taken = item.datetime or item.common_metadata.start_datetime
    if taken is None:
        return refuse(Reason.MISSING_FIELD, f"item {name} has neither datetime nor start_datetime")
    taken = taken.replace(tzinfo=UTC) if taken.tzinfo is None else taken.astimezone(UTC)
    if taken < EARLIEST:
        return refuse(Reason.BAD_TIME, f"item {name}: {taken.isoformat()} lies before 1980")
    rasters = _rasters(item, context)
    wanted = Options(**context.options).bands
    chosen = {band: href for band in wanted if (href := _find(band, rasters))} if wanted else rasters
    absent = [band for band in wanted if band not in chosen]
    if absent or not chosen:
        what = f"lacks {', '.join(absent)}" if absent else "has no raster"
        return refuse(Reason.MISSING_BAND, f"item {name} {what}; it has {sorted(rasters)}")
    return _row(item, name, taken, chosen, context)


def _row(item: pystac.Item, name: str, taken: datetime, rasters: Mapping[str, str], context: Context) -> dict[str, Any]:
    return {
        "id": name,
        "collection": text(item.collection_id),
        "platform": text(item.properties.get("platform")),
        "datetime": taken,
        "epsg": _epsg(item),
        "cloud_cover": _percent(item.properties.get("eo:cloud_cover")),
        "geometry": "" if item.geometry is None else json.dumps(item.geometry, sort_keys=True),
        "assets": json.dumps(dict(sorted(rasters.items())), ensure_ascii=False),
        "properties": json.dumps(item.properties, sort_keys=True, default=str),
        "feed": context.feed,
        "received_at": context.received_at,
    }


def _rasters(item: pystac.Item, context: Context) -> dict[str, str]:
    """Asset key -> address, relative ones resolved against the item's own name; previews and papers are left out."""
    found = {}
    for key, asset in item.assets.items():
        href = text(asset.href)
        roles = asset.roles if isinstance(asset.roles, list) else []
        kind = text(asset.media_type)
        tiff = "tiff" in kind or "jp2" in kind or href.split("?")[0].lower().endswith((".tif", ".tiff", ".jp2"))
        if href and tiff and not {"thumbnail", "overview"} & {r for r in roles if isinstance(r, str)}:
            found[_UNSAFE.sub("_", text(key))[:80]] = _resolved(href, context.name)
    return found


def _resolved(href: str, name: str) -> str:
    if "://" in href or href.startswith("/"):
        return href
    scheme, mark, rest = name.rpartition("://")
    return scheme + mark + posixpath.normpath(posixpath.join(posixpath.dirname(rest), href))


def _find(band: str, rasters: Mapping[str, str]) -> str:
    return next((rasters[key] for key in _names().get(band, (band,)) if key in rasters), "")


@cache
def _names() -> Mapping[str, tuple[str, ...]]:
    """Band -> the keys that catalogues use for it."""
    path = TABLES_DIR / "imagery_bands.csv"
    frame = read_table(path, columns=["band", "common_name", "cdse", "wavelength_nm", "source"], key=["band"])
    return {str(r.band): (str(r.band), str(r.common_name), str(r.cdse)) for r in frame.itertuples()}


def _epsg(item: pystac.Item) -> int:
    """The code of the item, else of its first asset that has one; 0 when none is told (the raster itself will)."""
    said = [item.properties, *(asset.extra_fields for asset in item.assets.values())]
    for fields in said:
        code = text(fields.get("proj:code")) or text(fields.get("proj:epsg"))
        number = code.upper().removeprefix("EPSG:")
        if number.isascii() and number.isdigit() and len(number) < 7:
            return int(number)
    return 0


def _percent(value: object) -> float:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100
    return float(value) if fits and isinstance(value, int | float) else math.nan


def _refused(payload: bytes, context: Context, reason: Reason, detail: str) -> Decoded:
    return Decoded.of(rejections=[context.reject(reason, detail, length=len(payload))], n_records=1)
