"""Draws the schematic map of the sample county, once: `python -m sample_feeds.county_map FOLDER`.

The township *names and codes* of Liandu district are real; every line on the map is invented. Seeds are placed by hand
near where the places are, their Voronoi cells are cut to an outline drawn by hand, and each edge is bent a little (the
same way for both neighbours, so that the partition stays free of gaps and overlaps).
"""

import json
import sys
import zlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from pyproj import Transformer
from shapely import MultiPoint, Point, Polygon, transform, unary_union, voronoi_polygons
from shapely.affinity import rotate, scale
from shapely.geometry import LineString, mapping, shape
from shapely.geometry.base import BaseGeometry

GRID = "EPSG:32650"
NOTE = "Schematic and simulated: names and codes are real, every line is invented."

#: code, Chinese name, English name, kind, longitude and latitude of the seed
TOWNSHIPS = (
    ("331102001", "紫金街道", "Zijin", "subdistrict", 119.955, 28.462),
    ("331102002", "岩泉街道", "Yanquan", "subdistrict", 119.925, 28.497),
    ("331102003", "万象街道", "Wanxiang", "subdistrict", 119.917, 28.450),
    ("331102004", "白云街道", "Baiyun", "subdistrict", 119.885, 28.478),
    ("331102007", "联城街道", "Liancheng", "subdistrict", 119.840, 28.450),
    ("331102008", "南明山街道", "Nanmingshan", "subdistrict", 119.915, 28.375),
    ("331102100", "碧湖镇", "Bihu", "town", 119.775, 28.325),
    ("331102102", "大港头镇", "Dagangtou", "town", 119.700, 28.235),
    ("331102103", "老竹畲族镇", "Laozhu", "town", 119.690, 28.410),
    ("331102104", "雅溪镇", "Yaxi", "town", 119.985, 28.645),
    ("331102200", "太平乡", "Taiping", "township", 119.945, 28.560),
    ("331102201", "仙渡乡", "Xiandu", "township", 120.065, 28.545),
    ("331102202", "峰源乡", "Fengyuan", "township", 119.660, 28.145),
    ("331102204", "丽新畲族乡", "Lixin", "township", 119.665, 28.520),
    ("331102206", "黄村乡", "Huangcun", "township", 119.840, 28.225),
)
OUTLINE = (
    (119.60, 28.55), (119.68, 28.60), (119.76, 28.57), (119.84, 28.60), (119.88, 28.67), (119.95, 28.722),
    (120.04, 28.70), (120.09, 28.62), (120.14, 28.56), (120.155, 28.47), (120.12, 28.40), (120.13, 28.34),
    (120.04, 28.30), (119.98, 28.24), (119.90, 28.18), (119.82, 28.12), (119.72, 28.110), (119.62, 28.115),
    (119.55, 28.17), (119.57, 28.25), (119.62, 28.31), (119.58, 28.38), (119.535, 28.46),
)  # fmt: skip
OUJIANG = (
    (119.545, 28.175), (119.61, 28.19), (119.66, 28.205), (119.705, 28.225), (119.735, 28.265), (119.765, 28.305),
    (119.80, 28.345), (119.835, 28.385), (119.87, 28.415), (119.91, 28.432), (119.95, 28.430), (119.99, 28.415),
    (120.04, 28.405), (120.09, 28.385), (120.13, 28.365),
)  # fmt: skip
XIAOXI = (
    (120.00, 28.700), (119.99, 28.660), (119.972, 28.615), (119.962, 28.570), (119.952, 28.525), (119.945, 28.480),
    (119.948, 28.430),
)  # fmt: skip
RESERVOIR = (119.905, 28.365)  # its centre
#: Zones around a place: id, names, kind, longitude, latitude, radius in m. The first two overlap, as such zones do.
PROTECTED = (
    ("water-source-1", "南明水库一级保护区（模拟）", "Nanming source, inner zone", "water source", *RESERVOIR, 1400),
    ("water-source-2", "南明水库二级保护区（模拟）", "Nanming source, outer zone", "water source", *RESERVOIR, 2600),
    ("forest-park", "白云森林公园（模拟）", "Baiyun forest park", "forest park", 119.885, 28.505, 2200),
)
#: Control units: id, names, kind and the townships they are made of; the last holds the rest.
CONTROL_UNITS = (
    ("priority-1", "优先保护单元（模拟）", "priority protection unit", "priority",
     ("331102202", "331102206", "331102104")),
    ("key-1", "城镇重点管控单元（模拟）", "urban key control unit", "key",
     ("331102001", "331102002", "331102003", "331102004", "331102008")),
    ("general-1", "一般管控单元（模拟）", "general control unit", "general", ()),
)  # fmt: skip

_TO_GRID = Transformer.from_crs("EPSG:4326", GRID, always_xy=True).transform
_TO_DEGREES = Transformer.from_crs(GRID, "EPSG:4326", always_xy=True).transform


def townships() -> list[dict[str, Any]]:
    """GeoJSON features of the fifteen townships: a partition of the outline, 5 decimals."""
    outline = Polygon(OUTLINE)
    seeds = MultiPoint([row[4:] for row in TOWNSHIPS])
    cells = voronoi_polygons(seeds, extend_to=outline).geoms
    features = []
    for code, zh, en, kind, lon, lat in TOWNSHIPS:
        cell = next(c for c in cells if c.contains(Point(lon, lat))).intersection(outline)
        features.append(_feature(code, zh, en, kind, _bent(cell)))
    return features


def waters() -> list[dict[str, Any]]:
    """GeoJSON features of the two rivers and the reservoir."""
    county = unary_union([shape(feature["geometry"]) for feature in townships()])
    main = _to_degrees(river_line("oujiang").buffer(160, join_style="round", quad_segs=2))
    side = _to_degrees(river_line("xiaoxi").buffer(65, join_style="round", quad_segs=2))
    lake = rotate(scale(_to_grid(Point(RESERVOIR)).buffer(1000, quad_segs=6), 1.35, 0.75), 25)
    lake_shape = _bent(_rounded(_to_degrees(lake)), bend=0.06, levels=2)
    return [
        _feature("oujiang", "瓯江（大溪）", "Oujiang (Daxi)", "river", _rounded(main.intersection(county))),
        _feature("xiaoxi", "小溪", "Xiaoxi", "river", _rounded(side.difference(main).intersection(county))),
        _feature("nanming_reservoir", "南明水库", "Nanming reservoir", "reservoir", lake_shape),
    ]


def protected() -> list[dict[str, Any]]:
    """GeoJSON features of invented protected zones."""
    return [
        _feature(key, zh, en, kind, _rounded(_to_degrees(_to_grid(Point(lon, lat)).buffer(radius, quad_segs=6))))
        for key, zh, en, kind, lon, lat, radius in PROTECTED
    ]


def control_units() -> list[dict[str, Any]]:
    """GeoJSON features of invented control units: a partition of the county along the townships."""
    shapes = {f["properties"]["id"]: shape(f["geometry"]) for f in townships()}
    named = {code for *_, codes in CONTROL_UNITS for code in codes}
    rest = tuple(code for code in shapes if code not in named)
    return [
        _feature(key, zh, en, kind, unary_union([shapes[code] for code in codes or rest]))
        for key, zh, en, kind, codes in CONTROL_UNITS
    ]


def river_line(river: str) -> LineString:
    """The middle line of a river on the county grid, metres, running downstream."""
    return _to_grid(LineString({"oujiang": OUJIANG, "xiaoxi": XIAOXI}[river]))


def on_river(river: str, km: float) -> tuple[float, float]:
    """Longitude and latitude of the point `km` kilometres downstream of the river's first point."""
    point = _to_degrees(river_line(river).interpolate(km * 1000))
    return round(point.x, 5), round(point.y, 5)


def write(folder: Path) -> None:
    """Write the layers of zones as GeoJSON."""
    layers = {"townships": townships, "waters": waters, "protected": protected, "control_units": control_units}
    for name, features in ((name, made()) for name, made in layers.items()):
        head = {"type": "FeatureCollection", "name": name, "note": NOTE, "features": features}
        text = json.dumps(head, ensure_ascii=False, indent=None, separators=(",", ":")).replace(
            '{"type":"Feature",', '\n{"type":"Feature",'
        )
        (folder / f"{name}.geojson").write_text(text + "\n", encoding="utf-8")


def _to_grid(shape: BaseGeometry) -> Any:
    return transform(shape, _TO_GRID, interleaved=False)


def _to_degrees(shape: BaseGeometry) -> Any:
    return transform(shape, _TO_DEGREES, interleaved=False)


def _feature(key: str, zh: str, en: str, kind: str, shape: BaseGeometry) -> dict[str, Any]:
    properties = {"id": key, "name_zh": zh, "name_en": en, "kind": kind, "simulated": True}
    return {"type": "Feature", "properties": properties, "geometry": mapping(shape)}


def _bent(cell: Polygon, bend: float = 0.10, levels: int = 3) -> Polygon:
    ring = [_round(xy) for xy in cell.exterior.coords]
    points = [p for a, b in pairwise(ring) for p in _edge(a, b, bend, levels)[:-1]]
    return Polygon(points)


def _edge(a: tuple[float, float], b: tuple[float, float], bend: float, levels: int) -> list[tuple[float, float]]:
    """The edge from a to b with displaced midpoints; the same points, reversed, from b to a."""
    if a > b:
        return _edge(b, a, bend, levels)[::-1]
    if levels == 0 or a == b:
        return [a, b]
    share = (zlib.crc32(f"{a}{b}".encode()) / 2**32 - 0.5) * 2 * bend
    middle = _round(((a[0] + b[0]) / 2 - (b[1] - a[1]) * share, (a[1] + b[1]) / 2 + (b[0] - a[0]) * share))
    return _edge(a, middle, bend, levels - 1)[:-1] + _edge(middle, b, bend, levels - 1)


def _rounded(shape: BaseGeometry) -> BaseGeometry:
    biggest = max(getattr(shape, "geoms", [shape]), key=lambda g: g.area)
    return Polygon([_round(xy) for xy in biggest.exterior.coords])


def _round(xy: Sequence[float]) -> tuple[float, float]:
    return round(xy[0], 5), round(xy[1], 5)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
