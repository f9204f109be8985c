import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.indicators.noise import day_night_level
from processing.indicators.noise_city import city_levels, night_maximum, noise_ldn
from tests.processing.observed import local, observed, series, stations


def levels(values, station="n", parameter="LAeq", start="2026-08-18 00:00"):
    return series(station, parameter, values, start, medium="noise")


def place(station="n", kind="ambient", zone="2", township="331102001"):
    return stations(station_id=station, medium="noise", kind=kind, zone=zone, township=township)


TWO_DAYS = [45.0] * 6 + [55.0] * 16 + [45.0] * 8 + [55.0] * 16 + [45.0] * 2


def test_the_day_night_level_takes_the_night_that_begins_on_the_day():
    got = noise_ldn(observed(levels(TWO_DAYS)), place()).sort_values("time")
    assert got["value"].iloc[0] == round(float(day_night_level(np.array(55.0), np.array(45.0))), 1) == 55.0
    assert (got["n_valid"].iloc[0], got["n_expected"].iloc[0], got["flag"].iloc[0]) == (24, 24, 1)
    assert np.isnan(got["value"].iloc[1])
    assert got["detail"].iloc[1] == "too few hours of the day or of the night"


def test_missing_hours_make_the_day_night_level_suspect():
    values = list(TWO_DAYS)
    values[8] = np.nan
    got = noise_ldn(observed(levels(values)), place()).sort_values("time")
    assert (got["value"].iloc[0], got["flag"].iloc[0], got["n_valid"].iloc[0]) == (55.0, 3, 23)


@pytest.mark.parametrize(("peak", "over", "word"), [(65.0, 0.0, "达标"), (65.1, 0.1, "超标")])
def test_a_sudden_maximum_may_be_15_db_above_the_night_limit(peak, over, word):
    values = [52.0] * 24 + [52.0, 52.0, peak] + [52.0] * 21
    got = night_maximum(observed(levels(values, parameter="LAmax")), place()).sort_values("time").iloc[0]
    assert (got["value"], got["grade"]) == (over, word)
    assert got["detail"] == f"LAmax {peak} at 02:00, limit 65"
    assert got["time"] == local("2026-08-18 00:00")


def test_by_day_a_maximum_is_no_matter_of_the_night():
    values = [52.0] * 12 + [90.0] + [52.0] * 35
    got = night_maximum(observed(levels(values, parameter="LAmax")), place()).sort_values("time")
    assert got["value"].iloc[0] == 52.0 - 65.0
    assert night_maximum(observed(levels(values, parameter="LAmax")), place(zone="")).empty


def test_a_county_has_a_level_of_its_area_and_of_its_roads():
    registry = pd.concat(
        [place("a"), place("b"), place("r", "roadside"), place("x", township=""), place("y", township="330106001")]
    )
    sent = [levels(np.add(TWO_DAYS, plus), s) for s, plus in (("a", 0), ("b", 1.3), ("r", 14), ("x", 9), ("y", 3))]
    got = city_levels(observed(*sent), registry)
    first = got[got["time"] == local("2026-08-18 00:00")].set_index(["subject", "indicator"])
    ours = first.loc["331102"]
    assert ours.loc["noise.area_ld", ["value", "grade", "n_valid", "n_expected"]].tolist() == [55.6, "三级", 2, 2]
    assert ours.loc["noise.area_ln", ["value", "grade"]].tolist() == [45.6, "三级"]
    assert ours.loc["noise.road_ld", ["value", "grade"]].tolist() == [69.0, "二级"]
    assert first.loc[("330106", "noise.area_ld"), "value"] == 58.0
    assert set(got["subject"]) == {"331102", "330106"}


def test_a_point_without_enough_hours_is_no_part_of_the_mean():
    registry = pd.concat([place("a"), place("b")])
    poor = [np.nan] * 20 + TWO_DAYS[20:]
    got = city_levels(observed(levels(TWO_DAYS, "a"), levels(poor, "b")), registry)
    day = got[(got["indicator"] == "noise.area_ld") & (got["time"] == local("2026-08-18 00:00"))].iloc[0]
    assert (day["value"], day["n_valid"], day["n_expected"]) == (55.0, 1, 2)


@given(st.floats(20, 110), st.floats(20, 110), st.floats(0, 20))
def test_a_louder_night_never_lowers_the_day_night_level(day, night, more):
    quiet, loud = (float(day_night_level(np.array(day), np.array(x))) for x in (night, night + more))
    assert loud >= quiet - 1e-9
    assert min(day, night + 10) - 1e-9 <= quiet <= max(day, night + 10) + 1e-9
