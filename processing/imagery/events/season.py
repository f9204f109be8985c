"""What the season did: the change that surfaces of one kind share between two dates."""

from collections.abc import Mapping

import numpy as np

_STEP = 0.005
_SPAN = 2.0


def expected(
    delta: np.ndarray, groups: np.ndarray, days: np.ndarray, where: np.ndarray, limits: Mapping[str, float]
) -> np.ndarray:
    """The change that is usual for each cell: the median over its group and day before, float32 (y, x).

    Groups with fewer than season_cells_min cells on a day take the median of the whole group, and smaller ones 0.
    Medians are counted in steps of 0.005, so that parts of a county may be counted apart and added.

    Args:
        delta: change of an index (y, x), NaN where not known; beyond +-2 it counts as +-2.
        groups: whole numbers from 0.
        days: day number of the view before, NaN where there is none.
        where: cells that count.
        limits: imagery thresholds.
    """
    known = where & np.isfinite(delta) & np.isfinite(days)
    out = np.zeros(delta.shape, dtype=np.float32)
    if not known.any():
        return out
    chosen = groups[known]
    bins = np.clip(np.rint((delta[known] + _SPAN) / _STEP), 0, 2 * _SPAN / _STEP).astype(np.int64)
    dates, when = np.unique(days[known], return_inverse=True)
    n = int(limits["season_cells_min"])
    whole, _ = _medians(chosen, bins, int(chosen.max()) + 1, n)
    both = chosen.astype(np.int64) * len(dates) + when
    apart, enough = _medians(both, bins, (int(chosen.max()) + 1) * len(dates), n)
    out[known] = np.where(enough[both], apart[both], whole[chosen])
    return out


def _medians(labels: np.ndarray, bins: np.ndarray, n_labels: int, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Median of each label (0 where it has too few cells) and whether it had enough."""
    width = round(2 * _SPAN / _STEP) + 1
    counts = np.bincount(labels * width + bins, minlength=n_labels * width).reshape(n_labels, width)
    total = counts.sum(axis=1)
    middle = (np.cumsum(counts, axis=1) * 2 >= np.maximum(total, 1)[:, None]).argmax(axis=1)
    enough = total >= least
    return np.where(enough, middle * _STEP - _SPAN, 0.0).astype(np.float32), enough
