"""The simulated loggers live: their packets over TCP as loggers send them, or as messages of a broker.

Each device keeps a connection of its own, waits for the answer to a packet that wants one and sends it again when none
comes (HJ 212-2017 6.1.3: 10 s, 3 times, when nothing else was set).
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from domain.registry import Registry
from domain.times import LOCAL
from sample_feeds.ground import arrivals
from sample_feeds.hj212_frames import ACKNOWLEDGE, crc
from sample_feeds.messages import Message
from sample_feeds.scenario import Scenario
from sample_feeds.wire import encode

ANSWER_S, REPEATS = 10.0, 3
TOPIC = "hj212/{mn}/up"

#: Seconds until a packet of a moment is to be sent.
Due = Callable[[datetime], float]

_STAMP = "%Y%m%d%H%M%S"
_FRAME = re.compile(rb"##(\d{4})")
_QN = re.compile(rb"QN=(\d{17})")
_FLAG = re.compile(rb"Flag=(\d+)")


@dataclass(frozen=True, slots=True)
class Packet:
    """What a device sends at once: one frame, or the parts of one message, perhaps spoilt."""

    at: datetime
    mn: str
    content: bytes
    breaks: bool  # the connection breaks with it

    @property
    def awaited(self) -> frozenset[bytes]:
        """QN of the whole frames that want an answer."""
        return frozenset(
            qn[1]
            for segment in _segments(self.content)
            if (qn := _QN.search(segment)) and (flag := _FLAG.search(segment)) and int(flag[1]) & ACKNOWLEDGE
        )


@dataclass(frozen=True, slots=True)
class Played:
    """What became of the packets; `repeated` counts sends, `lost` packets that nobody answered."""

    sent: int = 0
    answered: int = 0
    repeated: int = 0
    lost: int = 0

    def __add__(self, other: "Played") -> "Played":
        return Played(
            self.sent + other.sent,
            self.answered + other.answered,
            self.repeated + other.repeated,
            self.lost + other.lost,
        )


def packets(
    registry: Registry, scenario: Scenario, start: datetime, end: datetime, *, seed: int, by: timedelta = timedelta(0)
) -> list[Packet]:
    """The packets that devices send in the whole hours of [start, end), in order, all their times moved by `by`."""
    first, last = (int(moment.timestamp() // 3600) for moment in (start, end))
    found = sorted(arrivals(registry, scenario, first, last, seed), key=attrgetter("at"))
    moved = (_moved(message, by) for message in found)
    return [Packet(m.at, m.device.head.mn, encode(m), m.damage == "truncated") for m in moved]


def _moved(message: Message, by: timedelta) -> Message:
    told = message.data_time
    with contextlib.suppress(ValueError):  # a spoilt time stays as it is
        told = (datetime.strptime(told, _STAMP).replace(tzinfo=LOCAL) + by).strftime(_STAMP)
    return replace(message, at=message.at + by, sent=message.sent + by, data_time=told)


def at_once(_at: datetime) -> float:
    """No pause before any packet."""
    return 0.0


async def send(
    found: Sequence[Packet], host: str, port: int, *, due: Due = at_once, answer_s: float = ANSWER_S
) -> Played:
    """Send over TCP, every device by itself.

    Args:
        found: what to send.
        host: address of the gateway.
        port: its port.
        due: how many seconds are left until a packet of a moment is to be sent.
        answer_s: how long an answer is waited for.

    Raises:
        OSError: nobody listens there.
    """
    by_device = groupby(sorted(found, key=attrgetter("mn", "at")), key=attrgetter("mn"))
    lines = [_device(list(mine), host, port, due, answer_s) for _, mine in by_device]
    return sum(await asyncio.gather(*lines), Played())


async def _device(mine: Sequence[Packet], host: str, port: int, due: Due, answer_s: float) -> Played:
    done = Played()
    reader, writer = await asyncio.open_connection(host, port)
    for packet in mine:
        await asyncio.sleep(due(packet.at))
        wanted, tries = packet.awaited, 0
        missing = set(wanted)
        while not tries or (missing and tries <= REPEATS):
            writer.write(packet.content)
            await writer.drain()
            tries += 1
            await _answers(reader, missing, answer_s)
        good = len(wanted) - len(missing)
        done += Played(sent=1, answered=good, repeated=tries - 1, lost=int(bool(missing)))
        if packet.breaks:
            writer.close()
            reader, writer = await asyncio.open_connection(host, port)
    writer.close()
    await writer.wait_closed()
    return done


async def _answers(reader: asyncio.StreamReader, missing: set[bytes], answer_s: float) -> None:
    """Take answers until none is missing or the time is over."""
    with contextlib.suppress(TimeoutError, asyncio.IncompleteReadError):
        async with asyncio.timeout(answer_s):
            while missing:
                line = await reader.readuntil(b"\r\n")
                missing -= {qn for segment in _segments(line) for qn in _QN.findall(segment) if b"CN=901" in segment}


def _segments(content: bytes) -> Iterable[bytes]:
    """The data segments of the whole frames in some bytes."""
    for mark in _FRAME.finditer(content):
        segment = content[mark.end() : mark.end() + int(mark[1])]
        if content[mark.end() + int(mark[1]) :][:4].upper() == f"{crc(segment):04X}".encode():
            yield segment


def publish(found: Sequence[Packet], host: str, port: int, *, due: Due = at_once) -> Played:
    """Publish each packet as a message of QoS 1 to `hj212/<MN>/up`; returns when the broker has them all.

    Raises:
        OSError: there is no broker.
        RuntimeError: the broker does not take them.
    """
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect(host, port)
    client.loop_start()
    try:
        sent = []
        for packet in found:
            time.sleep(due(packet.at))
            sent.append(client.publish(TOPIC.format(mn=packet.mn), packet.content, qos=1))
        for message in sent:
            message.wait_for_publish(60)
    finally:
        client.disconnect()
        client.loop_stop()
    return Played(sent=len(sent), answered=len(sent))
