"""Items of water sections side by side: as measured, and the means of days."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.records import Flag
from domain.standards import setting
from domain.times import DAY, HOUR, HOUR_4
from processing import surface_water as water
from processing.aggregate import FIXED, Observed, day_begin, day_of, flag_of, mean_rounded
from processing.rounding import round_half_even

#: What sections are judged by and what the indices of lakes and of oxygen need beside it.
ITEMS = (*water.judged(), "TN", "chla", "SD", "water_temp")


@dataclass(frozen=True, slots=True)
class Rows:
    """k items of n sections and times."""

    items: tuple[str, ...]
    names: np.ndarray
    station: np.ndarray  # (n,) place in names
    time: np.ndarray  # (n,) UTC seconds
    values: np.ndarray  # (n, k)
    flags: np.ndarray  # (n, k)
    seen: np.ndarray  # (n, k)

    @property
    def subject(self) -> np.ndarray:
        """Section of each row."""
        return np.asarray(self.names[self.station]) if len(self.station) else np.zeros(0, dtype=object)

    def of(self, items: Sequence[str]) -> "Rows":
        """Only these items, and the rows on which one of them came."""
        at = [i for i, p in enumerate(self.items) if p in items]
        some = self.seen[:, at].any(axis=1)
        kept = tuple(self.items[i] for i in at)
        values, flags, seen = (x[some][:, at] for x in (self.values, self.flags, self.seen))
        return Rows(kept, self.names, self.station[some], self.time[some], values, flags, seen)


def present(observed: Observed) -> tuple[str, ...]:
    """The items among the observations, in the order of `ITEMS`."""
    known = set(pd.unique(observed.frame["parameter"]))
    return tuple(p for p in ITEMS if p in known)


def as_measured(observed: Observed, period: str) -> Rows:
    """Observations of one period."""
    items = present(observed)
    rows = observed.wide(items, period)
    return Rows(items, rows.names, rows.station, rows.time, rows.values, rows.flags, rows.seen)


def of_days(observed: Observed) -> Rows:
    """Items of each section and day: means of the day's values, else the value that was reported for the day.

    pH is averaged through its hydrogen ions. Hourly values go before 4-hourly ones, those before daily ones. An item
    needs the share of its values that `indicator_settings.csv` names.

    Source: automatic stations, 16 of 24 or 4 of 6 values (from memory); pH 总站水字〔2020〕90号.
    """
    parts = [_means(observed, period) for period in (HOUR, HOUR_4, DAY)]
    station = np.concatenate([p.station for p in parts])
    day = np.concatenate([day_of(p.time) for p in parts])
    low = day.min() if len(day) else 0
    span = np.int64(day.max() - low + 1 if len(day) else 1)
    keys, back = np.unique(station * span + (day - low), return_inverse=True)
    shape = (len(keys), parts[0].values.shape[1])
    values, flags, seen = np.full(shape, np.nan), np.full(shape, int(Flag.MISSING), np.int8), np.zeros(shape, bool)
    first = 0
    for part in parts:
        row = back[first : first + len(part.station)]
        first += len(part.station)
        better = np.isnan(values[row]) & part.seen
        values[row] = np.where(better, part.values, values[row])
        flags[row] = np.where(better, part.flags, flags[row])
        seen[row] |= part.seen
    return Rows(parts[0].items, observed.names, keys // span, day_begin(keys % span + low), values, flags, seen)


def _means(observed: Observed, period: str) -> Rows:
    items = present(observed)
    days = observed.days(items, period)
    slots = days.values.shape[-1]
    need = int(np.ceil(setting("water.daily", "share") * slots))
    values = mean_rounded(days.values, need=need, decimals=FIXED)
    if "pH" in items:
        acid = items.index("pH")
        enough = np.isfinite(days.values[:, acid]).sum(axis=-1) >= need
        values[:, acid] = np.where(enough, round_half_even(water.ph_mean(days.values[:, acid]), FIXED), np.nan)
    used = np.isfinite(days.values)
    flags = flag_of(days.flags, used, used.any(axis=-1)).astype(np.int8)
    return Rows(items, days.names, days.station, days.time, values, flags, np.asarray(days.seen.any(axis=-1)))
