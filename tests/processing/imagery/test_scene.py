"""From digital numbers to layers: one tile, one mosaic, one day."""

import json
import os
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from domain.errors import FeedCorrupt
from processing.imagery import scene
from processing.imagery.grid import grid_of, mosaic
from processing.imagery.tables import thresholds
from store.files import Files
from tests.processing.imagery.rasters import grid, raster

SHARED = Path(os.environ.get("SANYAN_SHARED", Path(__file__).resolve().parents[3] / ".." / "shared"))
REAL = SHARED / "data" / "sentinel2_l2a_29RKH"
LIMITS = thresholds()
HERE = grid(20, 20)
NEW = {"s2:processing_baseline": "05.11"}
FOREST = {"blue": 300, "green": 600, "red": 400, "rededge1": 1000, "nir": 4000, "swir16": 1800}
DAY = date(2026, 8, 14)


def bands(values=FOREST, scl=4, nodata=None):
    out = {}
    for band, reflectance in values.items():
        coarse = band in {"rededge1", "swir16"}
        cells = np.full((10, 10) if coarse else (20, 20), reflectance + 1000, dtype=np.uint16)
        if nodata == band:
            cells[:, -1] = 0
        out[band] = raster(cells, resolution=120 if coarse else 60)
    out["scl"] = raster(np.full((10, 10), scl, dtype=np.uint8), resolution=120)
    return out


def test_a_tile_of_two_resolutions_becomes_reflectance_on_one_grid():
    tile, note = scene.tile(bands(), HERE, NEW, LIMITS, day=DAY)
    assert note.startswith("offset -1000 DN by metadata (too few dark cells to check)")
    assert tile["clear"].values.all()
    np.testing.assert_allclose(tile["nir"].values, 0.4, atol=1e-7)
    np.testing.assert_allclose(tile["swir16"].values, 0.18, atol=1e-7)


def test_nodata_of_a_required_band_is_not_clear_and_a_missing_optional_band_is_nan():
    given = bands(nodata="nir")
    del given["rededge1"]
    tile, _ = scene.tile(given, HERE, NEW, LIMITS, day=DAY)
    assert not tile["clear"].values[:, -1].any()
    assert tile["clear"].values[:, :-1].all()
    layers = scene.layers(mosaic([tile]), LIMITS)
    assert np.isnan(layers["ndci"].values).all()
    assert np.isfinite(layers["ndvi"].values[:, :-1]).all()
    assert np.isnan(layers["ndvi"].values[:, -1]).all()


@pytest.mark.parametrize("band", scene.REQUIRED)
def test_a_missing_required_band_is_named(band):
    given = bands()
    del given[band]
    with pytest.raises(FeedCorrupt, match=f"band {scene.own_name(band)} is missing"):
        scene.tile(given, HERE, NEW, LIMITS, day=DAY)


def test_clouds_are_clear_nowhere():
    tile, _ = scene.tile(bands(scl=9), HERE, NEW, LIMITS, day=DAY)
    assert not tile["clear"].values.any()
    assert np.isnan(scene.layers(mosaic([tile]), LIMITS)["ndvi"].values).all()


def test_an_offset_that_lies_is_refused_before_anything_is_computed():
    dark = dict.fromkeys(FOREST, 10)
    applied = {b: v.copy(data=v.values - 1000) if b != "scl" else v for b, v in bands(dark, scl=6).items()}
    with pytest.raises(FeedCorrupt, match="offset"):
        scene.tile(applied, HERE, NEW, LIMITS, day=DAY)


def test_the_picture_is_zero_only_where_nothing_was_seen():
    tile, _ = scene.tile(bands(), HERE, NEW, LIMITS, day=DAY)
    layers = scene.layers(mosaic([tile]), LIMITS)
    layers["red"].values[0, 0] = np.nan
    colour = scene.true_colour(layers)
    assert colour.shape == (3, 20, 20)
    assert colour.dtype == np.uint8
    assert (colour[:, 0, 0] == 0).all()
    assert (colour[:, 1:, :] > 0).all()
    assert (scene.true_colour(scene.layers(scene.nothing(HERE), LIMITS)) == 0).all()


def test_a_real_scene_whose_item_speaks_of_other_shapes():
    """Sentinel-2A over the Sahara, 2020, baseline 02.14: every band thinned to a tenth, the item not."""
    if not REAL.is_dir():
        pytest.skip(f"the real scene is not here: {REAL}")
    files = Files(REAL)
    given = {band: files.read_raster(REAL / f"{scene.own_name(band)}.tif") for band in (*scene.BANDS, "scl")}
    item = json.loads((REAL / "S2A_29RKH_20200219_0_L2A.json").read_text())
    fine = grid_of(given["red"])
    tile, note = scene.tile(given, fine, item["properties"], LIMITS, day=DAY)
    assert note.startswith("offset 0 DN by ")
    layers = scene.layers(mosaic([tile]), LIMITS)
    ndvi = layers["ndvi"].values
    seen = np.isfinite(ndvi)
    assert 0.7 < seen.mean() < 0.99  # 4 % cloud by the item, and their buffer
    assert 0 < np.median(ndvi[seen]) < 0.2  # desert
    red, nir = given["red"].values.astype(float), given["nir"].values.astype(float)
    np.testing.assert_allclose(ndvi[seen], ((nir - red) / (nir + red))[seen], atol=1e-6)
