"""Monotonic trends: Mann-Kendall test and Sen slope, of every cell of a cube or of one series.

Gaps (NaN) are left out, ties are corrected for. With seasons only values of one season are compared (Hirsch and Slack),
as monthly series need: their yearly course is no trend.
"""

import math
from collections.abc import Hashable

import numpy as np
import xarray as xr
from numba import njit

#: Length of a year, days (mean Gregorian).
YEAR_DAYS = 365.2425
STATISTICS = ("slope", "intercept", "p", "z", "tau", "s", "n")
_LONG_NAMES = {
    "slope": "Sen slope",
    "intercept": "value of the Sen line at the origin of time",
    "p": "two-sided p of the Mann-Kendall test",
    "z": "standard score of the Mann-Kendall test",
    "tau": "Kendall tau",
    "s": "Mann-Kendall S",
    "n": "values that count",
}


def trend(series: xr.DataArray, *, n_min: int, seasons: np.ndarray | None = None, dim: Hashable = "time") -> xr.Dataset:
    """Trend of each cell along `dim`: slope, intercept, p, z, tau, s and n, each without `dim`.

    z = (S - sign S) / sqrt(var S), var S = (n (n - 1) (2 n + 5) - sum over ties t (t - 1) (2 t + 5)) / 18, summed over
    seasons; the slope is the median of all pairwise slopes (within seasons), the intercept median(x) - slope median(t).

    Source: Mann 1945; Kendall 1975; Sen 1968 doi:10.1080/01621459.1968.10480934; Hirsch, Slack and Smith 1982
    doi:10.1029/WR018i001p00107.

    Args:
        series: values with a coordinate `dim`: instants (time then counts in years from 1970) or numbers.
        n_min: fewest values of a cell; with fewer everything but n is NaN.
        seasons: number of the season of each value (12 months: 1..12); None compares all with all.
        dim: the dimension along which to look.

    Raises:
        ValueError: seasons of another length.
    """
    times = _numbers(series[dim].values)
    groups = np.zeros(times.size, dtype=np.int64) if seasons is None else np.asarray(seasons, dtype=np.int64)
    if groups.shape != times.shape:
        raise ValueError(f"{groups.size} seasons for {times.size} values")
    whole = series if series.chunks is None else series.chunk({dim: -1})
    found = xr.apply_ufunc(
        lambda values: _trends(values, times, groups, n_min),
        whole.reset_coords(drop=True),
        input_core_dims=[[dim]],
        output_core_dims=[["statistic"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"statistic": len(STATISTICS)}},
    )
    units = str(series.attrs.get("units", "1"))
    place = {key: series.attrs[key] for key in ("crs", "transform") if key in series.attrs}
    per = "a-1" if np.issubdtype(series[dim].dtype, np.datetime64) else "per step"
    said = {"slope": f"{units} {per}".removeprefix("1 "), "intercept": units}
    return xr.Dataset(
        {
            name: found.isel(statistic=i).assign_attrs(
                {"units": said.get(name, "1"), "long_name": _LONG_NAMES[name]} | place
            )
            for i, name in enumerate(STATISTICS)
        }
    )


def _numbers(times: np.ndarray) -> np.ndarray:
    """Instants as years since 1970, numbers as they are."""
    if np.issubdtype(times.dtype, np.datetime64):
        return (times - np.datetime64("1970-01-01")) / np.timedelta64(1, "D") / YEAR_DAYS
    return times.astype(np.float64)


def _trends(values: np.ndarray, times: np.ndarray, seasons: np.ndarray, n_min: int) -> np.ndarray:
    flat = np.ascontiguousarray(values.reshape(-1, times.size), dtype=np.float64)
    return _kernel(flat, times, seasons, n_min).reshape(*values.shape[:-1], len(STATISTICS))


@njit(cache=True, nogil=True)
def _kernel(values, times, seasons, n_min):  # type: ignore[no-untyped-def]  # compiled
    """Rows of statistics (see `trend`), a row a cell."""
    cells, length = values.shape
    out = np.full((cells, 7), np.nan)
    slopes = np.empty(length * (length - 1) // 2)
    for cell in range(cells):
        seen = np.flatnonzero(np.isfinite(values[cell]))
        out[cell, 6] = seen.size
        if seen.size < n_min or seen.size < 2:
            continue
        x, t, group = values[cell][seen], times[seen], seasons[seen]
        s, pairs = _pairs(x, t, group, slopes)
        if pairs == 0:
            continue
        spread = _variance(x, group)
        z = (s - np.sign(s)) / math.sqrt(spread) if spread > 0 else 0.0
        slope = np.median(slopes[:pairs])
        out[cell, 0] = slope
        out[cell, 1] = np.median(x) - slope * np.median(t)
        out[cell, 2] = math.erfc(abs(z) / math.sqrt(2.0))
        out[cell, 3] = z
        out[cell, 4] = s / pairs
        out[cell, 5] = s
    return out


@njit(cache=True, nogil=True)
def _pairs(x, t, group, slopes):  # type: ignore[no-untyped-def]  # compiled
    """S and the number of pairs of one season each; their slopes are written to `slopes`."""
    s, pairs = 0.0, 0
    for i in range(x.size - 1):
        for j in range(i + 1, x.size):
            if group[i] == group[j]:
                s += np.sign(x[j] - x[i])
                slopes[pairs] = (x[j] - x[i]) / (t[j] - t[i])
                pairs += 1
    return s, pairs


@njit(cache=True, nogil=True)
def _variance(x, group):  # type: ignore[no-untyped-def]  # compiled
    """Variance of S: n (n - 1) (2 n + 5) of each season and t (t - 1) (2 t + 5) of each tie, both summed by element."""
    total = 0.0
    for i in range(x.size):
        fellows, equals = 0, 0
        for j in range(x.size):
            if group[i] == group[j]:
                fellows += 1
                equals += x[i] == x[j]
        total += (fellows - 1) * (2 * fellows + 5) - (equals - 1) * (2 * equals + 5)
    return total / 18
