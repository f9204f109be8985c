"""From values to alerts: thresholds, limits by date and place, severities, silences."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.findings import Contacts, Spell, next_at, silences, spells, tell
from alerts.judging import judge
from alerts.lifecycle import Finding, Policy, State, step
from alerts.rules import Rule, load
from alerts.samples import Samples, micros, moment
from alerts.subjects import Subjects

HOUR = 3_600_000_000
RULES = load().by_id


def samples(values: list[float], *, start: datetime = datetime(2026, 8, 1, tzinfo=UTC), subject: str = "s") -> Samples:
    first = micros(start)
    at = first + np.arange(len(values), dtype=np.int64) * HOUR
    return Samples((subject,), np.zeros(len(values), dtype=np.int64), at, at + HOUR, np.array(values, dtype=float))


def with_condition(rule: Rule, **more: object) -> Rule:
    return Rule.model_validate({**rule.model_dump(mode="json", by_alias=True), **more})


def station(**more: str) -> dict[str, str]:
    row = {"zone": "2", "target": "III", "kind": "river", "valid_from": "2020-01-01", "valid_to": ""}
    return {**row, **more}


@given(st.datetimes(timezones=st.just(UTC)))
def test_moments_and_micros_are_inverse(at: datetime) -> None:
    assert moment(micros(at)) == at


@pytest.mark.parametrize(
    ("op", "value", "broken"),
    [(">", 150, [0, 0, 1]), (">=", 150, [0, 1, 1]), ("<", 150, [1, 0, 0]), ("<=", 150, [1, 1, 0])],
)
def test_a_threshold_is_broken_in_its_sense(op: str, value: float, broken: list[int]) -> None:
    rule = with_condition(RULES["water.class"], condition={"op": op, "value": value})
    found = judge(rule, samples([149.9, 150, 150.1]), {})
    assert found.breach.astype(int).tolist() == broken
    assert found.threshold.tolist() == [150] * 3


def test_severity_goes_by_the_value_and_never_below_the_mildest() -> None:
    rule = RULES["air.polluted"]
    assert judge(rule, samples([150.5, 151, 200.9, 201, 301, 500]), {}).level.tolist() == [1, 1, 1, 2, 3, 3]


def test_severity_downwards() -> None:
    rule = with_condition(
        RULES["water.class"], condition={"op": "<", "value": 5}, severity={"blue": 5, "orange": 3, "red": 2}
    )
    assert judge(rule, samples([4.9, 3, 2.5, 2, 0]), {}).level.tolist() == [0, 2, 2, 3, 3]


@pytest.mark.parametrize(
    ("day", "zone", "limit"),
    [
        (datetime(2026, 2, 27, 16, tzinfo=UTC), "2", 75.0),  # 2026-02-28 in Shanghai: GB 3095-2012
        (datetime(2026, 2, 28, 16, tzinfo=UTC), "2", 60.0),  # 2026-03-01: GB 3095-2026, transition
        (datetime(2031, 1, 1, tzinfo=UTC), "2", 50.0),  # final
        (datetime(2026, 8, 1, tzinfo=UTC), "1", 35.0),
    ],
)
def test_the_limit_is_that_of_the_zone_on_the_shanghai_day_of_the_value(day: datetime, zone: str, limit: float) -> None:
    reference = {"limit": {"standard": "GB 3095", "averaging": "daily", "parameter": "PM2.5"}}
    rule = with_condition(RULES["air.ozone_day"], condition=reference)
    found = judge(rule, samples([limit, limit + 1], start=day), {"s": [station(zone=zone)]})
    assert found.threshold.tolist() == [limit, limit]
    assert found.breach.tolist() == [False, True]


def test_a_limit_that_wants_at_least_is_broken_from_below() -> None:
    """Dissolved oxygen of class III: at least 5 mg/L (GB 3838-2002 table 1)."""
    on = {"parameter": "DO", "medium": "water", "period": ["PT1H"]}
    rule = with_condition(RULES["water.ammonia"], on=on)
    found = judge(rule, samples([5, 4.9, 2]), {"s": [station()]})
    assert found.breach.tolist() == [False, True, True]
    assert found.badness[2] > found.badness[1]


def test_a_limit_within_two_ends_is_broken_at_either() -> None:
    """pH: 6 to 9 (GB 3838-2002 table 1)."""
    on = {"parameter": "pH", "medium": "water", "period": ["PT1H"]}
    found = judge(with_condition(RULES["water.ammonia"], on=on), samples([5.9, 6, 9, 9.1]), {"s": [station()]})
    assert found.breach.tolist() == [True, False, False, True]
    assert found.threshold.tolist() == [6, 9, 9, 9]


@pytest.mark.parametrize(
    "rows", [[], [station(target="")], [station(valid_from="2027-01-01")], [station(valid_to="2026-07-31")]]
)
def test_where_there_is_no_limit_nothing_is_broken(rows: list[dict[str, str]]) -> None:
    assert judge(RULES["water.ammonia"], samples([99]), {"s": rows}).breach.tolist() == [False]


def test_the_registry_row_of_the_day_decides() -> None:
    rows = [station(target="II", valid_to="2026-08-01"), station(target="V", valid_from="2026-08-02")]
    found = judge(RULES["water.ammonia"], samples([1.0] * 20, start=datetime(2026, 8, 1, 6, tzinfo=UTC)), {"s": rows})
    assert found.breach.tolist() == [True] * 10 + [False] * 10


def test_silence_has_no_samples_to_judge() -> None:
    with pytest.raises(ValueError, match=r"station\.silent has no condition"):
        judge(RULES["station.silent"], samples([1]), {})


def test_a_spell_has_the_worst_value_and_how_it_came_to_its_severity() -> None:
    rule = RULES["air.polluted"]
    values = samples([160, 160, 160, 210, 140, 310, 250, 160])
    start = values.start[0]
    (spell,) = spells(rule, values, judge(rule, values, {}), int(values.end[-1]))
    assert spell == Spell(
        subject="s", starts_at=start, fired_at=start + 3 * HOUR, ends_at=None, stale=False, value=310, threshold=150,
        level=3, level_now=3, fired_level=1, turns=((start + 4 * HOUR, 2), (start + 6 * HOUR, 3)),
    )  # fmt: skip


def course(values: list[float], **more: object) -> tuple[list[tuple[float, int]], int, int]:
    """Hours and levels of every turn, the worst, the last."""
    rule = with_condition(RULES["air.polluted"], **{"for": 1, "keep": "PT9H", **more})
    found = samples(values)
    (spell,) = spells(rule, found, judge(rule, found, {}), int(found.end[-1]))
    return [((at - found.start[0]) / HOUR, level) for at, level in spell.turns], spell.level, spell.level_now


def test_severity_grows_with_how_long_it_has_lasted() -> None:
    assert course([160] * 6, escalate={"orange": "PT3H", "red": "PT5H"}) == ([(3, 2), (5, 3)], 3, 3)
    assert course([210] * 2 + [160] * 4, escalate={"red": "PT5H"}) == ([(5, 3)], 3, 3)


def test_severity_eases_when_the_worse_was_not_seen_for_so_long() -> None:
    assert course([310, 160, 160, 160], ease="PT2H") == ([(3, 1)], 3, 1)
    assert course([310, 160, 210, 160, 160], ease="PT2H") == ([(3, 2), (5, 1)], 3, 1)
    assert course([310, 100, 100, 100], ease="PT2H") == ([(3, 1)], 3, 1), "also while keep holds it"
    assert course([310, 160, 160, 160]) == ([], 3, 3), "by default never"


def test_the_deadband_is_on_the_good_side() -> None:
    rule = with_condition(RULES["water.class"], condition={"op": ">=", "value": 10, "deadband": 2})
    found = judge(rule, samples([10, 9, 8.1, 8, 7]), {})
    assert (found.breach.tolist(), found.held.tolist()) == ([True] + [False] * 4, [True, True, True, False, False])
    down = judge(with_condition(rule, condition={"op": "<", "value": 5, "deadband": 1}), samples([4, 5, 5.9, 6]), {})
    assert down.held.tolist() == [True, True, True, False]


def test_the_deadband_of_a_limit_is_per_cent_of_it() -> None:
    """Ammonia of class III: 1.0 mg/L."""
    rule = with_condition(RULES["water.ammonia"], condition={"limit": {"standard": "GB 3838"}, "deadband_pct": 10})
    found = judge(rule, samples([1.1, 1.0, 0.95, 0.9, 0.5]), {"s": [station()]})
    assert found.held.tolist() == [True, True, True, False, False]


def test_a_pending_spell_has_a_severity_too() -> None:
    rule = RULES["air.polluted"]
    values = samples([160, 250])
    (spell,) = spells(rule, values, judge(rule, values, {}), int(values.end[-1]))
    assert (spell.fired_at, spell.value, spell.level) == (None, 250, 2)


def test_nothing_measured_gives_nothing() -> None:
    rule = RULES["water.ammonia"]
    assert spells(rule, samples([]), judge(rule, samples([]), {}), 0) == []


def test_an_alert_carries_its_words() -> None:
    rule = RULES["water.ammonia"]
    spell = Spell("water-2", micros(datetime(2026, 8, 20, tzinfo=UTC)), None, None, False, 2.5, 1.0, 2, 2, 2)
    subjects = Subjects({"water-2": ("碧湖断面", "Bihu")}, {"water-2": "331102100"})
    alert = tell(rule, spell, "mg/L", subjects).alert
    assert (alert.status, alert.severity, alert.value, alert.unit) == ("pending", "orange", 2.5, "mg/L")
    assert alert.summary_en == (
        "Bihu: ammonia nitrogen above the target-class limit of 1 mg/L since 2026-08-20 08:00, worst 2.5 mg/L."
    )
    assert alert.labels == {"eye": "ground", "medium": "water", "township": "331102100"}


@pytest.mark.parametrize(
    ("says", "values", "looked", "expected"),
    [
        ("Nothing open, nothing to come.", [90, 90], 2, None),
        ("An open alert goes stale six hours after its last value.", [160, 160], 2, 8),
        ("A value whose period is not over comes first.", [160, 160, 90], 2, 3),
        ("Nothing was ever measured.", [], 2, None),
    ],
)
def test_what_time_alone_will_change(says: str, values: list[float], looked: int, expected: int | None) -> None:
    rule, found = RULES["air.polluted"], samples(values)
    first = micros(datetime(2026, 8, 1, tzinfo=UTC))
    now = first + looked * HOUR
    at = next_at(rule, found, spells(rule, found, judge(rule, found, {}), now), now)
    assert at == (None if expected is None else first + expected * HOUR), says


def contacts(ends: list[list[int]], now: int, *, since: int = -1, until: int | None = None, wait: int = 4) -> Contacts:
    flat = [(s, e) for s, one in enumerate(ends) for e in one]
    n = len(ends)
    return Contacts(
        stations=tuple(f"s{i}" for i in range(n)),
        station=np.array([s for s, _ in flat], dtype=np.int64),
        end=np.array([e for _, e in flat], dtype=np.int64),
        since=np.full(n, since),
        until=np.full(n, now if until is None else min(now, until)),
        wait=np.full(n, wait),
    )


@pytest.mark.parametrize(
    ("says", "ends", "now", "more", "expected"),
    [
        ("Nobody there, nobody silent.", [], 9, {}, []),
        ("A station heard in time is not silent.", [[1, 2, 5, 9]], 10, {}, []),
        ("A value exactly when the wait is over is in time.", [[1, 5]], 5, {}, []),
        ("None at that moment is silence.", [[1]], 5, {}, [("s0", 1, 5, None)]),
        ("It lasts from the last value to the next.", [[1, 8]], 9, {}, [("s0", 1, 5, 8)]),
        ("A station that never spoke and is not due is not silent.", [[]], 99, {}, []),
        ("One that is due is silent from then on.", [[]], 9, {"since": 2}, [("s0", 2, 6, None)]),
        ("One that is due speaks too late.", [[9]], 10, {"since": 2}, [("s0", 2, 6, 9)]),
        ("What was before it is due does not count.", [[1, 9]], 10, {"since": 6}, []),
        ("A station that is no longer due is not silent.", [[1]], 99, {"until": 4}, []),
        ("Its silence ends with its time.", [[1]], 99, {"until": 8}, [("s0", 1, 5, 8)]),
        ("A value still to come does not count.", [[1, 20]], 9, {}, [("s0", 1, 5, None)]),
        ("Stations are judged each by itself.", [[1, 9], [4]], 9, {}, [("s0", 1, 5, 9), ("s1", 4, 8, None)]),
    ],
)
def test_silence(
    says: str,
    ends: list[list[int]],
    now: int,
    more: dict[str, int],
    expected: list[tuple[str, int, int, int | None]],
) -> None:
    found = silences(RULES["station.silent"], contacts(ends, now, **more), now)
    assert [(s.subject, s.starts_at, s.fired_at, s.ends_at) for s in found] == expected, says


@given(st.lists(st.integers(0, 60), max_size=12), st.integers(1, 10), st.integers(0, 70), st.randoms())
def test_silence_is_what_the_lifecycle_calls_stale(heard: list[int], wait: int, now: int, random: object) -> None:
    """A station that is heard is an alert that fires; its silence begins where that alert goes stale."""
    state, ended = State(), []
    for end in sorted(heard):
        state, over = step(state, Finding(end, end, True), min(now, end), Policy(stale_after=wait))
        ended += over
    ended += step(state, None, now, Policy(stale_after=wait))[1]
    random.shuffle(heard)  # type: ignore[attr-defined]
    found = silences(RULES["station.silent"], contacts([heard], now, wait=wait), now)
    assert [s.fired_at for s in found] == [a.ends_at for a in ended]


def test_the_value_of_a_silence_is_its_length_in_hours() -> None:
    found = silences(RULES["station.silent"], contacts([[0]], 9 * HOUR, wait=4 * HOUR), 9 * HOUR)
    assert [(s.value, s.threshold) for s in found] == [(9.0, 4.0)]
    assert timedelta(microseconds=found[0].starts_at) == timedelta(0)
