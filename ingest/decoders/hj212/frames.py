"""Frames out of a byte stream (HJ 212-2017 6.3.1): `##`, four digits of length, data segment, four hex digits, CR LF.

Frames are cut by length, never by looking for CR LF, because an encrypted segment (HJ 212-2025 6.4) may hold any byte.
After a bad frame the search goes on at the next `##` behind it and not behind its declared length: a lying length
would swallow good frames.

The functions of this file are compiled together (numba caches per file, so a kernel and its helpers share one).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit

from ingest.decoders.hj212.crc import TABLE, strides

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
_F = TypeVar("_F", bound=Callable[..., Any])

ACCEPTED, BAD_CRC, BAD_LENGTH, TRUNCATED, NO_LINE_END, GARBAGE = range(6)
KIND, START, STOP, TAIL = range(4)

_MARK, _AND, _CR, _LF = ord("#"), ord("&"), ord("\r"), ord("\n")
_CRC = np.array(TABLE, dtype=np.uint16)
_STRIDES = strides(8)


def kernel(function: _F) -> _F:
    """The function compiled on first use and kept compiled on disk."""
    return cast("_F", njit(cache=True)(function))


@dataclass(frozen=True, slots=True)
class Spans:
    """The payload cut into frames and garbage, in order; arrays of equal length, positions in bytes.

    A frame's data segment is `start + 6` to `tail`; `tail` of anything but an accepted frame is its supposed end.
    """

    kind: Ints
    start: Ints
    stop: Ints
    tail: Ints


def spans(payload: Bytes) -> Spans:
    """Cut the payload; every byte that is not white space between frames belongs to exactly one span."""
    marks = np.count_nonzero((payload[:-1] == _MARK) & (payload[1:] == _MARK))
    table = np.empty((2 * marks + 2, 4), dtype=np.int64)
    found = table[: _scan(payload, bool((payload > 127).any()), table)]
    return Spans(kind=found[:, KIND], start=found[:, START], stop=found[:, STOP], tail=found[:, TAIL])


@kernel
def _scan(data: Bytes, wide: bool, table: Ints) -> int:
    """Fill `table` with spans and return how many; `wide` tells whether there are bytes beyond ASCII."""
    count = 0
    position = 0
    while position < len(data):
        mark = _next_mark(data, position)
        first, last = _trimmed(data, position, mark)
        if last > first:
            table[count, 0], table[count, 1], table[count, 2], table[count, 3] = GARBAGE, first, last, last
            count += 1
        if mark == len(data):
            break
        kind, stop, tail = _frame(data, mark, wide)
        table[count, 0], table[count, 1], table[count, 2], table[count, 3] = kind, mark, stop, tail
        count += 1
        position = stop
    return count


@kernel
def _frame(data: Bytes, mark: int, wide: bool) -> tuple[int, int, int]:
    """Kind, end of the span, and end of the data segment of the frame that begins at `mark`."""
    size = len(data)
    body = mark + 6
    length = _declared(data, mark)
    tail = body + length
    if length >= 0:
        if _checks(data, body, tail):
            return _closed(data, tail)
        if wide:
            # Chinese text: some senders count characters and not bytes (HJ 212-2017 6.3.1 leaves it open).
            by_characters = _characters(data, body, length)
            if by_characters != tail and _checks(data, body, by_characters):
                return _closed(data, by_characters)
    following = _next_mark(data, mark + 2)
    stop = _trimmed(data, mark, following)[1]
    if length >= 0 and (tail + 4 == stop or (tail + 4 < stop and data[tail - 1] == _AND and data[tail - 2] == _AND)):
        return BAD_CRC, min(_after_line(data, tail + 4), following), tail
    complete = _closes(data, body, stop)
    if complete or (length >= 0 and tail + 4 <= stop):
        return BAD_LENGTH, stop, stop - 4 if complete else stop
    if length < 0 and stop - mark >= 6:
        return BAD_LENGTH, stop, stop
    return TRUNCATED, stop, min(stop, size)


@kernel
def _closed(data: Bytes, tail: int) -> tuple[int, int, int]:
    """The verdict on a frame whose length and check value are right: the line must end there too."""
    stop = _after_line(data, tail + 4)
    if stop > tail + 4 or stop >= len(data) or data[stop] in (32, 9) or _marks(data, stop):
        return ACCEPTED, stop, tail
    return NO_LINE_END, stop, tail


@kernel
def _declared(data: Bytes, mark: int) -> int:
    """The declared length, -1 when it is not four digits."""
    if mark + 6 > len(data):
        return -1
    length = 0
    for i in range(mark + 2, mark + 6):
        if data[i] < 48 or data[i] > 57:
            return -1
        length = 10 * length + data[i] - 48
    return length


@kernel
def _checks(data: Bytes, body: int, tail: int) -> bool:
    """Whether the four bytes at `tail` are the check value of the bytes from `body` to `tail`."""
    if tail + 4 > len(data):
        return False
    printed = 0
    for i in range(tail, tail + 4):
        digit = _hex(data[i])
        if digit < 0:
            return False
        printed = 16 * printed + digit
    return printed == _crc(data, body, tail)


@kernel
def _crc(data: Bytes, start: int, stop: int) -> int:
    if start == stop:
        return 0xFFFF
    state = np.uint8(0xFF)
    i = start
    while i + 8 < stop:
        state = (
            _STRIDES[7, state ^ data[i]]
            ^ _STRIDES[6, data[i + 1]]
            ^ _STRIDES[5, data[i + 2]]
            ^ _STRIDES[4, data[i + 3]]
            ^ _STRIDES[3, data[i + 4]]
            ^ _STRIDES[2, data[i + 5]]
            ^ _STRIDES[1, data[i + 6]]
            ^ _STRIDES[0, data[i + 7]]
        )
        i += 8
    while i + 1 < stop:
        state = _STRIDES[0, state ^ data[i]]
        i += 1
    return int(_CRC[state ^ data[i]])


@kernel
def _characters(data: Bytes, body: int, length: int) -> int:
    """Where `length` UTF-8 characters from `body` end."""
    position = body
    counted = 0
    while position < len(data):
        if data[position] & 0xC0 != 0x80:
            if counted == length:
                break
            counted += 1
        position += 1
    return position


@kernel
def _closes(data: Bytes, body: int, stop: int) -> bool:
    """Whether the bytes up to `stop` end like a frame: `&&` and four hex digits."""
    if stop - 6 < body or data[stop - 6] != _AND or data[stop - 5] != _AND:
        return False
    i = stop - 4
    while i < stop and _hex(data[i]) >= 0:
        i += 1
    return i == stop


@kernel
def _hex(byte: int) -> int:
    if 48 <= byte <= 57:
        return byte - 48
    if 65 <= byte <= 70:
        return byte - 55
    if 97 <= byte <= 102:
        return byte - 87
    return -1


@kernel
def _marks(data: Bytes, position: int) -> bool:
    return position + 1 < len(data) and data[position] == _MARK and data[position + 1] == _MARK


@kernel
def _next_mark(data: Bytes, position: int) -> int:
    """The next `##` from `position` on (the last two of a longer row of `#`), or the end of the data."""
    i = position
    while i + 1 < len(data):
        if data[i + 1] != _MARK:
            i += 2
        elif data[i] != _MARK or (i + 2 < len(data) and data[i + 2] == _MARK):
            i += 1
        else:
            return i
    return len(data)


@kernel
def _after_line(data: Bytes, position: int) -> int:
    """The position behind CR LF, CR or LF, if there is one."""
    if position < len(data) and data[position] == _CR:
        position += 1
    if position < len(data) and data[position] == _LF:
        position += 1
    return position


@kernel
def _trimmed(data: Bytes, first: int, last: int) -> tuple[int, int]:
    """The range without white space at both ends."""
    while first < last and data[first] in (32, 9, _CR, _LF):
        first += 1
    while last > first and data[last - 1] in (32, 9, _CR, _LF):
        last -= 1
    return first, last
