"""One version of a table of the lake: what its log says, the rows of its files, and the commit made upon it."""

import time
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.fs import DeltaStorageHandler
from deltalake.transaction import AddAction, RemoveAction
from pyarrow.fs import FileSystem, LocalFileSystem, PyFileSystem, SubTreeFileSystem

from domain.records import Table
from store import days, parts
from store.parts import MONTH, Partition
from store.rows import empty, single, whole
from store.upserts import Made

#: What a commit says of itself: the days it touched, the file of the rows it changed, and a name that no other has.
DAYS, TOLD, _COMMIT = "sanyan_days", "sanyan_told", "sanyan_commit"

_ATTEMPTS = 50


@dataclass(frozen=True)
class Snapshot:
    """A version of a table as it was read, and the commit that is made upon it."""

    uri: str
    table: Any  # DeltaTable; None when there is none yet

    def __post_init__(self) -> None:
        _ = self.entry  # as it is now, not when it is first asked for

    @classmethod
    def of(cls, uri: str, version: int | None = None) -> "Snapshot":
        """The newest version, or that one; -1 is the table before it was created.

        Raises:
            FileNotFoundError: the log no longer reaches back to that version.
        """
        if version is not None and version < 0:
            return cls(uri, None)
        try:
            return cls(uri, DeltaTable(uri, version=version))
        except DeltaError as error:
            if version is not None:
                raise FileNotFoundError(f"version {version} of {uri} is no longer there: {error}") from error
            if not isinstance(error, TableNotFoundError):
                raise
            return cls(uri, None)

    @property
    def version(self) -> int:
        return -1 if self.table is None else int(self.table.version())

    def is_newest(self) -> bool:
        """Whether the log is as it was when this was opened: its last entry the same, and none after it."""
        if self.table is None:
            return "://" not in self.uri and not Path(self.uri, "_delta_log").exists()
        return self.entry is not None and self.entry == self._entry(0) and self._entry(1) is None

    def advanced(self) -> "Snapshot":
        """The newest version; this one may have become it, and is not to be used any more."""
        if self.entry is None or self.entry != self._entry(0):  # not known, or another table at its place
            return Snapshot.of(self.uri)
        self.table.update_incremental()
        return Snapshot(self.uri, self.table)

    @cached_property
    def entry(self) -> tuple[int, int] | None:
        """What tells the log's last entry from another at its place; None where only asking the store tells."""
        return self._entry(0)

    def _entry(self, after: int) -> tuple[int, int] | None:
        try:
            found = Path(self.uri, "_delta_log", f"{self.version + after:020d}.json").stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

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
        exact: Collection[str] = (),
    ) -> pa.Table:
        """The rows of the partitions (of all) that fulfil the condition, file by file, with text as words.

        `exact` are columns that the condition fixes: groups of rows without those values are not read at all, which
        Arrow can tell of plain text only.
        """
        wanted = self.files.keys() if partitions is None else [p for p in partitions if p in self.files]
        if not wanted:
            return empty(spec, columns)
        text = {f.name for f in spec.schema if pa.types.is_string(f.type)}
        plain = text & {spec.key[0]} & set(exact)
        some = [[(c, "=", v) for c, v in p] for p in wanted] if len(wanted) < len(self.files) else None
        dataset = self.table.to_pyarrow_dataset(
            filesystem=self.store,
            parquet_read_options=ds.ParquetReadOptions(dictionary_columns=text - plain),
            file_pruning_predicate=some,
        )
        found = whole(dataset.to_table(columns=columns, filter=condition))
        for name in plain & set(columns):
            found = found.set_column(columns.index(name), name, single(found[name]).dictionary_encode())
        return found

    def commits(self, since: int) -> list[dict[str, Any]] | None:
        """What the commits after a version say of themselves, oldest first; None when the log does not reach back."""
        if self.table is None or self.version <= since:
            return []
        seen = {int(c["version"]): c for c in self.table.history(limit=self.version - since)}
        wanted = range(since + 1, self.version + 1)
        return [seen[v] for v in wanted] if all(v in seen for v in wanted) else None

    def told(self, spec: Table, columns: Sequence[str], paths: Sequence[str]) -> pa.Table | None:
        """The rows that commits changed, in the order of the commits, and `gone`; None when a file was swept."""
        names = [*columns, parts.GONE]
        text = [f.name for f in spec.schema if pa.types.is_string(f.type)]
        try:
            files = [pq.read_table(p, columns=names, filesystem=self.store, read_dictionary=text) for p in paths]
        except FileNotFoundError:
            return None
        if not files:
            return empty(spec, columns).append_column(parts.GONE, pa.array([], pa.bool_()))
        return whole(pa.concat_tables(files))

    def commit(self, spec: Table, made: Sequence[Made]) -> int:
        """Name the new files and un-name those of the same partitions, in one commit; returns its version.

        Raises:
            CommitFailedError: since this version another commit has changed one of the partitions.
        """
        partitions = [p for m in made for p in m.partitions]
        newest = self if self.table is not None else self._created(spec)
        told, gone = (pa.concat_tables([getattr(m.merged, name) for m in made]) for name in ("told", "gone"))
        path = parts.tell(self.store, told, gone) if spec.time else ""
        for _ in range(_ATTEMPTS):
            if any(newest.files.get(p) != self.files.get(p) for p in partitions):
                raise CommitFailedError("another commit has changed the same partitions")
            try:
                return newest.put(spec, made, partitions, path)
            except CommitFailedError:
                # Delta Lake refuses what is written beside any removal; ours stands if its partitions are untouched.
                newest = Snapshot.of(self.uri)
        raise CommitFailedError(f"{_ATTEMPTS} commits in a row met another")

    def _created(self, spec: Table) -> "Snapshot":
        """The table, empty unless another writer came first."""
        schema = spec.schema.append(pa.field(MONTH, pa.string())) if spec.time else spec.schema
        DeltaTable.create(self.uri, schema, mode="ignore", partition_by=parts.partition_columns(spec))
        return Snapshot.of(self.uri)

    def put(self, spec: Table, made: Sequence[Made], partitions: Sequence[Partition], told: str = "") -> int:
        """The commit upon this very version; `told` is the file of the rows it changes.

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
                custom_metadata={
                    DAYS: days.to_text({d for m in made for d in m.merged.days}),
                    TOLD: told,
                    _COMMIT: token,
                },
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
