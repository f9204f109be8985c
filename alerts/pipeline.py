"""From what happened to what is said: one ordered list of stages, then messages.

Every stage has one signature: calls in, fewer calls out, and each call that is stopped has a named reason, which is
counted. A stop is final only when the alert is over; else the call waits and is asked again next time: what fires and
nothing holds back any more is said.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from alerts.lifecycle import Status
from alerts.notification import QuietHours, RateLimit
from alerts.reconcile import now_of, rank
from alerts.rules import LATE, SEVERITIES, Rule
from domain.records import Alert
from store.ledger.alerts import Stored, Transition
from store.ledger.suppressions import Suppression

#: From, until, and the rule that silences.
Span = tuple[datetime, datetime, str]

#: What ends an alert, for people; it is never held back by what silences: else they would go on believing it fires.
ENDS = ("resolved", "withdrawn")

_EVER, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


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
    """What stages may ask: the rules, who is silenced when, what was told before, and what people want."""

    rules: Mapping[str, Rule]
    silenced: Mapping[tuple[str, str], Sequence[Span]] = field(default_factory=dict)
    told: Mapping[str, Sequence[Transition]] = field(default_factory=dict)  # by alert id, in order
    now: datetime = _EVER
    suppressions: Sequence[Suppression] = ()  # those in force at some moment; `end` is when they truly were over
    quiet_hours: QuietHours | None = None
    rate_limit: RateLimit | None = None
    recent: Mapping[str, int] = field(default_factory=dict)  # messages of each rule within the time of the limit


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
        if c.transition.name in ENDS or not spans:
            kept.append(c)
            continue
        at, by = first_free(c.at, spans)
        if at < (c.alert.ends_at or _NEVER):
            kept.append(replace(c, at=at))
        else:
            stopped.append(Stop(c, f"inhibited by {by}", final=c.alert.status != Status.FIRING))
    return Passed(tuple(kept), tuple(stopped))


def historical(calls: Sequence[Call], context: Context) -> Passed:
    """What was long over when late or backfilled data told of it is recorded and counted, and never said."""
    kept: list[Call] = []
    stopped: list[Stop] = []
    for c in calls:
        over = c.alert.ends_at if c.alert.status == Status.RESOLVED else None
        late = context.rules[c.alert.rule].late if c.alert.rule in context.rules else LATE
        if over is None or c.transition.name in ENDS or context.now - over <= late:
            kept.append(c)
        else:
            stopped.append(Stop(c, "it was over long before it was found", final=True))
    return Passed(tuple(kept), tuple(stopped))


def maintenance(calls: Sequence[Call], context: Context) -> Passed:
    """While a station is worked on its alarms wait."""
    return _suppressed(calls, context, "maintenance")


def shelve(calls: Sequence[Call], context: Context) -> Passed:
    """An alarm an operator put aside waits until it comes back by itself."""
    return _suppressed(calls, context, "shelve")


def silence(calls: Sequence[Call], context: Context) -> Passed:
    """What somebody silenced waits until the silence ends."""
    return _suppressed(calls, context, "silence")


def _suppressed(calls: Sequence[Call], context: Context, kind: str) -> Passed:
    ours = [s for s in context.suppressions if s.kind == kind]
    kept: list[Call] = []
    stopped: list[Stop] = []
    for c in calls:
        by = None if c.transition.name in ENDS else next((s for s in ours if _holds(s, c, context.now)), None)
        if by is None:
            kept.append(c)
        else:
            stopped.append(Stop(c, f"by {by.who}: {by.why}", final=c.alert.status != Status.FIRING))
    return Passed(tuple(kept), tuple(stopped))


def _holds(s: Suppression, c: Call, now: datetime) -> bool:
    """In force now, or for the whole of the life of an alert that is over; and about this alert."""
    over = c.alert.ends_at
    whole = over is not None and s.start <= c.transition.at and over <= s.end
    return (s.start <= now < s.end or whole) and _matches(s, c.alert)


def _matches(s: Suppression, alert: Alert) -> bool:
    return (
        (not s.severity or s.severity == now_of(alert))
        and fnmatchcase(alert.rule, s.rule)
        and fnmatchcase(alert.subject, s.subject)
        and all(alert.labels.get(k) == v for k, v in s.labels.items())
    )


def quiet_hours(calls: Sequence[Call], context: Context) -> Passed:
    """At night what is mild waits for the morning, its end too; what is over by then is not said any more."""
    quiet = context.quiet_hours
    if quiet is None:
        return Passed(tuple(calls))
    waits = [quiet.holds_back(now_of(c.alert), context.now) for c in calls]
    return Passed(
        tuple(c for c, w in zip(calls, waits, strict=True) if not w),
        tuple(Stop(c, "until the morning", final=_idle(c)) for c, w in zip(calls, waits, strict=True) if w),
    )


def _idle(c: Call) -> bool:
    """Whether a call that is held back now need never be made."""
    return c.transition.name not in ENDS and c.alert.status != Status.FIRING


def rate_limit(calls: Sequence[Call], context: Context) -> Passed:
    """So many messages of one rule in a time; further ones wait, the milder first. Red ones and ends never wait.

    Like all stages it goes by the alert as it is now, and what is said of one alert keeps its order: what waits is not
    overtaken by what came later.
    """
    limit = context.rate_limit
    if limit is None:
        return Passed(tuple(calls))
    free = {c.alert.rule: limit.messages - context.recent.get(c.alert.rule, 0) for c in calls}
    passed: set[tuple[str, str]] = set()
    stopped: dict[int, Stop] = {}
    waiting: set[str] = set()  # alerts
    for i in sorted(range(len(calls)), key=lambda i: (-rank(now_of(calls[i].alert)), calls[i].at, i)):
        c = calls[i]
        if c.transition.name in ENDS or now_of(c.alert) == SEVERITIES[-1]:
            continue
        new = (c.alert.rule, c.group) not in passed
        if c.transition.alert_id in waiting or (new and free[c.alert.rule] <= 0):
            stopped[i] = Stop(c, f"more than {limit.messages} messages of the rule in {limit.per}", final=_idle(c))
            waiting.add(c.transition.alert_id)
        elif new:
            free[c.alert.rule] -= 1
            passed.add((c.alert.rule, c.group))
    return Passed(tuple(c for i, c in enumerate(calls) if i not in stopped), tuple(stopped.values()))


def dedup(calls: Sequence[Call], context: Context) -> Passed:
    """Only what changes what was said: no beginning twice, no worsening to the same colour, no end of the untold."""
    kept: list[Call] = []
    stopped: list[Stop] = []
    said = {alert_id: _said(ts) for alert_id, ts in context.told.items()}
    for c in sorted(calls, key=lambda x: (x.transition.alert_id, x.transition.position)):
        opened, level = said.get(c.transition.alert_id, (False, -1))
        now = _say(opened, level, c.transition, fires=c.alert.status == Status.FIRING)
        if now == (opened, level):
            stopped.append(Stop(c, "already told" if opened else "its beginning was never told", final=True))
        elif not opened and c.alert.status == Status.WITHDRAWN:
            stopped.append(Stop(c, "withdrawn before it was told", final=True))
        else:
            said[c.transition.alert_id] = now
            kept.append(c)
    return Passed(tuple(kept), tuple(stopped))


#: The policy, in order.
STAGES: tuple[Stage, ...] = (
    historical, group, inhibit, maintenance, shelve, silence, quiet_hours, rate_limit, dedup,
)  # fmt: skip


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
    opened, level = False, -1
    for t in told:
        opened, level = _say(opened, level, t, fires=True)
    return opened, level


def _say(opened: bool, level: int, t: Transition, *, fires: bool) -> tuple[bool, int]:
    """Whether people think that it fires, and how badly, after they were told."""
    if t.name in ENDS:
        return False, -1
    if t.name == "eased":
        return (True, min(level, rank(t.severity))) if opened else (False, level)
    if t.name == "escalated" and not opened and not fires:
        return False, level
    return True, max(level, rank(t.severity))  # a worsening is news even when the beginning was silenced


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
