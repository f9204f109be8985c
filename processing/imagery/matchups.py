"""Where a satellite and a station saw the same water or air: cells around a station, values near in time."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from pyproj import Transformer

from domain.times import LENGTHS
from processing.imagery.grid import WGS84, Grid, placed

SAMPLE_COLUMNS = ["station_id", "sky", "n_cells", "reason"]
#: Why a station has no sample of a scene.
REASONS = ("outside", "cells", "mixed", "humidity")


def samples(
    values: np.ndarray, allowed: np.ndarray, stations: pd.DataFrame, grid: Grid, limits: Mapping[str, float]
) -> pd.DataFrame:
    """One row a station: the median of the cells that stand for it, or why there is none.

    Cells whose centre lies within match_radius_m count when they are allowed (inner water, at least a shore buffer from
    land) and were seen clear; match_cells_min of them are needed, and over water they may not differ by more than
    match_cv_max (standard deviation over mean).

    Source: match-up protocol of Bailey and Werdell 2006, doi:10.1016/j.rse.2006.01.015.

    Args:
        values: of the grid's shape, NaN where not seen clear.
        allowed: True for cells that may stand for a station.
        stations: station_id, lon, lat (WGS 84).
        grid: of the values.
        limits: match_radius_m, match_cells_min, match_cv_max.

    Returns:
        station_id, sky (NaN when there is none), n_cells, reason ("" or one of REASONS), in the order of the stations.
    """
    to_grid = Transformer.from_crs(WGS84, grid.crs, always_xy=True)
    x, y = to_grid.transform(stations["lon"].astype(float).to_numpy(), stations["lat"].astype(float).to_numpy())
    rows = [
        (str(station), *_around(values, allowed, (px, py), grid, limits))
        for station, px, py in zip(stations["station_id"], x, y, strict=True)
    ]
    return pd.DataFrame(rows, columns=SAMPLE_COLUMNS).astype({"sky": float, "n_cells": "int64"})


def window(data: xr.DataArray, stations: pd.DataFrame, *, half: int, cells_min: float) -> pd.DataFrame:
    """One row a station: the median of the cells around its own (2 half + 1 on a side), or why there is none.

    For coarse grids of the air, where the cell of the station and its neighbours see the same.

    Args:
        data: (y, x) with crs and transform, NaN where nothing was retrieved.
        stations: station_id, lon, lat (WGS 84).
        half: cells on each side.
        cells_min: fewest cells with a value.

    Returns:
        As `samples`.

    Raises:
        FeedCorrupt: the data do not say where they lie.
    """
    crs, transform = placed(data)
    to_data = Transformer.from_crs(WGS84, crs.to_wkt(), always_xy=True)
    x, y = to_data.transform(stations["lon"].astype(float).to_numpy(), stations["lat"].astype(float).to_numpy())
    columns, rows = ~transform @ (x, y)
    height, width = data.shape
    out = []
    for station, column, row in zip(stations["station_id"], columns, rows, strict=True):
        if not (0 <= column < width and 0 <= row < height):
            out.append((str(station), np.nan, 0, "outside"))
            continue
        top, left = max(0, int(row) - half), max(0, int(column) - half)
        cells = np.asarray(data[top : int(row) + half + 1, left : int(column) + half + 1].values, dtype=np.float64)
        cells = cells[np.isfinite(cells)]
        enough = cells.size >= max(1, cells_min)
        out.append((str(station), float(np.median(cells)) if enough else np.nan, cells.size, "" if enough else "cells"))
    return pd.DataFrame(out, columns=SAMPLE_COLUMNS).astype({"sky": float, "n_cells": "int64"})


def pairs(sky: pd.DataFrame, ground: pd.DataFrame, *, hours: float) -> pd.DataFrame:
    """Each satellite sample with the station's value nearest in time, at most `hours` from the overpass.

    A station's value belongs to the middle of its period. Samples or values that are missing pair with nothing.

    Args:
        sky: station_id, time (overpass, UTC), sky, and whatever else shall be kept.
        ground: station_id, time (start of the period, UTC), period, value.
        hours: half width of the window.

    Returns:
        The columns of `sky` with `ground`, in order of time and station.
    """
    left = sky[sky["sky"].notna()].sort_values(["time", "station_id"])
    here = ground[ground["value"].notna()]
    middle = here["time"] + here["period"].map(LENGTHS) / 2
    right = pd.DataFrame({"station_id": here["station_id"], "time": middle, "ground": here["value"]})
    right = right.sort_values(["time", "station_id"])
    if left.empty or right.empty:
        return left.assign(ground=np.nan).iloc[:0].reset_index(drop=True)
    joined = pd.merge_asof(
        left.astype({"station_id": "str", "time": "datetime64[us, UTC]"}),
        right.astype({"station_id": "str", "time": "datetime64[us, UTC]"}),
        on="time",
        by="station_id",
        direction="nearest",
        tolerance=pd.Timedelta(hours=hours),
    )
    return joined[joined["ground"].notna()].reset_index(drop=True)


def _around(
    values: np.ndarray, allowed: np.ndarray, place: tuple[float, float], grid: Grid, limits: Mapping[str, float]
) -> tuple[float, int, str]:
    radius = limits["match_radius_m"]
    column, row = (place[0] - grid.left) / grid.resolution, (grid.top - place[1]) / grid.resolution
    if not (0 <= column < grid.width and 0 <= row < grid.height):
        return np.nan, 0, "outside"
    reach = int(np.ceil(radius / grid.resolution)) + 1
    rows = np.arange(max(0, int(row) - reach), min(grid.height, int(row) + reach + 1))
    columns = np.arange(max(0, int(column) - reach), min(grid.width, int(column) + reach + 1))
    gap = np.hypot((rows[:, None] + 0.5 - row), (columns[None, :] + 0.5 - column)) * grid.resolution
    window = np.ix_(rows, columns)
    cells = values[window][(gap <= radius) & allowed[window]]
    cells = np.sort(cells[np.isfinite(cells)].astype(np.float64))
    if cells.size < limits["match_cells_min"]:
        return np.nan, int(cells.size), "cells"
    mean = abs(float(cells.mean()))
    if float(cells.std()) > limits["match_cv_max"] * mean:
        return np.nan, int(cells.size), "mixed"
    return float(np.median(cells)), int(cells.size), ""
