"""The shell of the alerts: what changed in the lake -> alerts in the ledger -> messages.

Alerts are a function of the data, the rules and `now`. Every evaluation judges anew what changed since the last one,
and writes alerts, transitions, messages and cursors in one transaction: it happened or it did not. Two evaluations at
once cannot mix: one that finds that another committed since it began to read begins again.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from alerts import inputs, notifiers
from alerts.findings import Spell, judge, micros, moment, silences, spells, tell
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
    tasks = [task for rule in rules.rules if (task := _task(home, rule, states.get(rule.id), changes, now)) is not None]
    gone = states.keys() - rules.by_id.keys()
    if not tasks and not gone:
        return Counts()  # nothing changed that any rule looks at
    outcomes = []
    for i, task in enumerate(tasks):
        progress(task.rule.id, i / len(tasks))
        outcomes.append(_outcome(home, task))
    with home.ledger.begin() as tx:
        if not book.claim(tx, home.ledger, seen):
            raise StoreConflict("another evaluation was committed meanwhile")
        settled = settle(home.ledger, tx, outcomes, rules.by_id, gone=gone, channels=channels, now=now)
        for table, cursor in CURSORS.items():
            home.ledger.advance(cursor, changes[table].version, tx)
    progress("", 1.0)
    return _counts(len(tasks), settled)


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


def _task(
    home: Home, rule: Rule, state: RuleState | None, changes: Mapping[str, Changes], now: datetime
) -> _Task | None:
    """What must be judged of a rule: all of it when it is new or another one, else from the first change on."""
    digest = _digest(home, rule)
    until = inputs.judged_until(home, rule, now)
    if state is None or state.digest != digest:
        until = until if state is None else max(until, state.judged_until)
        return _Task(rule, Horizon(), RuleState(digest, until), "rule")
    until = max(until, state.judged_until)
    days = [
        day for table in inputs.tables(rule) for medium, day in changes[table].days if rule.on.medium in ("", medium)
    ]
    if not days and until == state.judged_until:
        return None
    since = min([state.judged_until - rule.longest, *map(day_start, days)]) - inputs.reach(rule, home)
    reaching = book.reaching(home.ledger, rule.id, since - rule.longest)
    earlier = {subject: at for subject, at in reaching.items() if at < since}
    return _Task(rule, Horizon(since, earlier), RuleState(digest, until), "data")


def _digest(home: Home, rule: Rule) -> str:
    """Changes when the rule does, or the stations whose limits and cadences it goes by."""
    text = rule.digest
    if isinstance(rule.condition, LimitReference) or isinstance(rule.on, OnSilence):
        text += home.registry.stations.to_csv(index=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _outcome(home: Home, task: _Task) -> Outcome:
    """Read, judge, and say what the alerts of one rule are."""
    rule, until = task.rule, task.state.judged_until
    if isinstance(rule.on, OnSilence):
        contacts = inputs.contacts(home, rule, task.horizon, until)
        found, unit = silences(rule, contacts, micros(until)), "h"
    else:
        values, unit = inputs.samples(home, rule, task.horizon)
        found = spells(rule, values, judge(rule, values, _rows(home)), micros(until))
    found = [s for s in found if task.horizon.begins(s.subject, moment(s.starts_at))]
    subjects = _subjects(home, rule, found)
    return Outcome(rule, task.horizon, tuple(tell(rule, s, unit, subjects) for s in found), task.state, task.why)


def _rows(home: Home) -> dict[str, list[dict[str, Any]]]:
    """The registry rows of each station, in order of their validity."""
    out: dict[str, list[dict[str, Any]]] = {}
    for row in home.registry.stations.sort_values("valid_from", kind="stable").to_dict("records"):
        out.setdefault(str(row["station_id"]), []).append({str(k): v for k, v in row.items()})
    return out


def _subjects(home: Home, rule: Rule, found: Iterable[Spell]) -> Subjects:
    """Names and places of the subjects; what the registry does not know, the indicator's detail may."""
    known = Subjects.of(home.registry)
    unknown = sorted({s.subject for s in found} - known.names.keys())
    return known.told(inputs.details(home, rule, unknown))


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
