"""Framing: spans of real-like and hostile bytes, against a plain Python twin."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.decoders.hj212.crc import crc, modbus
from ingest.decoders.hj212.frames import ACCEPTED, BAD_CRC, BAD_LENGTH, GARBAGE, NO_LINE_END, TRUNCATED, spans
from sample_feeds.hj212_frames import frame
from tests.ingest import hj212_twin as twin

GOOD = frame(b"ST=22;CN=9015;MN=1;CP=&&&&")
TEXT = frame("CN=3020;MN=1;CP=&&i11001-Info=//清洗管路//&&".encode())


def cut(payload: bytes) -> list[tuple[int, int, int]]:
    found = spans(np.frombuffer(payload, dtype=np.uint8))
    return list(zip(found.kind.tolist(), found.start.tolist(), found.stop.tolist(), strict=True))


def kinds(payload: bytes) -> list[int]:
    return [kind for kind, _, _ in cut(payload)]


@pytest.mark.parametrize(
    ("segment", "value"),
    [
        # HJ 212-2017 appendix A
        (
            b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&",
            0x1C80,
        ),
        # HJ 212-2025 appendix A.1
        (b"QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&", 0x2200),
        (b"", 0xFFFF),
    ],
)  # fmt: skip
def test_check_value_printed_in_the_standards(segment: bytes, value: int) -> None:
    assert crc(segment) == value


def test_modbus_is_another_check_value() -> None:
    assert modbus(b"123456789") == 0x4B37
    assert modbus(b"123456789", 0) == 0xBB3D  # CRC-16/ARC
    assert crc(b"123456789") not in (0x4B37, 0xBB3D)


@given(st.binary(max_size=40))
def test_eight_bytes_at_once_give_the_same_check_value(segment: bytes) -> None:
    assert kinds(b"##%04d%s%04X" % (len(segment), segment, crc(segment)))[0] == ACCEPTED


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r", b"", b" ", b"##"])
def test_frame_may_end_with_any_line_end_or_the_next_frame(end: bytes) -> None:
    assert cut(GOOD.rstrip() + end)[0][:2] == (ACCEPTED, 0)


def test_hex_digits_in_any_case() -> None:
    assert kinds(frame(b"MN=9;CN=9015;CP=&&&&", lower=True)) == [ACCEPTED]


def test_length_in_characters_is_taken_too() -> None:
    body, tail = TEXT[6:-6], TEXT[-6:]
    assert len(body.decode()) < len(body)
    assert kinds(b"##%04d%s%s" % (len(body.decode()), body, tail) + GOOD) == [ACCEPTED, ACCEPTED]


def test_frame_is_cut_by_length_and_not_by_what_looks_like_its_end() -> None:
    inner = frame(b"CN=2011;MN=1;CP=&&\xff&&1C80\r\n##0005\x00&&")
    assert cut(inner + GOOD) == [(ACCEPTED, 0, len(inner)), (ACCEPTED, len(inner), len(inner + GOOD))]


def test_good_frames_behind_a_lying_length_are_found() -> None:
    liar = b"##0999" + GOOD[6:]
    assert kinds(liar + GOOD * 12) == [BAD_LENGTH] + [ACCEPTED] * 12
    short = b"##0009" + GOOD[6:]
    assert kinds(short + GOOD) == [BAD_LENGTH, ACCEPTED]


def test_stray_marks_before_a_frame_are_garbage() -> None:
    assert cut(b"###" + GOOD)[:2] == [(GARBAGE, 0, 3), (ACCEPTED, 3, 3 + len(GOOD))]
    assert kinds(b"#" + GOOD) == [GARBAGE, ACCEPTED]
    assert kinds(b"x## " + GOOD) == [GARBAGE, TRUNCATED, ACCEPTED]


def test_runs_of_garbage_are_one_each_and_white_space_is_none() -> None:
    assert cut(b" \r\n noise, more noise \n" + GOOD + b"\r\n\r\n" + GOOD + b"\x00tail\r\n") == [
        (GARBAGE, 4, 21),
        (ACCEPTED, 23, 23 + len(GOOD)),
        (ACCEPTED, 27 + len(GOOD), 27 + 2 * len(GOOD)),
        (GARBAGE, 27 + 2 * len(GOOD), 32 + 2 * len(GOOD)),
    ]


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (GOOD.replace(b"CN=9015", b"CN=9016"), BAD_CRC),
        (GOOD[:-6] + b"zz00\r\n", BAD_CRC),
        (GOOD[:-2] + b"?\r\n", NO_LINE_END),
        (b"##26" + GOOD[6:], BAD_LENGTH),
        (b"##00x6" + GOOD[6:], BAD_LENGTH),
        (GOOD[:-7], TRUNCATED),
        (GOOD[:20], TRUNCATED),
        (b"##", TRUNCATED),
        (b"##00", TRUNCATED),
    ],
)
def test_what_is_wrong_with_a_frame(payload: bytes, kind: int) -> None:
    assert kinds(payload)[0] == kind
    assert kinds(payload + b"\n" + GOOD) == [kind, *kinds(payload)[1:], ACCEPTED]


PIECES = st.one_of(
    st.sampled_from(
        [
            GOOD,
            TEXT,
            GOOD[:-2],
            GOOD[:17],
            b"##",
            b"#",
            b"##0000FFFF",
            b"##0002",
            b"&&",
            b"&&1C80",
            b"\r\n",
            "中".encode(),
        ]
    ),
    st.binary(max_size=6),
    st.binary(max_size=30).map(frame),
    st.builds(lambda text, lie: frame(text, length=lie), st.binary(max_size=20), st.integers(0, 60)),
)


@given(st.lists(PIECES, max_size=12).map(b"".join))
@example(b"")
@example(b"#")
def test_spans_are_those_of_the_plain_twin(payload: bytes) -> None:
    assert cut(payload) == twin.spans(payload)
