"""Small rasters with known content, for the tests of this room."""

import numpy as np
import xarray as xr

from processing.imagery.grid import Grid

ZONE_50 = "EPSG:32650"
ZONE_51 = "EPSG:32651"


def raster(
    values, *, left=0.0, top=0.0, resolution=60.0, crs=ZONE_50, nodata: float | None = 0, name: str | None = None
) -> xr.DataArray:
    """A north-up raster as the store reads it."""
    cells = np.asarray(values)
    transform = (resolution, 0.0, left, 0.0, -resolution, top)
    return xr.DataArray(cells, dims=("y", "x"), attrs={"crs": crs, "transform": transform, "nodata": nodata}, name=name)


def grid(height: int, width: int, *, left=0.0, top=0.0, resolution=60.0, crs=ZONE_50) -> Grid:
    return Grid(crs, left, top, resolution, width, height)
