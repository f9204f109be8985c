"""Water bodies seen from above: which cells are pure water, and how much of them blooms."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import ndimage

from processing.imagery.grid import blocks
from processing.imagery.zonal import zonal_count


@dataclass(frozen=True, slots=True)
class Bloom:
    """Per water body, in the order of the zones."""

    area_ha: np.ndarray
    n_valid: np.ndarray
    n_expected: np.ndarray


def inner_water(bodies: np.ndarray, *, resolution: float, shore_buffer_m: float) -> np.ndarray:
    """Body numbers of the cells that lie wholly inside water, at least `shore_buffer_m` from the shore; 0 elsewhere.

    By the cell-centre rule the shore runs no further inland than the centre of the outermost cells, which mix with land
    and would look like algae: those are left out, and then every cell whose edge is nearer than the buffer to their
    centres. Two bodies that touch have a shore between them.

    Args:
        bodies: numbers 1..n of water bodies, 0 on land (y, x).
        resolution: cell size, m.
        shore_buffer_m: width left out, m.
    """
    out = np.zeros_like(bodies)
    # Nothing farther away than this can put a cell too near to the shore, so large grids need not be whole in memory.
    around = math.ceil(shore_buffer_m / resolution) + 3
    for window in blocks((bodies.shape[0], bodies.shape[1])):
        if not bodies[window.cells].any():
            continue
        wide = window.wider(around, (bodies.shape[0], bodies.shape[1]))
        near = bodies[wide.cells]
        core = (near > 0) & _same_as_neighbours(near)
        # A border cell of zeros, so that water filling the whole grid still ends somewhere.
        distance = ndimage.distance_transform_edt(np.pad(core, 1), sampling=resolution)[1:-1, 1:-1]
        inner = np.where(core & (distance - resolution / 2 >= shore_buffer_m), near, 0)
        out[window.cells] = inner[window.inside(wide)]
    return out


def extent(green: xr.DataArray, swir1: xr.DataArray, *, threshold: float) -> xr.DataArray:
    """1 where MNDWI is above the threshold, 0 elsewhere, NaN where a band is missing (float32).

    Compared without dividing, G - S1 > t (G + S1): short-wave infrared slightly below zero is common over dark water,
    where the index itself has no value but the cell is water all the same. Cells dark in both bands are no water.

    Source: Xu 2006, doi:10.1080/01431160600589179.

    Args:
        green: surface reflectance at 560 nm, 1.
        swir1: surface reflectance at 1610 nm, 1.
        threshold: MNDWI above which a cell is water.
    """
    total = green + swir1
    wet = (green - swir1 > threshold * total) & (total > 0)
    return wet.astype(np.float32).where(total.notnull())


def bloom(ndci: np.ndarray, fai: np.ndarray, limits: Mapping[str, float]) -> np.ndarray:
    """True where water blooms: chlorophyll (NDCI) and something floating (FAI) both above their thresholds.

    Both, because foam, boats and bright mud raise the FAI alone and turbid water the NDCI alone. NaN is no bloom.
    """
    return (ndci >= limits["bloom_ndci_min"]) & (fai >= limits["bloom_fai_min"])


def bloom_area(blooming: np.ndarray, seen: np.ndarray, inner: np.ndarray, n: int, *, cell_ha: float) -> Bloom:
    """Hectares in bloom per water body, counted over its inner cells.

    Args:
        blooming: True where water blooms (y, x).
        seen: True where the water was seen clear (y, x).
        inner: body numbers of inner cells, from `inner_water`.
        n: how many bodies there are.
        cell_ha: area of a cell, ha.
    """
    return Bloom(
        area_ha=zonal_count(inner, n, blooming & seen) * cell_ha,
        n_valid=zonal_count(inner, n, seen),
        n_expected=zonal_count(inner, n),
    )


def _same_as_neighbours(bodies: np.ndarray) -> np.ndarray:
    """True where all eight neighbours (edges of the grid count as land) carry the same number."""
    padded = np.pad(bodies, 1, constant_values=0)
    low = ndimage.minimum_filter(padded, size=3)[1:-1, 1:-1]
    high = ndimage.maximum_filter(padded, size=3)[1:-1, 1:-1]
    return (low == bodies) & (high == bodies)
