"""What the season did: the change that surfaces of one kind share between two dates.

Medians are counted in steps of 0.005, so parts of a county are `counted` apart, added, and say what is `usual` in each.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

_STEP = 0.005
_SPAN = 2.0
_BINS = round(2 * _SPAN / _STEP) + 1


@dataclass(frozen=True, slots=True)
class Counts:
    """Cells by group and step of change (group, bin): of all days before together, and of each."""

    whole: np.ndarray
    apart: Mapping[float, np.ndarray]

    def __add__(self, other: "Counts") -> "Counts":
        days = sorted({*self.apart, *other.apart})
        none = np.zeros((0, _BINS), dtype=np.int64)
        apart = {d: _sum(self.apart.get(d, none), other.apart.get(d, none)) for d in days}
        return Counts(_sum(self.whole, other.whole), apart)


def expected(
    delta: np.ndarray, groups: np.ndarray, days: np.ndarray, where: np.ndarray, limits: Mapping[str, float]
) -> np.ndarray:
    """The change that is usual for each cell: the median over its group and day before, float32 (y, x).

    A day with fewer than season_cells_enough cells of a group is counted with the days nearest to it until they have as
    many, so that one large event is never taken for the season. Groups with fewer than season_cells_min cells take 0.

    Args:
        delta: change of an index (y, x), NaN where not known; beyond +-2 it counts as +-2.
        groups: whole numbers from 0.
        days: day number of the view before, NaN where there is none.
        where: cells that count.
        limits: imagery thresholds.
    """
    return usual(counted(delta, groups, days, where), delta, groups, days, where, limits)


def counted(delta: np.ndarray, groups: np.ndarray, days: np.ndarray, where: np.ndarray) -> Counts:
    """What the cells of a part of a county add; see `expected` for the arguments."""
    known = where & np.isfinite(delta) & np.isfinite(days)
    if not known.any():
        return Counts(np.zeros((0, _BINS), dtype=np.int64), {})
    chosen = groups[known]
    bins = np.clip(np.rint((delta[known] + _SPAN) / _STEP), 0, 2 * _SPAN / _STEP).astype(np.int64)
    dates, when = np.unique(days[known], return_inverse=True)
    n = int(chosen.max()) + 1
    label = (when * n + chosen) * _BINS + bins
    apart = np.bincount(label, minlength=len(dates) * n * _BINS).reshape(len(dates), n, _BINS)
    return Counts(apart.sum(axis=0), dict(zip(dates.tolist(), apart, strict=True)))


def usual(
    counts: Counts,
    delta: np.ndarray,
    groups: np.ndarray,
    days: np.ndarray,
    where: np.ndarray,
    limits: Mapping[str, float],
) -> np.ndarray:
    """`expected` of a part of a county by the counts of all of it."""
    known = where & np.isfinite(delta) & np.isfinite(days)
    out = np.zeros(delta.shape, dtype=np.float32)
    if not known.any():
        return out
    least, enough = int(limits["season_cells_min"]), int(limits["season_cells_enough"])
    dates = np.array(list(counts.apart))
    apart = np.stack([_sum(each, np.zeros_like(counts.whole)) for each in counts.apart.values()])
    medians = np.stack([_medians(each, least) for each in _pooled(apart, dates, enough)])
    out[known] = medians[np.searchsorted(dates, days[known]), groups[known]]
    return out


def _pooled(apart: np.ndarray, dates: np.ndarray, enough: int) -> np.ndarray:
    """Counts (day, group, bin) with those of the nearest days added where there are too few, the earlier ones first."""
    total = apart.sum(axis=2)
    out = apart.copy()
    for day, group in np.argwhere((total > 0) & (total < enough)).tolist():
        near = np.argsort(np.abs(dates - dates[day]), kind="stable")
        last = int(np.searchsorted(np.cumsum(total[near, group]), enough))
        out[day, group] = apart[near[: last + 1], group].sum(axis=0)
    return out


def _sum(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """The sum of two tables of which one may have fewer groups."""
    out = np.zeros((max(len(one), len(two)), _BINS), dtype=np.int64)
    out[: len(one)] += one
    out[: len(two)] += two
    return out


def _medians(counts: np.ndarray, least: int) -> np.ndarray:
    """Median of each group, 0 where it has too few cells."""
    total = counts.sum(axis=1)
    middle = (np.cumsum(counts, axis=1) * 2 >= np.maximum(total, 1)[:, None]).argmax(axis=1)
    return np.where(total >= least, middle * _STEP - _SPAN, 0.0).astype(np.float32)
