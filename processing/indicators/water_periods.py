"""Sections by month, season and year: means, class, status, distance from the target, trophic level, CWQI."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from domain.catalogue import parameters
from domain.limits import editions, target_class
from domain.standards import table
from domain.times import DAY, MONTH, SEASON, YEAR
from processing import surface_water as water
from processing import water_rows as many
from processing.periods import Daily, Sheet, joined, last_dates, marked, ranks
from processing.registered import indicator
from processing.rounding import round_water
from processing.water_days import ITEMS
from processing.water_indices import STATUS
from processing.water_spans import Means, lakes, means

F = TypeVar("F", bound=Callable[..., Any])

PERIODS = (MONTH, SEASON, YEAR)
VALIDITY = "valid days of a month, months of a season and year"
RANKING = "CWQI regulation of 2017"


def _common(**given: Any) -> dict[str, Any]:
    return {
        "periods": PERIODS,
        "completeness": "month 60 % of its days (one sampling of a manual section); season 2, year 6 months",
        "standard": "GB 3838-2002",
        "source": "环办〔2011〕22号, 环办监测函〔2020〕82号 (numbers from memory)",
        "confidence": "unconfirmed",
        "takes": "days",
        "subject": "section",
        "unit": "1",
        "parameters": water.judged(),
        **given,
    }


def _means(function: F) -> F:
    known = parameters()
    for item in ITEMS:
        function = indicator(
            f"water.{item}_mean",
            name_zh=f"{known.loc[item, 'name_zh']}月、季、年均值",
            name_en=f"mean of {known.loc[item, 'name_en']}",
            formula="month: mean of valid days; season, year: mean of valid months; pH through hydrogen ions",
            **_common(unit=str(known.loc[item, "unit"]), parameters=(item,)),
        )(function)
    return function


@_means
def item_means(daily: Daily, stations: pd.DataFrame) -> pd.DataFrame:
    """Means of each item of each section, rounded to evaluation decimals; NaN where too little is valid.

    Args:
        daily: daily means of the items.
        stations: the registry's stations (cadence).
    """
    sheet, found = Sheet("water"), means(daily, stations)
    known = parameters()
    for i, span in enumerate(daily.spans):
        edition = str(editions("surface water", last_dates([span]))[0])
        for k, item in enumerate(found.items):
            sheet.add(
                f"water.{item}_mean",
                span.period,
                subject=daily.subjects,
                day=span.first,
                value=round_water(found.values[:, i, k], _decimals(item)),
                unit=str(known.loc[item, "unit"]),
                flag=found.flags[:, i, k],
                n_valid=found.valid[:, i, k],
                n_expected=span.days if i < 12 else len(span.months),
                detail=_text(np.isfinite(found.values[:, i, k]), "too few valid days or months", VALIDITY),
                edition=edition,
                only=found.seen[:, i],
            )
    return sheet.frame()


def _decimals(item: str) -> int:
    rows = table("sw_rounding_decimals").set_index("key")["evaluation_decimals"]
    return int(rows[item])


def _text(known: np.ndarray, otherwise: str, *marks: str) -> np.ndarray:
    return np.where(known, marked(*marks), otherwise).astype(object)


@indicator(
    "water.status",
    name_zh="断面水质状况",
    name_en="status of a section",
    formula="class I-II 优 1, III 良好 2, IV 轻度 3, V 中度 4, worse 重度污染 5; detail: colour, main pollutants",
    **_common(periods=(DAY, *PERIODS)),
)
@indicator(
    "water.period_class",
    name_zh="断面月、季、年水质类别",
    name_en="class of a section over a period",
    formula="worst class of the mean items, rounded to evaluation decimals; detail: deciding items",
    **_common(),
)
@indicator(
    "water.target_excess",
    name_zh="断面月、季、年超目标级数",
    name_en="classes a section's period is worse than its target",
    formula="class minus target class; above 0 the target is missed",
    **_common(),
)
def sections(daily: Daily, stations: pd.DataFrame) -> pd.DataFrame:
    """Class, status with main pollutants, and compliance of each section.

    Args:
        daily: daily means of the items.
        stations: the registry's stations (kind, target, cadence).
    """
    sheet, found, lake = Sheet("water"), means(daily, stations), lakes(daily, stations)
    judged = [k for k, p in enumerate(found.items) if p in water.judged()]
    items = tuple(found.items[k] for k in judged)
    target = np.array([target_class(t) for t in daily.registered(stations, "target")[:, -1]], dtype=float)
    for i, span in enumerate(daily.spans):
        values = found.values[:, i, judged]
        rows = water.section(values, items, lake)
        common = {
            "subject": daily.subjects,
            "day": span.first,
            "flag": _worst(found, i, judged),
            "n_valid": np.isfinite(values).sum(axis=1),
            "n_expected": len(items),
            "edition": str(editions("surface water", last_dates([span]))[0]),
            "only": found.seen[:, i],
        }
        known = ~np.isnan(rows.value)
        deciding = _listed(rows.deciding & known[:, None] & (rows.value > 1)[:, None], items)
        detail = [joined(d, marked(VALIDITY)) if k else "no valid item" for d, k in zip(deciding, known, strict=True)]
        grade = water.grade(rows.value)
        sheet.add("water.period_class", span.period, value=rows.value, grade=grade, detail=detail, **common)
        add_status(sheet, span.period, rows, values, items, lake, VALIDITY, common)
        excess = np.where(target > 0, rows.value - target, np.nan)
        word = np.where(np.isnan(excess), "", np.where(excess > 0, "超标", "达标")).astype(object)
        common["only"] = found.seen[:, i] & (target > 0)
        text = _text(known, "no valid item", VALIDITY)
        sheet.add("water.target_excess", span.period, value=excess, grade=word, detail=text, **common)
    _days(sheet, daily, items, lake)
    return sheet.frame()


def _days(sheet: Sheet, daily: Daily, items: tuple[str, ...], lake: np.ndarray) -> None:
    """Status of each day."""
    both = [(daily.values(f"water.{p}"), daily.flags(f"water.{p}")) for p in items]
    if not both:
        return
    values, flags = (np.stack(x, axis=-1)[:, daily.within] for x in zip(*both, strict=True))
    subject, day = np.nonzero(np.isfinite(values).any(axis=-1))
    mine, kinds = values[subject, day], lake[subject]
    days = daily.days[daily.within][day]
    common = {
        "subject": daily.subjects[subject],
        "day": days,
        "flag": np.where(np.isfinite(mine), flags[subject, day], 1).max(axis=1, initial=1),
        "n_valid": np.isfinite(mine).sum(axis=1),
        "n_expected": len(items),
        "edition": editions("surface water", days.astype("datetime64[D]")),
    }
    add_status(sheet, DAY, water.section(mine, items, kinds), mine, items, kinds, "two thirds of a day", common)


def add_status(
    sheet: Sheet,
    period: str,
    rows: water.Section,
    values: np.ndarray,
    items: tuple[str, ...],
    lake: np.ndarray,
    mark: str,
    common: dict[str, Any],
    *,
    name: str = "water.status",
) -> None:
    """Rows of a status with its colour and main pollutants."""
    status = water.status(rows.value)
    number = pd.Index(STATUS).get_indexer(status) + 1.0
    number[number == 0] = np.nan
    colours = table("sw_section_status").set_index("status_cn")["colour"].to_dict()
    over = water.multiples(values, items, lake)
    rank = water.main_pollutants(rows, over, items)
    named = {int(n): _pollutants(rank[n], over[n], items) for n in np.flatnonzero(rank.any(axis=1))}
    detail = [
        joined(f"colour {colours[s]}", named.get(n, ""), marked("status", mark)) if s else "no valid item"
        for n, s in enumerate(status)
    ]
    sheet.add(name, period, value=number, grade=status, detail=detail, **common)


def _pollutants(rank: np.ndarray, over: np.ndarray, items: tuple[str, ...]) -> str:
    at = [i for i in np.argsort(rank, kind="stable") if rank[i]]
    return "main " + ",".join(f"{items[i]}({over[i]:.2f})" if np.isfinite(over[i]) else items[i] for i in at)


def _listed(marks: np.ndarray, items: tuple[str, ...]) -> list[str]:
    return [",".join(p for p, m in zip(items, row, strict=True) if m) for row in marks]


def _worst(found: Means, i: int, items: list[int]) -> np.ndarray:
    used = np.isfinite(found.values[:, i, items])
    return np.where(used, found.flags[:, i, items], 1).max(axis=1, initial=1)


@indicator(
    "water.tli",
    name_zh="综合营养状态指数",
    name_en="trophic level index of a lake point",
    formula="sum of W*TLI(j) over chla, TP, TN, SD, CODMn; W = r2 / sum of r2 of what is there; 2 decimals",
    **_common(subject="point of a lake", standard="环办〔2011〕22号", parameters=many.TROPHIC),
)
@indicator(
    "water.cwqi",
    name_zh="断面水质指数",
    name_en="CWQI of a section",
    formula="sum of C/C_III over the measured ones of the 21 items (DO 5/DO, pH by distance from 7); 4 decimals",
    **_common(standard=RANKING, source="城市地表水环境质量排名技术规定 2017"),
)
@indicator(
    "water.cwqi_rank",
    name_zh="断面水质指数排名",
    name_en="rank of a section by CWQI",
    formula="place by CWQI, smallest first, equal ones share it; only sections with every item that one of them has",
    **_common(standard=RANKING, source="城市地表水环境质量排名技术规定 2017"),
)
def indices(daily: Daily, stations: pd.DataFrame) -> pd.DataFrame:
    """Trophic level of lake points; CWQI of sections and their places.

    Args:
        daily: daily means of the items.
        stations: the registry's stations (kind, cadence).
    """
    sheet, found, lake = Sheet("water"), means(daily, stations), lakes(daily, stations)
    judged = [k for k, p in enumerate(found.items) if p in water.judged()]
    for i, span in enumerate(daily.spans):
        values = found.values[:, i]
        common: dict[str, Any] = {"subject": daily.subjects, "day": span.first, "flag": _worst(found, i, judged)}
        trophic = {p: values[:, found.items.index(p)] for p in many.TROPHIC if p in found.items}
        if trophic and lake.any():
            level, state, count = many.tli(trophic)
            mark = [
                marked(VALIDITY, "formula of CODMn", *(["fewer than five parameters"] if n < 5 else [])) for n in count
            ]
            detail = [m if n else "no valid parameter" for m, n in zip(mark, count, strict=True)]
            sheet.add(
                "water.tli",
                span.period,
                value=level,
                grade=state,
                detail=detail,
                n_valid=count,
                n_expected=len(many.TROPHIC),
                edition="环办〔2011〕22号",
                only=lake & found.seen[:, i],
                **common,
            )
        index = many.cwqi(values[:, judged], [found.items[k] for k in judged], lake)
        n = np.isfinite(values[:, judged]).sum(axis=1)
        common |= {"n_valid": n, "n_expected": len(water.judged()), "edition": RANKING, "only": found.seen[:, i]}
        text = _text(n > 0, "no valid item", VALIDITY)
        sheet.add("water.cwqi", span.period, value=index, detail=text, **common)
        whole = n == n.max(initial=0)
        place = ranks(np.where(whole, index, np.nan))
        of = int(np.isfinite(place).sum())
        told = np.where(np.isfinite(place), f"of {of}; {marked(VALIDITY)}", "items are missing that others have")
        sheet.add("water.cwqi_rank", span.period, value=place, detail=told.astype(object), **common)
    return sheet.frame()


@indicator(
    "water.black_odorous",
    name_zh="黑臭水体分级",
    name_en="black and odorous grade",
    formula="worst of DO, NH3N and transparency: 0 none, 1 mild, 2 severe; the redox potential is not measured",
    **_common(
        periods=(DAY,), standard="城市黑臭水体整治工作指南 2015", source="sw_black_odorous.csv",
        completeness="what is measured of DO, NH3N, SD", parameters=("DO", "NH3N", "SD"), confidence="partly confirmed",
    ),
)  # fmt: skip
def black(daily: Daily, stations: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001 - all take both
    """Black and odorous grade of each section and day from the day's means.

    Args:
        daily: daily means of the items.
        stations: not needed here.
    """
    sheet = Sheet("water")
    values = {p: daily.values(f"water.{p}")[:, daily.within] for p in ("DO", "NH3N", "SD")}
    subject, day = np.nonzero(np.isfinite(np.stack(list(values.values()))).any(axis=0))
    mine = {p: x[subject, day] for p, x in values.items()}
    count = np.isfinite(np.stack(list(mine.values()))).sum(axis=0)
    flags = np.stack([daily.flags(f"water.{p}")[:, daily.within][subject, day] for p in mine])
    value = many.black_odorous(mine)
    sheet.add(
        "water.black_odorous",
        DAY,
        subject=daily.subjects[subject],
        day=daily.days[daily.within][day],
        value=value,
        grade=np.array(many.BLACK, dtype=object)[np.nan_to_num(value).astype(int)],
        flag=np.where(np.isfinite(np.stack(list(mine.values()))), flags, 1).max(axis=0, initial=1),
        n_valid=count,
        n_expected=4,
        edition="城市黑臭水体整治工作指南 2015",
        detail=marked("two thirds of a day"),
    )
    return sheet.frame()
