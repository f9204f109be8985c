"""Fields out of frames (HJ 212-2017 6.3.3): the header, and one row per factor with its value and its mark.

Real senders are looser than the text, so header keys may be parted by `,` or `;` and written in any case, spaces and
empty items are skipped, `;` may be missing before CP, and of an item sent twice the last one counts.

Three passes: items (where things stand), texts (equal bytes, equal id), rows (the items of a factor joined). The
functions of this file are compiled together (numba caches per file, so a kernel and its helpers share one).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.decoders.hj212.frames import Bytes, Ints, kernel

#: Commands that carry values: real-time, day, minute, hour data (HJ 212-2017 table 9).
REALTIME, DAY, MINUTE, HOUR = 2011, 2031, 2051, 2061
#: Bad items: sent twice (the earlier one), or without `=` or without a code.
TWICE, MALFORMED = range(2)

WRONG, COMMAND, FLAG, QN, QN_END, TIME, TIME_END, TIME_AT, N_ROWS, MN, MN_END, ST, ST_END = range(13)
FRAME, CODE, SLOT, RANK, AT, END, VALUE, VALUE_END, MARK, MARK_AT, MARK_END = range(11)
_ITEM_FRAME, _ITEM_RANK, _ITEM_SLOT, _ITEM_AT, _ITEM_DASH, _ITEM_VALUE, _ITEM_VALUE_END, _ITEM_END = range(8)
_BAD_ITEM, _EARLIER_TIME = -1, -2  # in place of a rank

_NAMES = {
    name: np.frombuffer(name.encode(), dtype=np.uint8)
    for name in ("qn", "st", "cn", "mn", "flag", "cp", "datatime", "rtd", "avg", "data", "daydata", "nightdata")
}
_N_QN, _N_ST, _N_CN, _N_MN, _N_FLAG, _N_CP, _N_TIME, _N_RTD, _N_AVG, _N_DATA, _N_DAY, _N_NIGHT = _NAMES.values()
_EQUALS, _SEMICOLON, _COMMA, _DASH, _AND = ord("="), ord(";"), ord(","), ord("-"), ord("&")


@dataclass(frozen=True, slots=True)
class Fields:
    """The content of the accepted frames; positions are bytes of the payload, ends are exclusive, -1 is absent.

    heads: per frame WRONG (1: no `CP=&&...&&`), COMMAND, FLAG, QN and TIME (DataTime) with their ends, TIME_AT (the
        item that holds it), N_ROWS, MN and ST (text ids).
    rows: per factor of a frame FRAME, CODE (text id), SLOT (0 plain, 1 DayData, 2 NightData), RANK (0: only marked),
        AT and END of the item with the value, VALUE and VALUE_END, MARK (text id), MARK_AT and MARK_END.
    issues: per bad item frame, TWICE or MALFORMED, where it begins and ends.
    texts: where each distinct text begins and ends.
    """

    heads: Ints
    rows: Ints
    issues: Ints
    texts: Ints


def dissect(payload: Bytes, bodies: Ints, tails: Ints) -> Fields:
    """Take the data segments `bodies[i]` to `tails[i]` of the payload apart."""
    frames = len(bodies)
    most = 2 * frames + 1 + sum(int(np.count_nonzero(payload == sign)) for sign in (_EQUALS, _SEMICOLON, _COMMA))
    heads = np.full((frames, 13), -1, dtype=np.int64)
    heads[:, [MN, MN_END, ST, ST_END, QN, QN_END, TIME, TIME_END]] = 0
    items = np.empty((most, 8), dtype=np.int64)
    items = items[: _fill(payload, bodies, tails, heads, items)]
    marks = items[:, _ITEM_RANK] == 0
    ids, texts = intern(
        payload,
        np.concatenate([heads[:, MN], heads[:, ST], items[:, _ITEM_AT], items[marks, _ITEM_VALUE]]),
        np.concatenate([heads[:, MN_END], heads[:, ST_END], items[:, _ITEM_DASH], items[marks, _ITEM_VALUE_END]]),
    )
    heads[:, MN], heads[:, ST], codes, of_marks = np.split(ids, np.cumsum([frames, frames, len(items)]))
    said = np.full(len(items), -1)
    said[marks] = of_marks
    rows = np.empty((len(items), 11), dtype=np.int64)
    issues = np.empty((len(items), 4), dtype=np.int64)
    n_rows, n_issues = _join(items, codes, said, np.full((3, len(texts)), -1), rows, issues)
    rows = rows[:n_rows]
    heads[:, N_ROWS] = np.bincount(rows[:, FRAME], minlength=frames)
    return Fields(heads, rows[rows[:, RANK] >= 0], issues[:n_issues], texts)


def intern(payload: Bytes, first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """An id for each text `first[i]` to `last[i]`, equal for equal bytes and -1 for none, and where each id stands."""
    ids = np.empty(len(first), dtype=np.int64)
    texts = np.empty((len(first), 2), dtype=np.int64)
    size = 1 << (2 * len(first)).bit_length()
    count = _intern(
        payload, first, last, ids, texts, np.full(size, -1, dtype=np.int64), np.empty(size, dtype=np.uint64)
    )
    return ids, texts[:count]


@kernel
def _fill(data: Bytes, bodies: Ints, tails: Ints, heads: Ints, items: Ints) -> int:
    """Fill in the heads, and the items of frames that carry values; returns how many items there are."""
    count = 0
    for frame in range(len(bodies)):
        content = _content(data, bodies[frame], tails[frame])
        heads[frame, WRONG] = 1 if content < 0 else 0
        _header(data, bodies[frame], content if content >= 0 else tails[frame], frame, heads)
        if content >= 0 and heads[frame, COMMAND] in (REALTIME, DAY, MINUTE, HOUR):
            count = _items(data, content, tails[frame] - 2, frame, heads, items, count)
    return count


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
def _header(data: Bytes, body: int, content: int, frame: int, heads: Ints) -> None:
    """The keys before CP."""
    i = body
    while i < content:
        stop, equals = _item(data, i, content)
        if equals >= 0:
            key, key_end = _trim(data, i, equals)
            value, value_end = _trim(data, equals + 1, stop)
            if _same(data, key, key_end, _N_MN):
                heads[frame, MN], heads[frame, MN_END] = value, value_end
            elif _same(data, key, key_end, _N_ST):
                heads[frame, ST], heads[frame, ST_END] = value, value_end
            elif _same(data, key, key_end, _N_CN):
                heads[frame, COMMAND] = _leading(data, value, value_end)
            elif _same(data, key, key_end, _N_FLAG):
                heads[frame, FLAG] = _leading(data, value, value_end)
            elif _same(data, key, key_end, _N_QN):
                heads[frame, QN], heads[frame, QN_END] = value, value_end
        i = stop + 1


@kernel
def _items(data: Bytes, start: int, stop: int, frame: int, heads: Ints, items: Ints, count: int) -> int:
    """The items of CP, each `key=value` or `code-Field=value`; only those we use or must refuse are kept."""
    i = start
    while i < stop:
        end, equals = _item(data, i, stop)
        at, last = _trim(data, i, end)
        i = end + 1
        if last == at:
            continue
        key_end = _trim(data, at, max(equals, at))[1]
        dash = _last_dash(data, at, key_end)
        value, value_end = _trim(data, max(equals, at) + 1, last)
        if equals < 0 or dash == at:
            count = _keep(items, count, frame, _BAD_ITEM, 0, at, at, at, at, last)
        elif dash > at:
            rank, slot = _role(data, dash + 1, key_end, heads[frame, COMMAND])
            if rank >= 0:
                code_end = _trim(data, at, dash)[1]
                count = _keep(items, count, frame, rank, slot, at, code_end, value, value_end, last)
        elif _same(data, at, key_end, _N_TIME):
            if heads[frame, TIME_AT] >= 0:
                earlier = heads[frame, TIME_AT]
                count = _keep(
                    items, count, frame, _EARLIER_TIME, 0, earlier, earlier, earlier, earlier, heads[frame, TIME_END]
                )
            heads[frame, TIME_AT], heads[frame, TIME], heads[frame, TIME_END] = at, value, value_end
    return count


@kernel
def _keep(
    items: Ints, row: int, frame: int, rank: int, slot: int, at: int, dash: int, value: int, value_end: int, end: int
) -> int:
    items[row, _ITEM_FRAME], items[row, _ITEM_RANK], items[row, _ITEM_SLOT], items[row, _ITEM_AT] = (
        frame,
        rank,
        slot,
        at,
    )
    items[row, _ITEM_DASH], items[row, _ITEM_VALUE], items[row, _ITEM_VALUE_END] = dash, value, value_end
    items[row, _ITEM_END] = end
    return row + 1


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
def _intern(
    data: Bytes, first: Ints, last: Ints, ids: Ints, texts: Ints, slots: Ints, keys: npt.NDArray[np.uint64]
) -> int:
    """Fill `ids` and `texts`; returns how many texts there are.

    Up to seven bytes and their number fill a key exactly; longer texts may share one and are compared.
    """
    count = 0
    mask = np.uint64(len(slots) - 1)
    for i in range(len(first)):
        if first[i] == last[i]:
            ids[i] = -1
            continue
        key = np.uint64(last[i] - first[i])
        for j in range(first[i], last[i]):
            key = (key << np.uint64(8)) ^ (key >> np.uint64(56)) ^ np.uint64(data[j])
        place = (key * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)) & mask
        while slots[place] >= 0 and not (
            keys[place] == key and _equal(data, texts[slots[place], 0], texts[slots[place], 1], first[i], last[i])
        ):
            place = (place + np.uint64(1)) & mask
        if slots[place] < 0:
            slots[place], keys[place], texts[count, 0], texts[count, 1] = count, key, first[i], last[i]
            count += 1
        ids[i] = slots[place]
    return count


@kernel
def _equal(data: Bytes, one: int, one_end: int, two: int, two_end: int) -> bool:
    """Whether two texts of the same key are the same."""
    if one_end - one != two_end - two:
        return False
    if one_end - one < 8:
        return True
    while one < one_end and data[one] == data[two]:
        one += 1
        two += 1
    return one == one_end


@kernel
def _join(items: Ints, codes: Ints, marks: Ints, seen: Ints, rows: Ints, issues: Ints) -> tuple[int, int]:
    """Make rows of items; `seen` is the latest row of each (slot, code). Returns how many rows and issues there are."""
    count, bad, base = 0, 0, 0
    for i in range(len(items)):
        frame, rank, slot = items[i, _ITEM_FRAME], items[i, _ITEM_RANK], items[i, _ITEM_SLOT]
        if i > 0 and frame != items[i - 1, _ITEM_FRAME]:
            _settle(base, count, rows, seen)
            base = count
        if rank < 0:
            kind = MALFORMED if rank == _BAD_ITEM else TWICE
            bad = _issue(issues, bad, frame, kind, items[i, _ITEM_AT], items[i, _ITEM_END])
            continue
        row = seen[slot, codes[i]]
        if row < base:
            row = count
            seen[slot, codes[i]] = row
            rows[row, FRAME], rows[row, CODE], rows[row, SLOT], rows[row, RANK] = frame, codes[i], slot, 0
            rows[row, AT], rows[row, END] = items[i, _ITEM_AT], items[i, _ITEM_END]
            rows[row, VALUE], rows[row, VALUE_END] = 0, 0
            rows[row, MARK], rows[row, MARK_AT], rows[row, MARK_END] = -1, -1, -1
            count += 1
        bad = _put(items, i, marks[i], rows, row, issues, bad)
    _settle(base, count, rows, seen)
    return count, bad


@kernel
def _put(items: Ints, item: int, mark: int, rows: Ints, row: int, issues: Ints, bad: int) -> int:
    """Put the item into its row; the one it overrules becomes an issue. Returns how many issues there are."""
    rank, at, end = items[item, _ITEM_RANK], items[item, _ITEM_AT], items[item, _ITEM_END]
    if rank == 0:
        if rows[row, MARK_AT] >= 0:
            bad = _issue(issues, bad, rows[row, FRAME], TWICE, rows[row, MARK_AT], rows[row, MARK_END])
        rows[row, MARK], rows[row, MARK_AT], rows[row, MARK_END] = mark, at, end
    elif rank >= rows[row, RANK]:
        if rank == rows[row, RANK]:
            bad = _issue(issues, bad, rows[row, FRAME], TWICE, rows[row, AT], rows[row, END])
        rows[row, RANK], rows[row, AT], rows[row, END] = rank, at, end
        rows[row, VALUE], rows[row, VALUE_END] = items[item, _ITEM_VALUE], items[item, _ITEM_VALUE_END]
    return bad


@kernel
def _settle(first: int, last: int, rows: Ints, seen: Ints) -> None:
    """Day and night values take the mark of their factor; a factor that only marks them is no row of its own."""
    for row in range(first, last):
        plain = seen[0, rows[row, CODE]]
        if rows[row, SLOT] > 0 and plain >= first:
            rows[row, MARK] = rows[plain, MARK]
            if rows[plain, RANK] <= 0:
                rows[plain, RANK] = -1


@kernel
def _issue(issues: Ints, row: int, frame: int, kind: int, at: int, end: int) -> int:
    issues[row, 0], issues[row, 1], issues[row, 2], issues[row, 3] = frame, kind, at, end
    return row + 1


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
    while first < last and data[first] <= 32 and data[first] in (32, 9, 10, 13):
        first += 1
    while last > first and data[last - 1] <= 32 and data[last - 1] in (32, 9, 10, 13):
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
