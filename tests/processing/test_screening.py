import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import CatalogueError
from domain.records import Flag
from processing import screening
from processing.screening import Screened, screen
from tests.processing.observed import series


def flags(*parts, medium="air"):
    """What is said, but for the gap before the first value of each series."""
    rows = pd.concat(parts, ignore_index=True)
    got = screen(rows, medium)
    tests = got.tests.astype("str")
    begins = ~rows.duplicated(["station_id", "parameter", "period"]).to_numpy() & (np.asarray(tests) == "gap")
    return Screened(np.where(begins, 1, got.flag), np.where(begins, "", tests), got.not_evaluated)


def test_a_series_begins_as_it_resumes_after_silence():
    rows = series("a", "PM2.5", [40.0, 41, 40, 42]).iloc[[0, 1]]
    later = series("a", "PM2.5", [41.0, 43], "2026-08-21 00:00")
    got = screen(pd.concat([rows, later], ignore_index=True), "air")
    assert got.flag.tolist() == [3, 1, 3, 1]
    assert list(got.tests) == ["gap", "", "gap", ""]


def wavy(level, n=24, step=1.0):
    return [level + step * np.sin(i) + 0.1 * i for i in range(n)]


def test_clean_values_pass_every_test():
    got = flags(series("a", "PM2.5", wavy(40)))
    assert set(got.flag) == {Flag.PASS}
    assert set(got.tests) == {""}


def test_a_spike_fails_and_the_next_value_is_not_to_blame():
    values = wavy(40)
    values[10] = 985
    got = flags(series("a", "PM2.5", values))
    assert got.flag[10] == Flag.FAIL
    assert got.tests[10] == "spike"
    assert set(np.delete(got.flag, 10)) == {Flag.PASS}


def test_a_rising_episode_and_a_plume_that_stays_are_never_failed():
    episode = [40, 42, 95, 150, 205, 260, 255, 262, 248, 251, 243]
    plume = [0.31, 0.29, 0.3, 6.1, 6.0, 6.2, 5.9, 6.1]
    air = flags(series("a", "PM2.5", episode))
    water = flags(series("w", "NH3N", plume, period="PT4H", medium="water"), medium="water")
    assert Flag.FAIL not in air.flag
    assert Flag.FAIL not in water.flag
    assert set(water.flag) == {Flag.PASS}


def test_a_stuck_probe_is_marked_over_its_whole_run():
    values = [7.1, 7.3, *[7.42] * 12, 7.0, 7.2]
    got = flags(series("w", "DO", values, medium="water"), medium="water")
    assert got.flag.tolist() == [1, 1, *[4] * 12, 1, 1]
    assert got.tests[5] == "flat"


def test_calm_wind_dry_weather_and_the_detection_limit_are_no_flat_line():
    got = flags(series("a", "wind_speed", [0.0] * 30), series("a", "rain", [0.0] * 30), series("a", "SO2", [3.0] * 30))
    assert set(got.flag) == {Flag.PASS}


def test_what_the_device_calls_invalid_fails_and_is_no_neighbour():
    values = wavy(20)
    values[5] = 300.0
    rows = series("a", "NO2", values)
    rows.loc[5, ["flag", "source_flag"]] = [4, "C"]
    got = flags(rows)
    assert got.flag[5] == Flag.FAIL
    assert got.tests[5] == "device"
    assert set(np.delete(got.flag, 5)) == {Flag.PASS}


def test_missing_stays_missing():
    assert flags(series("a", "O3", [50, np.nan, 52])).flag.tolist() == [1, 9, 1]


def test_order_of_rows_changes_nothing():
    values = wavy(40, 60)
    values[7], values[30:45] = 985, [33.0] * 15
    rows = pd.concat([series("a", "PM2.5", values), series("b", "PM2.5", values[::-1])], ignore_index=True)
    shuffled = rows.sample(frac=1, random_state=3)
    back = pd.Series(screen(shuffled, "air").flag, index=shuffled.index).sort_index()
    assert back.tolist() == screen(rows, "air").flag.tolist()


@pytest.mark.parametrize(("parameter", "period", "medium"), [("PM2.5", "PT1H", "air"), ("NH3N", "PT4H", "water")])
@given(data=st.data())
@settings(max_examples=40)
def test_flags_of_a_day_follow_from_the_days_beside_it(parameter, period, medium, data):
    slots = 24 if period == "PT1H" else 6
    level = st.one_of(st.just(float("nan")), st.sampled_from([20.0, 20.0, 21.0, 700.0, 900.0, -1.0]))
    values = data.draw(st.lists(level, min_size=5 * slots, max_size=5 * slots))
    rows = series("a", parameter, values, period=period, medium=medium)
    whole = screen(rows, medium)
    for day in range(5):
        first = max(day - 1, 0) * slots
        alone = screen(rows.iloc[first : (day + 2) * slots], medium)
        mine = slice(day * slots - first, day * slots - first + slots)
        there = slice(day * slots, (day + 1) * slots)
        assert alone.flag[mine].tolist() == whole.flag[there].tolist()
        assert list(alone.tests[mine]) == list(whole.tests[there])


def test_what_could_not_be_judged_is_counted_with_its_reason():
    got = flags(series("a", "wind_dir", [90.0, 91.0]), series("a", "chla", [40.0], period="PT10M"))
    assert got.flag.tolist() == [1, 1, 2]
    assert got.not_evaluated["spike: no threshold for the parameter"] == 3
    assert got.not_evaluated["range: no threshold for the parameter"] == 1
    got = flags(series("a", "PM2.5", [40.0], period="PT10M"), series("a", "PM10", [40.0]))
    assert got.not_evaluated["spike: only hourly and 4-hourly values are compared"] == 1
    assert got.not_evaluated["spike: too few values near by"] == 1


def test_counting_can_leave_context_out():
    rows = series("a", "PM2.5", [40.0, 41.0])
    assert screen(rows, "air", counted=np.array([False, False])).not_evaluated == {}


def test_every_threshold_is_of_a_known_parameter_and_can_be_met():
    table = screening.thresholds()
    assert (table["fail_min"] < table["fail_max"]).all()
    for low, high in (
        ("spike_suspect", "spike_fail"),
        ("rate_suspect", "rate_fail"),
        ("flat_suspect_h", "flat_fail_h"),
    ):
        both = table[[low, high]].dropna()
        assert (both[low] <= both[high]).all()
    assert (table[["flat_suspect_h", "flat_fail_h"]].max() <= 24).all()


def test_a_broken_table_lists_every_problem(tmp_path, monkeypatch):
    header = "medium,parameter," + ",".join(screening._COLUMNS) + ",confidence,source\n"
    line = "{0},{1},{2},{3}," + "," * 11 + ",own choice,x\n"
    text = header + line.format("air", "SO2", "0", "x") + line.format("air", "XX", "5", "1")
    (tmp_path / "qc_thresholds.csv").write_text(text, encoding="utf-8")
    monkeypatch.setattr(screening, "TABLES_DIR", tmp_path)
    screening.thresholds.cache_clear()
    try:
        with pytest.raises(CatalogueError) as error:
            screening.thresholds()
    finally:
        screening.thresholds.cache_clear()
    assert [p.split(":")[1] for p in error.value.problems] == ["2", "3", "3"]
