"""Candidates through the whole eye: found, followed, pictured, kept in the lake, withdrawn when scenes say so."""

import json

import numpy as np

from processing import sky_pictures
from processing.imagery.events import KINDS
from processing.imagery.tables import thresholds
from processing.sky import compute_sky
from tests.processing.skyland import BARE, NOW, home, put, surface

FIRST, SECOND, THIRD = "2026-08-14T02:36:00Z", "2026-08-19T02:36:00Z", "2026-08-24T02:36:00Z"
SLOPE = np.s_[18:24, 15:21]  # 36 cells: 13 ha


def told(place):
    return place.lake.read("candidates").set_index("id")


def test_a_clearing_has_its_row_its_outline_and_its_picture(tmp_path):
    place = home(tmp_path)
    put(place, "A", FIRST, surface())
    put(place, "B", SECOND, surface(cut=(SLOPE, BARE)))
    compute_sky(place, now=NOW)
    (row,) = told(place).reset_index().to_dict("records")
    assert row["id"].startswith("clearing-20260819-")
    assert (row["kind"], row["status"], row["n_seen"]) == ("clearing", "new", 1)
    assert (row["kind"] in KINDS, row["after_scenes"]) == (True, "B")
    assert row["picture"] == sky_pictures.picture_name(row["id"])
    assert place.files.path(row["picture"]).read_bytes()[:4] == b"\x89PNG"
    assert 0 < row["confidence"] <= 1
    assert json.loads(row["geometry"])["type"] == "Polygon"
    cleared = place.lake.read("indicators", where={"indicator": ["ecology.cleared_ha"]})
    assert cleared["value"].max() > 10

    put(place, "C", THIRD, surface(cut=(SLOPE, BARE)))
    compute_sky(place, now=NOW)
    again = told(place).loc[row["id"]]
    assert (again["status"], again["n_seen"], again["picture"]) == ("standing", 2, row["picture"])


def test_a_late_scene_that_was_bare_already_withdraws_it(tmp_path):
    place = home(tmp_path)
    put(place, "A", FIRST, surface())
    put(place, "C", THIRD, surface(cut=(SLOPE, BARE)))
    compute_sky(place, now=NOW)
    (first,) = told(place).index
    put(place, "B", SECOND, surface(cut=(SLOPE, BARE)))
    compute_sky(place, now=NOW)
    after = told(place)
    assert after.loc[first, "status"] == "withdrawn"
    assert sorted(after["status"]) == ["standing", "withdrawn"]


def test_a_flood_of_candidates_draws_only_the_surest(tmp_path, monkeypatch):
    place = home(tmp_path)
    put(place, "A", FIRST, surface())
    put(place, "B", SECOND, surface(cut=(np.s_[16:20, 2:10], BARE), more=(np.s_[16:20, 15:25], BARE)))
    limits = dict(thresholds()) | {"pictures_max": 1.0}
    monkeypatch.setattr("processing.sky_fvc.thresholds", lambda: limits)
    compute_sky(place, now=NOW)
    rows = told(place)
    assert len(rows) == 2
    assert sorted(rows["picture"] != "") == [False, True]
    assert rows.loc[rows["picture"] != "", "confidence"].iloc[0] == rows["confidence"].max()
