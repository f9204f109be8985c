"""Likely sources: upstream within travel time, upwind within the sector, and the reasons in words."""

import numpy as np
import pandas as pd
import pytest

from alerts.incidents.evidence import Places
from alerts.incidents.likely_sources import Wind, alarms_of, likely_sources, mean_wind
from domain.registry import Registry
from domain.rivers import Rivers
from store.home import SAMPLE_COUNTY
from tests.alerts.incidents.given import piece, pieces

REGISTRY = Registry.load(SAMPLE_COUNTY)
PLACES = Places(REGISTRY, Rivers.of(REGISTRY))


def at_station(station: str, *, kind: str, at: float = 0, hours: float = 10, name: str = ""):
    place = PLACES.of(station)
    zh, en = PLACES.names[station]
    return piece(
        f"alert:{name or station}", kind=kind, at=at, hours=hours, subject=station, name_zh=zh, name_en=en,
        lon=place.lon, lat=place.lat, river=place.river, river_km=place.river_km,
    )  # fmt: skip


def found(*evidence, around=(), wind=None):
    rows = pieces(*evidence)
    return likely_sources(rows, alarms_of(pieces(*evidence, *around)), PLACES, wind)


def test_the_outlet_upstream_comes_first_and_more_so_when_it_exceeded():
    below = at_station("water-2", kind="water", at=10)
    quiet = found(below)
    assert quiet[0].source == "fixed-1"
    assert quiet[0].distance_km == pytest.approx(2.5, abs=0.01)
    loud = found(below, around=[at_station("outlet-1", kind="water", at=5)])
    assert loud[0].score == pytest.approx(4 * quiet[0].score, rel=1e-3)
    assert "超标" in loud[0].why_zh
    assert "upstream" in loud[0].why_en


def test_an_alarm_of_the_outlet_after_the_water_had_passed_counts_for_nothing():
    below = at_station("water-2", kind="water", at=10)
    late = found(below, around=[at_station("outlet-1", kind="water", at=30)])
    assert late[0].score == found(below)[0].score


def test_a_clean_section_between_makes_a_source_less_likely():
    far = at_station("water-3", kind="water", at=20)
    clean = found(far)
    seen = found(far, around=[at_station("water-2", kind="water", at=10)])
    assert next(s for s in seen if s.source == "fixed-1").score > next(s for s in clean if s.source == "fixed-1").score
    assert "未报警" in next(s for s in clean if s.source == "fixed-1").why_zh


def test_nothing_upstream_is_no_source():
    assert found(at_station("water-1", kind="water")) == []
    assert found(at_station("water-5", kind="water")) == []  # another river


def test_the_boiler_is_named_when_the_wind_comes_from_it():
    alarm = at_station("air-2", kind="air")  # the boiler lies south-west of it
    (upwind,) = found(alarm, wind=Wind(2.0, 240.0, 3))
    assert upwind.source == "fixed-2"
    assert "上风向" in upwind.why_zh
    assert found(alarm, wind=Wind(2.0, 60.0, 3)) == []


def test_in_calm_air_only_what_is_near_is_named():
    near = piece("alert:near", kind="air", lon=119.84, lat=28.45)
    (calm,) = found(near, wind=Wind(0.3, 10.0, 3))
    assert calm.source == "fixed-2"
    assert "静风" in calm.why_zh
    assert found(at_station("air-6", kind="air"), wind=Wind(0.3, 10.0, 3)) == []
    assert "没有风向" in found(near)[0].why_zh


def test_ozone_and_noise_are_laid_at_no_door():
    assert found(at_station("air-2", kind="ozone")) == []
    assert found(at_station("noise-2", kind="noise")) == []


def test_the_wind_is_a_vector_mean():
    wind = mean_wind(np.array([2.0, 2.0, np.nan]), np.array([350.0, 10.0, 90.0]))
    assert wind.direction == pytest.approx(0.0, abs=1e-9) or wind.direction == pytest.approx(360.0)
    assert (round(wind.speed, 3), wind.n) == (1.97, 2)
    opposed = mean_wind(np.array([2.0, 2.0]), np.array([0.0, 180.0]))
    assert opposed.speed == pytest.approx(0.0, abs=1e-9)
    assert mean_wind(np.array([np.nan]), np.array([1.0])) is None


def test_no_evidence_no_source():
    assert likely_sources(pieces(piece("alert:a", kind="water", standing=False)), {}, PLACES, None) == []
    assert alarms_of(pieces()) == {}
    assert isinstance(found(at_station("water-2", kind="water"))[0].lon, float)
    assert pd.notna(found(at_station("water-2", kind="water"))[0].lat)
