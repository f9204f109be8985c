"""The lake: every observation, flag, scene, report and indicator, as Delta Lake tables.

One writer per table: `observations`, `scenes` and `reports` belong to ingest, `quality`, `indicators` and `gep_inputs`
to processing. A write is an upsert by key: rows that say the same again are not written, so every run can be repeated.
The days a write touched are part of its commit, so "what must be recomputed" can neither be lost nor run ahead of the
data, whatever dies when.

A table has one file a partition (medium and Shanghai month, where the record has them). An upsert reads the partitions
it reaches, writes those that become different as new files, and exchanges all of them in one commit: it happens whole
or not at all, and a writer that dies before it leaves files that belong to nothing.

Conflicting writers are told apart by the table's own log: a commit is made upon the version that was read and carries
the name of every partition it exchanges. If another has exchanged the same one since, it is refused, read again and
repeated (or, with `expected_version`, given up).
"""

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from deltalake.fs import DeltaStorageHandler
from deltalake.transaction import AddAction, RemoveAction
from pyarrow.fs import FileSystem, LocalFileSystem, PyFileSystem, SubTreeFileSystem

from domain.errors import StoreConflict
from domain.records import TABLES, Table
from store import days, parts
from store.keys import Keyed
from store.merging import unique
from store.parts import MONTH, Partition
from store.rows import empty, from_frame, to_frame, whole
from store.scope import Scope
from store.upserts import Asked, Made, identity, make

#: What a commit says of itself: the days it touched, and a name that no other has.
_DAYS, _COMMIT = "sanyan_days", "sanyan_commit"

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
    days: days.Days


class Lake:
    """Delta tables under one root: a folder or an object-store URL."""

    def __init__(self, root: Path | str) -> None:
        self.root = str(root).removeprefix("file://")

    def upsert(
        self,
        table: str,
        frame: pd.DataFrame,
        *,
        now: datetime,
        why: str,
        newest: str | None = None,
        remove: pd.DataFrame | None = None,
        replace: Scope | None = None,
        expected_version: int | None = None,
    ) -> Written:
        """Insert new rows, replace rows whose content differs, leave equal rows alone; one atomic commit.

        Args:
            table: a name in `domain.records.TABLES`.
            frame: rows with the table's columns; of rows with one key the last wins. Text may be categories.
            now: the moment written beside superseded rows.
            why: the reason written there.
            newest: a time column; an incoming row older than the stored one by it never replaces it, and of incoming
                rows with one key the newest (then the last) wins. So order of arrival does not matter.
            remove: rows (at least the key columns, the time and the medium) to take out.
            replace: the stored rows that `frame` gives anew; those it does not give are taken out.
            expected_version: refuse instead of repeating when the same partitions changed after this version.

        Raises:
            StoreConflict: `expected_version` was given and somebody else wrote, or repeated conflicts did not end.
            StoreError: the frame lacks a column, or a time.
        """
        spec = TABLES[table]
        asked = Asked(
            spec=spec,
            rows=unique(spec, from_frame(spec, frame), newest),
            gone=None if remove is None else from_frame(spec, remove, identity(spec)),
            replace=replace,
            newest=newest,
        )
        if asked.rows.num_rows == 0 and (remove is None or remove.empty) and replace is None:
            return Written(version=self.version(table))
        for _ in range(_ATTEMPTS):
            found = _Snapshot.of(self._uri(table), expected_version)
            made = make(asked, found)
            if not made:
                return Written(unchanged=asked.rows.num_rows, version=found.version)
            replaced = pa.concat_tables([m.merged.replaced for m in made])
            if spec.history and replaced.num_rows:
                self._keep_history(spec, replaced, now=now, why=why)
            try:
                version = found.commit(spec, made)
            except CommitFailedError as error:
                if expected_version is not None:
                    raise StoreConflict(f"table {table!r} changed since version {expected_version}: {error}") from error
            else:
                return _written(made, asked.rows.num_rows, version)
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
        categories: bool = False,
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
            categories: give text as categories, with the words that occur in their order; five times as fast.
        """
        spec = TABLES[table]
        names = list(columns) if columns is not None else spec.columns
        scope, snapshot = Scope(start, end, medium, where), _Snapshot.of(self._uri(table), version)
        needed = [*names, *(c for c in spec.key if c not in names)]
        found = snapshot.rows(spec, needed, scope.partitions(spec, snapshot.files), scope.rows(spec))
        order = Keyed.of(found, spec.key).order()
        return to_frame(spec, found.select(names), order=order, categories=categories)

    def version(self, table: str) -> int:
        """The newest version of the table; -1 where there is none."""
        return _Snapshot.of(self._uri(table)).version

    def changes(self, table: str, since: int) -> Changes:
        """The days touched by commits after version `since` (-1: by all).

        When the log no longer reaches back that far, every day of the table is named: too much work is safe, too
        little is not.
        """
        found = _Snapshot.of(self._uri(table))
        if found.table is None or found.version <= since:
            return Changes(found.version, frozenset())
        commits = found.table.history(limit=found.version - since)
        seen = {int(c["version"]): c.get(_DAYS) for c in commits}
        if any(v not in seen for v in range(since + 1, found.version + 1)):
            return Changes(found.version, self._all_days(TABLES[table], found))
        touched = (day for v, text in seen.items() if v > since and text for day in days.from_text(text))
        return Changes(found.version, frozenset(touched))

    def compact(self, table: str, *, keep_hours: int = 24 * 30) -> int:
        """Shorten the log and delete files that no version of the last `keep_hours` needs; returns files deleted.

        Files that no commit ever named go the same way, so `keep_hours` must be longer than any write takes.
        """
        found = _Snapshot.of(self._uri(table)).table
        if found is None:
            return 0
        found.create_checkpoint()
        deleted = found.vacuum(retention_hours=keep_hours, dry_run=False, enforce_retention_duration=False, full=True)
        return len(deleted)

    def _uri(self, table: str) -> str:
        return f"{self.root}/{table}"

    def _keep_history(self, spec: Table, replaced: pa.Table, *, now: datetime, why: str) -> None:
        frame = to_frame(spec, replaced)
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

    def _all_days(self, spec: Table, found: "_Snapshot") -> days.Days:
        columns = [c for c in (spec.medium, spec.time) if c]
        return days.days_of(spec, found.rows(spec, columns)) if spec.time else frozenset()


# --- one version of a table -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Snapshot:
    """A version of a table as it was read, and the commit that is made upon it."""

    uri: str
    table: Any  # DeltaTable; None when there is none yet

    @classmethod
    def of(cls, uri: str, version: int | None = None) -> "_Snapshot":
        """The newest version, or that one; -1 is the table before it was created."""
        if version is not None and version < 0:
            return cls(uri, None)
        try:
            return cls(uri, DeltaTable(uri, version=version))
        except TableNotFoundError:
            return cls(uri, None)

    @property
    def version(self) -> int:
        return -1 if self.table is None else int(self.table.version())

    @cached_property
    def store(self) -> FileSystem:
        """Where the table's files are; plain files are not taken through Python."""
        if "://" in self.uri:
            return PyFileSystem(DeltaStorageHandler(self.uri))
        Path(self.uri).mkdir(parents=True, exist_ok=True)
        return SubTreeFileSystem(self.uri, LocalFileSystem())

    @cached_property
    def files(self) -> dict[Partition, list[tuple[str, int]]]:
        """Path and size of the files of each partition."""
        out: dict[Partition, list[tuple[str, int]]] = {}
        if self.table is not None:
            actions = pa.table(self.table.get_add_actions(flatten=True))
            by = [c for c in actions.column_names if c.startswith("partition.")]
            for path, size, *values in zip(*(actions[c].to_pylist() for c in ("path", "size_bytes", *by)), strict=True):
                partition = tuple(zip((c.removeprefix("partition.") for c in by), values, strict=True))
                out.setdefault(partition, []).append((path, size))
        return out

    def rows(
        self,
        spec: Table,
        columns: Sequence[str],
        partitions: Sequence[Partition] | None = None,
        condition: pc.Expression | None = None,
    ) -> pa.Table:
        """The rows of the partitions (of all) that fulfil the condition, file by file, with text as words."""
        wanted = self.files.keys() if partitions is None else [p for p in partitions if p in self.files]
        if not wanted:
            return empty(spec, columns)
        text = {f.name for f in spec.schema if pa.types.is_string(f.type)}
        some = [[(c, "=", v) for c, v in p] for p in wanted] if len(wanted) < len(self.files) else None
        dataset = self.table.to_pyarrow_dataset(
            filesystem=self.store,
            parquet_read_options=ds.ParquetReadOptions(dictionary_columns=text),
            file_pruning_predicate=some,
        )
        return whole(dataset.to_table(columns=columns, filter=condition))

    def commit(self, spec: Table, made: Sequence[Made]) -> int:
        """Name the new files and un-name those of the same partitions, in one commit; returns its version.

        Raises:
            CommitFailedError: since this version another commit has changed one of the partitions.
        """
        partitions = [p for m in made for p in m.partitions]
        newest = self if self.table is not None else self._created(spec)
        for _ in range(_ATTEMPTS):
            if any(newest.files.get(p) != self.files.get(p) for p in partitions):
                raise CommitFailedError("another commit has changed the same partitions")
            try:
                return newest.put(spec, made, partitions)
            except CommitFailedError:
                # Delta Lake refuses what is written beside any removal; ours stands if its partitions are untouched.
                newest = _Snapshot.of(self.uri)
        raise CommitFailedError(f"{_ATTEMPTS} commits in a row met another")

    def _created(self, spec: Table) -> "_Snapshot":
        """The table, empty unless another writer came first."""
        schema = spec.schema.append(pa.field(MONTH, pa.string())) if spec.time else spec.schema
        DeltaTable.create(self.uri, schema, mode="ignore", partition_by=parts.partition_columns(spec))
        return _Snapshot.of(self.uri)

    def put(self, spec: Table, made: Sequence[Made], partitions: Sequence[Partition]) -> int:
        """The commit upon this very version.

        Raises:
            CommitFailedError: it could not be made.
        """
        base, token, stamp = self.version, str(uuid.uuid4()), time.time_ns() // 1_000_000
        added = [AddAction(p.path, p.size, dict(p.partition), stamp, True, p.statistics) for m in made for p in m.parts]
        replaced = [(p, *file) for p in partitions for file in self.files.get(p, [])]
        self.table.create_write_transaction(
            [*added, *(RemoveAction(path, True, stamp, size, dict(p)) for p, path, size in replaced)],
            mode="append",
            schema=self.table.schema(),
            partition_by=parts.partition_columns(spec),
            commit_properties=CommitProperties(
                custom_metadata={_DAYS: days.to_text({d for m in made for d in m.merged.days}), _COMMIT: token},
                # Of two commits upon one version that bear the same name here, Delta Lake lets one through.
                app_transactions=[Transaction("/".join(v for _, v in p) or spec.name, base + 1) for p in partitions],
            ),
            post_commithook_properties=PostCommitHookProperties(cleanup_expired_logs=False),
        )
        return _landed(self.table, base, token)


def _landed(table: DeltaTable, base: int, token: str) -> int:
    """The version of our commit; others may have committed before and after it."""
    table.update_incremental()
    newest = int(table.version())
    if newest == base + 1:
        return newest
    return next(int(c["version"]) for c in table.history(limit=newest - base) if c.get(_COMMIT) == token)


def _written(made: Sequence[Made], asked: int, version: int) -> Written:
    new, changed, removed = (sum(getattr(m.merged, c) for m in made) for c in ("new", "changed", "removed"))
    return Written(new, changed, asked - new - changed, removed, version)
