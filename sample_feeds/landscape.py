"""The invented land of the sample county: relief, land cover and the texture a satellite sees in it.

Everything follows from the registry (where waters, stations and townships lie) and the seed. Relief is noise whose
valleys are forced to where the rivers are; land cover follows relief, water and settlement. Nothing here is a survey.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from domain.registry import Registry
from sample_feeds.grids import Codes, Field, Grid, Mask, noise, parcels
from sample_feeds.relief import elevation
from sample_feeds.streams import stream

#: Codes of domain/tables/landcover.csv.
BROADLEAF, BAMBOO, NEEDLELEAF, MIXED, SHRUB, TUSSOCK = 111, 112, 121, 131, 211, 331
MARSH, LAKE, RIVER = 411, 421, 431
PADDY, DRYLAND, ORCHARD = 511, 512, 521
RESIDENTIAL, GREEN, INDUSTRY, BARE = 611, 621, 631, 821
FOREST = (BROADLEAF, BAMBOO, NEEDLELEAF, MIXED)
_FARM_OF_ZONE = {"paddy": PADDY, "orchard": ORCHARD}
SUN_ELEVATION, SUN_AZIMUTH = 62.0, 116.0  # degrees; Lishui in late August at 10:36 local time


@dataclass(frozen=True)
class Landscape:
    """The land on the county grid; every array has the grid's shape."""

    grid: Grid
    elevation: Field  # m
    slope: Field  # degrees
    cover: Codes  # codes of domain/tables/landcover.csv
    brightness: Field  # factor on reflectance: parcels and stands differ
    vigour: Field  # -1..1, how green vegetation is for its kind
    light: Field  # factor on reflectance: slopes towards the sun are brighter
    places: dict[str, Mask] = field(default_factory=dict, repr=False, compare=False)  # of events, made once


def landscape(
    registry: Registry,
    grid: Grid,
    seed: int,
    *,
    woods: Sequence[tuple[float, float, float]] = (),
    pines: Sequence[tuple[float, float, float]] = (),
) -> Landscape:
    """The land of the registry.

    Args:
        registry: waters, townships and stations in WGS 84.
        grid: the grid, in metres.
        seed: the same seed gives the same land.
        woods: longitude, latitude and radius in m of places that must be forest (where a clearing is to come).
        pines: likewise, of places that must be pine forest.
    """
    water = _waters(registry, grid)
    height = elevation(registry, grid, water == RIVER, water == LAKE, seed)
    slope = _slope(height, grid.resolution)
    cover = _cover(registry, grid, water, height, slope, seed)
    for places, kind in ((woods, MIXED), (pines, NEEDLELEAF)):
        for lon, lat, radius_m in places:
            cover[grid.near([(lon, lat)], radius_m) & ~np.isin(cover, (LAKE, RIVER))] = kind
    stands = 0.06 * noise(stream(seed, "stands"), grid, 700) + 0.03 * noise(stream(seed, "crowns"), grid, 180)
    fields = 0.09 * parcels(stream(seed, "parcels"), grid, 180)
    tilled = np.isin(cover, (PADDY, DRYLAND, ORCHARD, RESIDENTIAL, INDUSTRY))
    brightness = np.where(tilled, 1 + fields + stands / 3, 1 + stands)
    brightness[np.isin(cover, (LAKE, RIVER))] = 1
    return Landscape(
        grid=grid,
        elevation=height,
        slope=slope,
        cover=cover,
        brightness=np.clip(brightness, 0.75, 1.3).astype(np.float32),
        vigour=np.clip(0.5 * noise(stream(seed, "vigour"), grid, 2400), -1, 1).astype(np.float32),
        light=shading(height, grid.resolution, SUN_ELEVATION, SUN_AZIMUTH),
    )


def _waters(registry: Registry, grid: Grid) -> Codes:
    """RIVER and LAKE codes, 0 on land; lakes reach one pixel beyond their polygon, so that its edge is pure water."""
    codes = np.zeros(grid.shape, dtype=np.uint16)
    kinds = list(zip(registry.waters.kinds, registry.waters.shapes, strict=True))
    codes[grid.burn(s for kind, s in kinds if kind == "river")] = RIVER
    codes[ndimage.binary_dilation(grid.burn(s for kind, s in kinds if kind != "river"))] = LAKE
    return codes


def _dry_points(registry: Registry, *media: str) -> list[tuple[float, float]]:
    rows = registry.stations[registry.stations["medium"].isin(media)]
    return list(zip(rows["lon"], rows["lat"], strict=True))


def _slope(height: Field, resolution: float) -> Field:
    south, east = np.gradient(height, resolution)
    return np.degrees(np.arctan(np.hypot(south, east))).astype(np.float32)


def shading(height: Field, resolution: float, sun_elevation: float, sun_azimuth: float) -> Field:
    """Three quarters of cosine shading: what a coarse terrain correction leaves of it.

    Args:
        height: m above sea level.
        resolution: cell size, m.
        sun_elevation: degrees above the horizon.
        sun_azimuth: degrees, clockwise from north.
    """
    south, east = np.gradient(height, resolution)
    up, azimuth = np.radians(sun_elevation), np.radians(sun_azimuth)
    lit = (np.sin(up) - np.cos(up) * (east * np.sin(azimuth) - south * np.cos(azimuth))) / np.sqrt(
        1 + east**2 + south**2
    )
    return np.clip(0.25 + 0.75 * lit / np.sin(up), 0.4, 1.3).astype(np.float32)


def _cover(registry: Registry, grid: Grid, water: Codes, height: Field, slope: Field, seed: int) -> Codes:
    rng = stream(seed, "cover")
    patches, stands, kinds = noise(rng, grid, 1500), noise(rng, grid, 3000), noise(rng, grid, 6000)
    fine = noise(rng, grid, 400)
    cover = np.full(grid.shape, MIXED, dtype=np.uint16)
    pine_share = (height - 450) / 500 + kinds
    cover[pine_share > 0.5] = NEEDLELEAF
    cover[pine_share < -0.4] = BROADLEAF
    cover[(stands > 1.2) & (height < 600)] = BAMBOO
    cover[(patches + 0.5 * fine > 1.9) | ((height > 950) & (patches > 0.9))] = SHRUB
    cover[(height > 1050) & (patches + 0.4 * fine > 1.3)] = TUSSOCK
    foot = (slope < 14) & (height < 420)
    cover[foot & (patches + 0.3 * fine > 0.6)] = ORCHARD
    flat = slope < 6
    cover[flat & (height < 450) & (patches + 0.5 * fine > -0.9)] = PADDY
    cover[flat & (height < 450) & (stands + 0.6 * fine > 1.0)] = DRYLAND
    to_river = ndimage.distance_transform_edt(water != RIVER) * grid.resolution
    cover[(to_river < 260) & flat & (patches + fine > 1.3)] = MARSH
    _settle(registry, grid, cover, slope, fine)
    farms = registry.stations[registry.stations["medium"] == "soil"]
    for row in farms.itertuples():
        cover[grid.near([(row.lon, row.lat)], 260)] = _FARM_OF_ZONE.get(str(row.zone), DRYLAND)
    cover[water > 0] = water[water > 0]
    return cover


def _settle(registry: Registry, grid: Grid, cover: Codes, slope: Field, fine: Field) -> None:
    """Towns around the air and noise stations, works around the sources, a village in each township; in place."""
    flat = slope < 11
    size_m = {"subdistrict": 1100.0, "town": 650.0}
    sprawl = np.full(grid.shape, np.inf, dtype=np.float32)  # distance in units of the town's size
    for point in _dry_points(registry, "air", "noise"):
        np.minimum(sprawl, grid.distance([point]) / 1500, out=sprawl)
    for kind, shape in zip(registry.townships.kinds, registry.townships.shapes, strict=True):
        seat = _seat(grid, shape, slope)
        if seat is not None:
            here = np.hypot(grid.y[:, None] - grid.y[seat[0]], grid.x[None, :] - grid.x[seat[1]])
            np.minimum(sprawl, (here / size_m.get(kind, 380.0)).astype(np.float32), out=sprawl)
    built = flat & (sprawl + 0.25 * fine < 1)
    cover[built] = RESIDENTIAL
    cover[built & (fine > 1.3)] = GREEN
    cover[flat & (sprawl + 0.25 * fine > 0.85) & (sprawl < 1.1) & (fine < -0.5)] = INDUSTRY
    cover[flat & (grid.distance(_dry_points(registry, "source")) + 120 * fine < 420)] = INDUSTRY


def _seat(grid: Grid, township: BaseGeometry, slope: Field) -> tuple[int, int] | None:
    """Row and column of the flattest place near the middle of the township; None when it has no pixel."""
    inside = grid.burn([township])
    if not inside.any():
        return None
    middle = grid.project(township.representative_point())
    away = np.hypot(grid.y[:, None] - middle.y, grid.x[None, :] - middle.x)
    cost = np.where(inside, away / 1000 + ndimage.uniform_filter(slope, 9), np.inf)
    row, column = np.unravel_index(int(np.argmin(cost)), grid.shape)
    return int(row), int(column)
