"""Pure water and what floats on it."""

import numpy as np

from processing.imagery import grid as grids
from processing.imagery.tables import thresholds
from processing.imagery.water import bloom, bloom_area, inner_water

LIMITS = thresholds()


def lake():
    bodies = np.zeros((12, 14), dtype=np.int32)
    bodies[2:9, 2:9] = 1  # 7 x 7
    bodies[2:9, 9:13] = 2  # touches it, 7 x 4
    return bodies


def test_rims_are_left_out_also_between_bodies():
    found = inner_water(lake(), resolution=60, shore_buffer_m=20)
    assert (found == 1).sum() == 5 * 5
    assert (found == 2).sum() == 5 * 2


def test_a_wider_buffer_leaves_less():
    # Edges of the second ring are 90 m from the centres of the rim.
    assert (inner_water(lake(), resolution=60, shore_buffer_m=90) == 1).sum() == 3 * 3
    assert (inner_water(lake(), resolution=60, shore_buffer_m=91) == 1).sum() == 1
    assert not inner_water(np.zeros((3, 3), dtype=np.int32), resolution=60, shore_buffer_m=20).any()


def test_the_edge_of_the_grid_is_a_shore():
    found = inner_water(np.ones((5, 5), dtype=np.int32), resolution=10, shore_buffer_m=0)
    assert found.sum() == 9


def test_a_bloom_needs_chlorophyll_and_something_floating():
    ndci = np.array([0.3, 0.3, 0.0, np.nan, 0.3])
    fai = np.array([0.05, 0.0, 0.05, 0.05, np.nan])
    assert bloom(ndci, fai, LIMITS).tolist() == [True, False, False, False, False]


def test_area_is_counted_over_inner_cells_that_were_seen():
    bodies = lake()
    inner = inner_water(bodies, resolution=60, shore_buffer_m=20)
    blooming = np.zeros(bodies.shape, dtype=bool)
    blooming[2:6, 2:6] = True  # of which 3 x 3 are inner cells
    seen = np.ones(bodies.shape, dtype=bool)
    seen[3, 3] = False
    found = bloom_area(blooming, seen, inner, 2, cell_ha=0.36)
    np.testing.assert_allclose(found.area_ha, [8 * 0.36, 0])
    assert found.n_valid.tolist() == [24, 10]
    assert found.n_expected.tolist() == [25, 10]


def test_blocks_of_a_large_grid_give_what_the_whole_gives(monkeypatch):
    bodies = np.zeros((50, 60), dtype=np.int32)
    bodies[5:40, 3:33], bodies[20:50, 33:58] = 1, 2
    bodies[15:18, 10:20] = 0
    whole = inner_water(bodies, resolution=10, shore_buffer_m=25)
    monkeypatch.setattr(grids, "TILE", 16)
    monkeypatch.setattr(grids, "BLOCK_CELLS", 256)
    assert len(grids.blocks(bodies.shape)) > 10
    np.testing.assert_array_equal(inner_water(bodies, resolution=10, shore_buffer_m=25), whole)
