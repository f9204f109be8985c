import os
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.usual import BAND, month_and_hour, usual
from processing.climatology import climatology_test, learn

NAN = float("nan")
H = 3600


def seconds(text):
    return pd.date_range(text, periods=1, tz="Asia/Shanghai").tz_convert("UTC").as_unit("s").asi8[0]


def history(years=4, start="2020-01-01", station="a", level=20.0, seed=1):
    """Hours of some years: level by month and hour, with noise."""
    n = 8766 * years
    times = seconds(start) + H * np.arange(n)
    month, hour = month_and_hour(times)
    values = level + month + 2 * hour + np.random.default_rng(seed).normal(0, 1, n)
    return pd.DataFrame({"station_id": station, "parameter": "O3", "period": "PT1H", "value": values}), times


def held(bands, since="2024-01-01", version="v1"):
    return bands.assign(version=version, valid_from=pd.Timestamp(since, tz="Asia/Shanghai").tz_convert("UTC"))


def test_month_and_hour_are_those_of_shanghai():
    month, hour = month_and_hour(np.array([seconds("2026-01-01"), seconds("2026-01-01") - H]))
    assert month.tolist() == [1, 12]
    assert hour.tolist() == [0, 23]


def test_bands_are_quantiles_of_month_and_hour():
    frame, times = history()
    bands = learn(frame, times)
    month, hour = month_and_hour(times)
    row = bands[(bands["season"] == 7) & (bands["hour"] == 15)].iloc[0]
    mine = frame["value"].to_numpy()[(month == 7) & (hour == 15)]
    assert row[["low", "middle", "high"]].tolist() == pytest.approx(np.quantile(mine, [0.005, 0.5, 0.995]).tolist())
    assert row["n"] == len(mine)
    assert len(bands) == 24 * (12 + 4)


def test_too_little_history_gives_the_season_and_less_gives_nothing():
    frame, times = history(years=2)
    assert set(learn(frame, times)["season"]) == {101, 102, 103, 104}
    assert learn(frame.iloc[:2000], times[:2000]).empty


@given(st.permutations(range(200)), st.floats(0, 0.5))
@settings(max_examples=20)
def test_the_order_of_rows_and_missing_values_change_nothing(order, share):
    frame, times = history(years=1)
    frame, times = frame.iloc[:2400], times[:2400]
    chance = np.random.default_rng(len(order))
    gone = chance.random(len(frame)) < share
    whole = learn(frame[~gone], times[~gone], need=5)
    blocks = np.concatenate([np.arange(2400).reshape(200, 12)[i] for i in order])
    shuffled = frame.assign(value=frame["value"].mask(gone)).iloc[blocks]
    pd.testing.assert_frame_equal(learn(shuffled, times[blocks], need=5), whole)


def test_the_zone_of_the_machine_changes_nothing(monkeypatch):
    frame, times = history(years=1)
    before = learn(frame, times, need=20)
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        pd.testing.assert_frame_equal(learn(frame, times, need=20), before)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "TZ" not in os.environ or os.environ["TZ"] != "America/New_York"


def asked(times):
    return pd.DataFrame({"station_id": ["a"] * len(times), "parameter": "O3", "period": "PT1H"})


def test_the_time_of_the_measurement_picks_the_learning():
    bands = learn(*history())
    later = bands.assign(**{c: bands[c] + 100 for c in ("low", "middle", "high")})
    both = pd.concat([held(bands), held(later, "2025-01-01", "v2")])
    times = np.array([seconds(d) + 12 * H for d in ("2023-07-01", "2024-07-01", "2025-07-01")])
    got = usual(both, asked(times), times)
    assert got.version.tolist() == ["", "v1", "v2"]
    assert np.isnan(got.middle[0])
    assert got.middle[2] - got.middle[1] == pytest.approx(100)


def test_the_season_stands_in_for_a_month_without_history():
    bands = held(learn(*history()))
    times = np.array([seconds("2024-07-01")])
    got = usual(bands[bands["season"] != 7], asked(times), times)
    row = bands[(bands["season"] == 103) & (bands["hour"] == 0)].iloc[0]
    assert got.middle[0] == row["middle"]


def test_unknown_stations_have_no_band():
    times = np.array([seconds("2024-07-01")])
    got = usual(held(learn(*history(station="b"))), asked(times), times)
    assert np.isnan(got.middle).all()
    assert usual(held(learn(*history()).iloc[:0]), asked(times), times).version.tolist() == [""]


def test_flags_outside_the_widened_band():
    values = np.array([10.0, 31, 29, -1, NAN, 10, 10])
    band = [np.array([8.0, 8, 8, 8, 8, NAN, 8]), np.array([10.0, 10, 10, 10, 10, NAN, 10]),
            np.array([20.0, 20, 20, 20, 20, NAN, 20])]  # fmt: skip
    width = np.array([2.0, 2, 2, 2, 2, 2, NAN])
    assert climatology_test(values, *band, width=width).tolist() == [1, 3, 1, 3, 9, 2, 2]
    assert climatology_test(values, *band, width=width, floor=15.0).tolist() == [1, 3, 1, 1, 9, 2, 2]


def test_band_columns_are_the_key():
    assert not learn(*history(years=1), need=20).duplicated(BAND).any()
