"""What water says, against values worked out from the papers' formulas by rational arithmetic."""

from fractions import Fraction as F

import numpy as np
import pytest
import spyndex
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from processing.imagery import water_quality as wq
from processing.imagery.products import coefficients

TURBIDITY = coefficients("turbidity")


def a(*values):
    return xr.DataArray(np.array(values, dtype=np.float64), dims="x")


def semi_analytical(scale, limit, rho):
    """A rho / (1 - rho / C), exactly."""
    return F(scale) * F(rho) / (1 - F(rho) / F(limit))


@pytest.mark.parametrize(
    ("red", "nir", "expected"),
    [
        # Dogliotti et al. 2015: A 228.1, C 0.1641 in the red; A 3078.9, C 0.2112 in the near infrared.
        ("0", "0", 0.0),
        ("0.01", "0.002", 2.429021),
        ("0.03", "0.9", 8.373872),  # the near infrared, beyond its model, does not count here
        ("0.05", "0.3", 16.40281),
        ("0.06", "0.02", 44.79670),  # half of 21.57418 and half of 68.01921
        ("0.07", "0.02", 68.01921),
        ("0.10", "0.05", 201.6947),
        ("0.30", "0.10", 584.7695),  # red beyond its model: only the near infrared
        ("0.12", "0.2112", None),  # the near infrared is saturated
    ],
)
def test_turbidity_by_the_paper(red, nir, expected):
    """Expected values are recomputed with fractions; the literals keep both from drifting together."""
    low = semi_analytical("228.1", "0.1641", red) if F(red) < F("0.1641") else None
    high = semi_analytical("3078.9", "0.2112", nir) if F(nir) < F("0.2112") else None
    weight = min(max((F(red) - F("0.05")) / F("0.02"), F(0)), F(1))
    exact = low if weight == 0 else high if weight == 1 else (1 - weight) * low + weight * high
    found = float(wq.turbidity(a(float(red)), a(float(nir)), coefficients=TURBIDITY)[0])
    if expected is None:
        assert exact is None
        assert np.isnan(found)
        return
    assert found == pytest.approx(float(exact), rel=1e-9)
    assert found == pytest.approx(expected, rel=1e-6)


def test_the_two_branches_meet():
    """The peer that uses 665 nm in both branches jumps; the blend of the paper does not."""
    red = a(*np.linspace(0.045, 0.075, 3001))
    nir = a(*np.full(3001, 0.012))
    values = wq.turbidity(red, nir, coefficients=TURBIDITY).values
    assert np.abs(np.diff(values)).max() < 0.1
    assert not np.allclose(values, wq.turbidity(red, red, coefficients=TURBIDITY).values)


def test_turbidity_where_something_is_missing():
    nan = np.nan
    found = wq.turbidity(
        a(nan, 0.02, 0.02, 0.06, 0.1, -0.02), a(0.1, nan, -0.01, nan, nan, 0.1), coefficients=TURBIDITY
    )
    clear = float(semi_analytical("228.1", "0.1641", "0.02"))
    np.testing.assert_allclose(found, [nan, clear, clear, nan, nan, nan])


def test_noise_around_zero_averages_out():
    """Dropping the negative half of the noise would make clear water look turbid."""
    noise = np.random.default_rng(1).normal(0, 0.002, 20_000)
    clear = wq.turbidity(a(*(0.004 + noise)), a(*noise), coefficients=TURBIDITY)
    assert np.isfinite(clear).all()
    assert float(clear.mean()) == pytest.approx(float(semi_analytical("228.1", "0.1641", "0.004")), rel=0.02)
    assert float(wq.suspended_matter(a(-0.004), coefficients=coefficients("spm"))[0]) < 0


@given(st.floats(0, 0.049), st.floats(0, 0.049))
def test_clear_water_is_monotonic_in_the_red(first, second):
    low, high = sorted((first, second))
    found = wq.turbidity(a(low, high), a(0.01, 0.01), coefficients=TURBIDITY).values
    assert found[0] <= found[1]


def test_suspended_matter_by_hand():
    found = wq.suspended_matter(a(0.02, 0.19563, 0.5, -0.1, np.nan), coefficients=coefficients("spm"))
    np.testing.assert_allclose(found, [342.1 * 0.02 / (1 - 0.02 / 0.19563), *[np.nan] * 4])


def test_chlorophyll_by_hand_and_never_rising_to_the_left():
    # NDCI 0.2 of 0.02 and 0.03: 14.039 + 17.223 + 7.773
    found = wq.chlorophyll(a(0.02, 0.03, -0.1), a(0.03, 0.03, 0.02), coefficients=coefficients("chla"))
    np.testing.assert_allclose(found, [39.035, 14.039, np.nan])
    index = np.linspace(-1, 1, 401)
    swept = wq.chlorophyll(a(*(1 - index)), a(*(1 + index)), coefficients=coefficients("chla")).values
    assert np.all(np.diff(swept) >= -1e-9)
    assert swept[0] == pytest.approx(14.039 - 86.115**2 / (4 * 194.325))


def test_cdom_by_hand():
    found = wq.cdom(a(0.05, 0.05, -0.1), a(0.05, 0.0, 0.02), coefficients=coefficients("cdom"))
    np.testing.assert_allclose(found, [537 * np.exp(-2.93), np.nan, np.nan])


def test_black_water_indices():
    green, red, blue = a(0.06, 0.05, -0.01, 0), a(0.04, 0.05, 0.02, 0), a(0.05, 0.05, 0.05, 0)
    np.testing.assert_allclose(wq.ndbwi(green, red), [0.2, 0, np.nan, np.nan], atol=1e-12)
    np.testing.assert_allclose(wq.dbwi(green, red), [0.02, 0, np.nan, 0], atol=1e-12)
    np.testing.assert_allclose(wq.boi(blue, green, red), [0.02 / 0.15, 0, np.nan, np.nan], atol=1e-12)


def test_the_black_water_ratio_is_that_of_spyndex():
    random = np.random.default_rng(3)
    g, r = random.uniform(0.001, 0.5, (2, 5_000))
    expected = np.asarray(spyndex.computeIndex("NGRDI", G=g, R=r))
    np.testing.assert_allclose(wq.ndbwi(a(*g), a(*r)), expected, rtol=1e-12)
