from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.standards import table
from processing import aqi
from processing.air_profiles import hourly_index, may_be_left_out, ozone_8h, published, running_mean

PROFILES = table("air_hourly_profiles")["profile"].tolist()


def rows(n=30, **levels):
    known = {"SO2": 8, "NO2": 20, "CO": 0.6, "O3": 90, "PM10": 40, "PM2.5": 20} | {
        k.replace("_", "."): v for k, v in levels.items()
    }
    values = np.array([[float(known[p]) for p in aqi.ITEMS]] * n)
    return np.zeros(n, np.int64), np.arange(n) * 3600, values


def test_the_text_of_2012_averages_particles_over_a_day_and_the_others_do_not():
    station, time, values = rows()
    values[-1, 5] = 200
    got = {p: hourly_index(p, station, time, values).iaqi[-1, 5] for p in PROFILES}
    assert got == {"HJ 633-2012 text": 40, "live platform": 250, "HJ 633-2026": 250}
    running = round(Fraction(23 * 20 + 200, 24))
    assert running == 28


def test_the_text_of_2012_adds_the_8h_ozone():
    station, time, values = rows(O3=170)
    got = {p: hourly_index(p, station, time, values).index[-1] for p in PROFILES}
    assert got == {"HJ 633-2012 text": 110, "live platform": 63, "HJ 633-2026": 63}


@pytest.mark.parametrize(
    ("profile", "ozone", "so2"),
    [("HJ 633-2012 text", 321, np.nan), ("live platform", 321, np.nan), ("HJ 633-2026", 321, 200)],
)  # fmt: skip
def test_above_800(profile, ozone, so2):
    station, time, values = rows(O3=842, SO2=801)
    got = hourly_index(profile, station, time, values)
    assert got.iaqi[-1, 3] == ozone  # the 8 h mean above 800 has no index of its own; the hour speaks
    np.testing.assert_equal(got.iaqi[-1, 0], so2)


def test_before_enough_hours_there_is_no_running_mean():
    station, time, values = rows()
    got = hourly_index("HJ 633-2012 text", station, time, values)
    assert np.isnan(got.iaqi[:19, 5]).all()
    assert np.isfinite(got.iaqi[19:, 5]).all()


@given(st.lists(st.one_of(st.none(), st.integers(0, 400)), min_size=1, max_size=60), st.integers(1, 3))
def test_running_means_are_those_counted_by_hand_and_know_gaps_and_stations(values, stations):
    known = [np.nan if v is None else float(v) for v in values]
    at = [i for i in range(len(known)) if i % 7 != 3]  # some hours never came
    station = np.repeat(np.arange(stations), len(at))
    time = np.tile(np.array(at, dtype=np.int64) * 3600, stations)
    got = running_mean(station, time, np.tile([known[i] for i in at], stations), hours=8, need=6, decimals=0)
    for k, i in enumerate(at):
        window = [Fraction(int(known[j])) for j in at if i - 8 < j <= i and known[j] == known[j]]
        expected = round(sum(window) / len(window)) if len(window) >= 6 else None
        for s in range(stations):
            found = got.value[s * len(at) + k]
            assert (None if np.isnan(found) else found) == expected


def test_nothing_observed_gives_nothing():
    assert len(ozone_8h(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)).value) == 0


def test_reports_write_na_for_what_is_missing_and_a_stroke_for_what_is_not_planned():
    values = np.array([[12.0, np.nan, np.nan]])
    assert published(values, 0, monitored=np.array([[True, True, False]])).tolist() == [["12", "NA", "/"]]


def test_an_item_that_never_led_a_polluted_day_may_be_left_out():
    primary = np.zeros((3, 6), bool)
    primary[0, 5] = primary[1, 3] = True
    assert may_be_left_out(primary, np.array([120, 90, np.nan])).tolist() == [True, True, True, True, True, False]
