"""How unusual a month or season is: against the same month or season of earlier years."""

import numpy as np
import pandas as pd
import xarray as xr

from domain.times import LOCAL

_SAID = (
    ("difference", None, "difference from the mean of the same season"),
    ("percent", "%", "difference from the mean of the same season"),
    ("z", "1", "standard score against the same season"),
    ("n_years", "1", "years behind the mean"),
)


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
        difference, percent, z and n_years (float32).
    """
    found = xr.apply_ufunc(
        lambda x, years: _scores(x, years, years_min),
        current.astype(np.float64),
        history if history.chunks is None else history.chunk({dim: -1}),
        input_core_dims=[[], [dim]],
        output_core_dims=[["score"]],
        dask="parallelized",
        output_dtypes=[np.float32],
        dask_gufunc_kwargs={"output_sizes": {"score": len(_SAID)}},
    )
    return _described(found, current)


def anomalies(series: xr.DataArray, *, years_min: int) -> xr.Dataset:
    """The anomaly of every step of a series of composites against the same month or season of all earlier years.

    Only earlier years count, so a value said once stays said when more years come.

    Args:
        series: composites along `time` (starts of periods in UTC without zone).
        years_min: fewest earlier years.

    Returns:
        As `anomaly`, along `time`.
    """
    ordered = series.sortby("time")
    season = np.asarray(pd.DatetimeIndex(ordered["time"].values).tz_localize("UTC").tz_convert(LOCAL).month)
    found = xr.apply_ufunc(
        lambda values: _running(values, season, years_min),
        ordered if ordered.chunks is None else ordered.chunk(time=-1),
        input_core_dims=[["time"]],
        output_core_dims=[["time", "score"]],
        dask="parallelized",
        output_dtypes=[np.float32],
        dask_gufunc_kwargs={"output_sizes": {"score": len(_SAID)}},
    )
    return _described(found.transpose("time", ...), ordered)


def _described(found: xr.DataArray, source: xr.DataArray) -> xr.Dataset:
    place = {key: source.attrs[key] for key in ("crs", "transform") if key in source.attrs}
    own = str(source.attrs.get("units", "1"))
    return xr.Dataset(
        {
            name: found.isel(score=i).drop_attrs().assign_attrs({"units": unit or own, "long_name": text} | place)
            for i, (name, unit, text) in enumerate(_SAID)
        }
    )


def _running(values: np.ndarray, season: np.ndarray, years_min: int) -> np.ndarray:
    steps = [
        _scores(values[..., i], values[..., np.flatnonzero(season[:i] == season[i])], years_min)
        for i in range(season.size)
    ]
    return np.stack(steps, axis=-2)


def _scores(x: np.ndarray, years: np.ndarray, years_min: int) -> np.ndarray:
    """Difference, percent, z and number of years along a new last axis (float32)."""
    mean, spread, n = _moments(years)
    difference = np.where(n >= years_min, x - mean, np.nan)
    size = np.abs(mean)
    percent = 100 * difference / np.where(size > 0, size, np.nan)
    z = difference / np.where(spread > 0, spread, np.nan)
    return np.stack([difference, percent, z, n], axis=-1).astype(np.float32)


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, standard deviation (n - 1) and number of the finite values along the last axis.

    Added year by year, so that the shape of a chunk cannot change the order of the additions. Equal values have the
    deviation 0, not the rounding of their mean.
    """
    years = range(values.shape[-1])
    total = np.zeros(values.shape[:-1])
    n = np.zeros(values.shape[:-1])
    for year in years:
        seen = np.isfinite(values[..., year])
        total += np.where(seen, values[..., year], 0)
        n += seen
    mean = total / np.where(n > 0, n, np.nan)
    squares, low, high = np.zeros_like(total), np.full_like(total, np.inf), np.full_like(total, -np.inf)
    for year in years:
        gap = values[..., year] - mean
        squares += np.where(np.isfinite(gap), gap * gap, 0)
        low, high = np.fmin(low, values[..., year]), np.fmax(high, values[..., year])
    spread = np.sqrt(squares / np.where(n > 1, n - 1, np.nan))
    return mean, np.where(high > low, spread, 0), n
