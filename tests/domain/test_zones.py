"""Layers of zones as files of the registry."""

import json
import shutil
from pathlib import Path

import pytest
from shapely.geometry import box, mapping

from domain.errors import CatalogueError
from domain.registry import Registry
from domain.zones import read_layers, read_zones, zone_layers

COUNTY = Path(__file__).resolve().parents[2] / "sample_feeds" / "county"


def feature(key="a", geometry=None, **more):
    said = {"id": key, "name_zh": "甲", "name_en": "A", "kind": "x", **more}
    return {"type": "Feature", "properties": said, "geometry": geometry or mapping(box(119, 28, 120, 29))}


def write(path, features):
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def test_the_sample_county_has_every_layer():
    registry = Registry.load(COUNTY)
    assert list(registry.zones) == list(zone_layers())
    assert registry.zones["townships"] is registry.townships
    assert registry.zones["waters"] is registry.waters
    inner, outer = (registry.zones["protected"].shapes[i] for i in (0, 1))
    assert inner.within(outer)
    units = registry.zones["control_units"].shapes
    assert sum(s.area for s in units) == pytest.approx(sum(s.area for s in registry.townships.shapes))


def test_optional_layers_may_be_absent_and_the_map_may_not(tmp_path):
    for name in ("townships", "waters"):
        shutil.copy(COUNTY / f"{name}.geojson", tmp_path)
    assert list(read_layers(tmp_path)) == ["townships", "waters"]
    (tmp_path / "waters.geojson").unlink()
    write(tmp_path / "protected.geojson", [feature(), feature()])
    with pytest.raises(CatalogueError) as error:
        read_layers(tmp_path)
    assert [p.rpartition("/")[2] for p in error.value.problems] == [
        "waters.geojson: the file is missing",
        "protected.geojson: feature 1: the id 'a' is there twice",
    ]


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ([feature(geometry={"type": "Point", "coordinates": [119, 28]})], "feature 0 is a Point; a zone is a polygon"),
        ([{**feature(), "properties": {"id": "a"}}], "feature 0 lacks property 'name_zh'"),
        ([{"type": "Feature"}], "no GeoJSON feature collection (KeyError"),
    ],
)
def test_mistakes_are_named(tmp_path, features, words):
    with pytest.raises(CatalogueError) as error:
        read_zones(write(tmp_path / "protected.geojson", features))
    assert words in str(error.value)
