"""From the bands of the tiles of one day to what the county looked like that day, all on the county grid.

tile:      numbers of a file -> reflectance of clear cells on the county grid
mosaic:    tiles -> one scene (grid.mosaic)
layers:    reflectance -> the products of imagery_outputs.csv
DayView:   the layers with everything an indicator needs to know about them

Bands go by their common names of the STAC eo extension (blue, green, red, nir, ...).
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr

from domain import imagery
from domain.catalogue import TABLES_DIR, read_table
from domain.errors import CatalogueError, FeedCorrupt
from domain.registry import Zones
from domain.times import day_start
from processing.imagery import products, zonal
from processing.imagery.calibration import Fit
from processing.imagery.change import Clearing
from processing.imagery.grid import Grid, onto
from processing.imagery.reflectance import Offset, Policy
from processing.imagery.sensors import surface
from processing.imagery.tables import SENTINEL2

#: Without these there is no scene; the others only cost the products that need them.
REQUIRED = ("blue", "green", "red", "nir", "scl")
OPTIONAL = ("rededge1", "nir08", "swir16", "swir22")
BANDS = tuple(b for b in (*REQUIRED, *OPTIONAL) if b != "scl")
_YES = {"yes": True, "no": False}
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Output:
    """What is made of a layer."""

    cog: bool  # written as a file of each day
    zones: tuple[str, ...]  # kinds of zones for which its mean is an indicator
    composite: bool  # written as a file of each month and season
    limit: float  # magnitudes beyond it are no measurement (a ratio of nearly nothing)
    standard_name: str  # of the CF conventions, "" where they have none

    @property
    def bits(self) -> int:
        """How finely values are summed (see `zonal.BITS`)."""
        return min(zonal.BITS, 30 - math.ceil(math.log2(self.limit)))


@cache
def outputs() -> Mapping[str, Output]:
    """The layers of a day and what is made of each, from imagery_outputs.csv.

    Raises:
        CatalogueError: the table is not as it must be.
    """
    path = TABLES_DIR / "imagery_outputs.csv"
    frame = read_table(path, columns=["layer", "cog", "zones", "composite", "limit", "standard_name"], key=["layer"])
    known = set(products.product_table().index)
    problems = [
        f"{path.name}:{r.line}: {what}"
        for r in frame.itertuples()
        for what, wrong in {
            f"{r.layer!r} is no product of imagery_products.csv": r.layer not in known,
            "cog and composite are yes or no": not {r.cog, r.composite} <= set(_YES),
            f"limit {r.limit!r} is no number above 0": not _NUMBER.fullmatch(str(r.limit)) or float(str(r.limit)) <= 0,
        }.items()
        if wrong
    ]
    if problems:
        raise CatalogueError(problems)
    rows = frame.to_dict("records")
    found = {
        r["layer"]: Output(
            cog=_YES[r["cog"]],
            zones=tuple(r["zones"].split()),
            composite=_YES[r["composite"]],
            limit=float(r["limit"]),
            standard_name=r["standard_name"],
        )
        for r in rows
    }
    return MappingProxyType(found)


@dataclass(frozen=True)
class DayView:
    """The county on one day: layers of the grid's shape, NaN where nothing was seen clear."""

    day: date
    grid: Grid
    layers: Mapping[Any, xr.DataArray]  # those of imagery_outputs.csv whose bands are there, and red, green, blue
    townships: Zones
    waters: Zones
    clearing: Clearing
    limits: Mapping[str, float]
    note: str  # scenes, offset and mask, for the detail of every value
    zones: Mapping[str, Zones] = field(default_factory=dict)  # every layer of zones the registry has
    cover: np.ndarray | None = None  # codes of landcover.csv on the grid; None while there is no map
    fits: Mapping[str, Fit] = field(default_factory=dict)

    @property
    def time(self) -> datetime:
        """Start of the day, UTC."""
        return day_start(self.day)


def tile(
    bands: Mapping[str, xr.DataArray],
    grid: Grid,
    properties: Mapping[str, Any],
    limits: Mapping[str, float],
    *,
    day: date,
    policy: Policy = "refuse",
    known: Offset | None = None,
) -> tuple[xr.Dataset, str]:
    """One tile on the county grid: reflectance per band (NaN where missing) and `clear`, and how it was read.

    Args:
        bands: common name -> digital numbers (y, x) with crs and transform; scl -> classes. Shapes may differ.
        grid: the county grid.
        properties: of the STAC item.
        limits: imagery thresholds.
        day: of the scene.
        policy: what to do when metadata and pixels disagree on the offset.
        known: the offset where it was decided by the whole scene (`sensors.scene_offset`).

    Raises:
        FeedCorrupt: a required band is missing, a raster has no place, or the offset cannot be decided.
    """
    absent = [own_name(b) for b in REQUIRED if b not in bands]
    if absent:
        raise FeedCorrupt(f"band {', '.join(absent)} is missing")
    seen = surface(SENTINEL2, bands, properties, day=day, limits=limits, policy=policy, known=known)
    out = {b: onto(seen.bands[b], grid, how="bilinear", name=b) for b in BANDS if b in seen.bands}
    nothing_seen = np.full(grid.shape, np.nan, dtype=np.float32)
    for band in OPTIONAL:
        out.setdefault(band, grid.layer(nothing_seen, band))
    clear = onto(seen.clear, grid, how="nearest", name="clear")
    usable = np.logical_and.reduce([clear.values, *(np.isfinite(out[b].values) for b in BANDS if b in REQUIRED)])
    return xr.Dataset({**out, "clear": clear.copy(data=usable)}), seen.note


def nothing(grid: Grid) -> xr.Dataset:
    """A scene in which nothing was seen."""
    empty = {b: grid.layer(np.full(grid.shape, np.nan, dtype=np.float32), b) for b in BANDS}
    return xr.Dataset({**empty, "clear": grid.layer(np.zeros(grid.shape, dtype=bool), "clear")})


def layers(scene: xr.Dataset, limits: Mapping[str, float]) -> xr.Dataset:
    """The layers of imagery_outputs.csv of a scene of reflectances, and its red, green and blue (float32, NaN)."""
    place = {key: scene["red"].attrs[key] for key in ("crs", "transform")}
    colours = {c: scene[c].astype(np.float32).assign_attrs(place) for c in ("red", "green", "blue")}
    bands = {band: scene[band].assign_attrs(place) for band in BANDS}
    made = products.compute(bands, tuple(outputs()), limits=limits)
    meant = {name: layer.where(abs(layer) <= outputs()[str(name)].limit) for name, layer in made.items()}
    return made.assign(meant).assign(colours)


def over_water(found: xr.Dataset, waters: np.ndarray) -> xr.Dataset:
    """The layers with those that mean something over water alone left out (NaN) elsewhere.

    Args:
        found: from `layers`.
        waters: True on the map's waters, of the grid's shape.
    """
    over = products.product_table()["over"]
    wet = [str(name) for name in found.data_vars if name in over.index and over[name] == "water"]
    inside = xr.DataArray(waters, dims=("y", "x"))
    return found.assign({name: found[name].where(inside) for name in wet})


def own_name(common_name: str) -> str:
    """Sentinel-2's own name of a band."""
    return imagery.band_of(SENTINEL2, common_name).band


def true_colour(view: Mapping[Any, xr.DataArray], *, brightest: float = 0.18) -> np.ndarray:
    """Red, green and blue (3, y, x) as bytes for the eye, 1..255; 0 where nothing was seen."""
    stack = np.stack([view[c].values for c in ("red", "green", "blue")])
    seen = np.isfinite(stack).all(axis=0)
    scaled = 1 + 254 * np.clip(np.where(seen, stack, 0) / brightest, 0, 1) ** (1 / 1.4)
    return np.where(seen, np.rint(scaled), 0).astype(np.uint8)
