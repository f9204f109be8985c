"""Evidence from alarms, candidates, spots and verdicts; which words speak of which kind; scoring; the way of tasks."""

import json

import httpx
import pandas as pd
import pytest

from alerts.incidents import evidence as eyes
from alerts.incidents import tables
from alerts.incidents.dispatch import task_id, task_json
from alerts.incidents.task_channel import GridTasks
from domain.incidents import Outcome
from domain.records import TABLES
from domain.registry import Registry
from domain.rivers import Rivers
from store.home import SAMPLE_COUNTY
from store.ledger.outbox import Letter
from tests.alerts.incidents.given import HOUR, T0
from tests.alerts.incidents.loop import NOW, answer, spot

REGISTRY = Registry.load(SAMPLE_COUNTY)
PLACES = eyes.Places(REGISTRY, Rivers.of(REGISTRY))
NONE = TABLES["candidates"].frame()


def alarm(rule: str, subject: str, *, at: float = 0, medium: str = "", **more):
    start = pd.Timestamp(T0 + at * HOUR)
    base = {
        "id": f"{rule}-{subject}-{at}", "rule": rule, "subject": subject, "labels": {"medium": medium},
        "severity": "yellow", "status": "firing", "starts_at": start, "fired_at": start + HOUR, "ends_at": pd.NaT,
        "inhibited_by": "",
        "summary_zh": "甲", "summary_en": "A",
    }  # fmt: skip
    return {**base, **more}


def alarms(*rows, candidates=NONE, spots=None):
    frame = pd.DataFrame(rows)
    for name in ("starts_at", "fired_at", "ends_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True)
    return eyes.of_alerts(frame, eyes.of_spots(pd.DataFrame(spots or []), PLACES), candidates, PLACES)


def candidate(name: str, area: float, *, lon: float = 119.642, status: str = "standing", kind: str = "clearing"):
    day = pd.Timestamp("2026-08-17T16:00Z")
    row = dict.fromkeys(TABLES["candidates"].columns, "")
    return {
        **row, "id": name, "kind": kind, "first_seen": day, "last_seen": day, "before_from": day, "before_to": day,
        "n_seen": 1, "township": "331102204", "lon": lon, "lat": 28.518, "area_ha": area, "confidence": 0.8,
        "status": status,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "subject", "medium", "kind"),
    [
        ("air.polluted", "air-1", "air", "air"),
        ("air.ozone_day", "air-1", "air", "ozone"),
        ("source.hour", "outlet-1", "source", "water"),
        ("source.hour", "stack-1", "source", "air"),
        ("station.silent", "noise-1", "noise", "instrument"),
        ("ecology.bloom", "nanming_reservoir", "ecology", "water"),
        ("ecology.clearing", "331102204", "ecology", "ground"),
        ("a.rule.of.the.bureau", "water-2", "water", "water"),
        ("a.rule.of.the.bureau", "x", "", "other"),
    ],
)
def test_what_an_alarm_speaks_of(rule, subject, medium, kind):
    assert alarms(alarm(rule, subject, medium=medium))["kind"].tolist() == [kind]


def test_only_alarms_that_were_said_are_evidence_and_withdrawn_ones_say_nothing():
    found = alarms(
        alarm("air.polluted", "air-1"),
        alarm("air.polluted", "air-2", inhibited_by="x"),
        alarm("air.polluted", "air-3", fired_at=pd.NaT, status="pending"),
        alarm("air.polluted", "air-4", status="withdrawn"),
    ).set_index("subject")
    assert found["standing"].to_dict() == {"air-1": True, "air-4": False}


def test_a_section_lies_on_its_river():
    row = alarms(alarm("water.ammonia", "water-3")).iloc[0]
    assert (row["river"], row["river_km"]) == ("oujiang", 42.0)


def test_an_alarm_of_a_township_stands_where_its_largest_candidate_is():
    seen = TABLES["candidates"].frame(
        [candidate("small", 3), candidate("large", 22, lon=119.70), candidate("gone", 90, status="withdrawn")]
    )
    row = alarms(alarm("ecology.clearing", "331102204"), candidates=seen).iloc[0]
    assert (row["keys"], row["lon"]) == ("large", 119.70)
    without = alarms(alarm("ecology.clearing", "331102204")).iloc[0]
    assert (without["keys"], without["extent_m"]) == ("", 3000.0)


def test_candidates():
    found = eyes.of_candidates(
        TABLES["candidates"].frame([candidate("a", 22), candidate("b", 4, status="withdrawn")]), PLACES
    )
    assert found["standing"].tolist() == [True, False]
    assert found["extent_m"].iloc[0] == pytest.approx((22e4 / 3.14159265) ** 0.5)
    assert found["certainty"].tolist() == [0.8, 0.8]


def test_an_alarm_of_a_spot_stands_where_the_spot_does():
    row = alarms(alarm("human.spot", "spot-grid-1"), spots=[spot()]).iloc[0]
    assert (row["kind"], row["keys"], row["lon"]) == ("ground", "spot-grid-1", 119.6462)


def test_verdicts_need_a_task_of_ours_and_a_case_that_is_done():
    task = {"SY-1": {"kind": "ground", "township": "331102204", "anchor": "alert:a"}}
    rows = [
        answer("SY-1", "不属实", at=NOW),
        answer("SY-2", "属实", at=NOW),
        answer("SY-1", "属实", at=NOW, status="handling"),
    ]
    found = eyes.of_verdicts(TABLES["reports"].frame(rows), task)
    assert found[["weight", "keys"]].values.tolist() == [["verdict.not_found", "alert:a"]]


@pytest.mark.parametrize(
    ("words", "outcome"),
    [("经核查，情况属实", "found"), ("不属实", "not_found"), ("现场未发现异常", "not_found"),
     ("设备故障，已报修", "instrument"), ("已转办", "unclear"), ("", "unclear")],
)  # fmt: skip
def test_the_longest_known_word_decides(words, outcome):
    assert tables.outcome(words) == Outcome(outcome)


def test_what_did_not_change_has_the_same_digest():
    one = alarms(alarm("air.polluted", "air-1"))
    assert eyes.digests(one) == eyes.digests(alarms(alarm("air.polluted", "air-1")))
    assert eyes.digests(one) != eyes.digests(alarms(alarm("air.polluted", "air-1", severity="red")))


def letter() -> Letter:
    incident = {"id": "I20260818-ab", "kind": "ground", "lon": None, "lat": None, "severity": "red", "summary_zh": "甲"}
    grid = {"grid_code": "331102204201001", "township": "331102204", "name_zh": "第1网格", "worker": "张示例"}
    number = task_id(incident["id"], 2)
    text = task_json(incident, grid, number=number, township="丽新畲族乡", note="", now=NOW, deadline=None)
    return Letter("key", "grid_task", NOW, text)


def test_a_task_without_a_place_says_so_and_is_one_file_however_often_it_is_sent(tmp_path):
    channel = GridTasks.of(tmp_path, {"SANYAN_TASKS": str(tmp_path / "out")})
    assert [channel.send(letter()).result for _ in range(2)] == ["sent", "sent"]
    (path,) = (tmp_path / "out").iterdir()
    body = json.loads(path.read_text(encoding="utf-8"))
    assert (path.name, body["coordX"], body["urgentDegree"], body["limitTime"]) == ("SY20260818-ab-02.json", 0, "1", "")


@pytest.mark.parametrize(("status", "result"), [(200, "sent"), (503, "failed"), (429, "failed"), (400, "refused")])
def test_the_platform_decides_what_becomes_of_a_task(tmp_path, monkeypatch, status, result):
    asked = []

    def post(url, **said):
        asked.append(said["headers"]["Idempotency-Key"])
        return httpx.Response(status)

    monkeypatch.setattr(httpx, "post", post)
    channel = GridTasks.of(tmp_path, {"SANYAN_TASKS_URL": "http://platform.example/tasks"})
    assert channel.send(letter()).result == result
    assert asked == ["key"]
    assert (tmp_path / "outgoing").exists() == (result == "sent")
