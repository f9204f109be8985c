"""Which packets a logger sends, when, and what stands in them (HJ 212-2017 6.3 and appendix C).

DataTime of hour, day and minute packets is the start of the period; of real-time packets the moment of sampling.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np

from domain.catalogue import TABLES_DIR, convert, parameters, read_table
from domain.registry import Registry
from domain.times import LOCAL
from sample_feeds.chance import Floats, Ints, gauss, key, uniform
from sample_feeds.hj212_frames import Head
from sample_feeds.signals import Flags, Readings, kind_of, signals
from sample_feeds.weather import EAST_8, TABLES

REAL_TIME, MINUTE, HOURLY, DAILY = "2011", "2051", "2061", "2031"
TICK_MINUTES = 10
_DAY_NEEDS = 0.75  # share of normal hours below which a roll-up is marked D (HJ 212-2017, notes to C.16 to C.18)
_O2_REFERENCE, _O2_AIR = 9.0, 21.0  # GB 13271-2014, coal
_WITH_ZS = ("stack_PM", "stack_SO2", "stack_NOx")
_DEVICE_COLUMNS = (
    "station_id", "st", "password", "fields", "realtime", "minute", "max_cp", "ack", "crc", "ends_with", "qn", "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Channel:
    """One value of a packet: its code, and how a canonical value is written by this device."""

    code: str
    parameter: str
    factor: float  # device value = canonical value / factor
    decimals: int


@dataclass(frozen=True)
class Device:
    """A logger: its station, what it writes before CP, and its habits."""

    station: Mapping[str, Any]
    head: Head
    channels: tuple[Channel, ...]
    fields: str  # avg, range (min avg max), zs (range and O2-corrected), cou (total and range), data (noise)
    realtime: tuple[str, ...]
    minute: tuple[str, ...]
    max_cp: int
    lower_crc: bool
    ends_with: str

    @property
    def name(self) -> str:
        return str(self.station["station_id"])


@dataclass(frozen=True, slots=True)
class Message:
    """One packet before it is framed. `at` is when the platform receives it; `sent` is what QN says."""

    at: datetime
    device: Device
    cn: str
    sent: datetime
    data_time: str
    items: tuple[str, ...]
    resent: bool = False
    damage: str = ""  # what happens to the frame itself, see sample_feeds/wire.py


def devices(registry: Registry) -> list[Device]:
    """The loggers of all stations that have one, in the order of stations.csv."""
    habits = read_table(TABLES / "devices.csv", columns=_DEVICE_COLUMNS, key=["station_id"]).set_index("station_id")
    units = {(r.station_id, r.code): r.unit for r in registry.channels.itertuples()}
    return [
        _device(station, habits.loc[name], units) for name, station in registry.by_id.items() if name in habits.index
    ]


def _device(station: Mapping[str, Any], row: Any, units: Mapping[tuple[str, str], str]) -> Device:
    old = station["edition"] == "2005"
    known = _codes(row["st"])
    channels = []
    for parameter, signal in signals(kind_of(station)).iterrows():
        code, old_code, unit = known.get(str(signal["code"]), (signal["code"], "", ""))
        canonical = str(parameters().loc[str(parameter), "unit"])
        unit = units.get((str(station["station_id"]), code), unit) or canonical
        factor = float(convert(np.array([1.0]), unit, canonical)[0])
        decimals = max(0, int(signal["decimals"]) + round(float(np.log10(factor))))
        channels.append(Channel(old_code if old and old_code else code, str(parameter), factor, decimals))
    head = Head(row["st"], row["password"], str(station["mn"]), str(station["edition"]), row["ack"] == "1",
                row["qn"] == "1")  # fmt: skip
    return Device(
        station, head, tuple(channels), row["fields"], tuple(row["realtime"].split()), tuple(row["minute"].split()),
        int(row["max_cp"]), row["crc"] == "lower", row["ends_with"],
    )  # fmt: skip


@cache
def _codes(st: str) -> dict[str, tuple[str, str, str]]:
    """Code -> (code, code of 2005, unit) as the code table has them for a system type."""
    columns = ("st", "code", "old_code", "parameter", "unit", "source")
    frame = read_table(TABLES_DIR / "hj212_codes.csv", columns=columns, key=["st", "code"])
    mine = frame[frame["st"].str.split().map(lambda types: st in types)]
    return {r.code: (r.code, r.old_code, r.unit) for r in mine.itertuples()}


def messages(device: Device, read: Readings, seed: int) -> Iterator[Message]:
    """All packets of a logger about the hours of its readings (whole local days)."""
    length = 4 if device.station["cadence"] == "PT4H" else 1
    second = int(key(seed, device.name, "second") % 200) + 120  # two to five minutes after the hour, its own habit
    yield from _periods(device, read, seed, HOURLY, length, timedelta(seconds=second))
    yield from _periods(device, read, seed, DAILY, 24, timedelta(seconds=second + 360))
    if device.realtime:
        yield from _ticks(device, read, seed, REAL_TIME, device.realtime)
    if device.minute:
        yield from _ticks(device, read, seed, MINUTE, device.minute)


def _periods(device: Device, read: Readings, seed: int, cn: str, length: int, delay: timedelta) -> Iterator[Message]:
    """Packets of means over `length` hours, aligned to local midnight."""
    first = int(-(read.hours[0] + EAST_8) % length)
    n = (len(read.hours) - first) // length
    starts = read.hours[first : first + n * length : length]
    columns: list[list[str]] = []
    for channel in device.channels:
        values = read.values[channel.parameter][first : first + n * length].reshape(n, length)
        flags = read.flags[channel.parameter][first : first + n * length].reshape(n, length)
        mean, flag = rolled(values, flags, decibel=device.fields == "data")
        oxygen = _mean_of(read, "stack_O2", first, n, length) if device.fields == "zs" else None
        columns.append(_texts(device, channel, mean, flag, _spread(device, channel, seed, starts), oxygen, length))
    for start, items in zip(starts, zip(*columns, strict=True), strict=True):
        sent = _moment(start + length) + delay
        yield Message(sent, device, cn, sent, stamp(_moment(start)), items)


def rolled(values: Floats, flags: Flags, *, decibel: bool = False) -> tuple[Floats, Flags]:
    """Means over the rows of (n, length) values, and their flag letter.

    The mean is over normal hours (over all when none is); levels in dB are meant as energies. One hour alone keeps its
    own letter; with fewer than three quarters normal hours the mean is marked D, otherwise N.
    """
    normal = flags == "N"
    count = normal.sum(axis=1)
    use = np.where(count[:, None] > 0, normal, True)
    weight = use / use.sum(axis=1, keepdims=True)
    if decibel:
        mean = 10 * np.log10((10 ** (values / 10) * weight).sum(axis=1))
    else:
        mean = (values * weight).sum(axis=1)
    length = values.shape[1]
    few = np.where(length <= 4, flags[:, 0], "D")
    return mean, np.where(count >= _DAY_NEEDS * length, "N", few)


def _mean_of(read: Readings, parameter: str, first: int, n: int, length: int) -> Floats:
    values = read.values[parameter][first : first + n * length].reshape(n, length)
    return np.asarray(values.mean(axis=1))


def _spread(device: Device, channel: Channel, seed: int, starts: Ints) -> Floats:
    """How far the extremes of a period lie from its mean, as a share of it."""
    return 0.01 + 0.05 * uniform(key(seed, device.name, channel.parameter, "spread"), starts)


def _texts(
    device: Device, channel: Channel, mean: Floats, flag: Flags, spread: Floats, oxygen: Floats | None, length: int
) -> list[str]:
    """One channel's part of every packet."""
    value = mean / channel.factor
    named = _FIELDS[device.fields](channel, value, spread, oxygen, length)
    parts = [[f"{channel.code}-{name}={x:.{channel.decimals}f}" for x in series] for name, series in named]
    if device.fields != "data":
        parts.append([f"{channel.code}-Flag={letter}" for letter in flag])
    return [",".join(row) for row in zip(*parts, strict=True)]


Named = Sequence[tuple[str, Floats]]


def _avg(_channel: Channel, value: Floats, _spread: Floats, _oxygen: Floats | None, _length: int) -> Named:
    return [("Avg", value)]


def _data(_channel: Channel, value: Floats, _spread: Floats, _oxygen: Floats | None, _length: int) -> Named:
    return [("Data", value)]


def _range(_channel: Channel, value: Floats, spread: Floats, _oxygen: Floats | None, _length: int) -> Named:
    return [("Min", value * (1 - spread)), ("Avg", value), ("Max", value * (1 + spread))]


def _cou(channel: Channel, value: Floats, spread: Floats, oxygen: Floats | None, length: int) -> Named:
    ranged = _range(channel, value, spread, oxygen, length)
    # a flow in L/s makes a total in m3
    return [("Cou", value * 3.6 * length), *ranged] if channel.parameter == "flow" else ranged


def _zs(channel: Channel, value: Floats, spread: Floats, oxygen: Floats | None, length: int) -> Named:
    ranged = _range(channel, value, spread, oxygen, length)
    if channel.parameter not in _WITH_ZS or oxygen is None:
        return ranged
    corrected = value * (_O2_AIR - _O2_REFERENCE) / np.maximum(_O2_AIR - oxygen, 0.5)
    return [*ranged, ("ZsAvg", corrected)]


_FIELDS: Mapping[str, Callable[[Channel, Floats, Floats, Floats | None, int], Named]] = {
    "avg": _avg,
    "data": _data,
    "range": _range,
    "cou": _cou,
    "zs": _zs,
}


def _ticks(device: Device, read: Readings, seed: int, cn: str, wanted: Sequence[str]) -> Iterator[Message]:
    """Packets every ten minutes: moments (real-time) or means of the ten minutes (minute data)."""
    per_hour = 60 // TICK_MINUTES
    ticks = np.arange(int(read.hours[0]) * per_hour, (int(read.hours[-1]) + 1) * per_hour)
    row = ticks // per_hour - int(read.hours[0])
    field = "Rtd" if cn == REAL_TIME else "Avg"
    columns = []
    for channel in (c for c in device.channels if c.parameter in wanted):
        noise = gauss(key(seed, device.name, channel.parameter, cn), ticks)
        code = "LA" if channel.code == "Leq" else channel.code
        letters = read.flags[channel.parameter][row]
        noise = np.where(letters == "N", noise, 0.0)
        value = read.values[channel.parameter][row]
        value = value + 1.8 * noise if code == "LA" else value * (1 + 0.012 * noise)
        columns.append(
            [
                f"{code}-{field}={x:.{channel.decimals}f},{code}-Flag={letter}"
                for x, letter in zip(value / channel.factor, letters, strict=True)
            ]
        )
    length = 0 if cn == REAL_TIME else TICK_MINUTES
    for tick, items in zip(ticks, zip(*columns, strict=True), strict=True):
        start = datetime.fromtimestamp(int(tick) * TICK_MINUTES * 60, UTC)
        sent = start + timedelta(minutes=length, seconds=4)
        yield Message(sent, device, cn, sent, stamp(start), items)


def stamp(moment: datetime) -> str:
    """YYYYMMDDhhmmss in Lishui."""
    return moment.astimezone(LOCAL).strftime("%Y%m%d%H%M%S")


def _moment(hour: int) -> datetime:
    return datetime.fromtimestamp(int(hour) * 3600, UTC)
