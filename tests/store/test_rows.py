"""Frames become Arrow tables with words for text, and come back the same."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import StoreError
from domain.records import TABLES
from store.rows import from_frame, numbers, ordered, single, to_frame, used
from tests.store.conftest import observations

SPEC = TABLES["observations"]
texts = st.lists(st.text(max_size=3), max_size=30)


def words(values: list[str], extra: list[str]) -> pa.DictionaryArray:
    """The text with words that need not occur, in no order."""
    known = list(dict.fromkeys([*extra, *reversed(values)]))
    codes = [known.index(v) for v in values]
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(known, pa.string()))


def test_a_frame_comes_back_as_it_was():
    frame = observations({("air-2", "2026-08-20T00:00Z"): 1.5, ("air-1", "2026-08-20T01:00Z"): float("nan")})
    pd.testing.assert_frame_equal(to_frame(SPEC, from_frame(SPEC, frame)), frame)


def test_categories_come_back_with_the_words_that_occur_in_order():
    frame = observations({("b", "2026-08-20T00:00Z"): 1, ("a", "2026-08-20T00:00Z"): 2})
    given_ = frame.assign(station_id=pd.Categorical(["b", "a"], categories=["unused", "b", "a"]))
    found = to_frame(SPEC, from_frame(SPEC, given_), categories=True)
    assert found["station_id"].cat.categories.tolist() == ["a", "b"]
    pd.testing.assert_frame_equal(found.astype(frame.dtypes), frame)


def test_missing_text_is_empty_text():
    frame = observations({("a", "2026-08-20T00:00Z"): 1, ("b", "2026-08-20T00:00Z"): 2})
    frame["source_flag"] = pd.Categorical([None, "N"])
    frame["feed"] = pd.Series([None, "f"], dtype="str")
    found = to_frame(SPEC, from_frame(SPEC, frame))
    assert found["source_flag"].tolist() == ["", "N"]
    assert found["feed"].tolist() == ["", "f"]


def test_a_row_without_time_or_number_is_refused():
    frame = observations({("a", "2026-08-20T00:00Z"): 1, ("b", "2026-08-20T00:00Z"): 2})
    with pytest.raises(StoreError, match="received_at"):
        from_frame(SPEC, frame.assign(received_at=[pd.NaT, frame["received_at"][1]]))
    with pytest.raises(StoreError, match="flag"):
        from_frame(SPEC, frame.assign(flag=[np.nan, 2.0]))


def test_no_rows_keep_their_types():
    for spec in TABLES.values():
        for categories in (False, True):
            found = to_frame(spec, from_frame(spec, spec.frame()), categories=categories)
            assert len(found) == 0
            assert list(found.columns) == spec.columns
            if not categories:
                pd.testing.assert_frame_equal(found, spec.frame())


@given(values=texts, extra=texts)
def test_words_are_dropped_and_sorted_without_changing_the_text(values, extra):
    column = words(values, extra)
    for change in (used, ordered):
        found = change(column)
        assert found.cast(pa.string()).to_pylist() == values
        assert sorted(found.dictionary.to_pylist()) == sorted(set(values))
    assert ordered(column).dictionary.to_pylist() == sorted(set(values))


def test_one_chunk_is_not_copied_and_several_become_one():
    column = pa.chunked_array([[1, 2], [3]])
    assert single(column).to_pylist() == [1, 2, 3]
    assert numbers(column).tolist() == [1, 2, 3]
    one = pa.chunked_array([pa.array([1, 2])])
    assert single(one).buffers()[1].address == one.chunk(0).buffers()[1].address
