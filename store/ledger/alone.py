"""One at a time, whatever process or machine it is: a lock that dies with who holds it."""

import fcntl
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from store.ledger.ledger import Ledger


@contextmanager
def alone(ledger: Ledger, name: str) -> Iterator[None]:
    """Wait until nobody else is inside under this name, and keep others out.

    Beside an SQLite file this is a lock on a file, which the kernel gives back when a process is killed; on PostgreSQL
    an advisory lock of a connection, which the server gives back when the connection ends. No transaction is open.
    """
    if ledger.engine.dialect.name == "postgresql":
        number = zlib.crc32(f"sanyan.{name}".encode())
        with ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.select(sa.func.pg_advisory_lock(number)))
            try:
                yield
            finally:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(number)))
        return
    if not ledger.engine.url.database:
        yield  # a database in memory has nobody else
        return
    place = Path(f"{ledger.engine.url.database}.{name}.lock")
    with place.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
