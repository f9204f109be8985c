"""The air quality index of HJ 633, 2012 and 2026 editions, in whole numbers and so exact to the letter.

The index rounds *up*; the ceiling of a binary fraction is one too high wherever noise stands behind the point (CO 2.2
gives 55, not 56). Concentrations are therefore scaled to whole numbers and divided as integers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from domain.standards import breakpoints, table
from processing.aggregate import FIXED, fixed
from processing.rounding import divide_half_even, scaled

#: The six items of the index; arrays of this module have them in this order on their last axis.
ITEMS = ("SO2", "NO2", "CO", "O3", "PM10", "PM2.5")
#: Column of HJ 633 table 1 for each item. The hour of PM goes through the 24 h column: the 2026 rule, and what the
#: national live platform did before it (249,784 official station-hours agree).
HOURLY = {"SO2": "1h", "NO2": "1h", "CO": "1h", "O3": "1h", "PM10": "1h", "PM2.5": "1h"}
DAILY = {"SO2": "24h", "NO2": "24h", "CO": "24h", "O3": "8h", "PM10": "24h", "PM2.5": "24h"}

_TOP = 500  # where the index ends in both editions


@dataclass(frozen=True, slots=True)
class Aqi:
    """Results for n rows; items in the order of `ITEMS`."""

    iaqi: np.ndarray  # (n, 6) individual indices
    index: np.ndarray  # (n,) the largest of those that are there
    published: np.ndarray  # (n,) NaN where the edition does not allow to publish it
    primary: np.ndarray  # (n, 6) primary pollutants
    missing: np.ndarray  # (n, 6) items without an index


def decimals(pollutant: str) -> int:
    """Decimals to which a concentration is rounded before the index: CO one, the others none (HJ 633-2026 4.2.2)."""
    return 1 if pollutant == "CO" else 0


def iaqi(pollutant: str, averaging: str, conc: np.ndarray, standard: str, *, round_input: bool = True) -> np.ndarray:
    """Individual index of concentrations (any shape, ug/m3; CO mg/m3): whole numbers, NaN where it is not calculated.

    Missing and negative concentrations have none. Above the last row of the table the last index holds; in the 2012
    edition only where that is 500 (SO2 1 h and O3 8 h above 800 are not calculated).

    Args:
        pollutant: one of `ITEMS`.
        averaging: 1h, 8h or 24h; PM of one hour uses the 24 h column.
        conc: concentrations.
        standard: HJ 633-2012 or HJ 633-2026.
        round_input: round concentrations half-even first, as the standard says.

    Raises:
        KeyError: the standard has no such column.

    Source: HJ 633-2012 4.2 and table 1; HJ 633-2026 4.2.2 to 4.2.6 and table 1.
    """
    column = "24h" if averaging == "1h" and pollutant.startswith("PM") else averaging
    x = np.asarray(conc, dtype=float)
    with np.errstate(invalid="ignore"):
        known = (x >= 0) & (x < np.inf)
    if not round_input:
        c = scaled(np.where(known, x, 0), FIXED).astype(np.int64)
        return np.where(known, _index_of(standard, pollutant, column, c, FIXED), np.nan)
    every = _every_index(standard, pollutant, column)
    c = np.minimum(scaled(np.where(known, x, 0), decimals(pollutant)), len(every) - 1).astype(np.int64)
    return np.where(known, every[c], np.nan)


@cache
def _every_index(standard: str, pollutant: str, column: str) -> np.ndarray:
    """The index of every concentration there is after rounding, up to the first one above the table."""
    places = decimals(pollutant)
    top = int(scaled(breakpoints(str(_profile(standard)["breakpoints"]), pollutant, column)[1], places).max())
    return _index_of(standard, pollutant, column, np.arange(top + 2), places)


def _index_of(standard: str, pollutant: str, column: str, c: np.ndarray, places: int) -> np.ndarray:
    """The index of concentrations that are whole numbers times 10**-places; a ceiling in integers."""
    index, concentration = breakpoints(str(_profile(standard)["breakpoints"]), pollutant, column)
    edges = scaled(concentration, places).astype(np.int64)
    row = np.clip(np.searchsorted(edges, c, side="left"), 1, len(edges) - 1)
    width, height = edges[row] - edges[row - 1], index[row] - index[row - 1]
    out = (-(-height * (c - edges[row - 1]) // width) + index[row - 1]).astype(float)
    above = index[-1] if index[-1] == _TOP or _profile(standard)["above_last_row"] == "last" else np.nan
    out[c > edges[-1]] = above
    return out


@cache
def _profile(standard: str) -> Mapping[str, str]:
    """What an edition says of values above its table and of missing items."""
    row = table("air_aqi_profiles").set_index("profile").loc[standard]
    return {str(name): str(text) for name, text in row.items()}


def aqi(
    values: np.ndarray,
    standard: str,
    columns: Mapping[str, str],
    *,
    also: Mapping[tuple[str, str], np.ndarray] | None = None,
    not_monitored: Sequence[str] = (),
) -> Aqi:
    """The index, its primary pollutants and whether it may be published, for n rows at once.

    Args:
        values: (n, 6) concentrations in the order of `ITEMS`; NaN where missing.
        standard: HJ 633-2012 or HJ 633-2026.
        columns: `HOURLY` or `DAILY`.
        also: further means that give an item a second sub-index, (item, column) -> (n,); the larger counts. The daily
            report of 2012 takes the largest hour of ozone beside its 8 h mean this way.
        not_monitored: items outside the monitoring plan, whose absence does not block publishing (HJ 633-2026 5.3.2).

    Source: HJ 633-2012 6; HJ 633-2026 4.2.6, 4.3, 5.3.
    """
    sub = np.stack([iaqi(p, columns[p], values[:, i], standard) for i, p in enumerate(ITEMS)], axis=1)
    for (pollutant, column), conc in (also or {}).items():
        i = ITEMS.index(pollutant)
        sub[:, i] = np.fmax(sub[:, i], iaqi(pollutant, column, conc, standard))
    index = np.fmax.reduce(sub, axis=1)
    primary = (sub == index[:, None]) & (index > 50)[:, None]
    missing = np.isnan(sub)
    planned = np.array([p not in not_monitored for p in ITEMS])
    published = index.copy()
    if _profile(standard)["one_missing"] == "above 100":
        published[(missing & planned).any(axis=1) & ~(index > 100)] = np.nan
    return Aqi(sub, index, published, primary, missing)


@cache
def _categories() -> tuple[np.ndarray, np.ndarray]:
    rows = table("air_aqi_categories").sort_values("aqi_high")
    return rows["aqi_high"].to_numpy(float), np.append(rows["category_cn"].to_numpy(object), "")


def category(index: np.ndarray) -> np.ndarray:
    """Chinese category of each index (n,), "" where there is none. Source: HJ 633-2026 table 1."""
    high, names = _categories()
    known = ~np.isnan(index)
    return names[
        np.where(known, np.minimum(np.searchsorted(high, np.where(known, index, 0)), len(high) - 1), len(high))
    ]


def named(marks: np.ndarray, names: Sequence[str] = ITEMS) -> np.ndarray:
    """The names of the marked columns of each row (n, k), comma separated, in the order of `names`."""
    weights = 1 << np.arange(marks.shape[1])
    code = marks @ weights
    back, unique = pd.factorize(code)
    texts = [",".join(n for bit, n in zip(weights, names, strict=True) if c & bit) for c in unique]
    return np.array(texts, dtype=object)[back]


@dataclass(frozen=True, slots=True)
class Mda8:
    """Daily maximum 8 h mean of n days."""

    value: np.ndarray  # NaN where the day does not count
    windows: np.ndarray  # how many windows are valid
    unvalidated: np.ndarray  # the maximum of those, whether the day counts or not


def mda8(
    hours: np.ndarray,
    limit: np.ndarray | float,
    *,
    min_in_window: int = 6,
    min_windows: int = 14,
    first_end: int = 8,
) -> Mda8:
    """Largest 8 h mean of ozone among the windows of a day that end at `first_end` .. 24, rounded half-even to ug/m3.

    A window needs `min_in_window` hours. A day needs `min_windows` windows, or its rounded maximum above `limit`.

    Args:
        hours: (n, 24) hourly means, hour by hour of the day; NaN where missing.
        limit: the daily limit of each day or of all.
        min_in_window: hours a window needs (GB 3095 table 4).
        min_windows: windows a day needs (HJ 663 6.1.2).
        first_end: hour at which the first window ends (from memory, unconfirmed: 8).
    """
    whole, there = fixed(hours)
    total = np.concatenate([np.zeros((len(whole), 1), np.int64), np.cumsum(whole, axis=1)], axis=1)
    count = np.concatenate([np.zeros((len(whole), 1), np.int64), np.cumsum(there, axis=1)], axis=1)
    ends = np.arange(first_end, hours.shape[1] + 1)
    sums, counts = total[:, ends] - total[:, ends - 8], count[:, ends] - count[:, ends - 8]
    valid = counts >= min_in_window
    # 840 is divisible by 1 .. 8: means become whole numbers and their maximum is exact.
    means = np.where(valid, sums * (840 // np.maximum(counts, 1)), -1)
    windows = valid.sum(axis=1)
    best = divide_half_even(means.max(axis=1), np.array(840 * 10**FIXED)).astype(float)
    unvalidated = np.where(windows > 0, best, np.nan)
    counts_as_day = (windows >= min_windows) | (unvalidated > limit)
    return Mda8(np.where(counts_as_day, unvalidated, np.nan), windows, unvalidated)
