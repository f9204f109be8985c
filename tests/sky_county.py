"""A small invented county with seasons, and events in it: hills, a reservoir, a river, two townships, 4.8 km square.

Two years of it are driven through mask, comparison and candidates, scene by scene, as the shell of the sky eye does, so
that what was injected can be held against what was found.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from affine import Affine
from pyproj import Transformer
from rasterio.features import rasterize
from scipy import ndimage
from shapely.geometry import Polygon, shape

from domain.registry import Registry, Zones
from domain.times import LOCAL
from processing import candidates
from processing.imagery import mask
from processing.imagery.events import (
    ClearView,
    Found,
    Ground,
    References,
    day_number,
    detect,
    reference_days,
    stated_ha,
)
from processing.imagery.grid import WGS84, Grid, moved, onto
from processing.imagery.reflectance import reflectance
from processing.imagery.tables import thresholds
from sample_feeds import grids, landscape, scenes
from sample_feeds.scenario import Expect, Nature, SkyEvent, load
from sample_feeds.scenario import Sky as SkySettings
from sample_feeds.simulate import COUNTY
from sample_feeds.streams import stream

SIDE_M = 4800
CORNER = (760_020.0, 3_150_060.0)  # easting and northing of the north-west corner, EPSG:32650
EPSG = 32650
NAMES = {
    "B02": "blue", "B03": "green", "B04": "red", "B05": "rededge1", "B08": "nir", "B11": "swir16", "B12": "swir22",
}  # fmt: skip
#: Kind -> land covers it is put on.
WHERE = {
    **dict.fromkeys(("clearing", "dump", "burn", "pine_decline"), (111, 121, 131)),
    **dict.fromkeys(("bloom", "water_loss"), (421,)),
}  # fmt: skip


def _ring(points: Sequence[tuple[float, float]]) -> Polygon:
    back = Transformer.from_crs(EPSG, WGS84, always_xy=True)
    return Polygon([back.transform(CORNER[0] + x * SIDE_M, CORNER[1] - y * SIDE_M) for x, y in points])


def _zones(*rows: tuple[str, str, Polygon]) -> Zones:
    ids, kinds, shapes = zip(*rows, strict=True)
    return Zones(ids=ids, names_zh=ids, names_en=ids, kinds=kinds, shapes=shapes)


def registry() -> Registry:
    """The county: everything of the sample county but its map and stations."""
    whole = Registry.load(COUNTY)
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    radius = 0.145 + 0.035 * np.cos(2 * angles) + 0.02 * np.cos(5 * angles + 1)
    lake = [(0.62 + 1.25 * r * np.cos(a), 0.38 + r * np.sin(a)) for r, a in zip(radius, angles, strict=True)]
    bank = [(x, 0.93 + 0.015 * np.sin(9 * x)) for x in np.linspace(-0.02, 1.02, 40)]
    river = [*bank, *((x, y + 0.028) for x, y in reversed(bank))]
    waters = _zones(("reservoir", "reservoir", _ring(lake)), ("river", "river", _ring(river)))
    halves = [[(a, -0.02), (b, -0.02), (b, 1.02), (a, 1.02)] for a, b in ((-0.02, 0.45), (0.45, 1.02))]
    towns = _zones(("331102901", "township", _ring(halves[0])), ("331102902", "township", _ring(halves[1])))
    return replace(whole, waters=waters, townships=towns, stations=whole.stations.iloc[:0])


@dataclass(frozen=True)
class Site:
    """One injected event with its pixels."""

    event: SkyEvent
    cells: np.ndarray


@dataclass(frozen=True)
class Look:
    """One scene as the pipeline saw it."""

    day: date
    clear: np.ndarray  # by the mask of the pipeline
    open: np.ndarray  # by the truth of the simulator: no cloud, no shadow, no veil worth the name
    bands: Mapping[str, np.ndarray]
    references: References
    found: Found
    features: list[dict[str, Any]]


class Sky:
    """The county under a seed, at a resolution; `wanted`: how many events of each kind happen in its second year."""

    def __init__(self, seed: int, *, resolution: int = 20, wanted: Mapping[str, int] | None = None) -> None:
        self.seed, self.resolution, self.registry = seed, resolution, registry()
        n = SIDE_M // resolution
        self.grid = Grid(f"EPSG:{EPSG}", *CORNER, float(resolution), n, n)
        self._pixels = grids.Grid(EPSG, self.grid.transform, n, n)
        empty = load().model_copy(update={"events": (), "seed": seed, "sky": _sky(resolution)})
        bare = scenes.land_on(self._pixels, self.registry, empty, seed)
        events = tuple(_events(bare, self.grid, wanted or {}, seed))
        self.scenario = empty.model_copy(update={"events": events})
        self.land = scenes.land_on(self._pixels, self.registry, self.scenario, seed)
        self.sites = [Site(e, scenes.event_pixels(e, self.land, seed)) for e in events]
        self.limits = thresholds()
        rows, columns = np.indices(self.grid.shape)
        self._tile = scenes.Tile(self._pixels, rows, columns, np.ones(self.grid.shape, dtype=bool))

    @cached_property
    def ground(self) -> Ground:
        """What the pipeline knows of the ground: the map of the first year."""
        return Ground.of(self.grid, self.registry.townships, self.registry.waters, self.land.cover)

    def cover(self, day: date) -> float:
        """Share of cloud on a day."""
        return float(stream(self.seed, "cover of", day.isoformat()).beta(0.7, 0.9))

    def scene(self, day: date) -> dict[str, np.ndarray]:
        """Reflectance of a day by common name, NaN where not clear, by way of digital numbers and scene classes."""
        at = datetime.combine(day, time(10, 38), LOCAL).astimezone(UTC)
        seen = scenes.sight(self.land, self.scenario, at, self.cover(day), self.seed)
        assert seen.mood is not None
        self.open = (seen.cloud == 0) & ~seen.shadow & (seen.mood.veil < 0.1)
        classes = scenes.scene_classes(self.land, seen, self._tile)
        clear = onto(
            mask.clear(self._raster(classes), buffer_m=self.limits["cloud_buffer_m"]), self.grid, how="nearest"
        ).values
        out = {}
        for band, numbers in scenes.bands(self.land, seen, self._tile, (day.isoformat(), "T"), self.seed):
            if band in NAMES:
                values = onto(reflectance(self._raster(numbers), -1000), self.grid, how="bilinear").values
                out[NAMES[band]] = np.where(clear, values, np.float32("nan"))
        return out

    def looks(self, first: date, last: date, *, every: int = 5) -> Iterator[Look]:
        """The scenes of a span, each compared with those before it, as the shell does it."""
        kept: list[tuple[date, ClearView]] = []
        view, features = ClearView.never(self.grid.shape), []
        day = first
        while day <= last:
            bands = self.scene(day)
            wanted = reference_days(day, self.limits)
            held = {name: next((v for d, v in reversed(kept) if d <= at), None) for name, at in wanted.items()}
            refs = References(view, **{n: v or ClearView.never(self.grid.shape) for n, v in held.items()})
            found = detect(bands, day_number(day), refs, self.ground, self.limits)
            features = candidates.step(features, found, candidates.Day(day, self.grid, self.limits))
            yield Look(day, np.isfinite(bands["red"]), self.open, bands, refs, found, features)
            view = view.after(bands, day_number(day))
            kept = [(d, v) for d, v in kept if (day - d).days < 370] + [(day, view)]
            day += timedelta(days=every)

    def cells(self, geometry: Mapping[str, Any]) -> np.ndarray:
        """True on the cells of a WGS 84 geometry."""
        place = moved(shape(geometry), WGS84, self.grid.crs)
        burned = rasterize([place], out_shape=self.grid.shape, transform=self.grid.transform, dtype="uint8")
        return np.asarray(burned, dtype=bool)

    def _raster(self, values: np.ndarray) -> xr.DataArray:
        factor = SIDE_M / self.resolution / values.shape[0]
        place = self.grid.transform @ Affine.scale(factor)
        return xr.DataArray(values, dims=("y", "x"), attrs={"crs": self.grid.crs, "transform": place, "nodata": 0})


def _sky(resolution: int) -> SkySettings:
    return load().sky.model_copy(update={"resolution_m": resolution, "clear_below": 0.0, "nature": Nature()})


def _events(land: landscape.Landscape, grid: Grid, wanted: Mapping[str, int], seed: int) -> Iterator[SkyEvent]:
    """Events of the second year, each inside the cover of its kind and away from the others."""
    rng = stream(seed, "events")
    taken = np.zeros(grid.shape, dtype=bool)
    back = Transformer.from_crs(EPSG, WGS84, always_xy=True)
    for kind, count in wanted.items():
        for number in range(count):
            start, days = _when(kind, number, count, rng)
            area = stated_ha(kind, grid.cell_ha, thresholds()) * float(np.exp(rng.uniform(0.05, np.log(5))))
            place = _place(np.isin(land.cover, WHERE[kind]), taken, np.sqrt(area * 1e4 / np.pi), grid, kind, rng)
            if place is None:
                continue
            x, y = grid.transform @ (place[1] + 0.5, place[0] + 0.5)
            yield SkyEvent(
                id=f"{kind}-{number}", kind=kind, subjects=("331102901",),
                start=start, end=start + timedelta(days=days), centre=back.transform(x, y), area_ha=round(area, 2),
                truth=(Expect(expect="none"),), note_zh="", note_en="",
            )  # fmt: skip


def _when(kind: str, number: int, count: int, rng: np.random.Generator) -> tuple[datetime, int]:
    """Start and length in days: blooms one after the other in the warm months, dying pines in summer."""
    first, span, days = {
        "bloom": (120 + number * 170 // max(count, 1), 5, 28),
        "pine_decline": (195, 35, 500),
        "water_loss": (20, 300, 500),
    }.get(kind, (10, 320, 500))
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=first + int(rng.integers(0, span)))
    return start, days


def _place(
    here: np.ndarray, taken: np.ndarray, radius_m: float, grid: Grid, kind: str, rng: np.random.Generator
) -> tuple[int, int] | None:
    """Row and column of a free place that is wide enough; it is then taken. Blooms come one after the other."""
    inside = ndimage.distance_transform_edt(np.pad(here, 1))[1:-1, 1:-1] * grid.resolution
    need = {"bloom": 1.1 * radius_m + 40, "water_loss": 0.6 * radius_m}.get(kind, 1.15 * radius_m)
    spots = np.argwhere(here & (inside >= need) & ~taken)
    if not len(spots):
        return None
    row, column = spots[rng.integers(len(spots))]
    y, x = np.indices(here.shape)
    away = np.hypot(y - row, x - column) * grid.resolution
    if kind != "bloom":
        taken |= away < 2.8 * radius_m + 400
    return int(row), int(column)
