"""The trend of annual air statistics over years."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from domain.records import Flag
from domain.standards import setting, table
from domain.times import YEAR
from processing import air_statistics as rules
from processing.air_days import INDEXED
from processing.periods import Sheet, marked
from processing.registered import indicator

F = TypeVar("F", bound=Callable[..., Any])

#: The annual statistic each trend is taken of.
BASES = {p: f"air.{p}_mean" if kind == "mean" else f"air.{p}_p{k}" for p, (kind, k) in INDEXED.items()}
BASES["composite_index"] = "air.composite_index"


def _trends(function: F) -> F:
    for name, basis in BASES.items():
        function = indicator(
            f"air.{name}_trend",
            name_zh=f"{name}年际变化趋势",
            name_en=f"trend of {basis} over years",
            unit="1",
            periods=(YEAR,),
            subject="station or county",
            formula="Spearman rs = 1 - 6*sum(d^2)/(N^3-N) over the last N years; a trend above the critical |rs|",
            completeness="a valid value in every one of the years",
            standard="HJ 663",
            source="HJ 663 annex B; spearman_critical.csv (from memory)",
            confidence="partly confirmed",
            takes="periods",
            parameters=(basis,),
        )(function)
    return function


@_trends
def trends(rows: pd.DataFrame, stations: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001 - all take both
    """Rank correlation of annual values with time over the last years, and whether it is significant.

    Args:
        rows: rows of the table `periods` of years around.
        stations: not needed here.
    """
    sheet = Sheet("air")
    annual = rows[rows["period"] == YEAR]
    n = int(setting("air.trend", "years"))
    critical = table("spearman_critical").set_index("n")["critical"]
    for name, basis in BASES.items():
        mine = annual[annual["indicator"] == basis]
        if mine.empty:
            continue
        year = mine["time"].dt.tz_convert("Asia/Shanghai").dt.year.to_numpy()
        values, flags, subjects, years = _by_year(mine, year)
        for last in range(n - 1, len(years)):
            window = values[:, last - n + 1 : last + 1]
            full = np.isfinite(window).all(axis=1)
            if not full.any():
                continue
            rs = np.array([rules.spearman_trend(w) for w in window[full]])
            limit = float(critical[n])
            grade = np.where(np.abs(rs) < limit, "无显著变化", np.where(rs > 0, "上升", "下降")).astype(object)
            day = np.datetime64(f"{years[last]}-01-01", "D").astype(np.int64)
            sheet.add(
                f"air.{name}_trend",
                YEAR,
                subject=subjects[full],
                day=int(day),
                value=rs,
                grade=grade,
                flag=flags[full, last - n + 1 : last + 1].max(axis=1),
                n_valid=n,
                n_expected=n,
                edition="HJ 663",
                detail=f"{years[last - n + 1]}-{years[last]}; critical {limit:.3f}; {marked('critical values')}",
            )
    return sheet.frame()


def _by_year(mine: pd.DataFrame, year: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(s, y) values and flags of consecutive years, the subjects and the years."""
    subject, subjects = pd.factorize(mine["subject"].astype("str"), sort=True)
    years = np.arange(year.min(), year.max() + 1)
    values = np.full((len(subjects), len(years)), np.nan)
    flags = np.full(values.shape, int(Flag.MISSING), np.int8)
    values[subject, year - years[0]] = mine["value"].to_numpy(float)
    flags[subject, year - years[0]] = mine["flag"].to_numpy(np.int8)
    return values, flags, np.asarray(subjects, dtype=object), years
