"""From what happened to what is said: one ordered list of stages, then messages.

Every stage has one signature: calls in, fewer calls out, and each call that is stopped has a named reason. A stop is
final, or the call waits and is asked again next time (an alert silenced now may still fire when its silencer ends).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from alerts.lifecycle import Status
from alerts.reconcile import rank
from alerts.rules import Rule
from domain.records import Alert
from store.ledger.alerts import Stored, Transition

#: From, until, and the rule that silences.
Span = tuple[datetime, datetime, str]

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Call:
    """One transition that may be worth saying; calls of one group become one message."""

    transition: Transition
    alert: Alert
    at: datetime  # from when on it may be said
    group: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """A call that is not said, and why; not final: it is asked again."""

    call: Call
    reason: str
    final: bool


@dataclass(frozen=True, slots=True)
class Passed:
    """What a stage let through and what it stopped."""

    kept: tuple[Call, ...]
    stopped: tuple[Stop, ...] = ()


@dataclass(frozen=True)
class Context:
    """What stages may ask: the rules, who is silenced when, and what was told before."""

    rules: Mapping[str, Rule]
    silenced: Mapping[tuple[str, str], Sequence[Span]] = field(default_factory=dict)
    told: Mapping[str, Sequence[Transition]] = field(default_factory=dict)  # by alert id, in order


Stage = Callable[[Sequence[Call], Context], Passed]


def group(calls: Sequence[Call], context: Context) -> Passed:  # noqa: ARG001 - one signature for all stages
    """The same thing happening by the same rule at the same moment is one message, wherever it happens."""
    return Passed(
        tuple(
            replace(c, group=f"{c.alert.rule} {c.transition.name} {c.transition.reason} {c.transition.at.isoformat()}")
            for c in calls
        )
    )


def inhibit(calls: Sequence[Call], context: Context) -> Passed:
    """What another rule silences on the same subject waits until it is no longer silenced; then it is said."""
    kept: list[Call] = []
    stopped: list[Stop] = []
    for c in calls:
        spans = context.silenced.get((c.alert.rule, c.alert.subject), ())
        if c.transition.name in ("resolved", "withdrawn") or not spans:
            kept.append(c)
            continue
        at, by = first_free(c.at, spans)
        if at < (c.alert.ends_at or _NEVER):
            kept.append(replace(c, at=at))
        else:
            stopped.append(Stop(c, f"inhibited by {by}", final=c.alert.status != Status.FIRING))
    return Passed(tuple(kept), tuple(stopped))


def dedup(calls: Sequence[Call], context: Context) -> Passed:
    """Only what changes what was said: no beginning twice, no worsening to the same colour, no end of the untold."""
    kept: list[Call] = []
    stopped: list[Stop] = []
    said = {alert_id: _said(ts) for alert_id, ts in context.told.items()}
    for c in sorted(calls, key=lambda x: (x.transition.alert_id, x.transition.position)):
        opened, worst = said.get(c.transition.alert_id, (False, -1))
        now = _say(opened, worst, c.transition)
        if now == (opened, worst):
            stopped.append(Stop(c, "already told" if opened else "its beginning was never told", final=True))
        else:
            said[c.transition.alert_id] = now
            kept.append(c)
    return Passed(tuple(kept), tuple(stopped))


#: The policy. Silences, quiet hours and rate limits are further functions in this list.
STAGES: tuple[Stage, ...] = (group, inhibit, dedup)


def run(calls: Sequence[Call], context: Context, stages: Sequence[Stage] = STAGES) -> Passed:
    """Calls through all stages; the reason of a stop begins with the name of its stage."""
    kept = tuple(calls)
    stopped: list[Stop] = []
    for stage in stages:
        passed = stage(kept, context)
        kept = passed.kept
        name = getattr(stage, "__name__", "stage")
        stopped += [replace(s, reason=f"{name}: {s.reason}") for s in passed.stopped]
    return Passed(kept, tuple(stopped))


def _said(told: Sequence[Transition]) -> tuple[bool, int]:
    opened, worst = False, -1
    for t in told:
        opened, worst = _say(opened, worst, t)
    return opened, worst


def _say(opened: bool, worst: int, t: Transition) -> tuple[bool, int]:
    """Whether people think that it fires, and how badly, after they were told."""
    if t.name in ("resolved", "withdrawn"):
        return False, -1
    if t.name == "escalated":
        return (True, max(worst, rank(t.severity))) if opened else (False, worst)
    return True, max(worst, rank(t.severity))


def silenced_spans(rules: Mapping[str, Rule], silencers: Sequence[Stored]) -> dict[tuple[str, str], list[Span]]:
    """For each rule and subject the spans during which other rules silence it, in order."""
    silences: dict[str, list[str]] = {}
    for rule in rules.values():
        for other in rule.inhibit:
            silences.setdefault(other, []).append(rule.id)
    out: dict[tuple[str, str], list[Span]] = {}
    for s in silencers:
        if s.alert.fired_at is not None:
            span = (s.alert.fired_at, s.alert.ends_at or _NEVER, s.alert.rule)
            for rule_id in silences.get(s.alert.rule, ()):
                out.setdefault((rule_id, s.alert.subject), []).append(span)
    return {key: sorted(spans) for key, spans in out.items()}


def first_free(at: datetime, spans: Sequence[Span]) -> tuple[datetime, str]:
    """The first moment from `at` on that no span covers, and the last rule that covered it until then."""
    by = ""
    for start, end, rule in spans:
        if start > at:
            break
        if end > at:
            at, by = end, rule
    return at, by


def inhibited_by(alert: Alert, spans: Sequence[Span]) -> str:
    """The rule that silenced the alert all the while it fired; "" when it could be heard."""
    if alert.fired_at is None:
        return ""
    at, by = first_free(alert.fired_at, spans)
    return by if at >= (alert.ends_at or _NEVER) else ""
