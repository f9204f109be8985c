"""Change of waters against the month before and the same period of the year before."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from domain.standards import setting
from domain.times import MONTH, SEASON, YEAR
from processing.periods import Sheet, joined, marked
from processing.registered import indicator
from processing.water_indices import basin_change

F = TypeVar("F", bound=Callable[..., Any])

#: What a change is taken of.
BASES = ("water.status", "water.river_status", "water.lake_status")
_SHARES = ("water.good_rate", "water.worse_v_rate")
_MONTHS = {MONTH: 1, SEASON: 3, YEAR: 12}
#: Words of a change by its steps, clipped to two.
_WORDS = {-2: "明显变差", -1: "有所变差", 0: "无明显变化", 1: "有所好转", 2: "明显好转"}


def _changes(function: F) -> F:
    for name, zh, en, periods in (
        ("previous", "环比", "the period before", (MONTH, SEASON)),
        ("year", "同比", "the same period a year before", (MONTH, SEASON, YEAR)),
    ):
        function = indicator(
            f"water.change_{name}",
            name_zh=f"水质状况{zh}变化",
            name_en=f"change of the status against {en}",
            unit="1",
            periods=periods,
            subject="section, river, lake or county",
            formula="steps of status, above 0 better; from 5 sections on by the gains of I-III and of worse than V",
            completeness="a status in both periods",
            standard="环办〔2011〕22号",
            source="环办〔2011〕22号 (from memory)",
            confidence="unconfirmed",
            takes="periods",
            parameters=(*BASES, *_SHARES),
        )(function)
    return function


@_changes
def changes(rows: pd.DataFrame, stations: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001 - all take both
    """How the status of each water changed, -2 much worse to 2 much better.

    Args:
        rows: rows of the table `periods` of years around.
        stations: not needed here.
    """
    sheet = Sheet("water")
    known = rows[rows["value"].notna()]
    months = known["time"].dt.tz_convert("Asia/Shanghai")
    known = known.assign(month=months.dt.year * 12 + months.dt.month - 1)
    shares = {name: known[known["indicator"] == name] for name in _SHARES}
    for basis in BASES:
        for period, length in _MONTHS.items():
            now = known[(known["indicator"] == basis) & (known["period"] == period)]
            for name, back in (("previous", length), ("year", 12)):
                if not (name == "previous" and period == YEAR):
                    _add(sheet, f"water.change_{name}", basis, period, back, now, shares)
    return sheet.frame()


def _add(
    sheet: Sheet, name: str, basis: str, period: str, back: int, now: pd.DataFrame, shares: dict[str, pd.DataFrame]
) -> None:
    before = now[["subject", "month", "value", "grade", "flag", "n_valid"]].assign(month=now["month"] + back)
    both = now.merge(before, on=["subject", "month"], suffixes=("", "_before"))
    if both.empty:
        return
    steps = np.clip(both["value_before"] - both["value"], -2, 2).to_numpy(float, copy=True)
    detail = [f"{a} -> {b}" for a, b in zip(both["grade_before"], both["grade"], strict=True)]
    if basis == "water.river_status":
        _by_shares(both, period, back, shares, steps, detail)
    day = (both["time"].dt.tz_convert("Asia/Shanghai").dt.tz_localize(None)).to_numpy(dtype="datetime64[D]")
    sheet.add(
        name,
        period,
        subject=both["subject"].to_numpy(object),
        day=day.astype(np.int64),
        value=steps,
        grade=np.array([_WORDS[int(s)] for s in steps], dtype=object),
        flag=both[["flag", "flag_before"]].max(axis=1).to_numpy(),
        n_valid=2,
        n_expected=2,
        edition="环办〔2011〕22号",
        detail=[joined(d, marked("steps of change")) for d in detail],
    )


def _by_shares(
    both: pd.DataFrame,
    period: str,
    back: int,
    shares: dict[str, pd.DataFrame],
    steps: np.ndarray,
    detail: list[str],
) -> None:
    """Rivers with five sections or more in both periods: by the shares of good and of bad sections."""
    need = setting("water.river", "sections")
    at = np.flatnonzero((both["n_valid"] >= need) & (both["n_valid_before"] >= need))
    if not len(at):
        return
    known = {}
    for name, frame in shares.items():
        rows = frame[frame["period"] == period]
        known[name] = dict(zip(zip(rows["subject"], rows["month"], strict=True), rows["value"], strict=True))
    good, bad = (known[name] for name in _SHARES)
    number = {word: n for n, word in _WORDS.items()}
    for i in at:
        subject, month = both["subject"].iloc[i], both["month"].iloc[i]
        old, new = (subject, month - back), (subject, month)
        if old in good and new in good:
            steps[i] = number[basin_change(good[old], bad[old], good[new], bad[new])]
            detail[i] = f"I-III {good[old]:.1f} -> {good[new]:.1f} %, worse than V {bad[old]:.1f} -> {bad[new]:.1f} %"
