"""Surface temperature and NO2 by zone and day: means, gaps, refusals, repeated runs."""

import json

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from affine import Affine

from domain.records import TABLES
from processing.sky_grids import compute_grids
from tests.processing.skyland import GRID, NOW, home, scene_row

WHEN = "2026-08-16T02:30:00Z"


def landsat(place, kelvin, clouds=(), without=()):
    """A Landsat scene on the county grid: surface temperature and QA_PIXEL (64 clear, 8 cloud)."""
    quality = np.full(GRID.shape, 64, np.uint16)
    for part in clouds:
        quality[part] = 8
    bands = {"lwir11": np.rint((kelvin - 149) / 0.00341802).astype(np.uint16), "qa_pixel": quality}
    attrs = {"crs": GRID.crs, "transform": Affine(60, 0, GRID.left, 0, -60, GRID.top)}
    assets = {}
    for band, cells in bands.items():
        if band in without:
            continue
        assets[band] = f"scenes/L9/{band}.tif"
        place.files.write_cog(assets[band], xr.DataArray(cells, dims=("y", "x"), attrs=attrs), nodata=None)
    place.lake.upsert("scenes", scene_row("L9", "landsat-c2-l2", WHEN, assets, {}), now=NOW, why="test")


def gaofen(place, nir, cloud=None, **properties):
    """A GF-1 image on the county grid: green land, its near infrared as given, corrected (scale 0.0001) or raw."""
    layers = {"blue": 400, "green": 700, "red": 500, "nir": nir}
    stack = np.stack([np.broadcast_to(v, GRID.shape) for v in layers.values()]).astype(np.uint16)
    if cloud is not None:
        stack[:, *cloud] = 4500
    path = place.files.path("scenes/GF1/data.tif")
    path.parent.mkdir(parents=True, exist_ok=True)
    place_of = {"crs": GRID.crs, "transform": Affine(60, 0, GRID.left, 0, -60, GRID.top), "height": GRID.height}
    with rasterio.open(path, "w", width=GRID.width, count=4, dtype="uint16", nodata=0, **place_of) as file:
        file.write(stack)
        file.scales = (1e-4,) * 4
    told = {"camera": "WFV2", "view:sun_elevation": 45.0, "view:sun_azimuth": 135.0} | properties
    row = scene_row("GF1", "gf1-wfv", WHEN, {"data": "scenes/GF1/data.tif"}, told)
    place.lake.upsert("scenes", row, now=NOW, why="test")


def test_the_greenness_of_a_gaofen_image_leaves_clouds_and_their_shadows_out(tmp_path):
    place = home(tmp_path)
    half = GRID.width // 2
    nir = np.full(GRID.shape, 4500)
    nir[:, half:] = 1500
    gaofen(place, nir)
    assert compute_grids(place, now=NOW).computed == 1
    found = rows(place, "ecology.ndvi_gf")
    assert found.loc["331102001", "value"] == pytest.approx(0.8, abs=0.002)
    assert found.loc["331102002", "value"] == pytest.approx(0.5, abs=0.002)
    assert found["detail"].str.contains("reflectance as delivered; clouds and shadows by brightness").all()
    assert found["detail"].str.contains("position may be off by 300 m").all()
    gaofen(place, nir, cloud=np.s_[:10, :10], version=2)
    compute_grids(place, now=NOW)
    cloudy = rows(place, "ecology.ndvi_gf")
    assert cloudy.loc["331102001", "n_valid"] < found.loc["331102001", "n_valid"]
    assert cloudy.loc["331102001", "value"] == pytest.approx(0.8, abs=0.002)


def test_a_gaofen_image_that_cannot_be_calibrated_is_refused_with_what_to_add(tmp_path):
    place = home(tmp_path)
    gaofen(place, 4500, camera="WFV9")
    with rasterio.open(place.files.path("scenes/GF1/data.tif"), "r+") as file:
        file.scales = (1.0,) * 4
    counts = compute_grids(place, now=NOW)
    assert counts.rejected == 1
    assert "no gain of gf1-wfv camera 'WFV9'" in place.ledger.rejections()["detail"].iloc[0]
    assert rows(place, "ecology.ndvi_gf")["value"].isna().all()


def rows(place, indicator="ecology.lst"):
    return place.lake.read("indicators", where={"indicator": [indicator]}).set_index("subject")


def test_the_temperature_of_a_township_is_that_of_its_clear_cells(tmp_path):
    place = home(tmp_path)
    half = GRID.width // 2
    kelvin = np.full(GRID.shape, 300.0)
    kelvin[:, half:] = 310.0
    landsat(place, kelvin, clouds=[np.s_[:6, half:]])
    assert compute_grids(place, now=NOW).computed == 1
    found = rows(place)
    assert found.loc["331102001", "value"] == pytest.approx(26.85, abs=0.01)
    assert found.loc["331102002", "value"] == pytest.approx(36.85, abs=0.01)
    assert found.loc["331102002", "n_valid"] < found.loc["331102002", "n_expected"]
    assert found["detail"].str.contains("rule cell fraction; L9: QA_PIXEL mask").all()
    assert set(found["unit"]) == {"degC"}
    version = place.lake.version("indicators")
    assert compute_grids(place, now=NOW).computed == 0
    assert place.lake.version("indicators") == version


def test_an_all_cloud_scene_and_a_scene_without_its_mask_give_rows_without_a_number(tmp_path):
    place = home(tmp_path)
    landsat(place, np.full(GRID.shape, 300.0), clouds=[np.s_[:, :]])
    compute_grids(place, now=NOW)
    found = rows(place)
    assert found["value"].isna().all()
    assert found["detail"].str.startswith("withheld: 0% of the zone seen").all()
    landsat(place, np.full(GRID.shape, 300.0), without=("qa_pixel",))
    counts = compute_grids(place, now=NOW)
    assert counts.rejected == 1
    assert rows(place)["detail"].str.contains("no scene of the day could be used").all()
    assert "qa_pixel" in place.ledger.rejections()["detail"].iloc[0]


def test_rows_have_the_form_of_the_table(tmp_path):
    place = home(tmp_path)
    landsat(place, np.full(GRID.shape, 300.0))
    compute_grids(place, now=NOW)
    frame = place.lake.read("indicators")
    assert list(frame.columns) == TABLES["indicators"].columns
    assert not frame.duplicated(list(TABLES["indicators"].key)).any()
    assert (frame["n_valid"] <= frame["n_expected"]).all()
    assert pd.Timestamp("2026-08-15T16:00:00Z") == frame["time"].iloc[0]
    assert json.loads(place.lake.read("scenes")["assets"].iloc[0])
