"""Times as people, platforms and spreadsheets write them, as UTC instants."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

#: Nothing in a feed is older than this, nor does a sensible clock run beyond: what lies outside is no time.
EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
#: Day 0 of the serial dates of spreadsheets (the 1900 system with its false leap day).
_SERIAL_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - a serial date has no zone; the feed's is put on below

_WRITTEN = re.compile(
    r"(?P<year>\d{4})\s*[-/.年]\s*(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})\s*日?"
    r"(?:[T ]?\s*(?P<half>上午|下午|AM|PM)?\s*(?P<hour>\d{1,2})\s*[:时点]\s*(?P<minute>\d{1,2})"
    r"\s*[:分]?\s*(?:(?P<second>\d{1,2})(?:\.\d+)?\s*秒?)?\s*(?P<late_half>AM|PM)?)?",
    re.ASCII | re.IGNORECASE,
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?", re.ASCII)


def instant(value: object, zone: ZoneInfo) -> datetime:
    """The UTC instant of a text, a number or a date; one without a zone is in `zone`, a date alone is its midnight.

    Understood: ISO 8601; 2026-8-24 15:03, 2026/8/24 3:03 PM, 2026年8月24日 下午3时03分; 20260824150300; Unix seconds
    or milliseconds as numbers or digits; dates and date-times of spreadsheets and their serial numbers (days).

    Raises:
        ValueError: it is no time, or one before 1980 or after 2200.
    """
    try:
        found = _aware(_naive(value), zone).astimezone(UTC)
    except (OverflowError, OSError):
        raise ValueError(f"{value!r} is no time") from None
    if not EARLIEST <= found < LATEST:
        raise ValueError(f"{value!r} lies before 1980 or after 2200")
    return found


def _aware(found: datetime, zone: ZoneInfo) -> datetime:
    return found.replace(tzinfo=zone) if found.tzinfo is None else found


def _naive(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - the caller puts the zone on
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(float(value))
    if isinstance(value, str):
        return _text(value.strip())
    raise ValueError(f"{value!r} is no time")


def _number(value: float) -> datetime:
    if 1e11 < value < 1e13:
        return datetime.fromtimestamp(value / 1000, tz=UTC)
    if 1e8 < value < 1e11:
        return datetime.fromtimestamp(value, tz=UTC)
    if 20_000 < value < 120_000:
        return _SERIAL_ZERO + timedelta(seconds=round(value * 86_400))
    raise ValueError(f"{value!r} is no time")


def _text(text: str) -> datetime:
    compact = _COMPACT.fullmatch(text)
    if compact:
        return datetime(*(int(part) for part in compact.groups() if part is not None))  # type: ignore[arg-type]  # noqa: DTZ001
    if text.isascii() and text.isdigit() and len(text) <= 13:
        return _number(float(text))
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        written = _WRITTEN.fullmatch(text)
    if written is None:
        raise ValueError(f"{text[:60]!r} is no time")
    part = {name: int(group) for name, group in written.groupdict().items() if group and "half" not in name}
    hour = _hour(part.get("hour", 0), written["half"] or written["late_half"])
    return datetime(  # noqa: DTZ001 - the caller puts the zone on
        part["year"], part["month"], part["day"], hour, part.get("minute", 0), part.get("second", 0)
    )


def _hour(hour: int, half: str | None) -> int:
    """The hour of a 12-hour clock: 12 AM is midnight, 12 PM noon; 下午15时 is what people write and mean 15."""
    if half is None or hour > 12:
        return hour
    afternoon = half.upper() in {"PM", "下午"}
    return hour % 12 + (12 if afternoon else 0)
