"""What other stations say: a value none of its neighbours supports, and a series that drifts away from them.

Both take a matrix of stations and times, so that values that belong together stand in one column.
"""

import numpy as np
from numba import njit

from processing.grading import graded

_EARTH_KM = 6371.0088


def distances_km(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Great-circle distances (s, s) in kilometres between points in degrees, WGS 84 taken as a sphere."""
    x, y = np.radians(lon), np.radians(lat)
    half = np.sin((y[:, None] - y) / 2) ** 2 + np.cos(y[:, None]) * np.cos(y) * np.sin((x[:, None] - x) / 2) ** 2
    return np.asarray(2 * _EARTH_KM * np.arcsin(np.sqrt(np.minimum(half, 1))))


def neighbour_test(
    values: np.ndarray, near: np.ndarray, *, need: int, z: float, floor: float, relative: float
) -> np.ndarray:
    """3 for a value far from the median of its neighbours *and* outside all of them.

    Far: by more than `z` robust standard deviations (1.4826 times the median absolute deviation of the neighbours),
    each at least `floor` plus `relative` times the median. Outside: beyond the highest or lowest neighbour by more than
    one such deviation; so an episode that any neighbour shares is never marked. Never 4: neighbours prove nothing.
    2 where fewer than `need` neighbours have a value at that time.

    Own definition in the manner of buddy checks (for example the TITAN checks of MET Norway).

    Args:
        values: (s, t) stations by times; NaN where missing or failed by other tests.
        near: (s, s) whether the second is a neighbour of the first; nobody is his own.
        need: fewest neighbours with a value.
        z: robust standard deviations.
        floor: smallest deviation, in the unit of the values.
        relative: share of the median added to it.
    """
    near = near & ~np.eye(len(values), dtype=bool)
    far, known = _far(np.ascontiguousarray(values, float), near, max(need, 1), z, floor, relative)
    return graded(values, suspect=far, known=known)


def neighbour_medians(values: np.ndarray, near: np.ndarray, *, need: int) -> np.ndarray:
    """(s, t) median of each station's neighbours at each time; NaN where fewer than `need` have a value."""
    near = near & ~np.eye(len(values), dtype=bool)
    return np.asarray(_medians(np.ascontiguousarray(values, float), near, max(need, 1)))


@njit(cache=True)
def _gather(values, near, i, t, out):  # type: ignore[no-untyped-def]  # compiled
    """The values of the neighbours of i at t, ascending, written into `out`; returns how many."""
    count = 0
    for j in range(values.shape[0]):
        if near[i, j] and not np.isnan(values[j, t]):
            k = count
            while k > 0 and out[k - 1] > values[j, t]:
                out[k] = out[k - 1]
                k -= 1
            out[k] = values[j, t]
            count += 1
    return count


@njit(cache=True)
def _middle(x, count):  # type: ignore[no-untyped-def]  # compiled
    return (x[(count - 1) // 2] + x[count // 2]) / 2


@njit(cache=True)
def _far(values, near, need, z, floor, relative):  # type: ignore[no-untyped-def]  # compiled
    stations, times = values.shape
    far, known = np.zeros(values.shape, np.bool_), np.zeros(values.shape, np.bool_)
    others, away = np.empty(stations), np.empty(stations)
    for i in range(stations):
        for t in range(times):
            x = values[i, t]
            if np.isnan(x):
                continue
            count = _gather(values, near, i, t, others)
            if count < need:
                continue
            known[i, t] = True
            middle = _middle(others, count)
            least = floor + relative * abs(middle)
            if others[0] - least <= x <= others[count - 1] + least:
                continue  # whatever the spread
            for k in range(count):
                away[k] = abs(others[k] - middle)
            away[:count].sort()
            spread = max(1.4826 * _middle(away, count), least)
            outside = x > others[count - 1] + spread or x < others[0] - spread
            far[i, t] = outside and abs(x - middle) > z * spread
    return far, known


@njit(cache=True)
def _medians(values, near, need):  # type: ignore[no-untyped-def]  # compiled
    out = np.full(values.shape, np.nan)
    others = np.empty(values.shape[0])
    for i in range(values.shape[0]):
        for t in range(values.shape[1]):
            count = _gather(values, near, i, t, others)
            if count >= need:
                out[i, t] = _middle(others, count)
    return out


def drift_test(
    values: np.ndarray,
    reference: np.ndarray,
    days: np.ndarray,
    *,
    window: int,
    offset: float,
    need: int = 18,
) -> tuple[np.ndarray, np.ndarray]:
    """A slow offset from a reference (the neighbours' median, or one reference station) that grew over days.

    The offset of a day is the median of value minus reference; it drifts where the median offset of the last `window`
    days differs from that of the `window` days before them by more than `offset`, and the days of the two windows do
    not overlap in their offsets, so that one bad day is no drift. All values of the drifting day are marked 3. 2 where
    any of the two windows has fewer than half its days.

    Own definition in the manner of control charts.

    Args:
        values: (s, t) NaN where missing.
        reference: (s, t) what they are compared with.
        days: (t,) number of the day of each time, ascending.
        window: days of a window.
        offset: change of the offset that is a drift, in the unit of the values.
        need: pairs a day must have.

    Returns:
        (s, t) flags, and (s, d) the change of the offset on each day from `days.min()` on; NaN where unknown.
    """
    first = int(days.min()) if len(days) else 0
    count = int(days.max()) - first + 1 if len(days) else 0
    edges = np.searchsorted(days, first + np.arange(count + 1))
    apart = values - reference
    daily = np.full((len(values), count), np.nan)
    for d in range(count):
        pairs = apart[:, edges[d] : edges[d + 1]]
        enough = np.isfinite(pairs).sum(axis=1) >= need
        if enough.any():
            daily[enough, d] = np.nanmedian(pairs[enough], axis=1)
    change, clear = _changes(daily, window)
    drifting = clear & (np.abs(change) > offset)
    flags = graded(values, suspect=drifting[:, days - first], known=np.isfinite(change)[:, days - first])
    return flags, change


def _changes(daily: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Change of the median offset from the window before to the last one, and whether the two do not overlap."""
    change, clear = np.full(daily.shape, np.nan), np.zeros(daily.shape, bool)
    for d in range(2 * window - 1, daily.shape[1]):
        before, after = daily[:, d - 2 * window + 1 : d - window + 1], daily[:, d - window + 1 : d + 1]
        fewest = np.minimum(np.isfinite(before).sum(axis=1), np.isfinite(after).sum(axis=1))
        at = np.flatnonzero(2 * fewest >= window)
        if not len(at):
            continue
        b, a = before[at], after[at]
        change[at, d] = np.nanmedian(a, axis=1) - np.nanmedian(b, axis=1)
        clear[at, d] = (np.nanmin(a, axis=1) > np.nanmax(b, axis=1)) | (np.nanmax(a, axis=1) < np.nanmin(b, axis=1))
    return change, clear
