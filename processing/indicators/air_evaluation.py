"""Air by month, season and year: composite index, rank, attainment."""

from typing import Any

import numpy as np
import pandas as pd

from domain.limits import air_limits, editions
from domain.standards import setting
from domain.times import YEAR
from processing import air_statistics as rules
from processing.air_days import AVERAGING, DECIMALS_OF, INDEXED, PERIODS, SOURCES, statistic_of, valid_spans
from processing.aqi import ITEMS, named
from processing.periods import Daily, Sheet, Span, day_dates, joined, last_dates, marked, ranks, worst_flag
from processing.registered import indicator
from processing.rounding import NOISE, round_computed, round_half_even


@indicator(
    "air.attainment",
    name_zh="年度达标评价",
    name_en="whether the year attains the standard",
    unit="1",
    periods=(YEAR,),
    subject="station or county",
    formula="1 when every item's mean is within the annual limit and its percentile within the daily limit, else 0",
    completeness="a year as valid as its statistics; an item above its limit decides alone",
    standard="GB 3095, HJ 663 by the last day of the year",
    source="HJ 663 (annual attainment by mean and percentile: from memory)",
    confidence="unconfirmed",
    takes="days",
    parameters=ITEMS,
)
@indicator(
    "air.composite_index",
    name_zh="环境空气质量综合指数",
    name_en="composite air quality index",
    unit="1",
    periods=PERIODS,
    subject="station or county",
    formula="sum of C/S of the six items; CO 95th, O3 90th percentile, others means; 2 decimals; small is good",
    completeness="all six items with enough days",
    standard="ranking rule with the limits of GB 3095 by date",
    source="provincial footnotes 2017-2023; air_ranking_index_limits.csv",
    confidence="partly confirmed",
    takes="days",
    parameters=ITEMS,
)
@indicator(
    "air.rank",
    name_zh="空气质量综合指数排名",
    name_en="rank by the composite index",
    unit="1",
    periods=PERIODS,
    subject="station among stations, county among counties",
    formula="place by the composite index, smallest first; equal indices share a place",
    completeness="a composite index; who has none has no place",
    standard="ranking rule with the limits of GB 3095 by date",
    source="provincial footnotes 2017-2023",
    confidence="partly confirmed",
    takes="days",
    parameters=ITEMS,
)
@indicator(
    "air.max_index",
    name_zh="最大单项质量指数",
    name_en="largest single index",
    unit="1",
    periods=(YEAR,),
    subject="station or county",
    formula="largest over the items of max(mean / annual limit, percentile / daily limit)",
    completeness="all six items with enough days",
    standard="HJ 663-2013",
    source="HJ 663-2013 (from memory)",
    confidence="unconfirmed",
    takes="days",
    parameters=ITEMS,
)
def evaluation(daily: Daily, stations: pd.DataFrame) -> pd.DataFrame:
    """Composite index, its rank, and for the year attainment and the largest single index of 2013.

    Args:
        daily: daily indicators of the year.
        stations: the registry's stations (zone decides the level of the limits; who is no station is a county).
    """
    sheet = Sheet("air")
    valid = {p: valid_spans(daily, daily.values(SOURCES[p]))[0] for p in ITEMS}
    counts = {p: np.isfinite(daily.values(SOURCES[p])) for p in ITEMS}
    flag = {p: daily.flags(SOURCES[p]) for p in ITEMS}
    spans = daily.spans
    county = ~np.isin(daily.subjects, stations["station_id"].to_numpy(object))
    names = editions("air assessment", last_dates(spans)), editions("composite index", last_dates(spans))
    for i, span in enumerate(spans):
        at = daily.columns(span)
        enough = np.stack([valid[p][:, i] for p in ITEMS], axis=1)
        found = _indexed(daily, span, enough, str(names[0][i]))
        flags = np.stack([worst_flag(flag[p][:, at], counts[p][:, at]) for p in ITEMS], axis=1)
        common = {
            "subject": daily.subjects,
            "day": span.first,
            "flag": flags.max(axis=1, initial=1),
            "n_valid": enough.sum(axis=1),
            "n_expected": len(ITEMS),
            "only": np.stack([counts[p][:, at].any(axis=1) for p in ITEMS], axis=1).any(axis=1),
        }
        _composite(sheet, span, found, county, str(names[1][i]), common)
        if span.period == YEAR:
            _attainment(sheet, daily, stations, enough, str(names[0][i]), common)
    return sheet.frame()


def _indexed(daily: Daily, span: Span, enough: np.ndarray, edition: str) -> np.ndarray:
    """(s, 6) statistics that the composite index uses; NaN where an item has too few days."""
    step = "statistics" if setting("air.composite_index", "step") else "evaluation"
    at = daily.columns(span)
    found = [statistic_of(daily.values(SOURCES[p])[:, at], INDEXED[p], rules.decimals(edition, step, p)) for p in ITEMS]
    return np.where(enough, np.stack(found, axis=1), np.nan)


def _composite(
    sheet: Sheet, span: Span, found: np.ndarray, county: np.ndarray, edition: str, common: dict[str, Any]
) -> None:
    single = rules.single_indices(found, edition)
    total = round_computed(single.sum(axis=1), 2)
    top = round_half_even(single, NOISE) == round_half_even(single.max(axis=1, initial=0), NOISE)[:, None]
    lacking = _lacking(found)
    main = named(top & ~np.isnan(total)[:, None], ITEMS)
    mark = marked("decimals of C", *(("limits in the index",) if not edition.startswith("up to") else ()))
    detail = [
        gap or joined(f"main {m}", " ".join(f"{p}={x:.3f}" for p, x in zip(ITEMS, s, strict=True)), mark)
        for m, s, gap in zip(main, single, lacking, strict=True)
    ]
    sheet.add("air.composite_index", span.period, value=total, edition=edition, detail=detail, **common)
    place = np.full(len(total), np.nan)
    for group in (county, ~county):
        place[group] = ranks(total[group])
    of = np.where(county, (~np.isnan(place) & county).sum(), (~np.isnan(place) & ~county).sum())
    ranked = [gap or f"of {n}" for gap, n in zip(lacking, of, strict=True)]
    sheet.add("air.rank", span.period, value=place, edition=edition, detail=ranked, **common)


def _lacking(found: np.ndarray) -> list[str]:
    gaps = named(np.isnan(found), ITEMS)
    return [f"too few valid days: {g}" if g else "" for g in gaps]


def _attainment(
    sheet: Sheet, daily: Daily, stations: pd.DataFrame, enough: np.ndarray, edition: str, common: dict[str, Any]
) -> None:
    """Attainment by HJ 663 and the largest single index, by the limits of the year's last day."""
    year = daily.spans[-1]
    at, last = daily.columns(year), day_dates(year.stop - 1)
    level = np.where(daily.registered(stations, "zone")[:, -1] == "1", 1, 2)
    ratios = np.full(enough.shape, np.nan)
    for i, pollutant in enumerate(ITEMS):
        places = rules.decimals(edition, "evaluation", pollutant)
        for kind in rules.STATISTICS[pollutant]:
            averaging = "annual" if kind[0] == "mean" else AVERAGING[pollutant]
            limits = np.array([air_limits(pollutant, averaging, n, last)[0] for n in (1, 2)])
            value = statistic_of(daily.values(SOURCES[pollutant])[:, at], kind, places)
            ratios[:, i] = np.fmax(ratios[:, i], value / limits[level - 1])
    ratios = np.where(enough, ratios, np.nan)
    over = np.nan_to_num(ratios) > 1
    value = np.where(over.any(axis=1), 0.0, np.where(enough.all(axis=1), 1.0, np.nan))
    mark = marked("annual attainment by mean and percentile", DECIMALS_OF[edition])
    detail = [
        joined(f"above: {o}" if o else "", gap, "" if gap else mark)
        for o, gap in zip(named(over, ITEMS), _lacking(ratios), strict=True)
    ]
    grade = np.array(["未达标", "达标", ""], dtype=object)[
        np.where(np.isnan(value), 2, np.nan_to_num(value)).astype(int)
    ]
    sheet.add("air.attainment", YEAR, value=value, grade=grade, edition=edition, detail=detail, **common)
    largest = round_computed(np.where(enough.all(axis=1), ratios.max(axis=1, initial=0), np.nan), 2)
    lines = [gap or mark for gap in _lacking(ratios)]
    sheet.add("air.max_index", YEAR, value=largest, edition="HJ 663-2013", detail=lines, **common)
