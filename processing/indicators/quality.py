"""Is a station still telling the truth: the share of its latest values that quality control marked."""

import numpy as np
import pandas as pd

from domain.records import Flag
from domain.standards import setting
from domain.times import HOUR, HOUR_4
from processing.aggregate import Observed, length_s, nothing, results, together
from processing.registered import indicator

#: Marks of planned work (calibration, maintenance) and of a stopped plant: no value, but no fault either.
PLANNED = ("C", "M", "F")


@indicator(
    "quality.failed_share",
    name_zh="近期可疑数据占比",
    name_en="share of the latest values that quality control marked",
    unit="1",
    periods=(HOUR,),
    subject="station",
    formula="largest share over the station's parameters of suspect or failed values among the last six periods",
    completeness="periods without a value do not count as marked",
    standard="own definition",
    source="flags of processing/screening.py",
    confidence="own definition",
    takes="observations",
    parameters=(),
    before_days=1,
)
def failed_share(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001 - all take both
    """Largest share of marked values among a parameter's last six periods, with parameter and tests (detail).

    Planned work (source flags C, M, F) is no fault. The medium is the station's.

    Args:
        observed: hourly or 4-hourly observations with the columns medium and tests.
        stations: not needed here.
    """
    return together([_shares(observed, period) for period in (HOUR, HOUR_4)])


def _shares(observed: Observed, period: str) -> pd.DataFrame:
    frame = observed.frame
    names = sorted(frame["parameter"].astype("str").unique())
    at, column = observed.among(names, period)
    if not len(at):
        return nothing()
    marked = np.isin(observed.flag[at], (Flag.SUSPECT, Flag.FAIL))
    marked &= ~frame["source_flag"].isin(PLANNED).to_numpy()[at]
    station, time = observed.station[at], observed.time[at]
    low, span = time.min(), np.int64(time.max() - time.min() + 1)
    width = int(setting("quality.failed_share", "values")) * length_s(period)
    # Stations stand so far apart on one axis that no window reaches from one into the next.
    stride = span + width
    key, row = np.unique(station * stride + (time - low), return_inverse=True)
    grid = np.zeros((len(key), len(names)), np.int64)
    grid[row, column] = marked
    code, texts = pd.factorize(frame["tests"])
    tests = np.zeros(grid.shape, np.int32)
    tests[row, column] = code[at]
    count, last = _window(grid, np.searchsorted(key, key - width, side="right"))
    best = np.argmax(count, axis=1)
    rows = np.arange(len(key))
    share = count[rows, best] / setting("quality.failed_share", "values")
    found = np.asarray(texts.astype("str"), dtype=object)[tests[np.maximum(last[rows, best], 0), best]]
    detail = np.where(share > 0, np.array(names, dtype=object)[best] + " " + found, "")
    seen = np.zeros(grid.shape, bool)
    seen[row, column] = True
    return results(
        indicator="quality.failed_share",
        medium=str(frame["medium"].iloc[0]),
        subject=observed.names[key // stride],
        time=key % stride + low,
        period=HOUR,
        value=share,
        unit="1",
        grade="",
        n_valid=(seen & (grid == 0)).sum(axis=1),
        n_expected=seen.sum(axis=1),
        flag=int(Flag.PASS),
        detail=detail,
        edition="own definition",
    )


def _window(grid: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Marked values of each column in the window of each row (rows first .. row), and the latest marked row so far."""
    total = np.concatenate([np.zeros((1, grid.shape[1]), np.int64), np.cumsum(grid, axis=0)])
    rows = np.arange(len(grid))
    last = np.maximum.accumulate(np.where(grid > 0, rows[:, None], -1), axis=0)
    return total[rows + 1] - total[first], last
