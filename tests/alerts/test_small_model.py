"""The small model: all stories to a bounded depth, through the real pure functions from values to verdicts.

A story is what is measured hour by hour (nothing, good, bad, worse), which value comes late, when somebody looks, and
what people keep silent meanwhile. On no path an alert that fires, and that nothing holds back, was never said; on no
path people believe that something fires which does not; and once nothing holds back any more, everything is said.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache

import numpy as np
import pytest

from alerts import pipeline
from alerts.findings import Found, spells, tell
from alerts.judging import judge
from alerts.notification import QuietHours, RateLimit
from alerts.pipeline import ENDS, STAGES, Call, Context, Passed, Stage, Stop
from alerts.reconcile import now_of, rank, reconcile
from alerts.rules import Rule
from alerts.samples import Samples, micros
from alerts.subjects import Subjects
from store.ledger.alerts import Stored, Transition
from store.ledger.suppressions import Suppression
from tests.alerts.conftest import hours

HOURS = 4
VALUES = {"F": 0.0, "Y": 1.0, "O": 2.0, "_": None}
TEXT = {"zh": "甲", "en": "a"}
BASE = {
    "id": "air.model", "title": TEXT, "cause": TEXT, "action": TEXT, "summary": TEXT,
    "on": {"indicator": "air.x", "period": "PT1H"}, "condition": {"op": ">", "value": 0.5},
    "severity": {"yellow": 1, "orange": 2}, "stale_after": "PT2H",
}  # fmt: skip
RULES = {
    "at once, easing": Rule.model_validate({**BASE, "ease": "PT1H"}),
    "for two, kept": Rule.model_validate({**BASE, "for": 2, "keep": "PT2H"}),
}


@cache
def found_in(name: str, values: str) -> tuple[Found, ...]:
    """What the data give when these values are all there is, at the end of the last hour."""
    rule = RULES[name]
    there = [(h, v) for h, c in enumerate(values) if (v := VALUES[c]) is not None]
    start = np.array([micros(hours(h)) for h, _ in there], dtype=np.int64)
    hour = timedelta(hours=1) // timedelta(microseconds=1)
    samples = Samples(("s",), np.zeros(len(there), np.int64), start, start + hour, np.array([v for _, v in there]))
    now = micros(hours(len(values)))
    return tuple(tell(rule, s, "", Subjects({})) for s in spells(rule, samples, judge(rule, samples, {}), now))


@dataclass(frozen=True)
class Quiet:
    """What is held back: what people silence from one hour to another, quiet hours, a limit."""

    name: str
    suppressions: tuple[Suppression, ...] = ()
    quiet_hours: QuietHours | None = None
    rate_limit: RateLimit | None = None

    def holds(self, severity: str, now: int) -> bool:
        at = hours(now)
        asleep = self.quiet_hours is not None and self.quiet_hours.holds_back(severity, at)
        return asleep or any(s.start <= at < s.end and s.severity in ("", severity) for s in self.suppressions)


def _quiets() -> Iterator[Quiet]:
    yield Quiet("nothing")
    spans = [(1, 3), (2, 4), (2, 9)]
    for kind, severity in (("silence", ""), ("silence", "yellow"), ("shelve", ""), ("maintenance", "")):
        for start, end in spans:
            one = Suppression(
                kind=kind, who="张示例", why="test", start=hours(start), end=hours(end), severity=severity
            )
            yield Quiet(f"{kind} {severity} {start}-{end}", (one,))
    # The first hour is 08:00 in Shanghai: these are the second and the third.
    night = QuietHours.model_validate({"from": "09:30", "to": "11:30", "below": "orange"})
    yield Quiet("a quiet time", quiet_hours=night)


QUIETS = list(_quiets())


class World:
    """One evaluation after another, in memory: what is stored, what waits, what was told."""

    def __init__(self, name: str, quiet: Quiet, stages: Sequence[Stage]) -> None:
        self.rule, self.name, self.quiet, self.stages = RULES[name], name, quiet, stages
        self.rows: dict[str, Stored] = {}
        self.waiting: list[Transition] = []
        self.told: dict[str, list[Transition]] = {}
        self.counts: Counter[str] = Counter()

    def look(self, now: int, values: str) -> None:
        self._reconcile(now, found_in(self.name, values))
        context = Context(
            {self.rule.id: self.rule},
            told=self.told,
            now=hours(now),
            suppressions=self.quiet.suppressions,
            quiet_hours=self.quiet.quiet_hours,
            rate_limit=self.quiet.rate_limit,
        )
        calls = [Call(t, self.rows[t.alert_id].alert, t.at) for t in self.waiting]
        passed = pipeline.run(calls, context, self.stages)
        for call in sorted(passed.kept, key=lambda c: c.transition.position):
            self.told.setdefault(call.transition.alert_id, []).append(call.transition)
        self.waiting = [s.call.transition for s in passed.stopped if not s.final]

    def _reconcile(self, now: int, found: Sequence[Found]) -> None:
        for c in reconcile(self.rows.values(), found, now=hours(now), why="data"):
            if c.alert is None:
                del self.rows[str(c.id)]
                continue
            key = c.id or f"{len(self.counts)}-{c.alert.starts_at:%H}"
            self.rows[key] = Stored(key, c.alert)
            self.counts[key] += 0
            for e in c.events:
                self.counts[key] += 1
                n = self.counts[key]
                self.waiting.append(Transition(f"{key}/{n}", key, e.name, e.at, e.severity, e.reason, n))

    def believed(self, key: str) -> int:
        """How bad people think it is; -1 when they think that it does not fire."""
        level = -1
        for t in self.told.get(key, []):
            level = -1 if t.name in ENDS else rank(t.severity) if t.name == "eased" else max(level, rank(t.severity))
        return level

    def wrongs(self, now: int) -> list[str]:
        out = []
        for key, row in self.rows.items():
            severity, fires, believed = now_of(row.alert), row.alert.status == "firing", self.believed(key)
            held = self.quiet.holds(severity, now)
            if fires and not held and believed < rank(severity):
                out.append(f"it fires {severity} and people believe {believed}")
            if fires and not held and believed > rank(severity):
                out.append(f"it only fires {severity} and people believe {believed}")
            if not fires and believed >= 0 and not (self.quiet.quiet_hours and held):
                out.append("people believe that it fires, and it does not")
        return out


def told_wrong(name: str, quiet: Quiet, arrivals: Sequence[str], looks: Sequence[bool], stages: Sequence[Stage]) -> str:
    """The first wrong of a story; "" when there is none. `arrivals` is what is known after each hour."""
    world = World(name, quiet, stages)
    for now, known in enumerate(arrivals, start=1):
        if now == len(arrivals) or looks[now - 1]:
            world.look(now, known)
            if wrongs := world.wrongs(now):
                return f"{name}, {quiet.name}, {arrivals}, {looks}, hour {now}: {wrongs}"
    world.quiet = Quiet("nothing")
    world.look(len(arrivals), arrivals[-1])
    after = world.wrongs(len(arrivals))
    return f"{name}, {quiet.name}, {arrivals}, {looks}, after all: {after}" if after else ""


def stories() -> Iterator[tuple[tuple[str, ...], tuple[bool, ...]]]:
    for values in itertools.product(VALUES, repeat=HOURS):
        text = "".join(values)
        for looks in itertools.product([False, True], repeat=HOURS - 1):
            yield tuple(text[:h] for h in range(1, HOURS + 1)), looks


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("quiet", QUIETS, ids=lambda q: q.name)
def test_on_no_path_something_that_fires_stays_unsaid(name: str, quiet: Quiet) -> None:
    for arrivals, looks in stories():
        assert not (wrong := told_wrong(name, quiet, arrivals, looks, STAGES)), wrong


def late_stories() -> Iterator[tuple[str, ...]]:
    """Every hour's value known only at the end of a later hour, all hours looked at."""
    for values in itertools.product("FYO", repeat=HOURS):
        text = "".join(values)
        for late, until in itertools.combinations(range(HOURS), 2):
            known = [text[:h] for h in range(1, HOURS + 1)]
            yield tuple(k[:late] + "_" + k[late + 1 :] if late < len(k) <= until else k for k in known)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("quiet", [QUIETS[0], QUIETS[2], QUIETS[4], QUIETS[-1]], ids=lambda q: q.name)
def test_nor_when_a_value_comes_late(name: str, quiet: Quiet) -> None:
    for arrivals in late_stories():
        assert not (wrong := told_wrong(name, quiet, arrivals, [True] * HOURS, STAGES)), wrong


def test_a_limit_delays_and_loses_nothing() -> None:
    """With no message free at all everything but red waits, and is said when there is room again."""
    quiet = Quiet("no room", rate_limit=RateLimit(messages=1, per=timedelta(hours=1)))
    full = replace(quiet, suppressions=())
    for arrivals, looks in stories():
        world = World("at once, easing", full, STAGES)
        for now, known in enumerate(arrivals, start=1):
            if now == len(arrivals) or looks[now - 1]:
                world.look(now, known)
        world.quiet = QUIETS[0]
        world.look(len(arrivals), arrivals[-1])
        assert not world.wrongs(len(arrivals)), (arrivals, looks)


def _loses(stage: Stage) -> Stage:
    """A stage that drops for good what it should only hold back."""

    def losing(calls: Sequence[Call], context: Context) -> Passed:
        passed = stage(calls, context)
        return Passed(passed.kept, tuple(Stop(s.call, s.reason, final=True) for s in passed.stopped))

    return losing


@pytest.mark.parametrize("broken", ["silence", "quiet_hours", "dedup"])
def test_the_model_can_say_no(broken: str) -> None:
    bad: dict[str, Callable[[Stage], Stage | None]] = {"dedup": lambda _: None}
    changed = [s if s.__name__ != broken else bad.get(broken, _loses)(s) for s in STAGES]  # type: ignore[attr-defined]
    stages = [s for s in changed if s is not None]
    quiet = QUIETS[-1] if broken == "quiet_hours" else QUIETS[1]
    found = [
        w
        for known, looks in stories()
        if (w := _double(quiet, known, looks, stages) or told_wrong("at once, easing", quiet, known, looks, stages))
    ]
    assert found


def _double(quiet: Quiet, arrivals: Sequence[str], looks: Sequence[bool], stages: Sequence[Stage]) -> str:
    """Something said that changes nothing of what people believe."""
    world = World("at once, easing", quiet, stages)
    for now, known in enumerate(arrivals, start=1):
        if now == len(arrivals) or looks[now - 1]:
            world.look(now, known)
    for ts in world.told.values():
        if ts and ts[0].name in ENDS:
            return "an end of what was never told"
    return ""


def test_nothing_is_said_twice_or_without_a_beginning() -> None:
    for quiet in QUIETS:
        for arrivals, looks in stories():
            assert not _double(quiet, arrivals, looks, STAGES), (quiet.name, arrivals, looks)
