"""A replay says what a rule would have raised, changes nothing, and weighs it against what people found."""

import pandas as pd
import pytest

from alerts.replay import replay
from alerts.rules import RuleBook, load
from alerts.run import evaluate
from store.home import Home
from store.ledger.alerts import read_alerts
from tests.alerts.conftest import hours, indicators, put
from tests.alerts.test_run import POLLUTED


def only(*ids: str) -> RuleBook:
    return RuleBook(rules=tuple(r for r in load().rules if r.id in ids))


@pytest.fixture
def lived(home: Home) -> Home:
    """Two stations with one episode each, eleven hours."""
    for station, values in (("air-1", POLLUTED), ("air-2", [160] * 11)):
        put(home, "indicators", indicators("air.aqi", station, values))
    return home


def test_it_counts_alarms_and_load_and_writes_nothing(lived: Home) -> None:
    done = replay(lived, only("air.polluted"), hours(0), hours(12), operators=2)
    (row,) = done.rules.to_dict("records")
    assert (row["alarms"], row["subjects"], row["open"]) == (2, 2, 1)
    assert row["per_operator_hour"] == pytest.approx(2 / 24)
    assert row["median_hours"] == 4  # of the one that ended
    assert done.alarms["subject"].tolist() == ["air-2", "air-1"]
    assert read_alerts(lived.ledger).empty


def test_it_finds_what_an_evaluation_finds(lived: Home) -> None:
    evaluate(lived, now=hours(12), notifiers=[])
    live = read_alerts(lived.ledger, rule="air.polluted").sort_values(["fired_at", "subject"], ignore_index=True)
    done = replay(lived, load(), hours(0), hours(12)).alarms
    columns = ["rule", "subject", "starts_at", "fired_at", "ends_at", "value", "severity"]
    ours = done[done["rule"] == "air.polluted"].reset_index(drop=True)
    assert ours[columns].astype(str).equals(live[columns].astype(str))


def test_only_alarms_that_fire_within_the_span_count(lived: Home) -> None:
    found = [len(replay(lived, only("air.polluted"), hours(a), hours(b)).alarms) for a, b in ((0, 3), (3, 4), (5, 12))]
    assert found == [0, 1, 0]
    with pytest.raises(ValueError, match="is empty"):
        replay(lived, load(), hours(3), hours(3))


def test_against_what_people_found(lived: Home) -> None:
    reviewed = pd.DataFrame(
        {
            "subject": ["air-1", "air-2", "air-9"],
            "starts_at": [hours(1), hours(0), hours(0)],
            "verified_at": [hours(10), hours(9), hours(9)],
            "reviewed": ["true", "false", "true"],
        }
    )
    (row,) = replay(lived, only("air.polluted"), hours(0), hours(12), reviewed=reviewed).rules.to_dict("records")
    assert (row["reviewed"], row["false_share"], row["lead_hours"]) == (2, 0.5, 6.0)


def test_a_rule_by_name(lived: Home) -> None:
    done = replay(lived, load(), hours(0), hours(12), only=["air.polluted"])
    assert done.rules["rule"].tolist() == ["air.polluted"]
