"""STAC documents of our own products: an item for each day or period, collections, and the catalogue over them.

Items follow STAC 1.1 with the projection extension 2.0, raster 1.1 and eo 1.1. Every link is relative, so the folder
can be moved, served or copied as it is. A document depends on nothing but what is given: written again, it is equal.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from shapely import segmentize
from shapely.geometry import box, mapping, shape

from domain.times import day_start
from processing.imagery.grid import WGS84, Grid, moved
from processing.imagery.products import product_table

STAC = "1.1.0"
PROJECTION = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"
RASTER = "https://stac-extensions.github.io/raster/v1.1.0/schema.json"
EO = "https://stac-extensions.github.io/eo/v1.1.0/schema.json"
DAYS, PERIODS = "sky-days", "sky-composites"
_COG = "image/tiff; application=geotiff; profile=cloud-optimized"
_COLOURS = ("red", "green", "blue")
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Raster:
    """One file of an item."""

    name: str
    dtype: str
    nodata: float | None
    layer: str = ""  # id of a product; "" for masks and pictures
    colours: bool = False


def item(
    name: str,
    collection: str,
    grid: Grid,
    rasters: Sequence[Raster],
    *,
    first: date,
    after: date,
    cloud_cover: float,
    others: Mapping[str, tuple[str, str]],
    told: Mapping[str, Any],
) -> dict[str, Any]:
    """The item of a folder of rasters on one grid.

    Args:
        name: id of the item.
        collection: DAYS or PERIODS.
        grid: of all rasters.
        rasters: the files beside the item.
        first: first Shanghai day.
        after: the day after the last.
        cloud_cover: share of the county not seen clear, %.
        others: further files: name -> media type and role.
        told: further properties.
    """
    start, end = day_start(first), day_start(after)
    geometry = _outline(grid)
    properties = {
        "datetime": _instant(start),
        "start_datetime": _instant(start),
        "end_datetime": _instant(end),
        "eo:cloud_cover": round(cloud_cover, 2),
        "gsd": grid.resolution,
        "proj:code": grid.crs,
        "proj:bbox": list(grid.bounds),
        "proj:shape": list(grid.shape),
        "proj:transform": [float(v) for v in tuple(grid.transform)[:6]],
    }
    rest = {_key(n): {"href": f"./{n}", "type": kind, "roles": [role]} for n, (kind, role) in others.items()}
    return {
        "type": "Feature",
        "stac_version": STAC,
        "stac_extensions": [EO, PROJECTION, RASTER],
        "id": name,
        "collection": collection,
        "geometry": geometry,
        "bbox": _box(geometry),
        "properties": properties | dict(told),
        "assets": {_key(r.name): _asset(r, grid) for r in rasters} | rest,
        "links": [
            {"rel": "root", "href": "../catalog.json", "type": "application/json"},
            {"rel": "parent", "href": f"../{collection}.json", "type": "application/json"},
            {"rel": "collection", "href": f"../{collection}.json", "type": "application/json"},
        ],
    }


def collection(name: str, title: str, description: str, items: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A collection of items; `items` maps the relative address of each, in order, to the item."""
    boxes = np.array([i["bbox"] for i in items.values()] or [[-180.0, -90.0, 180.0, 90.0]])
    times = sorted((i["properties"]["start_datetime"], i["properties"]["end_datetime"]) for i in items.values())
    interval = [times[0][0], max(end for _, end in times)] if times else [None, None]
    extent = [*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist()]
    return {
        "type": "Collection",
        "stac_version": STAC,
        "id": name,
        "title": title,
        "description": description,
        "license": "other",
        "extent": {"spatial": {"bbox": [extent]}, "temporal": {"interval": [interval]}},
        "links": [
            {"rel": "root", "href": "./catalog.json", "type": "application/json"},
            {"rel": "parent", "href": "./catalog.json", "type": "application/json"},
            *({"rel": "item", "href": href, "type": "application/geo+json"} for href in items),
        ],
    }


def catalogue(name: str, description: str, collections: Sequence[str]) -> dict[str, Any]:
    """The catalogue over collections, given by their ids."""
    return {
        "type": "Catalog",
        "stac_version": STAC,
        "id": name,
        "description": description,
        "links": [
            {"rel": "root", "href": "./catalog.json", "type": "application/json"},
            *({"rel": "child", "href": f"./{name}.json", "type": "application/json"} for name in collections),
        ],
    }


def _asset(raster: Raster, grid: Grid) -> dict[str, Any]:
    band: dict[str, Any] = {"data_type": raster.dtype, "spatial_resolution": grid.resolution}
    if raster.nodata is not None:
        band["nodata"] = "nan" if math.isnan(raster.nodata) else raster.nodata
    said: dict[str, Any] = {"href": f"./{raster.name}", "type": _COG, "roles": ["data"]}
    if raster.layer:
        row = product_table().loc[raster.layer]
        said |= {"title": str(row["name_en"]), "description": f"{row['name_zh']}: {row['formula']}"}
        band["unit"] = str(row["unit"])
    if raster.colours:
        said |= {"eo:bands": [{"name": c, "common_name": c} for c in _COLOURS], "roles": ["visual"]}
    return said | {"raster:bands": [band] * (len(_COLOURS) if raster.colours else 1)}


def _key(name: str) -> str:
    return name.partition(".")[0]


def _outline(grid: Grid) -> dict[str, Any]:
    """The grid's edge in WGS 84; straight lines on the grid are bent there, so each is cut into eight."""
    edge = segmentize(box(*grid.bounds), max(grid.width, grid.height) * grid.resolution / 8)
    (ring,) = mapping(moved(edge, grid.crs, WGS84))["coordinates"]
    return {"type": "Polygon", "coordinates": [[[round(x, _DECIMALS), round(y, _DECIMALS)] for x, y in ring]]}


def _box(geometry: Mapping[str, Any]) -> list[float]:
    return [round(v, _DECIMALS) for v in shape(geometry).bounds]


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
