"""Rules are read strictly: every problem at once, with its line and what to do."""

from datetime import timedelta
from pathlib import Path

import pytest

from alerts.conditions import OnIndicator, OnParameter, OnSilence
from alerts.rules import RULES, Rule, RuleBook, for_registry, load, parse
from domain.errors import CatalogueError
from domain.records import Severity

RULE = """\
  - id: air.polluted
    title: {zh: 空气污染, en: Polluted air}
    on: {indicator: air.aqi, period: PT1H}
    condition: {op: ">", value: 150}
    for: PT3H
    stale_after: PT6H
    severity: {yellow: 151, red: 301}
    cause: {zh: 因, en: cause}
    action: {zh: 做, en: act}
    summary: {zh: "{subject}{value}", en: "{subject}: {value}"}
"""


def book(folder: Path, *rules: str) -> RuleBook:
    path = folder / "rules.yaml"
    path.write_text("rules:\n" + "".join(rules), encoding="utf-8")
    return load(path)


def changed(old: str, new: str) -> str:
    assert old in RULE
    return RULE.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("id: air.polluted", "id: Air Polluted", 2, "pattern"),
        ("    title: {zh: 空气污染, en: Polluted air}\n", "", 2, "title: the key is missing"),
        ("for: PT3H", "four: PT3H", 6, "unknown key"),
        ("for: PT3H", "for: 3 hours", 6, "neither a duration"),
        ("for: PT3H", "for: 0", 6, "greater than or equal to 1"),
        ("for: PT3H", "for: true", 6, "neither a duration"),
        ("stale_after: PT6H", "stale_after: 6h", 7, "write for example PT3H"),
        ("stale_after: PT6H", "stale_after: PT30M", 2, "shorter than the period of a value"),
        ("    stale_after: PT6H\n", "", 2, "condition and stale_after are needed"),
        ("period: PT1H", "period: hourly", 4, "'hourly' is no period"),
        ("period: PT1H", "period: []", 4, "at least 1 item"),
        ("{indicator: air.aqi, period: PT1H}", "{index: air.aqi}", 4, "one of the keys indicator, parameter, silence"),
        ("indicator: air.aqi", "parameter: PM3, medium: air", 4, "'PM3' is not in domain/tables/parameters.csv"),
        ("indicator: air.aqi", "parameter: SO2, medium: space", 4, "medium"),
        ('op: ">"', 'op: "="', 5, "condition"),
        ('{op: ">", value: 150}', "150", 5, "one of the keys op, limit"),
        ('{op: ">", value: 150}', "{limit: {standard: GB 9999}}", 5, "GB 3095"),
        ('{op: ">", value: 150}', "{limit: {standard: GB 3095}}", 2, "needs limit.parameter"),
        ("{yellow: 151, red: 301}", "{yellow: 151, red: 100}", 2, "a worse colour must begin further"),
        ("{yellow: 151, red: 301}", "{violet: 151}", 8, "severity"),
        ("{yellow: 151, red: 301}", "{}", 2, "at least one colour"),
        ("{yellow: 151, red: 301}", "purple", 8, "severity"),
        ('zh: "{subject}{value}"', 'zh: "{station}"', 11, "uses ['station']; known are subject"),
        ('zh: "{subject}{value}"', 'zh: "{subject"', 11, "expected '}'"),
        ('zh: "{subject}{value}"', 'zh: ""', 11, "at least 1 character"),
        ("for: PT3H", "inhibit: [air.none]", 6, "'air.none', which is no rule here"),
        ("for: PT3H", "inhibit: [air.polluted]", 6, "in a circle"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_refused_with_line_and_remedy(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        book(tmp_path, changed(old, new))
    assert [p for p in caught.value.problems if p.startswith(f"rules.yaml:{line}: ") and says in p], caught.value


def test_every_problem_is_listed_at_once(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError) as caught:
        book(tmp_path, changed("for: PT3H", "four: PT3H"), changed("period: PT1H", "period: X"))
    assert [p.split(": ")[0] for p in caught.value.problems] == ["rules.yaml:6", "rules.yaml:14"]


def test_an_id_must_not_repeat(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"rules\.yaml:12: the rule 'air\.polluted' repeats"):
        book(tmp_path, RULE, RULE)


def test_silencing_must_not_go_in_a_circle_by_others(tmp_path: Path) -> None:
    rules = [
        RULE.replace("air.polluted", f"air.{a}").replace("for: PT3H", f"inhibit: [air.{b}]")
        for a, b in (("a", "b"), ("b", "c"), ("c", "a"))
    ]
    with pytest.raises(CatalogueError, match="in a circle"):
        book(tmp_path, *rules)


@pytest.mark.parametrize("extra", ["for: PT3H", "stale_after: PT6H", 'condition: {op: ">", value: 1}'])
def test_silence_is_said_by_cadences_and_grace_alone(tmp_path: Path, extra: str) -> None:
    silent = """\
  - id: station.silent
    title: {zh: 无数据, en: Silent}
    on: {silence: station, feed: ground_hj212, cadences: 3, grace: PT1H}
    severity: blue
    cause: {zh: 因, en: cause}
    action: {zh: 做, en: act}
    summary: {zh: "{subject}", en: "{subject}"}
"""
    assert isinstance(book(tmp_path, silent).rules[0].on, OnSilence)
    with pytest.raises(CatalogueError, match="silence has neither"):
        book(tmp_path, silent + f"    {extra}\n")


def test_levels_go_from_mild_to_severe_in_the_sense_of_the_condition(tmp_path: Path) -> None:
    down = changed('op: ">"', 'op: "<"').replace("{yellow: 151, red: 301}", "{red: 2, blue: 5}")
    assert book(tmp_path, down).rules[0].levels == ((Severity.BLUE, 5.0), (Severity.RED, 2.0))


def test_for_is_a_duration_or_a_number_of_values(tmp_path: Path) -> None:
    assert book(tmp_path, RULE).rules[0].hold == timedelta(hours=3)
    assert book(tmp_path, changed("for: PT3H", "for: 2")).rules[0].hold == 2
    assert book(tmp_path, changed("    for: PT3H\n", "")).rules[0].hold == 1


def test_the_digest_changes_with_the_rule(tmp_path: Path) -> None:
    first = book(tmp_path, RULE).rules[0].digest
    assert first == book(tmp_path, RULE).rules[0].digest
    assert first != book(tmp_path, changed("value: 150", "value: 160")).rules[0].digest


def test_a_text_is_read_like_a_file(tmp_path: Path) -> None:
    assert parse(f"rules:\n{RULE}") == book(tmp_path, RULE)
    for wrong in ("rules: [", "rules: []\nrules: []", "- 1"):
        with pytest.raises(CatalogueError, match=r"rules\.yaml:\d"):
            parse(wrong)


def test_a_deployment_may_have_its_own_rules(tmp_path: Path) -> None:
    assert for_registry(tmp_path) == load(RULES)
    book(tmp_path, RULE)
    assert [r.id for r in for_registry(tmp_path).rules] == ["air.polluted"]


class TestOurs:
    """The rules we ship."""

    def test_each_is_what_was_agreed(self) -> None:
        found = {r.id: _brief(r) for r in load().rules}
        assert found == {
            "air.polluted": ("air.aqi", "> 150", timedelta(hours=3), "yellow orange red"),
            "air.ozone_day": ("air.O3_mda8", "GB 3095", 1, "blue"),
            "water.ammonia": ("NH3N", "GB 3838", 2, "orange"),
            "water.class": ("water.class_excess", ">= 1", 2, "yellow"),
            "noise.night": ("noise.ln_excess", "> 0", 1, "blue"),
            "source.hour": ("source.hour_ratio", "> 1", timedelta(hours=3), "yellow"),
            "source.day": ("source.day_ratio", "> 1", 1, "orange"),
            "soil.risk": ("soil.risk", ">= 3", 1, "yellow"),
            "ecology.bloom": ("ecology.bloom_ha", ">= 5", 1, "yellow"),
            "ecology.clearing": ("ecology.cleared_ha", ">= 2", 1, "orange"),
            "human.spot": ("human.spot", ">= 2", 1, "blue yellow"),
            "station.fault": ("quality.failed_share", ">= 0.8", 1, "blue"),
            "station.silent": ("3 x", "", 1, "blue"),
        }

    def test_water_class_is_silent_while_ammonia_covers_the_station(self) -> None:
        rules = load().by_id
        assert rules["water.class"].inhibit == ("water.ammonia",)
        assert rules["water.class"].keep == rules["water.ammonia"].keep, "else the one outlasts the other"


def _brief(rule: Rule) -> tuple[object, ...]:
    on, condition = rule.on, rule.condition
    watched = {
        OnIndicator: lambda: on.indicator,
        OnParameter: lambda: on.parameter,
        OnSilence: lambda: f"{on.cadences} x",
    }[type(on)]()
    says = (
        ""
        if condition is None
        else (f"{condition.op} {condition.value:g}" if hasattr(condition, "op") else condition.limit.standard)
    )
    colours = rule.severity if isinstance(rule.severity, str) else " ".join(s for s, _ in rule.levels)
    return watched, says, rule.hold, colours
