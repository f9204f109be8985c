"""What a satellite sees: clouds, shadows, event pixels, bands and classes."""

from datetime import timedelta

import numpy as np
import pytest

from domain.registry import Registry
from sample_feeds import scenes
from sample_feeds.landscape import BARE, FOREST, LAKE
from sample_feeds.scenario import SkyEvent, load
from sample_feeds.simulate import COUNTY
from sample_feeds.sky import TILE_M, TILES
from sample_feeds.streams import stream

SEED = 20260818
SCENARIO = load()
EVENTS = {event.id: event for event in SCENARIO.of(SkyEvent)}


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load(COUNTY)


@pytest.fixture(scope="module")
def land(registry):
    return scenes.county_land(registry, SCENARIO, 120, SEED)


def test_every_surface_of_the_land_has_a_spectrum(land):
    assert {str(code) for code in np.unique(land.cover)} <= set(scenes.spectra().index)


def test_spectra_are_plausible():
    table = scenes.spectra()
    ndvi = (table["B08"] - table["B04"]) / (table["B08"] + table["B04"])
    forest = [str(code) for code in FOREST]
    assert ndvi.loc[forest].between(0.75, 0.9).all()
    assert ndvi.loc[["821", "dump", "611", "631"]].max() < 0.25
    assert table.drop(columns=["scl", "green"]).stack().between(0.001, 0.7).all()


@pytest.mark.parametrize("name", list(EVENTS))
def test_an_event_covers_its_area_where_it_can_be(land, name):
    event = EVENTS[name]
    pixels = scenes.event_pixels(event, land, SEED)
    pixel_ha = land.grid.resolution**2 / 1e4
    assert pixels.sum() * pixel_ha == pytest.approx(event.area_ha, abs=pixel_ha)
    before = land.cover[pixels]
    assert np.isin(before, (LAKE,) if event.kind == "bloom" else FOREST).all()


def test_the_land_changes_only_by_its_events(land):
    first, last = SCENARIO.start, SCENARIO.end
    early = scenes.sight(land, SCENARIO, first, 0.0, SEED)
    late = scenes.sight(land, SCENARIO, last, 0.0, SEED)
    assert np.array_equal(early.surface, land.cover)
    changed = late.surface != early.surface
    told = [scenes.event_pixels(e, land, SEED) for e in EVENTS.values() if not e.on_water]
    assert np.array_equal(changed, np.logical_or.reduce(told))
    assert set(np.unique(late.surface[changed])) == {BARE, scenes.DUMP}
    assert not late.algae.any()


def test_a_bloom_is_there_while_it_lasts(land):
    event = EVENTS["reservoir-bloom"]
    seen = scenes.sight(land, SCENARIO, event.start + timedelta(hours=1), 0.0, SEED)
    assert np.array_equal(seen.algae > 0, scenes.event_pixels(event, land, SEED))
    assert seen.algae[seen.algae > 0].min() >= 0.45


@pytest.mark.parametrize("cover", [0.0, 0.1, 0.6, 1.0])
def test_clouds_cover_what_they_should(land, cover):
    cloud = scenes.clouds(land.grid, cover, [], stream(1, "clouds"))
    assert np.mean(cloud > 0) == pytest.approx(cover, abs=0.01)


def test_sites_are_free_of_clouds_and_shadows_on_clear_days(land):
    sites = [event.centre for event in EVENTS.values()]
    for day in range(8):
        cloud = scenes.clouds(land.grid, 0.2, sites, stream(day, "clouds"))
        spoilt = (cloud > 0) | scenes.shadows(cloud, land.grid.resolution)
        assert not spoilt[land.grid.near(sites, 1200)].any()


def test_shadows_fall_to_the_north_west_of_clouds():
    cloud = np.zeros((60, 60), dtype=np.float32)
    cloud[28:32, 28:32] = 1
    rows, columns = np.nonzero(scenes.shadows(cloud, 60))
    assert rows.mean() < 28
    assert columns.mean() < 20
    assert not scenes.shadows(np.where(cloud > 0, np.float32(0.05), 0), 60).any()  # cirrus casts none


@pytest.fixture(scope="module")
def tiles(registry, land):
    return {name: scenes.tile(registry, land.grid, epsg, (x, y), TILE_M) for name, (epsg, x, y) in TILES.items()}


def test_tiles_lie_on_the_lattice_of_their_zone(tiles):
    for name, part in tiles.items():
        _, x, y = TILES[name]
        bounds = part.grid.outline.bounds
        assert x <= bounds[0] < bounds[2] <= x + TILE_M + 240
        assert (bounds[0] - x) % 240 == 0
        assert (y - bounds[3]) % 240 == 0
        assert part.grid.height % 2 == part.grid.width % 2 == 0


def test_a_tile_elsewhere_is_none(registry, land):
    assert scenes.tile(registry, land.grid, 32650, (399_960, 3_200_040), TILE_M) is None


def test_bands_have_the_offset_and_zero_is_no_data(land, tiles):
    seen = scenes.sight(land, SCENARIO, SCENARIO.start, 0.0, SEED)
    part = tiles["51RTM"]
    numbers = dict(scenes.bands(land, seen, part, ("a",), SEED))
    assert list(numbers) == [*scenes.FINE, *scenes.COARSE]
    for band, values in numbers.items():
        assert values.dtype == np.uint16
        assert values.shape == (part.grid.shape if band in scenes.FINE else part.grid.coarse(2).shape)
        assert values[values > 0].min() > 950
    assert np.array_equal(numbers["B04"] > 0, part.seen)
    forest = np.isin(part.of(land.cover), FOREST) & part.seen
    red, nir = ((numbers[b][forest] - 1000.0) / 10_000 for b in ("B04", "B08"))
    assert 0.75 < np.median((nir - red) / (nir + red)) < 0.86


def test_scene_classes_follow_land_cloud_and_shadow(land, tiles):
    part = tiles["50RQS"]
    clear = scenes.scene_classes(land, scenes.sight(land, SCENARIO, SCENARIO.start, 0.0, SEED), part)
    assert set(np.unique(clear)) <= {0, 2, 4, 5, 6}
    assert np.mean(clear == 2) < 0.02
    assert scenes.cloud_share(clear) == 0
    cloudy = scenes.scene_classes(land, scenes.sight(land, SCENARIO, SCENARIO.start, 0.5, SEED), part)
    assert {3, 8, 9, 10} <= set(np.unique(cloudy))
    untouched = ~np.isin(cloudy, (3, 8, 9, 10))
    assert np.array_equal(cloudy[untouched], clear[untouched])
    assert scenes.cloud_share(cloudy) == pytest.approx(50, abs=12)
    assert scenes.cloud_share(np.zeros((2, 2), dtype=np.uint8)) == 0
