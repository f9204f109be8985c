"""RSEI: one fit over all years against numpy's own, sign, water, versions, and no bit changed by order or chunks."""

import json

import numpy as np
import pytest
import xarray as xr

from domain.errors import StoreError
from processing.imagery import rsei
from processing.imagery.products import coefficients

BOUNDS = rsei.bounds_of(coefficients("rsei"))


def scene(seed, shape=(23, 19)):
    random = np.random.default_rng(seed)
    green = random.random(shape)
    layers = {
        "ndvi": 0.2 + 0.6 * green,
        "wetness": -0.25 + 0.15 * green + 0.03 * random.random(shape),
        "ndbsi": 0.1 - 0.4 * green + 0.08 * random.random(shape),
        "lst": 36 - 9 * green + 3 * random.random(shape),
    }
    whole = xr.Dataset(
        {k: (("y", "x"), v.astype(np.float32), {"crs": "EPSG:32650"}) for k, v in layers.items()},
    )
    return whole.where(xr.DataArray(random.random(shape) < 0.9, dims=("y", "x")))


def scenes(n=4):
    water = xr.DataArray(np.random.default_rng(99).random((23, 19)) < 0.1, dims=("y", "x"))
    return [(scene(i), water if i % 2 else None) for i in range(n)]


def test_the_fit_is_a_principal_component_analysis_of_everything_pooled():
    found = rsei.fit(scenes(), BOUNDS, sensor="sentinel-2")
    pooled = np.concatenate(
        [np.stack([p.values.ravel() for p in rsei.scaled(s, BOUNDS, w)]) for s, w in scenes()], axis=1
    )
    pooled = pooled[:, np.isfinite(pooled).all(axis=0)]
    variance, axes = np.linalg.eigh(np.cov(pooled))
    axis = axes[:, -1] * np.sign(axes[0, -1])
    np.testing.assert_allclose(found.weights, axis, atol=2e-4)
    assert found.share == pytest.approx(variance[-1] / variance.sum(), abs=1e-4)
    assert found.n == pooled.shape[1]
    first = axis @ pooled
    assert (found.low, found.high) == pytest.approx((first.min(), first.max()), abs=1e-3)
    assert found.plausible


def test_order_and_chunks_change_no_bit():
    expected = rsei.fit(scenes(2), BOUNDS, sensor="sentinel-2")
    lazy = [(s.chunk(y=12, x=10), None if w is None else w.chunk(y=12, x=10)) for s, w in reversed(scenes(2))]
    assert rsei.fit(lazy, BOUNDS, sensor="sentinel-2") == expected
    whole, water = scenes()[1]
    index = rsei.apply(whole, expected, water)
    again = rsei.apply(whole.chunk(y=1, x=19), expected, water)
    assert again.chunks is not None
    assert again.values.tobytes() == index.values.tobytes()
    assert index.attrs["version"] == expected.version
    assert index.attrs["crs"] == "EPSG:32650"
    assert np.isnan(index.values[water.values]).all()
    assert ((index >= 0) & (index <= 1) | np.isnan(index)).all()


def test_a_year_does_not_move_when_another_is_looked_at():
    """The point of one fit: the same ground has the same index in every year."""
    loadings = rsei.fit(scenes(), BOUNDS, sensor="sentinel-2")
    alone, together = rsei.apply(scene(0), loadings), rsei.apply(scene(0), loadings)
    np.testing.assert_array_equal(alone, together)
    degraded = scene(0).assign(ndvi=scene(0)["ndvi"] - 0.2, lst=scene(0)["lst"] + 4)
    assert float((rsei.apply(degraded, loadings) - alone).max()) <= 0


def test_green_is_up_even_when_the_axis_comes_out_the_other_way():
    upside_down = [
        (s.assign(wetness=-s["wetness"] - 0.3, ndbsi=-s["ndbsi"], lst=50 - s["lst"]), None) for s, _ in scenes()
    ]
    found = rsei.fit(upside_down, BOUNDS, sensor="sentinel-2")
    assert found.weights[0] > 0
    assert not found.plausible


def test_loadings_are_kept_with_their_version():
    found = rsei.fit(scenes(2), BOUNDS, sensor="landsat-8")
    assert rsei.Loadings.from_json(found.to_json()) == found
    changed = json.loads(found.to_json())
    changed["weights"][0] += 0.01
    with pytest.raises(StoreError, match="do not match their version"):
        rsei.Loadings.from_json(json.dumps(changed))
    for text in ("", "[]", "{}", '{"bounds": 1}'):
        with pytest.raises(StoreError, match="cannot be read"):
            rsei.Loadings.from_json(text)


def test_what_cannot_be_fitted_is_refused():
    nothing = scene(0) * np.nan
    with pytest.raises(ValueError, match="at least two cells"):
        rsei.fit([(nothing, None)], BOUNDS, sensor="sentinel-2")
    with pytest.raises(ValueError, match="at least two cells"):
        rsei.fit([], BOUNDS, sensor="sentinel-2")
    with pytest.raises(ValueError, match="varies"):
        rsei.fit([(scene(0) * 0, None)], BOUNDS, sensor="sentinel-2")
    with pytest.raises(ValueError, match="bounds of lst"):
        rsei.bounds_of({**coefficients("rsei"), "lst_max": 0.0})
    seen = rsei.fit([(nothing, None), *scenes(2)], BOUNDS, sensor="sentinel-2")
    assert seen == rsei.fit(scenes(2), BOUNDS, sensor="sentinel-2")
