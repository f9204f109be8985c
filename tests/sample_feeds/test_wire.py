"""Faults between logger and platform, and the bytes they leave."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from domain.registry import Registry
from sample_feeds.hj212_frames import crc
from sample_feeds.messages import HOURLY, devices, messages, stamp
from sample_feeds.scenario import DeviceFault, WireFault, load
from sample_feeds.signals import readings
from sample_feeds.simulate import COUNTY
from sample_feeds.wire import NOISE, encode, lookback, strangers, suffered

SCENARIO = load()
DEVICES = {d.name: d for d in devices(Registry.load(COUNTY))}
FIRST = int(SCENARIO.start.timestamp()) // 3600 - 8
HOURS = np.arange(FIRST, FIRST + 24 * 15)
FAULTS = {e.id: e for e in SCENARIO.of(WireFault, DeviceFault)}


def hurt(event_id):
    """Hour packets of the (first) station before and after one fault, within its time and a day around."""
    event = FAULTS[event_id]
    only = SCENARIO.model_copy(update={"events": (event,)})
    device = DEVICES[event.subjects[0]]
    day = timedelta(days=1)
    before = [m for m in messages(device, readings(device.station, only, 1, HOURS), 1) if m.cn == HOURLY]
    before = [m for m in before if event.start - day <= m.at < event.end + day]
    after = list(suffered(before, only))
    due = [m for m in before if event.start <= m.at < event.end]
    touched = [m for m in after if m not in before or m in due]
    assert len(due) > 0
    assert [m for m in before if m not in due] == [m for m in after if m not in touched]
    return event, due, touched


def right(data: bytes) -> bool:
    match = re.fullmatch(rb"##(\d{4})(.*)([0-9A-Fa-f]{4})\r\n", data, re.DOTALL)
    return bool(match) and int(match[1]) == len(match[2]) and int(match[3], 16) == crc(match[2])


@pytest.mark.parametrize("event_id", ["wire-crc", "wire-length", "wire-grammar"])
def test_a_spoilt_frame_is_followed_by_the_same_packet_whole(event_id):
    _, due, touched = hurt(event_id)
    assert len(touched) == 2 * len(due)
    for packet, spoilt, again in zip(due, touched[::2], touched[1::2], strict=True):
        assert encode(again) == encode(packet) != encode(spoilt)
        assert right(encode(again))
        assert again.at - spoilt.at < timedelta(minutes=1)


def test_what_each_spoilt_frame_looks_like():
    spoilt = {i: encode(hurt(i)[2][0]) for i in ("wire-crc", "wire-length", "wire-grammar")}
    good = {i: encode(hurt(i)[1][0]) for i in spoilt}
    assert sum(a != b for a, b in zip(good["wire-crc"], spoilt["wire-crc"], strict=True)) == 1
    assert not right(spoilt["wire-crc"])
    assert int(spoilt["wire-length"][2:6]) == int(good["wire-length"][2:6]) + 13
    assert spoilt["wire-length"][6:] == good["wire-length"][6:]
    assert right(spoilt["wire-grammar"])
    assert b"CP=&&" not in spoilt["wire-grammar"]


def test_garbage_stands_before_a_good_frame():
    _, due, touched = hurt("wire-garbage")
    assert [encode(m) for m in touched] == [NOISE + encode(m) for m in due]
    assert b"##" not in NOISE


def test_a_truncated_frame_is_the_last_of_its_hour_and_comes_again_in_the_next():
    event, (packet,), (cut, again) = hurt("wire-truncated")
    assert event.end - cut.at == timedelta(microseconds=1)
    assert encode(packet).startswith(encode(cut))
    assert timedelta(0) < again.at - event.end < timedelta(minutes=2)
    assert encode(again) == encode(packet)


@pytest.mark.parametrize(("event_id", "told"), [("wire-value", b"-Avg=3.4.1,"), ("wire-time", b"DataTime=20260230")])
def test_a_wrong_content_is_corrected_under_a_new_number(event_id, told):
    _, (packet,), (wrong, corrected) = hurt(event_id)
    assert told in encode(wrong)
    assert right(encode(wrong))
    assert corrected.items == packet.items
    assert corrected.data_time == packet.data_time
    assert corrected.sent != packet.sent


def test_an_unknown_code_comes_with_good_values():
    _, (packet,), (more,) = hurt("wire-code")
    assert more.items[:-1] == packet.items
    assert b"w01008-Avg=0" in encode(more)


def test_a_duplicate_is_the_same_bytes():
    _, due, touched = hurt("wire-duplicate")
    assert [encode(m) for m in touched[::2]] == [encode(m) for m in touched[1::2]] == [encode(m) for m in due]


def test_late_packets_leave_single_gaps_and_come_with_rf_from_2025_on():
    event, due, touched = hurt("wire-late")
    late = [m for m in touched if m.resent]
    assert len(late) == len(due) // 2
    assert all(m.at - event.end > timedelta(hours=12) for m in late)
    assert all(b";RF=1;CP=" in encode(m) for m in late)
    missing = sorted({m.data_time for m in due} - {m.data_time for m in touched if not m.resent})
    assert {m.data_time for m in late} == set(missing)
    assert all(int(b[8:10]) - int(a[8:10]) == 2 for a, b in pairwise(missing))
    old = [m for m in suffered(_noise_2(), SCENARIO) if m.resent]
    assert old
    assert all(b"RF=" not in encode(m) and m.sent < m.at - timedelta(hours=30) for m in old)


def _noise_2():
    device = DEVICES["noise-2"]
    return [m for m in messages(device, readings(device.station, SCENARIO, 1, HOURS), 1) if m.cn == HOURLY]


def test_out_of_order_packets_change_places():
    _, due, touched = hurt("wire-disorder")
    received = sorted(touched, key=lambda m: m.at)
    assert [m.data_time for m in received] != [m.data_time for m in due]
    assert sorted(m.data_time for m in received) == [m.data_time for m in due]
    assert {encode(m) for m in received} == {encode(m) for m in due}


def test_a_gap_swallows_everything():
    _, due, touched = hurt("noise-gap")
    assert len(due) == 14
    assert not touched


def test_a_clock_ahead_shifts_what_the_logger_says_and_not_when_it_arrives():
    event, due, touched = hurt("clock-ahead")
    assert event.ahead_h == 26
    for packet, wrong in zip(due, touched, strict=True):
        assert wrong.at == packet.at
        assert wrong.sent - packet.sent == timedelta(hours=26)
        assert wrong.data_time > stamp(wrong.at)
        assert right(encode(wrong))


def test_a_stranger_speaks_every_hour_of_its_event():
    found = list(strangers(SCENARIO, DEVICES["air-1"], SCENARIO.start, SCENARIO.end))
    assert len(found) == 2
    assert all(right(encode(m)) and b"MN=33110200000000000000FFFF;" in encode(m) for m in found)
    assert not list(strangers(SCENARIO, DEVICES["air-1"], SCENARIO.start, SCENARIO.start + timedelta(hours=9)))


def test_split_packets_have_numbers_of_their_own():
    device = DEVICES["stack-1"]
    packet = next(m for m in messages(device, readings(device.station, SCENARIO, 1, HOURS), 1) if m.cn == HOURLY)
    frames = [f + b"\r\n" for f in encode(packet).split(b"\r\n") if f]
    assert len(frames) == 2
    assert all(right(f) for f in frames)
    assert [re.search(rb"PNUM=2;PNO=(\d)", f)[1] for f in frames] == [b"1", b"2"]
    assert len({re.search(rb"QN=(\d{17})", f)[1] for f in frames}) == 2
    assert len({re.search(rb"DataTime=(\d{14})", f)[1] for f in frames}) == 1
    assert right(encode(replace(packet, items=packet.items[:1])))


def test_looking_back_covers_the_longest_delay():
    assert lookback(SCENARIO) > timedelta(hours=31)
    assert lookback(SCENARIO.model_copy(update={"events": ()})) > timedelta(0)
