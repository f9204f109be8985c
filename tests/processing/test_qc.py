from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing import qc

H = 3600
NAN = float("nan")


def hourly(values, start=0):
    """Values, times and one series of hourly data."""
    v = np.array(values, dtype=float)
    return v, start + H * np.arange(len(v)), np.zeros(len(v), np.int64)


def test_range_fails_outside_and_suspects_at_the_rim():
    got = qc.range_test(np.array([-1, 0, 50, 95, 101, NAN]), fail_min=0, fail_max=100, suspect_max=90)
    assert got.tolist() == [4, 1, 1, 3, 4, 9]


def test_range_without_bounds_is_not_evaluated():
    bounds = {"fail_min": np.array([0, NAN]), "fail_max": np.array([9, NAN])}
    assert qc.range_test(np.array([5.0, 5.0]), **bounds).tolist() == [1, 2]


def test_the_device_only_accuses():
    assert qc.device_test(np.array([2, 4, 9]), np.array([1, 1, NAN])).tolist() == [2, 4, 9]


def spike(values, **k):
    return qc.spike_test(*hourly(values), **({"suspect": 10, "fail": 50, "reach": 3 * H} | k)).tolist()


def test_a_spike_stands_out_on_both_sides():
    assert spike([5, 6, 40, 7, 6]) == [2, 1, 3, 1, 2]
    assert spike([5, 6, 90, 7, 6]) == [2, 1, 4, 1, 2]
    assert spike([90, 91, 5, 90, 92]) == [2, 1, 4, 1, 2]


def test_a_plateau_and_the_flank_of_an_episode_are_no_spike():
    assert spike([0.3, 0.3, 600, 600, 600]) == [2, 1, 1, 1, 2]
    assert spike([40, 90, 140, 200, 260, 250]) == [2, 1, 1, 1, 1, 2]


def test_missing_neighbours_are_stepped_over_within_reach():
    assert spike([5, NAN, 90, NAN, 6]) == [2, 9, 4, 9, 2]
    assert spike([5, NAN, NAN, NAN, 90, 6]) == [2, 9, 9, 9, 2, 2]


def test_a_spike_beside_a_gap_does_not_accuse_its_neighbours():
    assert spike([NAN, 5, 90, 6, NAN, 5]) == [9, 2, 4, 1, 9, 2]


def test_the_level_of_the_neighbours_can_raise_the_threshold():
    assert spike([500, 570, 500], relative=0.2) == [2, 1, 2]
    assert spike([5, 75, 5], relative=0.2) == [2, 4, 2]


def test_series_do_not_touch():
    v, t, _ = hourly([5, 90, 5])
    assert qc.spike_test(v, t, np.array([0, 1, 2]), suspect=10, reach=3 * H).tolist() == [2, 2, 2]


def test_rate_uses_the_time_that_passed():
    v = np.array([10.0, 30, 90, 30])
    t = np.array([0, 1, 4, 40]) * H
    got = qc.rate_test(v, t, np.zeros(4, int), suspect=15, fail=30, reach=6 * H)
    assert got.tolist() == [2, 3, 3, 2]


def test_an_ammonia_plume_that_stays_is_not_failed():
    v = np.array([0.3, 0.3, 6, 6, 6])
    t = 4 * H * np.arange(5)
    rate = qc.rate_test(v, t, np.zeros(5, int), suspect=3, fail=10, reach=12 * H)
    peak = qc.spike_test(v, t, np.zeros(5, int), suspect=2, fail=3, reach=12 * H)
    assert rate.tolist() == [2, 1, 1, 1, 1]
    assert peak.tolist() == [2, 1, 1, 1, 2]


def flat(values, n=4, **k):
    return qc.flat_test(*hourly(values), **({"suspect_n": n, "fail_n": n + 2, "reach": 3 * H} | k)).tolist()


def test_the_whole_run_is_marked():
    assert flat([1, 7, 7, 7, 7, 2]) == [1, 3, 3, 3, 3, 1]
    assert flat([1, 7, 7, 7, 7, 7, 7, 2]) == [1, 4, 4, 4, 4, 4, 4, 1]


def test_three_equal_values_are_no_run_of_four():
    assert flat([1, 7, 7, 7, 2, 3]) == [1] * 6


def test_the_default_tolerance_finds_a_constant_series():
    assert flat([5] * 10) == [4] * 10


def test_missing_values_neither_break_nor_count():
    assert flat([7, NAN, 7, 7, NAN, 7]) == [3, 9, 3, 3, 9, 3]
    assert flat([7, 7, NAN, NAN, NAN, 7, 7]) == [2, 2, 9, 9, 9, 2, 2]


def test_tolerance_and_detection_limit():
    assert flat([5.0, 5.1, 5.0, 5.1], tolerance=0.2) == [3] * 4
    assert flat([0.02] * 8, above=0.05) == [1] * 8


def test_with_a_step_the_time_counts_and_half_the_values_are_enough():
    assert flat([7, NAN, NAN, 7], step=1.0 * H, least=2) == [3, 9, 9, 3]
    assert flat([7, NAN, NAN, 7], step=1.0 * H, least=3) == [2, 9, 9, 2]
    assert flat([7, NAN, NAN, 7]) == [2, 9, 9, 2]


def test_too_few_values_cannot_be_judged():
    assert flat([7, 7, 7]) == [2, 2, 2]


def test_a_gap_marks_the_first_value_after_it():
    v = np.array([1.0, 1, 1, 1])
    t = np.array([0, 1, 9, 40]) * H
    assert qc.gap_test(v, t, np.zeros(4, int), longest=5.0 * H).tolist() == [3, 1, 3, 3]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [([1, 1, 3], 3), ([1, 4, 3], 4), ([1, 2, 2], 1), ([2, 2, 2], 2), ([9, 4, 1], 9)],
)
def test_the_worst_flag_counts(flags, expected):
    assert qc.worst(np.array(flags, dtype=np.int8)[:, None]).tolist() == [expected]


values_or_gaps = st.lists(st.one_of(st.just(NAN), st.integers(0, 3).map(float)), min_size=0, max_size=60)


def flat_by_hand(values, n, reach_h, context_h=24):
    """Every window of n values whose steps stay within reach and whose span stays within the context."""
    there = [(i, v) for i, v in enumerate(values) if v == v]
    out = [9 if v != v else 2 for v in values]
    for k in range(len(there) - n + 1):
        window = there[k : k + n]
        steps = [b[0] - a[0] for a, b in pairwise(window)]
        if max(steps, default=0) > reach_h or window[-1][0] - window[0][0] > context_h:
            continue
        same = len({v for _, v in window}) == 1
        for i, _ in window:
            out[i] = 3 if same or out[i] == 3 else 1
    return out


@given(values_or_gaps, st.integers(2, 26))
@settings(max_examples=300)
def test_flat_lines_equal_a_search_by_hand(values, n):
    got = qc.flat_test(*hourly(values), suspect_n=float(n), reach=3.0 * H).tolist()
    assert got == flat_by_hand(values, n, 3)


def spikes_by_hand(values, threshold, reach_h):
    there = [i for i, v in enumerate(values) if v == v]
    out = [9 if v != v else 2 for v in values]
    for k, i in enumerate(there):
        if 0 < k < len(there) - 1 and i - there[k - 1] <= reach_h and there[k + 1] - i <= reach_h:
            up, down = values[i] - values[there[k - 1]], values[i] - values[there[k + 1]]
            out[i] = 3 if up * down > 0 and min(abs(up), abs(down)) > threshold else 1
    return out


@given(values_or_gaps)
@settings(max_examples=300)
def test_spikes_equal_a_search_by_hand(values):
    assert qc.spike_test(*hourly(values), suspect=1.0, reach=3.0 * H).tolist() == spikes_by_hand(values, 1, 3)


TESTS = {
    "spike": lambda v, t, s: qc.spike_test(v, t, s, suspect=1.0, reach=12.0 * H),
    "rate": lambda v, t, s: qc.rate_test(v, t, s, suspect=1.0, reach=12.0 * H),
    "flat": lambda v, t, s: qc.flat_test(v, t, s, suspect_n=4.0, fail_n=6.0, reach=12.0 * H),
    "gap": lambda v, t, s: qc.gap_test(v, t, s, longest=5.0 * H),
}


@pytest.mark.parametrize("name", TESTS)
@given(values=st.lists(st.one_of(st.just(NAN), st.integers(0, 3).map(float)), min_size=5 * 24, max_size=5 * 24))
@settings(max_examples=60)
def test_a_day_needs_only_the_days_beside_it(name, values):
    v, t, s = hourly(values)
    whole = TESTS[name](v, t, s)
    for day in range(5):
        around = slice(max(day - 1, 0) * 24, (day + 2) * 24)
        alone = TESTS[name](v[around], t[around], s[around])
        offset = 24 if day else 0
        assert alone[offset : offset + 24].tolist() == whole[day * 24 : (day + 1) * 24].tolist()


@pytest.mark.parametrize("name", TESTS)
def test_nothing_gives_nothing(name):
    empty = np.zeros(0)
    assert TESTS[name](empty, empty.astype(int), empty.astype(int)).tolist() == []
