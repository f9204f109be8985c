"""Handling times and alarm load: counted by hand."""

import pandas as pd
import pytest

from alerts.incidents.statistics import alarm_load, chattering, handling, load_limits, period_of
from tests.alerts.incidents.given import HOUR, T0

NOW = pd.Timestamp(T0 + 24 * 60 * HOUR)


def incident(**more):
    times = dict.fromkeys(("acknowledged_at", "verified_at", "deadline"), pd.NaT)
    base = {"merged_into": "", "historical": False, "created_at": pd.Timestamp(T0), "active": True, "handling": "open",
            "outcome": "", "closed_in_time": None, "reopened": 0}  # fmt: skip
    return {**base, **times, **more}


def frame(*rows):
    found = pd.DataFrame(rows)
    for name in ("created_at", "acknowledged_at", "verified_at", "deadline"):
        found[name] = pd.to_datetime(found[name], utc=True)
    return found


def alarm(at: float, *, rule="r", subject="s", severity="blue", hours=1.0, **more):
    start = pd.Timestamp(T0 + at * HOUR)
    base = {"rule": rule, "subject": subject, "severity": severity, "status": "resolved", "inhibited_by": ""}
    return {**base, "fired_at": start, "ends_at": start + hours * HOUR, "historical": False, **more}


def test_periods_are_shanghai_weeks_and_months():
    times = pd.to_datetime(pd.Series(["2026-08-31T15:59Z", "2026-08-31T16:00Z", "2027-01-02T00:00Z"]), utc=True)
    assert period_of(times, "month").tolist() == ["2026-08", "2026-09", "2027-01"]
    assert period_of(times, "week").tolist() == ["2026-W36", "2026-W36", "2026-W53"]


def test_handling():
    at = pd.Timestamp(T0)
    found = handling(
        frame(
            incident(acknowledged_at=at + HOUR, verified_at=at + 4 * HOUR, handling="closed", active=False,
                     outcome="found", closed_in_time=True),
            incident(acknowledged_at=at + 3 * HOUR, handling="closed", active=False, closed_in_time=False),
            incident(deadline=at + HOUR, reopened=1),
            incident(merged_into="I"),
            incident(historical=True),
        ),
        "month",
        now=NOW,
    )  # fmt: skip
    (row,) = found.to_dict("records")
    counts = {k: row[k] for k in ("period", "opened", "closed", "open_now", "overdue", "reopened")}
    assert counts == {"period": "2026-08", "opened": 3, "closed": 2, "open_now": 1, "overdue": 1, "reopened": 1}
    assert (row["acknowledge_h"], row["verify_h"], row["closed_in_time_pct"], row["found_pct"]) == (2, 4, 50, 100)


def test_alarm_load_against_the_limits():
    alarms = [alarm(n * 0.01, subject=f"s{n}") for n in range(16)] + [alarm(30, severity="red", hours=48)]
    alarms += [alarm(1, inhibited_by="x"), alarm(1, historical=True), alarm(1, status="pending")]
    load = alarm_load(pd.DataFrame(alarms), "week", now=NOW).set_index("figure")
    assert load["period"].unique().tolist() == ["2026-W34"]
    assert load.loc["per_operator_hour", "value"] == pytest.approx(17 / 168)
    assert load.loc["per_operator_day", "value"] == pytest.approx(17 / 7)
    assert load.loc["most_in_10_minutes", "value"] == 16
    assert load.loc["most_in_10_minutes", "verdict"] == "over"
    assert load.loc["flood_share", "value"] == pytest.approx(100 / 1008)
    assert load.loc["stale", "value"] == 1
    assert load.loc["stale", "verdict"] == "bearable"
    assert load.loc["priority_high", "value"] == pytest.approx(100 / 17)
    halved = alarm_load(pd.DataFrame(alarms), "week", operators=2, now=NOW).set_index("figure")
    assert halved.loc["per_operator_hour", "value"] == load.loc["per_operator_hour", "value"] / 2


def test_every_figure_has_a_limit_with_its_source():
    figures = alarm_load(pd.DataFrame([alarm(0)]), "month", now=NOW)["figure"]
    assert set(figures) == set(load_limits().index)
    assert (load_limits()["source"] != "").all()


def test_chattering():
    alarms = [alarm(n, rule="a") for n in (0, 5, 10)] + [alarm(n, rule="b") for n in (0, 20, 40)]
    assert chattering(pd.DataFrame(alarms)).values.tolist() == [["a", "s", 3, 3]]


def test_nothing_gives_nothing():
    none = pd.DataFrame([alarm(0)]).iloc[:0]
    assert alarm_load(none, "month", now=NOW).empty
    assert chattering(none).empty
    assert handling(frame(incident(merged_into="I")), "week", now=NOW).empty
