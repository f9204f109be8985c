"""The log of silences, shelved alarms and maintenance: every entry ends, nothing is forgotten."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from store.ledger import Ledger
from store.ledger.suppressions import Suppression, end_suppression, read_suppressions, say_suppression, state_of

NOW = datetime(2026, 8, 18, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
SILENCE = Suppression(
    kind="silence", who="张示例", why="已知施工", start=NOW, end=NOW + 4 * HOUR, labels={"medium": "air"}
)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"kind": "mute"}, "none of silence, shelve, maintenance"),
        ({"who": " "}, "who says it and why"),
        ({"why": ""}, "who says it and why"),
        ({"end": NOW}, "an end after its start and after now"),
        ({"start": NOW - 9 * HOUR, "end": NOW - HOUR}, "an end after its start and after now"),
        ({"kind": "shelve"}, "name its rule and its subject"),
        ({"kind": "shelve", "rule": "air.a", "subject": "air-*"}, "name its rule and its subject"),
        ({"kind": "shelve", "rule": "air.a", "subject": "air-1", "end": NOW + 25 * HOUR}, "at most"),
    ],
)
def test_what_is_not_whole_is_refused(ledger: Ledger, more: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says.replace(",", r"\,")):
        say_suppression(ledger, replace(SILENCE, **more), now=NOW)  # type: ignore[arg-type]
    assert read_suppressions(ledger).empty


def test_an_entry_comes_back_as_it_was_said(ledger: Ledger) -> None:
    number = say_suppression(ledger, SILENCE, now=NOW)
    (row,) = read_suppressions(ledger).to_dict("records")
    assert (row["number"], row["who"], row["labels"], row["rule"]) == (number, "张示例", {"medium": "air"}, "*")
    assert (row["until"], row["ended_by"]) == (pd.Timestamp(NOW + 4 * HOUR), "")


def test_ended_early_both_stand_in_the_log(ledger: Ledger) -> None:
    first, other = (say_suppression(ledger, SILENCE, now=NOW) for _ in range(2))
    end_suppression(ledger, first, who="李示例", why="完工", now=NOW + HOUR)
    rows = read_suppressions(ledger).set_index("number")
    assert rows["until"].tolist() == [pd.Timestamp(NOW + HOUR), pd.Timestamp(NOW + 4 * HOUR)]
    assert rows.loc[first, ["ended_by", "ended_why", "last"]].tolist() == ["李示例", "完工", 2]
    assert rows.loc[other, "last"] == other
    for number, at in ((first, NOW + 2 * HOUR), (9, NOW), (2, NOW), (other, NOW + 5 * HOUR)):
        with pytest.raises(ValueError, match=r"over already|there is no"):
            end_suppression(ledger, number, who="李示例", why="完工", now=at)


def test_it_is_planned_then_active_then_over(ledger: Ledger) -> None:
    say_suppression(ledger, replace(SILENCE, start=NOW + HOUR), now=NOW)
    rows = read_suppressions(ledger, kind="silence")
    found = [state_of(rows, NOW + h * HOUR).tolist() for h in (0, 1, 3, 4)]
    assert found == [["planned"], ["active"], ["active"], ["over"]]
    assert read_suppressions(ledger, kind="shelve").empty
