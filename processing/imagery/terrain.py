"""Slope of the land from an elevation model."""

import numpy as np
import xarray as xr

from processing.imagery.grid import placed

#: Length of a degree of latitude as gdaldem's option -s takes it for metres on a grid in degrees.
M_PER_DEGREE = 111_120.0


def slope(dem: xr.DataArray) -> xr.DataArray:
    """Slope of the surface in degrees, by Horn's eight neighbours; as `gdaldem slope`.

    dz/dx = ((c + 2 f + i) - (a + 2 d + g)) / (8 dx), dz/dy = ((g + 2 h + i) - (a + 2 b + c)) / (8 dy), slope =
    atan(sqrt((dz/dx)^2 + (dz/dy)^2)), with the window a b c / d e f / g h i. Cells at the edge, missing cells and those
    with a missing neighbour are NaN. On a grid in degrees both distances are taken as M_PER_DEGREE a degree, which is
    what gdaldem does with -s 111120; project the model first where the difference of east and north matters.

    Source: Horn 1981, doi:10.1109/PROC.1981.11918.

    Args:
        dem: elevation in m (y, x), with crs and transform, NaN (or nodata of its attributes) where missing.

    Raises:
        FeedCorrupt: the raster does not say where it lies.
    """
    crs, transform = placed(dem, "elevation")
    heights = dem.values.astype(np.float64)
    nodata = dem.attrs.get("nodata")
    if nodata is not None:
        heights = np.where(heights == nodata, np.nan, heights)
    metres = M_PER_DEGREE if crs.is_geographic else 1.0
    dx, dy = abs(transform.a) * metres, abs(transform.e) * metres
    out = np.full(heights.shape, np.nan, dtype=np.float32)
    if min(heights.shape) > 2:
        north, middle, south = heights[:-2], heights[1:-1], heights[2:]
        a, b, c = north[:, :-2], north[:, 1:-1], north[:, 2:]
        d, f = middle[:, :-2], middle[:, 2:]
        g, h, i = south[:, :-2], south[:, 1:-1], south[:, 2:]
        east = ((c + f + f + i) - (a + d + d + g)) / (8 * dx)
        down = ((g + h + h + i) - (a + b + b + c)) / (8 * dy)
        found = np.degrees(np.arctan(np.hypot(east, down)))
        out[1:-1, 1:-1] = np.where(np.isfinite(middle[:, 1:-1]), found, np.nan)
    said = {"units": "degree", "long_name": "slope", "nodata": np.nan}
    return dem.copy(data=out).rename("slope").assign_attrs(said)
