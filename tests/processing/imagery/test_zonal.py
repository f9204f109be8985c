"""Zonal means: against brute force, in any order and any cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, Polygon, box

from domain.registry import Zones
from processing.imagery import zonal
from processing.imagery.grid import moved
from tests.processing.imagery.rasters import grid

ORIGIN = {"left": 700_000, "top": 3_150_000}
HERE = grid(20, 30, **ORIGIN)


def zones(*shapes):
    ids = tuple(str(i) for i in range(len(shapes)))
    return Zones(ids, ids, ids, ids, tuple(moved(s, "EPSG:32650", "EPSG:4326") for s in shapes))


def cells(left, bottom, right, top):
    """A box in cells from the upper left corner, in metres."""
    x, y = ORIGIN["left"], ORIGIN["top"]
    return box(x + 60 * left, y - 60 * bottom, x + 60 * right, y - 60 * top)


def test_a_cell_belongs_to_the_zone_of_its_centre():
    hole = Polygon(cells(0, 6, 6, 0).exterior, [cells(2, 4, 4, 2).exterior])
    found = zonal.zone_raster(zones(hole, cells(6.4, 5, 9.4, 0), cells(20.1, 1, 20.3, 0.6)), HERE)
    assert found.dtype == np.int32
    assert (found == 1).sum() == 36 - 4
    assert found[3, 3] == 0
    assert sorted(np.flatnonzero((found == 2).any(axis=0)).tolist()) == [6, 7, 8]
    assert (found == 3).sum() == 0


def test_the_zone_raster_agrees_with_points_in_polygons():
    rng = np.random.default_rng(4)
    x0, y0 = ORIGIN["left"], ORIGIN["top"] - 60 * 20
    shape = Polygon(rng.random((9, 2)) * [60 * 30, 60 * 20] + [x0, y0]).convex_hull
    found = zonal.zone_raster(zones(shape), HERE) == 1
    layer = HERE.layer(np.zeros(HERE.shape))
    for i, y in enumerate(layer.y.values):
        for j, x in enumerate(layer.x.values):
            if shape.exterior.distance(Point(x, y)) > 0.01:  # the way to degrees and back moves edges by millimetres
                assert found[i, j] == shape.contains(Point(x, y))


def test_the_zone_raster_is_made_once_and_cannot_be_spoilt():
    same = zones(cells(0, 5, 5, 0))
    first = zonal.zone_raster(same, HERE)
    assert zonal.zone_raster(zones(cells(0, 5, 5, 0)), HERE) is first
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 9
    assert not zonal.zone_raster(zones(), HERE).any()


@st.composite
def fields(draw):
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    values = rng.normal(0.4, 0.3, (13, 17)).astype(np.float32)
    values[rng.random(values.shape) < draw(st.sampled_from([0.0, 0.3, 1.0]))] = np.nan
    return values, rng.integers(0, 5, values.shape).astype(np.int32)


@given(fields())
def test_means_are_those_of_brute_force(field):
    values, labels = field
    found = zonal.zonal_mean(values, labels, 5)
    for k in range(5):
        inside = values[labels == k + 1].astype(np.float64)
        seen = inside[np.isfinite(inside)]
        assert found.n_expected[k] == inside.size
        assert found.n_valid[k] == seen.size
        if seen.size:
            assert found.mean[k] == pytest.approx(seen.mean(), abs=1e-6)
        else:
            assert np.isnan(found.mean[k])


@settings(max_examples=50)
@given(fields(), st.integers(1, 12), st.integers(0, 99))
def test_any_cut_and_any_order_give_the_same_bytes(field, cut, seed):
    values, labels = field
    whole, count, expected = zonal.zonal_sums(values, labels, 5)
    upper, lower = zonal.zonal_sums(values[:cut], labels[:cut], 5), zonal.zonal_sums(values[cut:], labels[cut:], 5)
    assert (upper[0] + lower[0]).tobytes() == whole.tobytes()
    assert (upper[1] + lower[1]).tolist() == count.tolist()
    assert (upper[2] + lower[2]).tolist() == expected.tolist()
    order = np.random.default_rng(seed).permutation(values.size)
    mixed = zonal.zonal_sums(values.ravel()[order], labels.ravel()[order], 5)
    assert mixed[0].tobytes() == whole.tobytes()


def test_too_little_is_withheld():
    values = np.array([[1.0, np.nan, np.nan, np.nan], [1, 1, 1, np.nan]])
    labels = np.array([[1, 1, 1, 1], [2, 2, 2, 2]])
    found = zonal.zonal_mean(values, labels, 3)
    assert zonal.withheld(found, 0.3).tolist() == [True, False, True]
    assert zonal.withheld(found, 0.0).tolist() == [False, False, True]
