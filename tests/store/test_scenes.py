"""Bands of scenes by name, and files that are no longer what came."""

import numpy as np
import pytest

from domain.errors import FeedCorrupt
from store.files import Files
from store.scenes import FILES, read_band, sha256
from tests.store.grids import geotiff, netcdf, scene_row

STACK = np.stack([np.full((4, 6), 10 * n, "uint16") for n in range(1, 9)])


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def test_a_band_of_its_own_file_by_either_name(tmp_path, files):
    row = scene_row("sentinel-2-c1-l2a", {"nir": str(geotiff(tmp_path, STACK[0]))})
    assert (read_band(files, row, "B08").values == 10).all()
    assert (read_band(files, row, "nir").values == 10).all()


def test_a_band_of_a_file_of_several(tmp_path, files):
    row = scene_row("gf6-wfv", {"data": str(geotiff(tmp_path, STACK))})
    assert (read_band(files, row, "yellow").values == 80).all()
    part = read_band(files, row, "B5", window=(1, 2, 2, 3))
    assert part.shape == (2, 3)
    assert (part.values == 50).all()
    gf1 = scene_row("gf1-wfv", {"data": str(geotiff(tmp_path, STACK[:2], name="two.tif"))})
    with pytest.raises(FeedCorrupt, match=r"two\.tif: band 4 was wanted, it has 2; is it another product"):
        read_band(files, gf1, "nir")


def test_a_window_of_a_grid_is_that_of_the_whole(tmp_path, files):
    cells = np.arange(60, dtype="int16").reshape(6, 10)
    row = scene_row("aod", {"data": str(netcdf(tmp_path, "AOT", cells))})
    whole, part = read_band(files, row, "aod"), read_band(files, row, "aod", window=(1, 2, 3, 4))
    np.testing.assert_array_equal(part.values, cells[1:4, 2:6])
    assert part.attrs["transform"].c == pytest.approx(float(whole.x[2]) - 0.025)
    np.testing.assert_allclose(part.x, whole.x[2:6])


def test_what_a_scene_lacks_is_said(files):
    row = scene_row("sentinel-2-l2a", {"B02": "x.tif"})
    with pytest.raises(FeedCorrupt, match=r"scene one has no band 'B04'; it has \['B02'\]; fetch"):
        read_band(files, row, "B04")
    with pytest.raises(FeedCorrupt, match="scene one: 'sentinel-2-l2a' has no band 'B99'"):
        read_band(files, row, "B99")


def test_a_file_that_was_cut_since_it_came_is_not_read(tmp_path, files):
    place = geotiff(tmp_path, STACK[0], tiled=True)
    told = {"B02": {"size": place.stat().st_size, "sha256": sha256(place)}}
    row = scene_row("sentinel-2-l2a", {"B02": str(place)}, **{FILES: told})
    assert read_band(files, row, "B02", window=(0, 0, 1, 1), deep=True).values.tolist() == [[10]]
    content = bytearray(place.read_bytes())
    content[-1] ^= 1
    place.write_bytes(content)
    assert read_band(files, row, "B02").shape == (4, 6)  # the size is the same; the deep look sees it
    with pytest.raises(FeedCorrupt, match=r"scene one: x\.tif was changed since it came; ingest the scene again"):
        read_band(files, row, "B02", deep=True)
    place.write_bytes(content[:-7])
    with pytest.raises(FeedCorrupt, match=rf"x\.tif has {len(content) - 7} bytes, it had {len(content)} when it came"):
        read_band(files, row, "B02", window=(0, 0, 1, 1))
    place.unlink()
    with pytest.raises(FeedCorrupt, match=r"x\.tif is not there, it had"):
        read_band(files, row, "B02")
