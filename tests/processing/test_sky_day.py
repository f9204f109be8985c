"""A tile larger than the county, and a county larger than memory: only parts are read, and nothing else changes."""

import json

import numpy as np
import pandas as pd
import pytest
import rasterio.warp
import xarray as xr
from affine import Affine

from domain.errors import StoreError
from processing.imagery import grid as grids
from processing.imagery.grid import Grid
from processing.sky import acquisition_days, compute_sky
from processing.sky_mosaic import county_window
from processing.sky_scene import scene_zones
from store import planes
from store.files import Files, RasterInfo
from tests.processing.skyland import ALGAE, BARE, CLOUD, FOREST, GRID, NOW, home, put, scene_row, surface

BEYOND = 60  # cells on every side
WHEN = "2026-08-14T02:36:00Z"


def info(left, top, cell, shape, crs="EPSG:32650"):
    return RasterInfo(shape, 1, "uint16", crs, Affine(cell, 0, left, 0, -cell, top), 0)


def test_the_window_holds_the_county_with_a_margin():
    county = Grid("EPSG:32650", 700_000, 3_150_000, 60, 100, 50)
    assert county_window(info(690_000, 3_160_000, 20, (1500, 1500)), county) == (450, 450, 251, 401)
    assert county_window(info(700_000, 3_150_000, 60, (50, 100)), county) is None  # all of it
    assert county_window(info(100_000, 3_150_000, 60, (50, 100)), county) is None  # elsewhere: what follows says so
    assert county_window(info(0, 0, 60, (50, 100), crs=""), county) is None
    row, column, height, width = county_window(info(118.0, 30.0, 0.001, (4000, 4000), "EPSG:4326"), county)
    assert 0 < row < row + height < 4000
    assert 0 < column < column + width < 4000


def test_a_padded_tile_gives_the_products_of_the_plain_one(tmp_path, monkeypatch):
    seen = surface(cloud=(np.s_[:4, :4], CLOUD))
    plain, padded = home(tmp_path / "plain"), home(tmp_path / "padded")
    put(plain, "A", WHEN, seen)
    put(padded, "A", WHEN, seen)
    (row,) = padded.lake.read("scenes").to_dict("records")
    for href in json.loads(row["assets"]).values():
        cells = padded.files.read_raster(href)
        wide = np.pad(cells.values, BEYOND, mode="edge")
        place = Affine(60, 0, GRID.left - 60 * BEYOND, 0, -60, GRID.top + 60 * BEYOND)
        data = xr.DataArray(wide, dims=("y", "x"), attrs={"crs": GRID.crs, "transform": place})
        padded.files.write_cog(href, data, nodata=0)
    again = scene_row("A", "sentinel-2-l2a", WHEN, json.loads(row["assets"]), json.loads(row["properties"]))
    padded.lake.upsert("scenes", again, now=NOW, why="test")
    shapes = set()
    read = Files.read_raster

    def noted(self, href, **how):
        found = read(self, href, **how)
        shapes.add(found.shape[-2:])
        return found

    monkeypatch.setattr(Files, "read_raster", noted)
    for one in (plain, padded):
        assert compute_sky(one, now=NOW).rejected == 0
    assert (GRID.height + 2 * BEYOND, GRID.width + 2 * BEYOND) not in shapes  # never whole
    (day,) = acquisition_days(plain)
    for name in ("ndvi.tif", "mndwi.tif", "mask.tif"):
        # The cloud in the corner is padded too and its buffer reaches in; the middle is the same.
        one, two = (p.files.read_raster(f"products/{day}/{name}").values[8:-8, 8:-8] for p in (plain, padded))
        np.testing.assert_array_equal(one, two)


def neighbour(place, item, when):
    """The same day from the neighbouring zone, under another corner: a slope of brightness, and a cloud."""
    west, _, _, north = rasterio.warp.transform_bounds(GRID.crs, "EPSG:32651", *GRID.bounds)
    corner = Affine(60, 0, 60 * (west // 60) - 1200, 0, -60, 60 * (north // 60) + 1200)
    shape = (GRID.height + 45, GRID.width + 45)
    light = np.linspace(0.6, 1.4, shape[1])[None, :]
    assets = {}
    for band, value in FOREST.items():
        cells = np.full(shape, value) if band == "SCL" else np.rint(np.broadcast_to(value * light, shape) * 1e4) + 1000
        cells[38:44, 30:36] = CLOUD["SCL"] if band == "SCL" else CLOUD[band] * 1e4 + 1000
        kind = np.uint8 if band == "SCL" else np.uint16
        assets[band] = f"scenes/{item}/{band}.tif"
        data = xr.DataArray(cells.astype(kind), dims=("y", "x"), attrs={"crs": "EPSG:32651", "transform": corner})
        place.files.write_cog(assets[band], data, nodata=0)
    said = {"s2:processing_baseline": "05.11", "s2:mgrs_tile": "51RTM", "created": when}
    row = scene_row(item, "sentinel-2-l2a", when, assets, said).assign(epsg=32651)
    place.lake.upsert("scenes", row, now=NOW, why="test")


def everything(place):
    """Every file the sky eye made, and what it says."""
    files = {
        str(p.relative_to(place.files.root)): p.read_bytes()
        for folder in ("products", "candidates")
        for p in place.files.path(folder).rglob("*")
        if p.is_file() and p.suffix != ".png"
    }
    return files, place.lake.read("indicators"), place.lake.read("candidates")


def test_any_size_of_blocks_gives_the_same_bytes(tmp_path, monkeypatch):
    """Blocks of 16 x 16 cells on the disk and one block in memory: two zones, clouds, a lake, events across edges."""
    monkeypatch.setattr(grids, "TILE", 16)
    hidden = np.s_[:, 22:]
    nothing = dict.fromkeys(FOREST, 0.0)
    found = []
    for name, cells, small in (("whole", 10**6, 10**6), ("parts", 256, 0)):
        monkeypatch.setattr(grids, "BLOCK_CELLS", cells)
        monkeypatch.setattr(planes, "SMALL_CELLS", small)
        place = home(tmp_path / name)
        for number, when in enumerate(("2026-08-09T02:36:00Z", WHEN)):
            last = {"cut": (np.s_[13:20, 13:20], BARE), "bloom": (np.s_[5:12, 4:11], ALGAE)} if number else {}
            bands = surface(**last, edge=(hidden, nothing), cloud=(np.s_[:4, :4], CLOUD))
            for band in set(bands) - {"SCL"}:
                bands[band][hidden] = np.nan
            put(place, f"S{number}", when, bands)
            neighbour(place, f"N{number}", when)
        assert compute_sky(place, now=NOW).rejected == 0
        found.append(everything(place))
    (files, indicators, candidates), others = found
    assert {"clearing", "bloom"} <= set(candidates["kind"])
    assert set(candidates["before_scenes"]) == {"S0 N0"}
    assert files.keys() == others[0].keys()
    assert [name for name, content in files.items() if content != others[0][name]] == []
    pd.testing.assert_frame_equal(indicators, others[1])
    pd.testing.assert_frame_equal(candidates, others[2])


@pytest.mark.parametrize("damaged", ["SCL", "B08"])
def test_a_scene_damaged_in_one_block_is_refused_whole(tmp_path, monkeypatch, damaged):
    monkeypatch.setattr(grids, "TILE", 16)
    monkeypatch.setattr(grids, "BLOCK_CELLS", 256)
    place = home(tmp_path)
    put(place, "A", WHEN, surface())
    put(place, "B", WHEN, surface(), tile="50RPS")
    broken = place.files.path(f"scenes/A/{damaged}.tif")
    broken.write_bytes(broken.read_bytes()[:-16])
    counts = compute_sky(place, now=NOW)
    assert counts.rejected == 1
    (row,) = place.lake.read("indicators").query("indicator == 'ecology.ndvi'")["detail"].unique()
    assert "A refused (unreadable_raster); B: offset" in row


def test_zones_of_a_layer_nobody_knows_are_refused_with_those_there_are(tmp_path):
    with pytest.raises(StoreError, match="albedo: no such product; write one of ndvi"):
        scene_zones(home(tmp_path), "A", "albedo", "townships")
