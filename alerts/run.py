"""The shell of the alerts: what changed in the lake -> alerts in the ledger -> messages.

Alerts are a function of the data, the rules and `now`. Every evaluation judges anew what changed since the last one,
and writes alerts, transitions, messages and cursors in one transaction: it happened or it did not. Two evaluations at
once cannot mix: one that finds that another committed since it began to read begins again.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd

from alerts import inputs, maintenance, notification, notifiers
from alerts.conditions import OnSilence
from alerts.contacts import judged_until, reach
from alerts.evaluation import found_by
from alerts.incidents.task_channel import GridTasks
from alerts.inputs import Horizon, Surroundings
from alerts.notifiers import Channel, Notifier
from alerts.rules import Rule, RuleBook, for_registry
from alerts.settle import Outcome, Settled, Telling, settle
from alerts.subjects import Subjects
from domain.errors import StoreConflict
from domain.times import LOCAL, day_start
from store.home import Home
from store.lake import Changes
from store.ledger import alerts as book
from store.ledger import outbox
from store.ledger.alerts import RuleState
from store.ledger.alone import alone
from store.ledger.suppressions import Suppression, read_suppressions

#: Called with what is being done and the share that is done.
Progress = Callable[[str, float], None]

CURSORS = {
    "indicators": "evaluate",
    "observations": "evaluate.observations",
    "quality": "evaluate.quality",
}
_SUPPRESSIONS = "evaluate.suppressions"
_ATTEMPTS = 20
_FIRST_RETRY = timedelta(minutes=1)
_LAST_RETRY = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Counts:
    """What one evaluation did; `stopped` counts what is not said, by reason."""

    rules_judged: int = 0
    alerts_new: int = 0
    alerts_changed: int = 0
    alerts_withdrawn: int = 0
    transitions: int = 0
    messages: int = 0
    stopped: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for logs and XCom."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Sent:
    """What one delivery did."""

    sent: int = 0
    failed: int = 0
    refused: int = 0
    expired: int = 0  # of those that failed: not tried any more

    def as_dict(self) -> dict[str, int]:
        """Plain values, for logs and XCom."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Task:
    """One rule to judge anew: from which horizon on, up to when, and why what is no more is withdrawn."""

    rule: Rule
    horizon: Horizon
    state: RuleState
    why: str


@dataclass(frozen=True, slots=True)
class _Plan:
    """The rules to judge, and the new states of those that have nothing to judge."""

    tasks: tuple[_Task, ...]
    idle: Mapping[str, RuleState]


def evaluate(
    home: Home,
    *,
    now: datetime,
    notifiers: Sequence[Notifier] | None = None,
    rules: RuleBook | None = None,
    progress: Progress | None = None,
) -> Counts:
    """Judge what changed since the last evaluation, and put into the outbox what is worth saying.

    Args:
        home: memory and registry.
        now: the end of the evaluated time; values that end later wait. It never goes back: an earlier `now` than that
            of a former evaluation takes that one's place.
        notifiers: the channels to write to; by default those that the environment switches on.
        rules: by default those of the registry's folder, else ours.
        progress: called with the rule that is judged and the share that is done.

    Raises:
        CatalogueError: rules, limits or channels are not as they must be.
        StoreConflict: other evaluations never let us through.
    """
    rulebook = rules or for_registry(home.registry.root)
    names = [n.name for n in _channels(home, notifiers)]
    for _ in range(_ATTEMPTS):
        try:
            return _evaluate(home, rulebook, names, now, progress or _silent)
        except StoreConflict:
            continue  # somebody committed while we read: read again, with what he wrote
    raise StoreConflict(f"alerts: {_ATTEMPTS} evaluations in a row met another one")


def _evaluate(home: Home, rules: RuleBook, channels: Sequence[str], now: datetime, progress: Progress) -> Counts:
    seen = book.committed(home.ledger)
    states = book.states(home.ledger)
    changes = {table: home.lake.changes(table, home.ledger.cursor(cursor)) for table, cursor in CURSORS.items()}
    log = read_suppressions(home.ledger)
    plan = _plan(home, rules, states, changes, _days_of_work(log, home.ledger.cursor(_SUPPRESSIONS), now), now)
    gone = states.keys() - rules.by_id.keys()
    if not plan.tasks and not gone and not book.is_waiting(home.ledger):
        return Counts()  # nothing changed that any rule looks at, and nobody waits to be told
    subjects, around = Subjects.of(home.registry), Surroundings(home, maintenance.spans_of(home, log))
    outcomes = []
    for i, task in enumerate(plan.tasks):
        progress(task.rule.id, i / len(plan.tasks))
        outcomes.append(_outcome(home, task, subjects, around))
    telling = Telling(
        channels=channels,
        policy=notification.for_registry(home.registry.root),
        suppressions=_suppressions(log),
        moment=max([now, *(s.judged_until for s in states.values())]),
    )
    with home.ledger.begin() as tx:
        if not book.claim(tx, home.ledger, seen):
            raise StoreConflict("another evaluation was committed meanwhile")
        settled = settle(home.ledger, tx, outcomes, rules.by_id, idle=plan.idle, gone=gone, telling=telling, now=now)
        for table, cursor in CURSORS.items():
            home.ledger.advance(cursor, changes[table].version, tx)
        home.ledger.advance(_SUPPRESSIONS, int(log["last"].max()) if len(log) else -1, tx)
    progress("", 1.0)
    return _counts(len(plan.tasks), settled)


def _days_of_work(log: pd.DataFrame, since: int, now: datetime) -> list[date]:
    """The Shanghai days on which maintenance began that was written down or ended after an entry of the log."""
    new = log[(log["kind"] == "maintenance") & (log["last"] > since) & (log["start"] <= pd.Timestamp(now))]
    return [at.astimezone(LOCAL).date() for at in new["start"]]


def _suppressions(log: pd.DataFrame) -> list[Suppression]:
    """Everything that is or was suppressed, until when it truly was."""
    columns = ["kind", "who", "why", "start", "until", "rule", "subject", "severity", "labels"]
    return [Suppression(**row) for row in log[columns].rename(columns={"until": "end"}).to_dict("records")]


def _counts(judged: int, settled: Settled) -> Counts:
    return Counts(
        rules_judged=judged,
        alerts_new=settled.new,
        alerts_changed=settled.changed,
        alerts_withdrawn=settled.withdrawn,
        transitions=settled.transitions,
        messages=settled.messages,
        stopped=settled.stopped or {},
    )


def _plan(
    home: Home,
    rules: RuleBook,
    states: Mapping[str, RuleState],
    changes: Mapping[str, Changes],
    worked_on: Sequence[date],
    now: datetime,
) -> _Plan:
    tasks: list[_Task] = []
    idle: dict[str, RuleState] = {}
    for rule in rules.rules:
        before, digest = states.get(rule.id), _digest(home, rule)
        until = judged_until(home, rule, now)
        if before is None or before.digest != digest:
            until = until if before is None else max(until, before.judged_until)
            tasks.append(_Task(rule, Horizon(), RuleState(digest, until), "rule"))
            continue
        after = replace(before, judged_until=max(until, before.judged_until))
        days = [d for t in inputs.tables(rule) for medium, d in changes[t].days if rule.medium in ("", medium)]
        days += worked_on
        if days or _due(rule, before, after.judged_until):
            since = min([before.judged_until - rule.longest, *map(day_start, days)]) - reach(rule, home)
            tasks.append(_Task(rule, _horizon(home, rule, since), after, "data"))
        elif after != before:
            idle[rule.id] = after
    return _Plan(tuple(tasks), idle)


def _due(rule: Rule, before: RuleState, until: datetime) -> bool:
    """Whether time alone changes something: silence grows with every hour, other alerts wait for their next moment."""
    if isinstance(rule.on, OnSilence):
        return until > before.judged_until
    return before.next_at is not None and until >= before.next_at


def _horizon(home: Home, rule: Rule, since: datetime) -> Horizon:
    reaching = book.reaching(home.ledger, rule.id, since - rule.longest)
    return Horizon(since, {subject: at for subject, at in reaching.items() if at < since})


def _digest(home: Home, rule: Rule) -> str:
    """Changes when the rule does, or the stations whose limits and cadences it goes by."""
    text = rule.digest
    if rule.needs_stations:
        text += home.registry.stations.to_csv(index=False)
    if rule.needs_bands:
        text += str(home.lake.version("bands"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _outcome(home: Home, task: _Task, subjects: Subjects, around: Surroundings) -> Outcome:
    """Read, judge, and say what the alerts of one rule are."""
    found, at = found_by(home, task.rule, task.horizon, task.state.judged_until, subjects, around)
    state = task.state if isinstance(task.rule.on, OnSilence) else replace(task.state, next_at=at)
    return Outcome(task.rule, task.horizon, found, state, task.why)


def deliver(home: Home, notifiers: Sequence[Notifier] | None = None, *, now: datetime) -> Sent:
    """Send what is due in the outbox, all channels at once and each by itself; every attempt is recorded.

    A failed send is tried again by a later call, after a pause that doubles from a minute to six hours, until the
    channel gives the message up: then it is expired, and listed. A channel that fails is left alone for the rest of
    this call: what else it should carry stays due. A slow or dead channel holds back no other. Of two deliveries at
    once the second waits for the first, channel by channel, and finds only what that left.

    Args:
        home: memory.
        notifiers: the channels; by default those that the environment and the registry switch on.
        now: the moment of the attempts.

    Raises:
        CatalogueError: a channel is configured wrongly.
    """
    channels = _channels(home, notifiers)
    if len(channels) < 2:
        results = [r for c in channels for r in _send(home, c, now)]
    else:
        with ThreadPoolExecutor(max_workers=len(channels)) as pool:
            results = [r for part in pool.map(lambda c: _send(home, c, now), channels) for r in part]
    counts = Counter(results)
    return Sent(**{name: counts[name] for name in ("sent", "failed", "refused", "expired")})


def send_tasks(home: Home, *, now: datetime) -> Sent:
    """Send the tasks of grid workers that are due, over the channel the environment sets: `deliver` for it alone."""
    return deliver(home, [GridTasks.of(home.root, os.environ)], now=now)


def _send(home: Home, channel: Channel, now: datetime) -> list[str]:
    """What became of the letters that are due on one channel; one process at a time."""
    with alone(home.ledger, f"deliver.{channel.name}"):
        return _sent(home, channel, now)


def _sent(home: Home, channel: Channel, now: datetime) -> list[str]:
    results: list[str] = []
    room = channel.per_minute - outbox.sent_since(home.ledger, channel.name, now - timedelta(minutes=1))
    for n, letter in enumerate(outbox.due(home.ledger, channel.name, now)):
        if channel.per_minute and n >= room:
            break  # the rest stays due
        answer = channel.send(letter)
        pause = min(_FIRST_RETRY * 2 ** min(letter.attempts, 20), _LAST_RETRY)
        give_up = now - (letter.created_at or now) >= channel.give_up_after
        outbox.attempted(home.ledger, letter, answer.result, answer.detail, now, now + pause, give_up=give_up)
        results.append(answer.result)
        if answer.result == "failed":
            results += ["expired"] if give_up else []
            break
    return results


def _channels(home: Home, given: Sequence[Notifier] | None) -> tuple[Channel, ...]:
    found = notifiers.channels(home.root, os.environ, home.registry.root) if given is None else given
    return tuple(n if isinstance(n, Channel) else Channel(n) for n in found)


def _silent(_what: str, _share: float) -> None:
    """No progress is wanted."""
