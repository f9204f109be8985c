"""Data in, alerts in the ledger: whatever the order of arrival, the number of runs, and who dies when."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts import run as shell
from alerts.inputs import Surroundings
from alerts.notifiers import Answer
from alerts.rules import RuleBook, load
from alerts.run import deliver, evaluate
from alerts.subjects import Subjects
from domain.errors import StoreConflict
from domain.records import TABLES
from domain.registry import Registry
from store.home import Home
from store.ledger import alerts as book
from store.ledger.alerts import read_alerts, read_transitions
from store.ledger.outbox import read_deliveries, read_outbox
from tests.alerts.conftest import HOUR, T0, Box, brief, final, hours, indicators, observations, put

POLLUTED = [100, 160, 170, 210, 220, 150, 100, 90, 80, 80, 80]


def history_of(home: Home) -> list[tuple[str, str, str]]:
    found = read_transitions(home.ledger)
    return [(t.name, t.severity, t.verdict) for t in found.itertuples()]


def without(rule_id: str) -> RuleBook:
    return RuleBook(rules=tuple(r for r in load().rules if r.id != rule_id))


def test_an_episode_becomes_one_alert_with_its_worst_severity(home: Home) -> None:
    put(home, "indicators", indicators("air.aqi", "air-1", POLLUTED))
    counts = evaluate(home, now=hours(12), notifiers=[])
    assert (counts.alerts_new, counts.transitions) == (1, 2)
    alert = read_alerts(home.ledger).iloc[0]
    assert (alert["starts_at"], alert["fired_at"], alert["ends_at"]) == (hours(1), hours(4), hours(8))
    assert (alert["value"], alert["threshold"], alert["severity"]) == (220, 150, "orange")
    assert alert["labels"] == {"eye": "ground", "medium": "air", "township": "331102001"}
    assert alert["summary_zh"] == "紫金站（模拟）自2026-08-18 09:00起空气质量指数（AQI）持续高于150，最高220。"


def test_running_twice_changes_nothing(home: Home) -> None:
    put(home, "indicators", indicators("air.aqi", "air-1", POLLUTED))
    evaluate(home, now=hours(12))
    first = deliver(home, now=hours(12))
    before = [read_alerts(home.ledger), read_transitions(home.ledger), read_outbox(home.ledger)]
    log = (home.root / "alerts.log").read_bytes()
    assert first.sent == 2
    assert evaluate(home, now=hours(12)).as_dict() == shell.Counts().as_dict()
    assert deliver(home, now=hours(12)) == shell.Sent()
    after = [read_alerts(home.ledger), read_transitions(home.ledger), read_outbox(home.ledger)]
    for a, b in zip(before, after, strict=True):
        pd.testing.assert_frame_equal(a, b)
    assert (home.root / "alerts.log").read_bytes() == log


def test_hour_by_hour_tells_the_story_once(home: Home) -> None:
    whole = indicators("air.aqi", "air-1", POLLUTED)
    for h in range(1, 13):
        put(home, "indicators", whole[whole["time"] < hours(h)])
        evaluate(home, now=hours(h), notifiers=[Box()])
    assert history_of(home) == [("firing", "orange", "told"), ("resolved", "orange", "told")]


def test_severity_that_grows_after_firing_is_told(home: Home) -> None:
    put(home, "indicators", indicators("air.aqi", "air-1", [160, 160, 160, 210, 160, 310, 160]))
    evaluate(home, now=hours(7), notifiers=[Box()])
    assert history_of(home) == [
        ("firing", "yellow", "told"),
        ("escalated", "orange", "told"),
        ("escalated", "red", "told"),
    ]


def test_a_pending_alert_that_fires_later_or_passes_leaves_no_trace(home: Home) -> None:
    put(home, "indicators", indicators("air.aqi", "air-1", [160, 160]))
    evaluate(home, now=hours(2))
    assert brief(home) == [("air.polluted", "air-1", "pending", "")]
    put(home, "indicators", indicators("air.aqi", "air-1", [160, 160, 90]))
    evaluate(home, now=hours(3))
    assert brief(home) == []
    assert history_of(home) == []


def test_want_of_data_is_stale_and_no_recovery(home: Home) -> None:
    put(home, "indicators", indicators("air.aqi", "air-1", [160, 160, 160]))
    evaluate(home, now=hours(8), notifiers=[Box()])
    assert brief(home) == [("air.polluted", "air-1", "firing", "")]
    evaluate(home, now=hours(9), notifiers=[box := Box()])
    assert brief(home) == [("air.polluted", "air-1", "resolved", "stale")]
    assert read_alerts(home.ledger)["ends_at"][0] == hours(9)
    deliver(home, [box], now=hours(9))
    assert "无法判断是否恢复" in box.letters[-1].payload
    assert "已恢复" not in box.letters[-1].payload


def test_values_that_say_nothing_neither_raise_nor_end(home: Home) -> None:
    frame = indicators("air.aqi", "air-1", [160, 160, 160, np.nan, np.nan, 160])
    put(home, "indicators", frame)
    evaluate(home, now=hours(6), notifiers=[])
    assert brief(home) == [("air.polluted", "air-1", "firing", "")]


def test_late_data_that_clear_the_past_withdraw_the_alert_and_say_so(home: Home) -> None:
    put(home, "indicators", indicators("air.aqi", "air-1", [160, 160, 160, 90, 90, 90]))
    evaluate(home, now=hours(6), notifiers=[Box()])
    put(home, "indicators", indicators("air.aqi", "air-1", [160, 100]))
    counts = evaluate(home, now=hours(6), notifiers=[Box()])
    assert counts.alerts_withdrawn == 1
    assert brief(home) == [("air.polluted", "air-1", "withdrawn", "data")]
    assert [h[0] for h in history_of(home)] == ["firing", "resolved", "withdrawn"]
    assert history_of(home)[-1] == ("withdrawn", "yellow", "dropped"), (
        "its end was told already: nobody thinks it fires"
    )
    put(home, "indicators", indicators("air.aqi", "air-1", [160, 160]))
    evaluate(home, now=hours(6), notifiers=[Box()])
    assert brief(home) == [("air.polluted", "air-1", "resolved", "recovered")]


def test_late_data_that_move_the_start_make_no_second_alert(home: Home) -> None:
    put(home, "indicators", indicators("air.aqi", "air-1", [None, None, 160, 160, 160, 160]))
    evaluate(home, now=hours(6), notifiers=[Box()])
    before = read_alerts(home.ledger)
    put(home, "indicators", indicators("air.aqi", "air-1", [160, 160]))
    evaluate(home, now=hours(6), notifiers=[Box()])
    after = read_alerts(home.ledger)
    assert after["starts_at"].tolist() == [T0]
    assert after["id"].tolist() == before["id"].tolist()
    assert [h[0] for h in history_of(home)] == ["firing"]


def test_observations_failed_by_quality_control_alarm_nobody(home: Home) -> None:
    put(home, "observations", observations("water-2", "NH3N", [0.2, 9, 9, 9, 0.2], medium="water", period="PT4H"))
    evaluate(home, now=hours(20), notifiers=[])
    assert ("water.ammonia", "water-2", "resolved", "recovered") not in brief(home)
    assert ("water.ammonia", "water-2", "firing", "") in brief(home)
    frame = observations("water-2", "NH3N", [0.2, 9, 9, 9, 0.2], medium="water", period="PT4H")
    judged = frame.assign(flag=[1, 4, 4, 1, 1], tests="spike", level="auto-checked")[TABLES["quality"].columns]
    put(home, "quality", TABLES["quality"].frame(judged))
    evaluate(home, now=hours(20), notifiers=[])
    assert ("water.ammonia", "water-2", "withdrawn", "data") in brief(home)


def test_the_limit_is_that_of_the_section_and_a_value_on_it_complies(home: Home) -> None:
    """water-1 is to be class II (0.5 mg/L), water-2 class III (1.0 mg/L); GB 3838-2002 table 1."""
    for station in ("water-1", "water-2"):
        put(home, "observations", observations(station, "NH3N", [0.5, 0.8, 0.8, 1.0], medium="water", period="PT4H"))
    evaluate(home, now=hours(16), notifiers=[])
    found = read_alerts(home.ledger, rule="water.ammonia")
    assert found[["subject", "threshold"]].values.tolist() == [["water-1", 0.5]]


def test_another_rule_on_the_same_subject_silences_and_is_named(home: Home) -> None:
    excess = [0, 1, 1, 1, 0, 0, 0]
    for station in ("water-2", "water-4"):
        put(home, "indicators", indicators("water.class_excess", station, excess, period="PT4H"))
    put(
        home,
        "observations",
        observations("water-2", "NH3N", [0.1, 2, 2, 2, 0.1, 0.1, 0.1], medium="water", period="PT4H"),
    )
    evaluate(home, now=hours(28), notifiers=[Box()])
    found = read_alerts(home.ledger, rule="water.class").set_index("subject")
    assert found["inhibited_by"].to_dict() == {"water-2": "water.ammonia", "water-4": ""}
    told = read_transitions(home.ledger).merge(read_alerts(home.ledger), left_on="alert_id", right_on="id")
    stopped = told[(told["subject"] == "water-2") & (told["rule"] == "water.class")]
    assert stopped["why"].tolist() == ["inhibit: inhibited by water.ammonia", "dedup: its beginning was never told"]


def test_what_was_silenced_is_told_once_its_silencer_ends(home: Home) -> None:
    put(home, "indicators", indicators("water.class_excess", "water-2", [1] * 8, period="PT4H"))
    put(home, "observations", observations("water-2", "NH3N", [2, 2, 0.1, 0.1], medium="water", period="PT4H"))
    evaluate(home, now=hours(8), notifiers=[Box()])
    transitions = read_transitions(home.ledger)
    assert sorted(transitions["verdict"]) == ["told", "waiting"]
    evaluate(home, now=hours(32), notifiers=[box := Box()])
    deliver(home, [box], now=hours(32))
    firing = [x.at for x in box.letters if '"rule": "water.class"' in x.payload]
    assert firing == [hours(16)]
    assert read_alerts(home.ledger, rule="water.class")["inhibited_by"].tolist() == [""]


def test_one_thing_at_many_places_is_one_message(home: Home) -> None:
    for station in ("air-4", "air-5", "air-6"):
        put(home, "indicators", indicators("air.O3_mda8", station, [200], period="P1D", first=hours(-8)))
    box = Box()
    assert evaluate(home, now=hours(20), notifiers=[box]).messages == 1
    deliver(home, [box], now=hours(20))
    assert [x.payload.count('"fingerprint"') for x in box.letters] == [3]
    limits = read_alerts(home.ledger).set_index("subject")["threshold"].to_dict()
    assert limits == {"air-4": 160, "air-5": 160, "air-6": 160}


def test_a_spot_takes_its_township_from_its_detail(home: Home) -> None:
    detail = '{"township": "331102100", "urgency": 1}'
    put(home, "indicators", indicators("human.spot", "spot-1", [4], detail=detail))
    evaluate(home, now=hours(2), notifiers=[])
    alert = read_alerts(home.ledger).iloc[0]
    assert (alert["labels"]["township"], alert["severity"]) == ("331102100", "yellow")


class TestSilence:
    def asked(self, home: Home, first: float, last: float) -> None:
        home.coverage.mark("ground_hj212", hours(first), hours(last), "received", now=T0)

    def heard(self, home: Home, station: str, values: list[float | None], first: float = 0) -> None:
        put(home, "observations", observations(station, "SO2", values, medium="air", first=hours(first)))

    def silent(self, home: Home) -> pd.DataFrame:
        return read_alerts(home.ledger, rule="station.silent")

    def test_a_station_with_an_hourly_cadence_may_be_silent_for_four_hours(self, home: Home) -> None:
        self.heard(home, "air-1", [1, 1, None, None, None, None, 1])
        self.heard(home, "air-2", [1, 1, None, None, None, 1, 1])
        evaluate(home, now=hours(7), notifiers=[])
        found = self.silent(home)[["subject", "starts_at", "fired_at", "ends_at", "value", "threshold"]]
        assert found.values.tolist() == [["air-1", hours(2), hours(6), hours(7), 5.0, 4.0]]

    def test_a_station_that_never_spoke_is_due_from_when_the_feed_was_first_asked(self, home: Home) -> None:
        self.asked(home, 0, 5)
        self.heard(home, "air-1", [1] * 5)
        evaluate(home, now=hours(5), notifiers=[])
        found = self.silent(home)
        assert "air-1" not in set(found["subject"])
        hourly = home.registry.stations[home.registry.stations["cadence"] == "PT1H"]["station_id"]
        assert set(found["subject"]) == set(hourly) - {"air-1"}
        assert set(found["starts_at"]) == {pd.Timestamp(T0)}

    def test_nobody_is_silent_where_nobody_asked(self, home: Home) -> None:
        self.asked(home, 0, 3)
        self.heard(home, "air-1", [1] * 3)
        evaluate(home, now=hours(500), notifiers=[])
        assert self.silent(home).empty

    def test_without_any_coverage_a_station_that_never_spoke_is_not_judged(self, home: Home) -> None:
        self.heard(home, "air-1", [1])
        evaluate(home, now=hours(100), notifiers=[])
        assert self.silent(home)["subject"].tolist() == ["air-1"]

    def test_a_late_value_that_ends_a_silence_withdraws_it(self, home: Home) -> None:
        self.heard(home, "air-1", [1, None, None, None, None, None, 1])
        evaluate(home, now=hours(7), notifiers=[Box()])
        self.heard(home, "air-1", [1], first=3)
        evaluate(home, now=hours(7), notifiers=[Box()])
        assert self.silent(home)["status"].tolist() == ["withdrawn"]

    def test_a_long_silence_is_found_again_hour_by_hour(self, home: Home) -> None:
        self.heard(home, "air-1", [1, 1])
        for h in (2, 6, 30, 60, 61):
            evaluate(home, now=hours(h), notifiers=[])
        found = self.silent(home)
        assert found[["starts_at", "value"]].values.tolist() == [[hours(2), 59.0]]
        assert len(read_transitions(home.ledger)) == 1

    def test_a_missing_value_is_a_sign_of_life(self, home: Home) -> None:
        frame = observations("air-1", "SO2", [np.nan] * 8, medium="air", flags=[9] * 8)
        put(home, "observations", frame)
        evaluate(home, now=hours(8), notifiers=[])
        assert self.silent(home).empty


def live_and_once(county: Registry, data: st.DataObject) -> None:
    """Values come in any order and batches, some wrong at first, evaluated in between: the same as once at the end."""
    n = 40
    aqi = data.draw(st.lists(st.sampled_from([None, 90, 160, 160, 220]), min_size=n, max_size=n))
    excess = data.draw(st.lists(st.sampled_from([None, 0, 1, 2]), min_size=10, max_size=10))
    ammonia = data.draw(st.lists(st.sampled_from([None, 0.1, 2, 3]), min_size=10, max_size=10))
    spoken = data.draw(st.lists(st.sampled_from([None, None, 1]), min_size=n, max_size=n))
    rows = pd.concat(
        [indicators("air.aqi", "air-1", aqi), indicators("water.class_excess", "water-2", excess, period="PT4H")],
        ignore_index=True,
    )
    seen = pd.concat(
        [
            observations("water-2", "NH3N", ammonia, medium="water", period="PT4H"),
            observations("air-2", "SO2", spoken, medium="air"),
        ],
        ignore_index=True,
    )
    size = len(rows) + len(seen)
    batch = np.array(data.draw(st.lists(st.integers(0, 5), min_size=size, max_size=size)), dtype=int)
    wrong = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))), dtype=bool)
    nows = sorted(data.draw(st.lists(st.integers(0, n), min_size=6, max_size=6)))
    with tempfile.TemporaryDirectory() as live_root, tempfile.TemporaryDirectory() as once_root:
        live, once = Home(Path(live_root), county), Home(Path(once_root), county)
        put(live, "indicators", rows[wrong].assign(value=170.0))
        for k in range(6):
            put(live, "indicators", rows[batch[: len(rows)] == k])
            put(live, "observations", seen[batch[len(rows) :] == k])
            evaluate(live, now=hours(nows[k]), notifiers=[Box()])
        evaluate(live, now=hours(n + 2), notifiers=[Box()])
        put(once, "indicators", rows)
        put(once, "observations", seen)
        evaluate(once, now=hours(n + 2), notifiers=[Box()])
        pd.testing.assert_frame_equal(final(live), final(once))


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_live_is_backfill(county: Registry, data: st.DataObject) -> None:
    live_and_once(county, data)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_live_is_backfill_again_and_again(county: Registry, data: st.DataObject) -> None:
    live_and_once(county, data)


def test_only_rules_that_time_or_data_touch_are_judged(home: Home) -> None:
    """An open alert is judged again when it may go stale, a value when its period is over, silence every time."""
    put(home, "indicators", indicators("air.aqi", "air-1", [160, 160, 160, 90]))
    judged = [evaluate(home, now=hours(h), notifiers=[]).rules_judged for h in (3, 3.5, 4, 9, 99)]
    everything = len(load().rules)
    assert judged == [everything, 1, 2, 1, 2], "the last value is over at 4, the alert stale at 10"
    assert brief(home) == [("air.polluted", "air-1", "resolved", "stale")]
    assert evaluate(home, now=hours(200), notifiers=[]).rules_judged == 1
    put(home, "indicators", indicators("air.aqi", "air-1", [160] * 3, first=hours(200)))
    assert evaluate(home, now=hours(203), notifiers=[]).rules_judged == 4, "air, any medium, silence"
    assert brief(home)[-1] == ("air.polluted", "air-1", "firing", "")


def test_an_earlier_now_takes_nothing_back(home: Home) -> None:
    put(home, "indicators", indicators("air.aqi", "air-1", POLLUTED))
    evaluate(home, now=hours(12), notifiers=[])
    before = final(home)
    put(home, "indicators", indicators("air.aqi", "air-2", [50] * 3))
    evaluate(home, now=hours(2), notifiers=[])
    pd.testing.assert_frame_equal(final(home), before)


def test_a_rule_taken_away_withdraws_what_is_open_and_keeps_what_is_over(home: Home) -> None:
    put(home, "indicators", indicators("air.aqi", "air-1", [160] * 12))
    put(home, "indicators", indicators("air.aqi", "air-2", POLLUTED))
    evaluate(home, now=hours(12), notifiers=[Box()])
    evaluate(home, now=hours(12), notifiers=[Box()], rules=without("air.polluted"))
    assert sorted(brief(home)) == [
        ("air.polluted", "air-1", "withdrawn", "rule"),
        ("air.polluted", "air-2", "resolved", "recovered"),
    ]


def test_a_changed_rule_judges_everything_anew(home: Home) -> None:
    put(home, "indicators", indicators("air.aqi", "air-1", POLLUTED))
    evaluate(home, now=hours(12), notifiers=[Box()])
    rule = load().by_id["air.polluted"]
    patient = rule.model_copy(update={"hold": timedelta(hours=9)})
    rules = RuleBook(rules=(*without("air.polluted").rules, patient))
    evaluate(home, now=hours(12), notifiers=[Box()], rules=rules)
    assert brief(home) == [("air.polluted", "air-1", "withdrawn", "rule")]


def test_a_deployment_has_its_own_rules(home: Home, county: Registry, tmp_path: Path) -> None:
    text = (Path(shell.__file__).parent / "rules.yaml").read_text(encoding="utf-8")
    (tmp_path / "rules.yaml").write_text(text.replace("value: 150}", "value: 215}"), encoding="utf-8")
    own = Home(home.root, replace(county, root=tmp_path))
    put(own, "indicators", indicators("air.aqi", "air-1", POLLUTED))
    evaluate(own, now=hours(12), notifiers=[])
    assert brief(own) == []


def test_two_evaluations_at_once_lose_and_double_nothing(home: Home, county: Registry) -> None:
    whole = indicators("air.aqi", "air-1", POLLUTED)
    others = [indicators("air.aqi", f"air-{i}", POLLUTED) for i in range(2, 7)]
    put(home, "indicators", whole)
    failures: list[BaseException] = []

    def work(frames: list[pd.DataFrame]) -> None:
        try:
            own = Home(home.root, county)
            for frame in frames:
                put(own, "indicators", frame)
                evaluate(own, now=hours(12))
                deliver(own, now=hours(12))
        except BaseException as error:
            failures.append(error)
            raise

    home.ledger.cursor("evaluate")  # the ledger exists before anybody races for it
    threads = [threading.Thread(target=work, args=(part,)) for part in (others[:3], others[2:], [whole])]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    evaluate(home, now=hours(12))
    deliver(home, now=hours(12))
    assert failures == []
    assert brief(home) == [("air.polluted", f"air-{i}", "resolved", "recovered") for i in range(1, 7)]
    assert len(read_transitions(home.ledger)) == 12
    lines = (home.root / "alerts.log").read_text(encoding="utf-8").splitlines()
    assert sum(line.count('"fingerprint"') for line in lines) == 12
    assert read_outbox(home.ledger)["state"].tolist() == ["sent"] * len(lines)


def test_an_evaluation_that_read_before_another_committed_begins_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(home, "indicators", indicators("air.aqi", "air-1", POLLUTED))
    true = shell._outcome
    interrupted: list[str] = []

    def meanwhile(h: Home, task: shell._Task, subjects: Subjects, around: Surroundings) -> shell.Outcome:
        found = true(h, task, subjects, around)
        if not interrupted:
            interrupted.append(task.rule.id)
            put(home, "indicators", indicators("air.aqi", "air-2", POLLUTED))
            evaluate(home, now=hours(12), notifiers=[])
        return found

    monkeypatch.setattr(shell, "_outcome", meanwhile)
    assert evaluate(home, now=hours(12), notifiers=[]).alerts_new == 0, "the other one had found it"
    assert len(brief(home)) == 2


def test_an_evaluation_that_never_gets_through_says_so(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "claim", lambda *_: False)
    with pytest.raises(StoreConflict, match="20 evaluations"):
        evaluate(home, now=hours(1), notifiers=[])


@pytest.mark.parametrize("where", ["insert", "record", "decide", "save_states"])
def test_an_evaluation_that_dies_leaves_nothing_behind(home: Home, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    put(home, "indicators", indicators("air.aqi", "air-1", POLLUTED))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(book, where, die)
        with pytest.raises(KeyboardInterrupt):
            evaluate(home, now=hours(12))
    assert brief(home) == []
    assert read_outbox(home.ledger).empty
    assert home.ledger.cursor("evaluate") == -1
    evaluate(home, now=hours(12))
    assert len(brief(home)) == 1
    assert deliver(home, now=hours(12)).sent == 2


_KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
import alerts.run, store.ledger.outbox as outbox
from alerts.notifiers.log import Log
from store.home import Home
place, name, now = sys.argv[1:]
def kill(*a, **k):
    os.kill(os.getpid(), signal.SIGKILL)
def after(true):
    def then(*a, **k):
        out = true(*a, **k)
        kill()
    return then
if name == "before commit":
    alerts.run.settle = after(alerts.run.settle)
if name == "before sending":
    Log.send = kill
if name == "before the record of sending":
    outbox.attempted = kill
home = Home.open(Path(place))
alerts.run.evaluate(home, now=datetime.fromisoformat(now))
alerts.run.deliver(home, now=datetime.fromisoformat(now))
"""


@pytest.mark.parametrize("where", ["before commit", "before sending", "before the record of sending", "nowhere"])
def test_killed_anywhere_and_run_again_says_everything_once(home: Home, where: str) -> None:
    put(home, "indicators", indicators("air.aqi", "air-1", POLLUTED))
    here = Path(shell.__file__).resolve().parents[1]
    arguments = [sys.executable, "-c", _KILLED, str(home.root), where, hours(12).isoformat()]
    environ = {k: v for k, v in os.environ.items() if not k.startswith("SANYAN_")}
    died = subprocess.run(arguments, cwd=here, check=False, env=environ).returncode
    assert died == (0 if where == "nowhere" else -signal.SIGKILL)
    evaluate(home, now=hours(12))
    deliver(home, now=hours(12))
    assert brief(home) == [("air.polluted", "air-1", "resolved", "recovered")]
    lines = (home.root / "alerts.log").read_text(encoding="utf-8").splitlines()
    assert ['"transition": "firing"' in lines[0], '"transition": "resolved"' in lines[1]] == [True, True]
    assert len(lines) == 2
    assert read_outbox(home.ledger)["state"].tolist() == ["sent", "sent"]


class TestDelivery:
    def told(self, home: Home, *channels: Box) -> None:
        put(home, "indicators", indicators("air.aqi", "air-1", POLLUTED))
        evaluate(home, now=hours(12), notifiers=channels)

    def test_a_failed_send_is_recorded_and_tried_again_after_a_growing_pause(self, home: Home) -> None:
        box = Box()
        self.told(home, box)
        now = hours(12)
        for attempt, pause in enumerate([1, 2, 4], start=1):
            box.answers = [Answer("failed", "503")]
            assert deliver(home, [box], now=now).failed == 1
            state = read_outbox(home.ledger).iloc[0]
            assert (state["attempts"], state["due_at"]) == (attempt, now + timedelta(minutes=pause))
            box.answers = [Answer("failed"), Answer("failed")]
            deliver(home, [box], now=now + timedelta(seconds=30))
            assert read_outbox(home.ledger)["attempts"][0] == attempt, "not before it is due"
            now += timedelta(minutes=pause)
        box.answers = []
        deliver(home, [box], now=now + HOUR)
        assert read_outbox(home.ledger)["state"].tolist() == ["sent", "sent"]
        first = read_deliveries(home.ledger).merge(read_outbox(home.ledger).head(1), on="key")
        assert first["result"].tolist() == ["failed", "failed", "failed", "sent"]

    def test_a_dead_channel_holds_back_no_other(self, home: Home) -> None:
        dead, well = Box("a-dead"), Box("b-well")
        dead.answers = [Answer("failed")] * 9
        self.told(home, dead, well)
        assert deliver(home, [dead, well], now=hours(12)) == shell.Sent(sent=2, failed=1)
        assert len(well.letters) == 2

    def test_what_is_refused_is_never_tried_again(self, home: Home) -> None:
        box = Box()
        self.told(home, box)
        box.answers = [Answer("refused", "400")]
        assert deliver(home, [box], now=hours(12)) == shell.Sent(sent=1, refused=1)
        assert deliver(home, [box], now=hours(99)) == shell.Sent()
        assert sorted(read_outbox(home.ledger)["state"]) == ["refused", "sent"]

    def test_without_a_channel_nothing_is_said_and_the_reason_stands(self, home: Home) -> None:
        self.told(home)
        assert set(read_transitions(home.ledger)["why"]) == {"no channel is on"}

    def test_the_key_is_that_of_the_news_not_of_the_run(self, home: Home, county: Registry, tmp_path: Path) -> None:
        self.told(home, Box())
        other = Home(tmp_path / "other", county)
        self.told(other, Box())
        assert read_outbox(home.ledger)["key"].tolist() == read_outbox(other.ledger)["key"].tolist()
