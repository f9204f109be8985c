import numpy as np
import pandas as pd
from hypothesis import given as example_of
from hypothesis import strategies as st

from domain.records import TABLES
from ingest.blocks import Block, batches, observations
from tests.ingest.tables_given import NOW


def block(names, station, hours, **values):
    start = np.datetime64("2020-01-31T14:00", "us")  # 22:00 in Shanghai
    return Block(
        station=np.array(station, dtype=np.int32),
        names=tuple(names),
        time=start + np.array(hours) * np.timedelta64(1, "h"),
        values={p.replace("_", "."): np.array(v, dtype=float) for p, v in values.items()},
    )


def rows(blocks):
    return observations(blocks, medium="air", period="PT1H", feed="f", received_at=NOW)


def test_a_block_becomes_rows_in_the_order_of_the_key():
    frame = rows([block(["b", "a"], [0, 1, 0, 1], [1, 0, 0, 1], SO2=[1, 2, 3, np.nan], CO=[4, 5, 6, 7])])
    text = TABLES["observations"].frame(frame)
    assert text[["station_id", "parameter", "value"]].to_numpy().tolist()[:5] == [
        ["b", "CO", 6.0], ["b", "CO", 4.0], ["b", "SO2", 3.0], ["b", "SO2", 1.0], ["a", "CO", 5.0],
    ]  # fmt: skip
    assert text["flag"].tolist() == [2, 2, 2, 2, 2, 2, 2, 9]
    assert text["unit"].tolist()[:4] == ["mg/m3", "mg/m3", "ug/m3", "ug/m3"]
    assert text["time"].dt.tz is not None


def test_what_is_left_out_gives_no_row_and_marks_spoil():
    one = block(["a"], [0, 0, 0], [0, 1, 2], SO2=[1, 2, np.nan], CO=[4, 5, 6])
    one = Block(
        one.station, one.names, one.time, one.values, {"CO": np.array([False, True, False])},
        np.array([0, 1, 1], dtype=np.int32), ("正常", "维护"), ("维护",),
    )  # fmt: skip
    frame = TABLES["observations"].frame(rows([one]))
    assert frame[["parameter", "flag", "source_flag"]].to_numpy().tolist() == [
        ["CO", 2, "正常"], ["CO", 4, "维护"], ["SO2", 2, "正常"], ["SO2", 4, "维护"], ["SO2", 9, "维护"],
    ]  # fmt: skip


def test_nothing_gives_an_empty_typed_frame():
    assert rows([]).columns.tolist() == TABLES["observations"].columns
    assert rows([block(["a"], [], [], SO2=[])]).empty
    assert list(batches([], rows=10)) == []


def test_batches_are_whole_shanghai_months():
    one = block(["a"], [0] * 6, [0, 1, 2, 3, 24 * 40, 24 * 41], SO2=[0, 1, 2, 3, 4, 5])
    cut = [[b.values["SO2"].tolist() for b in batch] for batch in batches([one], rows=2)]
    assert cut == [[[0, 1]], [[2, 3]], [[4, 5]]]
    assert [len(b) for b in batches([one], rows=4)] == [1, 1]
    assert list(batches([one], rows=100)) == [[one]]


@example_of(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5000), st.floats(0, 1)), min_size=1, max_size=60),
    st.integers(1, 50),
)
def test_batches_lose_and_invent_nothing(cells, size):
    station, hours, values = zip(*cells, strict=True)
    whole = block(["a", "b", "c", "d"], station, hours, SO2=values, CO=values)
    key = ["station_id", "parameter", "time", "value"]
    parts = [TABLES["observations"].frame(rows(b)) for b in batches([whole], rows=size)]
    together = pd.concat(parts).sort_values(key).reset_index(drop=True)
    expected = TABLES["observations"].frame(rows([whole])).sort_values(key).reset_index(drop=True)
    pd.testing.assert_frame_equal(together, expected)
