"""Layers of many days as one cube after the CF conventions (1.8): time, y, x, one grid mapping, units, flags."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyproj
import xarray as xr

from domain.times import day_start
from processing.imagery.grid import Grid
from processing.imagery.products import product_table
from processing.imagery.scene import outputs

CONVENTIONS = "CF-1.8"
_EPOCH = pd.Timestamp("1970-01-01", tz="UTC")
_UNITS = "seconds since 1970-01-01 00:00:00"
#: Our spellings of units -> those of UDUNITS, where they differ.
_UDUNITS = {
    "degC": "degree_Celsius",
    "umol/m2": "umol m-2",
    "ug/m3": "ug m-3",
    "mg/m3": "mg m-3",
    "mg/L": "mg L-1",
    "FNU": "1",  # of turbidity: no unit of UDUNITS
    "NTU": "1",
}
_AXES = {"y": ("projection_y_coordinate", "Y"), "x": ("projection_x_coordinate", "X")}


def cf_cube(
    days: Sequence[date], layers: Mapping[str, Any], clear: Any, grid: Grid, *, title: str, source: str
) -> xr.Dataset:
    """A cube that other programs read without asking: see https://cfconventions.org.

    Args:
        days: Shanghai days, rising.
        layers: product -> (time, y, x) float32, NaN where nothing was seen; numpy or dask.
        clear: (time, y, x) 1 where the ground was seen, 0 where not; numpy or dask, int8.
        grid: of all layers.
        title: of the data set.
        source: what it was made from.

    Returns:
        variables by product with units, long_name, standard_name (where CF has one) and grid_mapping; `clear` with
        flag_values and flag_meanings; `crs`; coordinates time (start of the day, UTC, with bounds), y and x.

    Raises:
        ValueError: days do not rise, or a shape is another.
    """
    if list(days) != sorted(set(days)):
        raise ValueError("the days of a cube rise and none is there twice")
    shape = (len(days), *grid.shape)
    for name, data in {**layers, "clear": clear}.items():
        if data.shape != shape:
            raise ValueError(f"{name} has shape {data.shape}; the cube has {shape}")
    dims = ("time", "y", "x")
    made: dict[str, Any] = {name: (dims, data, _said(name)) for name, data in layers.items()}
    made["clear"] = (dims, clear, _flags())
    made["crs"] = ((), np.int32(0), pyproj.CRS.from_user_input(grid.crs).to_cf())
    starts = [_seconds(day) for day in days]
    made["time_bnds"] = (("time", "nv"), np.array([[_seconds(d), _seconds(d + timedelta(days=1))] for d in days]))
    place = grid.layer(np.broadcast_to(np.int8(0), grid.shape))
    coordinates: dict[str, Any] = {
        axis: ((axis,), place[axis].values, {"standard_name": name, "units": "m", "axis": letter})
        for axis, (name, letter) in _AXES.items()
    }
    told = {"standard_name": "time", "long_name": "start of the Shanghai day", "units": _UNITS, "calendar": "standard"}
    coordinates["time"] = (("time",), np.array(starts), told | {"axis": "T", "bounds": "time_bnds"})
    attributes = {
        "Conventions": CONVENTIONS,
        "title": title,
        "institution": "Sanyan",
        "source": source,
        "history": "made from the daily products of the sky eye",
        "references": "docs/sky_products.md",
    }
    return xr.Dataset(made, coords=coordinates, attrs=attributes)


def _said(name: str) -> dict[str, Any]:
    row = product_table().loc[name]
    unit = str(row["unit"])
    told = {
        "long_name": str(row["name_en"]),
        "units": _UDUNITS.get(unit, unit),
        "grid_mapping": "crs",
        "cell_methods": "time: point area: mean",
        "ancillary_variables": "clear",
        "comment": f"{row['formula']}; {row['source']}",
    }
    known = outputs()[name].standard_name if name in outputs() else ""
    return told | ({"standard_name": known} if known else {})


def _flags() -> dict[str, Any]:
    return {
        "long_name": "whether the ground was seen",
        "standard_name": "status_flag",
        "units": "1",
        "flag_values": np.array([0, 1], dtype=np.int8),
        "flag_meanings": "not_seen clear",
        "grid_mapping": "crs",
    }


def _seconds(day: date) -> int:
    return int((pd.Timestamp(day_start(day)) - _EPOCH).total_seconds())
