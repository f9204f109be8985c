"""How unusual a month or season is: against the same month or season of earlier years."""

import numpy as np
import pandas as pd
import xarray as xr

from domain.times import LOCAL


def anomaly(current: xr.DataArray, history: xr.DataArray, *, years_min: int, dim: str = "time") -> xr.Dataset:
    """Difference, percent and standard score of a value against the same season of other years.

    difference = x - mean; percent = 100 (x - mean) / |mean|; z = (x - mean) / sd with n - 1. All are NaN where fewer
    than `years_min` years were seen; percent where the mean is zero, z where nothing ever varied.

    Args:
        current: values of one season, any dims without `dim`.
        history: the same season of other years along `dim`.
        years_min: fewest years.
        dim: dimension of the years.

    Returns:
        difference, percent, z (float32) and n_years (uint16).
    """
    whole = history if history.chunks is None else history.chunk({dim: -1})
    mean, spread, n = xr.apply_ufunc(
        _moments,
        whole,
        input_core_dims=[[dim]],
        output_core_dims=[[], [], []],
        dask="parallelized",
        output_dtypes=[np.float64, np.float64, np.int64],
    )
    enough = n >= years_min
    difference = (current - mean).where(enough)
    size = abs(mean)
    units = str(current.attrs.get("units", "1"))
    place = {key: current.attrs[key] for key in ("crs", "transform") if key in current.attrs}
    parts = {
        "difference": (difference, units, "difference from the mean of the same season"),
        "percent": (100 * difference / size.where(size > 0), "%", "difference from the mean of the same season"),
        "z": (difference / spread.where(spread > 0), "1", "standard score against the same season"),
    }
    out = {
        name: layer.astype(np.float32).drop_attrs().assign_attrs({"units": unit, "long_name": text} | place)
        for name, (layer, unit, text) in parts.items()
    }
    years = n.astype(np.uint16).drop_attrs().assign_attrs({"units": "1", "long_name": "years behind the mean"} | place)
    return xr.Dataset({**out, "n_years": years})


def anomalies(series: xr.DataArray, *, years_min: int) -> xr.Dataset:
    """The anomaly of every step of a series of composites against the same month or season of all earlier years.

    Only earlier years count, so a value said once stays said when more years come.

    Args:
        series: composites along `time` (starts of periods in UTC without zone).
        years_min: fewest earlier years.
    """
    ordered = series.sortby("time")
    local = pd.DatetimeIndex(ordered["time"].values).tz_localize("UTC").tz_convert(LOCAL)
    season = np.asarray(local.month)
    parts = []
    for i in range(ordered.sizes["time"]):
        earlier = np.flatnonzero(season[:i] == season[i])
        parts.append(anomaly(ordered.isel(time=i), ordered.isel(time=earlier), years_min=years_min))
    return xr.concat(parts, dim="time")


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, standard deviation (n - 1) and number of the finite values along the last axis.

    Added year by year, so that the shape of a chunk cannot change the order of the additions.
    """
    years = range(values.shape[-1])
    total = np.zeros(values.shape[:-1])
    n = np.zeros(values.shape[:-1], dtype=np.int64)
    for year in years:
        seen = np.isfinite(values[..., year])
        total += np.where(seen, values[..., year], 0)
        n += seen
    mean = total / np.where(n > 0, n, np.nan)
    squares = np.zeros_like(total)
    for year in years:
        gap = values[..., year] - mean
        squares += np.where(np.isfinite(gap), gap * gap, 0)
    return mean, np.sqrt(squares / np.where(n > 1, n - 1, np.nan)), n
