"""The loop as people take it: acknowledge, dispatch, verify, close; who is late is told, who does wrong is refused."""

import itertools

import pytest

from alerts.incidents import actions
from alerts.incidents.handling import OWN, STEPS, allowed, policy, taken
from alerts.incidents.run import join
from domain.errors import PipelineError, StoreConflict
from domain.incidents import Handling
from store.ledger.audit import check_chain, read_audit
from store.ledger.incidents import newest_change, read_case, read_incidents, read_reviewed
from store.ledger.outbox import read_outbox
from tests.alerts.incidents.given import HOUR, T0
from tests.alerts.incidents.loop import NOW, answer, opened, put, row, sent, spot


@pytest.fixture
def case(tmp_path):
    return opened(tmp_path)


def test_the_whole_loop(case):
    home, name = case
    version = actions.acknowledge(home, name, who="张示例", version=1, now=NOW + HOUR)
    version = actions.dispatch(home, name, who="张示例", note="带上相机", version=version, now=NOW + HOUR)
    (task,) = sent(home, NOW + HOUR)
    assert task["gridCode"].startswith("331102204")
    assert (task["statusName"], task["urgentDegree"], task["coordSys"]) == ("派遣", "3", "WGS84")
    assert "带上相机" in task["description"]
    put(home, "reports", answer(task["taskId"], "属实，已现场处置", at=NOW + 3 * HOUR))
    done = join(home, now=NOW + 4 * HOUR, channels=["log"])
    assert done.verdicts == 1
    after = row(home, name)
    assert (after["handling"], after["outcome"]) == ("verified", "found")
    assert after["confidence"] > 0.95
    actions.close(home, name, who="张示例", why="已清运", version=int(after["version"]), now=NOW + 5 * HOUR)
    after = row(home, name)
    assert (after["handling"], bool(after["closed_in_time"]), bool(after["active"])) == ("closed", True, False)
    told = read_case(home.ledger, name)
    steps = told.timeline["action"].tolist()
    assert steps == ["opened", "acknowledge", "dispatch", "evidence", "verify", "close"]
    assert told.tasks[["state", "outcome"]].values.tolist() == [["answered", "found"]]
    assert check_chain(home.ledger) == []


def test_a_step_again_or_a_join_again_does_nothing_twice(case):
    home, name = case
    actions.dispatch(home, name, who="甲", now=NOW)
    (task,) = sent(home, NOW)
    put(home, "reports", answer(task["taskId"], "不属实", at=NOW + HOUR))
    join(home, now=NOW + 2 * HOUR, channels=["log"])
    before, n = row(home, name), newest_change(home.ledger)
    again = join(home, now=NOW + 2 * HOUR, channels=["log"])
    assert again.as_dict() == dict.fromkeys(again.as_dict(), 0)
    assert newest_change(home.ledger) == n
    assert row(home, name).astype(str).equals(before.astype(str))
    assert len(sent(home, NOW + 9 * HOUR)) == 1


def test_nothing_found_lowers_confidence_and_colour(case):
    home, name = case
    before = row(home, name)
    actions.verify(home, name, outcome="not_found", who="甲", why="没有看到", now=NOW)
    after = row(home, name)
    assert after["confidence"] < before["confidence"] / 2
    assert after["severity"] == "blue"
    assert "不属实" in after["summary_zh"]


def test_who_saw_an_older_version_is_told_and_nothing_happens(case):
    home, name = case
    actions.acknowledge(home, name, who="甲", version=1, now=NOW)
    steps = len(read_audit(home.ledger))
    with pytest.raises(StoreConflict, match=name):
        actions.dispatch(home, name, who="乙", version=1, now=NOW)
    assert len(read_audit(home.ledger)) == steps
    assert sent_nothing(home)


def sent_nothing(home) -> bool:
    return read_outbox(home.ledger).empty


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda h, n: actions.close(h, n, who="甲", why="好", now=NOW), "closed|close|办结"),
        (lambda h, n: actions.acknowledge(h, n, who=" ", now=NOW), "who|操作人"),
        (lambda h, n: actions.verify(h, n, outcome="found", who="甲", why="", now=NOW), "why|理由"),
        (lambda h, n: actions.verify(h, n, outcome="perhaps", who="甲", why="好", now=NOW), "perhaps"),
        (lambda h, n: actions.dispatch(h, n, who="甲", grid="999", now=NOW), "999"),
    ],
)
def test_refusals_leave_no_trace(case, call, says):
    home, name = case
    before = len(read_audit(home.ledger))
    with pytest.raises(PipelineError, match=says):
        call(home, name)
    assert len(read_audit(home.ledger)) == before
    assert row(home, name)["version"] == 1


def test_an_incident_that_is_not_there(case):
    with pytest.raises(KeyError):
        actions.acknowledge(case[0], "I-none", who="甲", now=NOW)


def test_assign_comment_reopen(case):
    home, name = case
    actions.acknowledge(home, name, who="甲", now=NOW)
    actions.assign(home, name, to="乙", who="甲", now=NOW)
    actions.comment(home, name, who="乙", why="<script>alert(1)</script>", now=NOW)
    actions.close(home, name, who="乙", why="误报", now=NOW)
    actions.reopen(home, name, who="丙", why="又出现了", now=NOW + HOUR)
    after = row(home, name)
    assert (after["handling"], after["assignee"], after["reopened"]) == ("open", "乙", 1)
    assert read_audit(home.ledger)["why"].tolist()[3] == "<script>alert(1)</script>"


def test_closing_calls_off_what_nobody_answered_and_a_late_verdict_still_counts(case):
    home, name = case
    actions.dispatch(home, name, who="甲", now=NOW)
    (task,) = sent(home, NOW)
    actions.close(home, name, who="甲", why="电话核实", now=NOW + HOUR)
    assert read_case(home.ledger, name).tasks["state"].tolist() == ["cancelled"]
    put(home, "reports", answer(task["taskId"], "属实", at=NOW + 2 * HOUR))
    join(home, now=NOW + 3 * HOUR, channels=["log"])
    after = row(home, name)
    assert (after["handling"], after["outcome"]) == ("closed", "found")


def test_who_does_not_acknowledge_is_passed_over_level_by_level_and_once(case):
    home, name = case
    deadline = row(home, name)["deadline"].to_pydatetime()
    levels = policy(home.registry.root).escalation
    for n, level in enumerate(levels, start=1):
        at = deadline + level.after_h * HOUR
        assert join(home, now=at, channels=["log", "sms"]).escalations == 1
        assert join(home, now=at, channels=["log", "sms"]).escalations == 0
        assert row(home, name)["escalated"] == n
    letters = read_outbox(home.ledger)
    assert letters["channel"].value_counts().to_dict() == {"log": len(levels), "sms": len(levels)}


def test_who_acknowledges_in_time_is_not_passed_over(case):
    home, name = case
    actions.acknowledge(home, name, who="甲", now=NOW)
    assert join(home, now=NOW + 1000 * HOUR, channels=["log"]).escalations == 0


def test_verdicts_review_the_rules(tmp_path):
    home, name = opened(tmp_path)
    assert read_reviewed(home.ledger).empty
    actions.verify(home, name, outcome="instrument", who="甲", why="探头坏了", now=NOW)
    assert read_reviewed(home.ledger).empty  # no alarm of a rule belongs to it


def test_every_sequence_of_steps_ends_in_a_known_state_and_nothing_unseen_is_closed():
    terms = policy(OWN.parent)
    fresh = {"handling": "open", "version": 1, "historical": False, "severity": "yellow", "reopened": 0,
             "created_at": T0, "acknowledged_at": None, "verified_at": None}  # fmt: skip
    for steps in itertools.product(STEPS, repeat=4):
        state = fresh
        for step in steps:
            if step not in allowed(state["handling"]):
                with pytest.raises(PipelineError):
                    taken(state, step, who="甲", why="好", now=NOW, terms=terms)
                break
            state = {**state, **taken(state, step, who="甲", why="好", now=NOW, terms=terms)}
            assert state["handling"] in set(Handling)
            if state["handling"] == "closed":
                assert state["acknowledged_at"] is not None
                assert state["deadline"] is None


def test_the_list_is_sorted_by_what_needs_a_person(tmp_path):
    home, late = opened(tmp_path, spot(), spot("spot-grid-2", lon=119.70, at=1), spot("spot-grid-3", lon=119.75, at=1))
    names = read_incidents(home.ledger, now=NOW)["id"].tolist()
    for name in names:
        if name != late:
            actions.acknowledge(home, name, who="甲", now=NOW)
    found = read_incidents(home.ledger, now=NOW + 100 * HOUR)
    assert found["id"].iloc[0] == late
    assert found["overdue"].all()
    assert read_incidents(home.ledger, now=NOW, text="丽新", limit=1)["id"].size == 1
    assert (
        read_incidents(home.ledger, now=NOW, text="%", limit=5).empty is False
    )  # confidence "83%" stands in the summary
    with pytest.raises(TypeError):
        read_incidents(home.ledger, now=NOW, colour="red")
