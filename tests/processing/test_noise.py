import numpy as np
import pytest

from processing.indicators.noise import city_grade, day_night_level, energy_mean, noise_day_night, noise_leq
from tests.processing.observed import local, observed, series, stations

PLACE = stations(station_id="n", medium="noise", zone="2")


def test_levels_add_as_energy():
    got = energy_mean(np.array([[60, 60, 70, 50], [60, np.nan, 60, 60], [np.nan] * 4]))
    assert got[:2].round(1).tolist() == [64.8, 60.0]
    assert np.isnan(got[2])
    assert float(day_night_level(np.array(55.0), np.array(45.0)).round(1)) == 55.0


@pytest.mark.parametrize(("level", "expected"), [(50.0, 1), (50.1, 2), (65.1, 5)])
def test_grades_of_a_city_include_their_upper_bound(level, expected):
    assert city_grade("区域环境噪声总体水平", "day", level) == expected


def levels(hours, start="2026-08-18 00:00"):
    return series("n", "LAeq", hours, start, medium="noise")


def by_day(frame, indicator):
    rows = frame[frame["indicator"] == indicator].sort_values("time")
    return rows["value"].tolist()


def test_the_night_belongs_to_the_day_on_which_it_begins():
    two_days = [45.0] * 22 + [59.5] * 8 + [45.0] * 18
    got = noise_day_night(observed(levels(two_days)), PLACE)
    assert by_day(got, "noise.ln")[0] == 59.5
    assert by_day(got, "noise.ln_excess")[0] == 9.5
    assert by_day(got, "noise.ld") == [45.0, 45.0]
    night = got[(got["indicator"] == "noise.ln") & (got["time"] == local("2026-08-18 00:00"))].iloc[0]
    assert (night["n_valid"], night["n_expected"], night["flag"]) == (8, 8, 1)


def test_an_incomplete_night_is_suspect_and_a_poor_one_unknown():
    got = noise_day_night(observed(levels([50.0] * 22 + [45.0, 45.0] + [np.nan] + [45.0] * 5)), PLACE)
    first = got[got["indicator"] == "noise.ln"].sort_values("time").iloc[0]
    assert (first["value"], first["n_valid"], first["flag"]) == (45.0, 7, 3)
    last = got[got["indicator"] == "noise.ln_excess"].sort_values("time").iloc[1]
    assert np.isnan(last["value"])
    assert last["detail"] == "fewer than 6 of 8 hours"


def test_excess_needs_a_zone():
    got = noise_day_night(observed(levels([50.0] * 48)), stations(station_id="n"))
    assert set(got["indicator"]) == {"noise.ld", "noise.ln"}


def test_excess_is_zero_at_the_limit():
    got = noise_day_night(observed(levels([60.0] * 24)), PLACE)
    day = got[got["indicator"] == "noise.ld_excess"].iloc[0]
    assert (day["value"], day["grade"], day["detail"]) == (0.0, "达标", "limit 60")


def test_an_hour_is_what_the_station_sent():
    got = noise_leq(observed(levels([50.25, np.nan])), PLACE)
    assert got["value"].tolist()[0] == 50.2
    assert got["flag"].tolist() == [1, 9]
