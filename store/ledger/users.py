"""Who may sign in to the console: accounts, sessions, tokens, one-time links, and the log of what was looked at.

Of a session, token or link only the SHA-256 is kept, of a password only its Argon2 hash (made by the caller): who reads
the ledger can sign in as nobody. The access log is append-only.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa

from store.ledger.ledger import Instant, Ledger, metadata

#: Failures in a row after which an account is locked, and for how long (OWASP Authentication Cheat Sheet; own choice).
FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
#: How long a one-time link can be used.
LINK_FOR = timedelta(hours=24)

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")

users = sa.Table(
    "users",
    metadata,
    sa.Column("login", sa.String(64), primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("language", sa.String, nullable=False),
    sa.Column("password", sa.String, nullable=False),  # Argon2; "" until the owner of the link chose one
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("disabled_at", Instant),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("locked_until", Instant),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("login", sa.String(64), sa.ForeignKey("users.login"), nullable=False, index=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("login", sa.String(64), sa.ForeignKey("users.login"), nullable=False),
    sa.Column("label", sa.String, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
)

links = sa.Table(
    "links",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("login", sa.String(64), sa.ForeignKey("users.login"), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("used_at", Instant),
)

access_log = sa.Table(
    "access_log",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("what", sa.String, nullable=False),  # a name of domain/texts/web.yaml below access.
    sa.Column("subject", sa.String, nullable=False),
)


@dataclass(frozen=True, slots=True)
class User:
    """An account, without its password."""

    login: str
    name: str
    role: str
    language: str = "zh"


@dataclass(frozen=True, slots=True)
class Account:
    """What a sign-in is judged by."""

    user: User
    password: str
    disabled: bool
    locked_until: datetime | None


def digest(secret: str) -> str:
    """What is kept of a secret that was made by us; such secrets are long, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def add_user(ledger: Ledger, user: User, *, now: datetime) -> None:
    """Add an account that nobody can sign in to yet; its owner chooses a password by a one-time link.

    Raises:
        ValueError: the login is not lower-case letters, digits and `. _ -`, or is taken.
    """
    if not _LOGIN.fullmatch(user.login):
        raise ValueError(f"{user.login!r} is no login: 2 to 63 lower-case letters, digits and . _ -")
    row = {
        "login": user.login,
        "name": user.name or user.login,
        "role": user.role,
        "language": user.language,
        "password": "",
        "created_at": now,
        "failures": 0,
    }
    with ledger.begin() as connection:
        if not ledger.insert_new(connection, users, [row]):
            raise ValueError(f"the login {user.login!r} is taken")


def count_users(ledger: Ledger) -> int:
    """How many accounts there are."""
    with ledger.reading() as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(users)) or 0)


def read_users(ledger: Ledger) -> pd.DataFrame:
    """Every account, with all but its password."""
    wanted = [c for c in users.c if c.name != "password"]
    return ledger.frame(sa.select(*wanted).order_by(users.c.login))


def account(ledger: Ledger, login: str) -> Account | None:
    """The account of a login."""
    with ledger.reading() as connection:
        row = connection.execute(sa.select(users).where(users.c.login == login)).mappings().one_or_none()
    if row is None:
        return None
    return Account(_user(row), row["password"], row["disabled_at"] is not None, row["locked_until"])


def set_role(ledger: Ledger, login: str, role: str) -> None:
    """Give an account another role; its open sessions have it at once."""
    _change(ledger, login, {"role": role})


def set_language(ledger: Ledger, login: str, language: str) -> None:
    """The language an account sees."""
    _change(ledger, login, {"language": language})


def disable(ledger: Ledger, login: str, *, now: datetime, disabled: bool = True) -> None:
    """Shut an account (its sessions and tokens end) or open it again."""
    _change(ledger, login, {"disabled_at": now if disabled else None, "failures": 0, "locked_until": None})
    if disabled:
        end_all(ledger, login, now=now)


def end_all(ledger: Ledger, login: str, *, now: datetime) -> None:
    """End every session and token of an account."""
    with ledger.begin() as connection:
        for table in (sessions, tokens):
            here = sa.and_(table.c.login == login, table.c.ended_at.is_(None))
            connection.execute(sa.update(table).where(here).values(ended_at=now))


def failed(ledger: Ledger, login: str, *, now: datetime) -> datetime | None:
    """Count a wrong password; returns until when the account is locked now, None while it is not."""
    here = users.c.login == login
    with ledger.begin() as connection:
        connection.execute(sa.update(users).where(here).values(failures=users.c.failures + 1))
        count = connection.scalar(sa.select(users.c.failures).where(here))
        if count is None or count < FAILURES:
            return None
        until = now + LOCKED_FOR
        connection.execute(sa.update(users).where(here).values(failures=0, locked_until=until))
        return until


def open_session(ledger: Ledger, login: str, *, now: datetime, lasts: timedelta) -> str:
    """Begin a session after a right password; returns its secret."""
    secret = secrets.token_urlsafe(32)
    row = {"id": digest(secret), "login": login, "created_at": now, "expires_at": now + lasts}
    with ledger.begin() as connection:
        connection.execute(sa.update(users).where(users.c.login == login).values(failures=0, locked_until=None))
        connection.execute(sa.insert(sessions), [row])
    return secret


def end_session(ledger: Ledger, secret: str, *, now: datetime) -> None:
    """Sign out."""
    with ledger.begin() as connection:
        connection.execute(sa.update(sessions).where(sessions.c.id == digest(secret)).values(ended_at=now))


def open_token(ledger: Ledger, login: str, label: str, *, now: datetime, lasts: timedelta) -> str:
    """Make a token for programs; returns its secret, which cannot be shown again."""
    secret = f"sanyan_{secrets.token_urlsafe(32)}"
    row = {"id": digest(secret), "login": login, "label": label, "created_at": now, "expires_at": now + lasts}
    with ledger.begin() as connection:
        connection.execute(sa.insert(tokens), [row])
    return secret


def end_token(ledger: Ledger, token_id: str, *, now: datetime) -> bool:
    """Take a token back by the beginning of its id; false when there is none or several."""
    with ledger.begin() as connection:
        found = connection.scalars(
            sa.select(tokens.c.id).where(tokens.c.id.startswith(token_id, autoescape=True))
        ).all()
        if len(found) == 1:
            connection.execute(sa.update(tokens).where(tokens.c.id == found[0]).values(ended_at=now))
    return len(found) == 1


def read_tokens(ledger: Ledger) -> pd.DataFrame:
    """Every token, without its secret."""
    return ledger.frame(sa.select(tokens).order_by(tokens.c.created_at.desc(), tokens.c.id))


def signed(ledger: Ledger, secret: str, *, now: datetime, token: bool = False) -> User | None:
    """Whose session (or token) a secret is; None when it is nobody's, over, or its account is shut."""
    table = tokens if token else sessions
    query = (
        sa.select(users.c.login, users.c.name, users.c.role, users.c.language)
        .join(table, table.c.login == users.c.login)
        .where(table.c.id == digest(secret), table.c.ended_at.is_(None), table.c.expires_at > now)
        .where(users.c.disabled_at.is_(None))
    )
    with ledger.reading() as connection:
        row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _user(row)


def open_link(ledger: Ledger, login: str, *, now: datetime) -> str:
    """A one-time link by which the owner of an account chooses a password; earlier links of it end."""
    secret = secrets.token_urlsafe(32)
    row = {"id": digest(secret), "login": login, "created_at": now, "expires_at": now + LINK_FOR}
    with ledger.begin() as connection:
        connection.execute(
            sa.update(links).where(links.c.login == login, links.c.used_at.is_(None)).values(used_at=now)
        )
        connection.execute(sa.insert(links), [row])
    return secret


def owner_of_link(ledger: Ledger, secret: str, *, now: datetime) -> str | None:
    """The login a link is for, while it can be used."""
    query = sa.select(links.c.login).where(
        links.c.id == digest(secret), links.c.used_at.is_(None), links.c.expires_at > now
    )
    with ledger.reading() as connection:
        return connection.scalar(query)


def use_link(ledger: Ledger, secret: str, password: str, *, now: datetime) -> str | None:
    """Set the (hashed) password of the link's account and end its sessions; None when the link cannot be used."""
    here = sa.and_(links.c.id == digest(secret), links.c.used_at.is_(None), links.c.expires_at > now)
    with ledger.begin() as connection:
        login = connection.scalar(sa.select(links.c.login).where(here))
        if login is None or not connection.execute(sa.update(links).where(here).values(used_at=now)).rowcount:
            return None
        changed = {"password": password, "failures": 0, "locked_until": None}
        connection.execute(sa.update(users).where(users.c.login == login).values(changed))
        over = sa.and_(sessions.c.login == login, sessions.c.ended_at.is_(None))
        connection.execute(sa.update(sessions).where(over).values(ended_at=now))
        return str(login)


def log_access(ledger: Ledger, who: str, what: str, subject: str, *, now: datetime) -> None:
    """Append that somebody signed in, looked at personal data, exported, or changed an account."""
    with ledger.begin() as connection:
        row = {"at": now, "who": who[:200], "what": what, "subject": subject[:500]}
        connection.execute(sa.insert(access_log), [row])


def read_access(ledger: Ledger, *, limit: int = 1000) -> pd.DataFrame:
    """The newest entries of the access log, newest first."""
    return ledger.frame(sa.select(access_log).order_by(access_log.c.number.desc()).limit(limit))


def _change(ledger: Ledger, login: str, values: dict[str, Any]) -> None:
    with ledger.begin() as connection:
        if not connection.execute(sa.update(users).where(users.c.login == login).values(values)).rowcount:
            raise ValueError(f"there is no account {login!r}")


def _user(row: sa.RowMapping) -> User:
    return User(row["login"], row["name"], row["role"], row["language"])
