"""Tropospheric NO2 of Sentinel-5P: swaths onto a grid, and daily series with their gaps named.

Unit throughout: mol/m2. Small negative columns are noise around zero and stay: cutting them off would raise the mean.
"""

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import pandas as pd
import xarray as xr

from domain import imagery
from domain.errors import FeedCorrupt
from domain.records import Flag
from processing.imagery.grid import Grid
from processing.imagery.physical import physical, usable
from processing.imagery.swath import binned

SWATH, SERIES = "s5p-no2-l2", "s5p-no2-series"
#: What `on_grid` reads of a level 2 file; corners are used when they are there.
VARIABLES = ("PRODUCT/nitrogendioxide_tropospheric_column", "PRODUCT/qa_value", "PRODUCT/latitude", "PRODUCT/longitude")
CORNERS = tuple(f"PRODUCT/SUPPORT_DATA/GEOLOCATIONS/{name}_bounds" for name in ("latitude", "longitude"))
_COLUMN, _QA = "nitrogendioxide_tropospheric_column", "qa_value"
#: What a day of a series is: the number in `state`, and what is said of it.
VALUE, EMPTY, ABSENT = 1, 2, 0
SAID = {
    VALUE: "",
    EMPTY: "the file has the date, without a value",
    ABSENT: "no retrieval: the file has no such date (cloud, or no usable overpass)",
}
_BEYOND = "outside the period of the file"


def on_grid(swath: xr.Dataset, grid: Grid, settings: Mapping[str, float] | None = None) -> xr.Dataset:
    """NO2 of one level 2 file on a grid: value (mol/m2), weight; attribute `basis` tells the threshold.

    Args:
        swath: VARIABLES and, if the file has them, CORNERS, as `Files.read_netcdf` gives them.
        grid: the target, cells of about s5p_cell_m (`swath.coarse`).
        settings: s5p_qa_min, s5p_points; those of sky_settings.csv by default.
    """
    chosen = settings or imagery.settings()
    column = physical(SWATH, _COLUMN, swath[_COLUMN])
    fine = usable(SWATH, _QA, swath[_QA], at_least=chosen["s5p_qa_min"])
    has_corners = "latitude_bounds" in swath and "longitude_bounds" in swath
    corners = (swath["latitude_bounds"].values, swath["longitude_bounds"].values) if has_corners else None
    found = binned(
        column.values,
        fine.values,
        swath["latitude"].values,
        swath["longitude"].values,
        grid,
        corners=corners,
        points=int(chosen["s5p_points"]),
        units=str(column.attrs["units"]),
    )
    spread = "spread between corners" if corners is not None else "centres only"
    return found.assign_attrs(basis=f"qa_value >= {chosen['s5p_qa_min']:g}, {spread}")


def daily(series: xr.Dataset) -> xr.Dataset:
    """A file of daily means of areas with every day of its period.

    A date of the file is the UTC day of the overpass; over China (13:30 local time) that is the Shanghai day.

    Args:
        series: NO2 (feature, t) with t in a CF unit of time, and the names or places of the features.

    Returns:
        no2 (subject, day; mol/m2, NaN where missing) and state (subject, day): VALUE, EMPTY or ABSENT.

    Raises:
        FeedCorrupt: no NO2 along a time, an unreadable unit of time, or a date twice.
    """
    if "NO2" not in series or "t" not in series["NO2"].dims or series["NO2"].ndim != 2:
        raise FeedCorrupt(f"no NO2 along t and an area; the file has {sorted(map(str, series.variables))}")
    values = physical(SERIES, "NO2", series["NO2"])
    area = next(str(d) for d in values.dims if d != "t")
    days = _days(series["t"])
    if days.has_duplicates:
        raise FeedCorrupt(f"the day {days[days.duplicated()][0]:%Y-%m-%d} is in the file twice")
    every = pd.date_range(days.min(), days.max(), freq="D")
    at = every.get_indexer(days)
    cells = values.transpose(area, "t").values
    whole = np.full((cells.shape[0], len(every)), np.nan, dtype=np.float32)
    state = np.full(whole.shape, ABSENT, dtype=np.int8)
    whole[:, at] = cells
    state[:, at] = np.where(np.isfinite(cells), VALUE, EMPTY)
    coords = {"subject": _subjects(series, area), "day": every}
    return xr.Dataset(
        {
            "no2": xr.DataArray(whole, dims=("subject", "day"), coords=coords, attrs=dict(values.attrs)),
            "state": xr.DataArray(state, dims=("subject", "day"), coords=coords),
        }
    )


def daily_rows(found: xr.Dataset, first: date, last: date) -> pd.DataFrame:
    """One row a subject and day of [first, last], missing days too: subject, day, value, unit, flag, detail.

    Args:
        found: see `daily`.
        first: first day.
        last: last day.
    """
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    index = pd.DatetimeIndex(pd.to_datetime(days))
    at = pd.DatetimeIndex(found["day"].values).get_indexer(index)
    within = at >= 0
    rows = []
    for i, subject in enumerate(found["subject"].values.tolist()):
        value = np.where(within, found["no2"].values[i][at], np.nan).astype(np.float64)
        state = np.where(within, found["state"].values[i][at], ABSENT)
        detail = [SAID[int(s)] if inside else _BEYOND for s, inside in zip(state, within, strict=True)]
        flag = np.where(state == VALUE, int(Flag.PASS), int(Flag.MISSING))
        rows.append(pd.DataFrame({"subject": subject, "day": days, "value": value, "flag": flag, "detail": detail}))
    whole = pd.concat(rows, ignore_index=True)
    whole.insert(3, "unit", found["no2"].attrs["units"])
    return whole


def _days(times: xr.DataArray) -> pd.DatetimeIndex:
    if np.issubdtype(times.dtype, np.datetime64):
        return pd.DatetimeIndex(times.values).normalize()
    unit = str(times.attrs.get("units", ""))
    try:
        decoded = xr.decode_cf(xr.Dataset(coords={"t": ("t", times.values, {"units": unit})}))["t"]
    except (ValueError, TypeError) as error:
        raise FeedCorrupt(f"its times cannot be read ({error})") from error
    if not np.issubdtype(decoded.dtype, np.datetime64):
        raise FeedCorrupt(f"its times cannot be read: {unit!r} is no unit such as 'days since 2024-01-01'")
    return pd.DatetimeIndex(decoded.values).normalize()


def _subjects(series: xr.Dataset, area: str) -> list[str]:
    names = next(
        (series[n] for n in ("feature_names", "name", "id") if n in series and series[n].dims == (area,)), None
    )
    count = series.sizes[area]
    return [str(i) for i in range(count)] if names is None else [_text(v) for v in names.values.tolist()]


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
