"""How an hour becomes an index: the three ways of HJ 633 that were or are in use, chosen by a table.

| profile | gases | PM | ozone |
|---|---|---|---|
| HJ 633-2012 text | 1 h | 24 h running mean | 1 h and 8 h running mean |
| live platform | 1 h | the hour through the 24 h columns | 1 h |
| HJ 633-2026 | 1 h | the hour through the 24 h columns | 1 h |

`air_hourly_profiles.csv` says what each takes and `editions.csv` (hourly aqi) from when on it holds.
"""

from dataclasses import dataclass

import numpy as np

from domain.standards import setting, table
from processing import aqi
from processing.aggregate import FIXED, HOUR_S, fixed
from processing.rounding import divide_half_even

OZONE, PM10, PM25 = (aqi.ITEMS.index(p) for p in ("O3", "PM10", "PM2.5"))
RUNNING = "24h running"


@dataclass(frozen=True, slots=True)
class Running:
    """A running mean of n rows."""

    value: np.ndarray  # NaN where too few hours are there
    hours: np.ndarray  # hours that are there


def running_mean(
    station: np.ndarray, time: np.ndarray, values: np.ndarray, *, hours: int, need: int, decimals: int
) -> Running:
    """Mean of the last `hours` hourly values up to and including each row's, exact, rounded half-even.

    Rows that are not there count as missing; nothing is filled in.

    Args:
        station: (n,) station of each row, ascending.
        time: (n,) UTC seconds at which each hour begins, ascending within a station.
        values: (n,) hourly values, NaN where missing.
        hours: length of the window.
        need: values a window needs.
        decimals: decimals of the mean.

    Source: GB 3095 chapter 3 and table 4.
    """
    if not len(time):
        return Running(np.zeros(0), np.zeros(0, np.int64))
    low = int(time.min())
    key = station * np.int64(int(time.max()) - low + hours * HOUR_S + 1) + (time - low)
    first = np.searchsorted(key, key - (hours - 1) * HOUR_S)
    whole, there = fixed(values)
    total, count = (np.concatenate([[0], np.cumsum(x)]) for x in (whole, there))
    after = np.arange(1, len(key) + 1)
    sums, counts = total[after] - total[first], count[after] - count[first]
    mean = divide_half_even(sums * 10**decimals, np.maximum(counts, 1) * 10**FIXED) / 10.0**decimals
    return Running(np.where(counts >= max(need, 1), mean, np.nan), counts)


def ozone_8h(station: np.ndarray, time: np.ndarray, values: np.ndarray) -> Running:
    """8 h running mean of ozone at each hour in whole ug/m3; needs 6 hours. Source: GB 3095-2026 table 4."""
    return running_mean(station, time, values, hours=8, need=int(setting("air.O3_8h", "hours")), decimals=0)


def standard_of(profile: str) -> str:
    """The edition of HJ 633 whose table a profile uses."""
    return str(table("air_hourly_profiles").set_index("profile").loc[profile, "standard"])


def profile_of(standard: str) -> str:
    """The profile in use for hours under an edition of HJ 633: of its profiles the one that editions.csv names.

    Raises:
        KeyError: no profile in use has this edition.
    """
    used = table("editions").query("subject == 'hourly aqi'")["edition"]
    found = [str(name) for name in used if standard_of(str(name)) == standard]
    if not found:
        raise KeyError(f"no edition {standard!r}; there are {', '.join(sorted({standard_of(str(n)) for n in used}))}")
    return found[0]


def hourly_index(
    profile: str, station: np.ndarray, time: np.ndarray, values: np.ndarray, at: np.ndarray | None = None
) -> aqi.Aqi:
    """The hourly index of n rows, or of those among them that are asked for, by a profile of air_hourly_profiles.csv.

    Args:
        profile: its name.
        station: (n,) station of each row, ascending.
        time: (n,) UTC seconds, ascending within a station; running means look back within these rows.
        values: (n, 6) hourly concentrations in the order of `aqi.ITEMS`.
        at: positions of the rows that are asked for; all by default.

    Raises:
        KeyError: the table has no such profile.

    Source: HJ 633-2012 4.2 and 5; HJ 633-2026 4.2; the live platform's published values.
    """
    row = table("air_hourly_profiles").set_index("profile").loc[profile]
    asked = np.arange(len(values)) if at is None else at
    conc, columns, also = values[asked], dict(aqi.HOURLY), {}
    need = int(setting("air.PM_24h", "hours"))
    for pollutant, place, column in (("PM10", PM10, "pm10"), ("PM2.5", PM25, "pm25")):
        if row[column] == RUNNING:
            running = running_mean(station, time, values[:, place], hours=24, need=need, decimals=0)
            conc[:, place] = running.value[asked]
            columns[pollutant] = "24h"
    if row["ozone_8h"] == "yes":
        also["O3", "8h"] = ozone_8h(station, time, values[:, OZONE]).value[asked]
    return aqi.aqi(conc, str(row["standard"]), columns, also=also)


def published(values: np.ndarray, decimals: int, *, monitored: np.ndarray | bool = True) -> np.ndarray:
    """Values as a report prints them: `NA` where one is missing, `/` where the item is not in the monitoring plan.

    Source: HJ 633-2026 5.3.
    """
    x = np.asarray(values, dtype=float)
    text = np.array([f"{v:.{decimals}f}" for v in x.ravel()], dtype=object).reshape(x.shape)
    return np.where(np.isnan(x), np.where(monitored, "NA", "/"), text).astype(object)


def may_be_left_out(primary: np.ndarray, index: np.ndarray) -> np.ndarray:
    """(6,) items that never were the primary pollutant of a polluted day and so may be left out of the plan.

    Args:
        primary: (d, 6) primary pollutants of the days of three consecutive years.
        index: (d,) daily AQI.

    Source: HJ 633-2026 5.3.2.
    """
    return ~(primary & (np.nan_to_num(index) > 100)[:, None]).any(axis=0)
