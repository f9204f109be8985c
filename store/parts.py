"""Partitions of a table and their files: one Parquet file a partition, sorted by key, text written as its words.

A file alone means nothing: it belongs to the table when a commit names it. One that was written and never committed,
because its writer died or met another, is removed by `Lake.compact`.
"""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow.fs import FileSystem

from domain.records import Table
from store.days import month_numbers
from store.rows import single, used, whole

#: The column of the Shanghai month, kept in no file but in the log.
MONTH = "month"
#: The columns and values that make a partition; none for a table that has only one.
Partition = tuple[tuple[str, str], ...]

#: Rows that a reader skips or reads together: a series of a month or two lies in one group.
_GROUP_ROWS = 65_536
#: Commits that change more rows name their days alone.
_MOST_TOLD = 200_000
_TOLD_FOLDER = "told"
#: Of a row that is told: whether it was taken out.
GONE = "gone"
#: Longer text has no bounds in the statistics; nobody searches by it.
_LONGEST_BOUND = 64


@dataclass(frozen=True, slots=True)
class Part:
    """A file that was written and is not yet committed."""

    partition: Partition
    path: str  # below the table
    size: int
    statistics: str  # JSON as in the log of Delta Lake: rows, and bounds of the columns of the key


def partition_columns(spec: Table) -> list[str]:
    """The columns that a table is partitioned by."""
    return [c for c in (spec.medium, MONTH if spec.time else "") if c]


def split(spec: Table, rows: pa.Table) -> dict[Partition, np.ndarray]:
    """The positions of the rows of each partition, in their order."""
    if not partition_columns(spec) or rows.num_rows == 0:
        return {(): np.arange(rows.num_rows)} if rows.num_rows else {}
    media, codes = [""], np.zeros(rows.num_rows, np.int64)
    if spec.medium:
        medium = single(rows[spec.medium])
        media, codes = medium.dictionary.to_pylist(), medium.indices.to_numpy().astype(np.int64)
    months = month_numbers(rows[spec.time]) if spec.time else codes * 0
    low = int(months.min())
    width = int(months.max()) - low + 1
    codes = codes * width + (months - low)
    sizes = np.bincount(codes)
    order = np.argsort(codes.astype(np.uint16) if len(sizes) < 1 << 16 else codes, kind="stable")
    ends = np.cumsum(sizes)
    out = {}
    for code in np.flatnonzero(sizes).tolist():
        values = {spec.medium: media[code // width], MONTH: str(np.datetime64(low + code % width, "M"))}
        partition = tuple((c, values[c]) for c in partition_columns(spec))
        out[partition] = order[ends[code] - sizes[code] : ends[code]]
    return out


def taken(rows: pa.Table, positions: np.ndarray) -> pa.Table:
    """The rows at these positions; a column with one word is only cut to their number."""
    if len(positions) == rows.num_rows and bool(np.all(positions[1:] > positions[:-1])):
        return rows
    at, n = pa.array(positions), len(positions)
    columns = {name: single(rows[name]) for name in rows.column_names}
    return pa.table({c: column.slice(0, n) if _constant(column) else column.take(at) for c, column in columns.items()})


def _constant(column: pa.Array) -> bool:
    return pa.types.is_dictionary(column.type) and len(column.dictionary) == 1


def write(store: FileSystem, spec: Table, partition: Partition, rows: pa.Table) -> Part:
    """Write the rows of one partition as a new file; rows are sorted by key."""
    kept = [c for c in spec.columns if c not in dict(partition)]
    columns = {c: _compact(single(rows[c])) for c in kept}
    bounded = [c for c in kept if c in (*spec.key, spec.time)]
    # The folder only pleases the eye; what a file holds is said by the log.
    folder = "/".join(f"{c}={re.sub(r'[^A-Za-z0-9._-]', '_', value)}" for c, value in partition)
    path = f"{folder}/part-{uuid.uuid4()}.parquet".lstrip("/")
    store.create_dir(folder or ".", recursive=True)
    with store.open_output_stream(path) as out:
        pq.write_table(
            pa.table({c: _dense(column) for c, column in columns.items()}),
            out,
            compression="snappy",
            row_group_size=_GROUP_ROWS,
            write_batch_size=_GROUP_ROWS,
            write_statistics=[spec.key[0]],  # by which the groups differ; of the file the log says more
            store_schema=False,
        )
        size = out.tell()
    return Part(partition, path, size, _statistics({c: columns[c] for c in bounded}))


def tell(store: FileSystem, told: pa.Table, gone: pa.Table) -> str:
    """Write what a commit is about to change into a file beside the table, which no reader of the table sees.

    Returns:
        its path below the table, for the commit to name; "" when it is too much to be told row by row.
    """
    n = told.num_rows + gone.num_rows
    if not 0 < n <= _MOST_TOLD:
        return ""
    rows = whole(pa.concat_tables([gone, told])).append_column(GONE, pa.array(np.arange(n) < gone.num_rows))
    path = f"{_TOLD_FOLDER}/{uuid.uuid4()}.parquet"
    store.create_dir(_TOLD_FOLDER, recursive=True)
    with store.open_output_stream(path) as out:
        pq.write_table(rows, out, compression="snappy", write_statistics=False, store_schema=False)
    return path


def _compact(column: pa.Array) -> pa.Array:
    return used(column) if pa.types.is_dictionary(column.type) else column


def _dense(column: pa.Array) -> pa.Array:
    """Text that hardly repeats as itself: each group of rows would write the whole list of words again."""
    if pa.types.is_dictionary(column.type) and 2 * len(column.dictionary) > len(column):
        return column.cast(pa.string())
    return column


def _statistics(columns: Mapping[str, pa.Array]) -> str:
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    for name, column in columns.items():
        bounds = pc.min_max(column.dictionary if pa.types.is_dictionary(column.type) else column).as_py()
        texts = [_bound(bounds["min"]), _bound(bounds["max"])]
        if None not in texts:
            low[name], high[name] = texts
    rows = len(next(iter(columns.values())))
    return json.dumps({"numRecords": rows, "minValues": low, "maxValues": high, "nullCount": dict.fromkeys(columns, 0)})


def _bound(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return None if isinstance(value, str) and len(value) > _LONGEST_BOUND else value
