"""Time in Sanyan: the start of the period, in UTC; a day is a day in Asia/Shanghai.

Periods are ISO 8601 durations; `PT0S` is an instant (real-time data).
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

LOCAL = ZoneInfo("Asia/Shanghai")

INSTANT, MINUTE_10, HOUR, HOUR_4, DAY = "PT0S", "PT10M", "PT1H", "PT4H", "P1D"
MONTH, SEASON, YEAR = "P1M", "P3M", "P1Y"

#: Length of each period of fixed length; months, seasons (calendar quarters) and years have none.
LENGTHS = {
    INSTANT: timedelta(0),
    "PT1M": timedelta(minutes=1),
    "PT5M": timedelta(minutes=5),
    MINUTE_10: timedelta(minutes=10),
    HOUR: timedelta(hours=1),
    HOUR_4: timedelta(hours=4),
    DAY: timedelta(days=1),
}
PERIODS = (*LENGTHS, MONTH, SEASON, YEAR)


def utc(moment: datetime) -> datetime:
    """The same instant in UTC; a naive time is refused, since guessing a zone spoils years of data.

    Raises:
        ValueError: `moment` has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone; give one, for example +08:00")
    return moment.astimezone(UTC)


def day_start(day: date) -> datetime:
    """The UTC instant at which the Shanghai day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=LOCAL).astimezone(UTC)


def local_day(times: pd.Series) -> pd.Series:
    """The Shanghai calendar day of each UTC time, as `YYYY-MM-DD` text."""
    return times.dt.tz_convert(LOCAL).dt.strftime("%Y-%m-%d")


def local_month(times: pd.Series) -> pd.Series:
    """The Shanghai calendar month of each UTC time, as `YYYY-MM` text."""
    return times.dt.tz_convert(LOCAL).dt.strftime("%Y-%m")


def spans(days: Iterable[date], *, gap: int = 3) -> list[tuple[datetime, datetime]]:
    """Half-open UTC spans covering Shanghai days; days up to `gap` apart share a span."""
    ordered = sorted(set(days))
    out: list[tuple[date, date]] = []
    for day in ordered:
        if out and (day - out[-1][1]).days <= gap:
            out[-1] = (out[-1][0], day)
        else:
            out.append((day, day))
    return [(day_start(first), day_start(last + timedelta(days=1))) for first, last in out]
