import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import CatalogueError
from domain.registry import GAMMA_COLUMNS, Registry
from processing.indicators.radiation import background, gamma, levels
from tests.processing.observed import observed, series, stations


def rates(values, **k):
    return series("g", "gamma_rate", values, medium="radiation", **k)


def rain(values):
    return series("g", "rain", values, medium="radiation")


def place(**levels_):
    return stations(station_id="g", medium="radiation", **levels_)


COUNTY = Path(__file__).resolve().parents[2] / "sample_feeds" / "county"
KNOWN = place(gamma_mean="90", gamma_sd="5")


def states(values, stations_=KNOWN, *more):
    got = gamma(observed(rates(values), *more), stations_)
    return got[got["indicator"] == "radiation.state"].sort_values("time")


def test_three_readings_above_the_level_are_attention_and_more_alarm():
    got = states([90, 110, 110, 110, 200, 200, 200, 90])
    assert got["value"].tolist() == [0, 0, 0, 1, 1, 1, 2, 0]
    assert got["grade"].tolist() == ["正常"] * 3 + ["关注"] * 3 + ["报警", "正常"]
    assert not got["grade"].isin(["超标", "达标"]).any()
    assert got["detail"].iloc[0] == "attention 105.0, alarm 180.0 nGy/h"


def test_equal_to_the_level_is_not_above_it():
    assert states([105.0] * 5)["value"].tolist() == [0] * 5


def test_a_missing_reading_breaks_a_run_and_has_no_state():
    got = states([110, 110, np.nan, 110, 110, 110])
    assert got["value"].tolist()[:2] == [0, 0]
    assert np.isnan(got["value"].iloc[2])
    assert got["detail"].iloc[2] == "no valid reading"
    assert got["value"].tolist()[3:] == [0, 0, 1]


def test_attention_while_it_rains_is_suspect():
    got = states([110] * 8, KNOWN, rain([0, 0, 0, 4, 0, 0, 0, 0]))
    assert got["flag"].tolist() == [1, 1, 1, 3, 3, 3, 1, 1]
    assert got["detail"].iloc[4] == "attention 105.0, alarm 180.0 nGy/h; rain in the last 3 h"


def test_without_levels_there_is_a_rate_and_no_state():
    got = gamma(observed(rates([90.04, 91])), place())
    assert got["indicator"].unique().tolist() == ["radiation.gamma"]
    assert got["value"].tolist() == [90.0, 91.0]


def test_configured_levels_go_before_those_of_the_background():
    rows = np.array([[90, 5, np.nan, np.nan], [90, np.nan, np.nan, np.nan], [90, 5, 130, 160], [60, 2, np.nan, np.nan]])
    assert levels(rows).tolist() == [[105, 180], [120, 180], [130, 160], [66, 120]]
    assert np.isnan(levels(np.full((1, 4), np.nan))).all()


def test_the_background_rests_on_thirty_dry_days():
    day = np.repeat(np.arange(32), 24)
    rate, wet = np.tile([88.0, 92.0], 384), np.zeros(768)
    wet[5] = 3.0
    rate[:24] = 140.0
    found = background(rate, wet, day)
    assert (found.mean, found.days) == (90.0, 31)
    assert found.sd == pytest.approx(2.0, abs=0.01)
    assert np.isnan(background(rate[:600], wet[:600], day[:600]).mean)
    assert background(rate, np.full(768, np.nan), day).days == 0


@settings(max_examples=40)
@given(st.lists(st.floats(20, 400), min_size=1, max_size=40), st.floats(0, 100))
def test_a_higher_rate_never_has_a_better_state(values, more):
    lower, higher = (states(np.round(np.add(values, plus), 1).tolist())["value"].to_numpy() for plus in (0, more))
    assert (higher >= lower).all()


# --- the registry ---------------------------------------------------------------------------------------------------


def folder(tmp_path, text):
    shutil.copytree(COUNTY, tmp_path, dirs_exist_ok=True)
    row = pd.read_csv(tmp_path / "stations.csv", dtype="str", keep_default_na=False).iloc[-1:]
    row = row.assign(station_id="gamma-1", medium="radiation", kind="ambient", zone="", mn="")
    with (tmp_path / "stations.csv").open("a", encoding="utf-8") as stream:
        row.to_csv(stream, header=False, index=False, lineterminator="\n")
    (tmp_path / "radiation.csv").write_text(text, encoding="utf-8")
    return tmp_path


HEAD = "station_id," + ",".join(GAMMA_COLUMNS) + ",source\n"


def test_levels_of_a_station_come_from_the_registry(tmp_path):
    found = Registry.load(folder(tmp_path, HEAD + "gamma-1,92,4.5,,,own background of 2025\n"))
    row = found.by_id["gamma-1"]
    assert (row["gamma_mean"], row["gamma_sd"]) == (92.0, 4.5)
    assert np.isnan(row["gamma_attention"])
    assert np.isnan(found.by_id["air-1"]["gamma_mean"])


def test_every_mistake_in_the_levels_is_named(tmp_path):
    text = HEAD + "air-1,92,4,,,x\ngamma-1,ninety,4,,,x\n"
    with pytest.raises(CatalogueError) as error:
        Registry.load(folder(tmp_path, text))
    assert "radiation.csv:2: 'air-1' is not a station of medium radiation" in str(error.value)
    assert "radiation.csv:3: gamma_mean 'ninety' is not a number" in str(error.value)
