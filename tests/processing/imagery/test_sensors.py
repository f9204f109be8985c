"""Scenes of every sensor in one form."""

from datetime import date

import numpy as np
import pytest
import xarray as xr

from domain.errors import FeedCorrupt
from processing.imagery import mask
from processing.imagery.grid import county_grid
from processing.imagery.reflectance import reflectance
from processing.imagery.sensors import scene_offset, surface
from processing.imagery.tables import thresholds
from tests.processing.imagery.rasters import raster
from tests.processing.skyland import COUNTY

DAY = date(2026, 8, 20)
LIMITS = thresholds()
NEW = {"s2:processing_baseline": "05.11"}


def cells(number, shape=(20, 20), **attrs):
    return raster(np.full(shape, number, dtype="uint16"), resolution=30.0, **attrs)


def test_sentinel2_by_its_offset_and_its_classes():
    grid = county_grid(COUNTY)
    place = {"left": grid.left, "top": grid.top, "resolution": grid.resolution}
    rng = np.random.default_rng(1)
    raw = {
        name: raster(rng.integers(1000, 4000, grid.shape).astype("uint16"), **place)
        for name in ("blue", "green", "red", "rededge1", "nir", "swir16")
    }
    raw["swir16"].values[:, :15] = 1100
    raw["scl"] = raster(np.where(np.arange(grid.width) < 15, 6, 4) * np.ones(grid.shape, dtype="uint8"), **place)
    found = surface("sentinel-2-l2a", raw, NEW, day=DAY, limits=LIMITS)
    assert found.note == "offset -1000 DN by metadata and pixels; SCL mask with 100 m buffer"
    assert set(found.bands) == {*raw} - {"scl"}
    for name, layer in found.bands.items():
        np.testing.assert_array_equal(layer.values, reflectance(raw[name], -1000).values)
    np.testing.assert_array_equal(found.clear.values, mask.clear(raw["scl"], buffer_m=100).values)


def test_landsat_keeps_its_kelvin_and_buffers_its_clouds():
    quality = np.full((20, 20), 0b1000000, dtype="uint16")  # clear
    quality[5, 5] = 0b1000
    quality[:, 19] = 0b1  # fill
    raw = {
        "red": cells(12_000),
        "nir08": cells(20_000),
        "lwir11": cells(44_000),
        "qa_pixel": raster(quality, resolution=30.0),
    }
    found = surface("landsat-c2-l2", raw, {}, day=DAY, limits=LIMITS)
    np.testing.assert_allclose(found.bands["red"].values, 12_000 * 0.0000275 - 0.2, rtol=1e-6)
    np.testing.assert_allclose(found.bands["lwir11"].values, 44_000 * 0.00341802 + 149, rtol=1e-6)
    assert set(found.bands) == {"red", "nir08", "lwir11"}
    assert not found.clear.values[5, 5]
    assert not found.clear.values[5, 8]  # 90 m away, within 100 m
    assert found.clear.values[5, 9]
    assert not found.clear.values[:, 19].any()
    assert found.clear.values[:, 18].any()  # fill is no cloud: nothing is buffered around it
    assert found.note == "QA_PIXEL mask with 100 m buffer"


def test_gaofen_says_what_it_is_not():
    raw = {"red": cells(300), "nir": cells(500)}
    raw["red"].values[0, 0] = 0
    found = surface("gf1-wfv", raw, {"camera": "WFV2", "view:sun_elevation": 55.0}, day=DAY, limits=LIMITS)
    assert found.note == (
        "top-of-atmosphere reflectance, gain of 2014 (memory); no cloud mask; position may be off by 300 m"
    )
    assert not found.clear.values[0, 0]
    assert found.clear.values[1:].all()
    assert 0 < float(found.bands["red"].mean()) < 0.3
    whole = raw | {"blue": cells(400), "green": cells(350)}
    whole["blue"].values[:], whole["green"].values[:] = 150, 200
    masked = surface("gf1-wfv", whole, {"camera": "WFV2", "view:sun_elevation": 55.0}, day=DAY, limits=LIMITS)
    assert "clouds and shadows by brightness (start values) with 100 m buffer" in masked.note
    np.testing.assert_array_equal(masked.clear, found.clear)
    delivered = {"red": cells(900, crs="EPSG:32650").assign_attrs(scale=0.0001)}
    corrected = surface("gf6-wfv", delivered, {}, day=DAY, limits=LIMITS)
    np.testing.assert_allclose(corrected.bands["red"].values, 0.09, rtol=1e-6)
    assert corrected.note.startswith("reflectance as delivered; no cloud mask")


@pytest.mark.parametrize(
    ("product", "raw", "said"),
    [
        ("sentinel-2-l2a", {"red": cells(1)}, "the offset needs scl and one of swir16, rededge1, nir"),
        ("landsat-c2-l2", {"red": cells(1)}, "the mask needs qa_pixel"),
        ("gf1-wfv", {"red": cells(1)}, "the height of the sun"),
        ("gf1-wfv", {"scl": cells(1)}, "no band of gf1-wfv"),
    ],
)
def test_what_is_missing_is_said(product, raw, said):
    with pytest.raises(FeedCorrupt, match=said):
        surface(product, raw, {}, day=DAY, limits=LIMITS)


def test_other_products_have_no_surface():
    with pytest.raises(KeyError, match="of another kind"):
        surface("dem", {}, {}, day=DAY, limits=LIMITS)


def test_the_offset_of_a_scene_is_looked_for_in_its_longest_wave():
    dark = xr.DataArray(np.full((20, 20), 6, dtype="uint8"), dims=("y", "x"), attrs=cells(1).attrs)
    raw = {"nir": cells(2500), "swir16": cells(1080), "scl": dark}
    assert scene_offset(raw, {}, LIMITS, "refuse").value == -1000
