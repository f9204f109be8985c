"""Gamma dose rate in air against the levels configured for a station.

There is no national limit for it: what is above a level is told as attention or alarm and never as an exceedance. The
levels are those of `radiation.csv` in the registry, else they follow from the station's background by the settings.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.records import Flag
from domain.registry import GAMMA_COLUMNS
from domain.standards import setting
from domain.times import HOUR
from processing.aggregate import HOUR_S, Observed, Wide, attribute, day_of, flag_of, results
from processing.registered import indicator
from processing.rounding import round_half_even

PARAMETERS = ("gamma_rate", "rain")
STATES = ("正常", "关注", "报警")


@dataclass(frozen=True, slots=True)
class Background:
    """Natural level of a station, nGy/h."""

    mean: float
    sd: float
    days: int  # dry days it rests on; too few when mean and sd are NaN


def background(rate: np.ndarray, rain: np.ndarray, day: np.ndarray) -> Background:
    """Mean and standard deviation of the hourly rates of dry days; NaN below 30 of them.

    Args:
        rate: (n,) hourly dose rate in nGy/h, NaN where missing.
        rain: (n,) hourly rainfall in mm; a day with rain, or without any reading of rain, is left out whole.
        day: (n,) day of each hour.

    Source: common practice (from memory, unconfirmed); the number of days is a setting.
    """
    dry = pd.Series(rain).groupby(day).transform(lambda r: r.notna().any() and (r.fillna(0) == 0).all()).to_numpy(bool)
    used = dry & np.isfinite(rate)
    days = len(np.unique(np.asarray(day)[used]))
    if days < setting("radiation.background", "days"):
        return Background(float("nan"), float("nan"), days)
    return Background(float(rate[used].mean()), float(rate[used].std(ddof=1)), days)


def levels(configured: np.ndarray) -> np.ndarray:
    """Attention and alarm level (n, 2) in nGy/h of rows of `GAMMA_COLUMNS`; NaN where nothing is configured.

    A configured level counts. Else attention is the mean + 3 standard deviations, at least + 30 nGy/h when no deviation
    is known, and alarm the lower of mean + 100 nGy/h and twice the mean.

    Source: common practice (from memory, unconfirmed); the numbers are settings.
    """
    mean, sd, attention, alarm = configured.T
    spread = setting("radiation.attention", "deviations") * sd
    rise = np.where(np.isnan(sd), setting("radiation.attention", "rise"), spread)
    far = np.minimum(mean + setting("radiation.alarm", "rise"), mean * setting("radiation.alarm", "times"))
    return np.stack([np.where(np.isnan(attention), mean + rise, attention), np.where(np.isnan(alarm), far, alarm)], 1)


@indicator(
    "radiation.gamma",
    name_zh="环境γ辐射空气吸收剂量率",
    name_en="gamma dose rate in air",
    unit="nGy/h",
    periods=(HOUR,),
    subject="station",
    formula="hourly mean as sent, 1 decimal",
    completeness="the hour as the station sent it",
    standard="HJ 1157-2021",
    source="HJ 1157-2021 (from memory); no national limit is known",
    confidence="unconfirmed",
    takes="observations",
    parameters=PARAMETERS[:1],
)
@indicator(
    "radiation.state",
    name_zh="γ辐射剂量率状态",
    name_en="state of the gamma dose rate",
    unit="1",
    periods=(HOUR,),
    subject="station",
    formula="0 normal, 1 attention, 2 alarm: 3 consecutive readings above the station's level; never an exceedance",
    completeness="levels or background in radiation.csv; a missing reading breaks a run",
    standard="configured levels; no national limit is known",
    source="common practice (from memory, unconfirmed); levels by station in radiation.csv, numbers in the settings",
    confidence="unconfirmed",
    takes="observations",
    parameters=PARAMETERS,
    before_days=1,
)
def gamma(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:
    """Hourly dose rate and its state; attention while it rains is suspect, as rain washes out radon's daughters.

    Args:
        observed: hourly observations.
        stations: the registry's stations (with the columns of radiation.csv).
    """
    rows = observed.wide(PARAMETERS, HOUR)
    sent = rows.seen[:, 0]
    value = round_half_even(rows.values[:, 0], 1)
    known = ~np.isnan(value)
    common = {
        "medium": "radiation",
        "subject": rows.subject,
        "time": rows.time,
        "period": HOUR,
        "n_valid": known.astype(int),
        "n_expected": 1,
    }
    flag = flag_of(rows.flags[:, :1], known[:, None], known)
    rate = results(
        indicator="radiation.gamma",
        value=value,
        unit="nGy/h",
        grade="",
        flag=flag,
        detail=np.where(known, "", "no valid reading"),
        edition="HJ 1157-2021",
        **common,
    )
    configured = _configured(rows, stations)
    bounds = levels(configured)
    judged = known & ~np.isnan(bounds).any(axis=1)
    state = _states(rows, value, bounds)
    wet = _rain(rows) > 0
    words = np.array(STATES, dtype=object)[state]
    told = [
        f"attention {a:.1f}, alarm {b:.1f} nGy/h" + (f"; rain in the last {_rain_hours()} h" if w else "")
        for (a, b), w in zip(bounds, wet, strict=True)
    ]
    found = results(
        indicator="radiation.state",
        value=np.where(judged, state, np.nan),
        unit="1",
        grade=np.where(judged, words, ""),
        flag=np.where(judged, np.where(wet & (state == 1), int(Flag.SUSPECT), flag), int(Flag.MISSING)),
        detail=np.where(
            judged, np.array(told, dtype=object), np.where(known, "no level configured", "no valid reading")
        ),
        edition="configured levels",
        **common,
    )
    configured_at = sent & ~np.isnan(bounds).any(axis=1)
    return pd.concat([rate[sent], found[configured_at]], ignore_index=True)


def _configured(rows: Wide, stations: pd.DataFrame) -> np.ndarray:
    """(n, 4) what radiation.csv says of each row's station; NaN where it says nothing."""
    day = day_of(rows.time)
    columns = []
    for name in GAMMA_COLUMNS:
        found = attribute(stations, rows, day, name) if name in stations else np.full(len(rows), "", dtype=object)
        columns.append(pd.to_numeric(pd.Series(found, dtype=object), errors="coerce").to_numpy(float))
    return np.stack(columns, axis=1)


def _states(rows: Wide, value: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """0, 1, 2 of each row: the level that this reading and those of the hours before it are all above."""
    need = int(setting("radiation.state", "readings"))
    above = np.stack([value > bounds[:, 0], value > bounds[:, 1]], axis=1)
    run = above.copy()
    for back in range(1, need):
        same = np.zeros(len(value), bool)
        same[back:] = (rows.station[back:] == rows.station[:-back]) & (
            rows.time[back:] - rows.time[:-back] == back * HOUR_S
        )
        before = np.zeros_like(above)
        before[back:] = above[:-back]
        run &= before & same[:, None]
    return np.asarray(np.where(run[:, 1], 2, run[:, 0].astype(int)))


def _rain_hours() -> int:
    return int(setting("radiation.rain", "hours"))


def _rain(rows: Wide) -> np.ndarray:
    """Rain in mm of the hours up to each row; 0 where none was measured."""
    rain = pd.Series(np.nan_to_num(rows.values[:, 1]), index=pd.to_datetime(rows.time, unit="s"))
    if rain.empty:
        return np.zeros(0)
    return rain.groupby(rows.station).rolling(f"{_rain_hours()}h").sum().to_numpy()
