"""Indices against hand-computed values, and where they have no meaning."""

import numpy as np
import pytest
import spyndex
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


#: ours -> name in spyndex and its bands, in the order of our arguments
PEERS = {
    "ndvi": ("NDVI", "R N"),
    "kndvi": ("kNDVI", "R N"),
    "evi": ("EVI", "B R N"),
    "gndvi": ("GNDVI", "G N"),
    "ndre": ("NDREI", "RE1 N"),
    "ndmi": ("NDMI", "N S1"),
    "nbr": ("NBR", "N S2"),
    "rgi": ("RGRI", "R G"),
    "ndwi": ("NDWI", "G N"),
    "mndwi": ("MNDWI", "G S1"),
    "ndci": ("NDCI", "R RE1"),
    "ndti": ("NDTI", "R G"),
    "fai": ("FAI", "R N S1"),
    "bi": ("BI", "B R N S1"),
}
NM = {"lambdaR": 665.0, "lambdaN": 842.0, "lambdaS1": 1610.0}


def peer(name, bands):
    """What spyndex says at these reflectances."""
    extra = dict(NM) if name == "FAI" else {}
    if name == "EVI":
        extra = {"g": 2.5, "C1": 6.0, "C2": 7.5, "L": 1.0}
    if name == "kNDVI":
        sigma = (bands["R"] + bands["N"]) / 2
        kernel = spyndex.computeKernel("RBF", a=bands["N"], b=bands["R"], sigma=sigma)
        return np.asarray(spyndex.computeIndex("kNDVI", kNN=1.0, kNR=kernel))
    return np.asarray(spyndex.computeIndex(name, **bands, **extra))


def ours(name, bands, letters):
    extra = {"red_nm": 665.0, "nir_nm": 842.0, "swir1_nm": 1610.0} if name == "fai" else {}
    return getattr(indices, name)(*(xr.DataArray(bands[b], dims="cell") for b in letters.split()), **extra).values


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_indices_agree_with_spyndex_at_random_reflectances(name, dtype):
    theirs, letters = PEERS[name]
    random = np.random.default_rng(20260901)
    bands = {b: random.uniform(0.0, 1.0, 20_000).astype(dtype) for b in letters.split()}
    expected, found = peer(theirs, bands), ours(name, bands, letters)
    assert found.dtype == dtype
    answered = np.isfinite(found)
    assert answered.mean() > (0.5 if name == "evi" else 0.999)  # EVI has none where its denominator is negative
    if name == "evi":
        denominator = bands["N"] + 6 * bands["R"] - 7.5 * bands["B"] + 1
        np.testing.assert_array_equal(answered, denominator > 0)
        far = np.abs(denominator) > 0.01  # rounding is amplified next to the pole
        expected, found, answered = expected[far], found[far], answered[far]
    tight = {np.float64: 1e-12, np.float32: 2e-5}[dtype]
    np.testing.assert_allclose(found[answered], expected[answered], rtol=tight, atol=tight)


@pytest.mark.parametrize("name", PEERS)
def test_missing_zero_and_negative_reflectances_against_spyndex(name):
    theirs, letters = PEERS[name]
    edge = np.array([np.nan, 0.0, -0.004, -0.02, 0.03, 0.4])
    grids = np.meshgrid(*[edge] * len(letters.split()))
    bands = {b: g.ravel() for b, g in zip(letters.split(), grids, strict=True)}
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = peer(theirs, bands)
    found = ours(name, bands, letters)
    missing = np.isnan(np.stack(list(bands.values()))).any(axis=0)
    assert np.isnan(found[missing]).all()
    assert not np.isinf(found).any()
    answered = np.isfinite(found)
    assert answered.any()
    np.testing.assert_allclose(found[answered], expected[answered], rtol=1e-12, atol=1e-12)
    if name in ("fai", "evi"):  # not ratios of two sums: negative reflectance is arithmetic like any other
        return
    # Where we have no answer, a reflectance is negative, or both sums are zero (spyndex: noise, infinity or NaN).
    parts = (bands["S1"] + bands["R"], bands["N"] + bands["B"]) if name == "bi" else tuple(bands.values())
    lowest = np.minimum(*parts)
    none = (lowest < 0) | (sum(parts) <= 0) | ((name == "rgi") & (bands.get("G", lowest) == 0))
    np.testing.assert_array_equal(answered, ~missing & ~none)


def test_the_built_up_index_is_that_of_shifted_indices():
    random = np.random.default_rng(1)
    bands = {b: random.uniform(0.001, 0.6, 5_000) for b in ("B", "G", "R", "N", "S1")}
    ndbi, ndvi, mndwi = (np.asarray(spyndex.computeIndex(n, **bands)) + 1 for n in ("NDBI", "NDVI", "MNDWI"))
    built, other = ndbi, (ndvi + mndwi) / 2
    here = {b: xr.DataArray(v, dims="cell") for b, v in bands.items()}
    ibi = indices.ibi(here["G"], here["R"], here["N"], here["S1"])
    np.testing.assert_allclose(ibi, (built - other) / (built + other), rtol=1e-12, atol=1e-14)
    ndbsi = indices.ndbsi(here["B"], here["G"], here["R"], here["N"], here["S1"])
    bare = np.asarray(spyndex.computeIndex("BI", **bands))
    np.testing.assert_allclose(ndbsi, (ibi + bare) / 2, rtol=1e-12, atol=1e-14)


def test_areas_may_have_ends_of_their_own():
    soil, full = a(0.1, 0.2, 0.5), a(0.9, 0.8, 0.5)
    np.testing.assert_allclose(indices.fvc(a(0.5, 0.5, 0.5), soil=soil, vegetation=full), [0.5, 0.5, np.nan])


def test_a_weighted_sum_needs_a_weight_a_band():
    np.testing.assert_allclose(indices.weighted_sum([a(1.0), a(2.0)], [0.5, -1.0]), [-1.5])
    with pytest.raises(ValueError, match="zip"):
        indices.weighted_sum([a(1.0)], [0.5, 1.0])


def test_burning_lowers_the_ratio():
    before, after = indices.nbr(a(0.4), a(0.1)), indices.nbr(a(0.15), a(0.25))
    np.testing.assert_allclose(indices.dnbr(before, after), [0.6 + 0.25])
