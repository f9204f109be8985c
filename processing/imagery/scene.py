"""From the bands of the tiles of one day to what the county looked like that day, all on the county grid.

tile:      digital numbers -> reflectance of clear cells on the county grid
mosaic:    tiles -> one scene (grid.mosaic)
layers:    reflectance -> indices
DayView:   the layers with everything an indicator needs to know about them
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import xarray as xr

from domain.errors import FeedCorrupt
from domain.registry import Zones
from domain.times import day_start
from processing.imagery import indices, mask
from processing.imagery.change import Clearing, View
from processing.imagery.grid import Grid, grid_of, onto
from processing.imagery.reflectance import Offset, Policy, offset, reflectance
from processing.imagery.tables import wavelengths

#: Without these there is no scene; the others only cost the indices that need them.
REQUIRED = ("B02", "B03", "B04", "B08", "SCL")
OPTIONAL = ("B05", "B11")
BANDS = tuple(b for b in (*REQUIRED, *OPTIONAL) if b != "SCL")
#: Long waves first: the darker water is, the better it tells the offset.
_PROBES = ("B11", "B05", "B08")
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class DayView:
    """The county on one day: layers of the grid's shape, NaN where nothing was seen clear."""

    day: date
    grid: Grid
    layers: xr.Dataset  # ndvi fvc mndwi ndci fai bi, and the reflectance of red green blue
    townships: Zones
    waters: Zones
    clearing: Clearing
    limits: Mapping[str, float]
    note: str  # scenes, offset and mask, for the detail of every value

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
    policy: Policy = "refuse",
) -> tuple[xr.Dataset, Offset]:
    """One tile on the county grid: reflectance per band (NaN where missing) and `clear`, and the offset that was used.

    Args:
        bands: band -> digital numbers (y, x) with crs and transform; SCL -> classes. Shapes may differ.
        grid: the county grid.
        properties: of the STAC item.
        limits: imagery thresholds.
        policy: what to do when metadata and pixels disagree on the offset.

    Raises:
        FeedCorrupt: a required band is missing, a raster has no place, or the offset cannot be decided.
    """
    absent = [b for b in REQUIRED if b not in bands]
    if absent:
        raise FeedCorrupt(f"band {', '.join(absent)} is missing")
    used = _offset(bands, properties, limits, policy)
    out = {
        band: onto(reflectance(bands[band], used.value), grid, how="bilinear", name=band)
        for band in BANDS
        if band in bands
    }
    for band in OPTIONAL:
        out.setdefault(band, grid.layer(np.full(grid.shape, np.nan, dtype=np.float32), band))
    clear = onto(mask.clear(bands["SCL"], buffer_m=limits["cloud_buffer_m"]), grid, how="nearest", name="clear")
    seen = np.logical_and.reduce([clear.values, *(np.isfinite(out[b].values) for b in BANDS if b in REQUIRED)])
    return xr.Dataset({**out, "clear": clear.copy(data=seen)}), used


def nothing(grid: Grid) -> xr.Dataset:
    """A scene in which nothing was seen."""
    empty = {b: grid.layer(np.full(grid.shape, np.nan, dtype=np.float32), b) for b in BANDS}
    return xr.Dataset({**empty, "clear": grid.layer(np.zeros(grid.shape, dtype=bool), "clear")})


def layers(scene: xr.Dataset, limits: Mapping[str, float]) -> xr.Dataset:
    """The indices of a scene of reflectances: ndvi, fvc, mndwi, ndci, fai, bi (float32, NaN where not clear)."""
    blue, green, red, nir = (scene[b] for b in ("B02", "B03", "B04", "B08"))
    rededge1, swir1 = scene["B05"], scene["B11"]
    nm = wavelengths()
    ndvi = indices.ndvi(red, nir)
    out = {
        "ndvi": ndvi,
        "fvc": indices.fvc(ndvi, soil=limits["fvc_ndvi_soil"], vegetation=limits["fvc_ndvi_vegetation"]),
        "mndwi": indices.mndwi(green, swir1),
        "ndci": indices.ndci(red, rededge1),
        "fai": indices.fai(red, nir, swir1, red_nm=nm["B04"], nir_nm=nm["B08"], swir1_nm=nm["B11"]),
        "bi": indices.bi(blue, red, nir, swir1),
        "red": red,
        "green": green,
        "blue": blue,
    }
    place = {"crs": red.attrs["crs"], "transform": red.attrs["transform"]}
    return xr.Dataset({name: layer.astype(np.float32).assign_attrs(place) for name, layer in out.items()})


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def after(before: View, view: DayView) -> View:
    """The latest clear view once this day has been laid over the one before."""
    return before.after(view.layers["ndvi"].values, view.layers["bi"].values, day_number(view.day))


def true_colour(view: xr.Dataset, *, brightest: float = 0.18) -> np.ndarray:
    """Red, green and blue (3, y, x) as bytes for the eye, 1..255; 0 where nothing was seen."""
    stack = np.stack([view[c].values for c in ("red", "green", "blue")])
    seen = np.isfinite(stack).all(axis=0)
    scaled = 1 + 254 * np.clip(np.where(seen, stack, 0) / brightest, 0, 1) ** (1 / 1.4)
    return np.where(seen, np.rint(scaled), 0).astype(np.uint8)


def _offset(
    bands: Mapping[str, xr.DataArray], properties: Mapping[str, Any], limits: Mapping[str, float], policy: Policy
) -> Offset:
    probe = next(bands[b] for b in _PROBES if b in bands)
    dark = onto(mask.dark(bands["SCL"]), grid_of(probe), how="nearest").values
    return offset(properties, probe.values, dark, limits=limits, policy=policy)
