"""What is said: each stage by cases, and the promise that nothing that fires unsilenced stays unsaid."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.findings import Found
from alerts.notification import RateLimit
from alerts.pipeline import (
    Call,
    Context,
    Stage,
    dedup,
    first_free,
    group,
    historical,
    inhibit,
    inhibited_by,
    rate_limit,
    run,
    silence,
    silenced_spans,
)
from alerts.reconcile import reconcile
from alerts.rules import Rule, load
from domain.records import Alert
from store.ledger.alerts import Stored, Transition
from store.ledger.suppressions import Suppression
from tests.alerts.conftest import hours
from tests.alerts.test_reconcile import alert

RULES = load().by_id


def call(
    a: Alert, name: str = "firing", *, of: str = "a", n: int = 0, severity: str = "yellow", reason: str = ""
) -> Call:
    at = (a.ends_at if name == "resolved" else a.fired_at) or a.starts_at
    return Call(Transition(f"{of}/{name}/{n}", of, name, at, severity, reason, n), a, at)


def water(rule: str, fired: float, ends: float | None = None, subject: str = "water-2", **more: object) -> Alert:
    return alert(fired - 1, fired, ends, rule=f"water.{rule}", subject=subject, fingerprint=f"{rule}{subject}", **more)


def context(*silencers: Alert, told: Sequence[Transition] = ()) -> Context:
    spans = silenced_spans(RULES, [Stored(str(i), a) for i, a in enumerate(silencers)])
    return Context(RULES, spans, {t.alert_id: [t] for t in told})


def names(calls: Sequence[Call]) -> list[str]:
    return [c.transition.id for c in calls]


class TestGroup:
    def test_the_same_news_of_one_rule_at_one_moment_is_one_message(self) -> None:
        a, b = (alert(0, 1, subject=s, fingerprint=s) for s in ("air-1", "air-2"))
        kept = group([call(a, of="a"), call(b, of="b")], context()).kept
        assert len({c.group for c in kept}) == 1

    @pytest.mark.parametrize("other", [alert(0, 2), alert(0, 1, rule="air.ozone_day")])
    def test_other_moments_and_rules_are_other_messages(self, other: Alert) -> None:
        kept = group([call(alert(0, 1), of="a"), call(other, of="b")], context()).kept
        assert len({c.group for c in kept}) == 2

    def test_an_end_for_want_of_data_is_not_grouped_with_a_recovery(self) -> None:
        a = alert(0, 1, 5)
        kept = group(
            [call(a, "resolved", of="a", reason="stale"), call(a, "resolved", of="b", reason="recovered")], context()
        )
        assert len({c.group for c in kept.kept}) == 2


class TestInhibit:
    @pytest.mark.parametrize(
        ("says", "quiet", "silencers", "heard"),
        [
            ("Without a silencer it is heard.", water("class", 5), [], 5),
            ("It waits while its silencer fires.", water("class", 5), [water("ammonia", 4)], None),
            ("A silencer that fires at the same moment silences.", water("class", 5), [water("ammonia", 5)], None),
            ("One that fires later comes too late.", water("class", 5), [water("ammonia", 6)], 5),
            ("One that ended before is no silencer.", water("class", 5), [water("ammonia", 2, 5)], 5),
            ("It is heard when its silencer ends.", water("class", 5), [water("ammonia", 4, 8)], 8),
            ("Silencers one after another are one silence.", water("class", 5),
             [water("ammonia", 4, 8), water("ammonia", 8, 9)], 9),
            ("In a gap between two it is heard.", water("class", 5), [water("ammonia", 4, 8), water("ammonia", 9)], 8),
            ("Another subject silences nobody.", water("class", 5), [water("ammonia", 4, subject="water-3")], 5),
            ("A pending alert silences nobody.", water("class", 5), [alert(3, rule="water.ammonia", subject="water-2")],
             5),
            ("Other rules are not silenced.", alert(4, 5, subject="water-2"), [water("ammonia", 4)], 5),
            ("What was over before its silencer ended is never heard.", water("class", 5, 8), [water("ammonia", 4, 8)],
             None),
            ("What goes on after it is heard then.", water("class", 5, 9), [water("ammonia", 4, 8)], 8),
        ],
    )  # fmt: skip
    def test_case(self, says: str, quiet: Alert, silencers: list[Alert], heard: float | None) -> None:
        passed = inhibit([call(quiet)], context(*silencers))
        assert [c.at for c in passed.kept] == ([] if heard is None else [hours(heard)]), says
        assert [s.reason for s in passed.stopped] == (["inhibited by water.ammonia"] if heard is None else []), says
        assert all(s.final == (quiet.ends_at is not None) for s in passed.stopped), says

    def test_an_end_is_never_silenced(self) -> None:
        passed = inhibit([call(water("class", 5, 6), "resolved")], context(water("ammonia", 4)))
        assert len(passed.kept) == 1

    def test_who_silenced_it_all_the_while_is_named(self) -> None:
        spans = context(water("ammonia", 4, 8)).silenced["water.class", "water-2"]
        assert inhibited_by(water("class", 5, 8), spans) == "water.ammonia"
        assert inhibited_by(water("class", 5, 9), spans) == ""
        assert inhibited_by(water("class", 5), spans) == ""
        assert inhibited_by(alert(5), spans) == ""

    def test_the_first_free_moment_of_overlapping_spans(self) -> None:
        spans = [
            (hours(1), hours(5), "a"),
            (hours(2), hours(3), "b"),
            (hours(5), hours(6), "c"),
            (hours(9), hours(10), "d"),
        ]
        assert first_free(hours(1), spans) == (hours(6), "c")
        assert first_free(hours(0), spans) == (hours(0), "")
        assert first_free(hours(7), spans) == (hours(7), "")


class TestDedup:
    @pytest.mark.parametrize(
        ("says", "told", "calls", "kept"),
        [
            ("A beginning is news.", [], ["firing"], ["firing"]),
            ("An end after its beginning is news.", ["firing"], ["resolved"], ["resolved"]),
            ("An end of what nobody was told of is none.", [], ["resolved"], []),
            ("A worsening is news though the beginning was silenced.", [], ["escalated:red"], ["escalated:red"]),
            ("The beginning is then told already.", ["escalated:red"], ["firing"], []),
            ("It goes down: news.", ["firing", "escalated:red"], ["eased"], ["eased"]),
            ("It goes down to where people think it is: none.", ["firing"], ["eased"], []),
            ("And nobody hears of that who never heard of it.", [], ["eased"], []),
            ("Up again after it went down is news.", ["firing:red", "eased"], ["escalated:red"], ["escalated:red"]),
            ("From beginning to end at once.", [], ["firing", "escalated:red", "resolved"],
             ["firing", "escalated:red", "resolved"]),
            ("Worse to the same colour is no news.", ["firing", "escalated:red"], ["escalated:red"], []),
            ("Reopened after its end was told is news.", ["firing", "resolved"], ["reopened"], ["reopened"]),
            ("Reopened before its end was told is none.", ["firing"], ["reopened"], []),
            ("Reopened and worse is news.", ["firing"], ["reopened:red"], ["reopened:red"]),
            ("A withdrawal of what is over is no news.", ["firing", "resolved"], ["withdrawn"], []),
            ("A withdrawal of what fires is.", ["firing"], ["withdrawn", "restored"], ["withdrawn", "restored"]),
        ],
    )  # fmt: skip
    def test_case(self, says: str, told: list[str], calls: list[str], kept: list[str]) -> None:
        def transition(n: int, text: str) -> Transition:
            name, _, severity = text.partition(":")
            return Transition(text, "a", name, hours(n), severity or "yellow", "", n)

        before = [transition(n, x) for n, x in enumerate(told)]
        now = [Call(transition(len(told) + n, x), alert(0, 1), hours(n)) for n, x in enumerate(calls)]
        passed = dedup(now, Context(RULES, {}, {"a": before}))
        assert names(passed.kept) == kept, says
        assert all(s.final for s in passed.stopped)


class TestHeldBack:
    """What was long over, what people keep silent, what is too much."""

    NOW = hours(10)

    def passed(self, stage: Stage, calls: Sequence[Call], **more: object) -> tuple[list[str], list[bool]]:
        found = stage(calls, Context(RULES, now=self.NOW, **more))  # type: ignore[arg-type]
        return names(found.kept), [s.final for s in found.stopped]

    def hush(self, **more: object) -> Suppression:
        said = {"kind": "silence", "who": "张示例", "why": "x", "start": hours(8), "end": hours(12)}
        return Suppression(**{**said, **more})  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("says", "row", "name", "kept"),
        [
            ("It fires, so it is told however old.", alert(-99, -98), "firing", True),
            ("It is over since less than a day.", alert(-99, -98, 5), "firing", True),
            ("It was over for longer when it was found.", alert(-99, -98, -20), "firing", False),
            ("Ends are for others to judge.", alert(-99, -98, -20), "resolved", True),
        ],
    )
    def test_historical(self, says: str, row: Alert, name: str, kept: bool) -> None:
        assert self.passed(historical, [call(row, name)]) == (([f"a/{name}/0"], []) if kept else ([], [True])), says

    @pytest.mark.parametrize(
        ("says", "more", "row", "waits"),
        [
            ("All.", {}, alert(0, 9), [False]),
            ("What is over meanwhile need never be told.", {}, alert(0, 9, 10), [True]),
            ("By rule and subject.", {"rule": "air.*", "subject": "air-?"}, alert(0, 9), [False]),
            ("Another rule.", {"rule": "water.*"}, alert(0, 9), None),
            ("Another subject.", {"subject": "air-2"}, alert(0, 9), None),
            ("By present colour.", {"severity": "yellow"}, alert(0, 9, severity="red", severity_now="yellow"), [False]),
            ("Another colour.", {"severity": "yellow"}, alert(0, 9, severity="red"), None),
            ("By label.", {"labels": {"township": "1"}}, alert(0, 9, labels={"township": "1"}), [False]),
            ("Another label.", {"labels": {"township": "1"}}, alert(0, 9, labels={"township": "2"}), None),
            ("Not yet.", {"start": hours(11)}, alert(0, 9), None),
            ("Over.", {"end": hours(10)}, alert(0, 9), None),
            ("All of a short life lay within it.", {"start": hours(1), "end": hours(9)}, alert(1, 2, 8), [True]),
            ("Of another kind.", {"kind": "maintenance"}, alert(0, 9), None),
        ],
    )
    def test_silence(self, says: str, more: dict[str, object], row: Alert, waits: list[bool] | None) -> None:
        found = self.passed(silence, [call(row)], suppressions=[self.hush(**more)])
        assert found == ((["a/firing/0"], []) if waits is None else ([], waits)), says

    def test_an_end_is_never_silenced(self) -> None:
        over = call(alert(0, 9, 10), "resolved")
        assert self.passed(silence, [over], suppressions=[self.hush()])[0] == ["a/resolved/0"]

    def test_the_milder_waits_for_room_and_red_never(self) -> None:
        rows = {"a": "blue", "b": "orange", "c": "red"}
        calls = [
            replace(call(alert(0, 9, severity=colour, fingerprint=of), of=of, severity=colour), group=of)
            for of, colour in rows.items()
        ]
        limit = RateLimit(messages=2, per=timedelta(hours=1))
        kept, final = self.passed(rate_limit, calls, rate_limit=limit, recent={"air.polluted": 1})
        assert (kept, final) == (["b/firing/0", "c/firing/0"], [False])
        assert len(self.passed(rate_limit, calls)[0]) == 3

    def test_one_message_is_one_however_many_it_tells(self) -> None:
        calls = [replace(call(alert(0, 9, fingerprint=of), of=of), group="g") for of in "abc"]
        limit = RateLimit(messages=1, per=timedelta(hours=1))
        assert len(self.passed(rate_limit, calls, rate_limit=limit)[0]) == 3


def test_stages_run_in_order_and_reasons_name_theirs() -> None:
    quiet = water("class", 5, 8)
    passed = run([call(quiet), call(quiet, "resolved", n=1)], context(water("ammonia", 4, 8)))
    assert passed.kept == ()
    assert [s.reason for s in passed.stopped] == [
        "inhibit: inhibited by water.ammonia",
        "dedup: its beginning was never told",
    ]


class Story:
    """The loop of one evaluation after another, in memory: reconcile, then the pipeline, with what waits."""

    def __init__(self) -> None:
        self.rows: list[Stored] = []
        self.waiting: list[Transition] = []
        self.told: list[Transition] = []
        self.counts: Counter[str] = Counter()

    def evaluate(self, now: int, found: list[Found]) -> None:
        rows = {s.id: s.alert for s in self.rows}
        for c in reconcile(self.rows, found, now=hours(now), why="data"):
            if c.alert is None:
                del rows[str(c.id)]
                continue
            key = c.id or f"{c.alert.rule}-{c.alert.starts_at:%H}"
            rows[key] = c.alert
            for e in c.events:
                self.counts[key] += 1
                n = self.counts[key]
                self.waiting.append(Transition(f"{key}/{n}", key, e.name, e.at, e.severity, e.reason, n))
        self.rows = [Stored(k, a) for k, a in rows.items()]
        told = {k: [t for t in self.told if t.alert_id == k] for k in rows}
        passed = run([Call(t, rows[t.alert_id], t.at) for t in self.waiting], Context(RULES, self.spans, told))
        self.told += [c.transition for c in passed.kept]
        self.waiting = [s.call.transition for s in passed.stopped if not s.final]

    @property
    def spans(self) -> dict[tuple[str, str], list[tuple[object, object, str]]]:
        return silenced_spans(RULES, self.rows)  # type: ignore[return-value]

    def people_think_it_fires(self, row: Stored) -> bool:
        last = [t.name for t in self.told if t.alert_id == row.id and t.name != "escalated"]
        return bool(last) and last[-1] not in ("resolved", "withdrawn")


def intervals(rule: str, fires: Sequence[bool]) -> list[Found]:
    """Alerts of a rule that fires in some hours: begun one hour before it fires, over when it no longer does."""
    out: list[Found] = []
    edges = [*fires, None]
    begun: int | None = None
    for h, on in enumerate(edges, start=1):
        if on and begun is None:
            begun = h
        if on is False and begun is not None:
            out.append(Found(water(rule, begun, h), "yellow", ()))
            begun = None
    if begun is not None:
        out.append(Found(water(rule, begun), "yellow", ()))
    return out


def test_on_no_path_an_active_unsilenced_alert_stays_unsaid() -> None:
    """All stories of five hours of an alert, its silencer, and whether anybody looks: 32 * 32 * 16."""
    length = 5
    both = list(itertools.product([False, True], repeat=length))
    for quiet, loud in itertools.product(both, both):
        for looks in itertools.product([False, True], repeat=length - 1):
            story = Story()
            for now in range(1, length + 1):
                if now < length and not looks[now - 1]:
                    continue
                story.evaluate(now, [*intervals("class", quiet[:now]), *intervals("ammonia", loud[:now])])
                for row in story.rows:
                    firing = row.alert.status == "firing"
                    silenced = row.alert.rule == "water.class" and loud[now - 1]
                    known = story.people_think_it_fires(row)
                    assert known or not firing or silenced, (quiet, loud, looks, now, row)
                    assert firing or not known, (quiet, loud, looks, now, row)


def test_fifteen_thousand_calls_find_their_silencers() -> None:
    n = 15_000
    loud = [Stored(str(i), water("ammonia", 4, subject=f"s{i}")) for i in range(0, n, 2)]
    calls = [call(water("class", 5, subject=f"s{i}"), of=f"s{i}") for i in range(n)]
    passed = run(calls, Context(RULES, silenced_spans(RULES, loud), {}))
    assert (len(passed.kept), len(passed.stopped)) == (n // 2, n // 2)


def test_a_rule_that_is_gone_can_still_be_told_of() -> None:
    gone: dict[str, Rule] = {}
    assert len(run([call(replace(alert(0, 1), rule="old.rule"))], Context(gone)).kept) == 1
