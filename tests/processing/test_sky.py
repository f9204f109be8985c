"""The shell of the sky eye: days in time order, whatever the order of arrival; refusals; repeated runs."""

import itertools
import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from processing import sky
from processing.sky import acquisition_days, compute_sky
from tests.processing.skyland import ALGAE, BARE, CLOUD, LAKE, NOW, WATER, home, put, surface

SLOPE = np.s_[14:20, 14:20]  # in the east: 6 x 6 cells = 12.96 ha, but the east begins at column 15
BAY = np.s_[5:10, 4:9]
FIRST, SECOND, THIRD = "2026-08-14T02:36:00Z", "2026-08-19T02:36:00Z", "2026-08-24T02:36:00Z"
CELL = 0.36
FILES = {
    *("state.json", "clear_view.tif", "rgb.tif", "mask.tif", "quicklook.png", "zones.csv", "item.json"),
    *(f"{layer}.tif" for layer in ("ndvi", "fvc", "evi", "kndvi", "ndwi", "mndwi", "chla", "turbidity", "spm")),
}


def values(place, indicator):
    frame = place.lake.read("indicators", medium="ecology")
    chosen = frame[frame["indicator"] == indicator]
    day = chosen["time"].dt.tz_convert("Asia/Shanghai").dt.strftime("%m-%d")
    return pd.Series(chosen["value"].to_numpy(), index=pd.MultiIndex.from_arrays([day, chosen["subject"]]))


def scenes():
    clouds = surface(cut=(SLOPE, BARE), cloud=(np.s_[:, 13:], CLOUD))
    return [
        ("A", FIRST, surface()),
        ("B", SECOND, clouds),  # the clearing is there already, under clouds
        ("C", THIRD, surface(cut=(SLOPE, BARE), bloom=(BAY, ALGAE))),
    ]


def test_a_bloom_and_a_clearing_are_found_and_nothing_else(tmp_path):
    place = home(tmp_path)
    for scene in scenes():
        put(place, *scene)
    counts = compute_sky(place, now=NOW)
    assert counts.computed == 3
    bloom = values(place, "ecology.bloom_ha")
    assert bloom["08-14", "lake"] == 0
    assert bloom["08-24", "lake"] == pytest.approx(25 * CELL)
    cleared = values(place, "ecology.cleared_ha")
    assert np.isnan(cleared["08-14"]).all()  # nothing to compare with yet
    assert cleared["08-19", "331102001"] == 0
    assert cleared["08-24"].sum() == pytest.approx(36 * CELL)
    assert cleared["08-24", "331102002"] > cleared["08-24", "331102001"] > 0
    found = json.loads(place.files.path("candidates/2026-08-24.geojson").read_text())["features"]
    areas = {f["properties"]["kind"]: f["properties"]["area_ha"] for f in found}
    assert areas == {"bloom": pytest.approx(25 * CELL), "clearing": pytest.approx(36 * CELL)}
    cut = next(f["properties"] for f in found if f["properties"]["kind"] == "clearing")
    assert (cut["township"], cut["before_from"], cut["after_scenes"]) == ("331102002", "2026-08-14", "C")
    assert json.loads(place.files.path("candidates/2026-08-19.geojson").read_text())["features"] == []
    table = place.lake.read("candidates")
    assert sorted(table["kind"]) == ["bloom", "clearing"]
    assert set(table["status"]) == {"new"}


def test_a_candidate_that_no_longer_follows_is_withdrawn_and_not_forgotten(tmp_path):
    place = home(tmp_path)
    put(place, *scenes()[0])
    put(place, "N0500", THIRD, surface(cut=(SLOPE, BARE)), baseline="05.00")
    compute_sky(place, now=NOW)
    (first,) = place.lake.read("candidates").to_dict("records")
    assert (first["kind"], first["status"]) == ("clearing", "new")
    put(place, "N0511", THIRD, surface(), baseline="05.11")  # the reprocessed scene shows the forest
    compute_sky(place, now=NOW)
    (same,) = place.lake.read("candidates").to_dict("records")
    assert (same["id"], same["status"]) == (first["id"], "withdrawn")


def test_algae_that_leave_a_shore_are_no_clearing(tmp_path):
    place = home(tmp_path)
    shore = np.s_[14:17, 4:10]  # water beyond the outline of the map; its coarse SWIR cells hold land too
    put(place, "A", FIRST, surface(flood=(shore, ALGAE)))
    put(place, "B", SECOND, surface(flood=(shore, {**WATER, "B11": 0.06})))
    compute_sky(place, now=NOW)
    assert values(place, "ecology.cleared_ha")["08-19"].sum() == 0


def test_forest_has_the_ndvi_of_its_reflectance(tmp_path):
    place = home(tmp_path)
    put(place, *scenes()[0])
    compute_sky(place, now=NOW)
    assert values(place, "ecology.ndvi")["08-14", "331102002"] == pytest.approx((0.40 - 0.04) / 0.44, abs=1e-6)
    stored = place.files.read_raster("products/2026-08-14/ndvi.tif")
    assert stored.attrs["crs"] == "EPSG:32650"
    np.testing.assert_allclose(stored.values[LAKE], (0.015 - 0.03) / 0.045, atol=1e-6)
    detail = place.lake.read("indicators", where={"indicator": ["ecology.ndvi"]})["detail"].iloc[0]
    assert detail == "rule cell centre; A: offset -1000 DN by metadata and pixels; SCL mask with 100 m buffer"


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_the_order_of_arrival_does_not_matter(tmp_path, order):
    straight = home(tmp_path / "straight")
    for scene in scenes():
        put(straight, *scene)
    compute_sky(straight, now=NOW)
    late = home(tmp_path / "late")
    for i in order:
        put(late, *scenes()[i])
        compute_sky(late, now=NOW)
    pd.testing.assert_frame_equal(straight.lake.read("indicators"), late.lake.read("indicators"))
    for name in sorted(FILES):
        for day in acquisition_days(straight):
            one, two = (p.files.path(sky.product(day, name)).read_bytes() for p in (straight, late))
            assert one == two, (name, day)


def test_a_second_run_does_nothing_and_a_late_scene_reaches_as_far_as_it_matters(tmp_path):
    place = home(tmp_path)
    for scene in scenes():
        put(place, *scene)
    compute_sky(place, now=NOW)
    version = place.lake.version("indicators")
    again = compute_sky(place, now=NOW)
    assert again.as_dict() == dict.fromkeys(again.as_dict(), 0)
    assert place.lake.version("indicators") == version
    # Another clear scene between the first two: its own day and the clouded one after it are computed anew, and the
    # third, because the view under the clouds is now younger.
    put(place, "A2", "2026-08-16T02:36:00Z", surface())
    assert compute_sky(place, now=NOW).computed == 3
    # A scene after the last changes nothing before it.
    put(place, "D", "2026-08-29T02:36:00Z", surface(cut=(SLOPE, BARE)))
    assert compute_sky(place, now=NOW).computed == 1
    assert values(place, "ecology.cleared_ha")["08-29"].sum() == 0


def test_a_run_that_died_is_finished_by_the_next(tmp_path, monkeypatch):
    whole = home(tmp_path / "whole")
    broken = home(tmp_path / "broken")
    for place in (whole, broken):
        for scene in scenes():
            put(place, *scene)
    compute_sky(whole, now=NOW)

    calls = itertools.count()
    save = sky.write_view

    def dying(*given):
        if next(calls) == 1:
            raise KeyboardInterrupt
        return save(*given)

    monkeypatch.setattr(sky, "write_view", dying)
    with pytest.raises(KeyboardInterrupt):
        compute_sky(broken, now=NOW)
    assert broken.ledger.cursor("sky") == -1
    compute_sky(broken, now=NOW)
    pd.testing.assert_frame_equal(whole.lake.read("indicators"), broken.lake.read("indicators"))


def test_of_two_versions_of_one_acquisition_the_newest_counts(tmp_path):
    place = home(tmp_path)
    put(place, "N0500", FIRST, surface(bloom=(BAY, ALGAE)), baseline="05.00")
    put(place, "N0511", FIRST, surface(), baseline="05.11", tile="", properties={"grid:code": "MGRS-50RQS"})
    days = acquisition_days(place)
    assert [rows["id"].tolist() for rows in days.values()] == [["N0511"]]
    compute_sky(place, now=NOW)
    assert values(place, "ecology.bloom_ha")["08-14", "lake"] == 0


def test_the_same_acquisition_of_two_catalogues_is_one_scene(tmp_path):
    place = home(tmp_path)
    old = put(place, "earth-search", FIRST, surface(), baseline="05.09")
    told = {"processing:version": "05.11", "s2:processing_baseline": "", "grid:code": "MGRS-50RQS"}
    new = put(place, "copernicus", FIRST, surface(), tile="", properties=told)
    place.lake.upsert("scenes", new.assign(platform="Sentinel-2A", collection="sentinel-2-c1-l2a"), now=NOW, why="test")
    assert old.loc[0, "platform"] == "sentinel-2a"
    assert [rows["id"].tolist() for rows in acquisition_days(place).values()] == [["copernicus"]]


def test_a_scene_whose_offset_is_a_lie_is_refused_and_said(tmp_path):
    place = home(tmp_path)
    put(place, "liar", FIRST, surface(), offset=0)  # baseline 05.11, but the pixels are shifted already
    counts = compute_sky(place, now=NOW)
    assert counts.rejected == 1
    (row,) = place.ledger.rejections().to_dict("records")
    assert row["reason"] == "bad_value"
    assert "scene liar: metadata ask for a reflectance offset of -1000 DN" in row["detail"]
    ecology = place.lake.read("indicators", medium="ecology")
    assert ecology["value"].isna().all()
    assert ecology["detail"].str.contains("liar refused").all()
    assert set(ecology["flag"]) == {9}


def test_or_taken_by_a_marked_choice(tmp_path):
    place = home(tmp_path)
    put(place, "liar", FIRST, surface(), offset=0)
    compute_sky(place, now=NOW, on_offset_conflict="pixels")
    assert values(place, "ecology.ndvi")["08-14", "331102002"] == pytest.approx(0.36 / 0.44, abs=1e-6)
    detail = place.lake.read("indicators", medium="ecology")["detail"]
    assert detail.str.contains("offset 0 DN by pixels \\(metadata said -1000, pixels 0\\)").all()


def test_a_missing_band_and_a_truncated_raster_are_counted(tmp_path):
    place = home(tmp_path)
    put(place, "half", FIRST, surface(), without=("B04",))
    put(place, "torn", SECOND, surface())
    path = place.files.path("scenes/torn/B08.tif")
    path.write_bytes(path.read_bytes()[:200])
    compute_sky(place, now=NOW)
    found = place.ledger.rejections().set_index("reason")["detail"]
    assert "no asset for band B04" in found["missing_band"]
    assert "B08.tif" in found["unreadable_raster"]


def test_without_the_red_edge_only_the_bloom_is_lost(tmp_path):
    place = home(tmp_path)
    put(place, "A", FIRST, surface(), without=("B05",))
    assert compute_sky(place, now=NOW).rejected == 0
    assert np.isnan(values(place, "ecology.bloom_ha")["08-14", "lake"])
    assert values(place, "ecology.ndvi")["08-14"].notna().all()


def test_an_all_cloud_scene_says_nothing_and_keeps_the_view(tmp_path):
    place = home(tmp_path)
    put(place, "A", FIRST, surface())
    put(place, "fog", SECOND, surface(cloud=(np.s_[:, :], CLOUD)))
    put(place, "C", THIRD, surface(cut=(SLOPE, BARE)))
    compute_sky(place, now=NOW)
    assert values(place, "ecology.ndvi")["08-19"].isna().all()
    assert values(place, "ecology.cleared_ha")["08-24"].sum() == pytest.approx(36 * CELL)


def test_no_scene_no_work(tmp_path):
    place = home(tmp_path)
    assert compute_sky(place, now=NOW).computed == 0
    assert acquisition_days(place) == {}


def test_progress_names_the_day(tmp_path):
    place = home(tmp_path)
    put(place, "A", FIRST, surface())
    said = []
    compute_sky(place, now=NOW, progress=lambda text, share: said.append((text, share)))
    assert said == [("2026-08-14", 0.0), ("", 1.0)]
    assert list(acquisition_days(place)) == [date(2026, 8, 14)]
