"""HJ 212 frames as loggers write them: data segment, length, check value, split packets; editions 2005, 2017, 2025.

Written from the text of the standard and apart from `ingest`, so that an error on one side cannot hide in the other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_POLYNOMIAL = 0xA001
#: Version bits of Flag (HJ 212-2017 table 3, HJ 212-2025); 2005 loggers send no Flag.
VERSION = {"2017": 4, "2025": 8}
SPLIT, ACKNOWLEDGE = 2, 1


def _shifted(register: int) -> int:
    for _ in range(8):
        register = (register >> 1) ^ _POLYNOMIAL if register & 1 else register >> 1
    return register


_TABLE = tuple(_shifted(i) for i in range(256))


def crc(segment: bytes) -> int:
    """Check value of a data segment (HJ 212-2017 appendix A): the high byte alone is carried on, unlike Modbus."""
    register = 0xFFFF
    for byte in segment:
        register = _TABLE[(register >> 8) ^ byte]
    return register


def frame(segment: bytes, *, lower: bool = False, length: int | None = None) -> bytes:
    """`##`, four digits of length, the segment, its check value and CR LF; `length` tells a lie when given."""
    value = f"{crc(segment):04x}" if lower else f"{crc(segment):04X}"
    return b"##%04d%s%s\r\n" % (len(segment) if length is None else length, segment, value.encode())


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before CP: system code, password, device number, edition, and what the logger writes of it."""

    st: str
    password: str
    mn: str
    edition: str  # 2005, 2017, 2025
    acknowledge: bool
    with_qn: bool


@dataclass(frozen=True, slots=True)
class Part:
    """Number of a part of a split packet, from 1."""

    number: int
    of: int


def segment(head: Head, cn: str, qn: str, cp: str, *, part: Part | None = None, resent: bool = False) -> bytes:
    """The data segment; `resent` writes RF=1, which HJ 212-2025 has for packets sent again later."""
    fields = [f"QN={qn}"] if head.with_qn else []
    fields += [f"ST={head.st}", f"CN={cn}", f"PW={head.password}", f"MN={head.mn}"]
    if head.edition != "2005":
        bits = VERSION[head.edition] + SPLIT * (part is not None) + ACKNOWLEDGE * head.acknowledge
        fields.append(f"Flag={bits}")
    if part is not None:
        fields += [f"PNUM={part.of}", f"PNO={part.number}"]
    if resent and head.edition == "2025":
        fields.append("RF=1")
    return (";".join(fields) + f";CP=&&{cp}&&").encode()


def split(data_time: str, items: Sequence[str], limit: int) -> Iterator[str]:
    """Contents of CP, at most `limit` characters each, the DataTime repeated in every part (HJ 212-2017 C.49)."""
    first = f"DataTime={data_time}"
    content = first
    for item in items:
        if len(content) + 1 + len(item) > limit and content != first:
            yield content
            content = first
        content += ";" + item
    yield content
