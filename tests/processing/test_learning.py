"""The shell of learning and of what reviews and learnings change, over a lake."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from domain.times import LOCAL
from processing.learning import drifts, learn_bands
from processing.upstream import upstream
from store.home import Home
from store.ledger.reviews import Review, say_review, take_back
from tests.processing.observed import NOW, local, series

UNTIL = local("2026-08-01 00:00")


@pytest.fixture
def home(tmp_path) -> Home:
    return Home.open(tmp_path)


def put(home, *parts):
    home.lake.upsert("observations", pd.concat(parts, ignore_index=True), now=NOW, why="test")


def july(station="air-1", level=40.0, seed=1):
    values = level + np.random.default_rng(seed).normal(0, 2, 24 * 31)
    return series(station, "PM2.5", np.round(values, 1), "2026-07-01 00:00")


def test_learning_twice_changes_nothing_and_keeps_what_failed_out(home):
    rows = july()
    bad = rows.iloc[[100]].assign(value=900.0)
    put(home, pd.concat([rows.drop(index=100), bad]), series("air-1", "PM2.5", [500.0] * 24, "2026-08-01 00:00"))
    judged = bad.assign(flag=4, tests="spike", level="auto-checked")
    home.lake.upsert("quality", judged, now=NOW, why="test")
    counts = learn_bands(home, until=UNTIL, now=NOW, need=20)
    assert counts.read == 24 * 31 - 1
    assert counts.new == counts.computed == 48
    bands = home.lake.read("bands")
    assert bands["high"].max() < 50
    assert set(bands["version"]) == {"2026-08-01"}
    assert set(bands["valid_from"]) == {UNTIL}
    again = learn_bands(home, until=UNTIL, now=NOW, need=20)
    assert (again.new, again.changed, again.removed) == (0, 0, 0)
    fewer = learn_bands(home, until=UNTIL, now=NOW, need=31)
    assert fewer.removed == 2 * 1
    assert len(home.lake.read("bands")) == 46


def test_a_learning_reaches_the_days_since_it_holds_and_only_once(home):
    put(home, july(), series("air-1", "PM2.5", [40.0] * 48, "2026-08-01 00:00"))
    assert upstream(home).days == frozenset()
    learn_bands(home, until=UNTIL, now=NOW, need=20)
    found = upstream(home)
    assert {d.isoformat() for _, d in found.days} == {"2026-08-01", "2026-08-02"}
    found.settle(home)
    assert upstream(home).days == frozenset()
    learn_bands(home, until=UNTIL + timedelta(days=1), now=NOW, need=20)
    assert {d.isoformat() for _, d in upstream(home).days} == {"2026-08-02"}


def test_entries_of_the_log_reach_their_days_and_only_once(home):
    start = local("2026-08-05 00:00").to_pydatetime()
    review = Review(who="张示例", why="检修", medium="air", station_id="air-1", parameter="", start=start,
                    end=start + timedelta(hours=30), flag=4)  # fmt: skip
    number = say_review(home.ledger, review, now=NOW)
    days = {("air", start.astimezone(LOCAL).date() + timedelta(days=n)) for n in (0, 1)}
    assert upstream(home).days == days
    upstream(home).settle(home)
    assert upstream(home).days == frozenset()
    take_back(home.ledger, number, who="张示例", why="看错", now=NOW)
    assert upstream(home).days == days


def test_a_station_that_drifts_from_its_neighbours_is_named(home):
    n = 24 * 30
    wave = 50 + 10 * np.sin(np.arange(n) / 5)
    slow = 6 * np.maximum(np.arange(n) - 24 * 14, 0) / 24
    chance = np.random.default_rng(1)
    for i in range(1, 5):
        values = wave + (slow if i == 1 else 0) + chance.normal(0, 1, n)
        put(home, series(f"air-{i}", "PM2.5", values, "2026-07-01 00:00"))
    found = drifts(home, start=local("2026-07-01 00:00"), end=local("2026-07-31 00:00"), medium="air")
    assert set(found["station_id"]) == {"air-1"}
    assert found["day"].min() >= "2026-07-17"
    assert found["day"].max() == "2026-07-30"
    assert (found["change"] > found["allowed"]).all()
    assert drifts(home, start=local("2026-07-01 00:00"), end=local("2026-07-31 00:00"), medium="soil").empty
