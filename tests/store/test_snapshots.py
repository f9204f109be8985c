"""What a commit leaves and tells, and what an open lake knows of the newest one."""

import os
import shutil
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from deltalake.exceptions import CommitFailedError
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import StoreConflict
from domain.records import TABLES
from store.lake import Lake
from store.rows import from_frame
from store.snapshots import Snapshot
from store.upserts import Asked, make
from tests.store.conftest import files, observations, put

AUG, SEP = "2026-08-20T00:00Z", "2026-09-02T00:00Z"


def test_only_partitions_that_become_different_are_written(lake):
    put(lake, observations({("a", AUG): 1, ("a", SEP): 1}))
    before = files(lake)
    put(lake, observations({("a", AUG): 1, ("a", SEP): 2}))
    after = files(lake)
    assert after["2026-08"]["path"] == before["2026-08"]["path"]
    assert after["2026-09"]["path"] != before["2026-09"]["path"]
    put(lake, observations({}), remove=observations({("a", SEP): 2}))
    assert set(files(lake)) == {"2026-08"}


def test_several_partitions_are_one_commit(lake):
    first = put(lake, observations({("a", AUG): 1, ("a", SEP): 1}))
    second = put(lake, observations({("a", AUG): 2, ("a", SEP): 2}))
    assert second.version == first.version + 1
    assert lake.read("observations", version=first.version)["value"].tolist() == [1, 1]


def test_a_write_that_meets_another_stores_nothing_of_itself(lake):
    put(lake, observations({("a", AUG): 1, ("a", SEP): 1}))
    seen = lake.version("observations")
    put(lake, observations({("a", SEP): 2}))
    with pytest.raises(StoreConflict):
        put(lake, observations({("a", AUG): 3, ("a", SEP): 3}), expected_version=seen)
    assert lake.read("observations")["value"].tolist() == [1, 2]


def test_the_version_is_that_of_the_own_commit(lake):
    put(lake, observations({("a", AUG): 1, ("a", SEP): 1}))
    seen = lake.version("observations")
    other = put(lake, observations({("a", SEP): 2}))
    mine = put(lake, observations({("a", AUG): 2}), expected_version=seen)
    assert (other.version, mine.version) == (seen + 1, seen + 2)
    assert lake.changes("observations", other.version).days == {("air", date(2026, 8, 20))}


def test_two_first_writers_of_one_partition_cannot_both_succeed(lake):
    """Both saw an empty table; what they add does not overlap, and still one must be refused."""
    put(lake, observations({("a", SEP): 1}))
    seen = lake.version("observations")
    put(lake, observations({("a", AUG): 1}))
    with pytest.raises(StoreConflict):
        put(lake, observations({("b", AUG): 1}), expected_version=seen)


def test_the_log_itself_refuses_the_second_of_two_commits_upon_one_version(lake):
    put(lake, observations({("a", SEP): 1}))
    spec = TABLES["observations"]
    one, two = (Snapshot.of(f"{lake.root}/observations") for _ in range(2))
    for snapshot, station, passes in ((one, "a", True), (two, "b", False)):
        rows = from_frame(spec, observations({(station, AUG): 1}))
        made = make(Asked(spec, rows, None, None, None), snapshot)
        with nullcontext() if passes else pytest.raises(CommitFailedError):
            snapshot.put(spec, made, made[0].partitions)


def test_a_writer_that_dies_before_the_commit_leaves_nothing_but_a_file_to_sweep(lake, monkeypatch):
    put(lake, observations({("a", AUG): 1}))
    before = lake.read("observations")
    with monkeypatch.context() as patch:
        patch.setattr(Snapshot, "put", _die)
        with pytest.raises(KeyboardInterrupt):
            put(lake, observations({("a", AUG): 2, ("b", SEP): 2}))
    pd.testing.assert_frame_equal(lake.read("observations"), before)
    assert len(list(Path(lake.root, "observations").rglob("part-*.parquet"))) == 3
    lake.compact("observations", keep_hours=0)
    assert len(list(Path(lake.root, "observations").rglob("part-*.parquet"))) == 1
    assert lake.changes("observations", -1).days == {("air", date(2026, 8, 20))}
    assert put(lake, observations({("a", AUG): 2, ("b", SEP): 2})).new == 1
    assert lake.read("observations")["value"].tolist() == [2, 2]


def _die(*_args):
    raise KeyboardInterrupt


@given(writes=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([AUG, SEP]), st.integers(0, 9)), max_size=5))
@settings(max_examples=10)
def test_a_lake_that_stays_open_is_never_behind_one_that_is_opened_now(tmp_path_factory, writes):
    root = tmp_path_factory.mktemp("lake") / "lake"
    stays, writer = Lake(root), Lake(root)
    for station, time, value in writes:
        put(writer, observations({(station, time): value}))
        fresh = Lake(root)
        pd.testing.assert_frame_equal(stays.read("observations"), fresh.read("observations"))
        assert stays.version("observations") == fresh.version("observations")
        assert stays.changes("observations", -1) == fresh.changes("observations", -1)


def test_a_table_that_was_made_anew_at_the_same_place_is_seen(lake):
    put(lake, observations({("a", AUG): 1}))
    assert lake.read("observations")["value"].tolist() == [1]
    shutil.rmtree(lake.root)
    assert lake.read("observations").empty
    put(Lake(lake.root), observations({("a", AUG): 2}))
    assert lake.read("observations")["value"].tolist() == [2]


def test_one_station_is_read_without_the_rows_of_the_others(lake, monkeypatch):
    monkeypatch.setattr("store.parts._GROUP_ROWS", 10)
    times = pd.date_range(AUG, periods=10, freq="h").astype(str)
    put(lake, observations({(f"s{n}", t): n for n in range(20) for t in times}))
    everything = lake.read("observations")
    for stations in (["s7"], ["s3", "s19"], ["nowhere"]):
        wanted = everything[everything["station_id"].isin(stations)].reset_index(drop=True)
        found = lake.read("observations", where={"station_id": stations})
        pd.testing.assert_frame_equal(found, wanted)
    some = lake.read("observations", columns=["value"], where={"station_id": ["s7"]})
    assert some["value"].tolist() == [7.0] * 10


def test_the_log_is_kept_for_a_month(lake):
    for value in range(4):
        put(lake, observations({("a", AUG): value}))
    log = Path(lake.root) / "observations" / "_delta_log"
    old = (datetime.now(UTC) - timedelta(days=40)).timestamp()
    for entry in log.iterdir():
        os.utime(entry, (old, old))
    lake.compact("observations")
    put(lake, observations({("b", SEP): 1}))
    assert len(list(log.glob("*.json"))) < 4
    assert Lake(lake.root).read("observations")["value"].tolist() == [3, 1]
    assert lake.changes("observations", 0).days == {("air", date(2026, 8, 20)), ("air", date(2026, 9, 2))}
    with pytest.raises(FileNotFoundError, match="no longer there"):
        lake.read("observations", version=1)


def test_commits_tell_the_rows_they_changed(lake):
    put(lake, observations({("a", AUG): 1, ("b", AUG): 2}))
    seen = lake.version("observations")
    put(lake, observations({("a", AUG): 1, ("b", AUG): 3, ("c", SEP): 4}))
    put(lake, observations({}), remove=observations({("a", AUG): 1}))
    news = lake.news("observations", seen, ["station_id", "value"])
    assert news.rows.values.tolist() == [["b", 3.0, False], ["c", 4.0, False], ["a", 1.0, True]]
    assert (news.version, news.days) == (lake.version("observations"), lake.changes("observations", seen).days)
    assert lake.news("observations", news.version, ["value"]).rows.empty
    lake.compact("observations", keep_hours=0)
    assert lake.news("observations", seen, ["value"]).rows is None, "swept: the days have to be read"
    assert lake.read("observations")["value"].tolist() == [3, 4]
