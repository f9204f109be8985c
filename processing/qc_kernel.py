"""The tests of a series by itself, all in one pass: the same flags as the functions of `qc`, many times faster.

`qc` says what each test means and is the twin that this is tested against; here all of them read each value once, and
thresholds stay one row a kind of series instead of one row a value.
"""

import numpy as np
from numba import njit

from processing import qc

#: Tests in the order of the rows of flags.
TESTS = ("device", "range", "spike", "rate", "flat", "gap")
#: Columns of the limits: those of qc_thresholds.csv, in the units the kernel needs; NaN where a test is not for a kind.
LIMITS = (
    "fail_min", "fail_max", "suspect_min", "suspect_max", "spike_suspect", "spike_fail", "spike_relative",
    "rate_suspect", "rate_fail", "flat_suspect_n", "flat_fail_n", "flat_tolerance", "flat_above", "longest_s",
    "reach_s", "flat_reach_s", "step_s", "flat_least",
)  # fmt: skip
_DEVICE, _RANGE, _SPIKE, _RATE, _FLAT, _GAP = range(len(TESTS))
_CONTEXT = qc.CONTEXT_S


def series_tests(
    values: np.ndarray,
    times: np.ndarray,
    series: np.ndarray,
    device: np.ndarray,
    kind: np.ndarray,
    limits: np.ndarray,
) -> np.ndarray:
    """(6, n) int8 flags in the order of TESTS; rows ascend by series, then time.

    First each value by itself (device, range, gap), then spike and flat line on those that did not fail, then the rate
    on those that are no spike either, so that the step back from one is not blamed; a value that was left out so gets 2
    from the later tests.

    Args:
        values: (n,) NaN where missing.
        times: (n,) whole seconds.
        series: (n,) number of the series of each row.
        device: (n,) flag the value came with; 4 when the device calls it invalid.
        kind: (n,) row of `limits` of each value, one for a whole series.
        limits: (k, 18) columns LIMITS.
    """
    return np.asarray(
        _all(
            np.ascontiguousarray(values, np.float64),
            np.ascontiguousarray(times, np.int64),
            np.ascontiguousarray(series, np.int64),
            np.ascontiguousarray(device, np.int8),
            np.ascontiguousarray(kind, np.int64),
            np.ascontiguousarray(limits, np.float64),
        )
    )


def summed_up(
    flags: np.ndarray, kind: np.ndarray, counted: np.ndarray, kinds: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The worst flag of each row (see `qc.worst`), the tests that marked it, and how often each test could not judge.

    Args:
        flags: (tests, n) as of `series_tests`.
        kind: (n,) kind of each value.
        counted: (n,) whether the row counts.
        kinds: how many kinds there are.

    Returns:
        (n,) int8 flags; (n,) int8, bit t set when test t says suspect or failed; (kinds, tests) rows not evaluated.
    """
    flag, marks, unjudged = _summed(flags, np.ascontiguousarray(kind, np.int64), np.asarray(counted, np.bool_), kinds)
    return np.asarray(flag), np.asarray(marks), np.asarray(unjudged)


@njit(cache=True)
def _summed(flags, kind, counted, kinds):  # type: ignore[no-untyped-def]  # compiled
    tests, size = flags.shape
    worst, marks = np.empty(size, np.int8), np.zeros(size, np.int8)
    unjudged = np.zeros((kinds, tests), np.int64)
    for i in range(size):
        flag = 2
        for t in range(tests):
            f = flags[t, i]
            if f == 2:
                unjudged[kind[i], t] += counted[i]
            elif flag == 2 or f > flag:
                flag = f
            if 3 <= f <= 4:
                marks[i] |= 1 << t
        worst[i] = flag
    return worst, marks, unjudged


@njit(cache=True)
def _all(values, times, series, device, kind, limits):  # type: ignore[no-untyped-def]  # compiled
    size = len(values)
    flags = np.full((len(TESTS), size), 2, np.int8)
    sound = np.empty(size, np.int64)
    first = 0
    while first < size:
        end = first + 1
        while end < size and series[end] == series[first]:
            end += 1
        of = limits[kind[first]]
        count = _alone(values, times, device, first, end, of, sound, flags)
        at = sound[:count]
        if not np.isnan(of[4]):
            _spikes(values, times, at, of[4], of[5], of[6], of[14], flags[_SPIKE])
        if not np.isnan(of[7]):
            _rates(values, times, at, of[7], of[8], of[14], flags[_SPIKE], flags[_RATE])
        if not np.isnan(of[9]):
            _flats(values, times, at, of, flags[_FLAT])
        first = end
    return flags


@njit(cache=True)
def _alone(values, times, device, first, end, of, sound, flags):  # type: ignore[no-untyped-def]  # compiled
    """Device, range and gap; writes the places of the sound values and returns how many."""
    low, high, suspect_low, suspect_high = of[0], of[1], of[2], of[3]
    bounded = not (np.isnan(low) and np.isnan(high) and np.isnan(suspect_low) and np.isnan(suspect_high))
    longest, judged = min(of[13], _CONTEXT), not np.isnan(of[13])
    count, last = 0, -1
    for i in range(first, end):
        x = values[i]
        if np.isnan(x):
            for test in range(len(TESTS)):
                flags[test, i] = 9
            continue
        if x < low or x > high:
            flags[_RANGE, i] = 4
        elif x < suspect_low or x > suspect_high:
            flags[_RANGE, i] = 3
        elif bounded:
            flags[_RANGE, i] = 1
        if judged:
            flags[_GAP, i] = 3 if last < 0 or times[i] - times[last] > longest else 1
        last = i
        if device[i] == 4:
            flags[_DEVICE, i] = 4
        elif flags[_RANGE, i] != 4:
            sound[count] = i
            count += 1
    return count


@njit(cache=True)
def _spikes(values, times, at, suspect, fail, relative, reach, flags):  # type: ignore[no-untyped-def]  # compiled
    share = 0.0 if np.isnan(relative) else relative
    for k in range(1, len(at) - 1):
        h, i, j = at[k - 1], at[k], at[k + 1]
        if times[i] - times[h] > reach or times[j] - times[i] > reach:
            continue
        up, down = values[i] - values[h], values[i] - values[j]
        height = min(abs(up), abs(down)) if up * down > 0 else 0.0
        floor = share * max(abs(values[h]), abs(values[j]))
        flags[i] = 4 if height > max(fail, floor) else (3 if height > max(suspect, floor) else 1)


@njit(cache=True)
def _rates(values, times, at, suspect, fail, reach, spikes, flags):  # type: ignore[no-untyped-def]  # compiled
    last = -1
    for i in at:
        if spikes[i] > 2:
            continue
        if last >= 0 and times[i] - times[last] <= reach:
            rate = abs(values[i] - values[last]) / (max(times[i] - times[last], 1) / 3600)
            flags[i] = 4 if rate > fail else (3 if rate > suspect else 1)
        last = i


@njit(cache=True)
def _flats(values, times, at, of, flags):  # type: ignore[no-untyped-def]  # compiled
    reach, tolerance, above, step, least = of[15], of[11], of[12], of[16], of[17]
    span3, need3 = (of[9] - 1) * step, max(np.ceil(of[9] / 2), least)
    span4, need4 = (of[10] - 1) * step, max(np.ceil(of[10] / 2), least)
    oldest = 0  # of the values before k that are linked to it and within the context
    done1 = done3 = done4 = -1  # last places already marked so
    for k in range(len(at)):
        now = times[at[k]]
        if k and now - times[at[k - 1]] > reach:
            oldest = k
        while now - times[at[oldest]] > _CONTEXT:
            oldest += 1
        if now - times[at[oldest]] >= span3 and k - oldest + 1 >= need3:
            done1 = _mark(flags, at, oldest, k, 1, done1)
        if k == oldest or abs(values[at[k]] - values[at[k - 1]]) > tolerance:
            continue
        begin = _still(values, at, oldest, k, tolerance, above)
        wide, count = now - times[at[begin]], k - begin + 1
        if wide >= span3 and count >= need3:
            done3 = _mark(flags, at, begin, k, 3, done3)
        if wide >= span4 and count >= need4:
            done4 = _mark(flags, at, begin, k, 4, done4)


@njit(cache=True)
def _mark(flags, at, begin, k, flag, done):  # type: ignore[no-untyped-def]  # compiled
    """Places begin to k get the flag, unless they have a worse one; each place is marked once."""
    for m in range(max(begin, done + 1), k + 1):
        if flags[at[m]] == 2 or flags[at[m]] < flag:
            flags[at[m]] = flag
    return k


@njit(cache=True)
def _still(values, at, oldest, k, tolerance, above):  # type: ignore[no-untyped-def]  # compiled
    """The first place from which on values stay within the tolerance up to k; k itself where they are not judged."""
    low = high = values[at[k]]
    begin = k
    while begin > oldest:
        x = values[at[begin - 1]]
        if max(high, x) - min(low, x) > tolerance:
            break
        low, high, begin = min(low, x), max(high, x), begin - 1
    return begin if high > above else k
