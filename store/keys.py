"""Keys of several columns as one integer a row, so that sorting, matching and comparing are array work."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from store.rows import WORDS, numbers, single

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Keyed:
    """One comparable integer per row; order of the integers is order of the key."""

    codes: np.ndarray

    @classmethod
    def of(cls, rows: pa.Table, key: Sequence[str]) -> "Keyed":
        """The keys of one table."""
        return cls(_combine([_ranks([rows[c]]) for c in key])[0])

    @classmethod
    def pair(cls, left: pa.Table, right: pa.Table, key: Sequence[str]) -> tuple["Keyed", "Keyed"]:
        """The keys of two tables on one common scale."""
        first, second = _combine([_ranks([left[c], right[c]]) for c in key])
        return cls(first), cls(second)

    def order(self) -> np.ndarray | None:
        """Positions that sort the rows, or None when they are sorted already."""
        if bool(np.all(self.codes[1:] >= self.codes[:-1])):
            return None
        # rows come as a few sorted runs (a file each), which a merging sort joins in one pass
        return np.argsort(self.codes, kind="stable")

    def last_of_each(self, age: np.ndarray | None) -> np.ndarray | None:
        """Positions of one row per key in order of key: newest by `age`, then last; None when nothing changes."""
        codes = self.codes
        if bool(np.all(codes[1:] > codes[:-1])):
            return None
        order = np.argsort(codes, kind="stable") if age is None else np.lexsort((age, codes))
        ordered = codes[order]
        return order[np.append(ordered[1:] != ordered[:-1], True)]


def merge_positions(old: Keyed, new: Keyed) -> tuple[np.ndarray, np.ndarray]:
    """For each new key: a position in the old rows, and whether the old row there has this key."""
    if np.array_equal(old.codes, new.codes):  # the same rows again, or corrected ones
        return np.arange(len(new.codes)), np.ones(len(new.codes), dtype=bool)
    order = old.order()
    sorted_codes = old.codes if order is None else old.codes[order]
    slot = np.minimum(np.searchsorted(sorted_codes, new.codes), len(sorted_codes) - 1)
    at = slot if order is None else order[slot]
    return at, old.codes[at] == new.codes


def differing(stored: pa.Table, rows: pa.Table, at: np.ndarray, hit: np.ndarray, columns: Sequence[str]) -> np.ndarray:
    """Whether a row with a known key says something else in any of the columns; NaN equals NaN."""
    out = np.zeros(len(hit), dtype=bool)
    for name in columns:
        before, after = _comparable(stored[name], rows[name])
        unequal = before[at] != after
        if before.dtype == float:
            unequal &= ~(np.isnan(before[at]) & np.isnan(after))
        out |= unequal
    return out & hit


def _comparable(before: pa.ChunkedArray, after: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Two columns as arrays that are equal where the columns are."""
    if pa.types.is_floating(before.type):
        return before.to_numpy(), after.to_numpy()
    (one, two), _ = _ranks([before, after])
    return one, two


def _ranks(columns: Sequence[pa.ChunkedArray]) -> tuple[list[np.ndarray], int]:
    """Order-keeping non-negative integers of each column on one scale, and the number of steps on the scale."""
    if pa.types.is_dictionary(columns[0].type):
        return _word_ranks(columns)
    values = [numbers(c) for c in columns]
    filled = [v for v in values if len(v)]
    if not filled:
        return values, 1
    low = min(int(v.min()) for v in filled)
    return [v - low for v in values], max(int(v.max()) for v in filled) - low + 1


def _word_ranks(columns: Sequence[pa.ChunkedArray]) -> tuple[list[np.ndarray], int]:
    chunks = [chunk for column in columns for chunk in column.chunks]
    joined = single(pa.chunked_array(chunks, type=WORDS).unify_dictionaries())
    if len(joined.dictionary) < 2:
        return [np.zeros(len(c), dtype=np.int64) for c in columns], 1
    order = pc.array_sort_indices(joined.dictionary).to_numpy()  # of UTF-8 bytes, which is the order of Python's text
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    ranks = rank[joined.indices.to_numpy()]
    return np.split(ranks, np.cumsum([len(c) for c in columns])[:-1]), len(rank)


def _combine(parts: Sequence[tuple[list[np.ndarray], int]]) -> list[np.ndarray]:
    """The columns' ranks as one integer; they are made smaller first where the product would not fit 63 bits."""
    for smaller in (_in_seconds, _compressed):
        if math.prod(n for _, n in parts) < 2**63:
            break
        parts = [smaller(values, n) for values, n in parts]
    combined, *others = (list(values) for values, _ in parts)
    for values, n in zip(others, (n for _, n in parts[1:]), strict=True):
        combined = [c * n + v if n > 1 else c for c, v in zip(combined, values, strict=True)]
    return combined


def _in_seconds(values: list[np.ndarray], n: int) -> tuple[list[np.ndarray], int]:
    """Microseconds that are whole seconds as seconds."""
    if n < _SECOND or any((v % _SECOND).any() for v in values):
        return values, n
    return [v // _SECOND for v in values], n // _SECOND + 1


def _compressed(values: list[np.ndarray], n: int) -> tuple[list[np.ndarray], int]:  # noqa: ARG001 - as the other
    scale = np.unique(np.concatenate(values))
    return [np.searchsorted(scale, v) for v in values], max(len(scale), 1)
