"""Alerts against the truth, case by case."""

import pandas as pd
import pytest

from alerts.score import score
from tests.alerts.conftest import hours


def alerts(*rows: dict[str, object]) -> pd.DataFrame:
    base = {
        "rule": "air.polluted", "subject": "air-1", "labels": {"township": "331102001"}, "status": "resolved",
        "starts_at": hours(0), "ends_at": hours(5), "inhibited_by": "",
    }  # fmt: skip
    return pd.DataFrame([{**base, **row} for row in rows], columns=list(base))


def truth(*rows: dict[str, object]) -> pd.DataFrame:
    base = {
        "event_id": "e", "rule": "air.polluted", "subject": "air-1", "expect": "alert",
        "start": "2026-08-18T08:00:00+08:00", "end": "2026-08-18T12:00:00+08:00",
    }  # fmt: skip
    return pd.DataFrame([{**base, **row} for row in rows], columns=list(base))


@pytest.mark.parametrize(
    ("says", "said", "true", "expected"),
    [
        ("Silence about nothing is perfect.", [], [], (0, 0, 0, 0)),
        ("Found.", [{}], [{}], (1, 0, 0, 1)),
        ("Missed.", [], [{}], (0, 1, 0, 1)),
        ("False.", [{}], [], (0, 0, 1, 0)),
        ("Another rule is another thing.", [{"rule": "air.ozone_day"}], [{}], (0, 1, 1, 1)),
        ("Another station too.", [{"subject": "air-2"}], [{}], (0, 1, 1, 1)),
        ("The township of the alert is a place too.", [{}], [{"subject": "331102001"}], (1, 0, 0, 1)),
        ("Two alerts of one event are found once and not false.", [{}, {"starts_at": hours(20), "ends_at": hours(30)}],
         [{}], (1, 0, 0, 1)),
        ("One alert may tell two rows.", [{}], [{}, {"start": "2026-08-18T10:00:00+08:00"}], (2, 0, 0, 2)),
        ("Six hours early is in time.", [{"starts_at": hours(-9), "ends_at": hours(-5)}], [{}], (1, 0, 0, 1)),
        ("More is not.", [{"starts_at": hours(-9), "ends_at": hours(-6)}], [{}], (0, 1, 1, 1)),
        ("Up to two days late is in time.", [{"starts_at": hours(51), "ends_at": None}], [{}], (1, 0, 0, 1)),
        ("Later is not.", [{"starts_at": hours(52), "ends_at": None}], [{}], (0, 1, 1, 1)),
        ("An open alert goes on.", [{"starts_at": hours(-99), "ends_at": None}], [{}], (1, 0, 0, 1)),
        ("What only is pending was never said.", [{"status": "pending"}], [{}], (0, 1, 0, 1)),
        ("What was withdrawn neither.", [{"status": "withdrawn"}], [], (0, 0, 0, 0)),
        ("Nor what was silenced all the while.", [{"inhibited_by": "water.ammonia"}], [], (0, 0, 0, 0)),
        ("An alert on an event that wants none is false.", [{}], [{"expect": "none"}], (0, 0, 1, 0)),
        ("Rejections are counted elsewhere.", [], [{"expect": "rejection"}], (0, 0, 0, 0)),
    ],
)  # fmt: skip
def test_case(
    says: str, said: list[dict[str, object]], true: list[dict[str, object]], expected: tuple[int, int, int, int]
) -> None:
    found = score(alerts(*said), truth(*true))
    assert (len(found.found), len(found.missed), len(found.false), found.expected) == expected, says
    assert found.perfect == (expected[1] == expected[2] == 0)


def test_times_may_be_texts_or_times() -> None:
    times = truth({"start": hours(0), "end": hours(4)})
    assert len(score(alerts({}), times).found) == 1
