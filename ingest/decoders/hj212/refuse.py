"""Rejections: what was wrong with a frame or an item, where its bytes are, and what to do."""

from collections.abc import Iterator

import numpy as np

from domain.records import Reason, Rejection
from ingest.decoded import Context
from ingest.decoders.hj212.crc import crc, modbus
from ingest.decoders.hj212.fields import TWICE, Fields
from ingest.decoders.hj212.frames import ACCEPTED, BAD_CRC, BAD_LENGTH, GARBAGE, NO_LINE_END, TRUNCATED, Spans
from ingest.decoders.hj212.sm4 import looks_encrypted

_ENCRYPTED = "it looks encrypted (HJ 212-2025 6.4): give the device's key in the option sm4_keys"


def spans_refused(payload: bytes, cut: Spans, context: Context) -> Iterator[Rejection]:
    """One rejection for each bad frame and each run of garbage."""
    for i in np.flatnonzero(cut.kind != ACCEPTED).tolist():
        kind, start, stop, tail = int(cut.kind[i]), int(cut.start[i]), int(cut.stop[i]), int(cut.tail[i])
        segment = payload[start + 6 : tail]
        said = _TEXTS[kind].format(
            declared=payload[start + 2 : start + 6].decode("utf-8", "replace"),
            size=stop - start,
            held=len(segment),
            check=_check(segment, payload[tail : tail + 4]) if kind == BAD_CRC else "",
            hint=_ENCRYPTED if looks_encrypted(payload[start:stop]) else "check the sender's count of bytes",
        )
        yield context.reject(_REASONS[kind], f"bytes {start} to {stop}: {said}", offset=start, length=stop - start)


def issues_refused(payload: bytes, content: Fields, context: Context) -> Iterator[Rejection]:
    """One rejection for each item that is malformed or was overruled by a later one of the same name."""
    for _, kind, at, end in content.issues.tolist():
        text = payload[at:end].decode("utf-8", "replace")
        said = "is sent again later in its frame; the last one is kept" if kind == TWICE else "is no code-Field=value"
        yield context.reject(
            Reason.BAD_GRAMMAR, f"byte {at}: item {text!r} {said}", offset=int(at), length=int(end - at)
        )


def _check(segment: bytes, printed: bytes) -> str:
    """What is wrong with the check value of a segment, and whose mistake it looks like."""
    text = printed.decode("utf-8", "replace").upper()
    said = f"the check value is {text}, the segment gives {crc(segment):04X}"
    for name, other in (("CRC-16/Modbus", modbus(segment)), ("CRC-16/ARC", modbus(segment, 0))):
        if text == f"{other:04X}":
            return f"{said}; the sender computes {name}, have it follow HJ 212 appendix A"
    return f"{said}; {_ENCRYPTED if looks_encrypted(segment) else 'the line may be noisy'}"


_REASONS = {
    BAD_CRC: Reason.BAD_CRC,
    BAD_LENGTH: Reason.BAD_LENGTH,
    TRUNCATED: Reason.TRUNCATED,
    NO_LINE_END: Reason.BAD_GRAMMAR,
    GARBAGE: Reason.GARBAGE,
}
_TEXTS = {
    BAD_CRC: "{check}",
    BAD_LENGTH: "the length is given as {declared!r}, the frame holds {held} bytes; {hint}",
    TRUNCATED: "the frame breaks off after {size} bytes, its length is given as {declared!r}; see the connection",
    NO_LINE_END: "no CR LF behind the check value",
    GARBAGE: "{size} bytes belong to no frame; see the connection",
}
