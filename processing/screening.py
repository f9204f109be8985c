"""Quality control of observations: which tests a parameter takes and with which thresholds is a table, not code.

`domain/tables/qc_thresholds.csv` has a row for every medium and parameter; an empty cell means that the test is not for
that parameter (wind may stand still, a detection limit may repeat for days).
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from domain.catalogue import TABLES_DIR, parameters, read_table
from domain.errors import CatalogueError
from domain.records import Flag
from domain.times import HOUR, HOUR_4
from processing import qc
from processing.aggregate import coded, length_s, seconds

#: Tests in the order in which they are named.
TESTS = ("device", "range", "spike", "rate", "flat", "gap")
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

    First each value by itself (device, range), then spike and flat line on those that did not fail, then the rate on
    those that are no failed spike either.

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
    limits = thresholds().reindex([(medium, str(p)) for p in names])

    def of(column: str) -> np.ndarray:
        return np.asarray(limits[column].to_numpy(float)[parameter[order]])

    step = np.array([length_s(p) if p in (HOUR, HOUR_4) else np.nan for p in periods])[period[order]]
    values = observations["value"].to_numpy(float)[order]
    device = observations["flag"].to_numpy(np.int8)[order]
    flags = _all_tests(values, moment[order], series[order], device, step, of)
    marked = np.isin(flags, (int(Flag.SUSPECT), int(Flag.FAIL)))
    code = (marked * (1 << np.arange(len(TESTS)))[:, None]).sum(axis=0)
    rows = np.ones(len(code), bool) if counted is None else counted[order]
    flag, tests = np.empty(len(code), np.int8), np.empty(len(code), np.int8)
    flag[order], tests[order] = qc.worst(flags), code
    return Screened(
        flag, pd.Categorical.from_codes(tests, categories=_COMBINATIONS), _reasons(flags[:, rows], of, step, rows)
    )


def _order(series: np.ndarray, moment: np.ndarray) -> np.ndarray | slice:
    """What puts rows in the order of series and time; the lake gives them so unless periods are mixed."""
    step = np.diff(series)
    if ((step > 0) | ((step == 0) & (np.diff(moment) >= 0))).all():
        return slice(None)
    return np.lexsort((moment, series))


def _all_tests(
    values: np.ndarray,
    times: np.ndarray,
    series: np.ndarray,
    device: np.ndarray,
    step: np.ndarray,
    of: Callable[[str], np.ndarray],
) -> np.ndarray:
    """(tests, n) flags in the order of TESTS; rows sorted by series and time."""
    reach = np.minimum(REACH_PERIODS * step, REACH_S)
    flags = {"device": qc.device_test(device, values)}
    flags["range"] = qc.range_test(values, **{c: of(c) for c in ("fail_min", "fail_max", "suspect_min", "suspect_max")})
    sound = np.where((flags["device"] == int(Flag.FAIL)) | (flags["range"] == int(Flag.FAIL)), np.nan, values)
    flags["spike"] = qc.spike_test(
        sound,
        times,
        series,
        suspect=of("spike_suspect"),
        fail=of("spike_fail"),
        relative=of("spike_relative"),
        reach=reach,
    )
    suspect_n, fail_n = (
        np.maximum(np.ceil(of(c) * 3600 / step), least)
        for c, least in zip(("flat_suspect_h", "flat_fail_h"), FLAT_VALUES, strict=True)
    )
    flags["flat"] = qc.flat_test(
        sound,
        times,
        series,
        suspect_n=suspect_n,
        fail_n=fail_n,
        tolerance=np.nan_to_num(of("flat_tolerance")),
        above=np.nan_to_num(of("flat_above"), nan=-np.inf),
        reach=reach,
    )
    sound = np.where(flags["spike"] == int(Flag.FAIL), np.nan, sound)
    flags["rate"] = qc.rate_test(sound, times, series, suspect=of("rate_suspect"), fail=of("rate_fail"), reach=reach)
    flags["gap"] = qc.gap_test(values, times, series, longest=of("gap_periods") * step)
    missing = np.isnan(values)
    for name in ("spike", "flat", "rate"):
        # Values left out because another test failed them are not missing: this test did not judge them.
        flags[name] = np.where((flags[name] == int(Flag.MISSING)) & ~missing, int(Flag.NOT_EVALUATED), flags[name])
    return np.stack([flags[t] for t in TESTS])


def _reasons(flags: np.ndarray, of: Callable[[str], np.ndarray], step: np.ndarray, rows: np.ndarray) -> Counter[str]:
    """How many of the rows each test could not judge, by reason."""
    out: Counter[str] = Counter()
    for test, column in _DECIDES.items():
        open_ = flags[TESTS.index(test)] == int(Flag.NOT_EVALUATED)
        untold = np.isnan(of(column)[rows])
        out[f"{test}: no threshold for the parameter"] = int((open_ & untold).sum())
        if test != "range":
            odd = ~untold & np.isnan(step[rows])
            out[f"{test}: only hourly and 4-hourly values are compared"] = int((open_ & odd).sum())
            out[f"{test}: too few values near by"] = int((open_ & ~untold & ~odd).sum())
    return Counter({k: n for k, n in out.items() if n})
