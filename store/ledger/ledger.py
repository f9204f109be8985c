"""The engine of the ledger, its cursors and its quarantine."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from domain.records import Rejection

metadata = sa.MetaData()
#: The advisory lock of PostgreSQL that whoever writes holds, as a writer of SQLite holds the file.
_WRITING = 0x53616E79616E


class Instant(sa.TypeDecorator[datetime]):
    """A UTC instant; SQLite itself knows no time zones."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """To UTC; a naive time is a mistake of ours."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Back to an aware UTC time."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


cursors = sa.Table(
    "cursors",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
)

rejections = sa.Table(
    "rejections",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("feed", sa.String, nullable=False, index=True),
    sa.Column("received_at", Instant, nullable=False, index=True),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("detail", sa.String, nullable=False),
    sa.Column("raw_ref", sa.String, nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("length", sa.BigInteger, nullable=False),
)


class Ledger:
    """One SQL database; opening it creates what is missing."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        with self.begin() as connection:
            metadata.create_all(connection)
            _add_columns(connection)
            _add_indexes(connection)

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A writing transaction: all of it or none. One at a time, on any database: what it reads nobody changes."""
        with self.engine.begin() as connection:
            if self.engine.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITING)))
            yield connection

    @contextmanager
    def within(self, connection: sa.Connection | None) -> Iterator[sa.Connection]:
        """A writing transaction that is open already, or one of its own."""
        if connection is not None:
            yield connection
            return
        with self.begin() as own:
            yield own

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A reading transaction that sees one moment: it waits for no writer and no writer waits for it."""
        options: dict[str, Any] = {"sanyan_reading": True}
        if self.engine.dialect.name == "postgresql":
            options["isolation_level"] = "REPEATABLE READ"
        with self.engine.connect().execution_options(**options) as connection:
            yield connection

    def frame(self, query: sa.Select[Any]) -> pd.DataFrame:
        """The rows of a query as a frame; instants are UTC."""
        with self.reading() as connection:
            result = connection.execute(query)
            return pd.DataFrame(result.mappings().all(), columns=list(result.keys()))

    def insert_new(self, connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> int:
        """Insert rows whose primary key is not there yet; returns how many were new."""
        if not rows:
            return 0
        dialect = postgresql if self.engine.dialect.name == "postgresql" else sqlite
        new = 0
        for at in range(0, len(rows), 500):
            statement = dialect.insert(table).values(list(rows[at : at + 500])).on_conflict_do_nothing()
            new += connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount
        return new

    def cursor(self, name: str) -> int:
        """The table version up to which the reader `name` has done its work; -1 before the first time."""
        with self.engine.connect() as connection:
            found = connection.scalar(sa.select(cursors.c.version).where(cursors.c.name == name))
        return -1 if found is None else int(found)

    def advance(self, name: str, version: int, connection: sa.Connection | None = None) -> None:
        """Move a cursor forward; it never goes back. With `connection`, inside that transaction."""
        with self.within(connection) as own:
            self.insert_new(own, cursors, [{"name": name, "version": -1}])
            own.execute(
                sa.update(cursors).where(cursors.c.name == name, cursors.c.version < version).values(version=version)
            )

    def reject(self, found: Sequence[Rejection]) -> int:
        """Keep rejections; the same bad record at the same place is kept once. Returns how many were new."""
        rows = {
            _identity(r): {
                "id": _identity(r),
                "feed": r.feed,
                "received_at": r.received_at,
                "reason": str(r.reason),
                "detail": r.detail,
                "raw_ref": r.raw_ref,
                "offset": r.offset,
                "length": r.length,
            }
            for r in found
        }
        with self.begin() as connection:
            return self.insert_new(connection, rejections, list(rows.values()))

    def rejections(
        self,
        feed: str | None = None,
        reason: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> pd.DataFrame:
        """The quarantine, newest first."""
        query = sa.select(rejections).order_by(rejections.c.received_at.desc(), rejections.c.id)
        for column, value in ((rejections.c.feed, feed), (rejections.c.reason, reason)):
            query = query if value is None else query.where(column == value)
        query = query if start is None else query.where(rejections.c.received_at >= start)
        query = query if end is None else query.where(rejections.c.received_at < end)
        return self.frame(query)


def _add_columns(connection: sa.Connection) -> None:
    """Columns that a database of an older version lacks; they may be empty or have a default, so rows stay as are."""
    inspector = sa.inspect(connection)
    for table in metadata.sorted_tables:
        there = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                definition = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f'ALTER TABLE "{table.name}" ADD COLUMN {definition}')


def _add_indexes(connection: sa.Connection) -> None:
    """Indexes that a database of an older version lacks."""
    for table in metadata.sorted_tables:
        for index in table.indexes:
            sa.schema.CreateIndex(index, if_not_exists=True)(index, connection)


def _identity(r: Rejection) -> str:
    text = "\x1f".join((r.feed, r.raw_ref, str(r.offset), str(r.length), str(r.reason), r.detail))
    return hashlib.sha256(text.encode()).hexdigest()


def _postgres(url: str) -> sa.Engine:
    """PostgreSQL; a plain `postgresql://` means the driver we ship."""
    from psycopg.types.string import StrDumper  # only where there is a PostgreSQL

    class Text(StrDumper):
        """Text without the character 0, which PostgreSQL keeps in no text; a picture of it stands in its place."""

        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\x00", "\u2400"))

    address = url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(address, pool_pre_ping=True, max_overflow=50)

    @sa.event.listens_for(engine, "connect")
    def _connect(dbapi: Any, _record: Any) -> None:
        dbapi.adapters.register_dumper(str, Text)

    return engine


def _engine(url: str) -> sa.Engine:
    if not url.startswith("sqlite"):
        return _postgres(url)
    Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": 60})

    @sa.event.listens_for(engine, "connect")
    def _connect(dbapi: Any, _record: Any) -> None:
        dbapi.isolation_level = None  # the driver must not open transactions of its own
        dbapi.execute("PRAGMA busy_timeout = 60000")
        dbapi.execute("PRAGMA journal_mode = WAL")
        dbapi.execute("PRAGMA synchronous = FULL")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # Taking the write lock at once: a transaction that reads first and writes later could otherwise be refused.
        reading = connection.get_execution_options().get("sanyan_reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine
