"""The HJ 212 framing and grammar once more, in plain Python with slices and splits, as an oracle for the kernels."""

import math
import re

from ingest.decoders.hj212.crc import crc

ACCEPTED, BAD_CRC, BAD_LENGTH, TRUNCATED, NO_LINE_END, GARBAGE = range(6)
SPACE = b" \t\r\n"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_MEANS = {"flag": (0, 0), "data": (1, 0), "avg": (2, 0), "daydata": (1, 1), "nightdata": (1, 2)}
FIELDS = {2011: {"flag": (0, 0), "data": (1, 0), "rtd": (2, 0)}, 2031: _MEANS, 2051: _MEANS, 2061: _MEANS}


def spans(payload: bytes) -> list[tuple[int, int, int]]:
    """(kind, start, stop) of every frame and run of garbage."""
    out = []
    position = 0
    while position < len(payload):
        mark = _mark(payload, position)
        gap = payload[position:mark]
        if gap.strip(SPACE):
            start = position + len(gap) - len(gap.lstrip(SPACE))
            out.append((GARBAGE, start, start + len(gap.strip(SPACE))))
        if mark == len(payload):
            break
        kind, stop = _frame(payload, mark)
        out.append((kind, mark, stop))
        position = stop
    return out


def _mark(payload: bytes, position: int) -> int:
    found = re.compile(rb"##(?!#)").search(payload, position)
    return found.start() if found else len(payload)


def _frame(payload: bytes, mark: int) -> tuple[int, int]:
    body = mark + 6
    digits = payload[mark + 2 : body]
    declared = int(digits) if re.fullmatch(rb"[0-9]{4}", digits) else None
    for size in _sizes(payload, body, declared):
        tail = payload[body + size : body + size + 4]
        if re.fullmatch(rb"[0-9A-Fa-f]{4}", tail) and int(tail, 16) == crc(payload[body : body + size]):
            rest = payload[body + size + 4 :]
            if rest == b"" or rest[:1] in (b" ", b"\t", b"\r", b"\n") or rest.startswith(b"##"):
                return ACCEPTED, body + size + 4 + _line_end(rest)
            return NO_LINE_END, body + size + 4
    following = _mark(payload, mark + 2)
    text = payload[mark:following].rstrip(SPACE)
    stop = mark + len(text)
    if declared is not None and body + declared + 4 <= stop:
        tail = body + declared
        if payload[tail - 2 : tail] == b"&&" or tail + 4 == stop:
            return BAD_CRC, min(tail + 4 + _line_end(payload[tail + 4 :]), following)
        return BAD_LENGTH, stop
    closes = re.search(rb"&&[0-9A-Fa-f]{4}\Z", text[6:])
    if closes or (declared is None and len(text) >= 6):
        return BAD_LENGTH, stop
    return TRUNCATED, stop


def _sizes(payload: bytes, body: int, declared: int | None) -> list[int]:
    if declared is None:
        return []
    rest = payload[body:]
    starts = [i for i, byte in enumerate(rest[: 4 * declared + 4]) if byte & 0xC0 != 0x80]
    by_characters = starts[declared] if declared < len(starts) else len(rest)
    return [declared, by_characters]


def _line_end(rest: bytes) -> int:
    if rest.startswith(b"\r\n"):
        return 2
    return 1 if rest[:1] in (b"\r", b"\n") else 0


def factors(segment: bytes) -> dict[tuple[str, int], tuple[float | str | None, str]] | None:
    """(code, slot) -> value (number, unreadable text, None) and mark of a data segment; None without CP=&&...&&."""
    opening = re.search(rb"CP=&&", segment, re.IGNORECASE)
    if not opening or not segment.endswith(b"&&") or opening.end() > len(segment) - 2:
        return None
    head: dict[str, str] = {}
    for part in re.split(rb"[;,]", segment[: opening.start()]):
        key, equals, value = part.decode("latin-1").partition("=")
        if equals:
            head[key.strip(" \t\r\n").lower()] = value.strip(" \t\r\n")
    digits = re.match(r"\d{1,9}", head.get("cn", ""), re.ASCII)
    roles = FIELDS.get(int(digits[0]) if digits else 0, {})
    values: dict[tuple[str, int], tuple[int, str]] = {}
    marks: dict[str, str] = {}
    for part in re.split(rb"[;,]", segment[opening.end() : -2]):
        key, equals, value = (text.strip(" \t\r\n") for text in part.decode("latin-1").partition("="))
        code, dash, field = key.rpartition("-")
        role = roles.get(field.lower())
        if not equals or not dash or not code or role is None:
            continue
        code = code.strip(" \t\r\n")
        if role == (0, 0):
            marks[code] = value
        elif values.get((code, role[1]), (0, ""))[0] <= role[0]:
            values[code, role[1]] = (role[0], value)
    out = {(code, slot): (_number(value), marks.get(code, "")) for (code, slot), (_, value) in values.items()}
    for code, mark in marks.items():
        if not any(c == code for c, _ in values):
            out[code, 0] = (None, mark)
    return out


def _number(text: str) -> float | str | None:
    if not text:
        return None
    if not NUMBER.fullmatch(text) or math.isinf(float(text)):
        return text
    return float(text)
