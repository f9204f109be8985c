"""Layers of the eyes for accounts: several products of one quantity, texture of the soil, cover of the archives."""

import numpy as np
import pytest

from domain.imagery import products
from domain.records import TABLES
from processing.gep.eyes import layer_table, layers_of
from processing.gep.formulas.soil_factors import k_epic, k_factor
from processing.gep.run import gep_inputs, gep_inputs_of_account
from tests.processing.skyland import GRID, NOW, home, scene_row
from tests.processing.test_gep_inputs import cover_map, raster

YEAR = 2026
NEW_YEAR = f"{YEAR}-01-01T00:00:00+08:00"


def full(value):
    return np.full(GRID.shape, value, dtype=np.float32)


def layers(place):
    return layers_of(place, GRID, YEAR, {}, 365, lambda grids: grids[0].values)


def soil(place):
    """A scene of four files, as SoilGrids has them: g/kg, and dg/kg of carbon."""
    assets = {}
    for name, value in (("sand", 400), ("silt", 330), ("clay", 270), ("soc", 180)):
        raster(place, f"soil-{name}", "other", NEW_YEAR, full(value).astype(np.int16), nodata=-32768)
        assets[name] = f"scenes/soil-{name}/data.tif"
    row = scene_row("sand_0-5cm_mean", "soilgrids", "2020-05-01T00:00:00+08:00", assets, {})
    place.lake.upsert("scenes", row, now=NOW, why="test")


def test_every_layer_is_of_a_product_that_files_can_bring():
    table = layer_table()
    assert set(table["collection"]) <= set(products())
    assert (table["where_zh"] != "").all()
    assert (table["where_en"] != "").all()


def test_erodibility_follows_from_texture_unless_there_is_a_map(tmp_path):
    place = home(tmp_path)
    soil(place)
    found = layers(place)
    expected = k_factor(k_epic(40, 33, 27, 1.8))
    assert found.values["erodibility"][5, 5] == pytest.approx(expected, rel=1e-5)
    assert found.told["erodibility"].startswith("K of EPIC of sand_0-5cm_mean sha256:")
    raster(place, "k-map", "soil-erodibility", NEW_YEAR, full(0.3), nodata=-9999.0)
    assert layers(place).values["erodibility"][5, 5] == pytest.approx(k_factor(0.3), rel=1e-5)


def test_the_first_product_that_has_the_year_is_taken_and_fills_stay_gaps(tmp_path):
    place = home(tmp_path)
    modis = np.full(GRID.shape, 8000, dtype=np.uint16)
    modis[:10] = 65534  # water
    raster(place, "modis", "mod16a3gf", NEW_YEAR, modis, nodata=65535)
    found = layers(place).values["evapotranspiration_mm"]
    assert np.isnan(found[2, 2])
    assert found[-2, -2] == pytest.approx(800)
    raster(place, "other-year", "evapotranspiration-annual", "2025-01-01T00:00:00+08:00", full(700), nodata=-9999.0)
    assert layers(place).values["evapotranspiration_mm"][-2, -2] == pytest.approx(800)
    raster(place, "own", "evapotranspiration-annual", NEW_YEAR, full(750), nodata=-9999.0)
    assert layers(place).values["evapotranspiration_mm"][2, 2] == pytest.approx(750)


def test_a_layer_that_cannot_be_read_is_a_rejection_and_the_rest_goes_on(tmp_path):
    place = home(tmp_path)
    cover_map(place)
    raster(place, "npp", "npp-annual", NEW_YEAR, full(0.7), nodata=-9999.0)
    raster(place, "et", "evapotranspiration-annual", NEW_YEAR, full(800), nodata=-9999.0)
    place.files.path("scenes/et/data.tif").write_bytes(b"no raster")
    counts = gep_inputs(place, year=YEAR, now=NOW)
    quantities = set(place.lake.read("gep_inputs")["quantity"])
    assert "npp_t_c" in quantities
    assert "evapotranspiration_mm" not in quantities
    assert counts.rejected == 1
    assert "scenes/et" in place.ledger.rejections()["raw_ref"].iloc[0]


def test_a_year_without_acquisitions_takes_the_cover_of_the_archives(tmp_path):
    place = home(tmp_path)
    cover_map(place)
    gep_inputs(place, year=YEAR, now=NOW)
    before = place.lake.read("gep_inputs", where={"quantity": ["vegetation_cover_pct"]})
    assert before["value"].isna().all()
    raster(place, "FVC_2026", "vegetation-cover-annual", NEW_YEAR, full(62), nodata=255.0)
    gep_inputs(place, year=YEAR, now=NOW)
    after = place.lake.read("gep_inputs", where={"quantity": ["vegetation_cover_pct"]})
    assert after["value"].to_numpy() == pytest.approx(62)
    assert after["method"].str.contains("archived product").all()
    assert after["source"].str.startswith("FVC_2026").all()


def test_a_map_of_several_tiles_is_one(tmp_path):
    place = home(tmp_path)
    west, east = full(400), full(500)
    west[:, 20:], east[:, :20] = -9999, -9999
    raster(place, "N28_E119", "dem", "2021-04-22T00:00:00Z", west, nodata=-9999.0)
    raster(place, "N28_E120", "dem", "2021-04-22T00:00:00Z", east, nodata=-9999.0)
    raster(place, "older", "dem", "2010-01-01T00:00:00Z", full(0), nodata=-9999.0)
    found = layers(place)
    assert np.isfinite(found.values["slope_deg"]).all()
    assert found.told["dem"].startswith("N28_E120 + N28_E119 sha256:")


def test_the_opening_year_is_made_too_where_departments_reported_for_it(tmp_path):
    place = home(tmp_path)
    cover_map(place)
    gep_inputs_of_account(place, year=YEAR, now=NOW)
    assert set(place.lake.read("gep_inputs")["year"]) == {YEAR}
    figure = {
        "zone": "331102", "year": YEAR - 1, "item": "cpi", "object": "", "value": 100.2, "unit": "", "form": "economy",
        "state": "reported", "department": "statistics", "document": "d", "received_at": NOW, "cell": "raw/x#B7",
    }  # fmt: skip
    place.lake.upsert("statistics", TABLES["statistics"].frame([figure]), now=NOW, why="test")
    gep_inputs_of_account(place, year=YEAR, now=NOW)
    assert set(place.lake.read("gep_inputs")["year"]) == {YEAR - 1, YEAR}
