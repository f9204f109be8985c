"""A simulated year: seasons, sun, waters, and that nothing of it shows without `nature`."""

import hashlib
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
import yaml

from domain.catalogue import TABLES_DIR, read_table
from domain.registry import Registry
from sample_feeds import nature
from sample_feeds import sky as catalogue
from sample_feeds.landscape import LAKE
from sample_feeds.scenario import DEFAULT, Nature, SkyEvent, load
from sample_feeds.simulate import COUNTY
from sample_feeds.spectra import EXPOSED, spectra
from tests.sky_county import Sky

SEED = 3


@pytest.fixture(scope="module")
def sky():
    return Sky(SEED, resolution=40, wanted={"clearing": 1, "burn": 1, "pine_decline": 1, "water_loss": 1})


def test_every_surface_with_a_season_is_a_land_cover_and_has_a_dormant_look():
    codes = read_table(
        TABLES_DIR / "landcover.csv", columns=["code", "name_zh", "name_en", "ecosystem", "source"], key=["code"]
    )["code"]
    table = nature.phenology()
    assert set(table.index.astype(str)) <= set(codes)
    assert set(table["dormant"]) <= set(spectra().index)
    assert table["least"].between(0, 1).all()


@pytest.mark.parametrize(
    ("day", "height"), [(date(2026, 6, 21), 71.4), (date(2026, 12, 21), 34.7), (date(2026, 3, 21), 55.8)]
)
def test_the_sun_is_where_it_is(day, height):
    """Heights by sin h = sin 28.4 sin d + cos 28.4 cos d cos 20, with declinations +-23.44 and 0."""
    up, azimuth = nature.sun(day)
    assert up == pytest.approx(height, abs=0.6)
    assert 90 < azimuth < 180


def test_paddies_are_bare_in_winter_and_green_in_late_summer(sky):
    winter, summer = (nature.dormancy(sky.land, date(2026, m, 20), SEED) for m in (1, 8))
    paddy, forest = sky.land.cover == 511, sky.land.cover == 131
    assert winter[paddy].mean() > 0.9 > 0.2 > summer[paddy].mean()
    assert 0.25 < winter[forest].mean() < 0.45
    assert 0 <= summer.min() <= winter.max() <= 1


def test_parcels_are_not_cut_on_one_day(sky):
    paddy = sky.land.cover == 511
    middle = nature.dormancy(sky.land, date(2026, 10, 22), SEED)[paddy]
    assert middle.std() > 0.2


def test_a_reservoir_falls_in_late_winter_and_is_full_in_late_summer(sky):
    low, full = (nature.exposed(sky.land, Nature(), date(2026, m, 14), SEED) for m in (2, 8))
    assert low.sum() > 3 * full.sum()
    assert (sky.land.cover[low] == LAKE).all()
    assert not nature.exposed(sky.land, Nature(drawdown_m=0), date(2026, 2, 14), SEED).any()


def test_the_bed_of_the_reservoir_is_a_surface_of_its_own(sky):
    made = nature.mood(sky.land, Nature(), datetime(2026, 2, 14, 2, 38, tzinfo=UTC), SEED)
    surface = nature.waters(made, sky.land.cover)
    assert (surface[made.exposed] == EXPOSED).all()
    assert np.array_equal(surface[~made.exposed], sky.land.cover[~made.exposed])


def test_a_date_looks_the_same_whenever_it_is_drawn(sky):
    at = datetime(2026, 5, 1, 2, 38, tzinfo=UTC)
    one, two = (nature.mood(sky.land, Nature(), at, SEED) for _ in range(2))
    for name in ("dormant", "brightness", "haze", "veil", "silt", "algae", "exposed", "unmarked"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert (one.glint, one.shift) == (two.glint, two.shift)


def test_air_adds_to_the_blue_and_shadow_takes_least_of_it():
    ground = np.full((2, 2), 0.1, dtype=np.float32)
    nothing, shade = np.zeros_like(ground), np.ones((2, 2), dtype=bool)
    haze = np.full_like(ground, 0.05)
    hazy = {b: nature.through_air(b, ground, ~shade, haze, nothing)[0, 0] for b in nature.HAZE}
    dark = {b: nature.through_air(b, ground, shade, nothing, nothing)[0, 0] for b in nature.SHADOW}
    assert hazy["B02"] > hazy["B04"] > hazy["B08"] > hazy["B12"] > 0.09
    assert dark["B02"] > dark["B08"] > dark["B12"]


def test_events_change_their_place(sky):
    def clearest(year):
        days = [date(year, 12, d) for d in range(1, 31)]
        return sky.scene(min(days, key=sky.cover))

    before, after = clearest(2025), clearest(2026)
    shown = {"clearing": "red", "burn": "swir22", "pine_decline": "red", "water_loss": "swir16"}
    assert {site.event.kind for site in sky.sites} == set(shown)
    for site in sky.sites:
        one, two = (scene[shown[site.event.kind]][site.cells] for scene in (before, after))
        assert np.nanmedian(two) - np.nanmedian(one) > 0.015, site.event.kind


def test_a_scenario_says_how_wild_its_nature_is_and_what_happens(tmp_path):
    data = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
    data["sky"] |= {"resolution_m": 600, "nature": {"haze": 0.02, "drawdown_m": 0}}
    fire = next(e for e in data["events"] if e["id"] == "hill-clearing") | {"id": "fire", "kind": "burn"}
    data["events"].append(fire)
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    scenario = load(path)
    assert scenario.sky.nature == Nature(haze=0.02, drawdown_m=0)
    assert [e.kind for e in scenario.of(SkyEvent)] == ["bloom", "clearing", "dump", "dump", "burn"]
    registry = Registry.load(COUNTY)
    for name, its in (("tame", scenario.model_copy(update={"sky": _tame(scenario)})), ("wild", scenario)):
        catalogue.write(tmp_path / name, registry, its, start=its.start, end=its.start + timedelta(days=2), seed=1)
    tame, wild = (
        {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (tmp_path / n).rglob("S2*50RQS/B0*.tif")}
        for n in ("tame", "wild")
    )
    assert set(tame) == set(wild) >= {"B02.tif", "B08.tif"}
    assert not set(tame.values()) & set(wild.values())


def _tame(scenario):
    return scenario.sky.model_copy(update={"nature": None})
