"""Fields out of frames (HJ 212-2017 6.3.3): the header, and one row per factor with its value and its mark.

Real senders are looser than the text, so header keys may be parted by `,` or `;` and written in any case, spaces and
empty items are skipped, `;` may be missing before CP, and of an item sent twice the last one counts.

The functions of this file are compiled together (numba caches per file, so a kernel and its helpers share one).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ingest.decoders.hj212.frames import Bytes, Ints, kernel

#: Commands that carry values: real-time, day, minute, hour data (HJ 212-2017 table 9).
REALTIME, DAY, MINUTE, HOUR = 2011, 2031, 2051, 2061
#: Bad items: sent twice (the earlier one), or without `=` or without a code.
TWICE, MALFORMED = range(2)

WRONG, COMMAND, FLAG, ST, MN, QN, QN_END, TIME, TIME_END, TIME_AT, N_ROWS = range(11)
FRAME, CODE, SLOT, RANK, AT, END, VALUE, VALUE_END, MARK, MARK_AT, MARK_END = range(11)

_NAMES = {
    name: np.frombuffer(name.encode(), dtype=np.uint8)
    for name in ("qn", "st", "cn", "mn", "flag", "cp", "datatime", "rtd", "avg", "data", "daydata", "nightdata")
}
_N_QN, _N_ST, _N_CN, _N_MN, _N_FLAG, _N_CP, _N_TIME, _N_RTD, _N_AVG, _N_DATA, _N_DAY, _N_NIGHT = _NAMES.values()
_EQUALS, _SEMICOLON, _COMMA, _DASH, _AND = ord("="), ord(";"), ord(","), ord("-"), ord("&")


@dataclass(frozen=True, slots=True)
class Fields:
    """The content of the accepted frames; positions are bytes of the payload, ends are exclusive, -1 is absent.

    heads: per frame WRONG (1: no `CP=&&...&&`), COMMAND, FLAG, ST and MN (text ids), QN and TIME (DataTime) with
        their ends, TIME_AT (the item that holds it), N_ROWS.
    rows: per factor of a frame FRAME, CODE (text id), SLOT (0 plain, 1 DayData, 2 NightData), RANK (0: only marked),
        AT and END of the item with the value, VALUE and VALUE_END, MARK (text id), MARK_AT and MARK_END.
    issues: per bad item frame, TWICE or MALFORMED, where it begins and ends.
    texts: where each distinct text begins and ends.
    """

    heads: Ints
    rows: Ints
    issues: Ints
    texts: Ints


class _Tables(NamedTuple):
    heads: Ints
    rows: Ints
    issues: Ints
    texts: Ints
    slots: Ints  # hash table of text ids
    seen: Ints  # (slot, code) -> its latest row
    counts: Ints  # rows, issues, texts so far


def dissect(payload: Bytes, bodies: Ints, tails: Ints) -> Fields:
    """Take the data segments `bodies[i]` to `tails[i]` of the payload apart."""
    frames = len(bodies)
    items = 2 * frames + 1 + sum(int(np.count_nonzero(payload == sign)) for sign in (_EQUALS, _SEMICOLON, _COMMA))
    tables = _Tables(
        heads=np.full((frames, 11), -1, dtype=np.int64),
        rows=np.empty((items, 11), dtype=np.int64),
        issues=np.empty((items, 4), dtype=np.int64),
        texts=np.empty((items, 2), dtype=np.int64),
        slots=np.full(1 << (2 * items).bit_length(), -1, dtype=np.int64),
        seen=np.full((3, items), -1, dtype=np.int64),
        counts=np.zeros(3, dtype=np.int64),
    )
    _fill(payload, bodies, tails, tables)
    n_rows, n_issues, n_texts = tables.counts
    rows = tables.rows[:n_rows]
    return Fields(tables.heads, rows[rows[:, RANK] >= 0], tables.issues[:n_issues], tables.texts[:n_texts])


@kernel
def _fill(data: Bytes, bodies: Ints, tails: Ints, t: _Tables) -> None:
    for frame in range(len(bodies)):
        head = t.heads[frame]
        content = _content(data, bodies[frame], tails[frame])
        first_row = t.counts[0]
        head[WRONG] = 1 if content < 0 else 0
        _header(data, bodies[frame], content if content >= 0 else tails[frame], head, t)
        if content >= 0 and head[COMMAND] in (REALTIME, DAY, MINUTE, HOUR):
            _items(data, content, tails[frame] - 2, frame, t)
            _settle(first_row, t)
        head[N_ROWS] = t.counts[0] - first_row


@kernel
def _content(data: Bytes, body: int, tail: int) -> int:
    """Where the content of CP begins, -1 when the segment has no `CP=&&...&&`."""
    if tail - body < 7 or data[tail - 1] != _AND or data[tail - 2] != _AND:
        return -1
    for i in range(body, tail - 6):
        if data[i + 2] == _EQUALS and data[i + 3] == _AND and data[i + 4] == _AND and _same(data, i, i + 2, _N_CP):
            return i + 5
    return -1


@kernel
def _header(data: Bytes, body: int, content: int, head: Ints, t: _Tables) -> None:
    """The keys before CP."""
    i = body
    while i < content:
        stop, equals = _item(data, i, content)
        if equals >= 0:
            key, key_end = _trim(data, i, equals)
            value, value_end = _trim(data, equals + 1, stop)
            if _same(data, key, key_end, _N_MN):
                head[MN] = _intern(data, value, value_end, t)
            elif _same(data, key, key_end, _N_ST):
                head[ST] = _intern(data, value, value_end, t)
            elif _same(data, key, key_end, _N_CN):
                head[COMMAND] = _leading(data, value, value_end)
            elif _same(data, key, key_end, _N_FLAG):
                head[FLAG] = _leading(data, value, value_end)
            elif _same(data, key, key_end, _N_QN):
                head[QN], head[QN_END] = value, value_end
        i = stop + 1


@kernel
def _items(data: Bytes, start: int, stop: int, frame: int, t: _Tables) -> None:
    """The items of CP, each `key=value` or `code-Field=value`."""
    base = t.counts[0]
    i = start
    while i < stop:
        end, equals = _item(data, i, stop)
        at, item_end = _trim(data, i, end)
        i = end + 1
        if item_end == at:
            continue
        key_end = _trim(data, at, max(equals, at))[1]
        dash = _last_dash(data, at, key_end)
        if equals < 0 or dash == at:
            _issue(t, frame, MALFORMED, at, item_end)
        elif dash > at:
            _factor(data, base, frame, at, dash, key_end, equals, item_end, t)
        elif _same(data, at, key_end, _N_TIME):
            _time(data, frame, at, equals, item_end, t)


@kernel
def _time(data: Bytes, frame: int, at: int, equals: int, end: int, t: _Tables) -> None:
    head = t.heads[frame]
    if head[TIME_AT] >= 0:
        _issue(t, frame, TWICE, head[TIME_AT], head[TIME_END])
    head[TIME_AT] = at
    head[TIME], head[TIME_END] = _trim(data, equals + 1, end)


@kernel
def _factor(
    data: Bytes, base: int, frame: int, at: int, dash: int, key_end: int, equals: int, end: int, t: _Tables
) -> None:
    """One item of a factor; `base` is the first row of the frame."""
    rank, slot = _role(data, dash + 1, key_end, t.heads[frame, COMMAND])
    if rank < 0:
        return
    code_at, code_end = _trim(data, at, dash)
    row = _row(base, frame, _intern(data, code_at, code_end, t), slot, t)
    value, value_end = _trim(data, equals + 1, end)
    if rank == 0:
        if row[MARK_AT] >= 0:
            _issue(t, frame, TWICE, row[MARK_AT], row[MARK_END])
        row[MARK], row[MARK_AT], row[MARK_END] = _intern(data, value, value_end, t), at, end
        if row[RANK] == 0:
            row[AT], row[END] = at, end
    elif rank >= row[RANK]:
        if rank == row[RANK]:
            _issue(t, frame, TWICE, row[AT], row[END])
        row[RANK], row[AT], row[END], row[VALUE], row[VALUE_END] = rank, at, end, value, value_end


@kernel
def _row(base: int, frame: int, code: int, slot: int, t: _Tables) -> Ints:
    """The row of a factor in this frame, made when it is new."""
    if t.seen[slot, code] < base:
        t.seen[slot, code] = t.counts[0]
        row = t.rows[t.counts[0]]
        row[:] = -1
        row[FRAME], row[CODE], row[SLOT], row[RANK], row[VALUE], row[VALUE_END] = frame, code, slot, 0, 0, 0
        t.counts[0] += 1
    return t.rows[t.seen[slot, code]]


@kernel
def _settle(first: int, t: _Tables) -> None:
    """Day and night values take the mark of their factor; a factor that only marks them is no row of its own."""
    for row in range(first, t.counts[0]):
        plain = t.seen[0, t.rows[row, CODE]]
        if t.rows[row, SLOT] > 0 and plain >= first:
            t.rows[row, MARK] = t.rows[plain, MARK]
            if t.rows[plain, RANK] <= 0:
                t.rows[plain, RANK] = -1


@kernel
def _role(data: Bytes, at: int, end: int, command: int) -> tuple[int, int]:
    """Rank (0 mark, higher wins, -1 not used) and slot of a field under a command."""
    rank, slot = -1, 0
    if _same(data, at, end, _N_FLAG):
        rank = 0
    elif _same(data, at, end, _N_RTD if command == REALTIME else _N_AVG):
        rank = 2
    elif _same(data, at, end, _N_DATA):
        rank = 1
    elif command != REALTIME and _same(data, at, end, _N_DAY):
        rank, slot = 1, 1
    elif command != REALTIME and _same(data, at, end, _N_NIGHT):
        rank, slot = 1, 2
    return rank, slot


@kernel
def _issue(t: _Tables, frame: int, kind: int, at: int, end: int) -> None:
    row = t.issues[t.counts[1]]
    row[0], row[1], row[2], row[3] = frame, kind, at, end
    t.counts[1] += 1


@kernel
def _item(data: Bytes, start: int, stop: int) -> tuple[int, int]:
    """Where the item that begins at `start` ends, and its first `=` (-1 without)."""
    equals = -1
    i = start
    while i < stop and data[i] != _SEMICOLON and data[i] != _COMMA:
        if equals < 0 and data[i] == _EQUALS:
            equals = i
        i += 1
    return i, equals


@kernel
def _trim(data: Bytes, first: int, last: int) -> tuple[int, int]:
    while first < last and data[first] in (32, 9, 10, 13):
        first += 1
    while last > first and data[last - 1] in (32, 9, 10, 13):
        last -= 1
    return first, last


@kernel
def _last_dash(data: Bytes, first: int, last: int) -> int:
    i = last - 1
    while i >= first and data[i] != _DASH:
        i -= 1
    return i if i >= first else -1


@kernel
def _same(data: Bytes, first: int, last: int, name: Bytes) -> bool:
    """Whether the bytes are this lower-case name, in any case."""
    if last - first != len(name):
        return False
    i = 0
    while i < len(name) and (data[first + i] == name[i] or (data[first + i] + 32 == name[i] and name[i] >= 97)):
        i += 1
    return i == len(name)


@kernel
def _intern(data: Bytes, first: int, last: int, t: _Tables) -> int:
    """The id of a text, the same for the same bytes; -1 for no bytes."""
    if last == first:
        return -1
    mixed = np.int64(1469598103934665603)
    for i in range(first, last):
        mixed = (mixed ^ np.int64(data[i])) * np.int64(1099511628211)
    place = (mixed ^ (mixed >> 29)) & (len(t.slots) - 1)
    while t.slots[place] >= 0:
        known = t.slots[place]
        if _equal(data, t.texts[known, 0], t.texts[known, 1], first, last):
            return int(known)
        place = (place + 1) & (len(t.slots) - 1)
    t.slots[place] = t.counts[2]
    t.texts[t.counts[2], 0], t.texts[t.counts[2], 1] = first, last
    t.counts[2] += 1
    return int(t.slots[place])


@kernel
def _equal(data: Bytes, one: int, one_end: int, two: int, two_end: int) -> bool:
    if one_end - one != two_end - two:
        return False
    while one < one_end and data[one] == data[two]:
        one += 1
        two += 1
    return one == one_end


@kernel
def _leading(data: Bytes, first: int, last: int) -> int:
    """The digits (at most nine) that begin the text as a number, -1 when there are none.

    Only the beginning counts: where the `;` before CP is missing, its letters stand behind the digits of Flag.
    """
    number = -1
    i = first
    while i < min(last, first + 9) and 48 <= data[i] <= 57:
        number = 10 * max(number, 0) + data[i] - 48
        i += 1
    return number
