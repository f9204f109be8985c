"""What PostgreSQL does differently from SQLite, and the ledger makes the same."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa

from domain.records import Reason, Rejection
from store.ledger import Coverage, Ledger, outbox
from store.ledger.alone import alone
from store.ledger.audit import Entry, append, audit, check_chain, read_audit
from store.ledger.outbox import Letter
from tests.store.postgres import database

T0 = datetime(2026, 8, 20, tzinfo=UTC)


def together(n, work):
    """Run `work(i)` in n threads that begin at once; what they returned."""
    out, at_once = {}, Barrier(n)

    def one(i):
        at_once.wait()
        out[i] = work(i)

    threads = [Thread(target=one, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return [out[i] for i in range(n)]


def test_tables_are_made_once_though_many_open_an_empty_database_at_once(postgres):
    folder = Path(str(sa.make_url(postgres).query["host"]))
    address = database(folder, "empty")
    ledgers = together(6, lambda _: Ledger(address))
    assert [x.cursor("compute") for x in ledgers] == [-1] * 6
    with ledgers[0].begin() as tx, pytest.raises(sa.exc.DBAPIError, match="append-only"):
        tx.execute(sa.delete(audit))
    for ledger in ledgers:
        ledger.engine.dispose()


@pytest.mark.parametrize("what", [sa.delete(audit), sa.update(audit).values(why="other")], ids=["delete", "update"])
def test_the_audit_trail_is_append_only(ledger, what):
    with ledger.begin() as tx:
        append(tx, [Entry("zhang", "i-1", "acknowledge")], T0)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), ledger.begin() as tx:
        tx.execute(what)
    assert check_chain(ledger) == []
    assert read_audit(ledger)["why"].tolist() == [""]


def test_postgresql_refuses_to_empty_the_trail(postgres):
    ledger = Ledger(postgres)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), ledger.begin() as tx:
        tx.exec_driver_sql("TRUNCATE audit")
    ledger.engine.dispose()


def test_many_writers_at_once_make_one_chain(ledger):
    def write(i):
        for n in range(5):
            with ledger.begin() as tx:
                append(tx, [Entry(f"w{i}", "i-1", "note", str(n))], T0)

    together(6, write)
    trail = read_audit(ledger)
    assert trail["number"].tolist() == list(range(30))
    assert check_chain(ledger) == []


def test_a_letter_is_put_once_whoever_is_first(ledger):
    letters = [Letter(f"k{n}", "log", T0, "{}") for n in range(20)]

    def put(_i):
        with ledger.begin() as tx:
            return outbox.put(tx, ledger, letters, T0)

    assert sorted(together(4, put)) == [0, 0, 0, 20]
    assert [x.key for x in outbox.due(ledger, "log", T0)] == sorted(x.key for x in letters)


def test_a_settled_letter_is_settled_once(ledger):
    letter = Letter("k", "log", T0, "{}")
    with ledger.begin() as tx:
        outbox.put(tx, ledger, [letter], T0)
    together(4, lambda _: outbox.attempted(ledger, letter, "sent", "", T0, T0))
    assert outbox.read_deliveries(ledger)["attempt"].tolist() == [1]


def test_one_at_a_time_under_a_name(ledger):
    inside, most = [], []

    def enter(i):
        with alone(ledger, "deliver.log"):
            inside.append(i)
            most.append(len(inside))
            with ledger.reading() as connection:
                connection.execute(sa.select(1))
            inside.remove(i)

    together(6, enter)
    assert most == [1] * 6


def test_a_reader_sees_one_moment(ledger):
    with ledger.reading() as connection:
        count = sa.select(sa.func.count()).select_from(audit)
        before = connection.scalar(count)
        with ledger.begin() as tx:
            append(tx, [Entry("zhang", "i-1", "note")], T0)
        assert (before, connection.scalar(count)) == (0, 0)


def test_text_with_a_zero_character_is_kept(ledger):
    """A hostile report or a noisy line may hold it, and PostgreSQL has no text with it."""
    row = Rejection(
        feed="f", received_at=T0, reason=Reason.GARBAGE, detail="MN=\x00x", raw_ref="raw/aa/b", offset=0, length=1
    )
    assert ledger.reject([row]) == 1
    assert ledger.reject([row]) == 0
    assert ledger.rejections()["detail"][0] in {"MN=\x00x", "MN=\u2400x"}


def test_a_better_answer_replaces_a_worse_one(ledger):
    coverage = Coverage(ledger)
    for state in ("failed", "received", "empty"):
        coverage.mark("f", T0, T0 + timedelta(hours=1), state, now=T0)
    assert coverage.read()["state"].tolist() == ["received"]
