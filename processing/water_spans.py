"""Means of water items over months, seasons and the year, by section."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.limits import LAKES
from domain.records import Flag
from domain.standards import setting
from domain.times import HOUR, HOUR_4
from processing.aggregate import FIXED
from processing.periods import Daily, exact_mean, worst_flag
from processing.rounding import round_half_even
from processing.surface_water import ph_mean
from processing.water_days import ITEMS

#: Cadences of automatic stations; others are sampled by people, and one sampling speaks for its month.
AUTOMATIC = (HOUR, HOUR_4)


@dataclass(frozen=True, slots=True)
class Means:
    """Means of k items of s sections over the 12 months, 4 seasons and the year."""

    items: tuple[str, ...]
    values: np.ndarray  # (s, 17, k) 6 decimals; NaN where too little is valid
    flags: np.ndarray  # (s, 17, k) 1..3 of what was used
    valid: np.ndarray  # (s, 17, k) valid days of a month, valid months of a season or year
    seen: np.ndarray  # (s, 17) whether anything came


def item_mean(item: str, values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is there, 6 decimals; pH through hydrogen ions. Source: 总站水字〔2020〕90号."""
    return round_half_even(ph_mean(values), FIXED) if item == "pH" else exact_mean(values, FIXED)


def means(daily: Daily, stations: pd.DataFrame) -> Means:
    """Monthly means of valid days; seasons and years are means of their valid months.

    A month of an automatic station needs a share of its days, of another station one; how many months a season and a
    year need is in indicator_settings.csv.

    Args:
        daily: daily means of the items, `water.<item>`.
        stations: the registry's stations (cadence).

    Source: 环办〔2011〕22号, 环办监测函〔2020〕82号 (numbers from memory).
    """
    items = tuple(p for p in ITEMS if f"water.{p}" in daily.known)
    shape = (len(daily.subjects), 17, len(items))
    values, flags = np.full(shape, np.nan), np.full(shape, int(Flag.MISSING), np.int8)
    valid, seen = np.zeros(shape, np.int64), np.zeros(shape[:2], bool)
    automatic = np.isin(daily.registered(stations, "cadence")[:, -1], AUTOMATIC)
    for k, item in enumerate(items):
        days, marks = daily.values(f"water.{item}"), daily.flags(f"water.{item}")
        for i, span in enumerate(daily.spans):
            at = daily.columns(span)
            there = np.isfinite(days[:, at])
            flags[:, i, k] = worst_flag(marks[:, at], there)
            seen[:, i] |= there.any(axis=1) | (marks[:, at] != Flag.MISSING).any(axis=1)
            if i < 12:
                valid[:, i, k] = there.sum(axis=1)
                need = np.where(automatic, np.ceil(setting("water.monthly", "share") * span.days), 1)
                values[:, i, k] = np.where(valid[:, i, k] >= need, item_mean(item, days[:, at]), np.nan)
            else:
                months = values[:, list(span.months), k]
                valid[:, i, k] = np.isfinite(months).sum(axis=1)
                least = setting("water.annual", "months") if i == 16 else setting("water.seasonal", "months")
                values[:, i, k] = np.where(valid[:, i, k] >= least, item_mean(item, months), np.nan)
    return Means(items, values, flags, valid, seen)


def lakes(daily: Daily, stations: pd.DataFrame) -> np.ndarray:
    """(s,) whether each section lies in a lake or reservoir."""
    return np.isin(daily.registered(stations, "kind")[:, -1], LAKES)
