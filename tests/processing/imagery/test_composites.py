"""Composites: Shanghai periods, the three methods, counts, and the same bytes in any order and chunks."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.imagery.composites import METHODS, composite, period_starts


def cube(n=40, shape=(9, 8), seed=1, seen=0.6, step="5D"):
    random = np.random.default_rng(seed)
    times = pd.date_range("2025-01-02T02:40", periods=n, freq=step).values
    bands = {
        name: (("time", "y", "x"), random.uniform(0, 0.8, (n, *shape)).astype(np.float32))
        for name in ("ndvi", "red", "nir")
    }
    whole = xr.Dataset(bands, coords={"time": times})
    return whole.where(xr.DataArray(random.random((n, *shape)) < seen, dims=("time", "y", "x")))


def test_periods_begin_at_shanghai_midnight():
    times = np.array(["2025-12-31T15:59", "2025-12-31T16:00", "2026-04-01T02:00"], dtype="datetime64[ns]")
    assert [str(t)[:16] for t in period_starts(times, "P1M")] == [
        "2025-11-30T16:00", "2025-12-31T16:00", "2026-03-31T16:00",
    ]  # fmt: skip
    assert [str(t)[:13] for t in period_starts(times, "P3M")] == ["2025-09-30T16", "2025-12-31T16", "2026-03-31T16"]
    assert [str(t)[:13] for t in period_starts(times, "P1Y")] == ["2024-12-31T16", "2025-12-31T16", "2025-12-31T16"]


def test_a_median_by_month_is_that_of_numpy():
    views = cube()
    found = composite(views)
    starts = period_starts(views["time"].values, "P1M")
    assert found["time"].values.tolist() == np.unique(starts).tolist()
    for i, start in enumerate(found["time"].values):
        part = views["red"].values[starts == start]
        seen = np.isfinite(part).sum(axis=0)
        middle = np.array([[np.median(c[np.isfinite(c)]) if np.isfinite(c).any() else np.nan for c in row]
                           for row in np.moveaxis(part, 0, -1)])  # fmt: skip
        np.testing.assert_allclose(found["red"][i], middle, rtol=1e-6)
        np.testing.assert_array_equal(found["n_obs"][i], seen)
    assert found["red"].attrs["cell_methods"] == "time: median"
    assert found["red"].dtype == np.float32


def test_the_greenest_view_and_the_medoid_are_views_that_existed():
    views = cube()
    for how in ("max_ndvi", "medoid"):
        found = composite(views, period="P1Y", how=how)
        chosen = np.stack([found[b].values[0] for b in ("ndvi", "red", "nir")])
        there = np.stack([views[b].values for b in ("ndvi", "red", "nir")])
        same = (there == chosen[:, None]).all(axis=0)
        assert (same.sum(axis=0) >= 1)[found["n_obs"].values[0] > 0].all()
    green = composite(views, period="P1Y", how="max_ndvi")["ndvi"].values[0]
    np.testing.assert_array_equal(green, np.nanmax(views["ndvi"].values, axis=0))


def test_the_medoid_is_nearest_to_the_median():
    values = np.array([0.1, 0.2, 0.9], dtype=np.float32)
    views = xr.Dataset(
        {"red": (("time", "x"), values[:, None]), "nir": (("time", "x"), values[::-1, None].copy())},
        coords={"time": pd.date_range("2025-05-01", periods=3).values},
    )
    found = composite(views, how="medoid")
    assert float(found["red"][0, 0]) == np.float32(0.2)


@pytest.mark.parametrize("how", METHODS)
@pytest.mark.parametrize("period", ["P1M", "P3M"])
def test_order_and_chunks_change_no_bit(how, period):
    views = cube(n=24, shape=(5, 4))
    expected = composite(views, period=period, how=how)
    order = np.random.default_rng(2).permutation(views.sizes["time"])
    for chunks in ({"time": 7, "y": 4, "x": 3}, {"y": 1}):
        found = composite(views.isel(time=order).chunk(chunks), period=period, how=how)
        for name in expected.data_vars:
            assert found[name].values.tobytes() == expected[name].values.tobytes()


@settings(max_examples=30)
@given(st.lists(st.floats(0, 1, width=32) | st.just(float("nan")), min_size=1, max_size=7), st.sampled_from(METHODS))
def test_a_composite_lies_within_its_views(values, how):
    views = xr.Dataset(
        {"ndvi": (("time", "x"), np.array(values, dtype=np.float32)[:, None])},
        coords={"time": pd.date_range("2025-05-01", periods=len(values)).values},
    )
    found = composite(views, how=how)
    finite = [v for v in values if np.isfinite(v)]
    assert int(found["n_obs"][0, 0]) == len(finite)
    value = float(found["ndvi"][0, 0])
    assert np.isnan(value) if not finite else min(finite) <= value <= max(finite)


def test_a_view_counts_only_whole():
    views = cube(n=3, shape=(1, 1), seen=1)
    views["red"][0] = np.nan
    assert int(composite(views, period="P1Y")["n_obs"][0, 0, 0]) == 2


def test_wrong_questions_are_refused():
    views = cube(n=2)
    with pytest.raises(ValueError, match="'P1D'"):
        composite(views, period="P1D")
    with pytest.raises(ValueError, match="'mean'"):
        composite(views, how="mean")
    with pytest.raises(ValueError, match="ndvi"):
        composite(views.drop_vars("ndvi"), how="max_ndvi")
    with pytest.raises(ValueError, match="at least one view"):
        composite(views.isel(time=[]))
