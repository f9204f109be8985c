"""Numbers and times out of bytes, a column at a time.

The functions of this file are compiled together (numba caches per file, so a kernel and its helpers share one).
"""

import numpy as np
import numpy.typing as npt

from ingest.decoders.hj212.frames import Bytes, Ints, kernel

Floats = npt.NDArray[np.float64]

#: What a text is: a number, nothing, no number, or one with more figures than a double takes exactly.
NUMBER, EMPTY, UNREADABLE, LONG = range(4)
#: Times that are none.
BAD, ABSENT = -1, -2

_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)
_POWERS = np.array([10.0**i for i in range(23)])
#: China has kept UTC+8 without summer time since 1992, long before HJ 212.
_OFFSET = 8 * 3600


def numbers(payload: Bytes, first: Ints, last: Ints) -> tuple[Ints, Floats]:
    """State and value of the texts `first[i]` to `last[i]`; the value is NaN when the state is not NUMBER.

    A number is `[+-]digits[.digits][e[+-]digits]`; `nan`, `inf`, hexadecimal and digits of other scripts are none.
    """
    states = np.empty(len(first), dtype=np.int64)
    values = np.empty(len(first))
    _numbers(payload, first, last, states, values)
    for i in np.flatnonzero(states == LONG):
        value = float(payload[first[i] : last[i]].tobytes())
        finite = bool(np.isfinite(value))
        states[i], values[i] = (NUMBER, value) if finite else (UNREADABLE, np.nan)
    return states, values


def moments(payload: Bytes, first: Ints, last: Ints, size: int) -> Ints:
    """Local times of `size` digits (14 `YYYYMMDDhhmmss`, 17 with milliseconds) as ms since 1970 in UTC.

    ABSENT where the text is empty, BAD where it is no time of this century.
    """
    out = np.empty(len(first), dtype=np.int64)
    _moments(payload, first, last, size, out)
    return out


@kernel
def _numbers(data: Bytes, first: Ints, last: Ints, states: Ints, values: Floats) -> None:
    for i in range(len(first)):
        states[i], values[i] = _number(data, first[i], last[i])


@kernel
def _moments(data: Bytes, first: Ints, last: Ints, size: int, out: Ints) -> None:
    for i in range(len(first)):
        out[i] = _moment(data, first[i], last[i], size)


@kernel
def _number(data: Bytes, first: int, last: int) -> tuple[int, float]:
    """Up to 15 figures the nearest double is a whole number over a power of ten, both exact (Clinger 1990)."""
    if first == last:
        return EMPTY, np.nan
    i = first + (1 if data[first] in (43, 45) else 0)
    whole = _digits(data, i, last)
    stop = whole
    if stop < last and data[stop] == 46:
        stop = _digits(data, stop + 1, last)
    figures = stop - i - (1 if stop > whole else 0)
    if figures == 0:
        return UNREADABLE, np.nan
    if stop < last:
        return _scaled(data, stop, last), np.nan
    if figures > 15:
        return LONG, np.nan
    number = 0
    for j in range(i, stop):
        if j != whole:
            number = 10 * number + data[j] - 48
    value = number / _POWERS[max(stop - whole - 1, 0)]
    return NUMBER, -value if data[first] == 45 else value


@kernel
def _scaled(data: Bytes, position: int, last: int) -> int:
    """LONG when a proper exponent stands from `position` to the end, else UNREADABLE."""
    if data[position] not in (69, 101):
        return UNREADABLE
    position += 1
    if position < last and data[position] in (43, 45):
        position += 1
    return LONG if position < last and _digits(data, position, last) == last else UNREADABLE


@kernel
def _moment(data: Bytes, first: int, last: int, size: int) -> int:
    if first == last:
        return ABSENT
    if last - first != size or _digits(data, first, last) < last:
        return BAD
    year, month, day = _part(data, first, 4), _part(data, first + 4, 2), _part(data, first + 6, 2)
    hour, minute, second = _part(data, first + 8, 2), _part(data, first + 10, 2), _part(data, first + 12, 2)
    if not (2000 <= year < 2100 and 1 <= month <= 12 and hour < 24 and minute < 60 and second < 60):
        return BAD
    leap = 1 if month == 2 and year % 4 == 0 else 0
    if not 1 <= day <= _DAYS[month - 1] + leap:
        return BAD
    # A year begins in March so that leap days come last; 2000-02-29 is the only centenary in reach.
    march = year - (1 if month <= 2 else 0)
    months = (month + 9) % 12
    days = 365 * march + march // 4 - march // 100 + march // 400 + (153 * months + 2) // 5 + day - 719469
    moment = 1000 * (86400 * days + 3600 * hour + 60 * minute + second - _OFFSET)
    return moment + (_part(data, first + 14, 3) if size == 17 else 0)


@kernel
def _part(data: Bytes, first: int, size: int) -> int:
    number = 0
    for i in range(first, first + size):
        number = 10 * number + data[i] - 48
    return number


@kernel
def _digits(data: Bytes, first: int, last: int) -> int:
    """The end of the digits that begin at `first`."""
    while first < last and 48 <= data[first] <= 57:
        first += 1
    return first
