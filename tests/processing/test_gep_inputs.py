"""GEP inputs: areas, cover and rain that add up, with their gaps shown."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from affine import Affine

from domain.errors import CatalogueError
from domain.records import TABLES
from domain.times import DAY
from processing.gep import inputs
from processing.gep.run import csv_name, gep_inputs
from processing.imagery.zonal import zone_raster
from processing.sky import compute_sky
from tests.processing.skyland import BARE, CLOUD, GRID, LAKE, NOW, home, put, scene_row, surface

FOREST_CODE, PADDY_CODE, LAKE_CODE = 111, 511, 421
FIELDS = np.s_[18:24, 20:28]


def land():
    cover = np.full(GRID.shape, FOREST_CODE, dtype=np.uint16)
    cover[FIELDS] = PADDY_CODE
    cover[LAKE] = LAKE_CODE
    return cover


def raster(place, item, collection, when, values, *, nodata, transform=None, properties=None):
    attrs = {"crs": GRID.crs, "transform": transform or GRID.transform}
    place.files.write_cog(f"scenes/{item}/data.tif", xr.DataArray(values, dims=("y", "x"), attrs=attrs), nodata=nodata)
    row = scene_row(item, collection, when, {"data": f"scenes/{item}/data.tif"}, properties or {"created": when})
    place.lake.upsert("scenes", row, now=NOW, why="test")


def rain(place, day, millimetres, item=""):
    values = np.full((4, 4), millimetres, dtype=np.float32)
    coarse = Affine(1000, 0, GRID.left - 500, 0, -1000, GRID.top + 500)
    when = f"2026-{day}T00:00:00+08:00"
    raster(place, item or f"rain-{day}", "rainfall-daily", when, values, nodata=-9999.0, transform=coarse)


def cover_map(place, values=None, year=2026):
    raster(
        place,
        f"landcover-{year}",
        "landcover",
        f"{year}-01-01T00:00:00+08:00",
        land() if values is None else values,
        nodata=0,
    )


def county(tmp_path):
    place = home(tmp_path)
    cover_map(place)
    put(place, "A", "2026-08-14T02:36:00Z", surface())
    put(place, "B", "2026-08-24T02:36:00Z", surface(bare=(FIELDS, BARE), cloud=(np.s_[:8, :], CLOUD)))
    rain(place, "08-18", 12.5)
    rain(place, "08-19", 30.0)
    compute_sky(place, now=NOW)
    return place


def value(place, zone, ecosystem, quantity, column="value"):
    frame = place.lake.read("gep_inputs", where={"zone": [zone], "ecosystem": [ecosystem], "quantity": [quantity]})
    assert len(frame) == 1, frame
    return frame[column].iloc[0]


def test_areas_are_cells_and_add_up(tmp_path):
    place = county(tmp_path)
    gep_inputs(place, year=2026, now=NOW)
    frame = place.lake.read("gep_inputs", where={"quantity": ["area_ha"]})
    fields = (land() == PADDY_CODE) & (zone_raster(place.registry.townships, GRID) > 0)
    assert value(place, "331102002", "farmland", "area_ha") == pytest.approx(fields.sum() * 0.36)
    assert value(place, "331102001", "wetland", "area_ha") == pytest.approx(110 * 0.36)
    whole = frame[frame["zone"] == "331102"].set_index("ecosystem")["value"]
    parts = frame[frame["zone"] != "331102"].groupby("ecosystem")["value"].sum()
    pd.testing.assert_series_equal(whole.sort_index(), parts.sort_index(), check_names=False, rtol=1e-12)
    inside = (zone_raster(place.registry.townships, GRID) > 0).sum()
    assert whole.sum() == pytest.approx(inside * 0.36)


def test_cover_is_the_mean_of_the_clear_views(tmp_path):
    place = county(tmp_path)
    gep_inputs(place, year=2026, now=NOW)

    def fvc(red, nir):
        return np.clip(((nir - red) / (nir + red) - 0.05) / 0.81, 0, 1)

    forest, bare = fvc(0.04, 0.40), fvc(0.18, 0.24)
    found = value(place, "331102002", "farmland", "vegetation_cover_pct")
    assert found == pytest.approx(100 * (forest + bare) / 2, abs=1e-3)
    assert value(place, "331102", "forest", "vegetation_cover_pct") == pytest.approx(100 * forest, abs=1e-3)
    assert value(place, "331102", "forest", "ndvi_mean") == pytest.approx(0.36 / 0.44, abs=1e-5)
    whole = value(place, "331102", "farmland", "vegetation_cover_pct", "n_expected")
    assert value(place, "331102", "farmland", "vegetation_cover_pct", "n_valid") == whole


def test_rain_is_summed_over_days_and_gaps_are_counted(tmp_path):
    place = county(tmp_path)
    rain(place, "08-20", -9999)  # a grid without data is no day
    rain(place, "08-19", 31.0, item="rain-08-19-corrected")  # the later item of a day wins
    torn = place.files.path("scenes/rain-08-21/data.tif")
    rain(place, "08-21", 5.0)
    torn.write_bytes(b"no raster")
    counts = gep_inputs(place, year=2026, now=NOW)
    assert counts.rejected == 1
    assert "data.tif" in place.ledger.rejections()["detail"].iloc[0]
    assert value(place, "331102", "forest", "rainfall_mm") == pytest.approx(43.5, abs=1e-4)
    assert value(place, "331102", "forest", "rainfall_mm", "n_valid") == 2
    assert value(place, "331102", "forest", "rainfall_mm", "n_expected") == 365


def daily(indicator, medium, station, values):
    days = pd.date_range("2026-08-18T00:00:00+08:00", periods=len(values), freq="D").tz_convert("UTC")
    rows = [
        {
            "indicator": indicator,
            "medium": medium,
            "subject": station,
            "time": day,
            "period": DAY,
            "value": v,
            "unit": "1",
            "grade": "",
            "n_valid": 24,
            "n_expected": 24,
            "flag": 1,
            "detail": "",
            "edition": "",
        }
        for day, v in zip(days, values, strict=True)
    ]
    return TABLES["indicators"].frame(rows)


def test_quality_speaks_for_townships_by_their_own_or_the_nearest_station(tmp_path):
    place = county(tmp_path)
    place.lake.upsert("indicators", daily("air.aqi", "air", "air-1", [40.0, 100.0, 101.0, np.nan]), now=NOW, why="test")
    place.lake.upsert("indicators", daily("water.class", "water", "water-1", [2.0, 3.0, 4.0, 6.0]), now=NOW, why="test")
    gep_inputs(place, year=2026, now=NOW)
    for zone in ("331102001", "331102002", "331102"):
        assert value(place, zone, "all", "good_air_days_pct") == pytest.approx(200 / 3)
        assert value(place, zone, "all", "aqi_mean") == pytest.approx(241 / 3)
        assert value(place, zone, "all", "aqi_mean", "n_valid") == 3
    assert "stations inside" in value(place, "331102001", "all", "aqi_mean", "method")
    assert "nearest station, 0.9 km" in value(place, "331102002", "all", "aqi_mean", "method")
    assert value(place, "331102001", "all", "good_water_pct") == 50
    assert np.isnan(value(place, "331102002", "all", "good_water_pct"))  # no river is borrowed
    assert value(place, "331102002", "all", "good_water_pct", "method") == "no section here"


def test_a_second_run_does_nothing_and_the_csv_is_the_table(tmp_path):
    place = county(tmp_path)
    first = gep_inputs(place, year=2026, now=NOW)
    assert first.new == first.read > 0
    version = place.lake.version("gep_inputs")
    path = place.files.path(csv_name(2026))
    content = path.read_bytes()
    again = gep_inputs(place, year=2026, now=datetime(2027, 1, 5, tzinfo=UTC))
    assert (again.new, again.changed, again.removed) == (0, 0, 0)
    assert place.lake.version("gep_inputs") == version
    assert path.read_bytes() == content
    read = pd.read_csv(path, dtype={"zone": str}, encoding="utf-8-sig")
    assert list(read.columns) == TABLES["gep_inputs"].columns
    assert len(read) == first.read


def test_a_new_map_takes_out_what_is_no_more(tmp_path):
    place = county(tmp_path)
    gep_inputs(place, year=2026, now=NOW)
    without_fields = np.where(land() == PADDY_CODE, FOREST_CODE, land()).astype(np.uint16)
    cover_map(place, without_fields)
    counts = gep_inputs(place, year=2026, now=NOW)
    assert counts.removed > 0
    left = place.lake.read("gep_inputs", where={"ecosystem": ["farmland"]})
    assert left.empty


def test_unknown_classes_are_named_with_their_area(tmp_path):
    place = county(tmp_path)
    odd = land()
    odd[0:2, 0:5] = 999
    cover_map(place, odd)
    seen = int((zone_raster(place.registry.townships, GRID)[0:2, 0:5] > 0).sum())
    with pytest.raises(CatalogueError, match=f"landcover-2026 has class 999 on {seen * 0.36:.2f} ha"):
        gep_inputs(place, year=2026, now=NOW)


def test_cells_without_a_class_are_shown_as_a_gap():
    cover = np.array([[111, 0, 511, 111]], dtype=np.uint16)
    zones = np.array([[1, 1, 1, 2]], dtype=np.int32)
    of = inputs.extent(cover, zones, ("a", "b"), cell_ha=0.36, source="map")
    rows = pd.DataFrame(inputs.area_rows(of, county="c", cell_ha=0.36, source="map")).set_index(["zone", "ecosystem"])
    assert rows.loc[("a", "forest"), ["n_valid", "n_expected"]].tolist() == [1, 2]
    assert rows.loc[("c", "forest"), ["value", "n_valid", "n_expected"]].tolist() == [0.72, 2, 3]
    assert ("b", "farmland") not in rows.index


def test_sums_with_gaps_are_no_sums_and_means_know_what_they_saw():
    one, two = np.array([1.0, np.nan, 3.0]), np.array([3.0, 5.0, np.nan])
    np.testing.assert_array_equal(inputs.sum_of([one, two], (3,)), [4, np.nan, np.nan])
    np.testing.assert_array_equal(inputs.mean_of([one, two], (3,)), [2, 5, 3])
    assert np.isnan(inputs.sum_of([], (3,))).all()
    assert np.isnan(inputs.mean_of([], (3,))).all()


def test_a_year_without_anything_says_so(tmp_path):
    place = home(tmp_path)
    gep_inputs(place, year=2024, now=NOW)
    frame = place.lake.read("gep_inputs")
    assert frame["value"].isna().all()
    assert set(frame["ecosystem"]) == {"all"}
    cover_map(place)
    gep_inputs(place, year=2024, now=NOW)
    source = value(place, "331102", "forest", "area_ha", "source")
    assert source.startswith("landcover-2026 of 2026")
    assert np.isnan(value(place, "331102", "forest", "rainfall_mm"))
    assert value(place, "331102", "forest", "rainfall_mm", "n_expected") == 366
