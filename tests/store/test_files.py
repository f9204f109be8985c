"""Files appear whole or not at all, and rasters come back as they went."""

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from domain.errors import FeedCorrupt, StoreError
from store.files import Files, as_array

GRID = from_origin(350000.0, 3180000.0, 60.0, 60.0)


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def raster(cells, nodata=0):
    return as_array(cells, transform=GRID, crs="EPSG:32650", nodata=nodata)


def test_a_payload_is_kept_once_and_read_back(files):
    ref = files.archive(b"##0101...", ".hj212")
    assert files.archive(b"##0101...", ".hj212") == ref
    assert files.payload(ref) == b"##0101..."
    assert len(list(files.root.rglob("*.hj212"))) == 1


def test_a_reference_to_nothing_says_so(files):
    with pytest.raises(StoreError, match="not in the archive"):
        files.payload("raw/aa/none")


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x"])
def test_a_name_may_not_leave_the_store(files, name):
    with pytest.raises(StoreError, match="inside the store"):
        files.write_bytes(name, b"x")


def test_a_raster_comes_back_as_it_went(files):
    cells = np.arange(700 * 600, dtype="uint16").reshape(700, 600)
    files.write_cog("a/b.tif", raster(cells), nodata=0)
    found = files.read_raster("a/b.tif")
    assert np.array_equal(found.values, cells)
    assert found.attrs["crs"] == "EPSG:32650"
    assert found.attrs["nodata"] == 0
    assert found.x.values[0] == 350030.0
    assert found.y.values[0] == 3179970.0
    with rasterio.open(files.path("a/b.tif")) as source:
        assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


def test_equal_rasters_are_equal_bytes(files):
    cells = np.random.default_rng(1).random((3, 64, 64)).astype("float32")
    one = files.write_cog("1.tif", raster(cells, np.nan), nodata=np.nan).read_bytes()
    two = files.write_cog("2.tif", raster(cells, np.nan), nodata=np.nan).read_bytes()
    assert one == two


def test_a_window_has_its_own_coordinates(files):
    files.write_cog("w.tif", raster(np.arange(100, dtype="int32").reshape(10, 10)), nodata=None)
    part = files.read_raster("w.tif", window=(2, 3, 4, 5))
    assert part.values[0, 0] == 23
    assert part.shape == (4, 5)
    assert part.x.values[0] == 350000 + 3.5 * 60
    assert part.attrs["nodata"] is None


def test_a_truncated_raster_is_named(files):
    place = files.write_cog("t.tif", raster(np.random.default_rng(1).integers(0, 9999, (900, 900))), nodata=0)
    place.write_bytes(place.read_bytes()[: place.stat().st_size // 2])
    with pytest.raises(FeedCorrupt, match=r"t\.tif"):
        files.read_raster("t.tif")


def test_a_raster_that_claims_too_much_is_not_read(files, tmp_path):
    bomb = tmp_path / "bomb.tif"
    with rasterio.open(
        bomb, "w", driver="GTiff", width=60000, height=60000, count=1, dtype="uint8", sparse_ok=True, tiled=True
    ):
        pass
    with pytest.raises(FeedCorrupt, match="claims"):
        files.read_raster(bomb)
