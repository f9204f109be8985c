"""Accounts: nothing that opens a door is kept readable, links open once, failures lock, ends are ends."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from store.ledger import Ledger, metadata, users

NOW = datetime(2026, 9, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def ledger(ledger_url):
    found = Ledger(ledger_url)
    users.add_user(found, users.User("zhang", "张示例", "operator"), now=NOW)
    yield found
    found.engine.dispose()


def test_a_new_account_has_no_password(ledger):
    assert users.account(ledger, "zhang").password == ""
    assert users.count_users(ledger) == 1


@pytest.mark.parametrize("login", ["", "z", "Zhang", "../etc", "a b", "张", "-a", "a" * 64, "zhang"])
def test_bad_and_taken_logins_are_refused(ledger, login):
    with pytest.raises(ValueError, match="login"):
        users.add_user(ledger, users.User(login, "", "viewer"), now=NOW)


def test_a_link_opens_once_and_ends_open_sessions(ledger):
    session = users.open_session(ledger, "zhang", now=NOW, lasts=DAY)
    first = users.open_link(ledger, "zhang", now=NOW)
    second = users.open_link(ledger, "zhang", now=NOW)
    assert users.owner_of_link(ledger, first, now=NOW) is None, "a newer link ends the older"
    assert users.owner_of_link(ledger, second, now=NOW) == "zhang"
    assert users.use_link(ledger, second, "hash", now=NOW) == "zhang"
    assert users.use_link(ledger, second, "other", now=NOW) is None
    assert users.account(ledger, "zhang").password == "hash"
    assert users.signed(ledger, session, now=NOW) is None


def test_an_old_link_opens_nothing(ledger):
    link = users.open_link(ledger, "zhang", now=NOW)
    assert users.use_link(ledger, link, "hash", now=NOW + users.LINK_FOR) is None


def test_a_session_ends_by_time_by_signing_out_and_with_its_account(ledger):
    one, two, three = (users.open_session(ledger, "zhang", now=NOW, lasts=DAY) for _ in range(3))
    assert users.signed(ledger, one, now=NOW).name == "张示例"
    assert users.signed(ledger, one, now=NOW + DAY) is None
    users.end_session(ledger, two, now=NOW)
    assert users.signed(ledger, two, now=NOW) is None
    users.disable(ledger, "zhang", now=NOW)
    assert users.signed(ledger, three, now=NOW) is None
    users.disable(ledger, "zhang", now=NOW, disabled=False)
    assert users.signed(ledger, three, now=NOW) is None, "what ended stays ended"


def test_a_role_changes_at_once_and_unknown_accounts_are_said(ledger):
    session = users.open_session(ledger, "zhang", now=NOW, lasts=DAY)
    users.set_role(ledger, "zhang", "viewer")
    assert users.signed(ledger, session, now=NOW).role == "viewer"
    with pytest.raises(ValueError, match="no account"):
        users.set_role(ledger, "nobody", "viewer")


def test_a_token_is_no_session_and_ends_by_the_beginning_of_its_id(ledger):
    token = users.open_token(ledger, "zhang", "report", now=NOW, lasts=DAY)
    assert users.signed(ledger, token, now=NOW) is None
    assert users.signed(ledger, token, now=NOW, token=True).login == "zhang"
    (shown,) = users.read_tokens(ledger)["id"]
    assert not users.end_token(ledger, "%", now=NOW), "a wildcard is no beginning"
    assert users.end_token(ledger, shown[:8], now=NOW)
    assert users.signed(ledger, token, now=NOW, token=True) is None


def test_failures_in_a_row_lock_and_a_success_forgets_them(ledger):
    for _ in range(users.FAILURES - 1):
        assert users.failed(ledger, "zhang", now=NOW) is None
    users.open_session(ledger, "zhang", now=NOW, lasts=DAY)
    for _ in range(users.FAILURES - 1):
        assert users.failed(ledger, "zhang", now=NOW) is None
    assert users.failed(ledger, "zhang", now=NOW) == NOW + users.LOCKED_FOR
    assert users.account(ledger, "zhang").locked_until == NOW + users.LOCKED_FOR
    assert users.failed(ledger, "nobody", now=NOW) is None


def test_no_secret_is_in_the_database(ledger):
    secrets = [
        users.open_session(ledger, "zhang", now=NOW, lasts=DAY),
        users.open_token(ledger, "zhang", "t", now=NOW, lasts=DAY),
        users.open_link(ledger, "zhang", now=NOW),
    ]
    with ledger.reading() as connection:
        kept = "".join(str(connection.execute(sa.select(t)).all()) for t in metadata.sorted_tables)
    assert not [s for s in secrets if s in kept]
    assert all(len(re.sub(r"^sanyan_", "", s)) == 43 for s in secrets)


def test_the_access_log_tells_newest_first(ledger):
    users.log_access(ledger, "zhang", "sign_in", "10.0.0.1", now=NOW)
    users.log_access(ledger, "zhang", "raw", "x" * 900, now=NOW + DAY)
    found = users.read_access(ledger)
    assert found["what"].tolist() == ["raw", "sign_in"]
    assert len(found["subject"][0]) == 500
