"""Is a station still telling the truth: the share of its latest values that quality control marked."""

import numpy as np
import pandas as pd

from domain.records import Flag
from domain.standards import setting
from domain.times import HOUR, HOUR_4
from processing.aggregate import Observed, coded, distinct, length_s, nothing, results, together, whole_days, words
from processing.corroboration import OF_THE_UNUSUAL
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

    Planned work (source flags C, M, F) is no fault, nor is a value that is only unusual to neighbours or history. The
    medium is the station's.

    Args:
        observed: hourly or 4-hourly observations with the columns medium and tests.
        stations: not needed here.
    """
    return together([_shares(observed, period) for period in (HOUR, HOUR_4)])


def _shares(observed: Observed, period: str) -> pd.DataFrame:
    frame, names = observed.frame, observed.parameters
    at, column = observed.among(names.tolist(), period)
    if not len(at):
        return nothing()
    marked = np.isin(observed.flag, (Flag.SUSPECT, Flag.FAIL)) & ~frame["source_flag"].isin(PLANNED).to_numpy()
    code, texts = coded(frame["tests"])
    marked &= np.array([not _only_unusual(text) for text in texts], bool)[code]
    station, time = observed.station[at], observed.time[at]
    values = int(setting("quality.failed_share", "values"))
    # Stations stand so far apart on one axis that no window reaches from one into the next.
    width = values * length_s(period)
    stride = whole_days(time) + width
    key, row = distinct(station * stride + (time - time.min()))
    expected, marks = np.bincount(row), np.flatnonzero(marked[at])
    share, parameter, last = _largest(row[marks], column[marks], key, width)
    return results(
        indicator="quality.failed_share",
        medium=str(frame["medium"].iloc[0]),
        subject=words(key // stride, observed.names),
        time=key % stride + time.min(),
        period=HOUR,
        value=share / values,
        unit="1",
        grade="",
        n_valid=expected - np.bincount(row[marks], minlength=len(key)),
        n_expected=expected,
        flag=int(Flag.PASS),
        detail=_told(frame["tests"], at[marks], names, parameter, last),
        edition="own definition",
    )


def _only_unusual(tests: str) -> bool:
    """Whether none of the tests tells a wrong value: neighbours and history tell the unusual, which pollution is."""
    return all(name.partition("@")[0] in OF_THE_UNUSUAL for name in tests.split(","))


def _largest(
    row: np.ndarray, column: np.ndarray, key: np.ndarray, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each row's window (rows whose key is less than `width` before its own): the most marks any column has there,
    that column, and its latest mark (-1 where there is none).

    Args:
        row: (m,) row of each mark.
        column: (m,) column of each mark.
        key: (n,) ascending.
        width: of the window.
    """
    count, best, last = (np.full(len(key), fill, np.int64) for fill in (0, 0, -1))
    first = np.searchsorted(key, key - width, side="right")
    total = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(key)))])
    reached = np.flatnonzero(total[1:] > total[first])
    for c in np.unique(column):
        mine = np.flatnonzero(column == c)
        mine = mine[np.argsort(row[mine], kind="stable")]
        upto = np.searchsorted(row[mine], reached, side="right")
        here = upto - np.searchsorted(row[mine], first[reached], side="left")
        more = here > count[reached]
        to = reached[more]
        count[to], best[to], last[to] = here[more], c, mine[upto[more] - 1]
    return count, best, last


def _told(
    tests: pd.Series, marks: np.ndarray, names: np.ndarray, parameter: np.ndarray, last: np.ndarray
) -> pd.Categorical:
    """Parameter and tests of each row's latest mark; "" where there is none."""
    code, texts = coded(tests.iloc[marks])
    there = last >= 0
    pair = np.zeros(len(last), np.int64)
    pair[there] = 1 + parameter[there] * len(texts) + code[last[there]]
    known, codes = np.unique(pair, return_inverse=True)
    return words(
        codes, ["" if not p else f"{names[(p - 1) // len(texts)]} {texts[(p - 1) % len(texts)]}" for p in known]
    )
