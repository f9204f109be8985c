import math
from datetime import timedelta

import pandas as pd
import pytest

from domain.records import TABLES
from ingest.decoded import Decoded
from ingest.validate import validate
from tests.ingest.given import END, START, context


def observation(**changes):
    row = {
        "medium": "air",
        "station_id": "air-1",
        "parameter": "PM2.5",
        "time": START,
        "period": "PT1H",
        "value": 35.0,
        "unit": "ug/m3",
        "flag": 2,
        "source_flag": "N",
        "feed": "ground_hj212",
        "received_at": START,
    }
    return row | changes


def validated(*rows, **frames):
    return validate(Decoded.of(observations=list(rows), n_records=len(rows), **frames), context("ground_hj212"))


def test_good_rows_pass_untouched():
    rows = [observation(), observation(value=math.nan, flag=9), observation(flag=4, station_id="air-2")]
    found = validated(*rows)
    assert not found.rejections
    assert found.observations.equals(TABLES["observations"].frame(rows))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"station_id": "air-99"}, "unknown_station"),
        ({"medium": "water"}, "unknown_station"),  # the station is there, but measures another medium
        ({"parameter": "kryptonite"}, "unknown_code"),
        ({"parameter": "soil_Cd", "unit": "mg/kg"}, "unknown_code"),  # known, but not of the air
        ({"unit": "mg/m3"}, "wrong_unit"),
        ({"time": END + timedelta(minutes=6)}, "future_time"),
        ({"time": START.replace(year=1970)}, "bad_time"),
        ({"period": "PT7M"}, "bad_time"),
        ({"value": math.inf}, "bad_value"),
        ({"value": math.nan}, "bad_value"),  # missing, but not flagged so
        ({"flag": 9}, "bad_value"),  # flagged missing, but there
        ({"flag": 1}, "bad_value"),  # the door cannot have passed it
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(changes, reason):
    found = validated(observation(), observation(**changes))
    (rejection,) = found.rejections
    assert rejection.reason == reason
    assert rejection.detail.startswith("ground_hj212: page-1.json: station ")
    assert len(found.observations) == 1


def test_one_packet_is_one_rejection():
    later = END + timedelta(hours=26)
    found = validated(*(observation(parameter=p, time=later) for p in ("PM2.5", "SO2", "NO2")))
    (rejection,) = found.rejections
    assert "PM2.5 35 ug/m3, SO2 35 ug/m3, NO2 35 ug/m3; check the clock" in rejection.detail


def test_a_clock_a_little_ahead_is_believed():
    assert not validated(observation(time=END + timedelta(minutes=4))).rejections


def test_reports_and_scenes_of_the_future_are_refused():
    report = dict.fromkeys(TABLES["reports"].columns, "") | {
        "id": "LD-1", "observed_at": END + timedelta(hours=1), "received_at": START, "lon": 1.0, "lat": 1.0,
        "urgency": 3, "flag": 2,
    }  # fmt: skip
    scene = dict.fromkeys(TABLES["scenes"].columns, "") | {
        "id": "S2", "datetime": END + timedelta(days=1), "received_at": START, "epsg": 1, "cloud_cover": 1.0
    }  # fmt: skip
    found = validated(reports=[report], scenes=[scene])
    assert [r.reason for r in found.rejections] == ["future_time", "future_time"]
    assert len(found.reports) == len(found.scenes) == 0


def test_nothing_is_nothing():
    assert validated().observations.dtypes.equals(TABLES["observations"].frame().dtypes)
    assert pd.api.types.is_float_dtype(validated().observations["value"])
