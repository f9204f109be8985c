"""What happens between logger and platform: packets lost, late, doubled, out of order; frames spoilt.

Faults of the scenario turn one packet into none, one or several; `encode` then writes bytes and does the damage that a
frame suffers as bytes. A spoilt packet is sent again, as loggers do without an acknowledgement, so that only what the
scenario says is lost.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sample_feeds.chance import key
from sample_feeds.hj212_frames import Head, Part, frame, segment, split
from sample_feeds.messages import HOURLY, Device, Message, stamp
from sample_feeds.scenario import DeviceFault, Scenario, WireFault

HOUR = timedelta(hours=1)
NOISE = b"\r\n+CSQ: 17,99\r\nOK\r\n\x00\xfe\x1b#\x7f~}"
_RETRY = timedelta(seconds=25)
_NUMBER = re.compile(r"=(-?[0-9.]+)")

Fault = Callable[[Message, WireFault], tuple[Message, ...]]


def suffered(messages: Iterable[Message], scenario: Scenario) -> Iterator[Message]:
    """The packets as the platform gets them."""
    faults = list(scenario.of(DeviceFault, WireFault))
    for message in messages:
        waves: tuple[Message, ...] = (message,)
        for event in faults:
            if message.device.name in event.subjects:
                waves = tuple(m for wave in waves for m in _fault(wave, event))
        yield from waves


def lookback(scenario: Scenario) -> timedelta:
    """How long before a window a packet can have been due that still arrives in it."""
    delays = [timedelta(hours=event.delay_h) for event in scenario.of(WireFault)]
    return max(delays, default=timedelta(0)) + 3 * HOUR


def _fault(message: Message, event: DeviceFault | WireFault) -> tuple[Message, ...]:
    if not event.start <= message.at < event.end or message.damage:
        return (message,)
    if isinstance(event, DeviceFault):
        return _logger_fault(message, event)
    if message.cn != HOURLY:
        return (message,)
    return _WIRE[event.kind](message, event)


def _logger_fault(message: Message, event: DeviceFault) -> tuple[Message, ...]:
    if event.kind == "gap":
        return ()
    if event.kind == "wrong_clock":
        ahead = timedelta(hours=event.ahead_h)
        wrong = datetime.strptime(message.data_time + "+0800", "%Y%m%d%H%M%S%z") + ahead
        return (replace(message, sent=message.sent + ahead, data_time=stamp(wrong)),)
    return (message,)


def _every_other(message: Message) -> bool:
    return int(message.at.timestamp() // 3600) % 2 == 0


def _spoilt_then_good(message: Message, event: WireFault) -> tuple[Message, ...]:
    return replace(message, damage=event.kind), replace(message, at=message.at + _RETRY)


def _corrected(message: Message, wrong: Message) -> tuple[Message, ...]:
    """The wrong packet, and a right one with a number of its own, since its content differs."""
    later = message.at + _RETRY
    return wrong, replace(message, at=later, sent=later)


def _bad_value(message: Message, _event: WireFault) -> tuple[Message, ...]:
    first = _NUMBER.sub("=3.4.1", message.items[0], count=1)
    return _corrected(message, replace(message, items=(first, *message.items[1:])))


def _bad_time(message: Message, _event: WireFault) -> tuple[Message, ...]:
    return _corrected(message, replace(message, data_time=message.data_time[:4] + "0230" + message.data_time[8:]))


def _unknown_code(message: Message, _event: WireFault) -> tuple[Message, ...]:
    return (replace(message, items=(*message.items, "w01008-Avg=0,w01008-Flag=N")),)


def _garbage(message: Message, event: WireFault) -> tuple[Message, ...]:
    return (replace(message, damage=event.kind),)


def _truncated(message: Message, event: WireFault) -> tuple[Message, ...]:
    """The connection breaks within the last frame of the hour; the logger repeats it when it is back."""
    end = datetime.fromtimestamp((message.at.timestamp() // 3600 + 1) * 3600, message.at.tzinfo)
    cut = replace(message, at=end - timedelta(microseconds=1), damage=event.kind)
    return cut, replace(message, at=end + timedelta(seconds=40))


def _duplicate(message: Message, _event: WireFault) -> tuple[Message, ...]:
    return message, replace(message, at=message.at + timedelta(seconds=41))


def _late(message: Message, event: WireFault) -> tuple[Message, ...]:
    if not _every_other(message):
        return (message,)
    at = message.at + timedelta(hours=event.delay_h, seconds=77)
    # a 2025 logger makes a new packet with RF=1; older ones empty their buffer of old packets
    return (replace(message, at=at, sent=at if message.device.head.edition == "2025" else message.sent, resent=True),)


def _out_of_order(message: Message, _event: WireFault) -> tuple[Message, ...]:
    return (replace(message, at=message.at + timedelta(minutes=68)) if _every_other(message) else message,)


def _stay(message: Message, _event: WireFault) -> tuple[Message, ...]:
    return (message,)


_WIRE: Mapping[str, Fault] = {
    "bad_crc": _spoilt_then_good,
    "bad_length": _spoilt_then_good,
    "bad_grammar": _spoilt_then_good,
    "bad_value": _bad_value,
    "bad_time": _bad_time,
    "unknown_code": _unknown_code,
    "unknown_station": _stay,  # a stranger's packets come beside: `strangers`
    "garbage": _garbage,
    "truncated": _truncated,
    "duplicate": _duplicate,
    "late": _late,
    "out_of_order": _out_of_order,
}


def strangers(scenario: Scenario, like: Device, start: datetime, end: datetime) -> Iterator[Message]:
    """One hour packet an hour of every device that nobody registered, received in [start, end)."""
    for event in scenario.of(WireFault):
        if event.kind != "unknown_station":
            continue
        for number in event.subjects:
            head = Head(like.head.st, like.head.password, number, "2017", acknowledge=True, with_qn=True)
            device = replace(like, head=head)
            at = event.start + timedelta(minutes=7)
            while at < event.end:
                if start <= at < end:
                    yield Message(at, device, HOURLY, at, stamp(at - timedelta(hours=1, minutes=7)), _STRANGE)
                at += HOUR


_STRANGE = ("a34004-Avg=31.5,a34004-Flag=N", "a34002-Avg=58.2,a34002-Flag=N")


def encode(message: Message) -> bytes:
    """The packet's bytes on the wire: one frame, or several when it has to be split.

    Damage is done to the first of them; a connection that breaks cuts the last.
    """
    device = message.device
    contents = list(split(message.data_time, message.items, device.max_cp))
    hit = len(contents) if message.damage == "truncated" else 1
    frames = []
    for number, content in enumerate(contents, 1):
        part = Part(number, len(contents)) if len(contents) > 1 else None
        qn = stamp(message.sent) + f"{message.sent.microsecond // 1000 + number:03d}"
        data = segment(device.head, message.cn, qn, content + device.ends_with, part=part, resent=message.resent)
        frames.append(_DAMAGE[message.damage if number == hit else ""](data, device.lower_crc, message))
    return b"".join(frames)


def _whole(data: bytes, lower: bool, _message: Message) -> bytes:
    return frame(data, lower=lower)


def _flipped(data: bytes, lower: bool, message: Message) -> bytes:
    """One digit behind CP with its lowest bit flipped; the check value finds every single wrong byte."""
    good = bytearray(frame(data, lower=lower))
    digits = [i for i in range(good.index(b"CP=&&") + 5, len(good) - 8) if 48 <= good[i] <= 57]
    good[digits[key(0, message.device.name, stamp(message.at)) % len(digits)]] ^= 1
    return bytes(good)


def _lying(data: bytes, lower: bool, _message: Message) -> bytes:
    return frame(data, lower=lower, length=len(data) + 13)


def _unmarked(data: bytes, lower: bool, _message: Message) -> bytes:
    return frame(data.replace(b"CP=&&", b"CP="), lower=lower)


def _noisy(data: bytes, lower: bool, _message: Message) -> bytes:
    return NOISE + frame(data, lower=lower)


def _cut(data: bytes, lower: bool, _message: Message) -> bytes:
    whole = frame(data, lower=lower)
    return whole[: len(whole) * 3 // 5]


_DAMAGE: Mapping[str, Callable[[bytes, bool, Message], bytes]] = {
    "": _whole,
    "bad_crc": _flipped,
    "bad_length": _lying,
    "bad_grammar": _unmarked,
    "garbage": _noisy,
    "truncated": _cut,
}
