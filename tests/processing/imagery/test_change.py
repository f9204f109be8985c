"""Clearings: found when there, not found when not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import shape

from processing.imagery.change import View, candidates, clearing
from processing.imagery.grid import moved
from processing.imagery.tables import thresholds
from tests.processing.imagery.rasters import grid

LIMITS = thresholds()
HERE = grid(12, 15, left=700_000, top=3_150_000)
LAND = np.ones(HERE.shape, dtype=bool)


def forest(noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    ndvi = 0.8 + noise * rng.standard_normal(HERE.shape)
    bi = -0.3 + noise * rng.standard_normal(HERE.shape)
    return ndvi.astype(np.float32), bi.astype(np.float32)


def seen_before(day=100, noise=0.0):
    ndvi, bi = forest(noise)
    return View.never(HERE.shape).after(ndvi, bi, day)


def cut(ndvi, bi, where, dndvi=-0.5, dbi=0.3):
    ndvi, bi = ndvi.copy(), bi.copy()
    ndvi[where] += dndvi
    bi[where] += dbi
    return ndvi, bi


def run(ndvi, bi, before, day=105, allowed=LAND):
    return clearing(ndvi, bi, day, before, allowed, LIMITS, HERE.cell_ha)


PATCH = np.s_[3:6, 4:8]  # 12 cells


def test_a_clearing_is_found_with_its_area_and_dates():
    before = seen_before()
    ndvi, bi = cut(*forest(), PATCH)
    found = run(ndvi, bi, before)
    assert found.n == 1
    assert (found.labels == 1).sum() == 12
    (feature,) = candidates(found, ndvi, bi, before, HERE, LIMITS)
    assert feature["properties"] == {
        "number": 1,
        "area_ha": pytest.approx(12 * 0.36),
        "cells": 12,
        "dndvi": -0.5,
        "dbi": 0.3,
        "confidence": 1.0,
        "before_first": 100,
        "before_last": 100,
    }
    outline = moved(shape(feature["geometry"]), "EPSG:4326", HERE.crs)
    assert outline.area / 1e4 == pytest.approx(12 * 0.36, rel=1e-3)
    assert outline.bounds == pytest.approx((700_240, 3_149_640, 700_480, 3_149_820), abs=0.2)


@settings(max_examples=25)
@given(st.integers(0, 999))
def test_nothing_is_found_on_undisturbed_land(seed):
    ndvi, bi = forest(0.02, seed)
    assert run(ndvi, bi, seen_before(noise=0.02)).n == 0


@pytest.mark.parametrize(("dndvi", "dbi", "n"), [(-0.21, 0.11, 1), (-0.19, 0.3, 0), (-0.5, 0.09, 0), (0.1, -0.3, 0)])
def test_both_changes_are_needed(dndvi, dbi, n):
    assert run(*cut(*forest(), PATCH, dndvi, dbi), seen_before()).n == n


def test_small_patches_are_noise_and_corners_touch():
    scattered = (np.array([1, 1, 8]), np.array([1, 8, 3]))
    assert run(*cut(*forest(), scattered), seen_before()).n == 0
    diagonal = (np.arange(2, 6), np.arange(2, 6))
    assert run(*cut(*forest(), diagonal), seen_before()).n == 1


def test_patches_are_numbered_in_reading_order_without_gaps():
    where = np.zeros(HERE.shape, dtype=bool)
    where[0, 0] = True  # too small
    where[0:2, 10:13] = where[6:9, 1:3] = True
    found = run(*cut(*forest(), where), seen_before())
    assert found.n == 2
    assert found.labels[0, 10] == 1
    assert found.labels[6, 1] == 2


def test_fields_that_were_bare_before_are_no_clearings():
    before = View.never(HERE.shape).after(np.full(HERE.shape, 0.35, np.float32), forest()[1], 100)
    ndvi, bi = np.full(HERE.shape, 0.1, np.float32), forest()[1] + 0.3
    assert run(ndvi, bi.astype(np.float32), before).n == 0


def test_what_is_water_now_was_not_cleared():
    ndvi, bi = cut(*forest(), PATCH, -1.1, 0.6)
    assert run(ndvi, bi, seen_before()).n == 0


def test_water_never_seen_cloud_and_last_season_are_not_compared():
    ndvi, bi = cut(*forest(), PATCH)
    assert run(ndvi, bi, View.never(HERE.shape)).comparable.sum() == 0
    assert run(ndvi, bi, seen_before(), allowed=~LAND).n == 0
    assert run(ndvi, bi, seen_before(), day=100 + 91).n == 0
    cloudy = ndvi.copy()
    cloudy[PATCH] = np.nan
    found = run(cloudy, bi, seen_before())
    assert found.n == 0
    assert found.comparable.sum() == LAND.sum() - 12


def test_the_latest_clear_view_is_kept_per_cell():
    ndvi, bi = forest()
    early = View.never(HERE.shape).after(ndvi, bi, 100)
    later = ndvi - np.float32(0.1)
    later[:, :5] = np.nan
    view = early.after(later, bi, 110)
    assert (view.day[:, :5] == 100).all()
    assert (view.day[:, 5:] == 110).all()
    np.testing.assert_array_equal(view.ndvi[:, :5], ndvi[:, :5])
    np.testing.assert_array_equal(view.ndvi[:, 5:], later[:, 5:])


def test_confidence_is_half_at_the_threshold_and_whole_at_twice():
    before = seen_before()
    for factor, wanted in ((1.001, 0.5), (1.5, 0.75), (3, 1.0)):
        ndvi, bi = cut(*forest(), PATCH, -0.2 * factor, 0.1 * factor)
        found = run(ndvi, bi, before)
        assert candidates(found, ndvi, bi, before, HERE, LIMITS)[0]["properties"]["confidence"] == wanted
    assert candidates(run(*forest(), before), *forest(), before, HERE, LIMITS) == []
