"""A tile larger than the county: only the part that the county can reach is read, and nothing else changes."""

import json

import numpy as np
import xarray as xr
from affine import Affine

from processing.imagery.grid import Grid
from processing.sky import acquisition_days, compute_sky
from processing.sky_day import county_window
from store.files import Files, RasterInfo
from tests.processing.skyland import CLOUD, GRID, NOW, home, put, scene_row, surface

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
