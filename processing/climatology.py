"""What is usual at a station in this season and at this hour, learnt from its own history.

Learnt bands are like editions of a standard: a learning has a day from which it holds, and the time of a measurement
picks the learning. So learning again changes no flag of the past, and live runs and replays agree.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from processing.aggregate import DAY_S, HOUR_S, SHANGHAI_S
from processing.grading import graded

#: Shares of the values below the lower and upper edge of a band, and the middle.
QUANTILES = (0.005, 0.5, 0.995)
#: Fewest values a band is learnt from: with fewer, its edges would be its extremes.
NEED = 100
#: Number of the season of each month (1 to 12); numbers below 13 are months themselves.
SEASONS = np.array([0, 101, 101, 102, 102, 102, 103, 103, 103, 104, 104, 104, 101])

BAND = ["station_id", "parameter", "period", "season", "hour"]


@dataclass(frozen=True, slots=True)
class Usual:
    """The bands that hold for n values, NaN where none was learnt, and whether the series was learnt at all."""

    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray
    version: np.ndarray  # (n,) object: name of the learning, "" where none


def month_and_hour(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shanghai month (1 to 12) and hour (0 to 23) of UTC seconds; the zone of the machine plays no part."""
    local = np.asarray(times) + SHANGHAI_S
    month = local.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    return month, local % DAY_S // HOUR_S


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


def usual(bands: pd.DataFrame, frame: pd.DataFrame, times: np.ndarray) -> Usual:
    """The band of each of n values: of the latest learning that held at its time, of its month, else of its season.

    Args:
        bands: rows of the table `bands`: version, valid_from and what `learn` gives.
        frame: station_id, parameter and period of the values.
        times: (n,) UTC seconds.
    """
    size = len(frame)
    low, middle, high = np.full((3, size), np.nan)
    out = Usual(low, middle, high, np.full(size, "", dtype=object))
    since = bands["valid_from"].to_numpy("datetime64[s]").astype(np.int64)
    asked = frame[BAND[:3]].astype("str").reset_index(drop=True)
    month, hour = month_and_hour(times)
    starts = np.unique(since)
    era = np.searchsorted(starts, times, side="right") - 1
    for i in np.unique(era[era >= 0]):
        learnt, rows = bands[since == starts[i]], np.flatnonzero(era == i)
        for season in (month, SEASONS[month]):
            open_ = rows[np.isnan(out.middle[rows])]
            wanted = asked.iloc[open_].assign(season=season[open_], hour=hour[open_])
            found = wanted.merge(learnt, on=BAND, how="left", validate="many_to_one")
            there = found["middle"].notna().to_numpy()
            for name in ("low", "middle", "high"):
                getattr(out, name)[open_[there]] = found.loc[there, name].to_numpy(float)
            out.version[open_[there]] = found.loc[there, "version"].to_numpy(object)
    return out


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
