"""Anomalies against numpy, with few years, equal years and missing years; chunks change nothing."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from processing.imagery.anomaly import anomalies, anomaly


def history(values):
    return xr.DataArray(np.array(values, dtype=float), dims="time")


def test_by_hand():
    found = anomaly(xr.DataArray(0.5, attrs={"units": "1"}), history([0.2, 0.4, np.nan, 0.3]), years_min=3)
    assert int(found["n_years"]) == 3
    assert float(found["difference"]) == pytest.approx(0.2)
    assert float(found["percent"]) == pytest.approx(100 * 0.2 / 0.3)
    assert float(found["z"]) == pytest.approx(2.0)
    assert found["percent"].attrs["units"] == "%"


def test_too_few_years_no_spread_and_a_mean_of_zero():
    few = anomaly(xr.DataArray(0.5), history([0.2, 0.4]), years_min=3)
    assert np.isnan([float(few[n]) for n in ("difference", "percent", "z")]).all()
    assert int(few["n_years"]) == 2
    still = anomaly(xr.DataArray(0.5), history([0.2, 0.2, 0.2]), years_min=3)
    assert np.isnan(float(still["z"]))
    assert float(still["percent"]) == pytest.approx(150)
    zero = anomaly(xr.DataArray(0.5), history([-0.25, 0.25]), years_min=2)
    assert np.isnan(float(zero["percent"]))
    assert np.isfinite(float(zero["z"]))
    assert np.isnan(float(anomaly(xr.DataArray(0.5), history([]), years_min=0)["z"]))


def months(years=8, shape=(7, 6), seed=3):
    random = np.random.default_rng(seed)
    times = pd.date_range("2017-01-01", periods=12 * years, freq="MS").tz_localize("Asia/Shanghai")
    values = random.normal(0.5, 0.1, (12 * years, *shape)).astype(np.float32)
    values[random.random(values.shape) < 0.1] = np.nan
    stamps = times.tz_convert("UTC").tz_localize(None).values
    return xr.DataArray(
        values, dims=("time", "y", "x"), coords={"time": stamps}, attrs={"units": "1", "crs": "EPSG:32650"}
    )


def test_each_month_is_compared_with_the_same_month_of_earlier_years():
    series = months()
    found = anomalies(series, years_min=5)
    at = 7 * 12 + 4  # May of the eighth year
    before = series.values[4:at:12].astype(float)
    with np.errstate(invalid="ignore"):
        expected = (series.values[at] - np.nanmean(before, axis=0)) / np.nanstd(before, axis=0, ddof=1)
    enough = np.isfinite(before).sum(axis=0) >= 5
    np.testing.assert_allclose(found["z"].values[at], np.where(enough, expected, np.nan), rtol=1e-5)
    np.testing.assert_array_equal(found["n_years"].values[at], np.isfinite(before).sum(axis=0))
    assert np.isnan(found["z"].values[: 5 * 12]).all()
    assert found["z"].attrs["crs"] == "EPSG:32650"


def test_later_years_change_nothing_said_before():
    series = months()
    early, late = anomalies(series[:72], years_min=5), anomalies(series, years_min=5)
    assert late["z"].values[:72].tobytes() == early["z"].values.tobytes()


def test_chunks_change_no_bit():
    series = months(years=12)
    whole = anomalies(series, years_min=5)
    for chunks in ({"time": 10, "y": 3, "x": 2}, {"y": 1, "x": 1}):
        lazy = anomalies(series[:, :2, :2].chunk(chunks), years_min=5)
        for name in whole.data_vars:
            assert lazy[name].values.tobytes() == whole[name].values[:, :2, :2].tobytes()
