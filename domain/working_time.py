"""Working time of an office in China: hours of the day, week-ends, holidays and the days worked instead of them.

Holidays are set anew each year by the State Council; they are rows of working_days.csv with their source. A year
without rows has week-ends and no holidays, and says so (`known_years`).
"""

from datetime import date, datetime, time, timedelta
from functools import cache

from domain.catalogue import TABLES_DIR, read_table
from domain.errors import CatalogueError
from domain.times import LOCAL, utc

Span = tuple[datetime, datetime]
#: Nobody works for a month: a table without working hours must not make an endless search.
_LONGEST_BREAK = 60


@cache
def special_days() -> dict[date, bool]:
    """Days whose place in the week does not say whether people work: day -> whether they do.

    Raises:
        CatalogueError: the table is not as it must be.
    """
    columns = ["date", "kind", "name_zh", "source", "confidence"]
    frame = read_table(TABLES_DIR / "working_days.csv", columns=columns, key=["date"])
    wrong = [
        f"working_days.csv:{row.line}: kind {row.kind!r} is neither holiday nor workday"
        for row in frame.itertuples()
        if row.kind not in ("holiday", "workday")
    ]
    if wrong:
        raise CatalogueError(wrong)
    return {date.fromisoformat(d): k == "workday" for d, k in zip(frame["date"], frame["kind"], strict=True)}


def known_years() -> frozenset[int]:
    """The years whose holidays are in the table."""
    return frozenset(day.year for day in special_days())


def works(day: date) -> bool:
    """Whether an office works on a Shanghai day."""
    return special_days().get(day, day.weekday() < 5)


@cache
def _hours() -> tuple[tuple[time, time, date, date], ...]:
    columns = ["start", "end", "valid_from", "valid_to", "source", "confidence"]
    frame = read_table(TABLES_DIR / "working_hours.csv", columns=columns, key=["start", "valid_from"])
    rows = [
        (
            time.fromisoformat(row.start),
            time.fromisoformat(row.end),
            date.fromisoformat(row.valid_from),
            date.fromisoformat(row.valid_to) if row.valid_to else date.max,
        )
        for row in frame.itertuples()
    ]
    return tuple(sorted(rows))


def spans(day: date) -> list[Span]:
    """The working spans of a Shanghai day, UTC, in order; none on a day off."""
    if not works(day):
        return []
    return [
        (utc(datetime.combine(day, begin, LOCAL)), utc(datetime.combine(day, end, LOCAL)))
        for begin, end, first, last in _hours()
        if first <= day <= last
    ]


def after(start: datetime, duration: timedelta) -> datetime:
    """The instant (UTC) at which `duration` of working time has passed since `start`.

    A start outside working time begins to count at the next working span. No duration: the start itself.

    Raises:
        ValueError: the duration is negative, or `start` has no time zone.
        CatalogueError: the tables know no working time for two months.
    """
    if duration < timedelta(0):
        raise ValueError(f"a deadline cannot lie {-duration} before its start")
    left, moment = duration, utc(start)
    if not left:
        return moment
    day, idle = moment.astimezone(LOCAL).date(), 0
    while idle < _LONGEST_BREAK:
        idle += 1
        for opens, closes in spans(day):
            begin = max(opens, moment)
            if closes <= begin:
                continue
            idle = 0
            if left <= closes - begin:
                return begin + left
            left -= closes - begin
        day += timedelta(days=1)
    raise CatalogueError([f"working_hours.csv: nobody works in the {_LONGEST_BREAK} days before {day}"])


def between(start: datetime, end: datetime) -> timedelta:
    """Working time in [start, end); zero when the end is not after the start."""
    first, last = utc(start), utc(end)
    total = timedelta(0)
    day = first.astimezone(LOCAL).date()
    while day <= last.astimezone(LOCAL).date():
        for begin, finish in spans(day):
            total += max(min(finish, last) - max(begin, first), timedelta(0))
        day += timedelta(days=1)
    return total
