from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.rounding import divide_half_even, round_half_even, round_water, scaled


def by_decimal(value: float, decimals: int) -> float:
    return float(Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN))


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (0.5, 0, 0), (1.5, 0, 2), (2.5, 0, 2), (-2.5, 0, -2), (12.345, 2, 12.34), (12.355, 2, 12.36),
        (2.675, 2, 2.68), (0.15, 1, 0.2), (0.25, 1, 0.2), (0.2500001, 1, 0.3), (1.005, 2, 1.0), (1.015, 2, 1.02),
    ],
)  # fmt: skip
def test_the_decimal_figures_are_rounded_not_the_double(value, decimals, expected):
    assert round_half_even(np.array([value]), decimals)[0] == expected


@given(st.integers(-(10**13), 10**13), st.integers(0, 8), st.integers(0, 6))
@settings(max_examples=500)
def test_equal_to_decimal_arithmetic_on_figures(digits, places, decimals):
    value = float(Decimal(digits).scaleb(-places))
    assert round_half_even(np.array([value]), decimals)[0] == by_decimal(value, decimals)


def test_equal_to_decimal_arithmetic_on_every_tie_and_its_neighbours():
    for decimals in range(6):
        ties = np.array([float(Decimal(2 * n + 1).scaleb(-decimals) / 2) for n in range(0, 40_000, 7)])
        values = np.concatenate([ties, np.nextafter(ties, np.inf), np.nextafter(ties, -np.inf), -ties])
        assert round_half_even(values, decimals).tolist() == [by_decimal(v, decimals) for v in values]


def test_missing_and_infinite_stay_and_zero_has_no_sign():
    out = round_half_even(np.array([np.nan, np.inf, -0.2]), 0)
    assert np.isnan(out[0])
    assert out[1] == np.inf
    assert not np.signbit(out[2])


def test_scaled_gives_whole_numbers():
    assert scaled(np.array([[2.2, 65.45]]), 1).tolist() == [[22.0, 654.0]]


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (0.0005, 3, 0.0005), (0.0015, 3, 0.002), (0.04, 1, 0.04), (0.05, 1, 0.05), (0.06, 1, 0.1),
        (0.006, 1, 0.006), (0.00963, 1, 0.01), (0.0, 3, 0.0), (-0.04, 1, -0.04), (7.45, 1, 7.4),
    ],
)  # fmt: skip
def test_water_values_never_vanish(value, decimals, expected):
    assert round_water(np.array([value]), decimals)[0] == expected
    assert round_water(np.array(value), decimals).shape == ()


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**6))
def test_division_is_exact(numerator, denominator):
    got = divide_half_even(np.array([numerator]), np.array([denominator]))[0]
    assert got == round(Fraction(numerator, denominator))
