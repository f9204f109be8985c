"""Archives of past years, as a stranger reads them: names, units and fills of the products they stand for."""

import hashlib
import re

import numpy as np
import pytest
import rasterio

from domain.registry import Registry
from ingest.layouts import find
from sample_feeds import archives
from sample_feeds.scenario import load
from sample_feeds.scenes import county_land
from sample_feeds.simulate import COUNTY

SEED = 20260818
LAYOUTS = ("chirps_daily", "soilgrids", "yearly_grids")


@pytest.fixture(scope="module")
def land():
    return county_land(Registry.load(COUNTY), load(), 120, SEED)


@pytest.fixture(scope="module")
def root(land, tmp_path_factory):
    out = tmp_path_factory.mktemp("feeds")
    archives.write(out, Registry.load(COUNTY), land, years=(2024, 2025), seed=SEED)
    return out / "archives"


def cells(path):
    with rasterio.open(path) as source:
        return source.read(1), source.nodata


def test_every_file_belongs_to_one_layout_that_reads_its_date(root):
    files = sorted(p for p in root.rglob("*.tif"))
    assert len(files) == 366 + 365 + 4 + 2 * 9
    named = {}
    for name in LAYOUTS:
        layout = find(name)
        for path in root.rglob(layout.glob):
            named[path] = name
            assert re.search(layout.rasters.name, path.name), path
    beside = {p for p in files if p.name.startswith(("silt", "clay", "soc"))}
    assert set(files) - beside == set(named)


def test_numbers_are_those_of_the_products(root):
    sand, nodata = cells(root / "soil/sand_0-5cm_mean.tif")
    clay, silt = (cells(root / f"soil/{n}_0-5cm_mean.tif")[0] for n in ("clay", "silt"))
    assert nodata == -32768
    assert np.abs(sand + clay + silt - 1000).max() <= 2
    npp, _ = cells(root / "grids/npp-annual_2025.tif")
    lost, _ = cells(root / "grids/soil-respiration-annual_2025.tif")
    assert 0.5 < np.median(npp) < 0.9
    assert np.mean(npp >= lost) > 0.99
    wet, _ = cells(root / "grids/evapotranspiration-annual_2025.tif")
    assert 600 < np.median(wet) < 950  # forest of south Zhejiang: 700 to 950 mm
    green, nodata = cells(root / "grids/vegetation-cover-annual_2025.tif")
    assert nodata < green.min() < green.max() <= 100
    rain, nodata = cells(root / "rain/chirps-v2.0.2025.06.15.tif")
    assert rain.shape[0] < 25
    assert (rain >= 0).all()
    assert nodata == -9999


def test_rain_reaches_over_every_township(root):
    with rasterio.open(root / "rain/chirps-v2.0.2024.01.01.tif") as source:
        left, bottom, right, top = source.bounds
    for shape in Registry.load(COUNTY).townships.shapes:
        west, south, east, north = shape.bounds
        assert left + 0.025 <= west
        assert right - 0.025 >= east
        assert bottom + 0.025 <= south
        assert top - 0.025 >= north


def test_the_land_changes_a_little_from_year_to_year(root, land):
    before, after = (cells(root / f"grids/landcover_{y}.tif")[0] for y in (2024, 2025))
    share = np.mean(before != after)
    assert 0 < share < 0.01
    assert np.isin(after[before != after], (511, 512, 521, 611, 631)).all()
    assert np.mean(after != land.cover) < 0.01


def test_the_same_seed_gives_the_same_bytes(root, land, tmp_path):
    archives.write(tmp_path, Registry.load(COUNTY), land, years=(2025,), seed=SEED)
    again = tmp_path / "archives"

    def of(path):
        return hashlib.sha256(path.read_bytes()).hexdigest()

    for path in again.rglob("*.tif"):
        if path.parent.name != "grids":
            assert of(path) == of(root / path.relative_to(again)), path
