"""The picture before and after: drawn for every kind in both languages, the same bytes twice."""

import struct
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from domain.registry import Zones
from processing.charts_candidate import CandidateContent, _listed, _stretched, _window, draw_candidate
from processing.imagery.events import KINDS, ClearView
from processing.imagery.grid import moved
from tests.processing.imagery.events.scenery import GRID, PATCH, SHAPE, view
from tests.processing.test_candidates import FIRST, Story

pytestmark = pytest.mark.filterwarnings("error:Glyph")  # matplotlib warns of every glyph a font does not have


@pytest.fixture(scope="module")
def content():
    story = Story()
    story.sees(FIRST)
    before, day = story.view, FIRST + timedelta(days=5)
    story.sees(day, cut=(PATCH, "soil"))
    towns = Zones(("331102001",), ("碧湖镇",), ("Bihu",), ("town",), (None,))
    none = Zones((), (), (), (), ())
    return CandidateContent(story.features[0], before, story.view, day, GRID, towns, none, True)


@pytest.mark.parametrize(("kind", "lang"), [*((kind, "zh") for kind in KINDS), ("dump", "en")])
def test_every_kind_is_drawn(content, kind, lang):
    said = {**content.feature["properties"], "kind": kind, "changes": {key: [None, 0.5] for key in KINDS[kind].shown}}
    given = replace(content, feature={**content.feature, "properties": said})
    drawn = draw_candidate(given, lang)
    assert drawn[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", drawn[16:24]) == (1300, 832)


def test_the_same_candidate_gives_the_same_bytes(content):
    assert draw_candidate(content) == draw_candidate(content)


def test_a_place_never_seen_before_is_grey(content):
    assert draw_candidate(replace(content, before=ClearView.never(SHAPE), now=ClearView.never(SHAPE)))
    (grey,) = _stretched([np.full((4, 5, 3), np.nan)], natural=True)
    assert (grey == 0.72).all()


def test_both_halves_have_the_same_colours_for_the_same_reflectance():
    one, two = view().bands, view(cut=(PATCH, "soil")).bands
    stacks = [np.stack([b[name] for name in ("red", "green", "blue")], axis=-1) for b in (one, two)]
    left, right = _stretched(stacks, natural=True)
    outside = np.ones(SHAPE, dtype=bool)
    outside[PATCH] = False
    np.testing.assert_array_equal(left[outside], right[outside])
    assert (right[PATCH] > left[PATCH]).all()


def test_the_window_stays_inside_the_grid():
    from shapely import box

    corner = box(GRID.left, GRID.top - 30, GRID.left + 30, GRID.top)
    rows, columns = _window(corner, GRID)
    assert (rows.start, columns.start) == (0, 0)
    assert rows.stop <= GRID.height
    assert columns.stop <= GRID.width
    assert moved(corner, GRID.crs, "EPSG:4326").is_valid
    assert date(2026, 8, 24) == FIRST + timedelta(days=5)


def test_scenes_are_named_as_long_as_they_fit():
    assert _listed("A B", "zh") == "A B"
    assert _listed("A B C", "zh") == "A 等 3 景"
    assert _listed("", "en") == "unknown"
