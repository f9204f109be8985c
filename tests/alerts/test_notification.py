"""Who is told what: the file is read strictly, and every alert goes somewhere."""

from datetime import datetime
from pathlib import Path

import pytest

from alerts.notification import Notification, QuietHours, filled, for_registry
from domain.errors import CatalogueError
from domain.times import LOCAL
from tests.alerts.test_reconcile import alert

FILE = """\
channels:
  - {name: all, kind: log}
  - {name: duty, kind: apprise, lang: zh, per_minute: 18, give_up_after: P2D, settings: {url: "${DUTY_URL}"}}
routes:
  - {channels: [duty], severity: [orange, red], media: [air]}
  - {channels: [duty], townships: ["331102100"]}
  - {channels: [duty], rules: ["station.*"]}
  - {channels: [all]}
quiet_hours: {from: "22:00", to: "07:00", below: orange}
rate_limit: {messages: 20, per: PT1H}
"""


def policy(folder: Path, text: str = FILE) -> Notification:
    (folder / "notification.yaml").write_text(text, encoding="utf-8")
    return for_registry(folder)


@pytest.mark.parametrize(
    ("says", "more", "labels", "expected"),
    [
        ("Mild ones go to the log.", {}, {"medium": "air"}, ("all",)),
        ("Severe ones of the air to those on duty too.", {"severity": "red"}, {"medium": "air"}, ("all", "duty")),
        ("Not those of the water.", {"severity": "red"}, {"medium": "water"}, ("all",)),
        ("All of one township.", {}, {"township": "331102100"}, ("all", "duty")),
        ("Rules by a pattern.", {"rule": "station.fault"}, {}, ("all", "duty")),
    ],
)
def test_routes(tmp_path: Path, says: str, more: dict[str, str], labels: dict[str, str], expected: object) -> None:
    found = policy(tmp_path).channels_of(alert(0, 1, labels=labels, **more), ["all", "duty"])
    assert found == expected, says


def test_without_a_file_everything_goes_everywhere(tmp_path: Path) -> None:
    found = for_registry(tmp_path)
    assert found.channels_of(alert(0, 1), ["a", "b"]) == ("a", "b")
    assert found.quiet_hours is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("  - {channels: [all]}\n", "", "the last route must have no condition"),
        ("channels: [duty], rules", "channels: [nobody], rules", "'nobody' is no channel"),
        ("name: duty", "name: all", "the channel 'all' repeats"),
        ('from: "22:00"', 'from: "25:00"', "no time of day"),
        ("media: [air]", "media: [space]", "'space' is no medium"),
        ("per: PT1H", "per: hourly", "no ISO 8601 duration"),
        ("lang: zh", "language: zh", "unknown key"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in FILE
    with pytest.raises(CatalogueError, match=r"notification\.yaml:\d+: .*") as caught:
        policy(tmp_path, FILE.replace(old, new))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("clock", "severity", "waits"),
    [
        ("21:59", "blue", False), ("22:00", "blue", True), ("03:00", "yellow", True), ("03:00", "orange", False),
        ("06:59", "blue", True), ("07:00", "blue", False),
    ],
)  # fmt: skip
def test_quiet_hours_are_those_of_shanghai_and_of_the_mild(clock: str, severity: str, waits: bool) -> None:
    quiet = QuietHours.model_validate({"from": "22:00", "to": "07:00", "below": "orange"})
    at = datetime.fromisoformat(f"2026-08-18T{clock}").replace(tzinfo=LOCAL)
    assert quiet.holds_back(severity, at) is waits


def test_quiet_hours_within_a_day() -> None:
    quiet = QuietHours.model_validate({"from": "12:00", "to": "14:00", "below": "red"})
    found = [quiet.holds_back("blue", datetime(2026, 8, 18, h, tzinfo=LOCAL)) for h in (11, 12, 13, 14)]
    assert found == [False, True, True, False]


def test_settings_take_their_secrets_from_the_environment() -> None:
    told = {"url": "https://${HOST}/x?key=${KEY}", "list": ["${KEY}", 1], "deep": {"a": "${HOST}"}}
    expected = {"url": "https://h/x?key=k", "list": ["k", 1], "deep": {"a": "h"}}
    assert filled(told, {"HOST": "h", "KEY": "k"}) == expected
    with pytest.raises(KeyError, match="KEY"):
        filled(told, {"HOST": "h"})
