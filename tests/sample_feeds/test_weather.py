"""The weather over the simulated county."""

import numpy as np
import pytest

from sample_feeds.weather import local_hour, profiles, rain, weather

AUGUST = np.arange(496_000, 496_000 + 24 * 60)  # 60 days from 1 August 2026
JANUARY = AUGUST - 24 * 200


def test_the_first_hour_of_a_lishui_day_is_sixteen_utc():
    assert local_hour(np.array([16, 40, 0])).tolist() == [0, 0, 8]


def test_profiles_have_a_value_for_each_hour():
    assert {name: len(course) for name, course in profiles().items()} == dict.fromkeys(
        ("flat", "sun", "heat", "traffic", "noise", "works"), 24
    )


def test_a_plausible_summer_and_winter():
    summer, winter = weather(1, AUGUST), weather(1, JANUARY)
    assert 24 < summer["temp"].mean() < 31
    assert 4 < winter["temp"].mean() < 13
    assert summer["temp"].max() < 42
    assert summer["pressure"].mean() < winter["pressure"].mean()
    for fields in (summer, winter):
        assert fields["humidity"].min() > 35
        assert fields["humidity"].max() < 100
        assert fields["wind_speed"].min() > 0
        assert fields["sun"].min() == 0
        assert fields["sun"].max() < 1.1


@pytest.mark.parametrize("name", ["temp", "rain", "wet", "humidity", "wind_dir"])
def test_an_hour_is_the_same_in_any_window(name):
    np.testing.assert_array_equal(weather(3, AUGUST)[name][100:120], weather(3, AUGUST[100:120])[name])


def test_rain_falls_on_some_days_and_never_below_zero():
    mm = rain(5, AUGUST)
    assert mm.min() == 0
    assert 0.02 < (mm > 0).mean() < 0.4
