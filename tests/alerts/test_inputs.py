"""What a rule looks at: usable values, of the preferred period, from the horizon on."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from alerts.contacts import contacts, judged_until, reach
from alerts.inputs import Horizon, Surroundings, details, tables
from alerts.inputs import values as read_values
from alerts.rules import Rule, load
from alerts.samples import Samples, moment
from domain.records import TABLES
from store.home import Home
from tests.alerts.conftest import T0, hours, indicators, observations, put

RULES = load().by_id


def samples(home: Home, rule: Rule, horizon: Horizon) -> tuple[Samples, str]:
    return read_values(home, rule.inputs[0], horizon, Surroundings(home, {}))


def values(found: Samples) -> list[tuple[str, float, float]]:
    """subject, hour of the end, value."""
    hour = timedelta(hours=1)
    ends = [(moment(int(e)) - T0) / hour for e in found.end]
    return [(found.subjects[s], e, float(v)) for s, e, v in zip(found.subject, ends, found.value, strict=True)]


def test_values_missing_or_failed_are_no_values(home: Home) -> None:
    frame = indicators("air.aqi", "air-1", [1, 2, float("nan"), 4])
    frame["flag"] = [1, 4, 9, 3]
    put(home, "indicators", frame.astype({"flag": "int32"}))
    found, unit = samples(home, RULES["air.polluted"], Horizon())
    assert values(found) == [("air-1", 1, 1), ("air-1", 4, 4)]
    assert unit == "1"


def test_no_table_no_values(home: Home) -> None:
    for rule in ("air.polluted", "water.ammonia"):
        found, unit = samples(home, RULES[rule], Horizon())
        assert (values(found), unit) == ([], "")


def test_of_values_with_one_end_the_period_named_first_counts(home: Home) -> None:
    put(home, "indicators", indicators("water.class_excess", "water-1", [1, 1], period="PT4H"))
    put(home, "indicators", indicators("water.class_excess", "water-1", [0, 0, 0, 0, 0], period="PT1H"))
    found, _ = samples(home, RULES["water.class"], Horizon())
    assert {(e, v) for _, e, v in values(found)} == {(1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (8, 1)}


def test_quality_control_overrules_the_door(home: Home) -> None:
    frame = observations("water-1", "NH3N", [1, 2, 3, 4], medium="water", period="PT4H", flags=[2, 2, 4, 2])
    put(home, "observations", frame)
    judged = frame.iloc[[0, 1]].assign(flag=[1, 4], tests="", level="auto-checked")
    put(home, "quality", TABLES["quality"].frame(judged[TABLES["quality"].columns]))
    found, unit = samples(home, RULES["water.ammonia"], Horizon())
    assert values(found) == [("water-1", 4, 1), ("water-1", 16, 4)]
    assert unit == "mg/L"


def test_only_the_rules_own_medium_parameter_and_period_are_read(home: Home) -> None:
    put(home, "observations", observations("outlet-1", "NH3N", [9], medium="source"))
    put(home, "observations", observations("water-1", "TP", [9], medium="water"))
    assert values(samples(home, RULES["water.ammonia"], Horizon())[0]) == []


def test_a_subject_with_an_earlier_horizon_is_read_from_there(home: Home) -> None:
    for station in ("air-1", "air-2"):
        put(home, "indicators", indicators("air.aqi", station, range(6)))
    found, _ = samples(home, RULES["air.polluted"], Horizon(hours(4), {"air-2": hours(2)}))
    assert sorted((s, v) for s, _, v in values(found)) == [
        ("air-1", 4), ("air-1", 5), ("air-2", 2), ("air-2", 3), ("air-2", 4), ("air-2", 5)
    ]  # fmt: skip


def test_horizons() -> None:
    horizon = Horizon(hours(4), {"a": hours(2)})
    assert (horizon.of("a"), horizon.of("b"), horizon.first) == (hours(2), hours(4), hours(2))
    assert [horizon.begins("b", hours(h)) for h in (3, 4)] == [False, True]
    assert Horizon().first is None
    assert Horizon().begins("b", hours(-1e5))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("air.polluted", ("indicators",)),
        ("water.ammonia", ("observations", "quality")),
        ("station.silent", ("observations",)),
    ],
)
def test_tables_whose_changes_matter(rule: str, expected: tuple[str, ...]) -> None:
    assert tables(RULES[rule]) == expected


def test_reach_covers_all_that_may_be_pending(home: Home) -> None:
    assert reach(RULES["air.polluted"], home) == timedelta(hours=3 + 6 + 1)
    assert reach(RULES["water.ammonia"], home) == timedelta(days=1, hours=4)
    assert reach(RULES["air.ozone_day"], home) == timedelta(days=1), "one value fires at once: nothing is ever pending"
    assert reach(RULES["station.silent"], home) == timedelta(hours=3 * 4 + 1, days=1)


def test_the_newest_detail_is_taken(home: Home) -> None:
    put(home, "indicators", indicators("human.spot", "spot", [1], detail="old"))
    put(home, "indicators", indicators("human.spot", "spot", [1], detail="new", first=hours(1)))
    assert details(home, RULES["human.spot"], ["spot", "nobody"]) == {"spot": "new"}
    assert details(home, RULES["human.spot"], []) == {}


def test_silence_is_judged_no_further_than_the_feed_was_asked(home: Home) -> None:
    rule = RULES["station.silent"]
    assert judged_until(home, rule, hours(9)) == hours(9)
    home.coverage.mark("ground_hj212", hours(0), hours(5), "received", now=T0)
    home.coverage.mark("ground_hj212", hours(5), hours(9), "failed", now=T0)
    assert judged_until(home, rule, hours(9)) == hours(5)
    assert judged_until(home, RULES["air.polluted"], hours(9)) == hours(9)


class TestContacts:
    def test_stations_without_a_cadence_are_never_silent(self, home: Home) -> None:
        found = contacts(home, RULES["station.silent"], Horizon(), hours(5), {})
        assert "air-1" in found.stations
        assert not [s for s in found.stations if s.startswith("soil")]

    def test_a_station_is_due_from_the_first_question_or_its_own_beginning(self, home: Home, later: Home) -> None:
        for place in (home, later):
            place.coverage.mark("ground_hj212", hours(0), hours(5), "received", now=T0)
        now, then = (contacts(h, RULES["station.silent"], Horizon(), hours(500), {}) for h in (home, later))
        at = now.stations.index("air-1")
        assert moment(int(now.since[at])) == T0
        assert moment(int(then.since[at])) == datetime(2026, 8, 24, 16, tzinfo=UTC)
        assert moment(int(then.until[at])) == datetime(2026, 8, 26, 16, tzinfo=UTC), "until the end of its last day"

    @pytest.fixture
    def later(self, home: Home, tmp_path: pytest.TempPathFactory) -> Home:
        stations = home.registry.stations.copy()
        stations.loc[stations["station_id"] == "air-1", ["valid_from", "valid_to"]] = ["2026-08-25", "2026-08-26"]
        registry = type(home.registry)(
            home.registry.root,
            home.registry.county,
            stations,
            home.registry.channels,
            home.registry.townships,
            home.registry.waters,
        )
        return Home(home.root / "later", registry)

    def test_every_value_is_heard_at_its_end(self, home: Home) -> None:
        put(home, "observations", observations("water-1", "TP", [1, 1], medium="water", period="PT4H"))
        put(home, "observations", observations("nobody", "TP", [1], medium="water"))
        found = contacts(home, RULES["station.silent"], Horizon(), hours(9), {})
        assert {found.stations[s] for s in found.station} == {"water-1"}
        assert [moment(int(e)) for e in found.end] == [hours(4), hours(8)]


def test_a_rule_of_the_other_kind_is_refused(home: Home) -> None:
    with pytest.raises(TypeError, match=r"air\.polluted"):
        contacts(home, RULES["air.polluted"], Horizon(), hours(1), {})


def test_frames_stay_typed_when_empty(home: Home) -> None:
    put(home, "observations", observations("water-1", "NH3N", [1], medium="water"))
    put(home, "quality", TABLES["quality"].frame(pd.DataFrame(columns=TABLES["quality"].columns)))
    assert len(samples(home, RULES["water.ammonia"], Horizon(hours(5)))[0].value) == 0
