"""A million mutated bytes: nothing raises, nothing is lost without a rejection, nothing is believed without its check.

A stream of real-like frames (three editions, split, Chinese text, binary content, garbage between) is spoilt by seeded
bit flips, overwritten, inserted and deleted bytes, doubled and lost pieces and truncation, from one byte to ruins.
Every payload is checked against the plain twin.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decoded import Decoded
from ingest.decoders.hj212 import decode, frames
from sample_feeds.hj212_frames import crc, frame
from tests.ingest import hj212_twin as twin
from tests.ingest.hj212_support import AIR, NOISE, OUTLET, STACK, WATER, context, packet

SPACE = b" \t\r\n"


def stream(rng: np.random.Generator) -> bytes:
    """A few kilobytes as a gateway receives them."""
    hour = f"202608{rng.integers(1, 20):02d}{rng.integers(0, 24):02d}0000"
    n = [f"{value:.2f}" for value in rng.uniform(0, 200, 12)]
    stack = ";".join(f"{code}-Cou={n[0]},{code}-Min={n[1]},{code}-Avg={n[2]},{code}-Max={n[3]},{code}-Flag=N"
                     for code in ("a34013", "a21026", "a21002", "a19001", "a01011"))  # fmt: skip
    parts = [
        packet(f"a34004-Avg={n[4]},a34004-Flag=N;a21026-Avg={n[5]},a34002-Avg={n[6]},a34002-Flag=M", time=hour),
        packet(stack, mn=STACK, st="31", flag=";Flag=6;PNUM=2;PNO=1", time=hour),
        packet(f"w21003-Avg={n[7]},w21003-Flag=N;w01018-Avg={n[8]}", mn=WATER, st="21", flag=";Flag=9;RF=1", time=hour),
        packet(f"011-Avg={n[9]},011-Flag=N;060-Avg={n[10]};", mn=OUTLET, st="32", qn=None, flag="", time=hour),
        packet(f"Leq-Data={n[11]};L10-Data=53.0", mn=NOISE, st="23", time=hour),
        packet("a34004-Rtd=35,a34004-Flag=N", cn=2011, time="20260820095930"),
        frame(f"ST=22;CN=3020;MN={AIR};Flag=5;CP=&&DataTime={hour};i11001-Info=//清洗管路//&&".encode()),
        frame(f"ST=91;CN=9014;MN={AIR};Flag=4;CP=&&&&".encode()),
        frame(b"ST=31;CN=2061;MN=%s;Flag=9;CP=&&%s&&" % (STACK.encode(), rng.bytes(48))),
        b"\r\n+CSQ: 17,99\r\nOK\r\n",
    ]
    order = rng.permutation(len(parts))
    return b"".join(parts[i] for i in order)


def mutated(rng: np.random.Generator, payload: bytes, count: int) -> bytes:
    """The payload after `count` mutations of single bytes, now and then of a piece."""
    data = bytearray(payload)
    for kind, where, byte in zip(
        rng.integers(0, 40, count), rng.random(count), rng.integers(0, 256, count), strict=True
    ):
        at = int(where * (len(data) - 1))
        if kind < 15:
            data[at] ^= 1 << (byte % 8)
        elif kind < 25:
            data[at] = byte
        elif kind < 31:
            data.insert(at, byte)
        elif kind < 37 and len(data) > 1:
            del data[at]
        elif kind == 37:
            data[at:at] = data[at // 2 : at // 2 + byte]
        elif kind == 38:
            data[at : at + byte // 16] = b"#" * (byte % 5)
        else:
            del data[at : at + byte // 8]
    return bytes(data[: int(rng.uniform(0.2, 1) * len(data))] if rng.random() < 0.1 else data) or b"#"


def survive(payload: bytes) -> Decoded:
    """Decode and check what must hold for any bytes at all."""
    decoded = decode(payload, context())
    spans = twin.spans(payload)
    found = frames.spans(np.frombuffer(payload, dtype=np.uint8))
    assert list(zip(found.kind.tolist(), found.start.tolist(), found.stop.tolist(), strict=True)) == spans
    good = [(start, stop) for kind, start, stop in spans if kind == twin.ACCEPTED]
    assert decoded.n_records == sum(kind != twin.GARBAGE for kind, _, _ in spans)
    _assert_every_byte_is_accounted_for(payload, good, decoded)
    _assert_values_come_from_good_frames(payload, good, decoded)
    return decoded


def _assert_every_byte_is_accounted_for(payload: bytes, good: list[tuple[int, int]], decoded: Decoded) -> None:
    held = np.isin(np.frombuffer(payload, dtype=np.uint8), list(SPACE))
    for start, stop in good:
        held[start:stop] = True
    for rejection in decoded.rejections:
        assert 0 <= rejection.offset <= rejection.offset + rejection.length <= len(payload)
        assert rejection.length > 0
        held[rejection.offset : rejection.offset + rejection.length] = True
    assert held.all(), f"bytes {np.flatnonzero(~held)[:10]} are in no frame and no rejection"


def _assert_values_come_from_good_frames(payload: bytes, good: list[tuple[int, int]], decoded: Decoded) -> None:
    taken = [payload[start:stop] for start, stop in good]
    for one in taken:
        text = one.rstrip(b"\r\n")
        assert int(text[-4:], 16) == crc(text[6:-4])
    alone = decode(b"\r\n".join(taken), context()).observations if taken else decoded.observations.iloc[:0]
    pd.testing.assert_frame_equal(decoded.observations, alone)
    numbers = {value for one in taken for value, _ in (twin.factors(one.rstrip(b"\r\n")[6:-4]) or {}).values()}
    # Units of these packets are canonical, so that each value must stand in a frame as it is.
    assert set(decoded.observations["value"].dropna()) <= numbers


def tortures(seed: int, total: int) -> Iterator[tuple[bytes, int]]:
    rng = np.random.default_rng(seed)
    done = 0
    while done < total:
        payload = b"".join(stream(rng) for _ in range(rng.integers(1, 4)))
        count = min(int(rng.choice([1, 3, 10, 50, 250, 1500])), total - done)
        yield mutated(rng, payload, count), count
        done += count


@pytest.mark.parametrize(
    "total", [50_000, pytest.param(1_000_000, marks=(pytest.mark.slow, pytest.mark.timeout(1800)))]
)
def test_mutated_bytes_crash_nothing(total: int) -> None:
    mutations = values = rejections = 0
    for payload, count in tortures(20260818, total):
        decoded = survive(payload)
        mutations += count
        values += len(decoded.observations)
        rejections += len(decoded.rejections)
    assert mutations == total
    assert values > 0
    assert rejections > 0


def test_unspoilt_stream_loses_nothing() -> None:
    decoded = survive(stream(np.random.default_rng(1)))
    # besides the modem's noise, the frame of binary content has an item that is none
    assert {rejection.reason for rejection in decoded.rejections} == {"garbage", "bad_grammar"}
    assert len(decoded.observations) == 15
    assert decoded.n_records == 9


@settings(max_examples=150)
@given(st.binary(max_size=300))
def test_any_bytes_survive(payload: bytes) -> None:
    if payload.strip():
        survive(payload)


@settings(max_examples=150)
@given(st.binary(max_size=120))
def test_any_content_of_a_checked_frame_survives(content: bytes) -> None:
    head = f"QN=20260820100300000;ST=22;CN=2061;MN={AIR};Flag=4;CP=&&DataTime=20260820090000;".encode()
    survive(frame(head + content + b"&&"))


@settings(max_examples=150)
@given(st.data())
def test_any_head_survives(data: st.DataObject) -> None:
    keys = st.sampled_from([b"QN", b"ST", b"CN", b"MN", b"Flag", b"PNUM", b"RF", b"CP", b"cn ", b""])
    words = st.sampled_from([b"2061", b"22", AIR.encode(), b"9", b"", b"\xff", b"99999999999", b"20260820100300000"])
    parts = data.draw(st.lists(st.tuples(keys, words, st.sampled_from([b";", b",", b""])), max_size=8))
    head = b"".join(key + b"=" + word + end for key, word, end in parts)
    survive(frame(head + b"CP=&&DataTime=20260820090000;a34004-Avg=1,a34004-Flag=N&&"))
