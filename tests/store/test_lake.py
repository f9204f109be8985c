"""The lake keeps what it is given: once, whole, in any order, from any number of writers."""

import multiprocessing
import os
import shutil
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable, QueryBuilder, write_deltalake
from deltalake.exceptions import CommitFailedError
from deltalake.fs import DeltaStorageHandler
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow.fs import PyFileSystem

from domain.errors import StoreConflict, StoreError
from domain.records import TABLES
from store.lake import Lake
from store.rows import from_frame
from store.scope import Scope
from store.snapshots import Snapshot
from store.upserts import Asked, make
from tests.store.conftest import NOW, observations

AUG, SEP = "2026-08-20T00:00Z", "2026-09-02T00:00Z"


def put(lake, frame, **kwargs):
    return lake.upsert("observations", frame, now=NOW, why="test", **kwargs)


def values(lake):
    found = lake.read("observations")
    return dict(zip(zip(found["station_id"], found["time"].astype(str), strict=True), found["value"], strict=True))


def test_a_table_nobody_wrote_is_empty_and_typed(lake):
    found = lake.read("observations")
    assert len(found) == 0
    assert list(found.columns) == TABLES["observations"].columns
    assert str(found["time"].dtype) == "datetime64[us, UTC]"
    assert lake.version("observations") == -1
    assert lake.changes("observations", -1).days == frozenset()


def test_writing_twice_changes_nothing(lake):
    frame = observations({("air-1", AUG): 35.0, ("air-2", AUG): float("nan")})
    first, second = put(lake, frame), put(lake, frame)
    assert (first.new, first.any) == (2, True)
    assert (second.unchanged, second.any, second.version) == (2, False, first.version)


def test_reading_is_half_open_and_sorted_by_key(lake):
    put(lake, observations({("air-2", AUG): 1, ("air-1", SEP): 2, ("air-1", AUG): 3}))
    found = lake.read("observations", start=datetime(2026, 8, 20, tzinfo=UTC), end=datetime(2026, 9, 2, tzinfo=UTC))
    assert found["station_id"].tolist() == ["air-1", "air-2"]
    assert lake.read("observations", medium="water").empty
    assert lake.read("observations", where={"station_id": ["air-1"]}, columns=["value"])["value"].tolist() == [3, 2]


def test_a_changed_value_replaces_and_the_old_one_is_kept(lake):
    put(lake, observations({("air-1", AUG): 35.0}))
    written = put(lake, observations({("air-1", AUG): 36.0}))
    assert (written.new, written.changed) == (0, 1)
    kept = lake.read("superseded")
    assert kept["table"].tolist() == ["observations"]
    assert '"value": 35.0' in kept["row"][0]
    assert kept["why"][0] == "test"


def test_a_change_of_receive_time_alone_is_no_change(lake):
    put(lake, observations({("air-1", AUG): 35.0}))
    written = put(lake, observations({("air-1", AUG): 35.0}, received=SEP, feed="other"))
    assert not written.any


def test_the_days_touched_are_part_of_the_commit(lake):
    first = put(lake, observations({("air-1", "2026-08-20T15:59Z"): 1, ("air-1", "2026-08-20T16:00Z"): 1}))
    put(lake, observations({("air-1", "2026-08-20T16:00Z"): 2}))
    assert lake.changes("observations", -1).days == {("air", date(2026, 8, 20)), ("air", date(2026, 8, 21))}
    assert lake.changes("observations", first.version).days == {("air", date(2026, 8, 21))}


def test_a_log_that_was_cut_names_every_day(lake):
    put(lake, observations({("air-1", AUG): 1, ("air-1", SEP): 2}))
    for version in range(12):
        put(lake, observations({("air-1", AUG): 10.0 + version}))
    lake.compact("observations", keep_hours=0)
    log = Path(lake.root) / "observations" / "_delta_log"
    reached = max(int(p.name.split(".")[0]) for p in log.glob("*.checkpoint.parquet"))
    for entry in log.glob("*.json"):
        if int(entry.stem) < reached:
            entry.unlink()
    assert lake.changes("observations", 3).days == {("air", date(2026, 8, 20)), ("air", date(2026, 9, 2))}


def test_removed_rows_are_gone_and_named(lake):
    put(lake, observations({("air-1", AUG): 1, ("air-2", AUG): 2}))
    gone = observations({("air-1", AUG): 1})
    written = put(lake, observations({}), remove=gone)
    assert written.removed == 1
    assert lake.read("observations")["station_id"].tolist() == ["air-2"]


def test_an_older_row_never_replaces_a_newer_one(lake):
    put(lake, observations({("air-1", AUG): 2}, received=SEP), newest="received_at")
    late = put(lake, observations({("air-1", AUG): 1}, received=AUG), newest="received_at")
    assert not late.any
    assert list(values(lake).values()) == [2]


arrivals = st.lists(
    st.tuples(
        st.sampled_from(["air-1", "air-2"]),
        st.sampled_from([AUG, SEP, "2026-08-20T01:00Z"]),
        st.integers(0, 3),
        st.integers(0, 6),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda a: (a[0], a[1], a[3]),  # one feed says one thing at one moment
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrivals=arrivals, order=st.randoms(use_true_random=False), cut=st.integers(0, 12))
def test_order_and_batches_do_not_matter(tmp_path_factory, arrivals, order, cut):
    def frame(rows):
        parts = [observations({(s, t): v}, received=f"2026-09-05T0{at}:00Z") for s, t, v, at in rows]
        return pd.concat(parts) if parts else observations({})

    shuffled = list(arrivals)
    order.shuffle(shuffled)
    once, parts = Lake(tmp_path_factory.mktemp("a")), Lake(tmp_path_factory.mktemp("b"))
    put(once, frame(sorted(arrivals, key=lambda a: a[3])), newest="received_at")
    put(parts, frame(shuffled[:cut]), newest="received_at")
    put(parts, frame(shuffled[cut:]), newest="received_at")
    pd.testing.assert_frame_equal(once.read("observations"), parts.read("observations"))


def test_a_frame_without_a_column_is_refused(lake):
    with pytest.raises(StoreError, match="lacks"):
        put(lake, observations({("air-1", AUG): 1}).drop(columns="unit"))


def test_a_write_upon_an_old_reading_is_refused_when_the_partition_changed(lake):
    put(lake, observations({("air-1", AUG): 1}))
    seen = lake.version("observations")
    put(lake, observations({("air-2", AUG): 1}))
    with pytest.raises(StoreConflict):
        put(lake, observations({("air-3", AUG): 1}), expected_version=seen)


def test_a_write_upon_an_old_reading_of_another_partition_passes(lake):
    put(lake, observations({("air-1", AUG): 1, ("air-1", SEP): 1}))
    seen = lake.version("observations")
    put(lake, observations({("air-2", SEP): 1}))
    put(lake, observations({("air-3", AUG): 1}), expected_version=seen)
    assert len(values(lake)) == 4


def test_a_first_write_upon_nothing_is_refused_when_somebody_came_first(lake):
    put(lake, observations({("air-2", AUG): 1}))
    with pytest.raises(StoreConflict):
        put(lake, observations({("air-3", AUG): 1}), expected_version=-1)


def _write_many(root, worker, n):
    lake = Lake(root)
    for i in range(n):
        put(lake, observations({(f"air-{worker}", f"2026-08-20T{i:02d}:00Z"): i, ("shared", AUG): worker}))


def test_writers_at_once_lose_nothing(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_write_many, args=(str(tmp_path), w, 8)) for w in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    found = Lake(tmp_path).read("observations")
    assert len(found) == 4 * 8 + 1
    days = Lake(tmp_path).changes("observations", -1).days
    assert days == {("air", date(2026, 8, 20))}


def test_compacting_keeps_every_row(lake):
    for i in range(5):
        put(lake, observations({(f"air-{i}", AUG): i}))
    before = lake.read("observations")
    assert lake.compact("observations", keep_hours=0) > 0
    pd.testing.assert_frame_equal(lake.read("observations"), before)


def test_categories_are_accepted(lake):
    frame = observations({("air-1", AUG): 1, ("air-2", AUG): 2})
    frame["station_id"] = frame["station_id"].astype("category")
    put(lake, frame)
    assert lake.read("observations")["station_id"].tolist() == ["air-1", "air-2"]


def test_keys_wider_than_63_bits_still_tell_rows_apart(lake):
    times = pd.date_range("1995-01-01", periods=300, freq="37h", tz="UTC") + pd.Timedelta(microseconds=1)
    frame = observations({(f"s{i}", str(t)): float(i) for i, t in enumerate(times)})
    put(lake, frame.sample(frac=1, random_state=1))
    assert np.array_equal(np.sort(lake.read("observations")["value"]), np.arange(300.0))
    assert not put(lake, frame).any


def gep_inputs(value):
    row = {
        "zone": "331102001",
        "ecosystem": "forest",
        "year": 2026,
        "quantity": "area_ha",
        "value": value,
        "unit": "ha",
        "n_valid": 1,
        "n_expected": 1,
        "method": "m",
        "source": "s",
    }
    return TABLES["gep_inputs"].frame([row, row | {"zone": "331102002"}])


def test_a_table_without_partitions_is_replaced_whole(lake):
    for value in (1.0, 1.0, 2.0):
        lake.upsert("gep_inputs", gep_inputs(value), now=NOW, why="test")
    assert lake.read("gep_inputs")["value"].tolist() == [2.0, 2.0]
    with pytest.raises(StoreConflict):
        lake.upsert("gep_inputs", gep_inputs(3.0), now=NOW, why="test", expected_version=0)


def test_text_can_be_read_as_categories(lake):
    put(lake, observations({("b", AUG): 1, ("a", SEP): 2, ("c", SEP): 3}))
    text, words = lake.read("observations"), lake.read("observations", categories=True)
    assert words["station_id"].cat.categories.tolist() == ["a", "b", "c"]
    pd.testing.assert_frame_equal(words.astype(text.dtypes), text)
    some = lake.read("observations", where={"station_id": ["a"]}, columns=["station_id"], categories=True)
    assert some["station_id"].cat.categories.tolist() == ["a"]
    assert lake.read("observations", medium="water", categories=True).empty


def test_what_a_scope_no_longer_has_is_taken_out(lake):
    put(lake, observations({(s, t): 1 for s in ("a", "b") for t in (AUG, SEP)}))
    september = Scope(start=datetime(2026, 9, 1, tzinfo=UTC), medium="air")
    written = put(lake, observations({("a", SEP): 1, ("c", SEP): 1}), replace=september)
    assert (written.new, written.unchanged, written.removed) == (1, 1, 1)
    assert sorted(values(lake)) == [
        (s, f"{t} 00:00:00+00:00") for s, t in (("a", AUG[:10]), ("a", SEP[:10]), ("b", AUG[:10]), ("c", SEP[:10]))
    ]
    assert put(lake, observations({}), replace=september).removed == 2
    assert not put(lake, observations({}), replace=september).any
    only_b = put(lake, observations({}), replace=Scope(where={"station_id": ["b"]}))
    assert only_b.removed == 1
    assert lake.read("observations")["station_id"].tolist() == ["a"]


def files(lake, table="observations"):
    actions = pa.table(DeltaTable(f"{lake.root}/{table}").get_add_actions(flatten=True))
    return {a["partition.month"]: a for a in actions.to_pylist()}


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


def test_other_readers_understand_the_table(lake):
    frame = observations({(f"s{i:02d}", t): i for i in range(30) for t in (AUG, SEP)})
    put(lake, frame)
    put(lake, frame.assign(value=frame["value"] + 0.5))
    table = DeltaTable(f"{lake.root}/observations")
    plain = table.to_pyarrow_table().select(TABLES["observations"].columns).to_pandas()
    pd.testing.assert_frame_equal(
        plain.sort_values(["station_id", "time"], ignore_index=True), lake.read("observations"), check_dtype=False
    )
    asked = (
        QueryBuilder()
        .register("o", table)
        .execute("select station_id, value from o where month = '2026-09' and station_id >= 's28' order by station_id")
    )
    assert pa.table(asked.read_all()).to_pylist() == [
        {"station_id": "s28", "value": 28.5},
        {"station_id": "s29", "value": 29.5},
    ]


def test_files_that_cannot_hold_a_row_are_skipped(lake):
    put(lake, observations({("a", AUG): 1, ("b", SEP): 2}))
    table = DeltaTable(f"{lake.root}/observations")
    told = files(lake)
    assert [told[m]["num_records"] for m in ("2026-08", "2026-09")] == [1, 1]
    assert (told["2026-09"]["min.station_id"], told["2026-09"]["max.station_id"]) == ("b", "b")
    assert told["2026-08"]["min.time"] == pd.Timestamp(AUG)
    assert told["2026-08"]["null_count.time"] == 0
    assert len(table.file_uris(file_pruning_predicate="station_id = 'b'")) == 1
    assert len(table.file_uris(file_pruning_predicate="month = '2026-08'")) == 1


def test_a_partition_of_many_unsorted_files_is_read_and_replaced_like_any_other(lake):
    frame = observations({(s, AUG): i for i, s in enumerate("edcba")})
    put(lake, frame.iloc[:1])
    for part in (frame.iloc[1:3], frame.iloc[3:]):
        write_deltalake(
            f"{lake.root}/observations",
            pa.Table.from_pandas(part.assign(month="2026-08"), preserve_index=False),
            mode="append",
        )
    assert lake.read("observations")["station_id"].tolist() == list("abcde")
    assert put(lake, observations({("c", AUG): 9})).changed == 1
    assert lake.read("observations")["value"].tolist() == [4, 3, 9, 1, 0]
    assert len(files(lake)) == 1


def test_a_lake_may_lie_behind_an_address(tmp_path, monkeypatch):
    lake = Lake(f"file://{tmp_path}/lake")
    put(lake, observations({("a", AUG): 1, ("b", SEP): 2}))
    # what an object store is written and read through
    monkeypatch.setattr(Snapshot, "store", property(lambda s: PyFileSystem(DeltaStorageHandler(s.uri))))
    put(lake, observations({("c", AUG): 3, ("a", "2026-10-20T00:00Z"): 4}))
    assert lake.read("observations")["value"].tolist() == [1, 4, 2, 3]


@given(writes=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([AUG, SEP]), st.integers(0, 9)), max_size=5))
@settings(max_examples=10, deadline=None)
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
