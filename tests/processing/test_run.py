"""The shell: whatever the order, the split and the company, the tables become the same."""

import random
import shutil
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from domain.errors import StoreConflict
from domain.records import TABLES
from processing import run
from processing.run import compute
from store.home import Home
from store.lake import Lake
from store.ledger.reviews import Review, say_review, take_back
from tests.processing.observed import NOW, local, series

DAYS = 6


@pytest.fixture
def home(tmp_path) -> Home:
    return Home.open(tmp_path)


def county(seed=1) -> pd.DataFrame:
    """Six days of some stations of every kind, with faults at the seams of days."""
    chance = np.random.default_rng(seed)
    n = 24 * DAYS
    wave = 10 * np.sin(np.arange(n) / 5)
    parts = []
    for parameter, level in {"SO2": 8, "NO2": 30, "CO": 0.7, "O3": 80, "PM10": 70, "PM2.5": 40}.items():
        values = np.round(np.abs(level + level * wave / 20 + chance.normal(0, level / 20, n)), 1)
        parts.append(series("air-1", parameter, values))
    spiky = parts[5]
    spiky.loc[[47, 48, 100], "value"] = [900.0, 905.0, 985.0]
    parts[1].loc[60:85, "value"] = 33.0  # stuck over midnight
    parts[3] = parts[3].drop(index=range(20, 29))
    parts.append(series("water-5", "DO", np.round(7.5 + wave / 20 + chance.normal(0, 0.05, n), 2), medium="water"))
    parts.append(
        series("water-2", "NH3N", np.round(0.3 + chance.random(6 * DAYS) / 20, 3), period="PT4H", medium="water")
    )
    parts.append(series("noise-2", "LAeq", np.round(52 + wave + chance.normal(0, 1, n), 1), medium="noise"))
    parts.append(series("outlet-1", "COD", np.round(45 + wave + chance.normal(0, 2, n), 1), medium="source"))
    parts.append(series("soil-01", "soil_Cd", [0.35], "2026-08-20 00:00", period="P1D", medium="soil"))
    parts.append(series("soil-01", "soil_pH", [5.2], "2026-08-20 00:00", period="P1D", medium="soil"))
    return pd.concat(parts, ignore_index=True)


def put(home: Home, rows: pd.DataFrame) -> None:
    home.lake.upsert("observations", rows, now=NOW, why="test")


def tables(home: Home) -> dict[str, str]:
    return {name: home.lake.read(name).to_csv(index=False) for name in ("quality", "indicators")}


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> dict[str, str]:
    """The tables when everything is there at once."""
    home = Home.open(tmp_path_factory.mktemp("whole"))
    put(home, county())
    compute(home, now=NOW)
    return tables(home)


def test_all_indicators_of_all_media_come_out(expected):
    for name in ("air.aqi", "air.O3_mda8", "air.CO", "water.class", "noise.ln_excess", "source.day_ratio", "soil.risk",
                 "quality.failed_share"):  # fmt: skip
        assert name in expected["indicators"]
    for test in ("spike", "flat", "gap"):
        assert f",{test}," in expected["quality"]


def test_a_second_run_has_nothing_to_do(home):
    put(home, county())
    assert compute(home, now=NOW).new > 0
    versions = {name: home.lake.version(name) for name in ("quality", "indicators")}
    assert compute(home, now=NOW).as_dict() == run.GroundCounts().as_dict()
    home.ledger.engine.dispose()
    (home.root / "ledger.sqlite").unlink()
    again = compute(Home.open(home.root), now=NOW)
    assert (again.new, again.changed, again.removed) == (0, 0, 0)
    assert versions == {name: home.lake.version(name) for name in ("quality", "indicators")}


def test_day_by_day_gives_the_same(home, expected):
    rows = county()
    for day in range(DAYS):
        start = local("2026-08-18 00:00") + timedelta(days=day)
        put(home, rows[(rows["time"] >= start) & (rows["time"] < start + timedelta(days=1))])
        compute(home, now=NOW)
    assert tables(home) == expected


def test_hour_by_hour_across_midnight_gives_the_same(home, expected):
    rows = county()
    seam = local("2026-08-20 20:00")
    put(home, rows[rows["time"] < seam])
    compute(home, now=NOW)
    for hour in range(8):
        start = seam + timedelta(hours=hour)
        put(home, rows[(rows["time"] >= start) & (rows["time"] < start + timedelta(hours=1))])
        compute(home, now=NOW)
    put(home, rows[rows["time"] >= seam + timedelta(hours=8)])
    compute(home, now=NOW)
    assert tables(home) == expected


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_arrival_gives_the_same(home, expected, seed):
    rows = county()
    chance = random.Random(seed)
    parts = [part for _, part in rows.groupby(np.random.default_rng(seed).integers(0, 6, len(rows)))]
    chance.shuffle(parts)
    for part in parts:
        put(home, part)
        if chance.random() < 0.7:
            compute(home, now=NOW)
    compute(home, now=NOW)
    assert tables(home) == expected


def test_the_size_of_a_span_changes_nothing(home, expected, monkeypatch):
    monkeypatch.setattr(run, "_month_end", lambda day, _months: day)
    put(home, county())
    compute(home, now=NOW)
    assert tables(home) == expected


def test_a_corrected_value_replaces_what_followed_from_it(home, expected):
    wrong = county()
    at = (wrong["parameter"] == "PM2.5") & (wrong["time"] == local("2026-08-21 05:00"))
    wrong.loc[at, "value"] = 480.0
    put(home, wrong)
    compute(home, now=NOW)
    assert tables(home) != expected
    put(home, county())
    counts = compute(home, now=NOW)
    assert counts.changed > 0
    assert tables(home) == expected


def test_results_that_no_longer_follow_are_taken_out(home, expected):
    extra = series("air-2", "PM10", [50.0] * 30, "2026-08-19 00:00")
    put(home, pd.concat([county(), extra]))
    compute(home, now=NOW)
    home.lake.upsert("observations", county().iloc[:0], now=NOW, why="withdrawn", remove=extra)
    counts = compute(home, now=NOW)
    assert counts.removed > 30
    assert tables(home) == expected


def test_indicators_of_the_other_eyes_are_left_alone(home):
    place = {"indicator": "ecology.ndvi", "medium": "ecology", "subject": "331102001", "period": "P1D", "unit": "1"}
    said = {"value": 0.5, "grade": "", "n_valid": 1, "n_expected": 1, "flag": 1, "detail": "", "edition": ""}
    other = TABLES["indicators"].frame([place | said | {"time": local("2026-08-20 00:00")}])
    home.lake.upsert("indicators", other, now=NOW, why="test")
    put(home, county())
    compute(home, now=NOW)
    assert len(home.lake.read("indicators", medium="ecology")) == 1


def test_what_people_said_stands_and_counts(home):
    put(home, county())
    compute(home, now=NOW)
    key = {"medium": ["air"], "parameter": ["PM2.5"], "time": [local("2026-08-22 04:00")]}
    row = home.lake.read("quality", where={"parameter": ["PM2.5"]})
    row = row[row["time"] == key["time"][0]].assign(flag=4, tests="by hand", level="reviewed")
    home.lake.upsert("quality", row, now=NOW, why="review")
    put(home, series("air-1", "PM2.5", [41.5], "2026-08-22 05:00"))
    compute(home, now=NOW)
    kept = home.lake.read("quality", where={"level": ["reviewed"]})
    assert kept["tests"].tolist() == ["by hand"]
    index = home.lake.read("indicators", where={"indicator": ["air.aqi"], "period": ["PT1H"]})
    hour = index[index["time"] == key["time"][0]].iloc[0]
    assert np.isnan(hour["value"])
    assert hour["detail"] == "missing: PM2.5"


def spoken(home: Home, **changed) -> int:
    start = local("2026-08-20 00:00").to_pydatetime()
    given = {"who": "张示例", "why": "探头离水", "medium": "air", "station_id": "air-1", "parameter": "PM2.5",
             "start": start, "end": start + timedelta(hours=6), "flag": 4}  # fmt: skip
    return say_review(home.ledger, Review(**(given | changed)), now=NOW)


def test_a_review_is_applied_survives_a_replay_and_can_be_taken_back(home, expected):
    put(home, county())
    compute(home, now=NOW)
    number = spoken(home)
    counts = compute(home, now=NOW)
    assert counts.changed > 0
    kept = home.lake.read("quality", where={"level": ["reviewed"]})
    assert (kept["flag"].tolist(), set(kept["tests"])) == ([4] * 6, {f"review:{number}"})
    index = home.lake.read("indicators", where={"indicator": ["air.aqi"], "period": ["PT1H"]})
    assert index[index["time"] == local("2026-08-20 03:00")]["value"].isna().all()
    assert compute(home, now=NOW).as_dict() == run.GroundCounts().as_dict()
    reviewed = tables(home)
    for table in ("quality", "indicators"):
        shutil.rmtree(home.root / "lake" / table)
    home.ledger.advance(run.CURSOR, -1)
    again = Home.open(home.root)
    again.lake.upsert("observations", county().assign(value=lambda f: f["value"] + 0.0), now=NOW, why="replay")
    with again.ledger.begin() as connection:
        connection.exec_driver_sql("DELETE FROM cursors")
    compute(again, now=NOW)
    assert tables(again) == reviewed
    take_back(home.ledger, number, who="李示例", why="看错", now=NOW)
    compute(home, now=NOW)
    assert tables(home) == expected


def test_a_withdrawn_observation_takes_its_review_along(home, expected):
    extra = series("air-2", "PM2.5", [50.0] * 3, "2026-08-20 00:00")
    put(home, pd.concat([county(), extra]))
    spoken(home, station_id="air-2", parameter="")
    compute(home, now=NOW)
    assert len(home.lake.read("quality", where={"level": ["reviewed"]})) == 3
    home.lake.upsert("observations", county().iloc[:0], now=NOW, why="withdrawn", remove=extra)
    compute(home, now=NOW)
    assert tables(home) == expected


def test_learning_is_used_from_its_day_on_and_a_replay_agrees(home, tmp_path_factory):
    put(home, county())
    compute(home, now=NOW)
    high = {
        "version": "2026-08-21",
        "valid_from": local("2026-08-21 00:00"),
        "medium": "air",
        "station_id": "air-1",
        "parameter": "SO2",
        "period": "PT1H",
        "season": 8,
        "low": 99.0,
        "middle": 100.0,
        "high": 101.0,
        "n": 500,
    }
    bands = TABLES["bands"].frame([high | {"hour": h} for h in range(24)])
    home.lake.upsert("bands", bands, now=NOW, why="test")
    assert compute(home, now=NOW).changed > 0
    quality = home.lake.read("quality", where={"parameter": ["SO2"]})
    unusual = quality["tests"].str.contains("climatology@2026-08-21")
    assert quality.loc[unusual, "time"].min() == local("2026-08-21 00:00")
    assert unusual.sum() == 72
    other = Home.open(tmp_path_factory.mktemp("replay"))
    other.lake.upsert("bands", bands, now=NOW, why="test")
    put(other, county())
    compute(other, now=NOW)
    assert tables(other) == tables(home)


def test_only_some_media_leave_the_others_marked(home, expected):
    put(home, county())
    compute(home, now=NOW, media=["air"])
    assert set(home.lake.read("indicators")["medium"]) == {"air"}
    compute(home, now=NOW)
    assert tables(home) == expected


def test_somebody_else_in_between_makes_it_read_again(home, expected, monkeypatch):
    """Another run settles newer values between our reading and our writing; ours must not win."""
    old = county()
    late = (old["parameter"] == "PM2.5") & (old["time"] == local("2026-08-21 05:00"))
    first = old.copy()
    first.loc[late, "value"] = 480.0
    put(home, first)
    true_write, meddled = Lake.upsert, []

    def meddling(self, table, frame, **k):
        if table == "quality" and not meddled:
            meddled.append(True)
            put(home, old)
            compute(Home.open(home.root), now=NOW)
        return true_write(self, table, frame, **k)

    monkeypatch.setattr(Lake, "upsert", meddling)
    compute(home, now=NOW)
    assert tables(home) == expected


def test_endless_conflict_is_told(home, monkeypatch):
    put(home, county())

    def refuse(self, table, frame, **k):
        raise StoreConflict("somebody else")

    monkeypatch.setattr(Lake, "upsert", refuse)
    with pytest.raises(StoreConflict, match="runs in a row"):
        compute(home, now=NOW)


def test_progress_tells_what_and_how_much(home):
    put(home, county())
    told: list[tuple[str, float]] = []
    compute(home, now=NOW, progress=lambda what, share: told.append((what, share)))
    assert told[0] == ("2026-08-16 .. 2026-08-25", 0.0)
    assert told[-1] == ("", 1.0)


def test_now_is_written_only_beside_what_was_replaced(home, tmp_path_factory, expected):
    put(home, county())
    compute(home, now=datetime(2030, 1, 1, tzinfo=NOW.tzinfo))
    assert tables(home) == expected
