"""A wrong polygon is told and not computed."""

import json

import pytest
from shapely.geometry import LineString, Polygon, box, mapping

from domain.errors import PipelineError
from processing.gep.polygon import read

BBOX = (119.6, 28.1, 120.2, 28.7)
PLOT = box(119.9, 28.4, 119.91, 28.41)
METRES = box(600_000, 3_140_000, 601_000, 3_141_000)
SWAPPED = box(28.4, 119.9, 28.41, 119.91)
BOW = Polygon([(119.9, 28.4), (119.91, 28.41), (119.91, 28.4), (119.9, 28.41)])


def feature(shape, **more):
    return json.dumps({"type": "FeatureCollection", "features": [{"geometry": mapping(shape)}], **more})


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(mapping(PLOT)),
        json.dumps({"type": "Feature", "properties": {}, "geometry": mapping(PLOT)}),
        feature(PLOT),
        feature(PLOT, crs={"properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}),
    ],
)
def test_every_form_of_geojson_is_read(text):
    assert read(text, BBOX).equals(PLOT)


def test_several_polygons_are_one_parcel():
    two = {"features": [{"geometry": mapping(PLOT)}, {"geometry": mapping(box(119.905, 28.4, 119.92, 28.41))}]}
    assert read(json.dumps(two), BBOX).area == pytest.approx(0.02 * 0.01)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("POLYGON((0 0,1 1))", "GeoJSON"),
        ("[]", "GeoJSON"),
        ('{"features": [{"geometry": null}]}', "GeoJSON"),
        ('{"features": []}', "Polygon"),
        (feature(LineString([(119.9, 28.4), (119.91, 28.41)])), "LineString"),
        (feature(METRES), "4326"),
        (feature(PLOT, crs={"properties": {"name": "urn:ogc:def:crs:EPSG::32650"}}), "32650"),
        (feature(SWAPPED), "经度"),
        (feature(BOW), "Self-intersection"),
        (feature(box(0, 0, 1, 1)), "119.6"),
    ],
)
def test_what_is_wrong_is_said(text, word, monkeypatch):
    monkeypatch.setenv("SANYAN_LANG", "zh")
    with pytest.raises(PipelineError, match=word):
        read(text, BBOX)
