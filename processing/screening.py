"""Quality control of observations: which tests a parameter takes and with which thresholds is a table, not code.

`domain/tables/qc_thresholds.csv` has a row for every medium and parameter; an empty cell means that the test is not for
that parameter (wind may stand still, a detection limit may repeat for days).
"""

from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from domain.catalogue import TABLES_DIR, parameters, read_table
from domain.errors import CatalogueError
from domain.times import HOUR, HOUR_4
from processing import qc
from processing.aggregate import coded, length_s, seconds
from processing.qc_kernel import LIMITS, TESTS, series_tests, summed_up

#: A neighbour may be this many periods away, so that one or two missing values do not blind a test ...
REACH_PERIODS = 3
#: ... but never so far that two steps leave the context.
REACH_S = qc.CONTEXT_S // 2
#: Fewest equal values that make a flat line, suspect and failed, however long the period.
FLAT_VALUES = (6, 7)

_COLUMNS = (
    "fail_min",
    "fail_max",
    "suspect_min",
    "suspect_max",
    "spike_suspect",
    "spike_fail",
    "spike_relative",
    "rate_suspect",
    "rate_fail",
    "flat_suspect_h",
    "flat_fail_h",
    "flat_tolerance",
    "flat_above",
    "gap_periods",
)
#: The column whose absence means that the test is not for a parameter.
_DECIDES = {
    "range": "fail_max",
    "spike": "spike_suspect",
    "rate": "rate_suspect",
    "flat": "flat_suspect_h",
    "gap": "gap_periods",
}
_COMBINATIONS = [",".join(t for bit, t in enumerate(TESTS) if code >> bit & 1) for code in range(1 << len(TESTS))]


@dataclass(frozen=True, slots=True)
class Screened:
    """Flags of n observations in their order, the tests that marked them, and why tests could not run."""

    flag: np.ndarray  # (n,) int8
    tests: pd.Categorical  # (n,) comma separated
    not_evaluated: Counter[str]  # "test: reason" -> rows


@cache
def thresholds() -> pd.DataFrame:
    """The table qc_thresholds.csv, indexed by (medium, parameter); NaN where a test is not for a parameter.

    Raises:
        CatalogueError: unknown parameter, unread number, or bounds that contradict each other; all at once.
    """
    name = "qc_thresholds.csv"
    frame = read_table(
        TABLES_DIR / name,
        columns=["medium", "parameter", *_COLUMNS, "confidence", "source"],
        key=["medium", "parameter"],
    )
    numbers = frame[list(_COLUMNS)].apply(lambda c: pd.to_numeric(c.where(c != ""), errors="coerce"))
    problems = [
        f"{name}:{line}: {c} {text!r} is not a number"
        for c in _COLUMNS
        for line, text, number in zip(frame["line"], frame[c], numbers[c], strict=True)
        if text and np.isnan(number)
    ]
    known = parameters().index
    problems += [
        f"{name}:{r.line}: parameter {r.parameter!r} is not in domain/tables/parameters.csv"
        for r in frame.itertuples()
        if r.parameter not in known
    ]
    wrong = numbers[(numbers["fail_min"] >= numbers["fail_max"]) | (numbers["gap_periods"] < 1)]
    problems += [f"{name}:{frame.loc[i, 'line']}: bounds contradict each other" for i in wrong.index]
    if problems:
        raise CatalogueError(problems)
    return numbers.set_index(pd.MultiIndex.from_frame(frame[["medium", "parameter"]]))


def screen(observations: pd.DataFrame, medium: str, *, counted: np.ndarray | None = None) -> Screened:
    """Run every test on the observations of one medium.

    See `qc` for what each test means and `qc_kernel` for their order.

    Args:
        observations: columns of the table, in any order.
        medium: their medium.
        counted: (n,) rows to count among `not_evaluated`; the others are context. By default all.
    """
    codes = [coded(observations[c]) for c in ("station_id", "parameter", "period")]
    (station, _), (parameter, names), (period, periods) = codes
    series = (station * np.int64(len(names)) + parameter) * np.int64(max(len(periods), 1)) + period
    moment = seconds(observations["time"])
    order = _order(series, moment)
    step = np.array([length_s(p) if p in (HOUR, HOUR_4) else np.nan for p in periods])
    table = thresholds().reindex([(medium, str(p)) for p in names])
    limits = _limits(table, step)
    kind = (parameter * np.int64(max(len(periods), 1)) + period)[order]
    flags = series_tests(
        observations["value"].to_numpy(float)[order],
        moment[order],
        series[order],
        observations["flag"].to_numpy(np.int8)[order],
        kind,
        limits,
    )
    rows = np.ones(len(kind), bool) if counted is None else counted[order]
    worst, marks, unjudged = summed_up(flags, kind, rows, len(limits))
    flag, tests = np.empty(len(kind), np.int8), np.empty(len(kind), np.int8)
    flag[order], tests[order] = worst, marks
    named = pd.Categorical.from_codes(tests, categories=_COMBINATIONS)
    return Screened(flag, named, _reasons(unjudged, table, step))


def _limits(table: pd.DataFrame, step: np.ndarray) -> np.ndarray:
    """(parameters x periods, 18) the limits of the kernel for every parameter in every period."""
    of = {c: np.repeat(table[c].to_numpy(float), len(step)) for c in _COLUMNS}
    step = np.tile(step, len(table))
    reach = np.minimum(REACH_PERIODS * step, REACH_S)
    suspect_n, fail_n = (
        np.maximum(np.ceil(of[c] * 3600 / step), least)
        for c, least in zip(("flat_suspect_h", "flat_fail_h"), FLAT_VALUES, strict=True)
    )
    compared = np.where(np.isnan(step), np.nan, 1.0)
    made = {
        "spike_suspect": of["spike_suspect"] * compared,
        "rate_suspect": of["rate_suspect"] * compared,
        "flat_suspect_n": suspect_n,
        "flat_fail_n": fail_n,
        "flat_tolerance": np.nan_to_num(of["flat_tolerance"]),
        "flat_above": np.nan_to_num(of["flat_above"], nan=-np.inf),
        "longest_s": of["gap_periods"] * step,
        "reach_s": reach,
        "flat_reach_s": np.full(len(step), float(REACH_S)),
        "step_s": step,
        "flat_least": np.full(len(step), float(FLAT_VALUES[0])),
    }
    of |= made
    return np.stack([of[name] for name in LIMITS], axis=1)


def _order(series: np.ndarray, moment: np.ndarray) -> np.ndarray | slice:
    """What puts rows in the order of series and time; the lake gives them so unless periods are mixed."""
    step = np.diff(series)
    if ((step > 0) | ((step == 0) & (np.diff(moment) >= 0))).all():
        return slice(None)
    return np.lexsort((moment, series))


def _reasons(unjudged: np.ndarray, table: pd.DataFrame, step: np.ndarray) -> Counter[str]:
    """How many rows each test could not judge, by reason, from those of every kind (parameters x periods, tests)."""
    odd = np.tile(np.isnan(step), len(table))
    out: Counter[str] = Counter()
    for test, column in _DECIDES.items():
        open_ = unjudged[:, TESTS.index(test)]
        untold = np.repeat(np.isnan(table[column].to_numpy(float)), len(step))
        out[f"{test}: no threshold for the parameter"] = int(open_[untold].sum())
        if test != "range":
            out[f"{test}: only hourly and 4-hourly values are compared"] = int(open_[~untold & odd].sum())
            out[f"{test}: too few values near by"] = int(open_[~untold & ~odd].sum())
    return Counter({k: n for k, n in out.items() if n})
