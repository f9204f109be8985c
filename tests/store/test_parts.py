"""Files of partitions: what they hold, what is said of them, and what others make of them."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from domain.records import TABLES
from store import parts
from store.rows import from_frame, single, to_frame
from tests.store.conftest import NOW, observations

SPEC = TABLES["observations"]
AUGUST = (("medium", "air"), ("month", "2026-08"))


@pytest.fixture
def store(tmp_path):
    return SubTreeFileSystem(str(tmp_path), LocalFileSystem())


def rows(n: int) -> pa.Table:
    times = pd.date_range("2026-08-01", periods=n, freq="s", tz="UTC", unit="us")
    frame = observations({("air-1", "2026-08-20T00:00Z"): 1.0})
    return from_frame(SPEC, frame.loc[np.zeros(n, int)].assign(time=times, value=np.arange(n) / 10.0))


def superseded(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "table": "observations",
            "key": [f"{i:06d}" + "k" * 80 for i in range(n)],
            "row": "r",
            "replaced_at": pd.Timestamp(NOW).as_unit("us"),
            "why": "test",
        }
    )


def test_rows_are_split_by_medium_and_shanghai_month_in_their_order():
    frame = observations({(s, t): 1 for t in ("2026-08-31T16:00Z", "2026-08-31T15:59Z") for s in ("b", "a")})
    frame["medium"] = ["air", "air", "air", "water"]
    found = {p: at.tolist() for p, at in parts.split(SPEC, from_frame(SPEC, frame)).items()}
    assert found == {
        (("medium", "air"), ("month", "2026-09")): [0, 1],
        AUGUST: [2],
        (("medium", "water"), ("month", "2026-08")): [3],
    }


def test_tables_split_by_what_they_have():
    assert parts.split(TABLES["gep_inputs"], from_frame(TABLES["gep_inputs"], TABLES["gep_inputs"].frame())) == {}
    found = parts.split(TABLES["superseded"], from_frame(TABLES["superseded"], superseded(2)))
    assert {p: at.tolist() for p, at in found.items()} == {(("month", "2026-09"),): [0, 1]}


def test_taking_rows_keeps_columns_of_one_word():
    table = rows(6)
    assert parts.taken(table, np.arange(6)) is table
    for at in ([4, 1], [], [5, 4, 3, 2, 1, 0]):
        found = to_frame(SPEC, parts.taken(table, np.array(at, dtype=np.int64)))
        pd.testing.assert_frame_equal(found, to_frame(SPEC, table).iloc[at].reset_index(drop=True))


def test_a_file_holds_plain_columns_and_says_what_is_in_it(store, tmp_path):
    table = rows(150_000)
    part = parts.write(store, SPEC, AUGUST, table)
    found = pq.read_table(tmp_path / part.path, partitioning=None)
    assert part.path.startswith("medium=air/month=2026-08/")
    assert part.size == (tmp_path / part.path).stat().st_size
    assert found.schema.names == [c for c in SPEC.columns if c != "medium"]
    assert found.schema.types == [f.type for f in SPEC.schema if f.name != "medium"]
    assert found["value"].equals(table["value"])
    told = json.loads(part.statistics)
    assert told["numRecords"] == 150_000
    assert told["minValues"]["time"] == "2026-08-01T00:00:00.000000Z"
    assert told["maxValues"]["time"] == "2026-08-02T17:39:59.000000Z"
    assert (told["minValues"]["station_id"], told["maxValues"]["station_id"]) == ("air-1", "air-1")
    assert set(told["nullCount"].values()) == {0}


def test_groups_of_rows_know_their_stations(store, tmp_path):
    stations = np.repeat([f"s{i}" for i in range(5)], 50_000)
    frame = to_frame(SPEC, rows(250_000)).assign(
        station_id=pd.Categorical(stations, categories=["none", "s0", "s1", "s2", "s3", "s4"])
    )
    part = parts.write(store, SPEC, AUGUST, from_frame(SPEC, frame))
    meta = pq.read_metadata(tmp_path / part.path)
    bounds = [meta.row_group(i).column(0).statistics for i in range(meta.num_row_groups)]
    assert [(b.min, b.max) for b in bounds] == [("s0", "s1"), ("s1", "s2"), ("s2", "s3"), ("s3", "s4")]
    assert json.loads(part.statistics)["minValues"]["station_id"] == "s0"


def test_text_that_hardly_repeats_is_not_written_again_for_every_group(store, tmp_path):
    spec, n = TABLES["superseded"], 200_000
    table = from_frame(spec, superseded(n))
    part = parts.write(store, spec, (("month", "2026-09"),), table)
    assert pq.read_table(tmp_path / part.path, partitioning=None)["key"].to_pylist() == single(table["key"]).to_pylist()
    assert pq.read_metadata(tmp_path / part.path).row_group(3).total_byte_size < 10_000_000
    told = json.loads(part.statistics)
    assert "key" not in told["minValues"]  # long text has no bounds
    assert told["minValues"]["table"] == "observations"


def test_names_that_are_no_folder_names_are_kept_by_the_log(store, tmp_path):
    part = parts.write(store, SPEC, (("medium", "a/b 中"), ("month", "2026-08")), rows(1))
    assert (tmp_path / part.path).parent == tmp_path / "medium=a_b__" / "month=2026-08"
