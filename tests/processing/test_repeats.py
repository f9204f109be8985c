from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.repeats import repeated_block_test, stale_clock_test

H = 3600
DAY = 86_400
NAN = float("nan")


def repeated(values, n=3, longest_h=24, times=None):
    v = np.array(values, dtype=float)
    t = H * (np.arange(len(v)) if times is None else np.array(times))
    return repeated_block_test(
        v, t, np.zeros(len(v), int), n=np.full(len(v), float(n)), longest_s=longest_h * H
    ).tolist()


def test_the_whole_repetition_is_marked_and_the_original_is_not():
    assert repeated([1, 2, 3, 9, 1, 2, 3, 7]) == [2, 2, 2, 1, 3, 3, 3, 1]
    assert repeated([1, 2, 3, 4, 9, 1, 2, 3, 4, 7]) == [2, 2, 2, 1, 1, 3, 3, 3, 3, 1]


def test_a_flat_line_and_two_alternating_values_are_no_repetition_of_overlapping_blocks():
    assert 3 not in repeated([5] * 12)
    assert 3 not in repeated([5, 5, 5, 5, 6, 5, 5, 5, 5, 6], n=5)


def test_steps_in_time_must_repeat_too():
    same = [0, 1, 2, 5, 6, 7]
    assert repeated([1, 2, 3, 1, 2, 3], times=same) == [2, 2, 2, 3, 3, 3]
    assert 3 not in repeated([1, 2, 3, 1, 2, 3], times=[0, 1, 2, 5, 7, 8])


def test_missing_values_are_stepped_over_and_stay_missing():
    assert repeated([1, NAN, 2, 3, 1, NAN, 2, 3]) == [2, 9, 2, 2, 3, 9, 3, 3]


def test_too_few_values_cannot_be_judged():
    assert repeated([1, 2, 3, 1, 2]) == [2] * 5
    assert repeated([]) == []


def by_hand(values, n, longest):
    """Every pair of windows of n values, compared one by one."""
    at = [i for i, v in enumerate(values) if v == v]
    out = [9 if v != v else 2 for v in values]
    windows = [at[k : k + n] for k in range(len(at) - n + 1)]
    for k, late in enumerate(windows):
        for early in windows[: max(k - n + 1, 0)]:
            if late[-1] - early[0] > longest:
                continue
            steps = [b - a for a, b in zip(early, late, strict=True)]
            news = sum(values[b] != values[a] for a, b in pairwise(late))
            same = len(set(steps)) == 1 and all(values[a] == values[b] for a, b in zip(early, late, strict=True))
            for i in late:
                out[i] = 3 if (same and 2 * news > n) or out[i] == 3 else 1
    return out


@given(st.lists(st.one_of(st.just(NAN), st.integers(0, 2).map(float)), max_size=40), st.integers(2, 5))
@settings(max_examples=200)
def test_repetitions_equal_a_search_by_hand(values, n):
    got, expected = repeated(values, n, 16), by_hand(values, n, 16)
    assert [g == 3 for g in got] == [e == 3 for e in expected]
    assert [g == 9 for g in got] == [v != v for v in values]
    assert all(g == 2 for g, e in zip(got, expected, strict=True) if e == 2)


@given(st.lists(st.one_of(st.just(NAN), st.integers(0, 2).map(float)), min_size=120, max_size=120))
@settings(max_examples=40)
def test_a_day_needs_only_the_days_beside_it(values):
    whole = repeated(values, 3)
    for day in range(5):
        around = slice(max(day - 1, 0) * 24, (day + 2) * 24)
        alone = repeated(values[around], 3)
        offset = 24 if day else 0
        assert alone[offset : offset + 24] == whole[day * 24 : (day + 1) * 24]


def clock(delays_h, n=4, late_h=3.0, values=None):
    k = len(delays_h)
    t = H * np.arange(k)
    received = t + H + (np.array(delays_h) * H).astype(int)
    v = np.ones(k) if values is None else np.array(values, float)
    return stale_clock_test(
        t, received, np.zeros(k, int), values=v, length_s=np.full(k, 3600.0), late_s=np.full(k, late_h * H), n=n,
        longest_s=DAY,
    ).tolist()  # fmt: skip


def test_a_clock_that_stands_eight_hours_behind_is_seen():
    assert clock([0, 0, 8, 8.2, 8.1, 8, 8, 0, 0, 0, 0]) == [1, 1, 3, 3, 3, 3, 3, 1, 1, 1, 1]


def test_a_backlog_and_an_import_are_no_wrong_clock():
    assert 3 not in clock([12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    assert 3 not in clock([5000 - i for i in range(30)])


def test_every_other_packet_late_is_no_wrong_clock():
    assert 3 not in clock([31, 0] * 8)


def test_what_is_missing_stays_missing_and_no_threshold_is_not_evaluated():
    assert clock([8, 8, 8, 8], values=[1, NAN, 1, 1]) == [3, 9, 3, 3]
    assert clock([8, 8, 8, 8], late_h=np.nan) == [2] * 4
    assert clock([8, 8, 8]) == [2] * 3


@pytest.mark.parametrize("shift", [0, 8 * H])
def test_series_do_not_touch(shift):
    t = H * np.arange(6)
    flags = stale_clock_test(
        t, t + 9 * H + shift, np.array([0, 0, 0, 1, 1, 1]), values=np.ones(6), length_s=np.full(6, 3600.0),
        late_s=np.full(6, 3.0 * H), n=4, longest_s=DAY,
    )  # fmt: skip
    assert flags.tolist() == [2] * 6
