import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.neighbours import distances_km, drift_test, neighbour_medians, neighbour_test

NAN = float("nan")


def judged(columns, *, need=3, z=4.0, floor=5.0, relative=0.0, near=None):
    values = np.array(columns, dtype=float)
    mask = np.ones((len(values), len(values)), bool) if near is None else near
    return neighbour_test(values, mask, need=need, z=z, floor=floor, relative=relative)


def test_a_value_no_neighbour_supports_is_suspect_and_never_fails():
    assert judged([[100], [20], [22], [21], [25]])[:, 0].tolist() == [3, 1, 1, 1, 1]
    assert judged([[1], [60], [62], [61], [65]])[:, 0].tolist() == [3, 1, 1, 1, 1]


def test_an_episode_that_one_neighbour_shares_is_not_marked():
    assert set(judged([[100], [98], [20], [22], [21], [25]])[:, 0]) == {1}


def test_too_few_neighbours_cannot_judge():
    assert judged([[100], [20], [22], [NAN]])[:, 0].tolist() == [2, 2, 2, 9]
    assert judged([[100]])[:, 0].tolist() == [2]


def test_only_neighbours_count():
    near = np.ones((5, 5), bool)
    near[0, 1:3] = False
    assert judged([[100], [20], [22], [21], [25]], near=near)[0, 0] == 2


def test_the_level_of_the_neighbours_widens_the_deviation():
    values = [[160], [100], [102], [101], [99]]
    assert judged(values)[0, 0] == 3
    assert judged(values, relative=0.2)[0, 0] == 1


def by_numpy(values, near, need, z, floor, relative):
    """The twin: one station at a time with numpy's medians."""
    out = np.full(values.shape, 2, np.int8)
    for i, t in np.ndindex(*values.shape):
        others = values[near[i] & (np.arange(len(values)) != i), t]
        others = others[~np.isnan(others)]
        if len(others) >= need and values[i, t] == values[i, t]:
            middle = np.median(others)
            spread = max(1.4826 * np.median(np.abs(others - middle)), floor + relative * abs(middle))
            outside = values[i, t] > others.max() + spread or values[i, t] < others.min() - spread
            out[i, t] = 3 if outside and abs(values[i, t] - middle) > z * spread else 1
    return np.where(np.isnan(values), 9, out)


@given(st.integers(1, 6), st.integers(0, 4), st.integers(0, 10_000))
@settings(max_examples=80)
def test_the_kernel_equals_its_twin_and_the_order_of_stations_changes_nothing(stations, times, seed):
    chance = np.random.default_rng(seed)
    values = np.where(chance.random((stations, times)) < 0.2, NAN, np.round(chance.normal(20, 15, (stations, times))))
    near = chance.random((stations, stations)) < 0.8
    settings_ = {"need": 2, "z": 2.0, "floor": 3.0, "relative": 0.1}
    got = neighbour_test(values, near, **settings_)
    assert got.tolist() == by_numpy(values, near, *settings_.values()).tolist()
    order = chance.permutation(stations)
    again = neighbour_test(values[order], near[np.ix_(order, order)], **settings_)
    assert again.tolist() == got[order].tolist()


def test_distances_on_the_sphere():
    d = distances_km(np.array([120.0, 121.0, 120.0]), np.array([28.0, 28.0, 29.0]))
    assert d[0, 1] == pytest.approx(98.18, abs=0.05)
    assert d[0, 2] == pytest.approx(111.195, abs=0.01)
    assert np.diag(d).tolist() == [0, 0, 0]


def drifting(slope, days=14, window=3):
    n = 24 * days
    reference = 50 + 10 * np.sin(np.arange(n) / 4)
    day = np.arange(n) // 24
    values = reference + 2 + slope * np.maximum(np.arange(n) - 24 * 7, 0) / 24
    return drift_test(values[None], reference[None], day, window=window, offset=5.0)


def test_a_slow_offset_is_found_and_steady_ones_are_not():
    flags, change = drifting(3.0)
    assert (flags[0, : 24 * 5] == 2).all()
    assert (flags[0, 24 * 5 : 24 * 8] == 1).all()
    assert (flags[0, 24 * 11 :] == 3).all()
    assert change[0, 13] == pytest.approx(9, abs=0.1)
    assert 3 not in drifting(0.0)[0]


def test_one_bad_day_is_no_drift_and_missing_days_are_not_evaluated():
    n = 24 * 12
    values, reference, day = np.full((1, n), 20.0), np.full((1, n), 10.0), np.arange(n) // 24
    values[0, 24 * 8 : 24 * 9] = 90
    assert 3 not in drift_test(values, reference, day, window=3, offset=5.0)[0]
    values[0, 24 * 2 :] = NAN
    flags, change = drift_test(values, reference, day, window=3, offset=5.0)
    assert set(flags[0, 24 * 2 :]) == {9}
    assert np.isnan(change).all()


def test_nothing_gives_nothing():
    empty = np.zeros((2, 0))
    flags, change = drift_test(empty, empty, np.zeros(0, int), window=3, offset=1.0)
    assert flags.shape == change.shape == (2, 0)


def test_medians_of_the_neighbours():
    values = np.array([[1.0, NAN], [2, 4], [6, 8]])
    got = neighbour_medians(values, np.ones((3, 3), bool), need=2)
    assert got[:, 0].tolist() == [4, 3.5, 1.5]
    assert got[0, 1] == 6
    assert np.isnan(got[1:, 1]).all()
