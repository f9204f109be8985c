"""What a scene may be trusted with."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from processing.imagery.mask import clear, clear_of, dark, halo
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


@settings(max_examples=60)
@given(
    st.integers(0, 9999),
    st.sampled_from([0.0, 0.002, 0.05, 0.6]),
    st.sampled_from([(20, 100), (60, 100), (10, 26), (10, 0), (30, 200)]),
)
def test_the_buffer_is_round_and_blocks_with_a_halo_give_the_same(seed, share, sizes):
    resolution, within = sizes
    rng = np.random.default_rng(seed)
    codes = np.where(rng.random((37, 41)) < share, 9, rng.choice([0, 4, 6], (37, 41))).astype(np.uint8)
    found = clear_of(codes, resolution=resolution, buffer_m=within)
    clouds = codes == 9
    away = ndimage.distance_transform_edt(~clouds, sampling=resolution) if clouds.any() else np.full(codes.shape, 1e9)
    np.testing.assert_array_equal(found, (codes != 0) & ~clouds & (away - resolution / 2 >= within))
    beside = halo(resolution, within)
    for first in range(0, 37, 10):
        above = max(first - beside, 0)
        part = clear_of(codes[above : first + 10 + beside], resolution=resolution, buffer_m=within)
        np.testing.assert_array_equal(part[first - above : first - above + 10], found[first : first + 10])


def test_codes_that_no_byte_holds_are_dropped():
    assert clear_of(np.array([[260, -4, 4]]), resolution=20, buffer_m=0).tolist() == [[False, False, True]]


def test_snow_and_nodata_are_dropped_without_a_buffer():
    scl = np.array([[4, 11, 4, 0, 4]], dtype=np.uint8)
    assert clear(raster(scl), buffer_m=100).values.tolist() == [[True, False, True, False, True]]
