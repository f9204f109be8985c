"""Cells of zones by both rules, and their statistics: against exactextract, rasterstats and brute force."""

import numpy as np
import pytest
from affine import Affine
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterstats import zonal_stats
from shapely import Point, Polygon, box
from shapely.affinity import scale
from shapely.geometry import mapping

from domain.registry import Zones
from processing.imagery import zonal
from processing.imagery.cells import RULES, cells_labelled, cells_of
from processing.imagery.grid import WGS84, moved
from tests.processing.imagery.rasters import grid

LEFT, TOP, SIDE = 700_000.0, 3_150_000.0, 60.0
HERE = grid(24, 31, left=LEFT, top=TOP)
SMALL = box(LEFT + 5.2 * SIDE, TOP - 7.4 * SIDE, LEFT + 5.4 * SIDE, TOP - 7.2 * SIDE)  # within a cell, off its centre
OUTSIDE = box(LEFT - 9000, TOP + 100, LEFT - 8000, TOP + 900)
HOLE = Polygon(
    box(LEFT + 2.3 * SIDE, TOP - 12.7 * SIDE, LEFT + 12.1 * SIDE, TOP - 2.2 * SIDE).exterior,
    [box(LEFT + 4.4 * SIDE, TOP - 9.5 * SIDE, LEFT + 9.9 * SIDE, TOP - 4.1 * SIDE).exterior],
)
COLUMNS = ("mean", "sum", "std", "min", "max")


def zones(*shapes):
    ids = tuple(str(i) for i in range(len(shapes)))
    return Zones(ids, ids, ids, ids, tuple(moved(s, HERE.crs, WGS84) for s in shapes))


def given_back(layer):
    """The shapes as they are used: there and back through degrees."""
    return [moved(s, WGS84, HERE.crs) for s in layer.shapes]


@st.composite
def scenes(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    # No value twice: in which order weights of equal values count, a weighted quantile leaves open.
    values = rng.permutation(np.linspace(-0.7, 1.3, 24 * 31, dtype=np.float32)).reshape(HERE.shape)
    values[rng.random(HERE.shape) < draw(st.sampled_from([0.0, 0.3, 0.95]))] = np.nan
    middles = rng.random((3, 2)) * [31 * SIDE, 24 * SIDE]
    blobs = [
        scale(Point(LEFT + x, TOP - y).buffer(float(rng.uniform(10, 500)), quad_segs=3), 1, float(rng.uniform(0.3, 2)))
        for x, y in middles
    ]  # they overlap often, and reach over the rim
    return values, zones(*blobs, SMALL, OUTSIDE, HOLE)


def peer(values, shapes, names):
    """exactextract over the same cells."""
    source = NumPyRasterSource(
        values, xmin=LEFT, ymax=TOP, xmax=LEFT + 31 * SIDE, ymin=TOP - 24 * SIDE, nodata=float("nan")
    )
    features = [{"type": "Feature", "geometry": mapping(s), "properties": {}} for s in shapes]
    return exact_extract(source, features, names, output="pandas")


@settings(max_examples=12)
@given(scenes())
def test_fractions_agree_with_exactextract(scene):
    values, layer = scene
    cells = cells_of(layer, HERE, "fraction")
    found = zonal.statistics(values, cells, cell_ha=HERE.cell_ha, quantiles=(0.05, 0.5, 0.95))
    names = ["mean", "sum", "stdev", "min", "max", "count", *(f"quantile(q={q})" for q in (0.05, 0.5, 0.95))]
    theirs = peer(values, given_back(layer), names)
    theirs.columns = ["mean", "sum", "std", "min", "max", "n_valid", "q05", "q50", "q95"]
    seen = found["n_valid"] > 0
    np.testing.assert_allclose(found["n_valid"], theirs["n_valid"], atol=1e-6)
    for name in ("mean", "std", "min", "max", "q05", "q50", "q95"):
        np.testing.assert_allclose(found.loc[seen, name], theirs.loc[seen, name].astype(float), atol=2e-6, err_msg=name)
        assert found.loc[~seen, name].isna().all()
    np.testing.assert_allclose(found["sum"], theirs["sum"].fillna(0), atol=1e-4)
    areas = np.array([s.intersection(box(*HERE.bounds)).area for s in given_back(layer)])
    np.testing.assert_allclose(found["n_expected"] * SIDE**2, areas, rtol=1e-6, atol=1e-3)
    assert set(found["rule"]) == {"cell fraction"}


@settings(max_examples=12)
@given(scenes())
def test_centres_agree_with_rasterstats(scene):
    values, layer = scene
    found = zonal.statistics(values, cells_of(layer, HERE), cell_ha=HERE.cell_ha, quantiles=(0.5,))
    theirs = zonal_stats(
        given_back(layer)[:4] + given_back(layer)[5:],  # the one outside makes it fail
        np.where(np.isfinite(values), values, -9999).astype(np.float64),
        affine=Affine(SIDE, 0, LEFT, 0, -SIDE, TOP),
        nodata=-9999,
        stats="count mean min max std sum median",
    )
    assert found.loc[4, "n_expected"] == 0
    for mine, peers in zip(found.drop(index=4).to_dict("records"), theirs, strict=True):
        assert mine["n_valid"] == peers["count"]
        if peers["count"]:
            for name in COLUMNS:
                assert mine[name] == pytest.approx(peers[name], abs=1e-4 if name == "sum" else 2e-6), name
            assert mine["q50"] == pytest.approx(peers["median"], abs=2e-6)
        else:
            assert np.isnan(mine["mean"])
    assert set(found["rule"]) == {"cell centre"}


@settings(max_examples=4)
@given(scenes())
def test_centres_agree_with_points_in_polygons(scene):
    values, layer = scene
    found = zonal.statistics(values, cells_of(layer, HERE), cell_ha=HERE.cell_ha)
    at = HERE.layer(np.zeros(HERE.shape))
    for mine, shape in zip(found.to_dict("records"), given_back(layer), strict=True):
        inside = np.array([[shape.contains(Point(x, y)) for x in at.x.values] for y in at.y.values])
        seen = values[inside & np.isfinite(values)].astype(np.float64)
        assert mine["n_expected"] == inside.sum()
        assert mine["n_valid"] == seen.size
        assert mine["share"] == pytest.approx(seen.size / max(inside.sum(), 1))
        if seen.size:
            assert mine["mean"] == pytest.approx(seen.mean(), abs=1e-6)
            assert mine["std"] == pytest.approx(seen.std(), abs=2e-6)


@settings(max_examples=40)
@given(scenes(), st.sampled_from(RULES), st.integers(1, 24), st.integers(1, 31), st.integers(0, 99))
def test_any_blocks_in_any_order_give_the_same_bytes(scene, rule, height, width, seed):
    values, layer = scene
    cells = cells_of(layer, HERE, rule)
    whole = zonal.table(zonal.sums(values, cells), cells, cell_ha=HERE.cell_ha)
    corners = [(r, c) for r in range(0, 24, height) for c in range(0, 31, width)]
    np.random.default_rng(seed).shuffle(corners)
    parts = (zonal.sums(values[r : r + height, c : c + width], cells, row=r, column=c) for r, c in corners)
    blocked = zonal.table(zonal.added(parts, cells.n), cells, cell_ha=HERE.cell_ha)
    for name in whole.columns.drop("rule"):
        assert blocked[name].to_numpy().tobytes() == whole[name].to_numpy().tobytes(), name


def test_a_zone_smaller_than_a_cell_is_nothing_by_its_centre_and_a_share_by_fraction():
    values = np.full(HERE.shape, 0.7, dtype=np.float32)
    layer = zones(SMALL)
    centre = zonal.statistics(values, cells_of(layer, HERE), cell_ha=HERE.cell_ha).loc[0]
    fraction = zonal.statistics(values, cells_of(layer, HERE, "fraction"), cell_ha=HERE.cell_ha).loc[0]
    assert (centre["n_expected"], centre["n_valid"]) == (0, 0)
    assert np.isnan(centre["mean"])
    assert fraction["n_expected"] == pytest.approx(0.04, abs=1e-5)
    assert fraction["mean"] == pytest.approx(0.7, abs=1e-6)
    assert fraction["valid_ha"] == pytest.approx(0.04 * HERE.cell_ha, abs=1e-5)


def test_zones_that_overlap_count_their_cells_each():
    values = np.ones(HERE.shape, dtype=np.float32)
    here = box(LEFT, TOP - 10 * SIDE, LEFT + 10 * SIDE, TOP)
    found = zonal.statistics(values, cells_of(zones(here, here, here), HERE), cell_ha=HERE.cell_ha)
    assert found["n_valid"].tolist() == [100, 100, 100]


def test_classes_of_a_map_are_zones_too():
    labels = np.random.default_rng(1).integers(0, 4, HERE.shape).astype(np.uint8)
    values = np.random.default_rng(2).normal(size=HERE.shape).astype(np.float32)
    found = zonal.statistics(values, cells_labelled(labels, 4), cell_ha=HERE.cell_ha)
    for k in range(1, 4):
        assert found["mean"][k - 1] == pytest.approx(values[labels == k].mean(), abs=1e-6)
    assert found["n_expected"].tolist() == [(labels == k).sum() for k in range(1, 5)]


def test_values_too_large_for_the_quantum_are_refused_and_fewer_bits_take_them():
    values = np.full(HERE.shape, 4000.0, dtype=np.float32)
    cells = cells_of(zones(HOLE), HERE)
    with pytest.raises(ValueError, match="fewer bits"):
        zonal.statistics(values, cells, cell_ha=1)
    assert zonal.statistics(values, cells, cell_ha=1, bits=10)["mean"].tolist() == [4000.0]


def test_another_rule_is_refused():
    with pytest.raises(ValueError, match="not one of centre, fraction"):
        cells_of(zones(HOLE), HERE, "touched")
