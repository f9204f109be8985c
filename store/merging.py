"""What an upsert makes of stored rows and new ones: pure, so that it can be repeated when somebody else came first."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from domain.records import Table
from store.days import Days, days_of
from store.keys import Keyed, differing, merge_positions
from store.rows import numbers, whole


@dataclass(frozen=True, slots=True)
class Merged:
    """What shall be stored, and what that changes."""

    rows: pa.Table  # sorted by key
    replaced: pa.Table  # stored rows that end
    told: pa.Table  # rows that are new or say something else
    gone: pa.Table  # stored rows that end and have no successor
    days: Days  # that new, changed and removed rows lie on
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0

    @property
    def any(self) -> bool:
        """Whether something is stored that was not."""
        return bool(self.new or self.changed or self.removed)


def unique(spec: Table, rows: pa.Table, newest: str | None) -> pa.Table:
    """One row a key, sorted by key: the newest by that time column, then the last."""
    keep = Keyed.of(rows, spec.key).last_of_each(None if newest is None else numbers(rows[newest]))
    return rows if keep is None else rows.take(keep)


def merge(
    spec: Table,
    stored: pa.Table,
    rows: pa.Table,
    *,
    newest: str | None = None,
    gone: pa.Table | None = None,
    scope: np.ndarray | None = None,
) -> Merged | None:
    """Stored rows with new ones laid over them; None when nothing would be different.

    Args:
        spec: their table.
        stored: rows of the partitions in question, one a key.
        rows: rows to store, one a key.
        newest: a time column; a row older by it than the stored one does not replace it.
        gone: keys to take out.
        scope: (stored,) rows that are taken out unless `rows` has their key.
    """
    if stored.num_rows == 0:
        nothing = rows.slice(0, 0)
        return Merged(rows, nothing, rows, nothing, days_of(spec, rows), new=rows.num_rows) if rows.num_rows else None
    old_keys, new_keys = Keyed.pair(stored, rows, spec.key)
    at, hit = merge_positions(old_keys, new_keys)
    changed, refreshed = _changed(spec, stored, rows, at, hit, newest)
    removed = np.zeros(stored.num_rows, dtype=bool) if scope is None else scope.copy()
    removed[at[hit]] = False
    removed |= _named(spec, stored, gone)
    if not (changed.any() or refreshed.any() or removed.any() or not hit.all()):
        return None
    kept = ~removed
    kept[at[changed | refreshed]] = False
    replaced = stored.take(pa.array(np.union1d(at[changed], np.flatnonzero(removed))))
    told = rows.filter(pa.array(~hit | changed))
    return Merged(
        _joined(spec, stored.filter(pa.array(kept)), rows.filter(pa.array(~hit | changed | refreshed))),
        replaced,
        told,
        stored.filter(pa.array(removed)),
        days_of(spec, replaced) | days_of(spec, told),
        new=int((~hit).sum()),
        changed=int(changed.sum()),
        unchanged=int((hit & ~changed).sum()),
        removed=int(removed.sum()),
    )


def _changed(
    spec: Table, stored: pa.Table, rows: pa.Table, at: np.ndarray, hit: np.ndarray, newest: str | None
) -> tuple[np.ndarray, np.ndarray]:
    """Rows that say something else than the stored ones, and rows that say the same later."""
    active = [c for c in spec.columns if c not in (*spec.key, *spec.passive)]
    differs = differing(stored, rows, at, hit, active)
    if newest is None:
        return differs, np.zeros(len(hit), dtype=bool)
    before, after = numbers(stored[newest])[at], numbers(rows[newest])
    return differs & (before <= after), hit & ~differs & (before < after)


def _named(spec: Table, stored: pa.Table, gone: pa.Table | None) -> np.ndarray:
    """Stored rows whose keys are given."""
    found = np.zeros(stored.num_rows, dtype=bool)
    if gone is not None and gone.num_rows:
        at, hit = merge_positions(*Keyed.pair(stored, gone, spec.key))
        found[at[hit]] = True
    return found


def _joined(spec: Table, kept: pa.Table, added: pa.Table) -> pa.Table:
    """Both, sorted by key."""
    both = whole(pa.concat_tables([kept, added]))
    order = Keyed.of(both, spec.key).order()
    return both if order is None else both.take(order)
