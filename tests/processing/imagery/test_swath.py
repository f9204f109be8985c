"""Swath cells on a grid: nothing is lost, nothing invented."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from shapely import Polygon, box

from processing.imagery.grid import Grid
from processing.imagery.swath import binned, coarse

GRID = Grid("EPSG:32650", 740_000, 3_180_000, 2000, 30, 30)
TO_DEGREES = Transformer.from_crs("EPSG:32650", "EPSG:4326", always_xy=True)


def at(x, y):
    lon, lat = TO_DEGREES.transform(x, y)
    return np.array([lat]), np.array([lon])


def square(x, y, side):
    """Corners of a square cell, in order around it."""
    xs = np.array([[x - side / 2, x + side / 2, x + side / 2, x - side / 2]])
    ys = np.array([[y - side / 2, y - side / 2, y + side / 2, y + side / 2]])
    lon, lat = TO_DEGREES.transform(xs, ys)
    return lat, lon


def one(x, y, value=1.0, side=6000, usable=True, corners=True, **options):
    lat, lon = at(x, y)
    around = square(x, y, side) if corners else None
    return binned(np.array([value]), np.array([usable]), lat, lon, GRID, corners=around, **options)


def test_the_weights_of_a_cell_inside_are_one():
    found = one(770_000, 3_150_000, 5.0)
    assert float(found["weight"].sum()) == pytest.approx(1)
    seen = found["value"].values[found["weight"].values > 0]
    assert (seen == 5).all()
    assert found["value"].attrs["crs"] == "EPSG:32650"


def test_a_cell_fills_the_grid_cells_under_it_as_its_polygon_does():
    found = one(769_300, 3_150_700, 1.0, points=24)["weight"].values
    lat, lon = square(769_300, 3_150_700, 6000)
    back = Transformer.from_crs("EPSG:4326", "EPSG:32650", always_xy=True).transform(lon[0], lat[0])
    ring = Polygon(zip(*back, strict=True))
    for row in range(GRID.height):
        for column in range(GRID.width):
            left, top = GRID.left + 2000 * column, GRID.top - 2000 * row
            share = ring.intersection(box(left, top - 2000, left + 2000, top)).area / ring.area
            assert found[row, column] == pytest.approx(share, abs=0.01)


def test_centres_alone_leave_holes():
    assert int((one(770_000, 3_150_000, corners=False)["weight"].values > 0).sum()) == 1


@pytest.mark.parametrize(("value", "usable"), [(np.nan, True), (1.0, False)])
def test_what_may_not_be_used_takes_no_part(value, usable):
    found = one(770_000, 3_150_000, value, usable=usable)
    assert np.isnan(found["value"].values).all()
    assert float(found["weight"].sum()) == 0


def test_two_cells_are_weighted_by_their_parts():
    x, y = 770_000, 3_150_000
    pairs = [at(x, y), at(x + 3000, y)]
    corners = [square(x, y, 6000), square(x + 3000, y, 6000)]
    found = binned(
        np.array([1.0, 3.0]),
        np.array([True, True]),
        np.concatenate([p[0] for p in pairs]),
        np.concatenate([p[1] for p in pairs]),
        GRID,
        corners=(np.concatenate([c[0] for c in corners]), np.concatenate([c[1] for c in corners])),
        points=30,
    )
    total = np.nansum(found["value"].values * found["weight"].values)
    assert total == pytest.approx(4, rel=1e-6)
    both = found["value"].values[14, 15]
    assert 1 < both < 3


def test_a_cell_across_the_date_line_and_shapes_that_differ():
    lat, lon = np.array([28.0]), np.array([179.99])
    corners = (np.array([[27.9, 27.9, 28.1, 28.1]]), np.array([[179.9, -179.9, -179.9, 179.9]]))
    found = binned(np.array([1.0]), np.array([True]), lat, lon, GRID, corners=corners)
    assert float(found["weight"].sum()) == 0
    with pytest.raises(ValueError, match="shapes differ"):
        binned(np.zeros(2), np.ones(2, bool), lat, lon, GRID)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_the_order_of_cells_changes_nothing_but_the_last_digits(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(735_000, 805_000, 40), rng.uniform(3_115_000, 3_185_000, 40)
    lon, lat = TO_DEGREES.transform(x, y)
    values, usable, order = rng.normal(size=40), rng.random(40) < 0.8, rng.permutation(40)
    one_way = binned(values, usable, lat, lon, GRID)
    other = binned(values[order], usable[order], lat[order], lon[order], GRID)
    np.testing.assert_allclose(one_way["value"].values, other["value"].values, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(one_way["weight"].values, other["weight"].values)


def test_a_coarse_grid_covers_the_fine_one():
    fine = Grid("EPSG:32650", 740_060, 3_180_010, 10, 3101, 2047)
    found = coarse(fine, 2000)
    west, south, east, north = fine.bounds
    assert found.left <= west < found.left + 2000
    assert found.top - 2000 < north <= found.top
    assert found.bounds[1] <= south
    assert found.bounds[2] >= east
    assert found.left % 2000 == found.top % 2000 == 0
