import numpy as np
import pytest

from processing import surface_water as water
from processing.indicators.water import water_class
from tests.processing.observed import local, observed, series, stations

RIVER = stations(station_id="w", medium="water", kind="river", target="III")


def one(parameter, value, **k):
    return float(water.item_class(parameter, np.array([value]), **({"lake": False} | k))[0])


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        ("DO", 7.45, 2), ("DO", 7.46, 1), ("DO", 1.95, 5), ("DO", 1.9, 6), ("CODMn", 6.05, 3), ("CODMn", 6.15, 4),
        ("NH3N", 1.005, 3), ("NH3N", 1.015, 4), ("pH", 5.5, 1), ("pH", 5.4, 6), ("pH", 9.5, 6), ("Cu", 1.0, 2),
        ("Hg", 0.00004, 1), ("TP", 0.05, 2),
    ],
)  # fmt: skip
def test_values_are_rounded_then_compared_and_a_limit_is_met_by_its_own_value(parameter, value, expected):
    assert one(parameter, value) == expected


def test_lakes_have_their_own_phosphorus():
    assert [one("TP", 0.05, lake=True), one("TP", 0.201, lake=True)] == [3, 6]
    assert one("TN", 1.2, lake=True) == 4


def test_missing_has_no_class():
    assert np.isnan(one("DO", np.nan))
    assert one("pH", 9.4, rounded=False) == 6


def test_total_nitrogen_temperature_and_coliforms_do_not_count():
    assert len(water.judged()) == 21
    assert not {"TN", "water_temp", "FC"} & set(water.judged())


def test_main_pollutants_are_the_worst_three_and_every_metal():
    items = ("DO", "CODMn", "COD", "NH3N", "TP", "Pb", "oil")
    values = np.array([[2.4, 11.2, 38, 2.35, 0.44, 0.06, 0.2], [9, 2, 10, 0.1, 0.05, 0.001, 0.01]])
    lake = np.array([False, False])
    found = water.section(values, items, lake)
    over = water.multiples(values, items, lake)
    rank = water.main_pollutants(found, over, items)
    assert found.value.tolist() == [6, 2]
    assert [items[i] for i in np.argsort(rank[0]) if rank[0][i]] == ["NH3N", "TP", "COD", "Pb"]
    assert rank[1].tolist() == [0] * 7
    assert over[0].tolist()[1:] == [0.87, 0.9, 1.35, 1.2, 0.2, 3.0]
    assert water.grade(found.value).tolist() == ["劣Ⅴ", "Ⅱ"]
    assert water.status(found.value).tolist() == ["重度污染", "优"]


def test_the_mean_of_ph_goes_through_hydrogen_ions():
    got = water.ph_mean(np.array([[7.0, 8.0], [6.5, np.nan], [np.nan, np.nan]]))
    assert got[:2].round(2).tolist() == [7.26, 6.5]
    assert np.isnan(got[2])


def four_hourly(parameter, values, **k):
    return series("w", parameter, values, period="PT4H", medium="water", **k)


def pick(frame, indicator, period):
    return frame[(frame["indicator"] == indicator) & (frame["period"] == period)].reset_index(drop=True)


def test_a_section_as_measured_and_by_day():
    got = water_class(
        observed(four_hourly("NH3N", [0.4] * 5 + [2.4]), four_hourly("DO", [8.0] * 6), four_hourly("TN", [9.0] * 6)),
        RIVER,
    )
    measured = pick(got, "water.class", "PT4H")
    assert measured["value"].tolist() == [2, 2, 2, 2, 2, 6]
    assert measured["detail"].tolist() == ["NH3N"] * 6
    assert (measured["n_valid"].iloc[0], measured["n_expected"].iloc[0]) == (2, 2)
    day = pick(got, "water.class", "P1D").iloc[0]
    assert (day["value"], day["grade"], day["time"]) == (3, "Ⅲ", local("2026-08-18 00:00"))
    excess = pick(got, "water.class_excess", "PT4H")
    assert excess["value"].tolist() == [-1, -1, -1, -1, -1, 3]
    assert excess["grade"].iloc[-1] == "超标"
    assert excess["detail"].iloc[-1] == "NH3N"


def test_a_daily_item_needs_two_thirds_of_its_values():
    day = pick(water_class(observed(four_hourly("NH3N", [0.4] * 3)), RIVER), "water.class", "P1D").iloc[0]
    assert np.isnan(day["value"])
    assert (day["detail"], day["flag"], day["n_valid"], day["n_expected"]) == ("no valid item", 9, 0, 1)


def test_a_value_below_detection_counts_half():
    got = water_class(observed(four_hourly("Hg", [0.0001], source_flag="L")), RIVER)
    assert pick(got, "water.class", "PT4H")["value"].tolist() == [1]


def test_a_failed_item_is_left_out():
    bad = four_hourly("NH3N", [9.0], flag=4)
    got = pick(water_class(observed(bad, four_hourly("DO", [8.0])), RIVER), "water.class", "PT4H").iloc[0]
    assert (got["value"], got["n_valid"], got["n_expected"]) == (1, 1, 2)


def test_a_reported_day_stands_where_nothing_finer_was_measured():
    reported = series("w", "NH3N", [1.2], period="P1D", medium="water")
    got = pick(water_class(observed(reported, four_hourly("DO", [8.0] * 6)), RIVER), "water.class", "P1D")
    assert got["value"].tolist() == [4]
    finer = water_class(observed(reported, four_hourly("NH3N", [0.4] * 6)), RIVER)
    assert pick(finer, "water.class", "P1D")["value"].tolist() == [2]


def test_without_a_target_there_is_no_excess():
    got = water_class(observed(four_hourly("DO", [8.0])), stations(station_id="w", kind="river"))
    assert set(got["indicator"]) == {"water.class"}


@pytest.mark.parametrize(
    ("section", "lake", "values", "published"),
    [
        ("小金山", True, (8.98, 14.06, 1.74, 0.05, 0.021), 2), ("均溪", False, (6.87, 9.381, 1.1, 0.0462, 0.03), 2),
        ("水东桥下", False, (7.354, 8.875, 2.25, 0.0995, 0.0837), 2),
        ("松阳二中", False, (8.878, 10.323, 3.15, 0.246, 0.6614), 6),
        ("石门洞", False, (8.13, 7.497, 1.55, 0.067, 0.0239), 2),
        ("八间房漫水桥", False, (7.99, 8.78, 3.617, 0.047, 0.043), 2),
        ("三岔口", False, (7.8115, 9.014, 2.51, 0.3, 0.0462), 2),
    ],
)  # fmt: skip
def test_classes_of_the_national_platform_of_other_days(section, lake, values, published):
    """Published with their unrounded values on 2020-05-08 and 2021-03-20 (national real-time publication)."""
    items = ("pH", "DO", "CODMn", "NH3N", "TP")
    assert water.section(np.array([values]), items, np.array([lake])).value[0] == published, section
