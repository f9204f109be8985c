"""However a stream is cut into reads, no byte is lost, nothing whole waits, and the whole frames are the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decoders.hj212.frames import ACCEPTED, spans
from ingest.gateway.stream import LINE_END, MOST_HELD, Piece, cut
from sample_feeds.hj212_frames import crc, frame
from tests.ingest.gateway.given import packet

GOOD = packet()
SEGMENT = GOOD[6:-6]


def through(reads, keys=None):
    """The pieces of each read, and those of the end."""
    rest, out = b"", []
    for data in reads:
        pieces, rest = cut(rest + data, keys or {})
        out.append(pieces)
    out.append(cut(rest, keys or {}, final=True)[0])
    return out


def whole(reads, keys=None):
    return [p.plain for part in through(reads, keys) for p in part if p.whole]


@pytest.mark.parametrize("at", range(1, len(GOOD)))
def test_a_frame_in_two_reads_is_whole_when_its_check_value_is_there(at):
    first, second, last = through([GOOD[:at], GOOD[at:]])
    is_whole = at >= len(GOOD) - 2
    assert [p.whole for p in first] == ([True] if is_whole else [])
    assert [p.whole for p in second] == ([] if is_whole else [True])
    assert b"".join(p.content for p in first + second + last).strip() == GOOD.strip()


def test_a_frame_without_line_end_is_whole_at_once_and_gets_one():
    assert cut(GOOD[:-2], {}) == ([Piece(GOOD[:-2] + LINE_END, GOOD[:-2])], b"")


def test_noise_before_a_frame_is_a_piece_of_its_own():
    pieces, rest = cut(b"+CSQ: 17\x00\xfe" + GOOD, {})
    assert [p.whole for p in pieces] == [False, True]
    assert rest == b""


def test_noise_alone_waits_for_what_follows_and_goes_at_the_end():
    assert cut(b"noise", {}) == ([], b"noise")
    assert cut(b"noise", {}, final=True) == ([Piece(b"noise")], b"")


def test_one_hash_may_be_the_beginning_of_a_frame():
    assert whole([b"#", GOOD[1:]]) == [GOOD[:-2]]


def test_a_wrong_check_value_ends_with_its_line():
    bad = GOOD[:-6] + b"0000\r\n"
    assert cut(bad, {}) == ([Piece(bad)], b"")
    assert cut(bad[:-2], {}) == ([], bad[:-2])  # a sender that counts characters may send more


@pytest.mark.parametrize("lie", [3, 600, 9999])
def test_a_lying_length_holds_back_no_good_frame(lie):
    liar = frame(SEGMENT, length=lie)
    pieces, rest = cut(liar + GOOD, {})
    assert ([p.content for p in pieces], rest) == ([liar, GOOD], b"")
    assert [p.whole for p in pieces] == [False, True]


def test_a_frame_that_broke_off_is_told_apart_as_soon_as_its_length_is_passed():
    half = GOOD[: len(GOOD) // 2]
    assert [p.whole for p in cut(half + GOOD, {})[0]] == [False, True]


def test_noise_without_end_is_never_held_beyond_the_limit():
    pieces, rest = cut(b"x" * (MOST_HELD + 1), {})
    assert (sum(len(p.content) for p in pieces), rest) == (MOST_HELD + 1, b"")


def test_chinese_text_counted_in_characters_is_whole():
    segment = packet(value="正常")[6:-6]
    told = frame(segment, length=len(segment.decode()))
    assert whole([told[:-20], told[-20:]]) == [told[:-2]]


def test_cipher_text_may_hold_marks_and_line_ends():
    """A frame that no key opens here is kept as pieces one after the other, and only when its length has come."""
    content = b"&&DataTime=20260820090000;##12\r\n##0010;" + b"\xfe" * 20 + b"&&"
    segment = b"QN=20260820100300000;ST=22;CN=2061;PW=123456;MN=1;Flag=9;CP=" + content
    sealed = b"##%04d%s%04X\r\n" % (len(segment), segment, crc(b"plain text"))
    at = sealed.index(b"##0010") + 8
    assert cut(sealed[:at], {})[0] == []
    assert b"".join(p.content for p in cut(sealed + GOOD, {})[0]) == sealed + GOOD


NOISE = st.one_of(
    st.binary(max_size=30),
    st.sampled_from([b"##", b"#", b"\r\n", b"##0100", b"&&1C80", b"##0010QN=1;CP=&&&&"]),
)
FRAMES = st.builds(
    lambda n, flag, ends: packet(f"{20260820100300000 + n}", flag=flag)[: None if ends else -2],
    st.integers(0, 999),
    st.sampled_from([4, 5, 8, 9]),
    st.booleans(),
)


@given(st.lists(st.one_of(FRAMES, FRAMES, NOISE), max_size=8), st.data())
def test_no_byte_is_lost_and_no_cut_changes_what_is_whole(parts, data):
    stream = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    reads = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    pieces = [p for part in through(reads) for p in part]
    joined, at = b"".join(p.content for p in pieces), 0
    for byte in stream:  # the stream is there in order; only line ends were put between
        at = joined.index(byte, at) + 1
    assert len(joined) - len(stream) <= 2 * len(pieces)
    found = spans(np.frombuffer(joined, dtype=np.uint8))
    accepted = {
        joined[a:b].strip() for a, b, k in zip(found.start, found.stop, found.kind, strict=True) if k == ACCEPTED
    }
    assert {p.plain for p in pieces if p.whole} <= accepted  # what may be answered the decoder will read
    alone = spans(np.frombuffer(stream, dtype=np.uint8))
    once = {stream[a:b].strip() for a, b, k in zip(alone.start, alone.stop, alone.kind, strict=True) if k == ACCEPTED}
    assert once <= accepted
