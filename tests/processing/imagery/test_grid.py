"""One grid for a county across two zones."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from domain.errors import CatalogueError, FeedCorrupt
from processing.imagery import grid as grids
from processing.imagery.grid import Window, blocks, county_grid, grid_of, mosaic, onto
from tests.processing.imagery.rasters import ZONE_51, grid, raster

COUNTY = {"crs": "EPSG:32650", "bbox": [119.53, 28.10, 120.16, 28.73], "resolution_m": 60}


def test_the_county_grid_covers_the_box_on_whole_multiples():
    found = county_grid(COUNTY)
    assert found.left % 60 == 0
    assert found.top % 60 == 0
    west, south, east, north = found.bounds
    xs, ys = Transformer.from_crs(4326, found.crs, always_xy=True).transform(
        [119.53, 119.53, 120.16, 120.16, 119.845], [28.10, 28.73, 28.10, 28.73, 28.73]
    )
    assert west <= min(xs)
    assert max(xs) <= east
    assert south <= min(ys)
    assert max(ys) <= north
    assert found.cell_ha == pytest.approx(0.36)
    assert found.width == pytest.approx(63_000 / 60, rel=0.03)


@pytest.mark.parametrize("change", [{"bbox": [120.16, 28.1, 119.53, 28.73]}, {"resolution_m": 0}])
def test_a_wrong_box_is_named(change):
    with pytest.raises(CatalogueError, match=next(iter(change))):
        county_grid(COUNTY | change)


def test_a_raster_on_the_grid_is_copied_cell_by_cell():
    data = raster(np.arange(12, dtype=np.uint8).reshape(3, 4), left=60, top=-60)
    found = onto(data, grid(3, 4), how="nearest").values
    np.testing.assert_array_equal(found, [[0, 0, 0, 0], [0, 0, 1, 2], [0, 4, 5, 6]])


def test_the_copy_is_what_warping_would_give():
    values = np.random.default_rng(1).random((6, 8)).astype(np.float32)
    values[2, 3] = np.nan
    copied = onto(raster(values, nodata=None), grid(6, 8), how="bilinear").values
    np.testing.assert_array_equal(copied, values)
    # Half a metre off the lines, so that it is warped: interior cells move by less than a hundredth of the range.
    warped = onto(raster(values, left=0.5, nodata=None), grid(6, 8), how="bilinear").values
    inner = np.s_[1:-1, 1:-1]
    seen = np.isfinite(copied[inner]) & np.isfinite(warped[inner])
    assert seen.sum() >= 20
    assert np.abs(copied[inner] - warped[inner])[seen].max() < 0.02


def test_classes_are_never_averaged():
    data = raster(np.array([[4, 9]], dtype=np.uint8), resolution=120)
    found = onto(data, grid(2, 4), how="nearest").values
    np.testing.assert_array_equal(found, [[4, 4, 9, 9]] * 2)
    with pytest.raises(ValueError, match="classes"):
        onto(data, grid(2, 4), how="bilinear")


def test_nodata_never_enters_arithmetic():
    values = np.full((8, 8), 0.3, dtype=np.float32)
    values[:, 4:] = np.nan
    found = onto(raster(values, resolution=120, nodata=None), grid(16, 16), how="bilinear").values
    assert set(np.unique(found[np.isfinite(found)])) == {np.float32(0.3)}
    assert np.isnan(found[:, 10:]).all()


def test_outside_is_missing():
    found = onto(raster(np.ones((2, 2), dtype=np.float32), left=6000), grid(2, 2), how="bilinear").values
    assert np.isnan(found).all()


def test_a_raster_without_a_place_is_refused():
    with pytest.raises(FeedCorrupt, match="reference system"):
        onto(xr.DataArray(np.ones((2, 2)), dims=("y", "x")), grid(2, 2), how="bilinear", name="B04")
    data = raster(np.ones((2, 2)))
    data.attrs["transform"] = (60, 1, 0, 1, -60, 0)
    with pytest.raises(FeedCorrupt, match="rotated"):
        grid_of(data)


def test_two_zones_meet_on_one_grid():
    """A plane in longitude, tiled in both zones, is the same plane on the county grid, without a seam at 120 E."""
    county = county_grid({"crs": "EPSG:32650", "bbox": [119.96, 28.40, 120.04, 28.46], "resolution_m": 60})

    def tile(crs, west, east):
        edge = Transformer.from_crs(4326, crs, always_xy=True).transform_bounds(west, 28.38, east, 28.48)
        left, top = np.floor(edge[0] / 60) * 60, np.ceil(edge[3] / 60) * 60
        height, width = int((top - edge[1]) / 60), int((edge[2] - left) / 60)
        x, y = np.meshgrid(left + 30 + 60 * np.arange(width), top - 30 - 60 * np.arange(height))
        lon, _ = Transformer.from_crs(crs, 4326, always_xy=True).transform(x, y)
        values = np.where((lon >= west) & (lon <= east), lon - 119, np.nan).astype(np.float32)
        return raster(values, left=left, top=top, crs=crs, nodata=None)

    scenes = []
    for crs, west, east in (("EPSG:32650", 119.94, 120.005), (ZONE_51, 119.995, 120.06)):
        band = onto(tile(crs, west, east), county, how="bilinear", name="B04")
        scenes.append(xr.Dataset({"B04": band, "clear": band.copy(data=np.isfinite(band.values))}))
    whole = mosaic(scenes)
    assert whole["clear"].values.all()
    x, y = np.meshgrid(whole["x"], whole["y"])
    lon, _ = Transformer.from_crs(county.crs, 4326, always_xy=True).transform(x, y)
    assert np.abs(whole["B04"].values - (lon - 119)).max() < 6e-6  # a hundredth of a cell


def scene(seed, value):
    rng = np.random.default_rng(seed)
    here = grid(5, 6)
    clear = rng.random(here.shape) < 0.5
    band = np.where(clear, value, np.nan).astype(np.float32)
    return xr.Dataset({"B04": here.layer(band), "B08": here.layer(band + 1), "clear": here.layer(clear)})


@settings(max_examples=30)
@given(st.lists(st.integers(0, 100), min_size=1, max_size=4))
def test_each_cell_comes_whole_from_the_first_tile_that_sees_it(seeds):
    tiles = [scene(s, i) for i, s in enumerate(seeds)]
    whole = mosaic(tiles)
    clear = np.stack([t["clear"].values for t in tiles])
    np.testing.assert_array_equal(whole["clear"].values, clear.any(axis=0))
    first = np.where(clear.any(axis=0), clear.argmax(axis=0), np.nan)
    np.testing.assert_array_equal(whole["B04"].values, first)
    np.testing.assert_array_equal(whole["B08"].values, first + 1)
    assert tiles[0]["B04"].values.shape == whole["B04"].shape


def test_a_mosaic_leaves_its_tiles_alone_and_needs_one():
    tiles = [scene(1, 1), scene(2, 2)]
    kept = [t.copy(deep=True) for t in tiles]
    mosaic(tiles)
    for now, before in zip(tiles, kept, strict=True):
        xr.testing.assert_identical(now, before)
    with pytest.raises(ValueError, match="at least one"):
        mosaic([])


@settings(max_examples=30)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 2000))
def test_blocks_cover_everything_once_and_begin_on_tiles(height, width, cells):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grids, "TILE", 16)
        found = blocks((height, width), cells)
    seen = np.zeros((height, width), dtype=int)
    for window in found:
        seen[window.cells] += 1
        assert window.row % 16 == window.column % 16 == 0
        assert len(found) == 1 or window.height * window.width <= max(cells, 256)
    assert (seen == 1).all()


def test_a_block_is_warped_as_the_whole_is(monkeypatch):
    monkeypatch.setattr(grids, "TILE", 16)
    rng = np.random.default_rng(1)
    county = grid(40, 50)
    source = raster(rng.random((80, 90)).astype(np.float32), left=county.left - 913.0, nodata=None)
    whole = onto(source, county, how="bilinear").values
    assert np.isfinite(whole).any()
    for window in blocks(county.shape, 256):
        part = onto(source, county.part(window), how="bilinear").values
        np.testing.assert_array_equal(part, whole[window.cells])
    wide = Window(16, 16, 8, 8).wider(20, county.shape)
    assert wide == (0, 0, 40, 44)
    assert Window(16, 16, 8, 8).inside(wide) == (slice(16, 24), slice(16, 24))
