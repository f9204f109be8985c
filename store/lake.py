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
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from deltalake.exceptions import CommitFailedError

from domain.errors import StoreConflict
from domain.records import TABLES, Table
from store import days
from store.keys import Keyed
from store.merging import unique
from store.parts import GONE
from store.rows import from_frame, to_frame
from store.scope import Scope
from store.snapshots import DAYS, TOLD, Snapshot
from store.upserts import Asked, Made, identity, make

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


@dataclass(frozen=True, slots=True)
class News(Changes):
    """And the rows: those stored now, and with `gone` those taken out, in the order of the commits.

    None when they are too many or too old to be told one by one; then the days have to be read.
    """

    rows: pd.DataFrame | None


class Lake:
    """Delta tables under one root: a folder or an object-store URL."""

    def __init__(self, root: Path | str) -> None:
        self.root = str(root).removeprefix("file://")
        self._held: dict[str, Snapshot] = {}  # read from, so it stays as it is
        self._logs: dict[str, Snapshot] = {}  # asked for its log alone, so it can go along with it
        self._lock = threading.Lock()

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
            found = Snapshot.of(self._uri(table), expected_version)
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
        snapshot = self._newest(table) if version is None else Snapshot.of(self._uri(table), version)
        scope = Scope(start, end, medium, where)
        needed = [*names, *(c for c in spec.key if c not in names)]
        found = snapshot.rows(spec, needed, scope.partitions(spec, snapshot.files), scope.rows(spec), where or {})
        order = Keyed.of(found, spec.key).order()
        return to_frame(spec, found.select(names), order=order, categories=categories)

    def version(self, table: str) -> int:
        """The newest version of the table; -1 where there is none."""
        with self._lock:
            return self._log(table).version

    def changes(self, table: str, since: int) -> Changes:
        """The days touched by commits after version `since` (-1: by all).

        When the log no longer reaches back that far, every day of the table is named: too much work is safe, too
        little is not.
        """
        with self._lock:
            found = self._log(table)
            version, commits = found.version, found.commits(since)
        return Changes(version, self._touched(table, commits))

    def news(self, table: str, since: int, columns: Sequence[str]) -> News:
        """What `changes` says, and the very rows where the commits after version `since` tell them."""
        spec = TABLES[table]
        with self._lock:
            found = self._log(table)
            version, commits = found.version, found.commits(since)
        paths = [c.get(TOLD, "") for c in commits or () if c.get(DAYS)]
        told = None if commits is None or not all(paths) else found.told(spec, columns, paths)
        rows = None
        if told is not None:
            rows = to_frame(spec, told.select(columns), categories=True).assign(gone=told[GONE].to_numpy())
        return News(version, self._touched(table, commits), rows)

    def compact(self, table: str, *, keep_hours: int = 24 * 30) -> int:
        """Shorten the log to a month and delete files that no version of the last `keep_hours` needs; returns how many.

        Files that no commit ever named go the same way, so `keep_hours` must be longer than any write takes.
        """
        found = Snapshot.of(self._uri(table)).table
        if found is None:
            return 0
        found.create_checkpoint()
        found.cleanup_metadata()  # a log of ten years of hours takes a fifth of a second to list
        deleted = found.vacuum(retention_hours=keep_hours, dry_run=False, enforce_retention_duration=False, full=True)
        return len(deleted)

    def _uri(self, table: str) -> str:
        return f"{self.root}/{table}"

    def _newest(self, table: str) -> Snapshot:
        """The newest version, to be read only; it is opened again when there is another."""
        held = self._held.get(table)
        if held is None or not held.is_newest():
            held = self._held[table] = Snapshot.of(self._uri(table))
        return held

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

    def _log(self, table: str) -> Snapshot:
        """The newest version, to be asked for its log while `_lock` is held; a known one reads only what was added."""
        known = self._logs.get(table)
        if known is None or not known.is_newest():
            self._logs[table] = Snapshot.of(self._uri(table)) if known is None else known.advanced()
        return self._logs[table]

    def _touched(self, table: str, commits: list[dict[str, Any]] | None) -> days.Days:
        if commits is None:
            return self._all_days(TABLES[table], self._newest(table))
        return frozenset(day for c in commits if (text := c.get(DAYS)) for day in days.from_text(text))

    def _all_days(self, spec: Table, found: Snapshot) -> days.Days:
        columns = [c for c in (spec.medium, spec.time) if c]
        return days.days_of(spec, found.rows(spec, columns)) if spec.time else frozenset()


def _written(made: Sequence[Made], asked: int, version: int) -> Written:
    new, changed, removed = (sum(getattr(m.merged, c) for m in made) for c in ("new", "changed", "removed"))
    return Written(new, changed, asked - new - changed, removed, version)
