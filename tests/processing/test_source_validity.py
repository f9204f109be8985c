import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.times import HOUR
from processing.indicators.source import flow_weighted, o2_correct, source_day, source_hour
from processing.indicators.source_validity import source_capture, with_hours
from tests.processing.observed import observed, series, stations

WORKS = stations(station_id="o", medium="source", kind="outlet", target="GB 18918-2002/一级A")
BOILER = stations(station_id="o", medium="source", kind="stack", target="GB 13271-2014/燃煤新建")


def sent(parameter, values, start="2026-08-18 00:00", **k):
    return series("o", parameter, values, start, medium="source", **k)


def minutes(values, period="PT10M", **k):
    return sent("COD", values, period=period, **k)


def hours(*parts):
    rows = with_hours(observed(*parts, flag=None)).wide(("COD",), HOUR)
    return rows.values[:, 0].tolist(), rows.flags[:, 0].tolist()


@pytest.mark.parametrize(
    ("values", "expected"),
    [([30.0] * 5 + [np.nan], 30.0), ([30.0] * 4 + [np.nan] * 2, np.nan), ([30.0, 60.0] * 3, 45.0)],
)
def test_an_hour_needs_45_valid_minutes(values, expected):
    got, flags = hours(minutes(values))
    assert got == pytest.approx([expected], nan_ok=True)
    assert flags == [9 if np.isnan(expected) else 2]


def test_an_hour_that_was_sent_is_not_made_again():
    got, _ = hours(minutes([30.0] * 12), sent("COD", [55.0]))
    assert got == [55.0, 30.0]


def test_of_several_periods_the_finest_is_used():
    got, _ = hours(minutes([30.0] * 6), minutes([10.0] * 11 + [np.nan], period="PT5M"))
    assert got == [10.0]


def test_a_suspect_minute_makes_a_suspect_hour_and_failed_ones_do_not_count():
    suspect = pd.concat([minutes([30.0] * 5), minutes([36.0], "PT10M", start="2026-08-18 00:50", flag=3)])
    assert hours(suspect) == ([31.0], [3])
    failed = pd.concat([minutes([30.0] * 4), minutes([99.0] * 2, "PT10M", start="2026-08-18 00:40", flag=4)])
    assert hours(failed)[1] == [9]


def test_minutes_are_judged_as_hours():
    got = source_hour(observed(minutes([62.5] * 6)), WORKS)
    assert (got["value"].tolist(), got["detail"].tolist()) == ([1.25], ["COD=62.50/50"])


def test_states_of_hour_and_day_are_told_apart():
    works, boiler = sent("COD", [62.0] * 24), sent("stack_SO2", [400.0] * 24)
    assert set(source_hour(observed(works), WORKS)["grade"]) == {"高于限值"}
    assert source_day(observed(works), WORKS)["grade"].tolist() == ["超标"]
    oxygen = sent("stack_O2", [9.0] * 24)
    assert set(source_hour(observed(boiler, oxygen), BOILER)["grade"]) == {"超标"}
    assert source_day(observed(boiler, oxygen), BOILER)["grade"].tolist() == ["高于限值"]


def capture(*parts):
    return source_capture(observed(*parts, flag=None), WORKS)


def test_the_capture_rate_is_that_of_the_poorest_item():
    got = capture(sent("COD", [30.0] * 24), sent("NH3N", [1.0] * 18 + [np.nan] * 6)).iloc[0]
    assert (got["value"], got["detail"], got["n_valid"], got["n_expected"]) == (75.0, "NH3N; 0 h stopped", 18, 24)


def test_hours_of_a_stopped_plant_are_not_expected():
    stopped = sent("COD", [0.0] * 6, "2026-08-18 18:00", flag=4, source_flag="F")
    fault = sent("COD", [0.0] * 3, "2026-08-18 15:00", flag=4, source_flag="D")
    got = capture(sent("COD", [30.0] * 15), fault, stopped).iloc[0]
    assert (got["value"], got["n_valid"], got["n_expected"]) == (83.3, 15, 18)
    whole_day = capture(sent("COD", [0.0] * 24, flag=4, source_flag="F")).iloc[0]
    assert np.isnan(whole_day["value"])
    assert whole_day["detail"] == "no valid hour, or the plant stood still"


CONC = st.lists(st.floats(0, 1000) | st.just(float("nan")), min_size=1, max_size=24)


@given(CONC, st.floats(0.1, 1000))
def test_a_constant_flow_weighs_nothing(conc, flow):
    x = np.array(conc)
    weighted = float(flow_weighted(x, np.full(len(x), flow)))
    there = x[np.isfinite(x)]
    assert weighted == pytest.approx(there.mean() if len(there) else np.nan, nan_ok=True)


@given(st.floats(0, 1000), st.floats(0, 20.9), st.floats(0, 15))
def test_correction_to_the_oxygen_that_is_there_changes_nothing(conc, oxygen, other):
    assert float(o2_correct(np.array(conc), np.array(oxygen), oxygen)) == pytest.approx(conc)
    corrected = float(o2_correct(np.array(conc), np.array(oxygen), other))
    assert corrected >= conc - 1e-9 if other <= oxygen else corrected <= conc + 1e-9


@settings(max_examples=40)
@given(st.lists(st.booleans(), min_size=24, max_size=24), st.integers(0, 23))
def test_one_more_valid_hour_never_lowers_the_capture_rate(valid, place):
    def rate(mask):
        values = np.where(mask, 30.0, np.nan)
        return np.nan_to_num(capture(sent("COD", values.tolist()))["value"].iloc[0])

    more = np.array(valid)
    more[place] = True
    assert rate(more) >= rate(np.array(valid))
