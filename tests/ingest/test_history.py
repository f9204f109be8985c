import json
from collections import Counter
from datetime import date

import numpy as np
import pandas as pd
import pytest

from domain.errors import FeedCorrupt, FeedUnavailable
from ingest import history
from ingest.layouts import find
from processing.imagery.no2 import daily, daily_rows
from processing.imagery.physical import physical
from processing.imagery.sensors import surface
from processing.imagery.tables import thresholds
from store.scenes import read_band
from tests.ingest.given import home, put, raster, stac_item
from tests.ingest.tables_given import CNEMC, LISHUI, NOW, PRSA, ZHEJIANG, packed, real


def imported(home_, name, path):
    return history.import_history(home_, find(name), path, now=NOW)


def everything(home_):
    return home_.lake.read("observations").drop(columns=["received_at"])


def test_files_go_to_the_lake_and_again_changes_nothing(tmp_path):
    own = home(tmp_path / "home")
    put(tmp_path, "in/PRSA_Data_Dongsi.csv.gz", packed(PRSA))
    put(tmp_path, "in/deep/PRSA_Data_Other.csv", PRSA.replace("Dongsi", "Other").encode())
    put(tmp_path, "in/readme.txt", b"not mine")
    first = imported(own, "prsa", tmp_path / "in")
    assert (first.payloads, first.records, first.observations, first.new, first.stations) == (2, 6, 72, 72, 2)
    assert first.rejected == {}
    rows = everything(own)
    assert len(rows) == 72
    assert set(rows["station_id"]) == {"prsa.Dongsi", "prsa.Other"}
    version = own.lake.version("observations")
    again = imported(own, "prsa", tmp_path / "in")
    assert (again.new, again.changed, again.unchanged) == (0, 0, 72)
    assert own.lake.version("observations") == version
    pd.testing.assert_frame_equal(everything(own), rows)


def test_a_single_file_and_no_file(tmp_path):
    own = home(tmp_path / "home")
    path = put(tmp_path, "renamed.dat", LISHUI.encode())
    assert imported(own, "lishui_air", path).observations == 24
    with pytest.raises(FeedUnavailable, match=r"history/prsa: .*: no file 'PRSA_Data_\*.csv\*' there"):
        imported(own, "prsa", tmp_path)


def test_the_last_of_rows_with_one_key_wins(tmp_path):
    own = home(tmp_path / "home")
    row = LISHUI.splitlines()[1]
    put(tmp_path, "in/a.csv", (LISHUI + row.replace(",28,39,", ",29,39,") + "\n").encode())
    counts = imported(own, "lishui_air", tmp_path / "in")
    assert (counts.observations, counts.new, counts.unchanged) == (30, 24, 6)
    rows = everything(own)
    first = rows[(rows["parameter"] == "PM2.5") & (rows["station_id"] == "lishui.甲站")].iloc[0]
    assert first["value"] == 29


def test_a_corrected_file_replaces_and_keeps_what_it_replaced(tmp_path):
    own = home(tmp_path / "home")
    put(tmp_path, "in/a.csv", LISHUI.encode())
    imported(own, "lishui_air", tmp_path / "in")
    put(tmp_path, "in/a.csv", LISHUI.replace(",28,39,", ",27,39,").encode())
    counts = imported(own, "lishui_air", tmp_path / "in")
    assert (counts.new, counts.changed, counts.unchanged) == (0, 1, 23)
    assert len(own.lake.read("superseded")) == 1


def test_rejections_are_kept_with_their_payload(tmp_path):
    own = home(tmp_path / "home")
    put(tmp_path, "in/zhejiang_4h_x.csv", ZHEJIANG.encode())
    assert imported(own, "zhejiang_water", tmp_path / "in").rejected == {"bad_time": 1}
    [row] = own.ledger.rejections(feed="history/zhejiang_water").to_dict("records")
    payload = own.files.payload(row["raw_ref"])
    assert payload == ZHEJIANG.encode()
    assert payload[row["offset"] : row["offset"] + row["length"]].decode().startswith("浙江省,某流域,甲断面,2021,*")
    imported(own, "zhejiang_water", tmp_path / "in")
    assert len(own.ledger.rejections()) == 1


def test_stations_and_reference_columns_are_kept_beside_the_lake(tmp_path):
    own = home(tmp_path / "home")
    put(tmp_path, "a/x.csv", LISHUI.encode())
    put(tmp_path, "b/x.xml.gz", packed(CNEMC))
    counts = imported(own, "lishui_air", tmp_path / "a")
    assert (counts.stations, counts.reference) == (2, 4)
    imported(own, "cnemc_xml", tmp_path / "b")
    known = history.stations(own).set_index("station_id")
    assert sorted(known["layout"]) == ["cnemc_xml", "cnemc_xml", "lishui_air", "lishui_air"]
    assert known.loc["cnemc.9001A", ["lon", "lat"]].tolist() == [116.1, 40.2]
    assert np.isnan(known.loc["lishui.甲站", "lon"])
    kept = history.reference(own, "lishui_air")
    assert kept["aqi"].tolist() == ["75", "40", "57", ""]
    assert str(kept["time"].dtype) == "datetime64[us, UTC]"
    assert history.reference(own, "prsa").empty
    put(tmp_path, "a/x.csv", LISHUI.replace("57,良", "58,良").encode())
    imported(own, "lishui_air", tmp_path / "a")
    assert history.reference(own, "lishui_air")["aqi"].tolist() == ["75", "40", "58", ""]
    assert len(history.stations(own)) == 4


def test_a_home_without_imports_has_no_stations(tmp_path):
    assert history.stations(home(tmp_path)).empty


def test_coverage_tells_what_came(tmp_path):
    own = home(tmp_path / "home")
    put(tmp_path, "in/x.csv", b"")
    assert imported(own, "lishui_air", tmp_path / "in").rejected == {"empty": 1}
    [row] = own.coverage.read().to_dict("records")
    assert (row["feed"], row["state"], row["n_rejected"]) == ("history/lishui_air", "rejected", 1)


def test_long_histories_are_written_in_pieces(tmp_path, monkeypatch):
    own, whole = home(tmp_path / "pieces"), home(tmp_path / "whole")
    for n in range(1, 7):
        put(tmp_path, f"in/PRSA_Data_{n}.csv", PRSA.replace(",2013,3,", f",2013,{n},").encode())
    imported(whole, "prsa", tmp_path / "in")
    monkeypatch.setattr(history, "BATCH_ROWS", 30)
    monkeypatch.setattr(history, "HELD_VALUES", 50)
    seen = []
    counts = history.import_history(
        own, find("prsa"), tmp_path / "in", now=NOW, progress=lambda what, share: seen.append((what, share))
    )
    assert counts == imported(home(tmp_path / "again"), "prsa", tmp_path / "in")
    assert (counts.payloads, counts.new) == (6, 6 * 36)
    assert own.lake.version("observations") > whole.lake.version("observations")
    pd.testing.assert_frame_equal(everything(own), everything(whole))
    assert seen == [(f"prsa: {n} of 6 files", n / 6) for n in range(1, 7)]


def test_a_scene_with_its_rasters(tmp_path):
    own = home(tmp_path / "home")
    assets = {"red": "https://example.org/B04.tif", "nir": "https://example.org/B08.tif"}
    put(tmp_path, "in/S2B_TEST_L2A.json", json.dumps(stac_item(assets)).encode())
    put(tmp_path, "in/B04.tif", raster())
    put(tmp_path, "in/B08.tif", raster())
    counts = imported(own, "sentinel2_local", tmp_path / "in")
    assert (counts.scenes, counts.records, counts.rejected) == (1, 1, {"missing_band": 13})
    assert counts.notices == {}
    [scene] = own.lake.read("scenes").to_dict("records")
    red = own.files.read_raster(json.loads(scene["assets"])["red"])
    assert red.shape == (600, 600)


def test_to_look_keeps_nothing(tmp_path):
    put(tmp_path, "x.csv", LISHUI.encode())
    seen = history.look(find("lishui_air"), tmp_path, now=NOW)
    assert len(seen.observations) == 24
    assert len(seen.reference) == 4
    assert [p.name for p in tmp_path.iterdir()] == ["x.csv"]


def test_a_file_that_cannot_be_read_has_nothing_to_look_at(tmp_path):
    put(tmp_path, "x.csv", b"a,b\n1,2\n")
    with pytest.raises(FeedCorrupt, match="column 'Date'"):
        history.look(find("lishui_air"), tmp_path, now=NOW)


def test_official_values_are_found_by_their_layout(tmp_path):
    put(tmp_path, "in/x.csv", LISHUI.encode())
    put(tmp_path, "in/zhejiang_4h_x.csv", ZHEJIANG.encode())
    put(tmp_path, "in/x.xml.gz", packed(CNEMC))
    assert history.official("air", tmp_path / "in/x.csv", now=NOW).n_records == 4
    assert history.official("air", tmp_path / "in/x.xml.gz", now=NOW).n_records == 2
    assert history.official("water", tmp_path / "in", now=NOW).n_records == 4
    with pytest.raises(FeedUnavailable, match=r"no layout with official values of 'water' fits; there are: zhejiang"):
        history.official("water", tmp_path / "in/x.csv", now=NOW)
    with pytest.raises(FeedUnavailable, match="there are: none"):
        history.official("soil", tmp_path / "in", now=NOW)


# --- the real files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "folder", "expected"),
    [
        ("lishui_air", "air_official_hourly_lishui_2020", {"records": 471, "new": 2826, "reference": 471}),
        ("cnemc_xml", "air_cnemc_xml_2019", {"records": 1499, "new": 8994, "stations": 1499}),
        ("zhejiang_water", "water_official_4h_zhejiang_2021", {"records": 2795, "new": 22417, "stations": 102}),
        ("hunan_soil", "soil_hunan", {"records": 136, "new": 272, "stations": 136}),
        ("hj212_appendix_c", "hj212", {"records": 37, "stations": 1}),
        ("sentinel2_local", "sentinel2_l2a_29RKH", {"records": 1, "scenes": 1, "new": 1, "rejected": {}}),
        ("s5p_no2_series", "s5p_no2_daily", {"records": 6, "scenes": 6, "rejected": {}}),
        ("copernicus_dem", "dem_copernicus30", {"records": 1, "scenes": 1, "rejected": {}}),
    ],
)
def test_real_files_are_imported(tmp_path, name, folder, expected):
    counts = imported(home(tmp_path), name, real(folder))
    assert {key: getattr(counts, key) for key in expected} == expected


def test_real_packets_are_taken_or_refused_with_a_reason(tmp_path):
    counts = imported(home(tmp_path), "hj212_samples", real("hj212"))
    assert counts.records == 26
    assert counts.new > 50
    assert counts.rejected["bad_crc"] == 6
    assert Counter(counts.rejected).total() > 6


def test_the_real_scene_is_read_from_its_decimated_files(tmp_path):
    own = home(tmp_path)
    counts = imported(own, "sentinel2_local", real("sentinel2_l2a_29RKH"))
    assert sorted(counts.notices.values()) == [15, 20]
    [scene] = own.lake.read("scenes").to_dict("records")
    assert own.files.read_raster(json.loads(scene["assets"])["red"]).shape == (1098, 1098)
    notes = json.loads(scene["properties"])["sanyan:notes"]
    assert "red: the item says 10980 x 10980 cells, the file has 1098 x 1098" in notes
    assert len(counts.statements) == len(notes) == 30
    assert counts.statements[0].startswith("S2A_29RKH_20200219_0_L2A: aot: the item says 5490 x 5490 cells")
    raw = {name: read_band(own.files, scene, name) for name in ("red", "nir", "swir16", "scl")}
    properties = json.loads(scene["properties"])
    seen = surface("sentinel-2-l2a", raw, properties, day=date(2020, 2, 19), limits=thresholds())
    assert seen.note.startswith("offset 0 DN by metadata")  # baseline 02.14
    ratio = (seen.bands["nir"] - seen.bands["red"]) / (seen.bands["nir"] + seen.bands["red"])
    assert 0.02 < float(ratio.mean()) < 0.15  # desert
    assert 0.9 < float(seen.clear.mean()) < 1


def test_the_real_heights_keep_their_reference_system_and_their_sea(tmp_path):
    own = home(tmp_path)
    imported(own, "copernicus_dem", real("dem_copernicus30"))
    [scene] = own.lake.read("scenes").to_dict("records")
    assert (scene["collection"], scene["epsg"]) == ("dem", 4326)
    cells = read_band(own.files, scene, "elevation")
    assert cells.attrs["crs"] == "EPSG:4326"
    assert cells.attrs["nodata"] is None
    heights = physical("dem", "elevation", cells)
    assert np.isfinite(heights.values).all()  # sea is 0 m, no gap
    assert float((heights == 0).mean()) > 0.9
    assert 1900 < float(heights.max()) < 2024  # Pico de Sao Tome, smoothed to 30 m
    ring = np.array(json.loads(scene["geometry"])["coordinates"][0])
    np.testing.assert_allclose(ring.min(axis=0), [6, 0], atol=1e-3)


def test_the_real_no2_files_are_scenes_of_a_year(tmp_path):
    own = home(tmp_path)
    imported(own, "s5p_no2_series", real("s5p_no2_daily"))
    scenes = own.lake.read("scenes").sort_values("id")
    areas = [json.loads(p)["area"] for p in scenes["properties"]]
    assert areas == ["AlBuraimi", "Muscat", "Nizwa", "Salalah", "Sohar", "Sur"]
    series = daily(own.files.read_netcdf(json.loads(scenes.iloc[1]["assets"])["data"]))
    rows = daily_rows(series, date(2024, 1, 1), date(2024, 12, 31))
    assert (len(rows), int((rows["flag"] == 9).sum())) == (366, 47)
