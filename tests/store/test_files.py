"""Files appear whole or not at all, and rasters come back as they went."""

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from domain.errors import FeedCorrupt, StoreError
from store import files as module
from store.files import Files, Header, as_array

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


def test_the_limit_is_that_of_the_window_and_of_the_block(files, tmp_path):
    place = tmp_path / "wide.tif"
    profile = {"driver": "GTiff", "width": 4096, "height": 4096, "count": 1, "dtype": "uint8", "crs": 32650}
    with rasterio.open(place, "w", **profile, transform=GRID, tiled=True, blockxsize=256, blockysize=256) as target:
        target.write(np.ones((1, 4096, 4096), dtype="uint8"))
    small = Files(tmp_path, max_cells=100_000)
    assert small.read_raster(place, window=(0, 0, 100, 100)).shape == (100, 100)
    with pytest.raises(FeedCorrupt, match="claims 4096 x 4096 x 1 cells"):
        small.read_raster(place)
    with rasterio.open(place, "w", **profile, transform=GRID, tiled=True, blockxsize=1024, blockysize=1024) as target:
        target.write(np.ones((1, 4096, 4096), dtype="uint8"))
    with pytest.raises(FeedCorrupt, match="in blocks of up to 1048576; more than 100000 are not read"):
        small.read_raster(place, window=(0, 0, 100, 100))  # the whole block would have to be unpacked


def test_the_header_alone_tells_what_a_raster_is(files):
    files.write_cog("h.tif", raster(np.zeros((700, 600), dtype="uint8"), nodata=None), nodata=None)
    info = files.raster_info("h.tif")
    assert (info.shape, info.count, info.dtype, info.crs, info.nodata) == ((700, 600), 1, "uint8", "EPSG:32650", None)
    assert info.bounds == (350000, 3180000 - 42000, 386000, 3180000)


def test_one_band_of_several_is_read_alone(files):
    cells = np.stack([np.full((8, 9), n, dtype="int16") for n in (1, 2, 3)])
    files.write_cog("s.tif", raster(cells, nodata=None), nodata=None)
    assert files.read_raster("s.tif").shape == (3, 8, 9)
    assert (files.read_raster("s.tif", layer=2).values == 2).all()
    assert files.read_raster("s.tif", layer=2).dims == ("y", "x")
    with pytest.raises(FeedCorrupt, match=r"s\.tif: band 4 was wanted, it has 3"):
        files.read_raster("s.tif", layer=4)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.99])
def test_a_truncated_cog_is_not_whole(files, share):
    place = files.write_cog("t.tif", raster(np.random.default_rng(1).integers(0, 9999, (900, 900))), nodata=0)
    assert files.whole("t.tif") == ".tif"
    place.write_bytes(place.read_bytes()[: int(place.stat().st_size * share)])
    with pytest.raises(FeedCorrupt, match=r"t\.tif: the raster cannot be read .*fetch it again"):
        files.whole("t.tif")


@pytest.mark.parametrize("share", [0.9, 0.999])
def test_overviews_at_the_end_of_a_file_are_looked_at_too(files, tmp_path, share):
    place = tmp_path / "o.tif"
    cells = np.random.default_rng(1).integers(0, 4000, (1, 600, 600)).astype("uint16")
    profile = {"driver": "GTiff", "height": 600, "width": 600, "count": 1, "dtype": "uint16", "crs": 32650}
    with rasterio.open(place, "w", **profile, transform=GRID, tiled=True) as target:
        target.write(cells)
    with rasterio.open(place, "r+") as target:
        target.build_overviews([2, 4])
    assert files.whole(place) == ".tif"
    place.write_bytes(place.read_bytes()[: int(place.stat().st_size * share)])
    with pytest.raises(FeedCorrupt, match=r"o\.tif: the raster cannot be read"):
        files.whole(place)


def test_a_document_that_opens_other_files_is_not_opened(files, tmp_path):
    files.write_cog("secret.tif", raster(np.zeros((8, 8), dtype="uint8")), nodata=None)
    (tmp_path / "x.tif").write_text(
        f'<VRTDataset rasterXSize="8"><SourceFilename>{tmp_path}/secret.tif</SourceFilename>'
    )
    with pytest.raises(FeedCorrupt, match=r"x\.tif: it is no GeoTIFF"):
        files.read_raster("x.tif")


def test_a_file_is_moved_to_its_name_at_once(files, tmp_path):
    (tmp_path / "part").write_bytes(b"new")
    files.write_bytes("a/b.tif", b"old")
    assert files.adopt(tmp_path / "part", "a/b.tif").read_bytes() == b"new"
    assert not (tmp_path / "part").exists()
    with pytest.raises(StoreError, match="inside the store"):
        files.adopt(tmp_path / "a", "../b")


def test_a_raster_written_in_parts_has_the_bytes_of_the_whole(tmp_path, monkeypatch):
    """In memory and on the disk, any cut; a second writing leaves the file alone."""
    files, place = Files(tmp_path), from_origin(700_000, 3_150_000, 10, 10)
    cells = np.random.default_rng(0).random((2, 300, 500)).astype(np.float32)
    cells[:, :20] = np.nan
    data = as_array(cells, transform=place, crs="EPSG:32650", nodata=None)
    whole = files.write_cog("whole.tif", data, nodata=np.nan, tags={"note": "注"}).read_bytes()
    header = Header(cells.shape, "float32", "EPSG:32650", place, np.nan)
    parts = [(r, c, cells[:, r : r + 128, c : c + 256]) for r in range(0, 300, 128) for c in range(0, 500, 256)]
    assert files.write_cog_parts("parts.tif", header, parts, tags={"note": "注"}).read_bytes() == whole
    monkeypatch.setattr(module, "_SMALL", 0)
    disk = files.write_cog_parts("disk.tif", header, parts, tags={"note": "注"})
    assert disk.read_bytes() == whole
    before = disk.stat().st_ino
    assert files.write_cog_parts("disk.tif", header, parts, tags={"note": "注"}).stat().st_ino == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["disk.tif", "parts.tif", "whole.tif"]
