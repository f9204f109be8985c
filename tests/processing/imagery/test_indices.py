"""Indices against hand-computed values, and where they have no meaning."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from processing.imagery import indices


def a(*values):
    return xr.DataArray(np.array(values, dtype=np.float64), dims="x")


REFLECTANCE = arrays(np.float64, 8, elements=st.floats(-0.02, 0.8, allow_nan=False) | st.just(np.nan))


def test_by_hand():
    np.testing.assert_allclose(indices.ndvi(a(0.05), a(0.45)), [0.8])
    np.testing.assert_allclose(indices.evi(a(0.03), a(0.05), a(0.45)), [2.5 * 0.4 / (0.45 + 0.3 - 0.225 + 1)])
    np.testing.assert_allclose(indices.ndwi(a(0.09), a(0.03)), [0.5])
    np.testing.assert_allclose(indices.mndwi(a(0.06), a(0.02)), [0.5])
    np.testing.assert_allclose(indices.ndci(a(0.02), a(0.03)), [0.2])
    np.testing.assert_allclose(indices.bi(a(0.10), a(0.25), a(0.30), a(0.35)), [(0.60 - 0.40) / (0.60 + 0.40)])


def test_fai_is_the_height_above_the_line_from_red_to_swir():
    nm = {"red_nm": 660, "nir_nm": 860, "swir1_nm": 1660}
    # The line from 0.02 at 660 to 0.01 at 1660 stands at 0.018 at 860.
    np.testing.assert_allclose(indices.fai(a(0.02), a(0.10), a(0.01), **nm), [0.082])
    np.testing.assert_allclose(indices.fai(a(0.02), a(0.018), a(0.01), **nm), [0], atol=1e-15)


def test_fvc_runs_from_soil_to_vegetation_and_is_clipped():
    found = indices.fvc(a(-0.3, 0.1, 0.5, 0.9, 0.99, np.nan), soil=0.1, vegetation=0.9)
    np.testing.assert_allclose(found, [0, 0, 0.5, 1, 1, np.nan], atol=1e-6)
    with pytest.raises(ValueError, match="above"):
        indices.fvc(a(0.5), soil=0.5, vegetation=0.5)


def test_noise_around_zero_has_no_ratio():
    found = indices.normalized_difference(a(0.01, -0.001, 0.0, 0.02, np.nan), a(-0.009, -0.002, 0.0, 0.02, 0.1))
    np.testing.assert_allclose(found, [np.nan, np.nan, np.nan, 0, np.nan])


@given(REFLECTANCE, REFLECTANCE)
def test_a_ratio_is_odd_bounded_and_keeps_nan(first, second):
    there = indices.normalized_difference(a(*first), a(*second)).values
    back = indices.normalized_difference(a(*second), a(*first)).values
    np.testing.assert_array_equal(there, -back)
    assert np.all(np.isnan(there) | (np.abs(there) <= 1))
    assert np.all(np.isnan(there[np.isnan(first) | np.isnan(second)]))


@given(REFLECTANCE, REFLECTANCE, REFLECTANCE, REFLECTANCE)
def test_every_index_gives_nan_for_nan(blue, red, nir, swir1):
    bands = {"blue": a(*blue), "red": a(*red), "nir": a(*nir), "swir1": a(*swir1)}
    missing = np.isnan(np.stack([blue, red, nir, swir1])).any(axis=0)
    assert np.isnan(indices.bi(**bands).values[missing]).all()
    evi = indices.evi(bands["blue"], bands["red"], bands["nir"]).values
    assert np.isnan(evi[np.isnan(blue) | np.isnan(red) | np.isnan(nir)]).all()
