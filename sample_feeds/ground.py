"""The ground eye's feed on disk: what the gateway received in each hour, byte for byte."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import numpy as np

from domain.registry import Registry
from domain.times import LOCAL
from sample_feeds.chance import Ints
from sample_feeds.messages import Message, devices, messages
from sample_feeds.scenario import Scenario
from sample_feeds.signals import readings
from sample_feeds.wire import HOUR, encode, lookback, strangers, suffered

Progress = Callable[[str, float], None]

BATCH_HOURS = 24 * 20  # a batch of packets is held in memory; years go through one by one


def write(
    out: Path,
    registry: Registry,
    scenario: Scenario,
    start: datetime,
    end: datetime,
    seed: int,
    progress: Progress | None = None,
) -> int:
    """Write `ground/hj212/<day>/<hour>.hj212` for the capture hours of [start, end); returns the number of packets.

    The bytes of an hour depend on the seed, the scenario and that hour alone, so windows may be joined at will. An hour
    in which nothing arrived has an empty file: asked, and nothing there.
    """
    first, last = _hour(start), _hour(end - timedelta(microseconds=1)) + 1
    count = 0
    for begin in range(first, last, BATCH_HOURS):
        stop = min(begin + BATCH_HOURS, last)
        received = sorted(arrivals(registry, scenario, begin, stop, seed), key=_order)
        by_hour = {hour: list(group) for hour, group in groupby(received, key=lambda m: _hour(m.at))}
        for hour in range(begin, stop):
            path = capture_path(out, hour)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"".join(encode(message) for message in by_hour.get(hour, [])))
            if progress:
                progress("ground", (hour + 1 - first) / (last - first))
        count += len(received)
    return count


def _order(message: Message) -> tuple[datetime, str, str, str]:
    return message.at, message.device.name, message.cn, message.data_time


def arrivals(registry: Registry, scenario: Scenario, first: int, last: int, seed: int) -> list[Message]:
    """Packets received in the hours [first, last) since 1970, in no order."""
    start, end = _moment(first), _moment(last)
    hours = _covering(start - lookback(scenario), end)
    loggers = devices(registry)
    found: list[Message] = list(strangers(scenario, loggers[0], start, end))
    for device in loggers:
        read = readings(device.station, scenario, seed, hours)
        found += [m for m in suffered(messages(device, read, seed), scenario) if start <= m.at < end]
    return found


def capture_path(out: Path, hour: int) -> Path:
    """Where the capture of an hour (since 1970, UTC) lies."""
    local = _moment(hour).astimezone(LOCAL)
    return out / "ground" / "hj212" / f"{local:%Y-%m-%d}" / f"{local:%H}.hj212"


def _covering(start: datetime, end: datetime) -> Ints:
    """Hours of the whole local days about which packets can arrive in [start, end)."""
    first = (_hour(start) + 8) // 24 * 24 - 8 - 24
    last = -(-(_hour(end) + 8) // 24) * 24 - 8
    return np.arange(first, last)


def _hour(moment: datetime) -> int:
    return int(moment.timestamp() // 3600)


def _moment(hour: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + hour * HOUR
