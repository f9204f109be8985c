"""The ledger against the data: what is new, changed, withdrawn, and what happened on the way."""

from dataclasses import dataclass, replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.findings import Found
from alerts.reconcile import Change, reconcile
from domain.records import Alert
from store.ledger.alerts import Stored
from tests.alerts.conftest import hours

NOW = hours(99)


def alert(starts: float, fired: float | None = None, ends: float | None = None, **more: object) -> Alert:
    status = "pending" if fired is None else ("firing" if ends is None else "resolved")
    fields: dict[str, object] = {
        "fingerprint": "f", "rule": "air.polluted", "subject": "air-1", "status": status, "starts_at": hours(starts),
        "fired_at": None if fired is None else hours(fired), "ends_at": None if ends is None else hours(ends),
        "reason": "" if ends is None else "recovered", "value": 1.0, "threshold": 0.0, "severity": "yellow",
        "summary_zh": "", "summary_en": "",
    }  # fmt: skip
    return Alert(**{**fields, **more})  # type: ignore[arg-type]


def found(a: Alert, fired_as: str = "", *escalations: tuple[float, str]) -> Found:
    return Found(a, fired_as or a.severity, tuple((hours(h), s) for h, s in escalations))


def stored(*alerts: Alert) -> list[Stored]:
    return [Stored(str(i), a) for i, a in enumerate(alerts)]


@dataclass(frozen=True)
class Case:
    says: str
    before: list[Alert]
    data: list[Found]
    changes: list[tuple[str | None, str, list[str]]]  # id, status ("": forgotten), events


CASES = [
    Case("Nothing is nothing.", [], [], []),
    Case("A new pending alert is written and not news.", [], [found(alert(0))], [(None, "pending", [])]),
    Case("A new firing one is news.", [], [found(alert(0, 1))], [(None, "firing", ["firing"])]),
    Case("One found over is told from beginning to end.", [], [found(alert(0, 1, 2))],
         [(None, "resolved", ["firing", "resolved"])]),
    Case("What is unchanged is left alone.", [alert(0, 1, 2)], [found(alert(0, 1, 2))], []),
    Case("A pending alert fires.", [alert(0)], [found(alert(0, 1))], [("0", "firing", ["firing"])]),
    Case("A pending alert that is no more is forgotten.", [alert(0)], [], [("0", "", [])]),
    Case("A pending alert that began elsewhere is another one.", [alert(1)], [found(alert(0))],
         [("0", "", []), (None, "pending", [])]),
    Case("A firing alert ends.", [alert(0, 1)], [found(alert(0, 1, 5))], [("0", "resolved", ["resolved"])]),
    Case("An alert that did not end after all goes on.", [alert(0, 1, 5)], [found(alert(0, 1))],
         [("0", "firing", ["reopened"])]),
    Case("Its end may only move.", [alert(0, 1, 5)], [found(alert(0, 1, 7))], [("0", "resolved", [])]),
    Case("Late data move the start: the same alert.", [alert(3, 4, 6)], [found(alert(1, 2, 6))],
         [("0", "resolved", [])]),
    Case("One that fired and is not justified any more is withdrawn.", [alert(0, 1)], [],
         [("0", "withdrawn", ["withdrawn"])]),
    Case("A withdrawn one stays.", [alert(0, 1, status="withdrawn")], [], []),
    Case("A withdrawn one may be justified again.", [alert(0, 1, status="withdrawn")], [found(alert(0, 1))],
         [("0", "firing", ["restored"])]),
    Case("What fired and now is only pending is withdrawn until it fires.", [alert(0, 1)], [found(alert(0))],
         [("0", "withdrawn", ["withdrawn"])]),
    Case("Two alerts that become one keep the first and withdraw the second.", [alert(0, 1, 3), alert(5, 6, 8)],
         [found(alert(0, 1, 8))], [("1", "withdrawn", ["withdrawn"]), ("0", "resolved", [])]),
    Case("One that becomes two is one more.", [alert(0, 1, 8)], [found(alert(0, 1, 3)), found(alert(5, 6, 8))],
         [("0", "resolved", []), (None, "resolved", ["firing", "resolved"])]),
    Case("A worse severity at firing is the severity it fires with.", [], [found(alert(0, 1, severity="red"), "red")],
         [(None, "firing", ["firing"])]),
    Case("It grows while it fires.", [alert(0, 1)],
         [found(alert(0, 1, severity="red"), "yellow", (2, "orange"), (3, "red"))],
         [("0", "firing", ["escalated", "escalated"])]),
    Case("Late data show that it was worse from the beginning.", [alert(0, 1)], [found(alert(0, 1, severity="red"))],
         [("0", "firing", ["escalated"])]),
    Case("It is not so bad after all.", [alert(0, 1, severity="red")], [found(alert(0, 1))],
         [("0", "firing", ["eased"])]),
    Case("It was not so bad: no news, since it is over.", [alert(0, 1, 5, severity="red")], [found(alert(0, 1, 5))],
         [("0", "resolved", [])]),
    Case("It goes down while it fires, and up again.", [alert(0, 1, severity="red")],
         [found(alert(0, 1, severity="red", severity_now="red"), "red", (2, "yellow"), (3, "red"))],
         [("0", "firing", ["eased", "escalated"])]),
    Case("What was told of its turns is not told again.",
         [alert(0, 1, severity="red", severity_now="yellow", turned_at=hours(2))],
         [found(alert(0, 1, severity="red", severity_now="yellow", turned_at=hours(2), value=7.0), "red",
                (2, "yellow"))], [("0", "firing", [])]),
]  # fmt: skip


def brief(changes: list[Change]) -> list[tuple[str | None, str, list[str]]]:
    return [(c.id, "" if c.alert is None else c.alert.status, [e.name for e in c.events]) for c in changes]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.says)
def test_case(case: Case) -> None:
    assert brief(reconcile(stored(*case.before), case.data, now=NOW, why="data")) == case.changes


def test_a_withdrawal_says_when_and_why() -> None:
    (change,) = reconcile(stored(alert(0, 1)), [], now=NOW, why="rule")
    assert (change.events[0].at, change.events[0].reason) == (NOW, "rule")
    assert change.alert is not None
    assert change.alert.reason == "rule"


def test_who_silenced_an_alert_is_not_forgotten_when_it_changes() -> None:
    before = alert(0, 1, inhibited_by="water.ammonia")
    assert reconcile(stored(before), [found(replace(before, inhibited_by=""))], now=NOW, why="data") == []
    (change,) = reconcile(stored(before), [found(alert(0, 1, 5))], now=NOW, why="data")
    assert change.alert is not None
    assert change.alert.inhibited_by == "water.ammonia"


@st.composite
def alerts(draw: st.DrawFn, *, withdrawn: bool = False) -> list[Alert]:
    """Alerts of one rule and subject in time, the last perhaps open or pending, some perhaps withdrawn."""
    cuts = sorted(draw(st.sets(st.integers(0, 60), max_size=12)))
    found_ = [alert(*cuts[i : i + 3]) for i in range(0, len(cuts), 3)]
    severities = draw(st.lists(st.sampled_from(["yellow", "red"]), min_size=len(found_), max_size=len(found_)))
    gone = draw(st.lists(st.booleans(), min_size=len(found_), max_size=len(found_)))
    return [
        replace(a, severity=s, status="withdrawn" if withdrawn and g and a.fired_at else a.status)
        for a, s, g in zip(found_, severities, gone, strict=True)
    ]


def apply(before: list[Stored], changes: list[Change]) -> list[Stored]:
    rows = {s.id: s.alert for s in before}
    for n, c in enumerate(changes):
        if c.alert is None:
            del rows[str(c.id)]
        else:
            rows[c.id or f"new{n}-{len(rows)}"] = c.alert
    return [Stored(i, a) for i, a in rows.items()]


@given(alerts(withdrawn=True), alerts())
def test_afterwards_the_ledger_says_what_the_data_say(before: list[Alert], data: list[Alert]) -> None:
    start = stored(*before)
    found_ = [found(a) for a in data]
    after = apply(start, reconcile(start, found_, now=NOW, why="data"))
    said = sorted((s.alert for s in after if s.alert.status != "withdrawn"), key=lambda a: a.starts_at)
    fired = {a.starts_at for a in before if a.status != "pending"}
    wanted = [a for a in data if a.status != "pending" or a.starts_at not in fired]
    assert said == wanted
    keys: list[datetime] = [s.alert.starts_at for s in after]
    assert len(keys) == len(set(keys)), "one alert for each start"
    assert reconcile(after, found_, now=NOW, why="data") == []


@given(alerts(withdrawn=True), alerts())
def test_nothing_that_fired_is_lost(before: list[Alert], data: list[Alert]) -> None:
    start = stored(*before)
    after = {s.id for s in apply(start, reconcile(start, [found(a) for a in data], now=NOW, why="data"))}
    assert {s.id for s in start if s.alert.status != "pending"} <= after
