"""The lake keeps what it is given: once, whole, in any order, from any number of writers."""

import multiprocessing
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable, QueryBuilder, write_deltalake
from deltalake.fs import DeltaStorageHandler
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow.fs import PyFileSystem

from domain.errors import StoreConflict, StoreError
from domain.records import TABLES
from store.lake import Lake
from store.scope import Scope
from store.snapshots import Snapshot
from tests.store.conftest import NOW, files, observations, put, values

AUG, SEP = "2026-08-20T00:00Z", "2026-09-02T00:00Z"


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


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
