"""GF-1 and GF-6 images: the XML that comes with each tells camera, time, sun and corners; the GeoTIFF lies beside it.

Names of elements as CRESDA writes them (from memory). Times in it are Beijing time.
"""

import json
import math
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lxml import etree
from pydantic import field_validator

from domain import imagery
from domain.documents import Strict
from domain.records import Reason, Rejection
from ingest.decoded import Context, Decoded
from ingest.moments import instant

#: Satellite as CRESDA writes it -> product.
_PRODUCTS = {"GF1": "gf1-wfv", "GF6": "gf6-wfv"}
_TIMES = ("CenterTime", "StartTime", "ReceiveTime")
_CORNERS = ("TopLeft", "TopRight", "BottomRight", "BottomLeft")


class Options(Strict):
    """Which raster belongs to an XML, and how its times are meant."""

    raster: str = "{stem}.tiff"  # name beside the XML; {stem} is the XML's name without .xml
    zone: str = "Asia/Shanghai"

    @field_validator("zone")
    @classmethod
    def _a_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{zone!r} is no IANA time zone; use for example Asia/Shanghai") from None
        return zone


def decode(payload: bytes, context: Context) -> Decoded:
    """The scene an XML describes; one that is no such XML is a `bad_document`."""
    row = _scene(payload, context)
    if isinstance(row, Rejection):
        return Decoded.of(rejections=[row], n_records=1)
    return Decoded.of(scenes=[row], n_records=1)


def _scene(payload: bytes, context: Context) -> dict[str, Any] | Rejection:
    options = Options(**context.options)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(payload, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        return context.reject(Reason.BAD_DOCUMENT, f"no XML ({error}); copy it again", length=len(payload))
    said = {str(e.tag): (e.text or "").strip() for e in root.iter() if isinstance(e.tag, str) and len(e) == 0}
    product = _PRODUCTS.get(said.get("SatelliteID", ""))
    sensor = said.get("SensorID", "")
    if product is None or not sensor.startswith("WFV"):
        what = f"satellite {said.get('SatelliteID', '')!r} with sensor {sensor!r}"
        return context.reject(Reason.BAD_DOCUMENT, f"{what} is no GF-1 or GF-6 WFV image", length=len(payload))
    taken = _moment(said, options.zone)
    if taken is None:
        return context.reject(Reason.BAD_TIME, f"none of {', '.join(_TIMES)} is a time", length=len(payload))
    ring = _ring(said)
    if ring is None:
        return context.reject(Reason.BAD_POSITION, "its corners are no places on earth", length=len(payload))
    path = PurePosixPath(context.name)
    folder = "" if str(path.parent) == "." else f"{path.parent}/"
    sun = {"view:sun_elevation": 90 - _number(said.get("SolarZenith", ""))}
    sun["view:sun_azimuth"] = _number(said.get("SolarAzimuth", ""))
    known = {name: value for name, value in sun.items() if not math.isnan(value)}
    properties = {"camera": sensor, "level": said.get("ProductLevel", "")} | known
    return {
        "id": path.stem,
        "collection": product,
        "platform": said["SatelliteID"],
        "datetime": taken,
        "epsg": 0,
        "cloud_cover": _number(said.get("CloudPercent", "")),
        "geometry": json.dumps({"type": "Polygon", "coordinates": [ring]}),
        "assets": json.dumps({imagery.WHOLE_FILE: folder + options.raster.format(stem=path.stem)}),
        "properties": json.dumps(properties),
        "feed": context.feed,
        "received_at": context.received_at,
    }


def _moment(said: dict[str, str], zone: str) -> datetime | None:
    for name in _TIMES:
        try:
            return instant(said.get(name, ""), ZoneInfo(zone))
        except ValueError:
            continue
    return None


def _ring(said: dict[str, str]) -> list[list[float]] | None:
    corners = [[_number(said.get(f"{c}{axis}", "")) for axis in ("Longitude", "Latitude")] for c in _CORNERS]
    good = all(abs(lon) <= 180 and abs(lat) <= 90 for lon, lat in corners)
    return [*corners, corners[0]] if good else None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
