"""The polygon of a parcel from GeoJSON (RFC 7946, WGS 84), checked so that a wrong one is told and not computed."""

import json
from typing import Any

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import box, shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union
from shapely.validation import explain_validity

from domain.errors import PipelineError
from domain.texts import say

_AREAS = ("Polygon", "MultiPolygon")
#: Names of WGS 84 in the member `crs` of older files.
_WGS84 = ("CRS84", "EPSG::4326", "EPSG:4326", "EPSG::4490", "EPSG:4490")  # CGCS 2000 differs by centimetres


def read(text: str, bbox: tuple[float, float, float, float]) -> BaseGeometry:
    """The polygon or polygons of a GeoJSON text as one geometry, longitude and latitude.

    Args:
        text: a geometry, feature or collection of features.
        bbox: west, south, east, north of the district.

    Raises:
        PipelineError: no GeoJSON, no polygon, another reference system, latitude before longitude, lines that cross, or
            outside of the district; with what to do.
    """
    try:
        data = json.loads(text)
        shapes = [shape(feature.get("geometry", feature)) for feature in data.get("features", [data])]
    except (ValueError, AttributeError, KeyError, TypeError, IndexError, ShapelyError) as error:
        raise PipelineError(say("parcel.not_geojson", error=str(error)[:120])) from None
    if not shapes or any(s.geom_type not in _AREAS or s.is_empty for s in shapes):
        found = ", ".join(sorted({s.geom_type for s in shapes})) or "-"
        raise PipelineError(say("parcel.not_polygon", found=found))
    _in_degrees(data, shapes, bbox)
    for number, one in enumerate(shapes, start=1):
        if not one.is_valid:
            raise PipelineError(say("parcel.crossing", number=number, where=explain_validity(one)))
    whole = unary_union(shapes)
    if not whole.intersects(box(*bbox)):
        if shapely.transform(whole, lambda xy: xy[:, ::-1]).intersects(box(*bbox)):
            raise PipelineError(say("parcel.swapped"))
        raise PipelineError(say("parcel.outside", bbox=", ".join(f"{v:g}" for v in bbox)))
    return whole


def _in_degrees(data: Any, shapes: list[BaseGeometry], bbox: tuple[float, float, float, float]) -> None:
    named = str(((data.get("crs") or {}).get("properties") or {}).get("name", ""))
    if named and not named.endswith(_WGS84):
        raise PipelineError(say("parcel.crs", name=named))
    west, south, east, north = unary_union([box(*s.bounds) for s in shapes]).bounds
    swapped = box(south, west, north, east).intersects(box(*bbox))
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90) and not swapped:
        raise PipelineError(say("parcel.metres", x=f"{west:,.0f}", y=f"{south:,.0f}"))
