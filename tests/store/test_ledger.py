"""The ledger: cursors never go back, a rejection is kept once, coverage names what came."""

from datetime import UTC, datetime, timedelta, timezone
from threading import Thread

import pytest

from domain.records import Reason, Rejection
from store.ledger import Coverage, Ledger

T0 = datetime(2026, 8, 20, tzinfo=UTC)


def rejection(**changes):
    values = {"feed": "f", "received_at": T0, "reason": Reason.BAD_CRC, "detail": "d", "raw_ref": "raw/aa/b"}
    return Rejection(**(values | changes))


def test_a_cursor_starts_at_minus_one_and_never_goes_back(ledger):
    assert ledger.cursor("compute") == -1
    ledger.advance("compute", 7)
    ledger.advance("compute", 3)
    assert ledger.cursor("compute") == 7


def test_a_rejection_is_kept_once(ledger):
    assert ledger.reject([rejection(), rejection()]) == 1
    assert ledger.reject([rejection(), rejection(offset=9)]) == 1
    found = ledger.rejections(reason="bad_crc")
    assert len(found) == 2
    assert found["received_at"][0] == T0


def test_rejections_can_be_asked_by_feed_and_time(ledger):
    ledger.reject([rejection(), rejection(feed="g", received_at=T0 + timedelta(hours=1))])
    assert ledger.rejections(feed="g")["feed"].tolist() == ["g"]
    assert len(ledger.rejections(start=T0, end=T0 + timedelta(minutes=1))) == 1


def test_a_naive_time_is_refused(ledger):
    with pytest.raises(Exception, match="no time zone"):
        ledger.reject([rejection(received_at=datetime(2026, 8, 20))])  # noqa: DTZ001


def test_times_come_back_in_utc(ledger):
    east = timezone(timedelta(hours=8))
    ledger.reject([rejection(received_at=datetime(2026, 8, 20, 8, tzinfo=east))])
    assert ledger.rejections()["received_at"][0] == T0


def test_opening_at_once_from_many_threads_works(ledger_url):
    opened = []
    threads = [Thread(target=lambda: opened.append(Ledger(ledger_url).cursor("x"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == [-1] * 8


def test_a_reader_does_not_wait_for_an_open_writing_transaction(ledger):
    ledger.reject([rejection()])
    with ledger.begin() as writing:
        ledger.advance("compute", 3, writing)
        assert len(ledger.rejections()) == 1
        with ledger.reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM cursors").scalar() == 0


def test_a_worse_answer_never_hides_a_better_one(ledger):
    coverage = Coverage(ledger)
    for state in ("failed", "empty", "received", "failed", "empty"):
        coverage.mark("f", T0, T0 + timedelta(hours=1), state, n_records=5 if state == "received" else 0, now=T0)
    found = coverage.read("f")
    assert found[["state", "n_records"]].to_numpy().tolist() == [["received", 5]]


def test_the_same_answer_again_leaves_the_row_alone(ledger):
    coverage = Coverage(ledger)
    coverage.mark("f", T0, T0 + timedelta(hours=1), "received", n_records=5, now=T0)
    coverage.mark("f", T0, T0 + timedelta(hours=1), "received", n_records=5, now=T0 + timedelta(days=1))
    assert coverage.read()["asked_at"][0] == T0


def test_an_unknown_state_is_a_mistake(ledger):
    with pytest.raises(ValueError, match="not one of"):
        Coverage(ledger).mark("f", T0, T0, "fine", now=T0)


def test_a_span_begins_where_a_feed_first_brought_something(ledger):
    coverage = Coverage(ledger)
    hour = timedelta(hours=1)
    assert coverage.span("f") is None
    coverage.mark("f", T0, T0 + hour, "empty", now=T0)
    assert coverage.span("f") is None
    coverage.mark("f", T0 + hour, T0 + 2 * hour, "received", n_records=1, now=T0)
    coverage.mark("f", T0 + 2 * hour, T0 + 3 * hour, "empty", now=T0)
    coverage.mark("f", T0 + 3 * hour, T0 + 4 * hour, "failed", now=T0)
    assert coverage.span("f") == (T0 + hour, T0 + 3 * hour)
