"""Random numbers that belong to a name and an hour."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sample_feeds.chance import gauss, key, uniform, wander

HOURS = np.arange(496_000, 516_000)


def test_known_values():
    # SplitMix64 with seed 0: the first output of the reference implementation is 0xE220A8397B1DCDAF.
    assert uniform(0, np.array([1]))[0] == (0xE220A8397B1DCDAF >> 11) * 2.0**-53
    assert key(1, "air-1", "PM2.5") != key(1, "air-1", "PM10") != key(2, "air-1", "PM10")


@given(st.integers(0, 2**64 - 1), st.integers(0, 900_000), st.integers(1, 60))
def test_a_window_is_a_part_of_a_wider_one(stream, first, length):
    wide = np.arange(first, first + 2 * length)
    for draw in (uniform, gauss, lambda s, h: wander(s, h, 24)):
        np.testing.assert_array_equal(
            draw(stream, wide)[length // 2 : length], draw(stream, wide[length // 2 : length])
        )


def test_moments():
    x = gauss(key(7, "x"), HOURS)
    assert abs(x.mean()) < 0.03
    assert abs(x.std() - 1) < 0.02
    assert np.abs(x).max() < 3.4642
    u = uniform(key(7, "u"), HOURS)
    assert u.min() >= 0
    assert u.max() < 1
    assert abs(np.corrcoef(u[1:], u[:-1])[0, 1]) < 0.03


def test_wander_is_smooth_and_hits_its_lattice():
    path = wander(key(7, "w"), HOURS, 24)
    assert np.abs(np.diff(path)).max() < 0.45  # 1.5 / 24 of the largest step of 6.9
    lattice = HOURS % 24 == 0
    np.testing.assert_array_equal(path[lattice], gauss(key(7, "w"), HOURS[lattice] // 24))
