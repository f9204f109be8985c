"""What is usual at a station in this season and at this hour, learnt from its own history.

Learnt bands are like editions of a standard: a learning has a day from which it holds, and the time of a measurement
picks the learning. So learning again changes no flag of the past, and live runs and replays agree.
"""

import numpy as np
import pandas as pd

from domain.usual import BAND, SEASONS, month_and_hour
from processing.grading import graded

#: Shares of the values below the lower and upper edge of a band, and the middle.
QUANTILES = (0.005, 0.5, 0.995)
#: Fewest values a band is learnt from: with fewer, its edges would be its extremes.
NEED = 100


def learn(frame: pd.DataFrame, times: np.ndarray, *, need: int = NEED) -> pd.DataFrame:
    """Bands of every station, parameter and period, by month and hour, and by season and hour.

    Args:
        frame: station_id, parameter, period and value of n usable observations, in any order; NaN is left out.
        times: (n,) UTC seconds of their periods' starts.
        need: fewest values of a band.

    Returns:
        One row a band: the columns BAND, low, middle, high (quantiles 0.005, 0.5, 0.995, linear between values) and n;
        sorted by BAND. `season` is a month, or 101 winter (December to February), 102, 103, 104.
    """
    kept = np.isfinite(frame["value"].to_numpy(float))
    codes, names = [], []
    for column in BAND[:3]:
        code, unique = pd.factorize(frame[column].astype("str"), sort=True)
        codes.append(code[kept].astype(np.int64))
        names.append(np.asarray(unique, dtype=object))
    month, hour = month_and_hour(times[kept])
    series = (codes[0] * len(names[1]) + codes[1]) * max(len(names[2]), 1) + codes[2]
    value = frame["value"].to_numpy(float)[kept]
    parts = [_bands(series, season, hour, value, need) for season in (month, SEASONS[month])]
    key, n, edges = (np.concatenate(p) for p in zip(*parts, strict=True))
    rest, hour = np.divmod(key, 24)
    rest, season = np.divmod(rest, 1000)
    rest, period = np.divmod(rest, max(len(names[2]), 1))
    station, parameter = np.divmod(rest, max(len(names[1]), 1))
    out = pd.DataFrame(
        {
            "station_id": names[0][station], "parameter": names[1][parameter], "period": names[2][period],
            "season": season, "hour": hour, "low": edges[:, 0], "middle": edges[:, 1], "high": edges[:, 2], "n": n,
        }
    )  # fmt: skip
    return out.sort_values(BAND, ignore_index=True)


def _bands(
    series: np.ndarray, season: np.ndarray, hour: np.ndarray, value: np.ndarray, need: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keys, counts and quantiles (g, 3) of the groups with enough values."""
    key = (series * 1000 + season) * 24 + hour
    order = np.lexsort((value, key))
    groups, first, n = np.unique(key[order], return_index=True, return_counts=True)
    enough = n >= need
    groups, first, n, ordered = groups[enough], first[enough], n[enough], value[order]
    edges = np.empty((len(groups), len(QUANTILES)))
    for i, share in enumerate(QUANTILES):
        place = share * (n - 1)
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(n - 1, 0))
        low, high = ordered[first + below], ordered[first + above]
        edges[:, i] = low + (high - low) * (place - below)
    return groups, n, edges


def climatology_test(
    values: np.ndarray,
    low: np.ndarray,
    middle: np.ndarray,
    high: np.ndarray,
    *,
    width: np.ndarray,
    floor: np.ndarray | float = 0.0,
) -> np.ndarray:
    """3 outside the usual band widened `width` times about its middle; never 4, for pollution is unusual.

    IOOS QARTOD manual, climatology test, with bands by hour as well as by season. 2 where no band was learnt or the
    test is not for the row.

    Args:
        values: (n,) NaN where missing.
        low: (n,) lower edge of the band; NaN where none was learnt.
        middle: (n,) median.
        high: (n,) upper edge.
        width: (n,) how many times the edges' distances from the middle are allowed; NaN where the test is not for it.
        floor: (n,) smallest distance that is unusual, in the unit of the values.
    """
    above = values - middle > np.maximum(width * (high - middle), floor)
    below = middle - values > np.maximum(width * (middle - low), floor)
    return graded(values, suspect=above | below, known=np.isfinite(middle) & np.isfinite(width))
