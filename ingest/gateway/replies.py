"""Who sent a frame, and what he is answered (HJ 212-2017 6.2, table 9; HJ 212-2025 adds the heartbeat).

A device that sets bit A of Flag waits for an answer with its own QN and repeats the packet without one. Which command
is answered by which stands in domain/tables/hj212_answers.csv.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from domain.catalogue import TABLES_DIR, read_table
from ingest.decoders.hj212.crc import framed

ANSWER_WANTED = 0b01
SPLIT = 0b10
EXCHANGE = "91"  # ST of the system's own exchange (table 5)

_FIELD = re.compile(rb"([A-Za-z]+)\s*=\s*([^;,&]*)")
_QN = re.compile(r"\d{17}")
_COLUMNS = ("first", "last", "answer", "what", "standard", "edition", "confidence")


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before CP; a field that is not there is empty."""

    qn: str = ""
    st: str = ""
    cn: str = ""
    pw: str = ""
    mn: str = ""
    flag: str = ""


def head_of(frame: bytes) -> Head:
    """The head of a frame in plain text; field names in any case, `,` for `;` as some loggers write."""
    told = re.split(rb"CP\s*=", frame[6:], maxsplit=1, flags=re.IGNORECASE)[0]
    fields = {k.decode().lower(): v.decode("utf-8", "replace").strip() for k, v in _FIELD.findall(told)}
    return Head(**{name: fields.get(name, "") for name in Head.__dataclass_fields__})


def answer(head: Head) -> bytes:
    """The answer a frame wants: a whole frame, or nothing.

    Nothing is answered without bit A of Flag, to a frame without a QN that could be repeated, or to a frame that is an
    answer itself. The version bits of Flag are the sender's.
    """
    flag = int(head.flag) if head.flag.isdecimal() and len(head.flag) <= 3 else 0
    cn = _answers().get(head.cn, "")
    if not flag & ANSWER_WANTED or not cn or not _QN.fullmatch(head.qn):
        return b""
    version = flag & ~(ANSWER_WANTED | SPLIT)
    said = f"QN={head.qn};ST={EXCHANGE};CN={cn};PW={head.pw};MN={head.mn};Flag={version};CP=&&&&".encode()
    return framed(said)


@cache
def _answers() -> Mapping[str, str]:
    """Command -> the command that answers it."""
    table = read_table(TABLES_DIR / "hj212_answers.csv", columns=_COLUMNS, key=["first"])
    return {
        str(cn): row.answer
        for row in table.itertuples()
        for cn in range(int(row.first), int(row.last) + 1)
        if row.answer
    }
