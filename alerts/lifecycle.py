"""The life of an alert: pending, firing, resolved; a pure function of what was measured, not of when it was looked at.

A *finding* says whether the condition held over one value's period [start, end). It is judged at `end`, the moment the
value can exist; a finding that does not exist is a gap. The rules of life:

| event | inactive | pending | firing |
|---|---|---|---|
| condition true | pending since `start` of the value | held: fires at `end` when `for` is fulfilled | goes on |
| condition false | stays | forgotten | resolved (recovered) at `end`, if `keep` has passed since the last true |
| false, but held in the deadband | stays | forgotten | goes on, as if it were true |
| no value for `stale_after` | stays | forgotten | resolved (stale) exactly `stale_after` after the last value |

These are the rules of Prometheus (rules/alerting.go) with five deliberate differences:

1. A value speaks for the whole of its period: `for: PT3H` is three hourly values, where Prometheus, which only knows
   instants, would want a fourth. For values of period PT0S both are the same.
2. A missing value is no proof of recovery: only `stale_after` ends an alert for want of data, under its own reason.
   Prometheus forgets at the first evaluation that finds nothing.
3. `keep` counts from the last moment the condition was true; `keep_firing_for` counts from the first evaluation at
   which it was not, which is one evaluation later.
4. `for` may also be a number of consecutive values, for feeds that are irregular by nature.
5. A deadband: what fires goes on until a value is well on the good side of the threshold.

All times are int64 microseconds since 1970 UTC: the same code serves a test with small integers.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Status(StrEnum):
    """What the data say of an alert; `withdrawn` is one that data corrected later never justified."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"


class Ended(StrEnum):
    """Why an alert is over; a stale one must never be announced as a recovery."""

    RECOVERED = "recovered"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Policy:
    """The times of one rule, in microseconds; an alert fires when both `hold` and `count` are fulfilled."""

    stale_after: int
    hold: int = 0
    count: int = 1
    keep: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether the condition held over [start, end); `held`: no, but the value is within the deadband."""

    start: int
    end: int
    breach: bool
    held: bool = False


@dataclass(frozen=True, slots=True)
class Interval:
    """One alert: since when the condition held, when it fired, when and why it was over (None: not)."""

    starts_at: int
    fired_at: int | None = None
    ends_at: int | None = None
    reason: Ended | None = None


@dataclass(frozen=True, slots=True)
class State:
    """All that must be remembered of one rule and subject: the alert there is, and the last values seen."""

    alert: Interval | None = None
    seen: int | None = None  # end of the last finding
    last_true: int | None = None  # end of the last true one, or of the last held one while it fires
    n_true: int = 0  # true ones in a row


def step(state: State, finding: Finding | None, now: int, policy: Policy) -> tuple[State, tuple[Interval, ...]]:
    """The state after one more finding (or none) looked at `now`, and the alerts that ended on the way.

    Total: any state and finding give a state. Idempotent: a finding already seen, or older than one seen, or not yet
    over at `now`, changes nothing. Looking more often changes nothing either.
    """
    ended: tuple[Interval, ...] = ()
    new = finding is not None and finding.end <= now and (state.seen is None or finding.end > state.seen)
    if finding is not None and new:
        state, ended = _expire(state, finding.end, policy, arrived=True)
        state, recovered = _absorb(state, finding, policy)
        ended += recovered
    state, stale = _expire(state, now, policy, arrived=False)
    return state, ended + stale


def _expire(state: State, at: int, policy: Policy, *, arrived: bool) -> tuple[State, tuple[Interval, ...]]:
    """End what had no value for too long. A value that arrives exactly at the deadline is in time."""
    if state.alert is None or state.seen is None:
        return state, ()
    deadline = state.seen + policy.stale_after
    if at < deadline or (arrived and at == deadline):
        return state, ()
    alert = state.alert
    over = () if alert.fired_at is None else (replace(alert, ends_at=deadline, reason=Ended.STALE),)
    return replace(state, alert=None, last_true=None, n_true=0), over


def _absorb(state: State, finding: Finding, policy: Policy) -> tuple[State, tuple[Interval, ...]]:
    alert = state.alert
    if finding.breach:
        alert = alert or Interval(finding.start)
        n_true = state.n_true + 1
        if alert.fired_at is None and n_true >= policy.count and finding.end - alert.starts_at >= policy.hold:
            alert = replace(alert, fired_at=finding.end)
        return State(alert, finding.end, finding.end, n_true), ()
    if alert is not None and alert.fired_at is not None and state.last_true is not None:
        if finding.held:
            return State(alert, finding.end, finding.end), ()
        if finding.end - state.last_true < policy.keep:
            return replace(state, seen=finding.end, n_true=0), ()
        return State(seen=finding.end), (replace(alert, ends_at=finding.end, reason=Ended.RECOVERED),)
    return State(seen=finding.end), ()


@dataclass(frozen=True, slots=True)
class History:
    """All alerts of many series: one element an alert, in the order of series and time.

    `order` is the order in which the findings were judged (positions in the input); `first` and `last` are positions
    in `order`, of the first and the last true finding of each alert. `fired_at` and `ends_at` are -1 where there is
    none.
    """

    order: Ints
    series: Ints
    first: Ints
    last: Ints
    fired: Ints  # position in `order` of the finding that made it fire, -1 while pending
    starts_at: Ints
    fired_at: Ints
    ends_at: Ints
    stale: Bools  # whether it ended for want of data


def history(
    series: Ints, start: Ints, end: Ints, breach: Bools, now: int, policy: Policy, *, held: Bools | None = None
) -> History:
    """What folding `step` over every series up to `now` gives, at once for all series and in any order of input.

    Args:
        series: number of the series (n,).
        start: start of each value's period (n,).
        end: its end (n,); of values of one series with one end the one that starts first is judged.
        breach: whether the condition held (n,).
        now: findings that end later are not judged yet.
        policy: the times of the rule.
        held: whether the value is at least within the deadband (n,); by default there is none.
    """
    order = _judged(series, start, end, now)
    s, a, e, b = series[order], start[order], end[order], breach[order]
    still = b if held is None else b | held[order]
    new_series = np.r_[True, s[1:] != s[:-1]][: len(s)]
    new_part = new_series | np.r_[True, np.diff(e) > policy.stale_after][: len(s)]
    newest = np.r_[new_series[1:], True][: len(s)]  # the last finding of its series
    part = np.cumsum(new_part) - 1
    part_last = np.r_[np.flatnonzero(new_part)[1:], len(s)] - 1

    runs = _runs(a, e, b, still, new_part, policy)
    alerts = _fired(_chains(part[runs.first], runs.over), runs.fire)
    first, fired = runs.first[alerts.begin], runs.fire[alerts.begin]
    over = runs.over[alerts.end]
    final = part_last[part[first]]
    deadline = e[final] + policy.stale_after
    stale = (over < 0) & (~newest[final] | (deadline <= now))
    # Runs at the very end of their series that have not fired and are not too old.
    fresh = newest[runs.last] & (e[runs.last] + policy.stale_after > now)
    pending = np.flatnonzero(fresh & ~alerts.covered)
    none = np.full(len(pending), -1, dtype=np.int64)
    first = np.r_[first, runs.first[pending]]
    by = np.lexsort((a[first], s[first]))
    return History(
        order=order,
        series=s[first][by],
        first=first[by],
        last=np.r_[runs.last[alerts.end], runs.last[pending]][by],
        fired=np.r_[fired, none][by],
        starts_at=a[first][by],
        fired_at=np.r_[e[fired], none][by],
        ends_at=np.r_[np.where(over >= 0, e[over], np.where(stale, deadline, -1)), none][by],
        stale=np.r_[stale, none > 0][by],
    )


def _judged(series: Ints, start: Ints, end: Ints, now: int) -> Ints:
    order = np.lexsort((start, end, series))
    order = order[end[order] <= now]
    same = (series[order][1:] == series[order][:-1]) & (end[order][1:] == end[order][:-1])
    return order[np.r_[True, ~same][: len(order)]].astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Runs:
    """Maximal rows of true findings without a stale gap, as positions."""

    first: Ints
    last: Ints
    fire: Ints  # the finding at which the run would fire, -1: never
    over: Ints  # the false finding that ends an alert after the run, -1: none before the next run or gap


def _runs(a: Ints, e: Ints, b: Bools, still: Bools, new_part: Bools, policy: Policy) -> _Runs:
    n = len(e)
    begins = b & (new_part | ~np.r_[False, b[:-1]][:n])
    ends = b & np.r_[new_part[1:] | ~b[1:], True][:n]
    first, last = np.flatnonzero(begins), np.flatnonzero(ends)
    run = np.cumsum(begins) - 1
    true = np.flatnonzero(b)
    since = first[run[true]]
    fires = true[(e[true] - a[since] >= policy.hold) & (true - since + 1 >= policy.count)]
    part = np.cumsum(new_part) - 1
    # What would end an alert after each run, were it firing: a value on the good side, `keep` after the last held one.
    false = np.flatnonzero(~still & (run >= 0))
    holding = np.maximum.accumulate(np.where(still, np.arange(n), -1))
    before = holding[false]
    over = false[(part[false] == part[last[run[false]]]) & (e[false] - e[before] >= policy.keep)]
    return _Runs(first, last, _first_of(run, fires, len(first)), _first_of(run, over, len(first)))


def _first_of(run: Ints, positions: Ints, n_runs: int) -> Ints:
    """The first of `positions` (ascending) in each run; -1 where there is none."""
    out = np.full(n_runs, -1, dtype=np.int64)
    found, at = np.unique(run[positions], return_index=True)
    out[found] = positions[at]
    return out


def _chains(part: Ints, over: Ints) -> Ints:
    """Runs are one chain as long as nothing between them would end an alert."""
    if len(part) == 0:
        return part
    return np.cumsum(np.r_[True, (part[1:] != part[:-1]) | (over[:-1] >= 0)]) - 1


@dataclass(frozen=True, slots=True)
class _Fired:
    begin: Ints  # run that fires first in its chain
    end: Ints  # last run of the chain
    covered: Bools  # whether the run belongs to an alert


def _fired(chain: Ints, fire: Ints) -> _Fired:
    firing = np.flatnonzero(fire >= 0)
    chains, at = np.unique(chain[firing], return_index=True)
    begin = firing[at]
    end = np.searchsorted(chain, chains, side="right") - 1
    covered = np.zeros(len(chain) + 1, dtype=np.int64)
    np.add.at(covered, begin, 1)
    np.add.at(covered, end + 1, -1)
    return _Fired(begin, end, np.cumsum(covered)[:-1] > 0)
