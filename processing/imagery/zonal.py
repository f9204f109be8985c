"""Zonal statistics on the county grid: the zone raster once, then one bincount per layer.

Rule: a cell belongs to the zone that contains its centre. Values are summed as whole multiples of 2**-20, which floats
add exactly, so any order, chunk or number of workers gives the same bytes.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import rasterio.features

from domain.registry import Zones
from processing.imagery.grid import WGS84, Grid, moved

RULE = "cell centre"
_QUANTUM = float(2**20)


@dataclass(frozen=True, slots=True)
class Zonal:
    """Per zone, in the order of the zones: the mean of valid cells (NaN where there is none) and the counts."""

    mean: np.ndarray
    n_valid: np.ndarray
    n_expected: np.ndarray

    @property
    def share(self) -> np.ndarray:
        """Share of valid cells; 0 for a zone without a cell."""
        return self.n_valid / np.maximum(self.n_expected, 1)


@lru_cache(maxsize=8)
def zone_raster(zones: Zones, grid: Grid) -> np.ndarray:
    """Number of the zone (1 = first) of each cell by its centre, 0 outside; int32, read-only.

    Where zones overlap the later one wins.
    """
    if not zones.ids:
        return _frozen(np.zeros(grid.shape, dtype=np.int32))
    shapes = [(moved(shape, WGS84, grid.crs), number) for number, shape in enumerate(zones.shapes, start=1)]
    return _frozen(
        rasterio.features.rasterize(
            shapes, out_shape=grid.shape, transform=grid.transform, fill=0, dtype="int32", all_touched=False
        )
    )


def zonal_mean(values: np.ndarray, zones: np.ndarray, n: int) -> Zonal:
    """Mean of the finite values of each zone.

    Args:
        values: floats of the grid's shape, NaN where missing.
        zones: zone numbers 1..n of the same shape, 0 outside.
        n: how many zones there are.
    """
    total, count, expected = zonal_sums(values, zones, n)
    with np.errstate(invalid="ignore"):
        return Zonal(total / np.where(count > 0, count, np.nan), count, expected)


def zonal_sums(values: np.ndarray, zones: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per zone the sum of finite values, how many they are, and how many cells there are.

    Parts of a grid may be summed apart and added: the result is the same to the last bit.
    """
    labels = zones.ravel()
    flat = values.ravel()
    finite = np.isfinite(flat)
    whole = np.rint(np.where(finite, flat, 0).astype(np.float64) * _QUANTUM)
    total = np.bincount(labels, weights=whole, minlength=n + 1)[1:] / _QUANTUM
    count = np.bincount(labels[finite], minlength=n + 1)[1:]
    return total, count, zonal_count(zones, n)


def zonal_count(zones: np.ndarray, n: int, where: np.ndarray | None = None) -> np.ndarray:
    """How many cells each zone has, or how many of those where `where` is True."""
    return np.bincount((zones if where is None else zones[where]).ravel(), minlength=n + 1)[1:]


def withheld(zonal: Zonal, share_min: float) -> np.ndarray:
    """True for zones of which too little was seen for a number: share of valid cells below the minimum, or no cell."""
    return (zonal.share < share_min) | (zonal.n_valid == 0)


def _frozen(values: np.ndarray) -> np.ndarray:
    values.flags.writeable = False
    return values
