"""Cells of a swath, each with its own place, on a regular grid: Sentinel-5P level 2."""

import numpy as np
import xarray as xr
from pyproj import Transformer

from processing.imagery.grid import WGS84, Grid


def coarse(grid: Grid, resolution_m: float) -> Grid:
    """The grid over the same land with cells of `resolution_m`, its lines at whole multiples of them."""
    west, south, east, north = grid.bounds
    left, top = np.floor(west / resolution_m), np.ceil(north / resolution_m)
    width, height = np.ceil(east / resolution_m) - left, top - np.floor(south / resolution_m)
    return Grid(grid.crs, left * resolution_m, top * resolution_m, resolution_m, int(width), int(height))


def binned(
    values: np.ndarray,
    usable: np.ndarray,
    lat: np.ndarray,
    lon: np.ndarray,
    grid: Grid,
    *,
    corners: tuple[np.ndarray, np.ndarray] | None = None,
    points: int = 6,
    units: str = "",
) -> xr.Dataset:
    """The mean of the swath's cells over each grid cell, weighted by how much of a cell falls into it.

    A swath cell is spread evenly over `points` x `points` places between its corners (bilinear), so a grid cell smaller
    than a swath cell is filled too. Without corners its centre alone counts, and small grid cells stay empty. Cells
    that are not usable or not finite take no part.

    Args:
        values: any shape.
        usable: same shape, True where the quality lets a cell be used.
        lat: centres, degrees north, same shape.
        lon: centres, degrees east, same shape.
        grid: the target; projected or in degrees.
        corners: latitudes and longitudes of the corners, in order around the cell, shape (..., 4).
        points: places each way.
        units: of the values.

    Returns:
        value (y, x; NaN where nothing fell) and weight (how many swath cells fell into it, parts counted as parts).

    Raises:
        ValueError: the shapes differ.
    """
    if not values.shape == usable.shape == lat.shape == lon.shape:
        raise ValueError(f"shapes differ: {values.shape}, {usable.shape}, {lat.shape}, {lon.shape}")
    lats, lons = (lat[..., None], lon[..., None]) if corners is None else _spread(corners, points)
    good = np.isfinite(values) & usable & np.isfinite(lats).all(-1) & np.isfinite(lons).all(-1)
    good &= np.ptp(np.where(np.isfinite(lons), lons, 0), axis=-1) < 180  # cells across the date line
    share = 1 / lats.shape[-1]
    x, y = Transformer.from_crs(WGS84, grid.crs, always_xy=True).transform(lons[good], lats[good])
    columns = np.floor((x - grid.left) / grid.resolution)
    rows = np.floor((grid.top - y) / grid.resolution)
    inside = (columns >= 0) & (columns < grid.width) & (rows >= 0) & (rows < grid.height)
    cells = (rows * grid.width + columns)[inside].astype(np.int64)
    spread = np.broadcast_to(values[good][:, None], x.shape)[inside]
    size = grid.width * grid.height
    weight = np.bincount(cells, minlength=size) * share
    total = np.bincount(cells, weights=spread.astype(np.float64), minlength=size) * share
    mean = np.divide(total, weight, out=np.full(size, np.nan), where=weight > 0)
    return xr.Dataset(
        {
            "value": grid.layer(mean.reshape(grid.shape).astype(np.float32), "value").assign_attrs(units=units),
            "weight": grid.layer(weight.reshape(grid.shape).astype(np.float32), "weight").assign_attrs(units="cells"),
        },
        attrs={"crs": grid.crs, "transform": grid.transform},
    )


def _spread(corners: tuple[np.ndarray, np.ndarray], points: int) -> tuple[np.ndarray, np.ndarray]:
    """Places inside each cell, shape (..., points * points), for latitudes and longitudes."""
    at = (np.arange(points) + 0.5) / points
    u, v = (axis.ravel() for axis in np.meshgrid(at, at))
    weights = np.stack([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v])
    lat, lon = corners
    return lat.astype(np.float64) @ weights, lon.astype(np.float64) @ weights
