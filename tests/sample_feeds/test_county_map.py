"""The map of the sample county."""

import json
from itertools import combinations
from pathlib import Path

import pytest
from pyproj import Geod
from shapely import Point, get_coordinates, unary_union
from shapely.geometry import shape

from domain.registry import Registry
from sample_feeds.county_map import on_river, write
from sample_feeds.simulate import COUNTY

GEOD = Geod(ellps="WGS84")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load(COUNTY)


def hectares(polygon) -> float:
    return abs(GEOD.geometry_area_perimeter(polygon)[0]) / 1e4


def test_the_committed_map_is_what_the_script_draws(tmp_path):
    write(tmp_path)
    for name in ("townships.geojson", "waters.geojson", "protected.geojson", "control_units.geojson"):
        assert (tmp_path / name).read_bytes() == (COUNTY / name).read_bytes()


@pytest.mark.parametrize("name", ["townships.geojson", "waters.geojson", "protected.geojson", "control_units.geojson"])
def test_it_says_that_it_is_simulated_and_has_five_decimals(name):
    data = json.loads((COUNTY / name).read_text(encoding="utf-8"))
    assert "simulated" in data["note"]
    assert all(f["properties"]["simulated"] for f in data["features"])
    for feature in data["features"]:
        assert all(round(x, 5) == x for x in get_coordinates(shape(feature["geometry"])).ravel().tolist())


def test_fifteen_townships_part_the_county_without_gap_or_overlap(registry):
    shapes = registry.townships.shapes
    assert len(shapes) == len(set(registry.townships.ids)) == 15
    assert all(s.is_valid and s.geom_type == "Polygon" for s in shapes)
    assert all(a.intersection(b).area == pytest.approx(0, abs=1e-15) for a, b in combinations(shapes, 2))
    whole = unary_union(shapes)
    assert whole.geom_type == "Polygon"
    assert not whole.interiors
    west, south, east, north = registry.county["bbox"]
    assert (west, south) <= whole.bounds[:2]
    assert whole.bounds[2] <= east
    assert whole.bounds[3] <= north
    assert whole.bounds[0] < 120 < whole.bounds[2]  # both UTM zones


def test_waters_lie_in_the_county(registry):
    whole = unary_union(registry.townships.shapes)
    waters = dict(zip(registry.waters.ids, registry.waters.shapes, strict=True))
    assert set(waters) == {"oujiang", "xiaoxi", "nanming_reservoir"}
    assert all(w.is_valid and w.difference(whole).area < 1e-7 for w in waters.values())
    assert hectares(waters["nanming_reservoir"]) > 150


def test_every_station_lies_in_its_township_and_water(registry):
    townships = dict(zip(registry.townships.ids, registry.townships.shapes, strict=True))
    waters = dict(zip(registry.waters.ids, registry.waters.shapes, strict=True))
    for name, row in registry.by_id.items():
        point = Point(row["lon"], row["lat"])
        assert townships[row["township"]].contains(point), name
        if row["medium"] == "water":
            assert waters[row["river"]].contains(point), name
            if row["kind"] == "river":
                assert (row["lon"], row["lat"]) == on_river(row["river"], row["river_km"]), name


def test_river_sections_are_told_from_upstream_to_downstream(registry):
    km = [registry.by_id[f"water-{n}"]["river_km"] for n in (1, 2, 3, 4)]
    assert km == sorted(km)
    assert km[0] < registry.by_id["outlet-1"]["river_km"] < km[1]


def test_all_three_editions_of_hj212_and_both_cadences_occur(registry):
    assert {"2005", "2017", "2025"} <= set(registry.stations["edition"])
    assert set(registry.stations[registry.stations["medium"] == "water"]["cadence"]) == {"PT1H", "PT4H"}
    assert all(len(mn) in (14, 24) for mn in registry.by_mn)


def test_the_map_is_a_file_of_moderate_size():
    assert sum(p.stat().st_size for p in Path(COUNTY).iterdir()) < 60_000
