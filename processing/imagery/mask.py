"""Which cells of a Sentinel-2 scene may be used: the Sen2Cor scene classification with a buffer around clouds."""

import numpy as np
import xarray as xr

from processing.imagery.grid import grid_of
from processing.imagery.tables import scene_classes
from processing.imagery.zonal_kernel import clear_cells


def clear(scl: xr.DataArray, *, buffer_m: float) -> xr.DataArray:
    """True where the ground is seen.

    Cells of the classes not marked clear in imagery_scl.csv are dropped, and so are cells whose nearest edge lies
    within `buffer_m` of a cell of a buffered class (clouds, cirrus, shadows): Sen2Cor misses the rims. Codes outside
    the table are dropped.

    Args:
        scl: scene classification (y, x), whole numbers, with crs and transform.
        buffer_m: width of the buffer, m.
    """
    return scl.copy(data=clear_of(scl.values, resolution=grid_of(scl).resolution, buffer_m=buffer_m))


def clear_of(codes: np.ndarray, *, resolution: float, buffer_m: float) -> np.ndarray:
    """`clear` for bare codes (y, x) of cells of `resolution` m."""
    usable, buffered = np.zeros(256, dtype=bool), np.zeros(256, dtype=bool)
    usable[scene_classes("clear")] = True
    buffered[scene_classes("buffered")] = True
    known = codes if codes.dtype == np.uint8 else np.where((codes >= 0) & (codes < 256), codes, 0).astype(np.uint8)
    return clear_cells(known, usable, buffered, reach(resolution, buffer_m))


def dark(scl: xr.DataArray) -> xr.DataArray:
    """True where the surface is dark by class (water, dark areas): there the reflectance offset can be checked."""
    return scl.copy(data=np.isin(scl.values, scene_classes("dark")))


def reach(resolution: float, within_m: float) -> int:
    """Greatest square of the distance, in cells, between the centres of a cell and of a cloud that drops it.

    Measured from the cell's edge, so that a buffer narrower than a cell still takes the neighbours of coarse scenes:
    it is dropped when the distance of the centres less half a cell is below `within_m`.
    """
    found = 0
    while np.sqrt(found + 1) * resolution - resolution / 2 < within_m:
        found += 1
    return found


def halo(resolution: float, within_m: float) -> int:
    """Cells beside a block that decide which of its own cells are clear."""
    return int(np.sqrt(reach(resolution, within_m)))
