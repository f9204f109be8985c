"""One picture out of many: composites by Shanghai month, season or year, with the number of clear views behind a cell.

| how | what a cell gets | for |
|---|---|---|
| median | the median of each band by itself | indices and reflectance; the usual choice, robust against missed cloud |
| max_ndvi | all bands of the view with the highest NDVI | greenness at its peak (MOD13, GEP); biased high over water |
| medoid | all bands of the view nearest to the median | spectra that existed, for indices of several bands |
"""

from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from domain.times import LOCAL, MONTH, SEASON, YEAR

How = Literal["median", "max_ndvi", "medoid"]
METHODS: tuple[How, ...] = ("median", "max_ndvi", "medoid")
_FREQUENCY = {MONTH: "M", SEASON: "Q", YEAR: "Y"}


def composite(cube: xr.Dataset, *, period: str = MONTH, how: How = "median") -> xr.Dataset:
    """Composites of the variables of a cube, and `n_obs`: how many views of each cell they come from.

    A view of a cell counts when every variable is finite there; cells without a view are NaN with n_obs 0. The order of
    the views does not matter; of two equal views the earlier one is taken.

    Source: median and medoid: Flood 2013, doi:10.3390/rs5126481 (medoid to the median); maximum NDVI: Holben 1986,
    doi:10.1080/01431168608948945.

    Args:
        cube: variables (time, y, x) of one shape; time in UTC without zone. max_ndvi needs a variable `ndvi`.
        period: P1M, P3M (calendar quarters) or P1Y, of Shanghai.
        how: see the module.

    Returns:
        Variables (time, y, x) in float32, time being the start of the period in UTC, and n_obs (uint16).

    Raises:
        ValueError: an unknown period or method, no view at all, or max_ndvi without ndvi.
    """
    if period not in _FREQUENCY or how not in METHODS:
        raise ValueError(f"period {period!r} and how {how!r}: write one of {list(_FREQUENCY)} and {list(METHODS)}")
    if how == "max_ndvi" and "ndvi" not in cube:
        raise ValueError("max_ndvi needs the variable ndvi beside the bands")
    if not cube.sizes.get("time"):
        raise ValueError("a composite needs at least one view")
    ordered = cube.sortby("time")
    starts = period_starts(ordered["time"].values, period)
    parts = [_one(ordered.isel(time=np.flatnonzero(starts == start)), how) for start in np.unique(starts)]
    whole = xr.concat(parts, dim=pd.Index(np.unique(starts), name="time"))
    for name in cube.data_vars:
        whole[name].attrs = {**cube[name].attrs, "cell_methods": f"time: {how}"}
    whole["n_obs"].attrs = {"units": "1", "long_name": "clear views behind the composite"}
    return whole


def period_starts(times: np.ndarray, period: str) -> np.ndarray:
    """Start of the Shanghai month, season or year of each instant, both UTC without zone (datetime64[ns])."""
    local = pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(LOCAL).tz_localize(None)
    starts = local.to_period(_FREQUENCY[period]).start_time.tz_localize(LOCAL)
    return starts.tz_convert("UTC").tz_localize(None).values.astype("datetime64[ns]")


def _one(views: xr.Dataset, how: How) -> xr.Dataset:
    names = [str(name) for name in views.data_vars]
    stack = views.to_dataarray("band").astype(np.float32)
    seen = stack.notnull().all("band")  # noqa: PD004 - of xarray
    stack = stack.where(seen)
    if stack.chunks is not None:
        stack = stack.chunk(band=-1, time=-1)
    made = xr.apply_ufunc(
        _REDUCE[how],
        stack,
        kwargs={"ndvi": names.index("ndvi") if how == "max_ndvi" else 0},
        input_core_dims=[["band", "time"]],
        output_core_dims=[["band"]],
        dask="parallelized",
        output_dtypes=[np.float32],
    )
    out = made.to_dataset("band").drop_vars("time", errors="ignore")
    return out.assign(n_obs=seen.sum("time").astype(np.uint16))


def _median(stack: np.ndarray, ndvi: int = 0) -> np.ndarray:  # noqa: ARG001 - one form for all methods
    """Median along the last axis, NaN left out; the mean of the two middle values of an even number."""
    ordered = np.sort(stack, axis=-1)  # NaN last
    n = np.isfinite(stack).sum(axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(n - 1, 0) // 2, axis=-1)[..., 0]
    high = np.take_along_axis(ordered, np.minimum(n // 2, stack.shape[-1] - 1), axis=-1)[..., 0]
    middle = (low + high) / np.float32(2)
    return np.where(n[..., 0] > 0, middle, np.float32("nan"))


def _max_ndvi(stack: np.ndarray, ndvi: int) -> np.ndarray:
    green = stack[..., ndvi, :]
    return _taken(stack, np.argmax(np.where(np.isfinite(green), green, -np.inf), axis=-1))


def _medoid(stack: np.ndarray, ndvi: int = 0) -> np.ndarray:  # noqa: ARG001
    gap = stack - _median(stack)[..., None]
    distance = np.zeros(gap[..., 0, :].shape, dtype=np.float32)
    for band in range(stack.shape[-2]):  # added band by band: the same bytes whatever the shape of the chunk
        distance += gap[..., band, :] ** 2
    return _taken(stack, np.argmin(np.where(np.isfinite(distance), distance, np.inf), axis=-1))


def _taken(stack: np.ndarray, view: np.ndarray) -> np.ndarray:
    """All bands of the chosen view of each cell; NaN where no view is finite."""
    return np.take_along_axis(stack, view[..., None, None], axis=-1)[..., 0]


_REDUCE = {"median": _median, "max_ndvi": _max_ndvi, "medoid": _medoid}
