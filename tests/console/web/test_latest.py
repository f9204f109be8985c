"""The newest values: always what a look at the whole table would find, whatever was written, corrected or taken out."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from console.web.latest import Latest
from domain.records import TABLES
from store.home import Home

START = datetime(2026, 5, 30, tzinfo=UTC)
SERIES = ["station_id", "parameter", "period"]
TOLD = [*SERIES, "time", "value", "flag", "source_flag"]


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


def judgements(rng, stored: pd.DataFrame) -> pd.DataFrame:
    """Flags for some stored values, and for some that are not there."""
    some = pd.concat([stored.sample(frac=0.5, random_state=int(rng.integers(1000))), rows(rng, 2)])
    flags = rng.choice([1, 3, 4], size=len(some))
    return TABLES["quality"].frame(some.assign(flag=flags, tests="spike", level="auto-checked"))


def whole(home: Home) -> pd.DataFrame:
    """The oracle: everything is read."""
    found = home.lake.read("observations").sort_values("time").drop_duplicates(SERIES, keep="last")
    flags = home.lake.read("quality", columns=[*SERIES, "time", "flag"]).rename(columns={"flag": "judged"})
    found = found.merge(flags, on=[*SERIES, "time"], how="left")
    found["flag"] = found["judged"].fillna(found["flag"]).astype("int32")
    return found[TOLD].sort_values(SERIES, ignore_index=True)


def told(latest: Latest) -> pd.DataFrame:
    return latest.rows()[TOLD].sort_values(SERIES, ignore_index=True)


def put(home: Home, table: str, frame: pd.DataFrame, **more) -> None:
    home.lake.upsert(table, frame, now=START, why="test", **more)


def written(home: Home, rng) -> None:
    """Something is written, corrected, judged or taken out."""
    stored = home.lake.read("observations")
    what = rng.integers(5)
    if what == 0 and len(stored):  # the newest of some series
        newest = stored.sort_values("time").drop_duplicates(SERIES, keep="last")
        put(home, "observations", stored.head(0), remove=newest.sample(frac=0.5, random_state=int(rng.integers(1000))))
    elif what == 1 and len(stored):
        put(home, "observations", stored.sample(frac=0.3, random_state=1).assign(value=-1.0))
    elif what == 2:
        put(home, "quality", judgements(rng, stored))
    elif what == 3:
        judged = home.lake.read("quality")
        put(home, "quality", judged.head(0), remove=judged.sample(frac=0.5, random_state=int(rng.integers(1000))))
    else:
        put(home, "observations", rows(rng, int(rng.integers(1, 30))))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("how", ["told", "too much to be told", "swept"])
def test_after_any_write_the_next_answer_is_what_the_whole_table_says(home, monkeypatch, seed, how):
    if how == "too much to be told":
        monkeypatch.setattr("store.parts._MOST_TOLD", 3)
    rng = np.random.default_rng(seed)
    latest = Latest(home, "observations")
    assert told(latest).empty
    for _ in range(8):
        for _ in range(int(rng.integers(1, 3))):  # one look may find several commits
            written(home, rng)
        if how == "swept":
            shutil.rmtree(Path(home.lake.root) / "observations" / "told", ignore_errors=True)
        pd.testing.assert_frame_equal(told(latest), whole(home), check_dtype=False)
        pd.testing.assert_frame_equal(told(latest), told(Latest(home, "observations")))


def test_a_lake_that_was_replaced_is_read_anew(home):
    put(home, "observations", rows(np.random.default_rng(5), 5))
    put(home, "observations", rows(np.random.default_rng(6), 5))
    latest = Latest(home, "observations")
    assert len(told(latest))
    shutil.rmtree(home.lake.root)
    assert told(latest).empty
    put(home, "observations", rows(np.random.default_rng(7), 5))
    pd.testing.assert_frame_equal(told(latest), whole(home), check_dtype=False)


def test_quality_control_changes_the_flag_and_nothing_else(home):
    home.lake.upsert("observations", rows(np.random.default_rng(1), 5), now=START, why="test")
    latest = Latest(home, "observations")
    before = told(latest)
    judged = home.lake.read("observations").assign(flag=4, tests="spike", level="auto-checked")
    home.lake.upsert("quality", TABLES["quality"].frame(judged), now=START, why="test")
    pd.testing.assert_frame_equal(told(latest), before.assign(flag=np.int32(4)))
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
