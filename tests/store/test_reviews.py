from datetime import UTC, datetime, timedelta

import pytest

from store.ledger.reviews import Review, read_reviews, say_review, take_back

NOW = datetime(2026, 9, 1, tzinfo=UTC)


def review(**changed) -> Review:
    given = {
        "who": "张示例", "why": "校准", "medium": "air", "station_id": "air-1", "parameter": "PM2.5",
        "start": NOW - timedelta(days=2), "end": NOW - timedelta(days=1), "flag": 4,
    }  # fmt: skip
    return Review(**(given | changed))


def test_entries_are_numbered_in_order_and_hold_until_taken_back(ledger):
    assert [say_review(ledger, review(flag=f), now=NOW) for f in (4, 1)] == [0, 1]
    assert take_back(ledger, 0, who="李示例", why="看错", now=NOW) == 2
    got = read_reviews(ledger)
    assert got["holds"].tolist() == [False, True, False]
    assert got["who"].tolist() == ["张示例", "张示例", "李示例"]
    assert got["start"].tolist() == [review().start] * 3
    assert got["said_at"].tolist() == [NOW] * 3
    assert read_reviews(ledger, since=1)["number"].tolist() == [2]
    assert read_reviews(ledger, since=1)["holds"].tolist() == [False]


def test_an_empty_log_has_its_columns(ledger):
    assert {"number", "holds", "station_id"} <= set(read_reviews(ledger).columns)


@pytest.mark.parametrize("wrong", [{"who": " "}, {"why": ""}, {"flag": 9}, {"end": NOW - timedelta(days=2)}])
def test_a_review_needs_who_why_a_span_and_a_flag(ledger, wrong):
    with pytest.raises(ValueError, match=r"needs|empty|not one of"):
        say_review(ledger, review(**wrong), now=NOW)
    assert read_reviews(ledger).empty


def test_taking_back_happens_once_and_only_of_what_there_is(ledger):
    number = say_review(ledger, review(), now=NOW)
    back = take_back(ledger, number, who="a", why="b", now=NOW)
    for n in (number, back, 77):
        with pytest.raises(ValueError, match=r"taken back|no review"):
            take_back(ledger, n, who="a", why="b", now=NOW)
    assert len(read_reviews(ledger)) == 2
