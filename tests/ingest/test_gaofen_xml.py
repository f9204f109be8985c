"""GF-1 images: the XML beside the raster, and the raster in the home."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
from pydantic import ValidationError

from ingest.decoders.gaofen_xml import Options, decode
from ingest.run import ingest
from processing.imagery.sensors import surface
from processing.imagery.tables import thresholds
from store.scenes import read_band
from tests.ingest.given import DAY, NEXT_DAY, context, feeds, home
from tests.store.grids import geotiff

STEM = "GF1_WFV2_E119.9_N28.4_20260820_L1A0001234567"


def xml(**changes):
    said = {
        "SatelliteID": "GF1", "SensorID": "WFV2", "ProductLevel": "LEVEL1A", "CloudPercent": "7",
        "CenterTime": "2026-08-20 10:52:11", "SolarZenith": "25.5", "SolarAzimuth": "131.2",
        "TopLeftLatitude": "29.2", "TopLeftLongitude": "119.0", "TopRightLatitude": "29.0",
        "TopRightLongitude": "121.1",
        "BottomRightLatitude": "27.2", "BottomRightLongitude": "120.7", "BottomLeftLatitude": "27.5",
        "BottomLeftLongitude": "118.6",
    } | changes  # fmt: skip
    inside = "".join(f"<{key}>{value}</{key}>" for key, value in said.items())
    return f"<?xml version='1.0' encoding='UTF-8'?><ProductMetaData>{inside}</ProductMetaData>".encode()


def decoded(payload, **options):
    given = replace(context("gf1", start=DAY, end=NEXT_DAY, name=f"sky/gf/2026-08-20/{STEM}.xml"), options=options)
    return decode(payload, given)


def test_an_xml_becomes_a_scene():
    row = decoded(xml()).scenes.iloc[0]
    assert (row["id"], row["collection"], row["platform"]) == (STEM, "gf1-wfv", "GF1")
    assert row["datetime"] == datetime(2026, 8, 20, 2, 52, 11, tzinfo=UTC)
    assert row["cloud_cover"] == 7
    assert json.loads(row["assets"]) == {"data": f"sky/gf/2026-08-20/{STEM}.tiff"}
    sun = {"view:sun_elevation": 64.5, "view:sun_azimuth": 131.2}
    assert json.loads(row["properties"]) == {"camera": "WFV2", "level": "LEVEL1A"} | sun
    assert json.loads(row["geometry"])["coordinates"][0][0] == [119.0, 29.2]
    assert decoded(xml(SatelliteID="GF6", SensorID="WFV")).scenes.iloc[0]["collection"] == "gf6-wfv"


@pytest.mark.parametrize(
    ("payload", "reason", "said"),
    [
        (b"<a", "bad_document", "no XML"),
        (b"", "bad_document", "no XML"),
        (xml(SensorID="PMS1"), "bad_document", "satellite 'GF1' with sensor 'PMS1' is no GF-1 or GF-6 WFV image"),
        (xml(CenterTime="today"), "bad_time", "none of CenterTime, StartTime, ReceiveTime is a time"),
        (xml(TopLeftLatitude="119.0", TopLeftLongitude="29.2"), "bad_position", "no places on earth"),
        (xml(TopLeftLatitude=""), "bad_position", "no places on earth"),
    ],
)
def test_xml_that_is_none_of_these(payload, reason, said):
    [rejection] = decoded(payload).rejections
    assert rejection.reason == reason
    assert rejection.detail.startswith(f"gf1: sky/gf/2026-08-20/{STEM}.xml: ")
    assert said in rejection.detail


def test_entities_are_not_followed():
    bomb = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><ProductMetaData><SatelliteID>&a;</SatelliteID></ProductMetaData>'
    [rejection] = decoded(bomb).rejections
    assert "root:" not in rejection.detail


def test_a_zone_that_is_none():
    with pytest.raises(ValidationError, match="is no IANA time zone"):
        Options(zone="Lishui")


def test_an_image_comes_in_and_becomes_reflectance(tmp_path):
    folder = tmp_path / "feeds/sky/gf/2026-08-20"
    folder.mkdir(parents=True)
    (folder / f"{STEM}.xml").write_bytes(xml())
    cells = np.stack([np.full((6, 7), n, "uint16") for n in (400, 350, 300, 500)])
    geotiff(folder, cells, name=f"{STEM}_ortho.tif", cell=16.0)
    place = home(tmp_path / "home")
    counts = ingest(place, feeds()["gf1_wfv"], start=DAY, end=NEXT_DAY, now=NEXT_DAY, root=str(tmp_path / "feeds"))
    assert counts.new == 1
    [row] = place.lake.read("scenes").to_dict("records")
    raw = {name: read_band(place.files, row, name) for name in ("blue", "green", "red", "nir")}
    seen = surface("gf1-wfv", raw, json.loads(row["properties"]), day=date(2026, 8, 20), limits=thresholds())
    assert 0.05 < float(seen.bands["red"].mean()) < 0.2
    assert "position may be off by 300 m" in seen.note


def test_a_raw_image_is_refused_with_what_to_do(tmp_path):
    folder = tmp_path / "feeds/sky/gf/2026-08-20"
    folder.mkdir(parents=True)
    (folder / f"{STEM}.xml").write_bytes(xml())
    geotiff(folder, np.ones((4, 6, 7), "uint16"), name=f"{STEM}_ortho.tif", crs=None)
    place = home(tmp_path / "home")
    counts = ingest(place, feeds()["gf1_wfv"], start=DAY, end=NEXT_DAY, now=NEXT_DAY, root=str(tmp_path / "feeds"))
    assert counts.rejected == {"bad_position": 1}
    assert "must be orthorectified first" in place.ledger.rejections()["detail"][0]
