"""Which cells of a Sentinel-2 scene may be used: the Sen2Cor scene classification with a buffer around clouds."""

import numpy as np
import xarray as xr
from scipy import ndimage

from processing.imagery.grid import grid_of
from processing.imagery.tables import scene_classes


def clear(scl: xr.DataArray, *, buffer_m: float) -> xr.DataArray:
    """True where the ground is seen.

    Cells of the classes not marked clear in imagery_scl.csv are dropped, and so are cells whose nearest edge lies
    within `buffer_m` of a cell of a buffered class (clouds, cirrus, shadows): Sen2Cor misses the rims. Codes outside
    the table are dropped.

    Args:
        scl: scene classification (y, x), whole numbers, with crs and transform.
        buffer_m: width of the buffer, m.
    """
    codes = scl.values
    usable = np.isin(codes, scene_classes("clear"))
    clouds = np.isin(codes, scene_classes("buffered"))
    return scl.copy(data=usable & ~near(clouds, resolution=grid_of(scl).resolution, within_m=buffer_m))


def dark(scl: xr.DataArray) -> xr.DataArray:
    """True where the surface is dark by class (water, dark areas): there the reflectance offset can be checked."""
    return scl.copy(data=np.isin(scl.values, scene_classes("dark")))


def near(cells: np.ndarray, *, resolution: float, within_m: float) -> np.ndarray:
    """True on `cells` and wherever a cell's nearest edge is closer than `within_m` to the centre of one of them.

    Measured from the edge, so that a buffer narrower than a cell still takes the neighbours of coarse scenes.
    """
    if not cells.any():
        return np.zeros_like(cells)
    distance = ndimage.distance_transform_edt(~cells, sampling=resolution)
    return np.asarray(cells | (distance - resolution / 2 < within_m))
