"""One upsert, partition by partition: read what is stored, merge, write what becomes different; no commit yet."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pyarrow as pa
from pyarrow.fs import FileSystem

from domain.records import Table
from store import parts
from store.merging import Merged, merge
from store.parts import Part, Partition
from store.rows import AT_ONCE
from store.scope import Scope


@dataclass(frozen=True, slots=True)
class Asked:
    """What an upsert was asked to do."""

    spec: Table
    rows: pa.Table  # to store, one a key, sorted by key
    gone: pa.Table | None  # keys to take out
    replace: Scope | None  # stored rows that are taken out unless `rows` has their key
    newest: str | None  # time column that decides which of two rows of a key stays


@dataclass(frozen=True, slots=True)
class Made:
    """Partitions that become different, and their new files."""

    partitions: Sequence[Partition]
    parts: list[Part]
    merged: Merged  # without its rows


class Found(Protocol):
    """The version of the table that is merged with."""

    @property
    def files(self) -> Mapping[Partition, object]:
        """The partitions that there are."""

    @property
    def store(self) -> FileSystem:
        """Where the table's files are."""

    def rows(self, spec: Table, columns: Sequence[str], partitions: Sequence[Partition]) -> pa.Table:
        """The stored rows of the partitions."""


def make(asked: Asked, found: Found) -> list[Made]:
    """Merge every partition that the upsert reaches and write those that become different."""
    inside = parts.split(asked.spec, asked.rows)
    out = {} if asked.gone is None else parts.split(asked.spec, asked.gone)
    reached = [] if asked.replace is None else asked.replace.partitions(asked.spec, found.files)
    partitions = sorted({*inside, *out, *reached})
    # Where the key tells the month, a row cannot have moved from one partition to another.
    groups = [[p] for p in partitions] if asked.spec.time in asked.spec.key else [partitions]

    def one(group: Sequence[Partition]) -> Made | None:
        rows = _of(asked.rows, inside, group)
        gone = None if asked.gone is None else _of(asked.gone, out, group)
        return _made(asked, found, group, rows, gone)

    if len(groups) == 1:
        results = [one(groups[0])]
    else:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            results = list(pool.map(one, groups))
    return [made for made in results if made is not None]


def identity(spec: Table) -> list[str]:
    """The columns that say which row is meant and where it is kept."""
    return [c for c in spec.columns if c in (*spec.key, spec.time, spec.medium)]


def _made(asked: Asked, found: Found, group: Sequence[Partition], rows: pa.Table, gone: pa.Table | None) -> Made | None:
    """Some partitions merged, and written when something is different."""
    spec = asked.spec
    stored = found.rows(spec, spec.columns, group)
    scope = None if asked.replace is None else asked.replace.mask(spec, stored)
    merged = merge(spec, stored, rows, newest=asked.newest, gone=gone, scope=scope)
    if merged is None:
        return None
    n = merged.rows.num_rows
    cut = {group[0]: np.arange(n)} if n and len(group) == 1 else parts.split(spec, merged.rows)
    files = [parts.write(found.store, spec, p, _of(merged.rows, cut, [p])) for p in cut]
    return Made(group, files, replace(merged, rows=merged.rows.slice(0, 0)))


def _of(rows: pa.Table, positions: Mapping[Partition, np.ndarray], group: Sequence[Partition]) -> pa.Table:
    """The rows of the partitions, in the order of the rows."""
    at = [np.zeros(0, np.int64), *(positions[p] for p in group if p in positions)]
    return parts.taken(rows, at[1] if len(at) == 2 else np.sort(np.concatenate(at)))
