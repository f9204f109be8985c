"""Frames as Arrow tables and back; text that repeats stays one word and many codes all the way.

Inside the lake every text column is a dictionary array: that is how Parquet keeps it anyway, and sorting, comparing and
copying codes costs a tenth of what the text itself costs.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from domain.errors import StoreError
from domain.records import Table

#: How text is kept inside the lake.
WORDS = pa.dictionary(pa.int32(), pa.string())
#: Columns or partitions worked on at once: Arrow leaves the interpreter free meanwhile.
AT_ONCE = min(4, os.cpu_count() or 1)
#: Rows from which on threads are worth their start.
_MANY = 100_000


def from_frame(spec: Table, frame: pd.DataFrame, columns: Sequence[str] | None = None) -> pa.Table:
    """The frame's columns (all of the table's, or some) as one chunk each; missing text is "".

    Raises:
        StoreError: the frame lacks a column, or a time or a whole number in it.
    """
    names = list(columns) if columns is not None else spec.columns
    missing = [c for c in names if c not in frame.columns]
    if missing:
        raise StoreError(f"table {spec.name!r}: the frame lacks {missing}")
    schema = spec.schema
    arrays = [_array(frame[c], schema.field(c).type) for c in names]
    holes = [c for c, a in zip(names, arrays, strict=True) if a.null_count and not pa.types.is_floating(a.type)]
    if holes:
        raise StoreError(f"table {spec.name!r}: the frame has rows without {holes}")
    return pa.Table.from_arrays(arrays, names=names)


def to_frame(spec: Table, rows: pa.Table, *, order: np.ndarray | None = None, categories: bool = False) -> pd.DataFrame:
    """The rows, in that order, as a frame; text as `str`, or as categories whose words are in order and all occur."""
    schema = spec.schema
    at = None if order is None else pa.array(order)

    def one(name: str) -> object:
        column = single(rows[name])
        column = column if at is None else column.take(at)
        if not pa.types.is_dictionary(column.type):
            found = column.to_pandas()
            return found.dt.as_unit("us") if pa.types.is_timestamp(schema.field(name).type) else found
        if not categories:
            return column.cast(pa.large_string()).to_pandas()
        column = ordered(column)
        words = pd.Index(column.dictionary.to_pandas(), dtype="str")
        return pd.Categorical.from_codes(column.indices.to_numpy(), words, validate=False)

    names = rows.column_names
    if rows.num_rows < _MANY:
        return pd.DataFrame({name: one(name) for name in names}, copy=False)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return pd.DataFrame(dict(zip(names, pool.map(one, names), strict=True)), copy=False)


def whole(rows: pa.Table) -> pa.Table:
    """The rows with one chunk a column, and so one list of words."""
    return rows.unify_dictionaries().combine_chunks()


def single(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """The column as one array; it is copied only when it has several chunks."""
    if isinstance(column, pa.Array):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def empty(spec: Table, columns: Sequence[str]) -> pa.Table:
    """No rows."""
    kinds = {f.name: WORDS if pa.types.is_string(f.type) else f.type for f in spec.schema}
    return pa.schema([(c, kinds[c]) for c in columns]).empty_table()


def numbers(column: pa.ChunkedArray) -> np.ndarray:
    """Whole numbers, or instants as microseconds since 1970."""
    return np.asarray(column.cast(pa.int64()).to_numpy())


def used(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """The same text with only the words that occur."""
    if len(column.dictionary) == 1 and len(column):
        return column
    codes = column.indices.to_numpy()
    occurs = np.bincount(codes, minlength=len(column.dictionary)) > 0
    if occurs.all():
        return column
    place = (np.cumsum(occurs) - 1).astype(np.int32)
    return pa.DictionaryArray.from_arrays(place[codes], column.dictionary.filter(pa.array(occurs)))


def ordered(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """The same text with the words that occur, in order."""
    column = used(column)
    order = pc.array_sort_indices(column.dictionary).to_numpy()
    if bool(np.all(order[1:] > order[:-1])):
        return column
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return pa.DictionaryArray.from_arrays(place[column.indices.to_numpy()], column.dictionary.take(pa.array(order)))


def _array(column: pd.Series, kind: pa.DataType) -> pa.Array:
    if not pa.types.is_string(kind):
        return single(pa.Array.from_pandas(column, type=kind))
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _categories(column.array)
    text = single(pa.Array.from_pandas(column, type=kind))
    return (pc.fill_null(text, "") if text.null_count else text).dictionary_encode()


def _categories(text: pd.Categorical) -> pa.DictionaryArray:
    codes, words = text.codes.astype(np.int32), pa.array(text.categories.astype("str"), pa.string())
    missing = codes < 0
    if missing.any():
        codes[missing] = len(words)
        words = pa.concat_arrays([words, pa.array([""])])
    return pa.DictionaryArray.from_arrays(codes, words)
