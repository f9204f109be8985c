"""The ledger made to say what the data say, in one transaction: alerts, what happened to them, what is said of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts import pipeline
from alerts.findings import Found
from alerts.inputs import Horizon
from alerts.lifecycle import Status
from alerts.messages import letters
from alerts.notification import Notification
from alerts.reconcile import Change, Event, reconcile
from alerts.rules import Rule
from domain.records import Alert
from store.ledger import Ledger, outbox
from store.ledger import alerts as book
from store.ledger.alerts import Connection, RuleState, Stored, Transition
from store.ledger.suppressions import Suppression


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the data give for one rule from its horizon on, and the state to remember."""

    rule: Rule
    horizon: Horizon
    found: tuple[Found, ...]
    state: RuleState
    why: str  # the reason of withdrawals: data or rule


@dataclass(frozen=True, slots=True)
class Settled:
    """What was written; `stopped` counts what is not said, by reason."""

    new: int = 0
    changed: int = 0
    withdrawn: int = 0
    transitions: int = 0
    messages: int = 0
    stopped: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """Who is told what: the channels that are on, the policy, what people suppress, and the moment it is said.

    `moment` is the latest moment any evaluation has seen, so that a backfill does not take the past for the present.
    """

    channels: Sequence[str]
    policy: Notification
    suppressions: Sequence[Suppression]
    moment: datetime

    def channels_of(self, alert: Alert) -> Sequence[str]:
        """The channels an alert goes to."""
        return self.policy.channels_of(alert, self.channels)


def settle(
    ledger: Ledger,
    tx: Connection,
    outcomes: Sequence[Outcome],
    rules: Mapping[str, Rule],
    *,
    idle: Mapping[str, RuleState],
    gone: Iterable[str],
    telling: Telling,
    now: datetime,
) -> Settled:
    """Reconcile, write, and put into the outbox what is worth saying.

    Args:
        ledger: the ledger.
        tx: an open transaction that holds the claim.
        outcomes: what was judged.
        rules: all rules in force, by id.
        idle: the states of rules that had nothing to judge.
        gone: rules that were judged once and exist no more: what is open of theirs is withdrawn.
        telling: who is told what, and what people want silent.
        now: the moment beside what is recorded.
    """
    changes: list[Change] = []
    for outcome in outcomes:
        kept = book.stored(tx, [outcome.rule.id], outcome.horizon.first)
        kept = [s for s in kept if outcome.horizon.begins(s.alert.subject, s.alert.starts_at)]
        changes += reconcile(kept, outcome.found, now=now, why=outcome.why)
    gone = list(gone)
    orphans = [s for s in book.stored(tx, gone) if s.alert.status in (Status.PENDING, Status.FIRING)]
    changes += reconcile(orphans, [], now=now, why="rule")
    happened = _write(tx, changes)
    book.record(tx, happened, now)
    _mark_inhibited(tx, rules, changes)
    said, stopped = _say(ledger, tx, rules, telling, now)
    book.save_states(tx, {**idle, **{o.rule.id: o.state for o in outcomes}}, gone)
    return Settled(
        new=sum(c.id is None for c in changes),
        changed=sum(c.id is not None for c in changes),
        withdrawn=sum(t.name == "withdrawn" for t in happened),
        transitions=len(happened),
        messages=said,
        stopped=stopped,
    )


def _write(tx: Connection, changes: Sequence[Change]) -> list[Transition]:
    """Write alerts; what happened to them comes back with its identity."""
    book.forget(tx, [c.id for c in changes if c.id is not None and c.alert is None])
    updates = [(c, Stored(c.id, c.alert)) for c in changes if c.id is not None and c.alert is not None]
    book.update(tx, [s for _, s in updates])
    new = [(c, c.alert) for c in changes if c.id is None and c.alert is not None]
    ids = book.insert(tx, [a for _, a in new])
    events = [(s.id, c.events) for c, s in updates if c.events]
    events += [(i, c.events) for i, (c, _) in zip(ids, new, strict=True) if c.events]
    before = book.counts_of(tx, [i for i, _ in events])
    return [t for alert_id, es in events for t in _identified(alert_id, es, before.get(alert_id, {}))]


def _identified(alert_id: str, events: Iterable[Event], before: Mapping[str, int]) -> Iterable[Transition]:
    """Events as transitions: the n-th of a name of one alert is the same news whoever finds it."""
    seen = Counter(before)
    for event in events:
        position = seen.total()
        seen[event.name] += 1
        yield Transition(
            id=f"{alert_id}/{event.name}/{seen[event.name]}",
            alert_id=alert_id,
            name=event.name,
            at=event.at,
            severity=event.severity,
            reason=event.reason,
            position=position,
        )


def _mark_inhibited(tx: Connection, rules: Mapping[str, Rule], changes: Sequence[Change]) -> None:
    """Say of each alert that another rule could have silenced whether it did, all the while."""
    touched: dict[str, datetime] = {}
    for c in changes:
        if c.alert is not None:
            touched[c.alert.rule] = min(touched.get(c.alert.rule, c.alert.starts_at), c.alert.starts_at)
    for rule in rules.values():
        since = [touched[r] for r in (rule.id, *rule.inhibit) if r in touched]
        if not rule.inhibit or not since:
            continue
        spans = pipeline.silenced_spans({rule.id: rule}, book.fired_after(tx, rule.inhibit, min(since)))
        changed = []
        for s in book.fired_after(tx, [rule.id], min(since)):
            by = pipeline.inhibited_by(s.alert, spans.get((rule.id, s.alert.subject), ()))
            if by != s.alert.inhibited_by:
                changed.append(Stored(s.id, replace(s.alert, inhibited_by=by)))
        book.update(tx, changed)


def _say(
    ledger: Ledger, tx: Connection, rules: Mapping[str, Rule], telling: Telling, now: datetime
) -> tuple[int, dict[str, int]]:
    """Everything that waits through the pipeline: verdicts, and letters in the outbox."""
    calls = [pipeline.Call(t, a, t.at) for t, a in book.waiting(tx)]
    if not calls:
        return 0, {}
    passed = pipeline.run(calls, _context(tx, rules, calls, telling))
    heard = [(c, bool(telling.channels_of(c.alert))) for c in passed.kept]
    book.decide(
        tx,
        [(c.transition.id, *(("told", c.group) if yes else ("dropped", "no channel is on"))) for c, yes in heard]
        + [(s.call.transition.id, "dropped" if s.final else "waiting", s.reason) for s in passed.stopped],
    )
    late = {s.call.transition.alert_id for s in passed.stopped if s.reason.startswith(pipeline.historical.__name__)}
    book.mark_historical(tx, late, historical=True)
    book.mark_historical(tx, {c.transition.alert_id for c in passed.kept}, historical=False)
    written = outbox.put(tx, ledger, letters(passed.kept, rules, telling.channels_of), now)
    return written, dict(sorted(Counter(s.reason for s in passed.stopped if s.final).items()))


def _context(
    tx: Connection, rules: Mapping[str, Rule], calls: Sequence[pipeline.Call], telling: Telling
) -> pipeline.Context:
    silencers = {other for c in calls if c.alert.rule in rules for other in rules[c.alert.rule].inhibit}
    limit = telling.policy.rate_limit
    return pipeline.Context(
        rules=rules,
        silenced=pipeline.silenced_spans(rules, book.fired_after(tx, silencers, min(c.at for c in calls))),
        told=book.told(tx, {c.transition.alert_id for c in calls}),
        now=telling.moment,
        suppressions=telling.suppressions,
        quiet_hours=telling.policy.quiet_hours,
        rate_limit=limit,
        recent={} if limit is None else book.messages_since(tx, telling.moment - limit.per),
    )
