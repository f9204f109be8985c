"""What Sentinel-2 sees of the invented land: reflectance by band, scene classes, clouds and their shadows.

The land itself changes only if the scenario has `nature`; otherwise what differs between dates is what the scenario
tells, clouds, and sensor noise. Spectra (tables/spectra.csv) are rounded typical values, not measurements.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
from pyproj import Transformer
from scipy import ndimage
from shapely import box, segmentize

from domain.registry import Registry
from sample_feeds import nature
from sample_feeds.acquisition import Sight, Tile
from sample_feeds.grids import Field, Grid, Mask, county_grid, noise
from sample_feeds.landscape import BARE, LAKE, NEEDLELEAF, RIVER, SUN_AZIMUTH, SUN_ELEVATION, Landscape, landscape
from sample_feeds.scenario import Scenario, Sky, SkyEvent
from sample_feeds.spectra import BURNT, COARSE, DUMP, FINE, by_surface, of, spectra
from sample_feeds.streams import stream
from sample_feeds.surfaces import Surfaces

__all__ = ["COARSE", "DUMP", "FINE", "Sight", "Tile", "spectra"]  # named here by those who draw scenes

QUANTIFICATION, BOA_ADD_OFFSET, NODATA = 10_000, -1000, 0  # processing baseline 05.11
CLOUD_BASE_M = 1800
_NO_DATA, _DARK, _SHADOW, _WATER, _CLOUD, _THICK, _CIRRUS = 0, 2, 3, 6, 8, 9, 10
_SHADOW_LIGHT = 0.42
_DYING = timedelta(days=50)  # until all pines that will die are red
_FOOTPRINT_DEG = 0.01  # how far beyond the county box the swath is kept


def county_land(registry: Registry, scenario: Scenario, resolution_m: int, seed: int) -> Landscape:
    """The land, with forest where the scenario will clear it."""
    return land_on(county_grid(registry, resolution_m), registry, scenario, seed)


def land_on(grid: Grid, registry: Registry, scenario: Scenario, seed: int) -> Landscape:
    """The land on any grid, with forest where the scenario will clear it and pines where it will have them die."""
    places: dict[bool, list[tuple[float, float, float]]] = {True: [], False: []}
    for event in scenario.of(SkyEvent):
        if not event.on_water:
            radius_m = 1.5 * float(np.sqrt(event.area_ha * 1e4 / np.pi)) + 150
            places[event.kind == "pine_decline"].append((*event.centre, radius_m))
    return landscape(registry, grid, seed, woods=places[False], pines=places[True])


def event_pixels(event: SkyEvent, land: Landscape, seed: int) -> Mask:
    """The pixels of an event: the nearest to its centre, by a ragged measure, until its area is full.

    Blooms and lost water stay on the lake of their centre, dying pines among pines, the others on land.
    """
    name = f"{seed} {event.model_dump_json()}"
    if name not in land.places:
        land.places[name] = _event_pixels(event, land, seed)
    return land.places[name]


def _event_pixels(event: SkyEvent, land: Landscape, seed: int) -> Mask:
    grid = land.grid
    wet = np.isin(land.cover, (LAKE, RIVER))
    if event.on_water:
        labels, _ = ndimage.label(land.cover == LAKE)
        away = np.where(labels > 0, grid.distance([event.centre]), np.inf)
        allowed = labels == labels.ravel()[int(np.argmin(away))]
    else:
        allowed = land.cover == NEEDLELEAF if event.kind == "pine_decline" else ~wet
    size = np.sqrt(event.area_ha * 1e4 / np.pi)
    ragged = 1 + 0.25 * noise(stream(seed, "edge", event.id), grid, max(size, 2 * grid.resolution))
    measure = np.where(allowed, grid.distance([event.centre]) * np.clip(ragged, 0.4, 2), np.inf)
    count = round(event.area_ha * 1e4 / grid.resolution**2)
    mask = np.zeros(grid.shape, dtype=bool)
    mask.ravel()[np.argsort(measure, axis=None, kind="stable")[:count]] = True
    return mask & allowed


def sight(land: Landscape, scenario: Scenario, at: datetime, cover: float, seed: int) -> Sight:
    """What there is to be seen at an instant under a given share of cloud."""
    sky = scenario.sky
    surface, algae = land.cover.copy(), np.zeros(land.grid.shape, dtype=np.float32)
    after = _Aftermath.none(land.grid) if sky.nature else None
    for event in scenario.of(SkyEvent):
        if event.start > at or (event.on_water and event.end <= at):
            continue
        pixels = event_pixels(event, land, seed)
        if event.kind == "bloom":
            streaks = 0.7 + 0.3 * noise(stream(seed, "streaks", event.id), land.grid, 300)
            algae[pixels] = np.clip(streaks, 0.45, 1)[pixels]
        elif event.kind in _BECOMES:
            surface[pixels] = _BECOMES[event.kind]
        if after is not None:
            after.add(event, pixels, at, land.grid, seed)
    sites = [e.centre for e in scenario.of(SkyEvent)] if cover <= sky.clear_below else []
    cloud = clouds(land.grid, cover, sites, stream(seed, "clouds", at.date().isoformat()))
    shadow = shadows(cloud, land.grid.resolution)
    if sky.nature is None or after is None:
        return Sight(surface, algae, cloud, shadow)
    mood = nature.mood(land, sky.nature, at, seed)
    return Sight(nature.waters(mood, surface), algae, cloud, shadow, after.residue, after.sick, after.tone, mood)


#: What the ground is after an event.
_BECOMES = {"clearing": BARE, "dump": DUMP, "burn": BURNT, "water_loss": BARE}


@dataclass(frozen=True)
class _Aftermath:
    """What events leave behind in a county with seasons: no two are alike, and none is bare to the last twig."""

    residue: Field
    sick: Field
    tone: Field

    @classmethod
    def none(cls, grid: Grid) -> "_Aftermath":
        """Nothing happened yet."""
        nothing, plain = np.zeros(grid.shape, dtype=np.float32), np.ones(grid.shape, dtype=np.float32)
        return cls(nothing, nothing.copy(), plain)

    def add(self, event: SkyEvent, pixels: Mask, at: datetime, grid: Grid, seed: int) -> None:
        """One event, in place."""
        if event.kind == "pine_decline":
            gone = min((at - event.start) / _DYING, 1.0)
            self.sick[pixels] = gone * np.clip(_patchy(event, grid, seed, 0.65, 0.12), 0.3, 1)[pixels]
        elif event.kind in _BECOMES:
            self.residue[pixels] = np.clip(_patchy(event, grid, seed, 0.10, 0.10), 0, 0.4)[pixels]
            self.tone[pixels] = np.clip(_patchy(event, grid, seed, 1.0, 0.08), 0.7, 1.3)[pixels]


def _patchy(event: SkyEvent, grid: Grid, seed: int, middle: float, spread: float) -> Field:
    """A quantity that differs between events and within each."""
    rng = stream(seed, "patchy", event.id, middle)
    own = middle + spread * rng.standard_normal()
    return np.asarray(own + 0.5 * spread * noise(rng, grid, 120), dtype=np.float32)


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
    cloud, shaded = where.of(seen.cloud), where.of(seen.shadow)
    surfaces, mood = Surfaces(land, seen, where), seen.mood
    for band in FINE + COARSE:
        ground = surfaces.reflectance(band)
        if mood is None:
            ground[shaded] *= _SHADOW_LIGHT
        else:
            ground = nature.through_air(band, ground, shaded, where.of(mood.haze), where.of(mood.veil))
        top = of("cloud", band) * (0.72 + 0.4 * cloud)  # thick clouds are brighter
        ground += np.where(cloud > 0, np.minimum(0.12 + 1.8 * cloud, 1), 0).astype(np.float32) * (top - ground)
        valid: np.ndarray = where.seen
        if band in COARSE:
            ground, valid = _block(ground).mean(axis=(1, 3)), np.asarray(_block(valid).all(axis=(1, 3)))
        rng = stream(seed, "noise", band, *noise_of)
        ground = ground * (1 + 0.008 * rng.standard_normal(ground.shape, dtype=np.float32))
        ground += 0.0005 * rng.standard_normal(ground.shape, dtype=np.float32)
        numbers = np.clip(np.rint(ground * QUANTIFICATION) - BOA_ADD_OFFSET, 1, 65535)
        yield band, np.where(valid, numbers, NODATA).astype(np.uint16)


def scene_classes(land: Landscape, seen: Sight, where: Tile) -> npt.NDArray[np.uint8]:
    """Scene classification (SCL) in coarse pixels: the worst of four for clouds, the land by its north-west one."""
    codes, inverse = np.unique(where.of(seen.surface)[::2, ::2], return_inverse=True)
    out = by_surface("scl", codes)[inverse.reshape(where.grid.height // 2, where.grid.width // 2)].astype(np.uint8)
    mood = seen.mood
    light = where.of(land.light if mood is None else mood.brightness)[::2, ::2]
    out[(light < 0.62) & (out != _WATER)] = _DARK
    marked = seen.shadow if mood is None else seen.shadow & ~mood.unmarked
    out[_block(where.of(marked)).any(axis=(1, 3))] = _SHADOW
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


def _block(values: np.ndarray) -> np.ndarray:
    """A view in which axes 1 and 3 run over the 2 x 2 pixels of a coarse one."""
    height, width = values.shape
    return values.reshape(height // 2, 2, width // 2, 2)
