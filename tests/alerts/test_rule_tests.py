"""Unit tests of rules: those of the rules we ship pass, wrong ones fail, and mistakes are told with their line."""

from pathlib import Path
from typing import Any

import pytest

from alerts.rule_tests import run_tests
from alerts.rules import load, shipped
from domain.errors import CatalogueError
from domain.registry import Registry

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def stations(county: Registry) -> dict[str, list[dict[str, Any]]]:
    return {str(r["station_id"]): [{str(k): v for k, v in r.items()}] for r in county.stations.to_dict("records")}


@pytest.mark.parametrize("name", ["rules_test.yaml", "watch_test.yaml"])
def test_the_rules_we_ship_do_what_their_tests_say(name: str, stations: dict[str, list[dict[str, Any]]]) -> None:
    results = run_tests(HERE / name, stations, load())
    assert [(r.name, r.wanted, r.found) for r in results if not r.passed] == []
    assert len(results) >= 4


TEST = """\
tests:
  - name: One
    rule: air.polluted
    start: "2026-08-18T08:00+08:00"
    values: "160x3 90x4"
    alerts: [{starts: PT0S, fires: PT3H, ends: PT6H, severity: yellow}]
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ends: PT6H", "ends: PT7H"), ("fires: PT3H, ends: PT6H, ", ""), ("severity: yellow", "severity: red"),
        ("alerts: [{starts: PT0S, fires: PT3H, ends: PT6H, severity: yellow}]", "alerts: []"), ("160x3", "160x2"),
    ],
)  # fmt: skip
def test_a_test_can_fail(tmp_path: Path, stations: dict[str, list[dict[str, Any]]], old: str, new: str) -> None:
    assert old in TEST
    path = tmp_path / "t.yaml"
    path.write_text(TEST, encoding="utf-8")
    assert run_tests(path, stations, load())[0].passed
    path.write_text(TEST.replace(old, new), encoding="utf-8")
    assert not run_tests(path, stations, load())[0].passed


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("air.polluted", "air.unknown", r"t\.yaml:2: 'air\.unknown' is no rule here"),
        ("160x3", "many", r"t\.yaml:5: .*'many' is no value"),
        ('"2026-08-18T08:00+08:00"', "8", r"t\.yaml:4: .*no instant"),
        ('"160x3 90x4"', '["1", "2"]', "watches 1 series, and 2 are given"),
        ("air.polluted", "station.silent", "needs every"),
        ("name: One", "nom: One", "unknown key"),
    ],
)
def test_a_mistake_is_told(
    tmp_path: Path, stations: dict[str, list[dict[str, Any]]], old: str, new: str, says: str
) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(TEST.replace(old, new), encoding="utf-8")
    with pytest.raises(CatalogueError, match=says):
        run_tests(path, stations, load())


def test_every_rule_we_ship_says_cause_and_action_in_both_languages() -> None:
    for path in shipped().values():
        for rule in load(path).rules:
            assert rule.cause.zh
            assert rule.action.en


def test_a_set_that_is_not_shipped_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("include: [standard, more]\n", encoding="utf-8")
    with pytest.raises(
        CatalogueError, match=r"rules\.yaml:1: 'more' is no shipped set; known are standard, limits, watch"
    ):
        load(tmp_path / "rules.yaml")
