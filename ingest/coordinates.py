"""Coordinates as phones and maps give them, turned into WGS 84 once, at the door.

Chinese map services shift every point by some hundred metres: AMap, Tencent, WeChat and DingTalk use GCJ-02, Baidu
uses BD-09. CGCS 2000 (surveyors, Tianditu) differs from WGS 84 by centimetres and counts as the same. The shift has no
closed inverse: the rough one leaves 0.4 m in Liandu, prcoords' iterated one less than a millimetre.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import prcoords

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
#: Outside this box (prcoords' own "in China" test) the Chinese systems do not shift.
_CHINA = {"lat": (0.8293, 55.8271), "lon": (72.004, 137.8347)}


def system(spelling: str) -> str:
    """The system a spelling names: wgs84, gcj02 or bd09; "" when not known, since a guess moves a point by 500 m."""
    return _SYSTEMS.get("".join(c for c in spelling.lower() if c not in " -_:"), "")


def to_wgs84(lon: np.ndarray, lat: np.ndarray, systems: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Points in degrees as WGS 84 degrees.

    Args:
        lon: (n,) degrees east in the system of each point; NaN stays NaN.
        lat: (n,) degrees north, likewise.
        systems: n spellings, see `system`. A point whose system is not known comes back NaN: the caller flags it.

    Returns:
        (n,) longitudes and (n,) latitudes.
    """
    out = np.array([_point(x, y, system(name)) for x, y, name in zip(lon, lat, systems, strict=True)], dtype=float)
    out = out.reshape(-1, 2)
    return out[:, 0], out[:, 1]


def _point(lon: float, lat: float, name: str) -> tuple[float, float]:
    if not name or not (np.isfinite(lon) and np.isfinite(lat)):
        return np.nan, np.nan
    inside = _CHINA["lat"][0] <= lat <= _CHINA["lat"][1] and _CHINA["lon"][0] <= lon <= _CHINA["lon"][1]
    if name == "wgs84" or not inside:
        return float(lon), float(lat)
    north, east = _TO_WGS84[name]((float(lat), float(lon)))
    return east, north


@dataclass(frozen=True, slots=True)
class Box:
    """A box in degrees, with a margin already added: where points of this deployment can lie."""

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
        x, y = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
        with np.errstate(invalid="ignore"):
            return np.asarray((x >= self.west) & (x <= self.east) & (y >= self.south) & (y <= self.north))


def unswap(lon: np.ndarray, lat: np.ndarray, box: Box) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points with longitude and latitude put right where they are clearly exchanged.

    Clearly means: as given the point lies outside `box`, exchanged it lies inside.

    Returns:
        (n,) longitudes, (n,) latitudes, (n,) booleans that say which were exchanged.
    """
    x, y = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    swapped = ~box.holds(x, y) & box.holds(y, x)
    return np.where(swapped, y, x), np.where(swapped, x, y), swapped
