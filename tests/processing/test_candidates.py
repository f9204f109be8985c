"""Candidates: outlines, what is told of them, and how they are followed from day to day."""

import json
from datetime import date, timedelta

import numpy as np
import pytest
from shapely.geometry import shape

from domain.records import TABLES
from processing import candidates
from processing.candidates import Day, rows, step
from processing.imagery.events import ClearView, References, day_number, detect
from processing.imagery.grid import moved
from tests.processing.imagery.events.scenery import GRID, LIMITS, PATCH, RAFT, SHAPE, ground, view

FIRST = date(2026, 8, 19)


class Story:
    """Scenes one after the other; `features` are the candidates of the last."""

    def __init__(self, code=131, season=None):
        self.view, self.features, self.code = ClearView.never(SHAPE), [], code
        self.earlier = ClearView.never(SHAPE)
        self.scenes = {}  # of each day, as the shell knows them
        self.season = season or ClearView.never(SHAPE)

    def sees(self, day, **places):
        return self.scene(day, view(day=day_number(day), **places).bands)

    def scene(self, day, bands):
        references = References(self.view, self.season, ClearView.never(SHAPE), self.earlier)
        found = detect(bands, day_number(day), references, ground(self.code), LIMITS)
        self.features = step(self.features, found, Day(day, GRID, LIMITS, "S2X", dict(self.scenes)))
        self.scenes[day_number(day)] = f"S2-{day.isoformat()}"
        self.earlier, self.view = self.view, self.view.after(bands, day_number(day))
        return [f["properties"] for f in self.features]


def later(days):
    return FIRST + timedelta(days=days)


def cleared():
    story = Story()
    story.sees(FIRST)
    story.sees(later(5), cut=(PATCH, "soil"))
    return story


def test_a_candidate_tells_what_changed_where_and_when():
    story = cleared()
    (feature,) = story.features
    said = feature["properties"]
    assert said["id"] == "clearing-20260824-r0004c0005"
    assert (said["first_seen"], said["last_seen"], said["n_seen"]) == ("2026-08-24", "2026-08-24", 1)
    assert (said["before_from"], said["before_to"]) == ("2026-08-19", "2026-08-19")
    assert (said["township"], said["water_body"]) == ("331102001", "")
    assert (said["before_scenes"], said["after_scenes"]) == ("S2-2026-08-19", "S2X")
    assert said["area_ha"] == pytest.approx(0.42)
    assert said["changes"] == {"ndvi": [0.81, 0.198], "bi": [-0.3, 0.203]}
    assert said["status"] == "new"
    outline = moved(shape(feature["geometry"]), "EPSG:4326", GRID.crs)
    assert outline.area == pytest.approx(4200, rel=1e-3)
    assert outline.centroid.x == pytest.approx(GRID.left + 85, abs=0.2)
    assert outline.centroid.y == pytest.approx(GRID.top - 70, abs=0.2)
    assert shape(feature["geometry"]).contains(shape({"type": "Point", "coordinates": [said["lon"], said["lat"]]}))


def test_seen_again_it_stands_and_is_surer():
    story = cleared()
    before = story.features[0]["properties"]["confidence"]
    (said,) = story.sees(later(10), cut=(PATCH, "soil"))
    assert (said["status"], said["n_seen"], said["last_seen"]) == ("standing", 2, "2026-08-29")
    assert said["id"] == "clearing-20260824-r0004c0005"
    assert said["confidence"] == pytest.approx(before + LIMITS["confidence_repeat"], abs=0.011)


def test_under_clouds_nothing_is_said_of_it():
    story = cleared()
    before = json.dumps(story.features)
    story.sees(later(10), cut=(PATCH, "unseen"))
    assert json.dumps(story.features) == before


def test_grown_over_it_is_over_and_then_left_out():
    story = cleared()
    (said,) = story.sees(later(10))
    assert said["status"] == "over"
    assert said["last_seen"] == "2026-08-24"
    assert story.sees(later(15)) == []


def test_the_half_a_cloud_had_hidden_belongs_to_it():
    story = Story()
    story.sees(FIRST)
    story.sees(later(5), cut=(PATCH, "soil"), cloud=(np.s_[4:10, 8:12], "unseen"))
    assert story.features[0]["properties"]["area_ha"] == pytest.approx(0.18)
    (said,) = story.sees(later(10), cut=(PATCH, "soil"))
    assert said["id"] == "clearing-20260824-r0004c0005"
    assert said["area_ha"] == pytest.approx(0.42)
    assert said["n_seen"] == 2


def test_what_thin_cloud_made_look_like_another_kind_is_named_by_the_clearer_look():
    story = Story()
    story.sees(FIRST)
    (first,) = story.sees(later(5), cut=(PATCH, "rubble"), twigs=(np.s_[4:10, 7:12], "browned soil"))
    assert first["kind"] == "clearing"
    (second,) = story.sees(later(10), cut=(PATCH, "rubble"))
    assert (second["kind"], second["id"]) == ("dump", first["id"])
    assert list(second["changes"]) == ["ndvi", "visible", "flat"]
    (third,) = story.sees(later(15), cut=(PATCH, "rubble"), twigs=(np.s_[4:10, 7:12], "browned soil"))
    assert third["kind"] == "dump"  # the weaker look says nothing
    assert rows(story.features)["kind"].tolist() == ["dump"]


def test_far_apart_they_are_two():
    story = cleared()
    assert len(story.sees(later(10), cut=(PATCH, "soil"), other=(np.s_[26:32, 2:8], "soil"))) == 2


def test_a_bloom_that_drifts_is_one_candidate_with_todays_outline():
    story = Story()
    story.sees(FIRST)
    (first,) = story.sees(later(5), raft=(RAFT, "algae"))
    assert (first["kind"], first["water_body"]) == ("bloom", "lake")
    (second,) = story.sees(later(10), raft=(np.s_[27:31, 28:34], "algae"))
    assert second["id"] == first["id"]
    assert second["area_ha"] == pytest.approx(0.24)
    assert second["n_seen"] == 2
    (third,) = story.sees(later(15))
    assert third["status"] == "over"


def test_the_same_scenes_give_the_same_candidates():
    one, two = cleared(), cleared()
    assert json.dumps(one.features) == json.dumps(two.features)


def test_one_not_seen_for_long_is_no_longer_followed():
    story = cleared()
    assert len(story.sees(later(300), cut=(np.s_[:, :], "unseen"))) == 1
    assert story.sees(later(371), cut=(np.s_[:, :], "unseen")) == []


@pytest.mark.parametrize("code", [131, None])
def test_confidence_stays_within_its_bounds_and_is_less_without_a_map(code):
    story = Story(code)
    story.sees(FIRST)
    (said,) = story.sees(later(5), cut=(PATCH, "soil"))
    assert 0 < said["confidence"] <= 1
    mapped = cleared().features[0]["properties"]["confidence"]
    assert said["confidence"] == pytest.approx(mapped * (1 if code else LIMITS["confidence_unmapped"]), abs=0.011)


def test_the_same_season_a_year_ago_makes_it_surer():
    story = Story(season=view(day=day_number(later(-360))))
    story.sees(FIRST)
    (said,) = story.sees(later(5), cut=(PATCH, "soil"))
    unknown = cleared().features[0]["properties"]["confidence"]
    assert said["confidence"] == pytest.approx(unknown + LIMITS["confidence_season"] / 2, abs=0.011)


def test_the_weights_sum_to_one():
    names = ("strength", "size", "season", "repeat")
    assert sum(LIMITS[f"confidence_{name}"] for name in names) == pytest.approx(1)


def test_rows_are_those_of_the_table():
    frame = rows(cleared().features)
    assert list(frame.columns) == TABLES["candidates"].columns
    (row,) = frame.to_dict("records")
    assert row["first_seen"].isoformat() == "2026-08-23T16:00:00+00:00"  # the Shanghai day begins
    assert json.loads(row["geometry"])["type"] == "Polygon"
    assert json.loads(row["changes"])["ndvi"] == [0.81, 0.198]
    assert row["after_scenes"] == "S2X"
    assert rows([]).empty


def test_a_candidate_beyond_the_grid_is_left_as_it_is():
    story = cleared()
    (feature,) = story.features
    away = {"type": "Polygon", "coordinates": [[[100.0, 20.0], [100.1, 20.0], [100.1, 20.1], [100.0, 20.0]]]}
    assert candidates._cells_of(away, GRID)[0].size == 0
    story.features = [{**feature, "geometry": away}]
    said = story.sees(later(10), cut=(PATCH, "soil"))
    assert [s["n_seen"] for s in said] == [1, 1]  # what is on the grid is found anew
