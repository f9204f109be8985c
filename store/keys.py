"""Keys of several columns as one integer a row, so that sorting, matching and comparing are array work."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


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
        if len(self.codes) < 2 or bool(np.all(self.codes[1:] >= self.codes[:-1])):
            return None
        return np.argsort(self.codes, kind="stable")

    def last_of_each(self, age: np.ndarray | None) -> np.ndarray | None:
        """Positions of one row per key in order of key: newest by `age`, then last; None when nothing changes."""
        codes = self.codes
        if len(codes) < 2 or bool(np.all(codes[1:] > codes[:-1])):
            return None
        order = np.argsort(codes, kind="stable") if age is None else np.lexsort((age, codes))
        ordered = codes[order]
        return order[np.append(ordered[1:] != ordered[:-1], True)]


def merge_positions(old: Keyed, new: Keyed) -> tuple[np.ndarray, np.ndarray]:
    """For each new key: a position in the old rows, and whether the old row there has this key."""
    order = old.order()
    sorted_codes = old.codes if order is None else old.codes[order]
    slot = np.minimum(np.searchsorted(sorted_codes, new.codes), len(sorted_codes) - 1)
    at = slot if order is None else order[slot]
    return at, old.codes[at] == new.codes


def differing(stored: pa.Table, rows: pa.Table, at: np.ndarray, hit: np.ndarray, columns: Sequence[str]) -> np.ndarray:
    """Whether a row with a known key says something else in any of the columns; NaN equals NaN."""
    out = np.zeros(len(hit), dtype=bool)
    where = np.flatnonzero(hit)
    if len(where) == 0:
        return out
    for name in columns:
        before = stored[name].take(pa.array(at[where])).combine_chunks()
        after = rows[name].take(pa.array(where)).combine_chunks()
        unequal = pc.not_equal(before, after)
        if pa.types.is_floating(before.type):
            unequal = pc.and_(unequal, pc.invert(pc.and_(_nan(before), _nan(after))))
            unequal = pc.or_(unequal, pc.xor(_nan(before), _nan(after)))
        out[where] |= pc.fill_null(unequal, False).to_numpy(zero_copy_only=False)
    return out


def _nan(column: pa.Array) -> pa.Array:
    return pc.fill_null(pc.is_nan(column), True)


def _ranks(columns: Sequence[pa.ChunkedArray]) -> tuple[list[np.ndarray], int]:
    """Order-keeping non-negative integers of each column on one scale, and the number of steps on the scale."""
    if pa.types.is_string(columns[0].type):
        return _string_ranks(columns)
    values = [c.cast(pa.int64()).to_numpy() for c in columns]
    filled = [v for v in values if len(v)]
    if not filled:
        return values, 1
    low = min(int(v.min()) for v in filled)
    values = [v - low for v in values]
    unit = 1_000_000 if all(not (v % 1_000_000).any() for v in values) else 1
    values = [v // unit for v in values]
    return values, max(int(v.max()) for v in values if len(v)) + 1


def _string_ranks(columns: Sequence[pa.ChunkedArray]) -> tuple[list[np.ndarray], int]:
    encoded = [c.combine_chunks().dictionary_encode() for c in columns]
    encoded = [e.combine_chunks() if isinstance(e, pa.ChunkedArray) else e for e in encoded]
    texts = [np.asarray(e.dictionary.to_pylist(), dtype=object) for e in encoded]
    scale = np.array(sorted(set().union(*(set(t.tolist()) for t in texts))), dtype=object)
    out = []
    for e, t in zip(encoded, texts, strict=True):
        place = np.searchsorted(scale, t).astype(np.int64) if len(t) else np.zeros(0, dtype=np.int64)
        codes = e.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        out.append(place[codes] if len(codes) else codes)
    return out, max(len(scale), 1)


def _combine(parts: Sequence[tuple[list[np.ndarray], int]]) -> list[np.ndarray]:
    """The columns' ranks as one integer; ranks are compressed first when the product would not fit 63 bits."""
    steps = 1
    for _, n in parts:
        steps *= n
    if steps >= 2**63:
        parts = [_compressed(values) for values, _ in parts]
    combined = [np.zeros(len(v), dtype=np.int64) for v in parts[0][0]]
    for values, n in parts:
        combined = [c * n + v for c, v in zip(combined, values, strict=True)]
    return combined


def _compressed(values: list[np.ndarray]) -> tuple[list[np.ndarray], int]:
    scale = np.unique(np.concatenate(values))
    return [np.searchsorted(scale, v) for v in values], max(len(scale), 1)
