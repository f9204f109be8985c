"""One file of a scene: what it is, and whether it is what its item says.

The file is believed about its own shape and place; where an item says otherwise that is a statement, kept with the
scene. Bytes that are fewer or others than the item says, and a place that is not the item's, are refusals.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError
from shapely import box
from shapely.errors import GEOSException
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from store.files import Files
from store.scenes import sha256

#: Multihash prefixes (code and length) of the STAC file extension.
_HASHES = {"1220": "sha256", "1340": "sha512", "1114": "sha1", "d50110": "md5"}
_WGS84 = "EPSG:4326"
#: A file may miss the outline of its item by so much, degrees: outlines are drawn with few corners.
_BESIDE = 0.02


def facts(place: Path, files: Files) -> dict[str, Any]:
    """What a file is: suffix, size, sha256 and, of rasters, shape, crs, transform and bounds in degrees.

    It is read to its last cell.

    Raises:
        FeedCorrupt: it cannot be.
    """
    suffix = files.whole(place)
    found: dict[str, Any] = {"suffix": suffix, "size": place.stat().st_size, "sha256": sha256(place)}
    if suffix == ".nc":
        return found
    info = files.raster_info(place)
    return found | {
        "shape": list(info.shape),
        "crs": info.crs,
        "transform": [float(v) for v in tuple(info.transform)[:6]],
        "bounds": _degrees(info.bounds, info.crs),
    }


def spoiled(stated: Mapping[str, Any], place: Path) -> str:
    """Why the bytes of a file are not those the item says (file extension); "" when they are, or it says nothing."""
    size = place.stat().st_size
    if isinstance(stated.get("size"), int) and stated["size"] != size:
        return f"has {size} bytes, the item says {stated['size']}; fetch it again"
    told = str(stated.get("checksum", "")).lower()
    prefix = next((p for p in _HASHES if told.startswith(p)), "")
    if prefix:
        with place.open("rb") as stream:
            seen = hashlib.file_digest(stream, _HASHES[prefix]).hexdigest()
        wanted = told.removeprefix(prefix)
        if seen != wanted:
            return f"has the {_HASHES[prefix]} {seen[:12]}..., the item says {wanted[:12]}...; fetch it again"
    return ""


def misplaced(found: Mapping[str, Any], geometry: str, epsg: int) -> str:
    """Why a raster cannot lie where its file says; "" when it lies where its item does.

    Args:
        found: see `facts`.
        geometry: of the item, GeoJSON.
        epsg: of the item, 0 when it says none.
    """
    if "transform" not in found:
        return ""
    skewed = _skewed(found)
    outline = _outline(geometry)
    if skewed or outline is None or _meets(found["bounds"], outline):
        return skewed
    west, south, east, north = found["bounds"] or (math.nan,) * 4
    where = f"lies at {west:.3f} {south:.3f} {east:.3f} {north:.3f} ({found['crs'][:40]}), not where its item does"
    why = "have the item or the file's georeference corrected"
    if _meets((south, west, north, east), outline):
        why = "latitude and longitude are swapped; have the file's georeference corrected"
    elif epsg and _meets(_degrees(_bounds(found["transform"], found["shape"]), f"EPSG:{epsg}"), outline):
        why = f"with EPSG:{epsg} of the item it would be; have the file's reference system corrected"
    return f"{where}; {why}"


def _skewed(found: Mapping[str, Any]) -> str:
    a, b, _, d, e, _ = found["transform"]
    if not found["crs"]:
        return "names no reference system; a raw image (level 1) must be orthorectified first"
    if abs(b) > abs(a) and abs(d) > abs(e):
        return "has its rows and columns swapped; warp it north up"
    if b or d or a < 0 or e > 0:
        return "is rotated, mirrored or upside down; warp it north up"
    return ""


def disagreements(stated: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """What an item says of a raster that the file says otherwise; the file is believed."""
    if "shape" not in found:
        return []
    out = []
    if _numbers(stated.get("shape"), 2) not in (None, [float(v) for v in found["shape"]]):
        out.append(f"the item says {_by(stated['shape'])} cells, the file has {_by(found['shape'])}")
    said = _numbers(stated.get("transform"), 6)
    if said is not None and not all(
        math.isclose(s, f, rel_tol=1e-9, abs_tol=1e-9) for s, f in zip(said, found["transform"], strict=True)
    ):
        out.append(f"the item says cells of {_cells(said)}, the file has {_cells(found['transform'])}")
    if stated.get("epsg") and found["crs"] != f"EPSG:{stated['epsg']}":
        out.append(f"the item says EPSG:{stated['epsg']}, the file {found['crs'][:40]}")
    return out


def _cells(transform: Sequence[float]) -> str:
    return f"{transform[0]:.10g} from {transform[2]:.10g} {transform[5]:.10g}"


def _by(size: Any) -> str:
    return " x ".join(str(v) for v in size)


def _numbers(value: Any, least: int) -> list[float] | None:
    fits = isinstance(value, list) and len(value) >= least and all(isinstance(v, int | float) for v in value)
    return [float(v) for v in value[:least]] if fits else None


def _outline(geometry: str) -> BaseGeometry | None:
    try:
        return shape(json.loads(geometry)).buffer(_BESIDE)
    except (ValueError, KeyError, TypeError, AttributeError, GEOSException):
        return None


def _meets(bounds: Any, outline: BaseGeometry) -> bool:
    return bounds is not None and all(map(math.isfinite, bounds)) and bool(box(*bounds).intersects(outline))


def _bounds(transform: Any, size: Any) -> tuple[float, float, float, float]:
    a, _, c, _, e, f = transform
    return c, f + e * size[0], c + a * size[1], f


def _degrees(bounds: Any, crs: str) -> tuple[float, float, float, float] | None:
    """West, south, east, north in degrees; None where the reference system has no such place."""
    if not crs:
        return None
    try:
        system = CRS.from_user_input(crs)
        if system.is_geographic:  # the order of a GeoTIFF is longitude, latitude, whatever the authority says
            return tuple(map(float, bounds))  # type: ignore[return-value]
        west, south, east, north = bounds
        moved = Transformer.from_crs(system, _WGS84, always_xy=True).transform_bounds(west, south, east, north)
    except (CRSError, ProjError):
        return None
    return moved if all(map(math.isfinite, moved)) else None
