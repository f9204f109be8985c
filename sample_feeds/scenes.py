"""What Sentinel-2 sees of the invented land: reflectance by band, scene classes, clouds and their shadows.

The land itself never changes; what differs between dates is what the scenario tells, clouds, and sensor noise. Spectra
(tables/spectra.csv) are rounded values typical of such surfaces in late summer, not measurements.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyproj import Transformer
from scipy import ndimage
from shapely import box, segmentize

from domain.catalogue import read_table
from domain.registry import Registry
from sample_feeds.grids import Codes, Field, Grid, Mask, county_grid, noise
from sample_feeds.landscape import BARE, LAKE, RIVER, SUN_AZIMUTH, SUN_ELEVATION, Landscape, landscape
from sample_feeds.scenario import Scenario, Sky, SkyEvent
from sample_feeds.streams import stream

SPECTRA = Path(__file__).with_name("tables") / "spectra.csv"
FINE = ("B02", "B03", "B04", "B08")  # the 10 m bands
COARSE = ("B05", "B8A", "B11", "B12")  # the 20 m bands
QUANTIFICATION, BOA_ADD_OFFSET, NODATA = 10_000, -1000, 0  # processing baseline 05.11
DUMP = 900  # surfaces beyond the land-cover codes
CLOUD_BASE_M = 1800
_NO_DATA, _DARK, _SHADOW, _WATER, _CLOUD, _THICK, _CIRRUS = 0, 2, 3, 6, 8, 9, 10
_SHADOW_LIGHT = 0.42
_FOOTPRINT_DEG = 0.01  # how far beyond the county box the swath is kept


@cache
def spectra() -> pd.DataFrame:
    """Reflectance by surface (index: land-cover code as text, dump, bloom, cloud) and band, with scl and green.

    Raises:
        CatalogueError: spectra.csv is not as it must be.
    """
    columns = ["surface", "name_en", "scl", "green", *FINE[:3], "B05", "B08", "B8A", "B11", "B12"]
    table = read_table(SPECTRA, columns=columns, key=["surface"]).set_index("surface")
    return table.drop(columns=["name_en", "line"]).astype(float)


@dataclass(frozen=True)
class Sight:
    """One acquisition over the county grid: surfaces, algae, cloud and shadow."""

    surface: Codes  # land-cover codes and DUMP
    algae: Field  # 0..1, share of dense bloom
    cloud: Field  # 0..1, 0 is clear
    shadow: Mask


@dataclass(frozen=True)
class Tile:
    """The pixels of one MGRS tile: its grid, the county pixel under each, and where the swath has data."""

    grid: Grid
    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    seen: Mask

    def of(self, values: np.ndarray) -> np.ndarray:
        """Values of the county grid at the pixels of the tile (nearest)."""
        return np.asarray(values[self.rows, self.columns])


def county_land(registry: Registry, scenario: Scenario, resolution_m: int, seed: int) -> Landscape:
    """The land, with forest where the scenario will clear it."""
    woods = [
        (*event.centre, 1.5 * float(np.sqrt(event.area_ha * 1e4 / np.pi)) + 150)
        for event in scenario.of(SkyEvent)
        if event.kind != "bloom"
    ]
    return landscape(registry, county_grid(registry, resolution_m), seed, woods=woods)


def event_pixels(event: SkyEvent, land: Landscape, seed: int) -> Mask:
    """The pixels of an event: the nearest to its centre, by a ragged measure, until its area is full.

    A bloom stays on the lake of its centre, clearings and dumps on land.
    """
    grid = land.grid
    wet = np.isin(land.cover, (LAKE, RIVER))
    if event.kind == "bloom":
        labels, _ = ndimage.label(land.cover == LAKE)
        away = np.where(labels > 0, grid.distance([event.centre]), np.inf)
        allowed = labels == labels.ravel()[int(np.argmin(away))]
    else:
        allowed = ~wet
    size = np.sqrt(event.area_ha * 1e4 / np.pi)
    ragged = 1 + 0.25 * noise(stream(seed, "edge", event.id), grid, max(size, 2 * grid.resolution))
    measure = np.where(allowed, grid.distance([event.centre]) * np.clip(ragged, 0.4, 2), np.inf)
    count = round(event.area_ha * 1e4 / grid.resolution**2)
    mask = np.zeros(grid.shape, dtype=bool)
    mask.ravel()[np.argsort(measure, axis=None, kind="stable")[:count]] = True
    return mask & allowed


def sight(land: Landscape, scenario: Scenario, at: datetime, cover: float, seed: int) -> Sight:
    """What there is to be seen at an instant under a given share of cloud."""
    surface, algae = land.cover.copy(), np.zeros(land.grid.shape, dtype=np.float32)
    for event in scenario.of(SkyEvent):
        if event.start > at:
            continue
        pixels = event_pixels(event, land, seed)
        if event.kind == "bloom":
            streaks = 0.7 + 0.3 * noise(stream(seed, "streaks", event.id), land.grid, 300)
            algae[pixels] = np.clip(streaks, 0.45, 1)[pixels] if at < event.end else 0
        else:
            surface[pixels] = BARE if event.kind == "clearing" else DUMP
    sites = [e.centre for e in scenario.of(SkyEvent)] if cover <= scenario.sky.clear_below else []
    cloud = clouds(land.grid, cover, sites, stream(seed, "clouds", at.date().isoformat()))
    return Sight(surface, algae, cloud, shadows(cloud, land.grid.resolution))


def clouds(grid: Grid, cover: float, clear: Sequence[tuple[float, float]], rng: np.random.Generator) -> Field:
    """Optical thickness 0..1 over the grid; `cover` of it is above 0, none within about 3 km of the points `clear`."""
    field = sum(weight * noise(rng, grid, wave) for wave, weight in ((14000, 1), (6000, 0.7), (2500, 0.4), (900, 0.2)))
    if clear:
        field = field - 8 * np.exp(-((grid.distance(clear) / 3000) ** 2))
    bottom = np.quantile(field, 1 - cover) if cover else np.inf
    return np.clip((field - bottom) / 1.4, 0, 1).astype(np.float32)


def shadows(cloud: Field, resolution: float) -> Mask:
    """Where clouds thicker than cirrus keep the sun off the ground."""
    length = CLOUD_BASE_M / np.tan(np.radians(SUN_ELEVATION)) / resolution
    away = np.radians(SUN_AZIMUTH + 180)
    down, right = round(-length * np.cos(away)), round(length * np.sin(away))
    moved = ndimage.shift((cloud > 0.08).astype(np.uint8), (down, right), order=0, cval=0)
    return (moved > 0) & (cloud == 0)


def tile(registry: Registry, base: Grid, epsg: int, corner: tuple[float, float], size_m: float) -> Tile | None:
    """The part of an MGRS tile over the county; None when they do not meet.

    Args:
        registry: the county box.
        base: the county grid.
        epsg: of the tile.
        corner: easting and northing of the tile's north-west corner.
        size_m: width and height of the tile.
    """
    step = 2 * base.resolution
    empty = Grid(epsg, base.transform, 1, 1)
    around = segmentize(box(*registry.county["bbox"]).buffer(_FOOTPRINT_DEG, join_style="mitre"), 0.02)
    west, south, east, north = empty.project(around).bounds
    left, right = (np.clip(v, corner[0], corner[0] + size_m) for v in (west, east))
    bottom, top = (np.clip(v, corner[1] - size_m, corner[1]) for v in (south, north))
    if left >= right or bottom >= top:
        return None
    column0, row0 = np.floor((left - corner[0]) / step), np.floor((corner[1] - top) / step)
    column1, row1 = np.ceil((right - corner[0]) / step), np.ceil((corner[1] - bottom) / step)
    origin = base.transform.translation(corner[0] + column0 * step, corner[1] - row0 * step)
    grid = Grid(
        epsg, origin @ base.transform.scale(base.resolution, -base.resolution),
        2 * int(row1 - row0), 2 * int(column1 - column0),
    )  # fmt: skip
    x, y = np.meshgrid(grid.x, grid.y)
    if epsg != base.epsg:
        x, y = Transformer.from_crs(epsg, base.epsg, always_xy=True).transform(x, y)
    columns = np.clip(((x - base.transform.c) // base.resolution).astype(np.intp), 0, base.width - 1)
    rows = np.clip(((base.transform.f - y) // base.resolution).astype(np.intp), 0, base.height - 1)
    return Tile(grid, rows, columns, grid.burn([around]))


def bands(
    land: Landscape, seen: Sight, where: Tile, noise_of: tuple[object, ...], seed: int
) -> Iterator[tuple[str, npt.NDArray[np.uint16]]]:
    """Band name and digital numbers: fine bands of the tile's shape, coarse ones of half of it; 0 is no data."""
    codes, inverse = np.unique(where.of(seen.surface), return_inverse=True)
    index = inverse.reshape(where.grid.shape)
    green = _by_surface("green", codes)[index]
    vigour = where.of(land.vigour) * green
    factor = where.of(land.brightness * land.light)
    wet = np.isin(codes, (LAKE, RIVER))[index]
    factor[wet] = 1
    algae, cloud, shaded = where.of(seen.algae), where.of(seen.cloud), where.of(seen.shadow)
    for band in FINE + COARSE:
        ground = _by_surface(band, codes)[index] * factor * (1 + _VIGOUR.get(band, -0.08) * vigour)
        ground += algae * (float(spectra().loc["bloom", band]) - ground)
        ground[shaded] *= _SHADOW_LIGHT
        top = float(spectra().loc["cloud", band]) * (0.72 + 0.4 * cloud)  # thick clouds are brighter
        ground += np.where(cloud > 0, np.minimum(0.12 + 1.8 * cloud, 1), 0).astype(np.float32) * (top - ground)
        valid: np.ndarray = where.seen
        if band in COARSE:
            ground, valid = _block(ground).mean(axis=(1, 3)), np.asarray(_block(valid).all(axis=(1, 3)))
        rng = stream(seed, "noise", band, *noise_of)
        ground = ground * (1 + 0.008 * rng.standard_normal(ground.shape, dtype=np.float32))
        ground += 0.0005 * rng.standard_normal(ground.shape, dtype=np.float32)
        numbers = np.clip(np.rint(ground * QUANTIFICATION) - BOA_ADD_OFFSET, 1, 65535)
        yield band, np.where(valid, numbers, NODATA).astype(np.uint16)


#: What full vigour adds to reflectance of vegetation, as a share of it; -0.08 in other bands.
_VIGOUR = {"B03": 0.02, "B04": -0.12, "B05": -0.03, "B08": 0.10, "B8A": 0.10}


def scene_classes(land: Landscape, seen: Sight, where: Tile) -> npt.NDArray[np.uint8]:
    """Scene classification (SCL) in coarse pixels: the worst of four for clouds, the land by its north-west one."""
    codes, inverse = np.unique(where.of(seen.surface)[::2, ::2], return_inverse=True)
    out = _by_surface("scl", codes)[inverse.reshape(where.grid.height // 2, where.grid.width // 2)].astype(np.uint8)
    light = where.of(land.light)[::2, ::2]
    out[(light < 0.62) & (out != _WATER)] = _DARK
    out[_block(where.of(seen.shadow)).any(axis=(1, 3))] = _SHADOW
    thickness = _block(where.of(seen.cloud)).max(axis=(1, 3))
    for least, code in ((0.0, _CIRRUS), (0.08, _CLOUD), (0.3, _THICK)):
        out[thickness > least] = code
    out[~_block(where.seen).all(axis=(1, 3))] = _NO_DATA
    return out


def cloud_share(classes: npt.NDArray[np.uint8]) -> float:
    """Per cent of the pixels with data that are cloud or cirrus, as eo:cloud_cover counts them."""
    valid = classes != _NO_DATA
    return 100 * float(np.isin(classes, (_CLOUD, _THICK, _CIRRUS)).sum()) / max(int(valid.sum()), 1)


def cover_on(sky: Sky, day: int) -> float:
    """Share of cloud on a day after the anchor's day."""
    return sky.clouds.get(day, sky.default_cloud)


def _by_surface(column: str, codes: Codes) -> Field:
    names = ["dump" if code == DUMP else str(code) for code in codes]
    return spectra().loc[names, column].to_numpy(dtype=np.float32)


def _block(values: np.ndarray) -> np.ndarray:
    """A view in which axes 1 and 3 run over the 2 x 2 pixels of a coarse one."""
    height, width = values.shape
    return values.reshape(height // 2, 2, width // 2, 2)
