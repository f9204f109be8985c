"""Working time of an office: cases from the calendar, and a walk minute by minute as oracle."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import working_time
from domain.times import LOCAL


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LOCAL)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-08-24", True),  # a Monday
        ("2026-08-23", False),  # a Sunday
        ("2026-02-14", True),  # a Saturday worked before the Spring Festival
        ("2026-02-23", False),  # the last day of it
        ("2026-09-25", False),  # Mid-Autumn, a Friday
        ("2026-10-10", True),
        ("2025-10-11", True),
        ("2025-10-08", False),
        ("2019-05-01", True),  # a year the table does not know: a Wednesday like any other
    ],
)
def test_days(day, works):
    assert working_time.works(date.fromisoformat(day)) is works


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-08-24T08:30", 2, "2026-08-24T10:30"),
        ("2026-08-24T11:00", 2, "2026-08-24T15:00"),  # over the noon break
        ("2026-08-24T17:00", 1, "2026-08-25T09:00"),
        ("2026-08-24T03:00", 7, "2026-08-24T17:30"),  # a whole day
        ("2026-08-21T17:00", 1, "2026-08-24T09:00"),  # over a week-end
        ("2026-09-30T17:00", 1, "2026-10-08T09:00"),  # over the National Day
        ("2026-02-13T17:30", 7, "2026-02-14T17:30"),  # into a Saturday that is worked
        ("2026-08-22T12:00", 0, "2026-08-22T12:00"),
    ],
)
def test_deadlines(start, hours, end):
    assert working_time.after(local(start), timedelta(hours=hours)) == local(end)


def minute_by_minute(start: datetime, minutes: int) -> datetime:
    moment, left = start, minutes
    while True:
        wall = moment.astimezone(LOCAL)
        at = wall.hour * 60 + wall.minute
        if working_time.works(wall.date()) and (510 <= at < 720 or 840 <= at < 1050):
            left -= 1
            if left == 0:
                return moment + timedelta(minutes=1)
        moment += timedelta(minutes=1)


@given(st.integers(0, 60 * 24 * 20), st.integers(1, 900))
def test_after_is_a_walk_minute_by_minute(offset, minutes):
    start = datetime(2026, 9, 20, tzinfo=UTC) + timedelta(minutes=offset)
    assert working_time.after(start, timedelta(minutes=minutes)) == minute_by_minute(start, minutes)


@given(st.integers(0, 60 * 24 * 20), st.integers(0, 900))
def test_what_after_adds_between_finds(offset, minutes):
    start = datetime(2026, 1, 25, tzinfo=UTC) + timedelta(minutes=offset)
    end = working_time.after(start, timedelta(minutes=minutes))
    assert working_time.between(start, end) == timedelta(minutes=minutes)


def test_refusals():
    with pytest.raises(ValueError, match="before its start"):
        working_time.after(datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=-1))
    with pytest.raises(ValueError, match="no time zone"):
        working_time.after(datetime(2026, 1, 1), timedelta(hours=1))  # noqa: DTZ001 - that is the mistake


def test_the_years_the_table_knows():
    assert {2025, 2026} <= working_time.known_years()
