"""Messages: one for each group and channel, in both languages, with a key of the news and not of the run."""

import json
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.messages import letters as written
from alerts.pipeline import Call, Context, group
from alerts.rules import SEVERITIES, Rule, load
from domain.records import Alert
from domain.texts import catalogue
from store.ledger.outbox import Letter
from tests.alerts.conftest import hours
from tests.alerts.test_pipeline import call
from tests.alerts.test_reconcile import alert

RULES = load().by_id


def letters(calls: Sequence[Call], rules: Mapping[str, Rule], channels: list[str]) -> list[Letter]:
    return written(calls, rules, lambda _alert: channels)


def grouped(*calls: Call) -> tuple[Call, ...]:
    return group(calls, Context(RULES)).kept


def three() -> list[Call]:
    rows = [alert(0, 1, subject=s, fingerprint=s, summary_zh=f"{s}。", summary_en=f"{s}.") for s in ("a", "b", "c")]
    return [call(a, of=a.subject, severity=s) for a, s in zip(rows, ("yellow", "red", "blue"), strict=True)]


def test_a_group_is_one_letter_for_each_channel_with_the_worst_colour() -> None:
    found = letters(grouped(*three()), RULES, ["log", "webhook"])
    assert [x.channel for x in sorted(found, key=lambda x: x.channel)] == ["log", "webhook"]
    assert len({x.key for x in found}) == 2
    payload = json.loads(found[0].payload)
    assert payload["text_zh"] == "【红色预警】空气污染持续\na。\nb。\nc。"
    assert payload["text_en"] == "[red] Polluted air persists\na.\nb.\nc."
    assert [a["subject"] for a in payload["alerts"]] == ["a", "b", "c"]
    assert (payload["transition"], payload["severity"], payload["at"]) == ("firing", "red", hours(1).isoformat())


@given(st.permutations(three()))
def test_the_order_of_finding_makes_no_other_letter(calls: list[Call]) -> None:
    assert letters(grouped(*calls), RULES, ["log"]) == letters(grouped(*three()), RULES, ["log"])


def test_other_members_are_another_letter() -> None:
    all_, some = (letters(grouped(*c), RULES, ["log"])[0] for c in (three(), three()[:2]))
    assert all_.key != some.key


@pytest.mark.parametrize(
    ("row", "name", "reason", "begins"),
    [
        (alert(0, 1), "firing", "", "【黄色预警】"),
        (alert(0, 1), "escalated", "", "【升级为黄色】"),
        (alert(0, 1), "eased", "", "【降级为黄色】"),
        (alert(0, 1, 5), "resolved", "recovered", "【已恢复】"),
        (alert(0, 1, 5), "resolved", "stale", "【数据中断，无法判断是否恢复】"),
        (alert(0, 1), "reopened", "", "【黄色，仍在持续】"),
        (alert(0, 1), "restored", "", "【黄色，恢复有效】"),
        (alert(0, 1, status="withdrawn"), "withdrawn", "data", "【撤销"),
    ],
)
def test_every_kind_of_news_has_its_heading(row: Alert, name: str, reason: str, begins: str) -> None:
    payload = json.loads(letters(grouped(call(row, name, reason=reason)), RULES, ["log"])[0].payload)
    assert payload["title_zh"].startswith(begins)


def test_a_rule_that_is_gone_is_called_by_its_id() -> None:
    payload = json.loads(letters(grouped(call(alert(0, 1))), {}, ["log"])[0].payload)
    assert payload["title_en"] == "[yellow] air.polluted"


def test_every_colour_has_a_name() -> None:
    assert {f"colour.{s}" for s in SEVERITIES} <= set(catalogue())
