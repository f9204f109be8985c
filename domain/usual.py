"""What is usual at a place in this season and at this hour: the band of learnt history that holds for a value.

Learnt bands (table `bands`) are like editions of a standard: a learning has a day from which it holds, and the time of
a measurement picks the learning.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

_SHANGHAI_S, _DAY_S, _HOUR_S = 8 * 3600, 86_400, 3_600

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
    local = np.asarray(times) + _SHANGHAI_S
    month = local.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    return month, local % _DAY_S // _HOUR_S


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
