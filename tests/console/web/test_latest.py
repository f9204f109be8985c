"""The newest values: always what a look at the whole table would find, whatever was written, corrected or taken out."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from console.web.latest import Latest
from domain.records import TABLES
from store.home import Home

START = datetime(2026, 5, 30, tzinfo=UTC)
SERIES = ["station_id", "parameter", "period"]


@pytest.fixture
def home(tmp_path):
    return Home.open(tmp_path)


def rows(rng, n: int) -> pd.DataFrame:
    """Values of some stations at some hours of ten weeks, the media as the registry has them."""
    stations = np.array(["air-1", "air-2", "water-1", "noise-1"])[rng.integers(4, size=n)]
    return TABLES["observations"].frame(
        pd.DataFrame(
            {
                "medium": [s.split("-")[0] for s in stations],
                "station_id": stations,
                "parameter": np.array(["PM2.5", "NH3N"])[rng.integers(2, size=n)],
                "time": [pd.Timestamp(START) + pd.Timedelta(hours=int(h)) for h in rng.integers(1700, size=n)],
                "period": np.array(["PT1H", "P1D"])[rng.integers(2, size=n)],
                "value": rng.integers(0, 50, size=n).astype(float),
                "unit": "1",
                "flag": 2,
                "source_flag": "",
                "feed": "f",
                "received_at": pd.Timestamp(START),
            }
        )
    )


def whole(home: Home) -> pd.DataFrame:
    """The oracle: everything is read."""
    found = home.lake.read("observations").sort_values("time").drop_duplicates(SERIES, keep="last")
    return found[[*SERIES, "time", "value"]].sort_values(SERIES, ignore_index=True)


def told(latest: Latest) -> pd.DataFrame:
    latest._asked = float("-inf")  # ask the log now, not twice a second
    return latest.rows()[[*SERIES, "time", "value"]].sort_values(SERIES, ignore_index=True)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_what_the_whole_table_says(home, seed):
    rng = np.random.default_rng(seed)
    latest = Latest(home, "observations")
    assert told(latest).empty
    for step in range(4):
        home.lake.upsert("observations", rows(rng, int(rng.integers(1, 30))), now=START, why="test")
        if step == 2:  # the newest of every series is taken out
            gone = whole(home).sample(frac=0.5, random_state=seed)
            stored = home.lake.read("observations").merge(gone[[*SERIES, "time"]], on=[*SERIES, "time"])
            home.lake.upsert("observations", rows(rng, 1).head(0), now=START, why="test", remove=stored)
        pd.testing.assert_frame_equal(told(latest), whole(home), check_dtype=False)
    pd.testing.assert_frame_equal(told(Latest(home, "observations")), whole(home), check_dtype=False)


def test_quality_control_changes_the_flag_and_nothing_else(home):
    home.lake.upsert("observations", rows(np.random.default_rng(1), 5), now=START, why="test")
    latest = Latest(home, "observations")
    before = told(latest)
    judged = home.lake.read("observations").assign(flag=4, tests="spike", level="auto-checked")
    home.lake.upsert("quality", TABLES["quality"].frame(judged), now=START, why="test")
    pd.testing.assert_frame_equal(told(latest), before)
    assert set(latest.rows()["flag"]) == {4}


def test_nothing_is_read_when_nothing_was_written(home, monkeypatch):
    home.lake.upsert("observations", rows(np.random.default_rng(2), 5), now=START, why="test")
    latest = Latest(home, "observations")
    told(latest)
    version = latest.version
    monkeypatch.setattr(home.lake, "read", lambda *_a, **_k: pytest.fail("the lake was read"))
    told(latest)
    assert latest.version == version


def test_a_station_that_was_silent_for_months_still_has_its_last_value(home):
    frame = rows(np.random.default_rng(3), 2).assign(station_id="air-3", medium="air", parameter="PM2.5", period="PT1H")
    old = frame.assign(time=pd.Timestamp(START) - pd.to_timedelta([1, 2], "h") - timedelta(days=200))
    home.lake.upsert("observations", TABLES["observations"].frame(old), now=START, why="test")
    for month in range(4):
        new = frame.assign(station_id="air-1", time=[pd.Timestamp(START) - timedelta(days=30 * month)] * 2)
        home.lake.upsert("observations", TABLES["observations"].frame(new.head(1)), now=START, why="test")
    assert set(told(Latest(home, "observations"))["station_id"]) == {"air-1", "air-3"}
