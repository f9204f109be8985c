"""A connection's bytes cut into pieces: whole frames, and what is none, as soon as it is clear which.

A piece is what is written at once, so that frames of devices that send at the same time never mix. What a frame is
decides the decoder's own scanner (`ingest.decoders.hj212.frames`); here only the end of what has arrived so far is new.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ingest.decoders.hj212.frames import ACCEPTED, GARBAGE, Spans, spans
from ingest.decoders.hj212.sm4 import deciphered

#: More bytes than this are never held back: no frame is longer, and a device that sends noise must not fill the memory.
MOST_HELD = 64 * 1024
LINE_END = b"\r\n"

_HEAD = 6  # ## and four digits
_CHECK = 4
_CLOSED = re.compile(rb"&&[0-9A-Fa-f]{4}\s+\Z")
_CLOSED_BEFORE_MARK = re.compile(rb"&&[0-9A-Fa-f]{4}\s*\Z")


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes as they came; a whole frame's with its plain text, which says who sent it and whether he wants an answer.

    A whole frame that came without CR LF has one here, so that what is written behind it cannot spoil it.
    """

    content: bytes
    plain: bytes = b""  # the frame in plain text; b"" when this is none

    @property
    def whole(self) -> bool:
        """Whether it is one frame whose length and check value are right."""
        return bool(self.plain)


def cut(data: bytes, keys: Mapping[str, str], *, final: bool = False) -> tuple[list[Piece], bytes]:
    """The pieces of what has arrived, and the rest that waits for more.

    However the bytes are cut into reads, the pieces joined are the bytes, and the whole frames are the same.

    Args:
        data: bytes that no piece has taken yet.
        keys: MN -> SM4 key of devices that encrypt, 32 hex digits.
        final: nothing more comes (or has come for long): everything goes into pieces.
    """
    if not data:
        return [], b""
    final = final or len(data) > MOST_HELD
    plain = deciphered(data, keys)
    found = spans(np.frombuffer(plain, dtype=np.uint8))
    pieces: list[Piece] = []
    begin = 0
    for i, stop in enumerate(_ends(found, len(data))):
        if not final and _arriving(plain, found, i, stop):
            return pieces, data[begin:]
        pieces.append(_piece(data[begin:stop], plain[int(found.start[i]) : stop], int(found.kind[i])))
        begin = stop
    rest = data[begin:]  # white space alone
    return ([*pieces, Piece(rest)], b"") if final and rest else (pieces, rest)


def _ends(found: Spans, size: int) -> Iterator[int]:
    """Where each piece ends: white space behind a frame is its own."""
    starts = found.start.tolist()
    yield from starts[1:]
    if starts:
        yield size


def _piece(content: bytes, plain: bytes, kind: int) -> Piece:
    if kind != ACCEPTED:
        return Piece(content)
    ends = content[-1:] in (b"\r", b"\n")
    return Piece(content if ends else content + LINE_END, plain.rstrip())


def _arriving(plain: bytes, found: Spans, i: int, stop: int) -> bool:
    """Whether more bytes may still make a frame of a span that is none so far."""
    kind, start = int(found.kind[i]), int(found.start[i])
    last = i == len(found.kind) - 1
    if kind == ACCEPTED:
        return False
    if kind != GARBAGE:
        text = plain[start:stop]
        if (_CLOSED if last else _CLOSED_BEFORE_MARK).search(text):
            return False  # it ends like a frame, whatever length it claims
        digits = text[2:_HEAD]
        if len(digits) == _HEAD - 2 and digits.isdigit():
            # The scanner ends a span at the next ##, which cipher text may hold.
            return last or start + _HEAD + int(digits) + _CHECK > len(plain)
    return last
