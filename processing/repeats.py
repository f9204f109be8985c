"""Two faults of data loggers: a block of old values sent again as new, and a clock that stands behind.

Both look at one series at a time; rows ascend by series, then time.
"""

import numpy as np
from numba import njit

from processing.grading import graded


def repeated_block_test(
    values: np.ndarray,
    times: np.ndarray,
    series: np.ndarray,
    *,
    n: np.ndarray,
    longest_s: int,
) -> np.ndarray:
    """3 for values that repeat, one by one and at the same distances in time, a block of earlier ones.

    The block has at least n values, no two copies overlap, and more than half of its values differ from the one
    before, so that a flat line or two alternating values are no repetition. The whole repetition is marked, the
    original is not. 2 where the n values around have no room for a copy before them. Missing values are stepped over.

    Own definition; the logic of "duplicate block" tests in data-logger practice.

    Args:
        values: (n,) NaN where missing.
        times: (n,) whole seconds.
        series: (n,) number of the series of each row.
        n: (n,) fewest values of a block, one number for a whole series; NaN where the test is not for the row.
        longest_s: seconds between the first value of the original and the last of the copy, at most.
    """
    at = np.flatnonzero(np.isfinite(values) & np.isfinite(n))
    seen, copied = np.zeros(len(values), bool), np.zeros(len(values), bool)
    if len(at):
        here = values[at], times[at].astype(np.int64), series[at].astype(np.int64)
        seen[at], copied[at] = _copies(*here, n[at].astype(np.int64), np.int64(longest_s))
    return graded(values, suspect=copied, known=seen)


@njit(cache=True)
def _copies(v, t, s, n, longest):  # type: ignore[no-untyped-def]  # compiled; arrays of one length
    """Rows whose n-value surroundings could be compared, and those within a copy.

    `run` counts how many values before and at row i equal those `lag` rows earlier, with equal steps between them;
    `news` how many of these differ from the one before.
    """
    size = len(v)
    seen, copied = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
    widest = 0
    for i in range(size):
        back = i
        while back > 0 and s[back - 1] == s[i] and t[i] - t[back - 1] <= longest:
            back -= 1
        widest = max(widest, i - back)
        if i - back + 1 >= 2 * n[i]:
            seen[i - n[i] + 1 : i + 1] = True
    for lag in range(1, widest + 1):
        run = 0
        for i in range(lag, size):
            j = i - lag
            if s[j] != s[i] or v[j] != v[i]:
                run = 0
                continue
            run = run + 1 if run and t[i] - t[i - 1] == t[j] - t[j - 1] else 1
            k = n[i]
            if run < k or lag < k or t[i] - t[j - k + 1] > longest:
                continue
            news = 0
            for m in range(i - k + 2, i + 1):
                news += v[m] != v[m - 1]
            if 2 * news > k:
                copied[i - k + 1 : i + 1] = True
    return seen, copied


def stale_clock_test(
    times: np.ndarray,
    received: np.ndarray,
    series: np.ndarray,
    *,
    values: np.ndarray,
    length_s: np.ndarray,
    late_s: np.ndarray,
    steady_s: float = 3600.0,
    n: int = 6,
    longest_s: int,
) -> np.ndarray:
    """3 for values that keep arriving late by the same time: the clock that stamped them stands behind.

    A backlog sent after an outage has a delay that shrinks from value to value, an import has one moment of arrival:
    neither is marked. Judged are n values in a row, each later than `late_s` after the end of its period, with delays
    that differ by no more than `steady_s`; the whole run is marked. 2 where fewer than n values are near by. Own
    definition.

    Args:
        times: (n,) starts of the periods, whole seconds.
        received: (n,) arrivals, whole seconds.
        series: (n,) number of the series of each row.
        values: (n,) NaN where missing; a missing value that arrived tells as much of the clock, but keeps its 9.
        length_s: (n,) length of the period.
        late_s: (n,) delay above which a clock is suspected; NaN where the test is not for the row.
        steady_s: how far delays of one wrong clock differ.
        n: values in a row.
        longest_s: seconds within which they must lie.
    """
    delay = (received - times).astype(float) - length_s
    seen, stale = np.zeros(len(times), bool), np.zeros(len(times), bool)
    if len(times) >= n:
        windows = np.lib.stride_tricks.sliding_window_view(delay, n)
        last = slice(n - 1, None)
        whole = (series[last] == series[: len(windows)]) & (times[last] - times[: len(windows)] <= longest_s)
        seen = _spread(whole, n)
        at = np.flatnonzero(whole & (delay[last] > late_s[last]))  # few: the rest need no closer look
        low, high = windows[at].min(axis=1), windows[at].max(axis=1)
        bad = np.zeros(len(windows), bool)
        bad[at] = (low > late_s[at]) & (high - low <= steady_s)
        stale = _spread(bad, n)
    return graded(values, suspect=stale, known=seen & ~np.isnan(late_s))


def _spread(windows: np.ndarray, n: int) -> np.ndarray:
    """Rows that lie in any marked window of n rows."""
    change = np.zeros(len(windows) + n, np.int64)
    change[: len(windows)] += windows
    change[n:] -= windows
    return np.asarray(np.cumsum(change)[:-1] > 0)
