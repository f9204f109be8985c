"""Trends against pymannkendall on random series with ties and gaps, and the laws of a test by ranks."""

import numpy as np
import pandas as pd
import pymannkendall
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.imagery.trend import STATISTICS, YEAR_DAYS, trend


def series(values, times=None):
    times = np.arange(len(values), dtype=float) if times is None else times
    return xr.DataArray(np.asarray(values, dtype=float), dims="time", coords={"time": times})


def of(found):
    return [float(found[name]) for name in ("slope", "intercept", "p", "z", "tau", "s")]


def random_series(seed, length, decimals, gaps):
    random = np.random.default_rng(seed)
    values = np.round(random.normal(size=length) + np.arange(length) * random.uniform(-0.05, 0.05), decimals)
    values[random.random(length) < gaps] = np.nan
    return values


@pytest.mark.parametrize("decimals", [0, 1, 6])
@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_mann_kendall_and_sen_agree_with_pymannkendall(decimals, gaps):
    for seed in range(40):
        values = random_series(seed, 8 + seed % 30, decimals, gaps)
        if np.isfinite(values).sum() < 3 or len(set(values[np.isfinite(values)])) < 2:
            continue
        theirs = pymannkendall.original_test(values)
        expected = [theirs.slope, theirs.intercept, theirs.p, theirs.z, theirs.Tau, theirs.s]
        np.testing.assert_allclose(of(trend(series(values), n_min=3)), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("gaps", [0.0, 0.25])
def test_seasonal_test_agrees_with_pymannkendall(gaps):
    for seed in range(20):
        values = random_series(seed, 60 + seed, seed % 3, gaps)
        theirs = pymannkendall.seasonal_test(values, period=12)
        steps = np.arange(values.size)
        found = trend(series(values, steps / 12), n_min=3, seasons=steps % 12)
        expected = [theirs.slope, theirs.p, theirs.z, theirs.Tau, theirs.s]
        got = [float(found[name]) for name in ("slope", "p", "z", "tau", "s")]
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


def test_by_hand():
    # 1 3 2 4: five pairs rise, one falls; var = 4 3 13 / 18; slopes 2 1/2 1 -1 1/2 2
    found = trend(series([1, 3, 2, 4]), n_min=2)
    z = 3 / np.sqrt(4 * 3 * 13 / 18)
    np.testing.assert_allclose(of(found)[0], 0.75)
    np.testing.assert_allclose([float(found[n]) for n in ("intercept", "z", "tau", "s", "n")], [1.375, z, 4 / 6, 4, 4])


def test_a_constant_series_has_no_trend():
    found = trend(series([5, 5, 5, 5]), n_min=2)
    assert of(found) == [0, 5, 1, 0, 0, 0]


def test_too_few_values_are_withheld_but_counted():
    found = trend(series([1, np.nan, 3, 4]), n_min=4)
    assert int(found["n"]) == 3
    assert np.isnan(of(found)).all()
    alone = trend(series([1.0, 2.0], [0.0, 0.5]), n_min=2, seasons=np.array([0, 1]))
    assert np.isnan(of(alone)).all()


def test_time_counts_in_years():
    times = pd.date_range("2015-01-01", periods=9, freq="YS").values
    found = trend(series(np.arange(9) * 0.02, times), n_min=8)
    days = (times - times[0]) / np.timedelta64(1, "D")
    assert float(found["slope"]) == pytest.approx(0.02 / (days[-1] / 8 / YEAR_DAYS), rel=1e-3)
    assert found["slope"].attrs["units"] == "a-1"


def test_cells_of_a_cube_are_series_and_chunks_change_no_bit():
    random = np.random.default_rng(4)
    values = np.round(random.normal(size=(17, 11, 13)), 1).astype(np.float32)
    values[random.random(values.shape) < 0.3] = np.nan
    cube = xr.DataArray(values, dims=("time", "y", "x"), coords={"time": np.arange(17.0)}, attrs={"crs": "EPSG:32650"})
    whole = trend(cube, n_min=8)
    assert set(whole.data_vars) == set(STATISTICS)
    assert whole["slope"].attrs["crs"] == "EPSG:32650"
    for chunks in ({"time": 5, "y": 4, "x": 3}, {"y": 1, "x": 1}):
        lazy = trend(cube.chunk(chunks), n_min=8)
        for name in STATISTICS:
            assert lazy[name].values.tobytes() == whole[name].values.tobytes()
    one = trend(cube[:, 3, 5], n_min=8)
    for name in STATISTICS:
        assert float(one[name]) == float(whole[name][3, 5]) or np.isnan(float(one[name]))


@settings(max_examples=60)
@given(st.lists(st.integers(-5, 5), min_size=4, max_size=25))
def test_scale_and_shift_change_only_the_slope(values):
    found = trend(series(values), n_min=2)
    moved = trend(series(np.array(values) * 4.0 + 8.0), n_min=2)
    assert of(moved)[2:] == of(found)[2:]
    assert float(moved["slope"]) == pytest.approx(4 * float(found["slope"]))
    back = trend(series(values[::-1]), n_min=2)
    assert float(back["s"]) == -float(found["s"])
    assert float(back["p"]) == float(found["p"])


def test_seasons_of_another_length_are_refused():
    with pytest.raises(ValueError, match="3 seasons for 4 values"):
        trend(series([1, 2, 3, 4]), n_min=2, seasons=np.zeros(3))
