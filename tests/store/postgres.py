"""A throw-away PostgreSQL of the tests' own: a server in a temporary folder, reached by its socket."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

_CONFIG = """
listen_addresses = ''
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 100
"""


def binaries() -> Path | None:
    """The folder of PostgreSQL's programs; Debian keeps them out of PATH."""
    found = shutil.which("initdb")
    known = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3].split(".")[0]))
    return Path(found).parent if found else known[-1].parent if known else None


def servant() -> str | None:
    """Whom the server runs as: PostgreSQL refuses root. None: ourselves."""
    if os.getuid():
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@contextmanager
def server(programs: Path) -> Iterator[Path]:
    """A running server; yields the folder of its socket. Its superuser is `sanyan`, everybody local is trusted."""
    who = servant()
    folder = Path(tempfile.mkdtemp(prefix="sanyan-pg-"))  # short: a socket's path has 107 characters at most
    data = folder / "data"
    try:
        if who is not None:
            shutil.chown(folder, who)
        folder.chmod(0o755)

        def ran(*command: str) -> None:
            subprocess.run(command, check=True, capture_output=True, user=who, cwd=folder)

        ran(
            str(programs / "initdb"),
            "-D",
            str(data),
            *["-U", "sanyan", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
        )
        with (data / "postgresql.conf").open("a", encoding="utf-8") as config:
            config.write(_CONFIG)
        control = [str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log")]
        ran(*control, "-o", f"-k {folder}", "start")
        try:
            yield folder
        finally:
            ran(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def url(folder: Path, database: str) -> str:
    """The ledger's address of a database of the server."""
    return f"postgresql://sanyan@/{database}?host={folder}"


def database(folder: Path, name: str) -> str:
    """Make an empty database; returns its address."""
    with _connected(url(folder, "postgres")) as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    return url(folder, name)


def emptied(address: str) -> str:
    """Take every row out of a database, also of tables that refuse it; returns its address."""
    with _connected(address) as connection:
        names = ", ".join(f'"{table}"' for table in sa.inspect(connection).get_table_names())
        connection.exec_driver_sql("SET session_replication_role = replica")  # no triggers
        connection.exec_driver_sql(f"TRUNCATE {names}")
    return address


@contextmanager
def _connected(address: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(address.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection
