"""Events on water: blooms and lost water, and what only looks like them."""

import numpy as np
import pytest

from processing.imagery.events import ClearView
from processing.imagery.events.water import bloom, water_loss
from tests.processing.imagery.events.scenery import BANDS, FILL, LAKE, RAFT, SHAPE, blend, compared, view

BEFORE, NOW = 20_000, 20_010
EDGE = np.s_[16:18, 18:38]  # two rows along the northern shore


def cells(where):
    out = np.zeros(SHAPE, dtype=bool)
    out[where] = True
    return out


def test_a_raft_of_algae_is_found_and_the_shore_is_left_out():
    found = bloom(compared(view(day=NOW, raft=(RAFT, "algae")), view(day=BEFORE)))
    assert np.array_equal(found.changed, cells(RAFT))
    whole = bloom(compared(view(day=NOW, raft=(LAKE, "algae")), view(day=BEFORE)))
    assert not whole.changed[EDGE].any()
    assert whole.changed[RAFT].all()


def test_a_bloom_needs_no_view_before():
    assert bloom(compared(view(day=NOW, raft=(RAFT, "algae")), ClearView.never(SHAPE))).changed.any()


@pytest.mark.parametrize("haze", [0.02, 0.05])
@pytest.mark.parametrize("veil", [0.0, 0.1])
def test_haze_and_thin_cloud_do_not_hide_a_bloom(haze, veil):
    """Algae that cover two thirds of the water, under air that adds as much to the bands as the water does."""
    water = view(day=NOW)
    sparse = blend(water, view(day=NOW, raft=(RAFT, "algae")), 0.67)
    seen = blend(sparse, view("cloud", day=NOW, lake=(LAKE, "cloud")), veil)
    air = dict(zip(BANDS, haze * np.array([1.0, 0.72, 0.55, 0.48, 0.32, 0.10, 0.06], dtype=np.float32), strict=True))
    hazy = ClearView.never(SHAPE).after({n: seen.bands[n] + np.float32(air[n]) for n in BANDS}, NOW)
    assert np.array_equal(bloom(compared(hazy, view(day=BEFORE))).changed, cells(RAFT))


@pytest.mark.parametrize("glint", [0.01, 0.03, 0.06])
def test_glint_is_no_bloom(glint):
    bright = {n: view().bands[n] + np.float32(glint) * cells(LAKE) for n in BANDS}
    assert not bloom(compared(ClearView.never(SHAPE).after(bright, NOW), view(day=BEFORE))).changed.any()


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.9])
def test_thin_cloud_over_water_is_no_bloom(share):
    cloudy = blend(view(day=NOW), view(day=NOW, raft=(RAFT, "cloud")), share)
    assert not bloom(compared(cloudy, view(day=BEFORE))).changed.any()


def test_grass_on_a_filled_bay_is_no_bloom():
    """Soil with a little green on it has the red edge of algae; SWIR1 tells that it is land."""
    grown = blend(view(day=NOW, fill=(RAFT, "soil")), view(day=NOW, fill=(RAFT, "wood")), 0.15)
    assert (grown.index("ndci")[RAFT] > 0.1).all()
    assert (grown.index("fai")[RAFT] > 0.01).all()
    assert not bloom(compared(grown, view(day=BEFORE))).changed.any()


def lost(now, season=True, latest=None):
    usual = view(day=NOW - 360) if season else None
    return water_loss(compared(now, latest or view(day=BEFORE), season=usual)).changed


def test_water_that_became_land_is_found():
    assert np.array_equal(lost(view(day=NOW, fill=(FILL, "soil"))), cells(FILL))


def test_without_the_same_season_a_year_ago_nothing_is_said():
    assert not lost(view(day=NOW, fill=(FILL, "soil")), season=False).any()


def test_what_was_dry_a_year_ago_too_is_the_season():
    dry = water_loss(
        compared(view(day=NOW, fill=(FILL, "soil")), view(day=BEFORE), season=view(day=NOW - 360, fill=(FILL, "soil")))
    )
    assert not dry.changed.any()


def test_a_reservoir_drawn_down_along_its_shore_is_no_loss():
    now = {n: view(day=NOW).bands[n].copy() for n in BANDS}
    soil = view("soil")
    rim = cells(LAKE) & ~cells(np.s_[18:32, 20:36])
    for name in BANDS:
        now[name][rim] = soil.bands[name][0, 0]
    assert not lost(ClearView.never(SHAPE).after(now, NOW)).any()


def test_dark_water_with_reflectance_below_zero_is_water():
    dark = {n: np.where(cells(LAKE), view().bands[n] - np.float32(0.006), view().bands[n]) for n in BANDS}
    assert not lost(ClearView.never(SHAPE).after(dark, NOW)).any()
