"""What the assessments of air share: where each item's days stand, and when there are enough of them."""

import numpy as np

from domain.times import MONTH, SEASON, YEAR
from processing import air_statistics as rules
from processing.aqi import ITEMS
from processing.periods import Daily, exact_mean, exact_percentile

PERIODS = (MONTH, SEASON, YEAR)
#: Daily indicator of each item.
SOURCES = {p: "air.O3_mda8" if p == "O3" else f"air.{p}" for p in ITEMS}

AVERAGING = {p: "daily_max_8h" if p == "O3" else "daily" for p in ITEMS}
UNIT = {p: "mg/m3" if p == "CO" else "ug/m3" for p in ITEMS}
DECIMALS_OF = {"HJ 663-2013": "decimals of HJ 663-2013", "HJ 663-2026": "decimals of HJ 663-2026 (one source)"}
#: The statistic of each item that the composite index uses.
INDEXED = {p: kinds[0] for p, kinds in rules.STATISTICS.items()}


def statistic_of(values: np.ndarray, kind: tuple[str, int], decimals: int) -> np.ndarray:
    """Mean or percentile over the last axis, rounded."""
    return exact_mean(values, decimals) if kind[0] == "mean" else exact_percentile(values, kind[1], decimals)


def valid_spans(daily: Daily, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(s, 17) which spans have enough days, and how many they have."""
    counts = np.stack([np.isfinite(values[:, daily.columns(s)]).sum(axis=1) for s in daily.spans], axis=1)
    return rules.enough_days(counts[:, :12]), counts
