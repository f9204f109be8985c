"""The life of an alert: cases with a sentence each, the laws, and Prometheus itself as the oracle."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.lifecycle import Ended, Finding, History, Interval, Policy, State, history, step

FOREVER = 10**9


@dataclass(frozen=True)
class Case:
    says: str
    values: str  # one hour each: T true, H false but within the deadband, F false, _ missing
    policy: Policy
    now: int
    alerts: list[tuple[int, int | None, int | None, str]]  # starts, fired, ends, reason
    length: int = 1


CASES = [
    Case("Nothing measured, nothing alarmed.", "", Policy(3), 9, []),
    Case("A true value fires at the end of its period when there is nothing to wait for.", "FTF", Policy(3), 3,
         [(1, 2, 3, "recovered")]),
    Case("Three hourly values fulfil three hours, since each speaks for its whole hour.", "FTTT", Policy(3, hold=3), 4,
         [(1, 4, None, "")]),
    Case("Two hourly values do not: the alert is pending.", "FTT", Policy(3, hold=3), 3, [(1, None, None, "")]),
    Case("A false value in between forgets what was pending.", "TTFTT", Policy(3, hold=3), 5, [(3, None, None, "")]),
    Case("A missing value forgets nothing before it is stale.", "TT_T", Policy(3, hold=4), 4, [(0, 4, None, "")]),
    Case("A stale pending alert is forgotten, and the next true value begins anew.", "T____T", Policy(3, hold=2), 6,
         [(5, None, None, "")]),
    Case("A firing alert without data ends as stale, exactly stale_after past the last value.", "T", Policy(3), 9,
         [(0, 1, 4, "stale")]),
    Case("One moment before the deadline it still fires.", "T", Policy(3), 3, [(0, 1, None, "")]),
    Case("A value exactly at the deadline is in time.", "T__T", Policy(3), 4, [(0, 1, None, "")]),
    Case("A value past the deadline cannot unsay the end: it is a new alert.", "T___T", Policy(3), 5,
         [(0, 1, 4, "stale"), (4, 5, None, "")]),
    Case("Keep holds a firing alert over a dip.", "TFTFF", Policy(9, keep=2), 5, [(0, 1, 5, "recovered")]),
    Case("Keep counts from the last true value.", "TFF", Policy(9, keep=2), 3, [(0, 1, 3, "recovered")]),
    Case("Keep never prolongs what only was pending.", "TFT", Policy(9, hold=3, keep=5), 3, [(2, None, None, "")]),
    Case("A count wants values, not hours.", "T__T", Policy(5, count=2), 4, [(0, 4, None, "")]),
    Case("Both a count and a time must be fulfilled.", "T__TT", Policy(5, count=2, hold=5), 5, [(0, 5, None, "")]),
    Case("A value whose period is not over is not judged yet.", "TT", Policy(5, count=2), 1, [(0, None, None, "")]),
    Case("In the deadband a firing alert goes on.", "THHF", Policy(9), 4, [(0, 1, 4, "recovered")]),
    Case("In the deadband nothing begins.", "FHH", Policy(9), 3, []),
    Case("And what only was pending is forgotten.", "THT", Policy(9, hold=2), 3, [(2, None, None, "")]),
    Case("Keep counts from the last value in the deadband.", "THFF", Policy(9, keep=2), 4, [(0, 1, 4, "recovered")]),
    Case("For instants `for` is a distance, as in Prometheus: the fourth hourly instant fulfils three hours.", "TTTT",
         Policy(3, hold=3), 3, [(0, 3, None, "")], length=0),
]  # fmt: skip


def findings(text: str, length: int = 1) -> list[Finding]:
    return [Finding(i, i + length, c == "T", c == "H") for i, c in enumerate(text) if c != "_"]


def folded(found: list[Finding], now: int, policy: Policy) -> list[Interval]:
    state, out = State(), []
    for finding in found:
        state, ended = step(state, finding, min(now, finding.end), policy)
        out += ended
    state, ended = step(state, None, now, policy)
    return [*out, *ended, *([state.alert] if state.alert else [])]


def intervals(h: History) -> list[list[Interval]]:
    """The alerts of each series."""
    out: dict[int, list[Interval]] = {}
    for s, a, f, e, stale in zip(h.series, h.starts_at, h.fired_at, h.ends_at, h.stale, strict=True):
        reason = None if e < 0 else (Ended.STALE if stale else Ended.RECOVERED)
        alert = Interval(int(a), None if f < 0 else int(f), None if e < 0 else int(e), reason)
        out.setdefault(int(s), []).append(alert)
    return [out[s] for s in sorted(out)]


def whole(found: list[list[Finding]], now: int, policy: Policy, order: list[int] | None = None) -> History:
    rows = [(s, f.start, f.end, f.breach, f.held) for s, one in enumerate(found) for f in one]
    rows = rows if order is None else [rows[i] for i in order]
    columns = np.array(rows, dtype=np.int64).reshape(len(rows), 5).T
    breach, held = columns[3].astype(bool), columns[4].astype(bool)
    return history(columns[0], columns[1], columns[2], breach, now, policy, held=held)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.says)
def test_case(case: Case) -> None:
    expected = [Interval(s, f, e, Ended(r) if r else None) for s, f, e, r in case.alerts]
    found = findings(case.values, case.length)
    assert folded(found, case.now, case.policy) == expected
    assert intervals(whole([found], case.now, case.policy)) == ([expected] if expected else [])


policies = st.builds(
    Policy,
    stale_after=st.integers(1, 8),
    hold=st.integers(0, 6),
    count=st.integers(1, 4),
    keep=st.integers(0, 6),
)


@st.composite
def one_series(draw: st.DrawFn) -> list[Finding]:
    """Values in order of their ends, of unequal lengths and with gaps, mostly long rows of the same answer."""
    steps = draw(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3), st.integers(0, 4)), max_size=25))
    out, end, breach = [], 0, True
    for gap, length, turn in steps:
        end += gap
        breach = breach if turn else not breach
        out.append(Finding(end - length, end, breach, not breach and turn == 2))
    return out


@given(one_series(), policies, st.integers(0, 130))
def test_history_is_the_fold_of_step(found: list[Finding], policy: Policy, now: int) -> None:
    expected = folded([f for f in found if f.end <= now], now, policy)
    assert intervals(whole([found], now, policy)) == ([expected] if expected else [])


@given(st.lists(one_series(), max_size=5), policies, st.integers(0, 130), st.data())
def test_order_of_arrival_and_neighbours_do_not_matter(
    found: list[list[Finding]], policy: Policy, now: int, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(sum(map(len, found)))))
    shuffled = intervals(whole(found, now, policy, order))
    assert shuffled == intervals(whole(found, now, policy))
    assert shuffled == [a for a in (folded([f for f in one if f.end <= now], now, policy) for one in found) if a]


@given(one_series(), policies, st.integers(0, 130))
def test_step_is_idempotent(found: list[Finding], policy: Policy, now: int) -> None:
    state = State()
    for finding in found:
        state, _ = step(state, finding, now, policy)
        assert step(state, finding, now, policy) == (state, ())
        assert step(state, None, now, policy) == (state, ())


@given(one_series(), policies, st.lists(st.integers(0, 130), max_size=8), st.integers(130, 200))
def test_looking_more_often_changes_nothing(found: list[Finding], policy: Policy, looks: list[int], now: int) -> None:
    """Evaluating hour by hour gives what one evaluation over everything gives."""
    state, out = State(), []
    for at in [*sorted(looks), now]:
        for finding in found:
            if finding.end <= at:
                state, ended = step(state, finding, finding.end, policy)
                out += ended
        state, ended = step(state, None, at, policy)
        out += ended
    assert [*out, *([state.alert] if state.alert else [])] == folded(found, now, policy)


@given(st.builds(State, alert=st.none() | st.builds(Interval, starts_at=st.integers(0, 9)), seen=st.none()
    | st.integers(0, 9), last_true=st.none() | st.integers(0, 9), n_true=st.integers(0, 3)),
    st.none() | st.builds(Finding, start=st.integers(0, 20), end=st.integers(0, 20), breach=st.booleans()),
    st.integers(0, 30), policies)  # fmt: skip
def test_step_is_total(state: State, finding: Finding | None, now: int, policy: Policy) -> None:
    after, ended = step(state, finding, now, policy)
    assert all(e.ends_at is not None and e.reason is not None for e in ended)
    assert after.seen is None or after.seen <= max(now, state.seen or 0)


@given(one_series(), policies, st.integers(0, 130))
def test_what_is_past_does_not_depend_on_what_comes(found: list[Finding], policy: Policy, now: int) -> None:
    """An alert that was over stays as it was, whatever is measured later."""
    early = [a for one in intervals(whole([found], now, policy)) for a in one if a.ends_at is not None]
    late = [a for one in intervals(whole([found], FOREVER, policy)) for a in one]
    assert [a for a in early if a not in late] == []


def test_first_last_and_firing_findings_are_named() -> None:
    h = whole([findings("FTTFTFF")], 9, Policy(9, hold=2, keep=2))
    assert [h.order[h.first].tolist(), h.order[h.fired].tolist(), h.order[h.last].tolist()] == [[1], [2], [4]]
