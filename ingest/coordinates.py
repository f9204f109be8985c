"""Coordinates as phones and maps give them, turned into WGS 84 once, at the door.

Chinese map services shift every point by some hundred metres: AMap, Tencent, WeChat and DingTalk use GCJ-02, Baidu
uses BD-09. CGCS 2000 (surveyors, Tianditu) differs from WGS 84 by centimetres and counts as the same. The shift has no
closed inverse: the rough one leaves 0.4 m in Liandu, prcoords' iterated one less than a millimetre. Plane coordinates
(`EPSG:4549` and the like) go through pyproj.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import prcoords
from pyproj import Transformer
from pyproj.exceptions import CRSError

from domain.records import Flag

#: Spellings of the systems, lower case, without blanks, dashes and underscores.
_SYSTEMS = {
    "wgs84": "wgs84",
    "epsg4326": "wgs84",
    "4326": "wgs84",
    "gps": "wgs84",
    "cgcs2000": "wgs84",
    "epsg4490": "wgs84",
    "gcj02": "gcj02",
    "gcj": "gcj02",
    "amap": "gcj02",
    "gaode": "gcj02",
    "bd09": "bd09",
    "bd09ll": "bd09",
    "baidu": "bd09",
}
_TO_WGS84: dict[str, Callable[..., tuple[float, float]]] = {
    "gcj02": prcoords.gcj_wgs_bored,
    "bd09": prcoords.bd_wgs_bored,
}
_FROM_WGS84: dict[str, Callable[..., tuple[float, float]]] = {"gcj02": prcoords.wgs_gcj, "bd09": prcoords.wgs_bd}
#: Outside this box (prcoords' own "in China" test) the Chinese systems do not shift.
_CHINA = {"lat": (0.8293, 55.8271), "lon": (72.004, 137.8347)}


def system(spelling: str) -> str:
    """The system a spelling names: wgs84, gcj02, bd09, epsg:n; "" when not known, since a guess moves a point 500 m."""
    plain = "".join(c for c in spelling.lower() if c not in " -_:")
    if plain in _SYSTEMS:
        return _SYSTEMS[plain]
    code = re.fullmatch(r"(?:epsg)(\d{4,5})", plain, re.ASCII)
    return f"epsg:{code[1]}" if code and _transformer(int(code[1])) is not None else ""


def to_wgs84(x: np.ndarray, y: np.ndarray, systems: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Points as WGS 84 degrees.

    Args:
        x: (n,) degrees east, or metres east, in the system of each point; NaN stays NaN.
        y: (n,) degrees or metres north, likewise.
        systems: n spellings, see `system`. A point whose system is not known comes back NaN: the caller flags it.

    Returns:
        (n,) longitudes and (n,) latitudes.
    """
    out = np.array([_point(east, north, system(name)) for east, north, name in zip(x, y, systems, strict=True)])
    out = out.astype(float).reshape(-1, 2)
    return out[:, 0], out[:, 1]


@dataclass(frozen=True, slots=True)
class Box:
    """Where points of this deployment can lie, in degrees."""

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def around(cls, bbox: Sequence[float], margin: float) -> "Box":
        """The box [west, south, east, north] grown by `margin` degrees on each side."""
        west, south, east, north = (float(v) for v in bbox)
        return cls(west - margin, south - margin, east + margin, north + margin)

    def holds(self, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        """(n,) whether each point lies in the box; NaN does not."""
        inside = (lon >= self.west) & (lon <= self.east) & (lat >= self.south) & (lat <= self.north)
        return np.asarray(inside, dtype=bool)


def place(x: np.ndarray, y: np.ndarray, systems: Sequence[str], box: Box) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points as WGS 84 degrees with a flag: what the door can say of a position.

    Returns:
        (n,) longitudes, (n,) latitudes, and (n,) flags: 2 taken as given; 3 longitude and latitude were exchanged (as
        given the point lies outside `box`, exchanged inside) and have been put right; 4 no usable position (missing,
        0,0, an unknown system, outside the box either way), and both coordinates are NaN.
    """
    lon, lat = to_wgs84(x, y, systems)
    as_given = box.holds(lon, lat)
    other_lon, other_lat = to_wgs84(np.where(as_given, np.nan, y), np.where(as_given, np.nan, x), systems)
    exchanged = ~as_given & box.holds(other_lon, other_lat)
    usable = as_given | exchanged
    flags = np.select([as_given, exchanged], [Flag.NOT_EVALUATED, Flag.SUSPECT], default=Flag.FAIL)
    return (
        np.where(usable, np.where(exchanged, other_lon, lon), np.nan),
        np.where(usable, np.where(exchanged, other_lat, lat), np.nan),
        flags.astype(int),
    )


def _point(x: float, y: float, name: str) -> tuple[float, float]:
    if not name or not (np.isfinite(x) and np.isfinite(y)):
        return np.nan, np.nan
    if name.startswith("epsg:"):
        transformer = _transformer(int(name[5:]))
        east, north = (np.nan, np.nan) if transformer is None else transformer.transform(x, y)
        return (float(east), float(north)) if np.isfinite(east) and np.isfinite(north) else (np.nan, np.nan)
    inside = _CHINA["lat"][0] <= y <= _CHINA["lat"][1] and _CHINA["lon"][0] <= x <= _CHINA["lon"][1]
    if name == "wgs84" or not inside:
        return float(x), float(y)
    lat, lon = _TO_WGS84[name]((float(y), float(x)))
    # The library's iteration stops at about a centimetre; two steps more leave nothing that a map could show.
    for _ in range(2):
        there = _FROM_WGS84[name]((lat, lon))
        lat, lon = lat + (y - there[0]), lon + (x - there[1])
    return float(lon), float(lat)


@cache
def _transformer(code: int) -> Transformer | None:
    try:
        return Transformer.from_crs(code, 4326, always_xy=True)
    except CRSError:
        return None
