"""The invented land: rivers lie in valleys, forest on hills, fields and towns where they can be."""

import numpy as np
import pytest

from domain.catalogue import TABLES_DIR, read_table
from domain.registry import Registry
from sample_feeds.grids import county_grid
from sample_feeds.landscape import DRYLAND, FOREST, LAKE, ORCHARD, PADDY, RESIDENTIAL, RIVER, landscape
from sample_feeds.simulate import COUNTY

SEED = 20260818
WOOD = (119.642, 28.518, 600.0)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load(COUNTY)


@pytest.fixture(scope="module")
def land(registry):
    return landscape(registry, county_grid(registry, 120), SEED, woods=[WOOD])


def at(land, lon, lat):
    return np.unravel_index(int(np.argmin(land.grid.distance([(lon, lat)]))), land.grid.shape)


def test_every_code_has_a_name_in_the_table(land):
    named = read_table(
        TABLES_DIR / "landcover.csv", columns=["code", "name_zh", "name_en", "ecosystem", "source"], key=["code"]
    )
    assert set(np.unique(land.cover).tolist()) <= set(named["code"].astype(int))


def test_the_county_looks_like_one_in_southern_zhejiang(land, registry):
    cover = land.cover[land.grid.burn(registry.townships.shapes)]
    share = {code: float(np.mean(cover == code)) for code in np.unique(cover).tolist()}
    assert 0.65 < sum(share[code] for code in FOREST) < 0.85
    assert 0.06 < share[PADDY] + share[DRYLAND] < 0.20
    assert 0.01 < share[RESIDENTIAL] < 0.05
    assert 0.005 < share[RIVER] < 0.02
    assert 1200 < land.elevation.max() < 2500
    assert land.elevation.min() > 0


def test_rivers_lie_in_valleys(land):
    river = land.cover == RIVER
    away = np.hypot(*np.gradient(land.elevation, land.grid.resolution))
    assert np.median(away[river]) < 0.05
    assert np.quantile(land.elevation[river], 0.95) < np.quantile(land.elevation[~river], 0.25)


def test_the_main_river_falls_downstream(land, registry):
    sections = registry.stations[registry.stations["river"] == "oujiang"].sort_values("river_km")
    levels = [land.elevation[at(land, row.lon, row.lat)] for row in sections.itertuples()]
    assert len(levels) >= 4
    assert np.all(np.diff(levels) < 0)


def test_the_reservoir_is_level_and_where_the_map_has_it(land, registry):
    polygon = registry.waters.shapes[registry.waters.kinds.index("reservoir")]
    assert np.all(land.cover[land.grid.burn([polygon])] == LAKE)
    assert np.ptp(land.elevation[land.cover == LAKE]) == 0


def test_samples_of_soil_are_taken_on_their_kind_of_field(land, registry):
    kinds = {"paddy": PADDY, "orchard": ORCHARD, "other": DRYLAND}
    for row in registry.stations[registry.stations["medium"] == "soil"].itertuples():
        assert land.cover[at(land, row.lon, row.lat)] == kinds[row.zone], row.station_id


def test_there_is_wood_where_it_is_wanted(land):
    lon, lat, radius = WOOD
    assert np.isin(land.cover[land.grid.near([(lon, lat)], radius)], FOREST).all()


def test_the_same_seed_is_the_same_land_and_another_is_not(land, registry):
    again = landscape(registry, land.grid, SEED, woods=[WOOD])
    for name in ("elevation", "cover", "brightness", "vigour", "light"):
        assert np.array_equal(getattr(land, name), getattr(again, name)), name
    other = landscape(registry, land.grid, SEED + 1)
    assert np.mean(other.cover != land.cover) > 0.1
