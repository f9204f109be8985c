"""Rivers, lakes and the county by month, season and year: status, shares, compliance, CWQI.

A river is the `river` of its sections in the registry; a lake or reservoir is that of its points. The county stands for
the basin of all its rivers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from domain.limits import editions, target_class
from domain.standards import setting
from domain.times import MONTH, SEASON, YEAR
from processing import surface_water as water
from processing import water_rows as many
from processing.indicators.water_periods import RANKING, VALIDITY, add_status
from processing.periods import Daily, Sheet, joined, last_dates, marked
from processing.registered import indicator
from processing.rounding import round_computed
from processing.water_indices import STATUS, cwqi_city, river_status
from processing.water_spans import Means, item_mean, lakes, means

PERIODS = (MONTH, SEASON, YEAR)
_DIGITS = 6  # of a township's code that name its county
_COMMON: dict[str, Any] = {
    "periods": PERIODS,
    "completeness": "the sections that are valid; how many there are is beside it",
    "standard": "GB 3838-2002; 环办〔2011〕22号",
    "source": "环办〔2011〕22号 (from memory); sw_river_status.csv",
    "confidence": "unconfirmed",
    "takes": "days",
    "parameters": water.judged(),
    "unit": "1",
}


@dataclass(frozen=True, slots=True)
class Water:
    """A river, lake or county and which sections belong to it."""

    subject: str
    lake: bool
    sections: np.ndarray  # (s,)


@indicator(
    "water.river_status",
    name_zh="河流、流域水质状况",
    name_en="status of a river or of the county's rivers",
    subject="river or county",
    formula="5 sections or more: by shares of I-III and worse than V; fewer: items averaged, then as one section; 1..5",
    **_COMMON,
)
@indicator(
    "water.lake_status",
    name_zh="湖库水质状况",
    name_en="status of a lake or reservoir",
    subject="lake or reservoir",
    formula="items averaged over its points, then as one section; 1..5",
    **_COMMON,
)
@indicator(
    "water.good_rate",
    name_zh="Ⅰ至Ⅲ类断面比例",
    name_en="share of sections of class I to III",
    subject="river or county",
    formula="sections of class I to III / sections with a class * 100, 1 decimal",
    **{**_COMMON, "unit": "%"},
)
@indicator(
    "water.worse_v_rate",
    name_zh="劣Ⅴ类断面比例",
    name_en="share of sections worse than class V",
    subject="river or county",
    formula="sections worse than V / sections with a class * 100, 1 decimal",
    **{**_COMMON, "unit": "%"},
)
@indicator(
    "water.compliance_rate",
    name_zh="断面达标率",
    name_en="share of sections that reach their target class",
    subject="river or county",
    formula="sections within their target class / sections with a class and a target * 100, 1 decimal",
    **{**_COMMON, "unit": "%"},
)
def regions(daily: Daily, stations: pd.DataFrame) -> pd.DataFrame:
    """Status of rivers, lakes and the county, and shares of their sections.

    Args:
        daily: daily means of the items.
        stations: the registry's stations (river, kind, township, target, cadence).
    """
    sheet, found, lake = Sheet("water"), means(daily, stations), lakes(daily, stations)
    judged = [k for k, p in enumerate(found.items) if p in water.judged()]
    items = tuple(found.items[k] for k in judged)
    target = np.array([target_class(t) for t in daily.registered(stations, "target")[:, -1]], dtype=float)
    waters = list(_waters(daily, stations, lake))
    averaged: dict[tuple[str, bool], list[tuple[list[Any], dict[str, Any]]]] = {}
    for i, span in enumerate(daily.spans):
        edition = str(editions("surface water", last_dates([span]))[0])
        classes = water.section(found.values[:, i, judged], items, lake).value
        for one in waters:
            mine = one.sections & found.seen[:, i]
            valid = mine & np.isfinite(classes)
            if not mine.any():
                continue
            common: dict[str, Any] = {
                "subject": np.array([one.subject], dtype=object),
                "day": span.first,
                "flag": _flag(found, i, valid, judged),
                "n_valid": int(valid.sum()),
                "n_expected": int(mine.sum()),
                "edition": edition,
            }
            if not one.lake and valid.sum() >= setting("water.river", "sections"):
                _by_shares(sheet, span.period, classes[valid], common)
            else:
                values = found.values[valid][:, i, judged]
                mean = [item_mean(p, values[:, k]) for k, p in enumerate(items)]
                averaged.setdefault((span.period, one.lake), []).append((mean, common))
            if not one.lake:
                _shares(sheet, span.period, classes[valid], target[valid], common)
    for (period, kind), rows in averaged.items():
        _as_one_section(sheet, period, kind, rows, items)
    return sheet.frame()


def _waters(daily: Daily, stations: pd.DataFrame, lake: np.ndarray) -> Iterator[Water]:
    names = daily.registered(stations, "river")[:, -1]
    for name in np.unique(names[names != ""].astype(str)):
        for kind in (False, True):
            mine = (names == name) & (lake == kind)
            if mine.any():
                yield Water(str(name), kind, mine)
    for code, mine in county_codes(daily, stations):
        if (mine & ~lake).any():
            yield Water(code, False, mine & ~lake)


def county_codes(daily: Daily, stations: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """Each county and which of the subjects lie in it."""
    codes = np.array([str(t)[:_DIGITS] for t in daily.registered(stations, "township")[:, -1]], dtype=object)
    for code in np.unique(codes[codes != ""].astype(str)):
        yield str(code), codes == code


def _flag(found: Means, i: int, valid: np.ndarray, items: list[int]) -> int:
    used = np.isfinite(found.values[valid][:, i, items])
    return int(np.where(used, found.flags[valid][:, i, items], 1).max(initial=1))


def _by_shares(sheet: Sheet, period: str, classes: np.ndarray, common: dict[str, Any]) -> None:
    good, bad, status = river_status(classes)
    detail = joined(f"I-III {good:.1f} %, worse than V {bad:.1f} %", marked("from 5 sections on by shares", VALIDITY))
    value, grade = np.array([STATUS.index(status) + 1.0]), np.array([status], dtype=object)
    sheet.add("water.river_status", period, value=value, grade=grade, detail=detail, **common)


def _as_one_section(
    sheet: Sheet, period: str, kind: bool, rows: list[tuple[list[Any], dict[str, Any]]], items: tuple[str, ...]
) -> None:
    """Status of waters whose sections or points are averaged, all of one period at once."""
    mean = np.array([values for values, _ in rows], dtype=float).reshape(len(rows), len(items))
    common = {name: np.array([given[name] for _, given in rows], dtype=None) for name in rows[0][1]}
    common["subject"] = np.concatenate([given["subject"] for _, given in rows])
    lake = np.full(len(rows), kind)
    name = "water.lake_status" if kind else "water.river_status"
    add_status(sheet, period, water.section(mean, items, lake), mean, items, lake, VALIDITY, common, name=name)


def _shares(sheet: Sheet, period: str, classes: np.ndarray, target: np.ndarray, common: dict[str, Any]) -> None:
    aimed = target > 0
    shares = {
        "water.good_rate": (classes <= 3, np.ones(len(classes), bool)),
        "water.worse_v_rate": (classes == 6, np.ones(len(classes), bool)),
        "water.compliance_rate": (classes <= target, aimed),
    }
    for name, (marks, among) in shares.items():
        n = int(among.sum())
        value = round_computed(np.array([100 * (marks & among).sum() / n if n else np.nan]), 1)
        detail = joined(f"{int((marks & among).sum())} of {n}", marked(VALIDITY)) if n else "no section with a class"
        sheet.add(name, period, value=value, unit="%", detail=detail, **{**common, "n_valid": n})


@indicator(
    "water.county_cwqi",
    name_zh="城市水质指数",
    name_en="city water quality index of the county",
    subject="county",
    formula="CWQI of the mean river section and of the mean lake point, weighted by their numbers; 4 decimals",
    **{**_COMMON, "standard": RANKING, "source": "城市地表水环境质量排名技术规定 2017 (weights from memory)"},
)
@indicator(
    "water.county_cwqi_rank",
    name_zh="城市水质指数排名",
    name_en="rank of the county by CWQI",
    subject="county among counties",
    formula="place by the index, smallest first, equal ones share it",
    **{**_COMMON, "standard": RANKING, "source": "城市地表水环境质量排名技术规定 2017"},
)
def county_index(daily: Daily, stations: pd.DataFrame) -> pd.DataFrame:
    """CWQI of each county: concentrations averaged over its river sections and over its lake points first.

    Args:
        daily: daily means of the items.
        stations: the registry's stations (kind, township, cadence).
    """
    sheet, found, lake = Sheet("water"), means(daily, stations), lakes(daily, stations)
    judged = [k for k, p in enumerate(found.items) if p in water.judged()]
    items = tuple(found.items[k] for k in judged)
    counties = list(county_codes(daily, stations))
    for i, span in enumerate(daily.spans):
        rows = [_city(found.values[mine & found.seen[:, i]][:, i, judged], lake[mine & found.seen[:, i]], items)
                for _, mine in counties]  # fmt: skip
        some = np.array([bool((mine & found.seen[:, i]).any()) for _, mine in counties], dtype=bool)
        index = np.array([r[0] for r in rows], dtype=float)
        n = np.array([r[1] for r in rows], dtype=int)
        common: dict[str, Any] = {
            "subject": np.array([code for code, _ in counties], dtype=object),
            "day": span.first,
            "flag": np.array([_flag(found, i, mine & found.seen[:, i], judged) for _, mine in counties], dtype=int),
            "n_valid": n,
            "n_expected": len(water.judged()),
            "edition": RANKING,
            "only": some,
        }
        mark = marked("weights of rivers and lakes", VALIDITY)
        told = np.where(np.isfinite(index), mark, "no valid item").astype(object)
        sheet.add("water.county_cwqi", span.period, value=index, detail=told, **common)
        ranked = np.where(n == n.max(initial=0), index, np.nan)
        known = np.isfinite(ranked)
        place = np.array([1 + (ranked[known] < x).sum() if np.isfinite(x) else np.nan for x in ranked], dtype=float)
        told = np.where(known, f"of {int(known.sum())}; {mark}", "items are missing that others have").astype(object)
        sheet.add("water.county_cwqi_rank", span.period, value=place, detail=told, **common)
    return sheet.frame()


def _city(values: np.ndarray, lake: np.ndarray, items: tuple[str, ...]) -> tuple[float, int]:
    """The index of a county and how many items it rests on: the fewer of rivers and lakes."""
    index, count, items_of = [np.nan, np.nan], [0, 0], []
    for kind in (False, True):
        mine = values[lake == kind]
        mine = mine[np.isfinite(mine).any(axis=1)]
        if not len(mine):
            continue
        mean = np.array([[item_mean(p, mine[:, k]) for k, p in enumerate(items)]], dtype=float)
        index[kind], count[kind] = float(many.cwqi(mean, items, np.array([kind]))[0]), len(mine)
        items_of.append(int(np.isfinite(mean).sum()))
    if not items_of:
        return np.nan, 0
    river, water_body = (0.0 if np.isnan(x) else x for x in index)
    return cwqi_city(river, count[0], water_body, count[1]), min(items_of)
