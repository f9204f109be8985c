"""STAC items: scenes and grids of a catalogue, with their rasters by band."""

import json
import math
import posixpath
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pystac
from pydantic import Field

from domain import imagery
from domain.records import Reason, Rejection
from ingest.decoded import Context, Decoded
from ingest.feeds import Strict
from ingest.moments import EARLIEST
from ingest.reports import text

#: Ids become names of folders, asset keys names of files.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
#: In `Scene.properties`: what the item says of each file, by the name the file is kept under.
STATED = "sanyan:stated"
_CHECKED = {"shape": "proj:shape", "transform": "proj:transform", "size": "file:size", "checksum": "file:checksum"}
#: Media types and endings of rasters and grids.
_KINDS = ("tiff", "jp2", "netcdf", "hdf5", "x-hdf")
_ENDINGS = (".tif", ".tiff", ".jp2", ".nc", ".nc4", ".h5", ".he5", ".hdf5")
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

    bands: tuple[str, ...] = ()  # as in domain/tables/sky_bands.csv, all of them needed; empty: every raster
    mirrors: dict[str, str] = Field(
        default_factory=dict
    )  # beginning of an address -> what to put in its place, for example s3://eodata/


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
    taken = item.datetime or item.common_metadata.start_datetime
    problem = _unnamed(item) or _untimed(item, taken) or _misplaced(item)
    if problem or taken is None:
        return refuse(*(problem or (Reason.MISSING_FIELD, f"item {item.id} has no time")))
    options = Options(**context.options)
    rasters = _rasters(item, context, options.mirrors)
    product = imagery.product_of(text(item.collection_id))
    keys = _chosen(product, options.bands, rasters)
    absent = [band for band in options.bands if band not in keys]
    if absent or not keys:
        what = f"lacks {', '.join(absent)}" if absent else "has no raster"
        return refuse(Reason.MISSING_BAND, f"item {item.id} {what}; it has {sorted(rasters)}")
    return _row(item, _utc(taken), {name: rasters[key] for name, key in _named(product, keys).items()}, context)


def _chosen(product: str, wanted: tuple[str, ...], rasters: Mapping[str, Any]) -> dict[str, str]:
    """Band -> asset key of the wanted bands that are there; all rasters by their own keys when none is named."""
    if not wanted:
        return {key: key for key in rasters}
    known = imagery.bands_of_assets(product, rasters)
    found = {band: known.get(band, band) for band in wanted}
    return {band: key for band, key in found.items() if key in rasters}


def _named(product: str, keys: Mapping[str, str]) -> dict[str, str]:
    """Name under which a raster is kept -> its asset key: the band's, and `data` for a file that holds several."""
    whole = set(imagery.asset_names(product, imagery.WHOLE_FILE))
    return {imagery.WHOLE_FILE if key in whole and key != band else band: key for band, key in keys.items()}


def _row(item: pystac.Item, taken: datetime, rasters: Mapping[str, dict[str, Any]], context: Context) -> dict[str, Any]:
    hrefs = {band: raster["href"] for band, raster in sorted(rasters.items())}
    stated = {band: {k: v for k, v in raster.items() if k != "href"} for band, raster in rasters.items()}
    properties = item.properties | {STATED: {band: facts for band, facts in stated.items() if facts}}
    return {
        "id": text(item.id),
        "collection": text(item.collection_id),
        "platform": text(item.properties.get("platform")),
        "datetime": taken,
        "epsg": _epsg(item),
        "cloud_cover": _percent(item.properties.get("eo:cloud_cover")),
        "geometry": json.dumps(item.geometry, sort_keys=True),
        "assets": json.dumps(hrefs, ensure_ascii=False),
        "properties": json.dumps(properties, sort_keys=True, default=str),
        "feed": context.feed,
        "received_at": context.received_at,
    }


def _utc(taken: datetime) -> datetime:
    return taken.replace(tzinfo=UTC) if taken.tzinfo is None else taken.astimezone(UTC)


_Problem = tuple[Reason, str]


def _unnamed(item: pystac.Item) -> _Problem | None:
    if _ID.fullmatch(text(item.id)):
        return None
    return Reason.BAD_DOCUMENT, f"item id {text(item.id)[:80]!r} cannot be a name of files; have it corrected"


def _untimed(item: pystac.Item, taken: datetime | None) -> _Problem | None:
    if taken is None:
        return Reason.MISSING_FIELD, f"item {item.id} has neither datetime nor start_datetime"
    if _utc(taken) < EARLIEST:
        return Reason.BAD_TIME, f"item {item.id}: {_utc(taken).isoformat()} lies before 1980"
    return None


def _misplaced(item: pystac.Item) -> _Problem | None:
    """Why an item's place on earth cannot be believed, or None."""
    if item.geometry is None:
        return Reason.MISSING_FIELD, f"item {item.id} has no geometry; ask the catalogue to add it"
    points = list(_points(item.geometry.get("coordinates")))
    if not points:
        return Reason.BAD_POSITION, f"item {item.id}: its geometry has no coordinates; have the item corrected"
    if all(abs(x) <= 180 and abs(y) <= 90 for x, y in points):
        return None
    swapped = all(abs(x) <= 90 and abs(y) <= 180 for x, y in points)
    why = "latitude stands before longitude" if swapped else "they are no degrees"
    place = f"coordinates such as {points[0]} are no place on earth: {why}"
    return Reason.BAD_POSITION, f"item {item.id}: {place}; GeoJSON wants longitude, latitude; have the item corrected"


def _points(coordinates: Any) -> Iterator[tuple[float, float]]:
    """The positions of a GeoJSON geometry, however deep they lie.

    Raises:
        ValueError: something else is among them.
    """
    if not isinstance(coordinates, list | tuple):
        raise ValueError(f"coordinates hold {text(coordinates)[:40]!r}")
    if len(coordinates) >= 2 and all(isinstance(v, int | float) and not isinstance(v, bool) for v in coordinates):
        yield float(coordinates[0]), float(coordinates[1])
        return
    for part in coordinates:
        yield from _points(part)


def _rasters(item: pystac.Item, context: Context, mirrors: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Asset key -> address and what the item says of the file; previews and papers are left out."""
    found = {}
    for key, asset in item.assets.items():
        roles = asset.roles if isinstance(asset.roles, list) else []
        href = _href(asset, context.name, mirrors)
        if (
            href
            and _is_raster(asset, href)
            and not {"thumbnail", "overview"} & {r for r in roles if isinstance(r, str)}
        ):
            found[_UNSAFE.sub("_", text(key))[:80]] = {"href": href, **_stated(asset)}
    return found


def _is_raster(asset: pystac.Asset, href: str) -> bool:
    kind = text(asset.media_type)
    return any(word in kind for word in _KINDS) or href.partition("?")[0].lower().endswith(_ENDINGS)


def _href(asset: pystac.Asset, name: str, mirrors: Mapping[str, str]) -> str:
    """Where an asset is fetched: its mirror, else itself, else the address over HTTPS that it offers besides."""
    href = text(asset.href)
    for start, instead in mirrors.items():
        if href.startswith(start):
            return instead + href[len(start) :]
    alternate = asset.extra_fields.get("alternate")
    if href.startswith("s3://") and isinstance(alternate, dict):
        offers = (offer.get("href") for offer in alternate.values() if isinstance(offer, dict))
        href = next((text(offer) for offer in offers if text(offer).startswith("https://")), href)
    return _resolved(href, name)


def _stated(asset: pystac.Asset) -> dict[str, Any]:
    """What an item says of a file that can be checked when the file is there: shape, place, size, checksum."""
    fields = asset.extra_fields
    found = {ours: fields[theirs] for ours, theirs in _CHECKED.items() if fields.get(theirs) is not None}
    code = _code(fields)
    return found | ({"epsg": code} if code else {})


def _resolved(href: str, name: str) -> str:
    if not href or "://" in href or href.startswith("/"):
        return href
    scheme, mark, rest = name.rpartition("://")
    return scheme + mark + posixpath.normpath(posixpath.join(posixpath.dirname(rest), href))


def _code(fields: Mapping[str, Any]) -> int:
    code = text(fields.get("proj:code")) or text(fields.get("proj:epsg"))
    number = code.upper().removeprefix("EPSG:")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 0


def _epsg(item: pystac.Item) -> int:
    """The code of the item, else of its first asset that has one; 0 when none is told (the raster itself will)."""
    said = [item.properties, *(asset.extra_fields for asset in item.assets.values())]
    return next((code for code in map(_code, said) if code), 0)


def _percent(value: object) -> float:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100
    return float(value) if fits and isinstance(value, int | float) else math.nan


def _refused(payload: bytes, context: Context, reason: Reason, detail: str) -> Decoded:
    return Decoded.of(rejections=[context.reject(reason, detail, length=len(payload))], n_records=1)
