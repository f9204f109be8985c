"""The shell of the alerts: what changed in the lake -> alerts in the ledger -> messages.

Alerts are a function of the data, the rules and `now`. Every evaluation judges anew what changed since the last one,
and writes alerts, transitions, messages and cursors in one transaction: it happened or it did not. Two evaluations at
once cannot mix: one that finds that another committed since it began to read begins again.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from alerts import inputs, notifiers
from alerts.findings import Spell, judge, micros, moment, next_at, silences, spells, tell
from alerts.inputs import Horizon
from alerts.notifiers import Notifier
from alerts.rules import LimitReference, OnSilence, Rule, RuleBook, for_registry
from alerts.settle import Outcome, Settled, settle
from alerts.subjects import Subjects
from domain.errors import StoreConflict
from domain.times import day_start
from store.home import Home
from store.lake import Changes
from store.ledger import alerts as book
from store.ledger import outbox
from store.ledger.alerts import RuleState

#: Called with what is being done and the share that is done.
Progress = Callable[[str, float], None]

CURSORS = {
    "indicators": "evaluate",
    "observations": "evaluate.observations",
    "quality": "evaluate.quality",
}
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
    plan = _plan(home, rules, states, changes, now)
    gone = states.keys() - rules.by_id.keys()
    if not plan.tasks and not gone:
        return Counts()  # nothing changed that any rule looks at
    subjects = Subjects.of(home.registry)
    outcomes = []
    for i, task in enumerate(plan.tasks):
        progress(task.rule.id, i / len(plan.tasks))
        outcomes.append(_outcome(home, task, subjects))
    with home.ledger.begin() as tx:
        if not book.claim(tx, home.ledger, seen):
            raise StoreConflict("another evaluation was committed meanwhile")
        settled = settle(home.ledger, tx, outcomes, rules.by_id, idle=plan.idle, gone=gone, channels=channels, now=now)
        for table, cursor in CURSORS.items():
            home.ledger.advance(cursor, changes[table].version, tx)
    progress("", 1.0)
    return _counts(len(plan.tasks), settled)


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
    home: Home, rules: RuleBook, states: Mapping[str, RuleState], changes: Mapping[str, Changes], now: datetime
) -> _Plan:
    tasks: list[_Task] = []
    idle: dict[str, RuleState] = {}
    for rule in rules.rules:
        before, digest = states.get(rule.id), _digest(home, rule)
        until = inputs.judged_until(home, rule, now)
        if before is None or before.digest != digest:
            until = until if before is None else max(until, before.judged_until)
            tasks.append(_Task(rule, Horizon(), RuleState(digest, until), "rule"))
            continue
        after = replace(before, judged_until=max(until, before.judged_until))
        days = [d for t in inputs.tables(rule) for medium, d in changes[t].days if rule.on.medium in ("", medium)]
        if days or _due(rule, before, after.judged_until):
            since = min([before.judged_until - rule.longest, *map(day_start, days)]) - inputs.reach(rule, home)
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
    if isinstance(rule.condition, LimitReference) or isinstance(rule.on, OnSilence):
        text += home.registry.stations.to_csv(index=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _outcome(home: Home, task: _Task, subjects: Subjects) -> Outcome:
    """Read, judge, and say what the alerts of one rule are."""
    rule, state, until = task.rule, task.state, micros(task.state.judged_until)
    if isinstance(rule.on, OnSilence):
        found, unit = silences(rule, inputs.contacts(home, rule, task.horizon, state.judged_until), until), "h"
    else:
        values, unit = inputs.samples(home, rule, task.horizon)
        found = spells(rule, values, judge(rule, values, _rows(home, rule)), until)
        at = next_at(rule, values, found, until)
        state = replace(state, next_at=None if at is None else moment(at))
    found = [s for s in found if task.horizon.begins(s.subject, moment(s.starts_at))]
    subjects = _told(home, rule, found, subjects)
    return Outcome(rule, task.horizon, tuple(tell(rule, s, unit, subjects) for s in found), state, task.why)


def _rows(home: Home, rule: Rule) -> dict[str, list[dict[str, Any]]]:
    """The registry rows of each station, in order of their validity, for a rule that asks for limits."""
    if not isinstance(rule.condition, LimitReference):
        return {}
    out: dict[str, list[dict[str, Any]]] = {}
    for row in home.registry.stations.sort_values("valid_from", kind="stable").to_dict("records"):
        out.setdefault(str(row["station_id"]), []).append({str(k): v for k, v in row.items()})
    return out


def _told(home: Home, rule: Rule, found: Iterable[Spell], known: Subjects) -> Subjects:
    """The subjects with what the indicator's detail tells of those that the registry does not know."""
    unknown = sorted({s.subject for s in found} - known.names.keys())
    return known.told(inputs.details(home, rule, unknown)) if unknown else known


def deliver(home: Home, notifiers: Sequence[Notifier] | None = None, *, now: datetime) -> Sent:
    """Send what is due in the outbox, each channel by itself; every attempt is recorded.

    A failed send is tried again by a later call, after a pause that doubles from a minute to six hours. A channel that
    fails is left alone for the rest of this call: what else it should carry stays due.

    Args:
        home: memory.
        notifiers: the channels; by default those that the environment switches on.
        now: the moment of the attempts.

    Raises:
        CatalogueError: a channel is configured wrongly.
    """
    results: list[str] = []
    for notifier in _channels(home, notifiers):
        for letter in outbox.due(home.ledger, notifier.name, now):
            answer = notifier.send(letter)
            pause = min(_FIRST_RETRY * 2 ** min(letter.attempts, 20), _LAST_RETRY)
            outbox.attempted(home.ledger, letter, answer.result, answer.detail, now, now + pause)
            results.append(answer.result)
            if answer.result == "failed":
                break
    return Sent(sent=results.count("sent"), failed=results.count("failed"), refused=results.count("refused"))


def _channels(home: Home, given: Sequence[Notifier] | None) -> Sequence[Notifier]:
    return notifiers.channels(home.root, os.environ) if given is None else given


def _silent(_what: str, _share: float) -> None:
    """No progress is wanted."""
