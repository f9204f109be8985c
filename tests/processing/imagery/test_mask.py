"""What a scene may be trusted with."""

import numpy as np
import pytest

from processing.imagery.mask import clear, dark, near
from tests.processing.imagery.rasters import raster


def test_only_the_usual_classes_are_clear():
    codes = np.arange(13, dtype=np.uint8)[None, :]
    # Far apart, so that no buffer reaches a neighbour: one class per raster.
    seen = [bool(clear(raster(np.full((1, 1), c, dtype=np.uint8)), buffer_m=100).item()) for c in codes[0]]
    assert seen == [False, False, True, False, True, True, True, True, False, False, False, False, False]


def test_dark_classes():
    assert dark(raster(np.array([[2, 6, 4, 3]], dtype=np.uint8))).values.tolist() == [[True, True, False, False]]


@pytest.mark.parametrize(
    ("resolution", "buffer_m", "reach"),
    [(20, 100, 5), (60, 100, 2), (120, 100, 1), (120, 0, 0), (20, 10, 0), (20, 11, 1)],
)
def test_clouds_are_buffered_from_their_edge(resolution, buffer_m, reach):
    scl = np.full((1, 41), 4, dtype=np.uint8)
    scl[0, 20] = 9
    seen = clear(raster(scl, resolution=resolution), buffer_m=buffer_m).values[0]
    assert np.flatnonzero(~seen).tolist() == list(range(20 - reach, 20 + reach + 1))


def test_the_buffer_is_round():
    cells = np.zeros((11, 11), dtype=bool)
    cells[5, 5] = True
    found = near(cells, resolution=10, within_m=26)
    rows, columns = np.indices(cells.shape)
    np.testing.assert_array_equal(found, np.hypot(rows - 5, columns - 5) * 10 - 5 < 26)


def test_snow_and_nodata_are_dropped_without_a_buffer():
    scl = np.array([[4, 11, 4, 0, 4]], dtype=np.uint8)
    assert clear(raster(scl), buffer_m=100).values.tolist() == [[True, False, True, False, True]]
