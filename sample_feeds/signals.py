"""What is truly there at each station, hour by hour, and what its instruments say of it.

`nature` is the county without people and with them: table signals.csv gives every parameter a mean, a daily course, a
slow and a fast randomness and a response to rain and wind; episodes of the scenario pull parameters to their level.
`readings` adds what instruments do: flat lines, spikes, drift, calibration, maintenance, stopped plants.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from domain.catalogue import read_table
from sample_feeds.chance import Floats, Ints, gauss, key, wander
from sample_feeds.scenario import DeviceFault, Episode, Scenario
from sample_feeds.weather import TABLES, local_hour, profiles, weather

Flags = npt.NDArray[np.str_]

_SIGNAL_COLUMNS = (
    "kind", "parameter", "code", "decimals", "mean", "driver", "swing", "slow_sd", "fast_sd", "on", "rain", "wind",
)  # fmt: skip
_NORMAL_WIND = 2.0
_EPISODE_SD = 0.025  # relative randomness of a level, so that a plateau is no flat line
_FLAGS = {"calibration": "C", "maintenance": "M", "stopped": "F"}
#: What a stopped plant shows instead of nothing: air in the stack.
_STOPPED = {"stack_O2": 20.9, "stack_temp": 34.0}


@dataclass(frozen=True)
class Readings:
    """Hourly values of one station in canonical units, and the device's flag letter of each."""

    hours: Ints  # (n,) hours since 1970-01-01T00:00Z
    values: Mapping[str, Floats]  # parameter -> (n,)
    flags: Mapping[str, Flags]  # parameter -> (n,)


def kind_of(station: Mapping[str, Any]) -> str:
    """Which rows of signals.csv a station measures: its medium, or for sources its kind."""
    return str(station["kind"] if station["medium"] == "source" else station["medium"])


@cache
def signals(kind: str) -> pd.DataFrame:
    """The parameters a kind of station measures, indexed by parameter, in the order of the packets."""
    frame = read_table(TABLES / "signals.csv", columns=_SIGNAL_COLUMNS, key=["kind", "parameter"])
    numeric = ["mean", "swing", "slow_sd", "fast_sd", "rain", "wind"]
    frame[numeric] = frame[numeric].astype(float)
    frame["decimals"] = frame["decimals"].astype(int)
    return frame[frame["kind"] == kind].set_index("parameter").drop(columns=["kind", "line"])


@cache
def sites() -> dict[tuple[str, str], tuple[float, float]]:
    """What is special at a station: (station, parameter) -> factor and offset of its signal."""
    frame = read_table(
        TABLES / "sites.csv", columns=("station_id", "parameter", "factor", "offset"), key=["station_id", "parameter"]
    )
    return {(r.station_id, r.parameter): (float(r.factor), float(r.offset)) for r in frame.itertuples()}


def nature(station: Mapping[str, Any], scenario: Scenario, seed: int, hours: Ints) -> dict[str, Floats]:
    """True hourly means at a station, parameter -> (n,), canonical units."""
    name = str(station["station_id"])
    sky = weather(seed, hours)
    out: dict[str, Floats] = {}
    rows = signals(kind_of(station))
    for parameter in [*rows.index[rows["on"] == ""], *rows.index[rows["on"] != ""]]:
        row = rows.loc[parameter]
        value = _course(name, parameter, row, sky, seed, hours)
        if row["on"]:
            value = value + out[row["on"]]
        out[parameter] = _pulled(name, parameter, value, scenario, seed, hours)
    return {parameter: out[parameter] for parameter in rows.index}


def _course(
    name: str, parameter: str, row: "pd.Series[Any]", sky: Mapping[str, Floats], seed: int, hours: Ints
) -> Floats:
    factor, offset = sites().get((name, parameter), (1.0, 0.0))
    courses = profiles()
    driver = sky[row["driver"]] if row["driver"] in sky else courses[row["driver"]][local_hour(hours)]
    slow = key(seed, name, parameter, "slow")
    chance = row["slow_sd"] * (wander(slow, hours, 30) + 0.5 * wander(slow + 1, hours, 7))
    chance = chance + row["fast_sd"] * gauss(key(seed, name, parameter, "fast"), hours)
    value = (row["mean"] + row["swing"] * driver + chance) * factor + offset
    value = value * (1 + row["rain"] * sky["wet"] + row["wind"] * (sky["wind_speed"] - _NORMAL_WIND))
    return np.asarray(np.mod(value, 360) if parameter == "wind_dir" else value, dtype=float)


def _pulled(name: str, parameter: str, value: Floats, scenario: Scenario, seed: int, hours: Ints) -> Floats:
    """The course with every episode of this parameter blended in."""
    for event in scenario.of(Episode, subject=name):
        if parameter in event.levels:
            level = event.levels[parameter] * event.share.get(name, 1.0)
            level = level * (1 + _EPISODE_SD * gauss(key(seed, name, parameter, event.id), hours))
            strength = envelope(event, name, hours)
            value = value * (1 - strength) + level * strength
    return value


def envelope(event: Episode, subject: str, hours: Ints) -> Floats:
    """Strength 0..1 of an episode in the middle of each hour: straight rise, plateau, straight fall."""
    start, end = (moment.timestamp() / 3600 for moment in event.span(subject))
    middle = hours + 0.5
    inside = (middle > start) & (middle < end)
    rise = (middle - start) / event.rise_h if event.rise_h else np.ones(len(hours))
    fall = (end - middle) / event.fall_h if event.fall_h else np.ones(len(hours))
    return np.where(inside, np.clip(np.minimum(rise, fall), 0, 1), 0.0)


def readings(station: Mapping[str, Any], scenario: Scenario, seed: int, hours: Ints) -> Readings:
    """What the instruments of a station say; packets lost or spoilt on the way are not their fault."""
    values = nature(station, scenario, seed, hours)
    flags = {parameter: np.full(len(hours), "N") for parameter in values}
    for event in scenario.of(DeviceFault, subject=str(station["station_id"])):
        if event.kind in {"gap", "wrong_clock"}:
            continue  # the logger's, not the instrument's: sample_feeds/wire.py
        during = _during(event, hours)
        for parameter in event.parameters or tuple(values):
            values[parameter] = _faulty(event, parameter, values[parameter], during, hours)
            flags[parameter] = np.where(during, _FLAGS.get(event.kind, "N"), flags[parameter])
    return Readings(hours, values, flags)


def _during(event: DeviceFault, hours: Ints) -> npt.NDArray[np.bool_]:
    start, end = event.start.timestamp() / 3600, event.end.timestamp() / 3600
    return np.asarray((hours + 0.5 > start) & (hours + 0.5 < end))


def _faulty(event: DeviceFault, parameter: str, value: Floats, during: npt.NDArray[np.bool_], hours: Ints) -> Floats:
    if event.kind in {"flat_line", "spike", "calibration"}:
        return np.where(during, event.value, value)
    if event.kind == "drift":
        gone = (hours - event.start.timestamp() / 3600) * 3600 / (event.end - event.start).total_seconds()
        return np.where(during, value * (1 + event.value * gone), value)
    if event.kind == "stopped":
        return np.where(during, _STOPPED.get(parameter, 0.0), value)
    return value
