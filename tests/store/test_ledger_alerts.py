"""The part of the ledger that must never forget or repeat: alerts, transitions, outbox."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.records import Alert
from store.ledger import Ledger, outbox
from store.ledger import alerts as book
from store.ledger.alerts import RuleState, Stored, Transition
from store.ledger.outbox import Letter

T0 = datetime(2026, 8, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)


def alert(start: float = 0, end: float | None = None, *, subject: str = "air-1", status: str = "") -> Alert:
    return Alert(
        fingerprint=f"f-{subject}",
        rule="air.polluted",
        subject=subject,
        labels={"township": "331102001"},
        status=status or ("firing" if end is None else "resolved"),
        starts_at=T0 + start * HOUR,
        fired_at=T0 + (start + 1) * HOUR,
        ends_at=None if end is None else T0 + end * HOUR,
        value=1.5,
        threshold=1.0,
        severity="blue",
        summary_zh="中文",
        summary_en="English",
    )


def test_an_alert_comes_back_as_it_was(ledger: Ledger) -> None:
    with ledger.begin() as tx:
        (key,) = book.insert(tx, [alert()])
        assert book.stored(tx, ["air.polluted"]) == [Stored(key, alert())]
        assert book.stored(tx, ["other"]) == []
        assert book.stored(tx, ["air.polluted"], T0 + HOUR) == []
        book.update(tx, [Stored(key, alert(0, 5))])
    row = book.read_alerts(ledger).iloc[0]
    assert (row["ends_at"], row["status"], row["labels"]) == (T0 + 5 * HOUR, "resolved", {"township": "331102001"})


def test_an_id_is_never_used_twice_though_starts_move(ledger: Ledger) -> None:
    with ledger.begin() as tx:
        (first,) = book.insert(tx, [alert(5, 6)])
        book.update(tx, [Stored(first, alert(0, 1))])
        (second,) = book.insert(tx, [alert(5, 6)])
        book.update(tx, [Stored(second, alert(2, 3))])
        (third,) = book.insert(tx, [alert(5, 6)])
    assert len({first, second, third}) == 3


def test_only_what_is_pending_can_be_forgotten(ledger: Ledger) -> None:
    with ledger.begin() as tx:
        ids = book.insert(tx, [alert(), alert(9, status="pending")])
        book.forget(tx, ids)
    assert book.read_alerts(ledger)["id"].tolist() == ids[:1]


@pytest.mark.parametrize(
    ("more", "starts"),
    [
        ({}, [0, 3, 9]),
        ({"status": "firing"}, [9]),
        ({"status": ["firing", "resolved"]}, [0, 3, 9]),
        ({"rule": "other"}, []),
        ({"start": T0 + 2 * HOUR}, [3, 9]),
        ({"end": T0 + 3 * HOUR}, [0]),
        ({"start": T0 + 4 * HOUR, "end": T0 + 9 * HOUR}, [3]),
    ],
)
def test_alerts_are_found_by_rule_status_and_overlap(
    ledger: Ledger, more: dict[str, object], starts: list[int]
) -> None:
    with ledger.begin() as tx:
        book.insert(tx, [alert(0, 2), alert(3, 5), alert(9)])
    found = book.read_alerts(ledger, **more)  # type: ignore[arg-type]
    assert [(t - T0) // HOUR for t in found["starts_at"]] == starts
    assert str(found["starts_at"].dtype) == "datetime64[us, UTC]"


def test_what_goes_on_after_a_moment(ledger: Ledger) -> None:
    with ledger.begin() as tx:
        book.insert(
            tx, [alert(0, 2), alert(3), alert(0, 9, subject="air-2"), alert(0, subject="air-3", status="withdrawn")]
        )
        assert {s.alert.subject for s in book.fired_after(tx, ["air.polluted"], T0 + 5 * HOUR)} == {"air-1", "air-2"}
    assert book.reaching(ledger, "air.polluted", T0 + HOUR) == {"air-1": T0, "air-2": T0}
    assert book.reaching(ledger, "air.polluted", T0 + 2 * HOUR) == {"air-1": T0 + 3 * HOUR, "air-2": T0}
    assert book.reaching(ledger, "other", T0) == {}


def test_of_two_that_read_the_same_only_one_may_write(ledger: Ledger) -> None:
    seen = book.committed(ledger)
    with ledger.begin() as tx:
        assert book.claim(tx, ledger, seen)
    with ledger.begin() as tx:
        assert not book.claim(tx, ledger, seen)
        assert book.claim(tx, ledger, seen + 1)
    assert book.committed(ledger) == seen + 2


def test_rule_states_are_replaced_and_forgotten(ledger: Ledger) -> None:
    with ledger.begin() as tx:
        book.save_states(tx, {"a": RuleState("1", T0), "b": RuleState("2", T0)}, [])
    with ledger.begin() as tx:
        book.save_states(tx, {"a": RuleState("3", T0 + HOUR)}, ["b"])
    assert book.states(ledger) == {"a": RuleState("3", T0 + HOUR)}


def test_transitions_wait_for_their_verdict(ledger: Ledger) -> None:
    with ledger.begin() as tx:
        (key,) = book.insert(tx, [alert()])
        happened = [Transition(f"{key}/{n}", key, n, T0, "blue", "", i) for i, n in enumerate(["firing", "resolved"])]
        book.record(tx, happened, T0)
        assert book.waiting(tx) == [(t, alert()) for t in happened]
        assert book.counts_of(tx, [key]) == {key: {"firing": 1, "resolved": 1}}
        book.decide(tx, [(happened[0].id, "told", "group"), (happened[1].id, "dropped", "why")])
        assert book.waiting(tx) == []
        assert book.told(tx, [key]) == {key: happened[:1]}
        book.record(tx, [], T0)
        book.decide(tx, [])
    assert book.read_transitions(ledger, key)["why"].tolist() == ["group", "why"]
    assert book.read_transitions(ledger, "none").empty


class TestOutbox:
    LETTER = Letter("k", "log", T0, "{}")

    def put(self, ledger: Ledger, *letters: Letter) -> int:
        with ledger.begin() as tx:
            return outbox.put(tx, ledger, letters, T0)

    def test_the_same_letter_is_put_once(self, ledger: Ledger) -> None:
        assert self.put(ledger, self.LETTER) == 1
        assert self.put(ledger, self.LETTER, replace(self.LETTER, key="k2")) == 1
        assert len(outbox.read_outbox(ledger)) == 2

    def test_what_is_due_comes_in_order_and_by_channel(self, ledger: Ledger) -> None:
        self.put(
            ledger, replace(self.LETTER, key="b", at=T0 + HOUR), self.LETTER, replace(self.LETTER, key="c", channel="x")
        )
        assert [x.key for x in outbox.due(ledger, "log", T0)] == ["k", "b"]
        assert outbox.due(ledger, "log", T0 - HOUR) == []

    @pytest.mark.parametrize(
        ("result", "state", "due"), [("sent", "sent", 0), ("refused", "refused", 0), ("failed", "pending", 1)]
    )
    def test_attempts_are_recorded(self, ledger: Ledger, result: str, state: str, due: int) -> None:
        self.put(ledger, self.LETTER)
        outbox.attempted(ledger, self.LETTER, result, "why", T0, T0 + HOUR)
        assert outbox.read_outbox(ledger)["state"].tolist() == [state]
        assert outbox.read_outbox(ledger, "pending")["attempts"].tolist() == [1] * due
        assert outbox.due(ledger, "log", T0) == []
        assert len(outbox.due(ledger, "log", T0 + HOUR)) == due
        assert outbox.read_deliveries(ledger)[["attempt", "result", "detail"]].values.tolist() == [[1, result, "why"]]

    def test_what_another_run_has_settled_is_left_alone(self, ledger: Ledger) -> None:
        self.put(ledger, self.LETTER)
        outbox.attempted(ledger, self.LETTER, "sent", "", T0, T0)
        outbox.attempted(ledger, self.LETTER, "failed", "", T0, T0)
        assert outbox.read_outbox(ledger)["state"].tolist() == ["sent"]
        assert len(outbox.read_deliveries(ledger)) == 1
