"""The lake: every observation, flag, scene, report and indicator, as Delta Lake tables.

One writer per table: `observations`, `scenes` and `reports` belong to ingest, `quality`, `indicators` and `gep_inputs`
to processing. A write is an upsert by key: rows that say the same again are not written, so every run can be repeated.
The days a write touched are part of its commit, so "what must be recomputed" can neither be lost nor run ahead of the
data, whatever dies when.

Conflicting writers are told apart by the table's own log: a write is made on the version that was read; if another
commit touched the same partitions since, it is read again and repeated (or, with `expected_version`, refused).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from domain.errors import StoreConflict, StoreError
from domain.records import TABLES, Table
from store.keys import Keyed, differing, merge_positions

#: Shanghai has kept UTC+8 without summer time since 1991; no feed is older.
_SHANGHAI = np.timedelta64(8, "h")
_ATTEMPTS = 50


@dataclass(frozen=True, slots=True)
class Written:
    """What one upsert did; `version` is the table's version afterwards."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    version: int = -1

    @property
    def any(self) -> bool:
        return bool(self.new or self.changed or self.removed)


@dataclass(frozen=True, slots=True)
class Changes:
    """The (medium, Shanghai day) pairs touched up to `version`."""

    version: int
    days: frozenset[tuple[str, date]]


class Lake:
    """Delta tables under one root: a folder or an object-store URL."""

    def __init__(self, root: Path | str) -> None:
        self.root = str(root)

    def upsert(
        self,
        table: str,
        frame: pd.DataFrame,
        *,
        now: datetime,
        why: str,
        newest: str | None = None,
        remove: pd.DataFrame | None = None,
        expected_version: int | None = None,
    ) -> Written:
        """Insert new rows, replace rows whose content differs, leave equal rows alone; one atomic commit.

        Args:
            table: a name in `domain.records.TABLES`.
            frame: rows with the table's columns; of rows with one key the last wins.
            now: the moment written beside superseded rows.
            why: the reason written there.
            newest: a time column; an incoming row older than the stored one by it never replaces it, and of incoming
                rows with one key the newest (then the last) wins. So order of arrival does not matter.
            remove: rows (at least the key columns and the time column) to take out.
            expected_version: refuse instead of repeating when the same partitions changed after this version.

        Raises:
            StoreConflict: `expected_version` was given and somebody else wrote, or repeated conflicts did not end.
        """
        spec = TABLES[table]
        rows = _arrange(spec, frame, newest)
        gone = _arrange_keys(spec, remove)
        if rows.num_rows == 0 and (gone is None or gone.num_rows == 0):
            return Written(version=self.version(table))
        for _ in range(_ATTEMPTS):
            target = self._open(table, expected_version)
            plan = self._plan(spec, target, rows, gone, newest)
            if plan is None:
                return Written(unchanged=rows.num_rows, version=-1 if target is None else target.version())
            if spec.history and len(plan.replaced):
                self._keep_history(spec, plan.replaced, now=now, why=why)
            try:
                return self._commit(spec, target, plan)
            except CommitFailedError as error:
                if expected_version is not None:
                    raise StoreConflict(f"table {table!r} changed since version {expected_version}: {error}") from error
        raise StoreConflict(f"table {table!r}: {_ATTEMPTS} writes in a row met another writer")

    def read(
        self,
        table: str,
        *,
        columns: Sequence[str] | None = None,
        medium: str | Sequence[str] | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        where: Mapping[str, Sequence[Any]] | None = None,
        version: int | None = None,
    ) -> pd.DataFrame:
        """Rows with the table's time in [start, end), sorted by key; a typed empty frame where there is no table.

        Args:
            table: a name in `domain.records.TABLES`.
            columns: only these columns.
            medium: one or several media.
            start: first instant.
            end: first instant after.
            where: column -> allowed values.
            version: the table as it was at this version.
        """
        spec = TABLES[table]
        names = list(columns) if columns is not None else spec.columns
        target = self._open(table, version)
        if target is None:
            return spec.frame()[names]
        conditions = _time_conditions(spec, start, end)
        wanted: dict[str, Sequence[Any]] = dict(where or {})
        if medium is not None and spec.medium:
            wanted[spec.medium] = [medium] if isinstance(medium, str) else list(medium)
        conditions += [pc.field(c).isin(list(values)) for c, values in wanted.items()]
        dataset = target.to_pyarrow_dataset()
        query = names + [c for c in spec.key if c not in names]
        found = dataset.to_table(columns=query, filter=_all_of(conditions))
        order = Keyed.of(found, spec.key).order()
        if order is not None:
            found = found.take(order)
        return _to_pandas(found.select(names), spec)

    def version(self, table: str) -> int:
        """The newest version of the table; -1 where there is none."""
        target = self._open(table)
        return -1 if target is None else int(target.version())

    def changes(self, table: str, since: int) -> Changes:
        """The days touched by commits after version `since` (-1: by all).

        When the log no longer reaches back that far, every day of the table is named: too much work is safe, too
        little is not.
        """
        target = self._open(table)
        if target is None or target.version() <= since:
            return Changes(-1 if target is None else int(target.version()), frozenset())
        newest = int(target.version())
        commits = target.history(limit=newest - since)
        seen = {int(c["version"]): c.get("sanyan_days") for c in commits}
        if any(v not in seen for v in range(since + 1, newest + 1)):
            return Changes(newest, self._all_days(TABLES[table]))
        days = frozenset(day for v, text in seen.items() if v > since and text for day in _parse_days(text))
        return Changes(newest, days)

    def compact(self, table: str, *, keep_hours: int = 24 * 30) -> int:
        """Merge small files and delete files no version of the last `keep_hours` needs; returns files deleted."""
        target = self._open(table)
        if target is None:
            return 0
        with suppress(CommitFailedError):  # somebody is writing: the next upkeep will do it
            target.optimize.compact()
        target.create_checkpoint()
        return len(target.vacuum(retention_hours=keep_hours, dry_run=False, enforce_retention_duration=False))

    def _uri(self, table: str) -> str:
        return f"{self.root}/{table}"

    def _open(self, table: str, version: int | None = None) -> DeltaTable | None:
        if version is not None and version < 0:
            return None
        try:
            return DeltaTable(self._uri(table), version=version)
        except TableNotFoundError:
            return None

    def _plan(
        self, spec: Table, target: DeltaTable | None, rows: pa.Table, gone: pa.Table | None, newest: str | None
    ) -> "_Plan | None":
        partitions = _partitions_of(spec, rows, gone)
        stored = _read_partitions(spec, target, partitions)
        return _merge(spec, stored, rows, gone, newest)

    def _commit(self, spec: Table, target: DeltaTable | None, plan: "_Plan") -> Written:
        by = [c for c in (spec.medium, "month") if c and (c != "month" or spec.time)]
        properties = CommitProperties(custom_metadata={"sanyan_days": _format_days(plan.days)})
        if target is None:
            # Creating may race with another first writer: an empty table first, then an ordinary write upon it.
            schema = spec.schema.append(pa.field("month", pa.string())) if spec.time else spec.schema
            DeltaTable.create(self._uri(spec.name), schema, mode="ignore", partition_by=by)
            target = DeltaTable(self._uri(spec.name))
            if target.version() > 0:
                raise CommitFailedError("another writer came first")
        write_deltalake(
            target,
            plan.table,
            mode="overwrite",
            predicate=plan.predicate,
            commit_properties=properties,
            post_commithook_properties=PostCommitHookProperties(cleanup_expired_logs=False),
        )
        version = int(target.version())
        return Written(plan.new, plan.changed, plan.unchanged, plan.removed, version)

    def _keep_history(self, spec: Table, replaced: pa.Table, *, now: datetime, why: str) -> None:
        frame = _to_pandas(replaced.select(spec.columns), spec)
        keys = frame[list(spec.key)].to_dict("records")
        rows = frame.to_dict("records")
        kept = pd.DataFrame(
            {
                "table": spec.name,
                "key": [json.dumps(k, default=str, ensure_ascii=False) for k in keys],
                "row": [json.dumps(r, default=str, ensure_ascii=False) for r in rows],
                "replaced_at": pd.Timestamp(now).as_unit("us"),
                "why": why,
            }
        )
        self.upsert("superseded", kept, now=now, why=why)

    def _all_days(self, spec: Table) -> frozenset[tuple[str, date]]:
        target = self._open(spec.name)
        if target is None or not spec.time:
            return frozenset()
        columns = [c for c in (spec.medium, spec.time) if c]
        found = target.to_pyarrow_dataset().to_table(columns=columns)
        return _days(spec, found)


@dataclass(frozen=True, slots=True)
class _Plan:
    table: pa.Table
    predicate: str
    replaced: pa.Table
    days: frozenset[tuple[str, date]]
    new: int
    changed: int
    unchanged: int
    removed: int


def _arrange(spec: Table, frame: pd.DataFrame, newest: str | None) -> pa.Table:
    """The frame as an Arrow table with the record's schema and a month column, sorted by key, one row a key."""
    missing = [c for c in spec.columns if c not in frame.columns]
    if missing:
        raise StoreError(f"table {spec.name!r}: the frame lacks {missing}")
    arrays = [_array(frame[c], field) for c, field in zip(spec.columns, spec.schema, strict=True)]
    rows = _with_month(spec, pa.Table.from_arrays(arrays, names=spec.columns))
    keyed = Keyed.of(rows, spec.key)
    keep = keyed.last_of_each(None if newest is None else _integers(rows[newest]))
    return rows if keep is None else rows.take(keep)


def _arrange_keys(spec: Table, remove: pd.DataFrame | None) -> pa.Table | None:
    if remove is None:
        return None
    names = [c for c in spec.columns if c in (*spec.key, spec.time, spec.medium)]
    arrays = [_array(remove[c], spec.schema.field(c)) for c in names]
    return _with_month(spec, pa.Table.from_arrays(arrays, names=names))


def _array(column: pd.Series, field: pa.Field) -> pa.Array:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pa.array(column).cast(field.type)
    array = pa.Array.from_pandas(column, type=field.type)
    return pc.fill_null(array, "") if pa.types.is_string(field.type) and array.null_count else array


def _with_month(spec: Table, rows: pa.Table) -> pa.Table:
    if not spec.time:
        return rows
    months = (_instants(rows[spec.time]) + _SHANGHAI).astype("datetime64[M]")
    codes = months.astype(np.int64)
    unique = np.unique(codes) if len(codes) else codes
    names = unique.astype("datetime64[M]").astype(str)
    month = pa.DictionaryArray.from_arrays(
        np.searchsorted(unique, codes).astype(np.int32), pa.array(names.tolist(), pa.string())
    )
    return rows.append_column("month", month.cast(pa.string()))


def _instants(column: pa.ChunkedArray) -> np.ndarray:
    return _integers(column).astype("datetime64[us]")


def _integers(column: pa.ChunkedArray) -> np.ndarray:
    return column.cast(pa.int64()).to_numpy()


def _partitions_of(spec: Table, rows: pa.Table, gone: pa.Table | None) -> list[tuple[tuple[str, str], ...]]:
    """The partitions that the rows live in, each as ((column, value), ...)."""
    by = [c for c in (spec.medium, "month" if spec.time else "") if c]
    if not by:
        return [()]
    found: set[tuple[str, ...]] = set()
    for part in (rows, gone):
        if part is not None and part.num_rows:
            unique = part.select(by).group_by(by).aggregate([])
            found |= set(zip(*(unique[c].to_pylist() for c in by), strict=True))
    return [tuple(zip(by, values, strict=True)) for values in sorted(found)]


def _predicate(partitions: Iterable[tuple[tuple[str, str], ...]]) -> str | None:
    clauses = [" AND ".join(f"{c} = '{v}'" for c, v in part) for part in partitions if part]
    return " OR ".join(f"({c})" for c in clauses) if clauses else None


def _read_partitions(
    spec: Table, target: DeltaTable | None, partitions: Sequence[tuple[tuple[str, str], ...]]
) -> pa.Table | None:
    if target is None:
        return None
    condition: pc.Expression | None = None
    for part in partitions:
        clause = _all_of([pc.field(c) == v for c, v in part])
        condition = clause if condition is None else condition | clause
    names = spec.columns + (["month"] if spec.time else [])
    return target.to_pyarrow_dataset().to_table(columns=names, filter=condition)


def _merge(
    spec: Table, stored: pa.Table | None, rows: pa.Table, gone: pa.Table | None, newest: str | None
) -> _Plan | None:
    partitions = _partitions_of(spec, rows, gone)
    # Keys are never null, so for a table without partitions this means all of it; a constant would match no file.
    predicate = _predicate(partitions) or f"{spec.key[0]} IS NOT NULL"
    if stored is None or stored.num_rows == 0:
        if rows.num_rows == 0:
            return None
        return _Plan(rows, predicate, rows.slice(0, 0), _days(spec, rows), rows.num_rows, 0, 0, 0)
    old_keys, new_keys = Keyed.pair(stored, rows, spec.key)
    at, hit = merge_positions(old_keys, new_keys)
    active = [c for c in spec.columns if c not in (*spec.key, *spec.passive)]
    differs = differing(stored, rows, at, hit, active)
    refreshed = np.zeros(len(hit), dtype=bool)
    if newest is not None:
        before, after = _integers(stored[newest]), _integers(rows[newest])
        stale = hit & (before[at] > after)
        refreshed = hit & ~differs & (before[at] < after)
        differs &= ~stale
    removed = _removals(spec, stored, gone)
    new, changed = ~hit, hit & differs
    if not (new.any() or changed.any() or refreshed.any() or removed.any()):
        return None
    keep = ~removed
    keep[at[changed | refreshed]] = False
    merged = pa.concat_tables([stored.filter(pa.array(keep)), rows.filter(pa.array(new | changed | refreshed))])
    order = Keyed.of(merged, spec.key).order()
    lost = np.union1d(at[changed], np.flatnonzero(removed))
    replaced = stored.take(pa.array(lost))
    touched = pa.concat_tables([replaced, rows.filter(pa.array(new | changed))])
    return _Plan(
        merged if order is None else merged.take(order),
        predicate,
        replaced,
        _days(spec, touched),
        int(new.sum()),
        int(changed.sum()),
        int(len(hit) - new.sum() - changed.sum()),
        int(removed.sum()),
    )


def _removals(spec: Table, stored: pa.Table, gone: pa.Table | None) -> np.ndarray:
    removed = np.zeros(stored.num_rows, dtype=bool)
    if gone is not None and gone.num_rows:
        old_keys, gone_keys = Keyed.pair(stored, gone, spec.key)
        at, hit = merge_positions(old_keys, gone_keys)
        removed[at[hit]] = True
    return removed


def _days(spec: Table, rows: pa.Table) -> frozenset[tuple[str, date]]:
    if not spec.time or rows.num_rows == 0:
        return frozenset()
    days = (_instants(rows[spec.time]) + _SHANGHAI).astype("datetime64[D]").astype(np.int64)
    media = rows[spec.medium].to_numpy(zero_copy_only=False) if spec.medium else np.full(len(days), "")
    out: set[tuple[str, date]] = set()
    for medium in pd.unique(media):
        for day in np.unique(days[media == medium]):
            out.add((str(medium), date(1970, 1, 1) + timedelta(days=int(day))))
    return frozenset(out)


def _format_days(days: Iterable[tuple[str, date]]) -> str:
    """`air=2026-08-18/2026-08-20,2026-08-25/2026-08-25;water=...`: runs of days by medium."""
    by_medium: dict[str, list[date]] = {}
    for medium, day in sorted(days):
        by_medium.setdefault(medium, []).append(day)
    parts = []
    for medium, ordered in by_medium.items():
        runs: list[list[date]] = []
        for day in ordered:
            if runs and (day - runs[-1][1]).days == 1:
                runs[-1][1] = day
            else:
                runs.append([day, day])
        parts.append(f"{medium}=" + ",".join(f"{a.isoformat()}/{b.isoformat()}" for a, b in runs))
    return ";".join(parts)


def _parse_days(text: str) -> Iterable[tuple[str, date]]:
    for part in text.split(";"):
        medium, _, runs = part.partition("=")
        for run in runs.split(","):
            first, last = (date.fromisoformat(d) for d in run.split("/"))
            for offset in range((last - first).days + 1):
                yield medium, first + timedelta(days=offset)


def _time_conditions(spec: Table, start: datetime | None, end: datetime | None) -> list[pc.Expression]:
    out: list[pc.Expression] = []
    for bound, is_start in ((start, True), (end, False)):
        if bound is None or not spec.time:
            continue
        moment = pa.scalar(bound.astimezone(UTC), pa.timestamp("us", tz="UTC"))
        month = (bound.astimezone(UTC) + timedelta(hours=8)).strftime("%Y-%m")
        out.append(pc.field(spec.time) >= moment if is_start else pc.field(spec.time) < moment)
        out.append(pc.field("month") >= month if is_start else pc.field("month") <= month)
    return out


def _all_of(conditions: Sequence[pc.Expression]) -> pc.Expression | None:
    out: pc.Expression | None = None
    for condition in conditions:
        out = condition if out is None else out & condition
    return out


def _to_pandas(table: pa.Table, spec: Table) -> pd.DataFrame:
    frame = table.to_pandas(deduplicate_objects=True)
    for name in table.column_names:
        if pa.types.is_timestamp(spec.schema.field(name).type):
            frame[name] = frame[name].dt.as_unit("us")
    return frame
