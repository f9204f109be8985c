"""The weather over the simulated county, one for all of it; stations add what is their own.

Monthly normals (tables/climate.csv) and hours of the day (tables/profiles.csv) are rounded guesses for a valley at
28 N, not observations.
"""

from functools import cache
from pathlib import Path

import numpy as np

from domain.catalogue import read_table
from sample_feeds.chance import Floats, Ints, key, wander

TABLES = Path(__file__).with_name("tables")
EAST_8 = 8  # hours; Lishui keeps one offset all year
_RAIN_ABOVE, _RAIN_MM_H = 1.0, 3.2


def local_hour(hours: Ints) -> Ints:
    """Hour of the day in Lishui of hours since 1970-01-01T00:00Z."""
    return np.mod(hours + EAST_8, 24)


@cache
def profiles() -> dict[str, Floats]:
    """Daily courses by name, 24 values each."""
    names = ("hour", "flat", "sun", "heat", "traffic", "noise", "works")
    frame = read_table(TABLES / "profiles.csv", columns=names, key=["hour"])
    return {name: frame[name].to_numpy(dtype=float) for name in names[1:]}


def rain(seed: int, hours: Ints) -> Floats:
    """Rain of each hour, mm."""
    path = 0.8 * wander(key(seed, "rain"), hours, 18) + 0.5 * wander(key(seed, "showers"), hours, 3)
    return np.maximum(path - _RAIN_ABOVE, 0) * _RAIN_MM_H


def weather(seed: int, hours: Ints) -> dict[str, Floats]:
    """Fields by name: sun (0..1), temp and temp_day (degC), humidity (%), pressure (hPa), wind_speed (m/s),
    wind_dir (deg), rain (mm/h), wet (mean rain of the last six hours).
    """
    day = profiles()
    at = local_hour(hours)
    normal = {name: _climate(name, hours) for name in ("temp", "pressure", "sun")}
    cloud = np.clip(0.4 + 0.28 * wander(key(seed, "cloud"), hours, 24), 0, 1)
    slow = wander(key(seed, "air mass"), hours, 60)
    heat = day["heat"][at] * (1.15 - 0.5 * cloud)
    temp_day = normal["temp"] + 1.3 * slow
    wind = 1.75 + 0.7 * day["sun"][at] + 0.28 * wander(key(seed, "wind"), hours, 5)
    return {
        "sun": day["sun"][at] * (1.05 - 0.55 * cloud) * normal["sun"],
        "temp": temp_day + 4.1 * heat,
        "temp_day": temp_day,
        "humidity": 73 - 11 * heat + 2.2 * wander(key(seed, "humidity"), hours, 12),
        "pressure": normal["pressure"] - 1.4 * slow - 0.6 * heat,
        "wind_speed": wind,
        "wind_dir": 140 + 70 * wander(key(seed, "wind direction"), hours, 9),
        "rain": rain(seed, hours),
        "wet": np.mean([rain(seed, hours - lag) for lag in range(6)], axis=0),
    }


@cache
def _normals(name: str) -> Floats:
    frame = read_table(TABLES / "climate.csv", columns=("month", "temp", "pressure", "sun"), key=["month"])
    return frame[name].to_numpy(dtype=float)


def _climate(name: str, hours: Ints) -> Floats:
    """Monthly normals, joined by straight lines between the middles of months (of 30.4375 days)."""
    values = _normals(name)
    months = hours / (24 * 30.4375) - 0.5
    base = np.floor(months).astype(np.int64)
    share = months - base
    return values[base % 12] * (1 - share) + values[(base + 1) % 12] * share
