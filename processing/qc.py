"""Quality control of series: values, times and thresholds in, QARTOD flags out; values are never touched.

Every test takes flat arrays of many series at once: rows ascend by series, then time; `series` tells where one ends. A
threshold is one number or one per row; NaN means the test is not for that row, which is answered with 2, not evaluated.
Missing values get 9, and their neighbours are judged by the nearest values that are there.

No flag depends on anything further than `CONTEXT_S` away in time. So the flags of a day follow from that day and the
days before and after it, however the days are split.

Source of the tests: IOOS QARTOD manuals for real-time quality control (gap, gross range, spike, rate of change, flat
line); what differs from them is said at each test.
"""

import numpy as np

from domain.records import Flag

#: How far the judgement of a value may look, in seconds: one day.
CONTEXT_S = 86_400

_PASS, _UNKNOWN, _SUSPECT, _FAIL, _MISSING = (
    np.int8(f) for f in (Flag.PASS, Flag.NOT_EVALUATED, Flag.SUSPECT, Flag.FAIL, Flag.MISSING)
)

Threshold = np.ndarray | float


def device_test(device: np.ndarray, values: np.ndarray) -> np.ndarray:
    """4 where the device calls its own value invalid; else 2, for its silence proves nothing."""
    fail = device == _FAIL
    return _graded(values, fail, fail, fail)


def range_test(
    values: np.ndarray,
    *,
    fail_min: Threshold,
    fail_max: Threshold,
    suspect_min: Threshold = np.nan,
    suspect_max: Threshold = np.nan,
) -> np.ndarray:
    """4 outside [fail_min, fail_max], 3 outside [suspect_min, suspect_max], else 1; 2 where there is no bound."""
    fail = (values < fail_min) | (values > fail_max)
    suspect = (values < suspect_min) | (values > suspect_max)
    bounds = np.isnan(np.stack(np.broadcast_arrays(fail_min, fail_max, suspect_min, suspect_max)))
    return _graded(values, suspect, fail, np.broadcast_to(~bounds.all(axis=0), values.shape))


def spike_test(
    values: np.ndarray,
    times: np.ndarray,
    series: np.ndarray,
    *,
    suspect: Threshold,
    fail: Threshold = np.nan,
    relative: Threshold = 0.0,
    reach: Threshold,
) -> np.ndarray:
    """A value that stands out on both sides, above or below both neighbours, by more than a threshold.

    Its height is the *smaller* of the two steps, so a plateau or the flank of an episode is no spike, whatever its
    height. Where `relative` times the larger neighbour exceeds the threshold, that holds instead. 2 where a neighbour
    within `reach` is missing on either side.

    Args:
        values: (n,) NaN where missing.
        times: (n,) whole seconds.
        series: (n,) number of the series of each row.
        suspect: height above which a value is suspect.
        fail: height above which it fails.
        relative: share of the larger neighbour that replaces lower thresholds.
        reach: seconds within which the next value still is a neighbour.
    """
    at, v, t, s = _there(values, times, series)
    reach, suspect, fail, relative = (_rows(x, values, at) for x in (reach, suspect, fail, relative))
    linked = _linked(t, s, reach)  # row i with row i - 1
    before, after = np.append(np.nan, v[:-1]), np.append(v[1:], np.nan)
    up, down = v - before, v - after
    height = np.where(up * down > 0, np.minimum(np.abs(up), np.abs(down)), 0.0)
    floor = np.nan_to_num(relative) * np.fmax(np.abs(before), np.abs(after))
    known = linked & np.append(linked[1:], False) & ~np.isnan(suspect)
    flags = _graded(v, height > np.maximum(suspect, floor), height > np.maximum(fail, floor), known)
    return _back(values, at, flags)


def rate_test(
    values: np.ndarray,
    times: np.ndarray,
    series: np.ndarray,
    *,
    suspect: Threshold,
    fail: Threshold = np.nan,
    reach: Threshold,
) -> np.ndarray:
    """Change since the value before, divided by the hours that truly passed, above a threshold per hour.

    QARTOD compares with the standard deviation of recent values instead; an absolute rate can be read in a table and
    depends on no history. Give values that failed other tests as NaN: the value after a spike is not to blame. 2 where
    no value came within `reach` before.

    Args:
        values: (n,) NaN where missing.
        times: (n,) whole seconds.
        series: (n,) number of the series of each row.
        suspect: change per hour above which a value is suspect.
        fail: change per hour above which it fails.
        reach: seconds within which the value before still counts.
    """
    at, v, t, s = _there(values, times, series)
    reach, suspect, fail = (_rows(x, values, at) for x in (reach, suspect, fail))
    hours = np.maximum(np.diff(t, prepend=t[:1] - 3600), 1) / 3600
    rate = np.abs(np.diff(v, prepend=v[:1])) / hours
    known = _linked(t, s, reach) & ~np.isnan(suspect)
    return _back(values, at, _graded(v, rate > suspect, rate > fail, known))


def flat_test(
    values: np.ndarray,
    times: np.ndarray,
    series: np.ndarray,
    *,
    suspect_n: Threshold,
    fail_n: Threshold = np.nan,
    step: Threshold = 0.0,
    least: float = np.inf,
    tolerance: Threshold = 0.0,
    above: Threshold = -np.inf,
    reach: Threshold,
) -> np.ndarray:
    """Values that stay within `tolerance` over so many periods in a row; the *whole* run is marked.

    Missing values do not break a run. With `step` it is the time that counts: a run as long as n values, of which half
    (and at least `least`) are there; without, n values must be there. Values up to `above` (a detection limit) may stay
    the same. 2 where no row of so many values contains the value within the context.

    Args:
        values: (n,) NaN where missing.
        times: (n,) whole seconds.
        series: (n,) number of the series of each row.
        suspect_n: values in a row that make them suspect.
        fail_n: values in a row that make them fail; not without suspect_n.
        step: seconds from value to value.
        least: fewest values of a run when its time counts.
        tolerance: largest difference within the run.
        above: runs at or below this value are not judged.
        reach: seconds within which the next value continues a run.
    """
    at, v, t, s = _there(values, times, series)
    reach, suspect_n, fail_n, step, tolerance, above = (
        _rows(x, values, at) for x in (reach, suspect_n, fail_n, step, tolerance, above)
    )
    run = np.cumsum(~_linked(t, s, reach))
    # The oldest value before each that is of its run and within the context; both never go back.
    oldest = np.maximum(np.searchsorted(run, run), _since(t, s))
    still = np.maximum(oldest, _same_since(v, oldest, tolerance))
    high = _highest(v, still)
    seen = _covered(_long(oldest, t, suspect_n, step, least), oldest)
    suspect, fail = (_covered(_long(still, t, n, step, least) & (high > above), still) for n in (suspect_n, fail_n))
    return _back(values, at, _graded(v, suspect, fail, (seen | fail) & ~np.isnan(suspect_n)))


def gap_test(values: np.ndarray, times: np.ndarray, series: np.ndarray, *, longest: Threshold) -> np.ndarray:
    """3 for the first value after more than `longest` seconds (or a day) without one; an instrument warms up.

    The first value of a series is one of these: what was before it, nobody knows.
    """
    at, v, t, s = _there(values, times, series)
    longest = _rows(longest, values, at)
    heard = _linked(t, s, np.minimum(longest, CONTEXT_S))
    return _back(values, at, _graded(v, ~heard, np.zeros(len(v), bool), ~np.isnan(longest)))


def worst(flags: np.ndarray) -> np.ndarray:
    """The flag of each row from its tests (tests, n): 9 missing, else 4, else 3, else 1 if any passed, else 2."""
    out = np.where((flags == _PASS).any(axis=0), _PASS, _UNKNOWN)
    out = np.where((flags == _SUSPECT).any(axis=0), _SUSPECT, out)
    out = np.where((flags == _FAIL).any(axis=0), _FAIL, out)
    return np.where((flags == _MISSING).any(axis=0), _MISSING, out).astype(np.int8)


def _there(values: np.ndarray, times: np.ndarray, series: np.ndarray) -> tuple[np.ndarray, ...]:
    """Positions, values, times and series of the rows that have a value."""
    at = np.flatnonzero(np.isfinite(values))
    return at, values[at], times[at], series[at]


def _rows(threshold: Threshold, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.broadcast_to(np.asarray(threshold, dtype=float), values.shape)[at]


def _linked(times: np.ndarray, series: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Whether each row continues the one before: the same series, within reach."""
    if not len(times):
        return np.zeros(0, bool)
    same = np.append(False, series[1:] == series[:-1])
    return np.asarray(same & (np.diff(times, prepend=times[:1]) <= reach))


def _graded(values: np.ndarray, suspect: np.ndarray, fail: np.ndarray, known: np.ndarray | bool = True) -> np.ndarray:
    flags = np.where(fail, _FAIL, np.where(suspect, _SUSPECT, _PASS))
    flags = np.where(known, flags, _UNKNOWN)
    return np.where(np.isnan(values), _MISSING, flags).astype(np.int8)


def _back(values: np.ndarray, at: np.ndarray, flags: np.ndarray) -> np.ndarray:
    out = np.full(len(values), _MISSING, np.int8)
    out[at] = flags
    return out


def _since(t: np.ndarray, s: np.ndarray) -> np.ndarray:
    """The first row of the same series within the context before each row."""
    if not len(t):
        return np.zeros(0, np.int64)
    # Series stand so far apart on one axis that no context reaches from one into the next.
    place = s * (t.max() - t.min() + CONTEXT_S + 1) + (t - t.min())
    return np.searchsorted(place, place - CONTEXT_S)


def _same_since(v: np.ndarray, oldest: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
    """The first row from `oldest` on from which all values up to each row stay within its tolerance."""
    first = np.arange(len(v))
    low, high = v.copy(), v.copy()
    open_ = np.arange(len(v))
    while len(open_):
        back = first[open_] - 1
        open_ = open_[back >= oldest[open_]]
        x = v[first[open_] - 1]
        lower, higher = np.minimum(low[open_], x), np.maximum(high[open_], x)
        stays = higher - lower <= tolerance[open_]
        open_, lower, higher = open_[stays], lower[stays], higher[stays]
        low[open_], high[open_] = lower, higher
        first[open_] -= 1
    return first


def _highest(v: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The largest value from row `first` to each row."""
    out = v.copy()
    rows = np.arange(len(v))
    for back in range(1, int((rows - first).max(initial=0)) + 1):
        at = rows[rows - back >= first]
        out[at] = np.maximum(out[at], v[at - back])
    return out


def _long(first: np.ndarray, t: np.ndarray, n: np.ndarray, step: np.ndarray, least: float) -> np.ndarray:
    """Whether the rows from `first` to each are enough: by time where there is a step, else by number."""
    count, need = np.arange(len(t)) - first + 1, np.maximum(np.ceil(n / 2), least)
    by_time = (t - t[first] >= (n - 1) * step) & (count >= need)
    return np.asarray(np.where(step > 0, by_time, count >= n))


def _covered(windows: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Which of the rows lie in any marked window; window i covers rows first[i] .. i."""
    change = np.zeros(len(windows) + 1, np.int64)
    ends = np.flatnonzero(windows)
    np.add.at(change, first[ends], 1)
    np.add.at(change, ends + 1, -1)
    return np.asarray(np.cumsum(change)[:-1] > 0)
