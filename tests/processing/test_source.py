import numpy as np
import pytest

from processing.indicators.source import flow_weighted, o2_correct, source_day, source_hour
from tests.processing.observed import observed, series, stations

WORKS = stations(station_id="o", medium="source", kind="outlet", target="GB 18918-2002/一级A")
BOILER = stations(station_id="o", medium="source", kind="stack", target="GB 13271-2014/燃煤新建")


def sent(parameter, values, start="2026-08-18 00:00", **k):
    return series("o", parameter, values, start, medium="source", **k)


def test_oxygen_correction():
    got = o2_correct(np.array([120.0, 120, 120, 120]), np.array([11.5, 9, 21, np.nan]), 9)
    assert got[:2].round(1).tolist() == [151.6, 120.0]
    assert np.isnan(got[2:]).all()


def test_means_are_weighted_by_the_flow_that_is_known():
    assert flow_weighted(np.array([20.0, 60, 40]), np.array([100.0, 20, 80])) == 32
    assert flow_weighted(np.array([20.0, 60]), np.array([100.0, np.nan])) == 20
    assert np.isnan(flow_weighted(np.array([20.0]), np.array([0.0])))


def test_the_item_furthest_above_its_limit_decides_the_hour():
    got = source_hour(observed(sent("COD", [62.5, 50.0]), sent("NH3N", [6.0, 1.0]), sent("flow", [180, 180])), WORKS)
    assert got["value"].round(3).tolist() == [1.25, 1.0]
    assert got["detail"].tolist() == ["COD=62.50/50", "COD=50.00/50"]
    assert got["grade"].tolist() == ["高于限值", "达标"]  # a works is judged by its daily means
    assert (got["n_valid"].iloc[0], got["n_expected"].iloc[0], got["edition"].iloc[0]) == (2, 2, "GB 18918-2002")


def test_ph_is_judged_by_its_distance_from_seven():
    got = source_hour(observed(sent("pH", [9.0, 9.2, 6.0, 5.8, 7.0])), WORKS)
    assert got["value"].round(2).tolist() == [1.0, 1.1, 1.0, 1.2, 0.0]


def test_ammonia_has_a_milder_limit_in_cold_water():
    got = source_hour(observed(sent("NH3N", [6.0, 6.0, 6.0]), sent("water_temp", [12.0, 12.1, np.nan])), WORKS)
    assert got["value"].tolist() == [6 / 8, 6 / 5, 6 / 5]


def test_the_season_of_a_provincial_standard():
    works = stations(station_id="o", medium="source", target="DB33/2169-2018/现有")
    values = [
        source_hour(observed(sent("NH3N", [3.0], day)), works)["value"].iloc[0] for day in ("2026-10-31", "2026-11-01")
    ]
    assert values == [3 / 2, 3 / 4]


def test_flue_gas_is_corrected_and_needs_its_oxygen():
    got = source_hour(observed(sent("stack_SO2", [240.0] * 3), sent("stack_O2", [11.5, 9.0, np.nan])), BOILER)
    assert got["detail"].tolist() == ["stack_SO2=303.2/300", "stack_SO2=240.0/300", "no valid item"]
    assert got["flag"].tolist() == [1, 1, 9]


def test_a_suspect_oxygen_makes_the_corrected_value_suspect():
    got = source_hour(observed(sent("stack_SO2", [240.0]), sent("stack_O2", [11.5], flag=3)), BOILER)
    assert got["flag"].tolist() == [3]


@pytest.mark.parametrize(("hours", "known"), [(20, True), (19, False)])
def test_a_day_needs_twenty_valid_hours(hours, known):
    got = source_day(observed(sent("COD", [60.0] * hours)), WORKS).iloc[0]
    assert bool(np.isnan(got["value"])) is not known
    assert (got["n_valid"], got["n_expected"]) == (hours, 24)
    assert got["detail"] == ("COD=60.00/50" if known else "fewer than 20 valid hours")


def test_a_day_is_weighted_by_flow_and_calibration_is_left_out():
    concentrations, flows = [20.0] * 12 + [80.0] * 12, [300.0] * 12 + [100.0] * 12
    rows = sent("COD", concentrations)
    rows.loc[23, ["value", "flag", "source_flag"]] = [480.0, 4, "C"]
    got = source_day(observed(rows, sent("flow", flows)), WORKS).iloc[0]
    expected = (12 * 300 * 20 + 11 * 100 * 80) / (12 * 300 + 11 * 100)
    assert got["detail"] == f"COD={expected:.2f}/50"
    assert got["n_valid"] == 23


def test_a_parameter_without_a_limit_is_no_result():
    assert len(source_hour(observed(sent("flow", [180.0])), WORKS)) == 0
    assert len(source_hour(observed(sent("COD", [180.0])), stations(station_id="o"))) == 0
