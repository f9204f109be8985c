"""Farmland soil: the risk category of a sample and of each of its items by GB 15618-2018."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from domain.limits import editions
from domain.standards import table
from domain.times import DAY
from processing.aggregate import Observed, Wide, attribute, dates, day_begin, day_of, flag_of, results, together
from processing.aqi import named
from processing.registered import indicator

F = TypeVar("F", bound=Callable[..., Any])

#: Elements with a limit, in the order of the standard.
ELEMENTS = ("Cd", "Hg", "As", "Pb", "Cr", "Cu", "Ni", "Zn")
CATEGORIES = ("优先保护类", "安全利用类", "严格管控类")
#: Upper ends of the pH bands; a value on the end belongs to the lower band.
PH_BANDS = (5.5, 6.5, 7.5)
_BANDS = ["ph_le_5.5", "ph_5.5_6.5", "ph_6.5_7.5", "ph_gt_7.5"]
LANDS = ("paddy", "orchard", "other")
#: Organic items of table 2, which have one screening value whatever the pH, and their names in the standard.
ORGANIC = {"HCHs": "六六六总量", "DDTs": "滴滴涕总量", "BaP": "苯并[a]芘"}
#: Sample points on construction land, which another standard judges.
CONSTRUCTION = "construction"
_NAMES = {"Cd": "镉", "Hg": "汞", "As": "砷", "Pb": "铅", "Cr": "铬", "Cu": "铜", "Ni": "镍", "Zn": "锌"} | ORGANIC


@dataclass(frozen=True, slots=True)
class Risk:
    """Categories of n samples of the k elements of `ELEMENTS`."""

    index: np.ndarray  # (n, k) value / screening value
    category: np.ndarray  # (n,) 1, 2, 3; NaN where nothing can be said
    because: np.ndarray  # (n, k) elements that decide it


@cache
def screening() -> np.ndarray:
    """Screening values (land, element, pH band) in mg/kg; lands in the order of `LANDS`."""
    rows = table("soil_gb15618_screening").set_index(["element", "land"])[_BANDS]
    return np.array([[rows.loc[(e, _land_of(rows, e, land))].to_numpy(float) for e in ELEMENTS] for land in LANDS])


@cache
def intervention() -> np.ndarray:
    """Intervention values (element, pH band) in mg/kg; NaN for elements without one."""
    rows = table("soil_gb15618_intervention").set_index("element")[_BANDS].reindex(list(ELEMENTS))
    return np.asarray(rows.to_numpy(float))


def risk(values: np.ndarray, ph: np.ndarray, land: np.ndarray) -> Risk:
    """Risk category of samples: 1 up to the screening values, 3 above an intervention value, 2 between.

    A value equal to a limit is not above it. Elements without an intervention value never give category 3. Without pH
    nothing can be said.

    Args:
        values: (n, k) totals in mg/kg in the order of `ELEMENTS`, NaN where not measured.
        ph: (n,) soil pH.
        land: (n,) paddy, orchard or other (anything else counts as other).

    Source: GB 15618-2018 tables 1 and 3, 5 and 6.
    """
    band, use = _place(ph, land)
    low = screening()[use, :, band]
    high = intervention()[:, band].T
    known = ~np.isnan(values) & ~np.isnan(ph)[:, None]
    over, far = known & (values > low), known & (values > high)
    category = np.where(far.any(axis=1), 3.0, np.where(over.any(axis=1), 2.0, 1.0))
    category[~known.any(axis=1)] = np.nan
    because = np.where((category == 3)[:, None], far, over)
    return Risk(np.where(known, values / low, np.nan), category, because)


def screening_of(ph: np.ndarray, land: np.ndarray) -> np.ndarray:
    """(n, k) screening values of samples by their pH and land; NaN without pH."""
    band, use = _place(ph, land)
    return np.where(np.isnan(ph)[:, None], np.nan, screening()[use, :, band])


def _place(ph: np.ndarray, land: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Position of the pH band and of the land of each sample."""
    band = np.searchsorted(PH_BANDS, np.nan_to_num(ph, nan=0), side="left")
    return band, np.select([np.asarray(land) == name for name in LANDS[:-1]], [0, 1], 2)


@indicator(
    "soil.risk",
    name_zh="农用地土壤污染风险类别",
    name_en="risk category of farmland soil",
    unit="1",
    periods=(DAY,),
    subject="sample point",
    formula="1 at or below the screening values, 2 above one, 3 above an intervention value; bands by soil pH",
    completeness="pH and at least one element",
    standard="GB 15618-2018",
    source="GB 15618-2018 tables 1 and 3; crop data are not used",
    confidence="confirmed",
    takes="observations",
    parameters=("soil_pH", *(f"soil_{e}" for e in ELEMENTS)),
)
def soil_risk(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:
    """Risk category 1, 2, 3 of each sample with the elements that decide it (detail).

    Args:
        observed: laboratory results of a day.
        stations: the registry's stations (zone: paddy, orchard, other).
    """
    rows = samples(observed, stations, ELEMENTS)
    ph, values = rows.values[:, 0], rows.values[:, 1:]
    day = day_of(rows.time)
    found = risk(values, ph, attribute(stations, rows, day, "zone"))
    known = ~np.isnan(found.category)
    used = np.concatenate([known[:, None], ~np.isnan(found.index)], axis=1)
    names = np.array([*CATEGORIES, ""], dtype=object)
    why = np.where(np.isnan(ph), "soil pH missing", "no valid element")
    return results(
        indicator="soil.risk",
        medium="soil",
        subject=rows.subject,
        time=day_begin(day),
        period=DAY,
        value=found.category,
        unit="1",
        grade=names[np.where(known, np.nan_to_num(found.category, nan=1) - 1, len(CATEGORIES)).astype(int)],
        n_valid=(~np.isnan(found.index)).sum(axis=1),
        n_expected=rows.seen[:, 1:].sum(axis=1),
        flag=flag_of(rows.flags, used, known),
        detail=np.where(known, named(found.because, ELEMENTS), why),
        edition=editions("farmland soil", dates(day)),
    )


def samples(observed: Observed, stations: pd.DataFrame, items: tuple[str, ...], *, construction: bool = False) -> Wide:
    """Soil pH and items of the samples of farmland (or of construction land) side by side, by station and day.

    Args:
        observed: laboratory results of a day.
        stations: the registry's stations; kind `construction` is construction land, any other is farmland.
        items: parameters without `soil_`; rows in which none of them was reported are left out.
        construction: take construction land.
    """
    rows = observed.wide(("soil_pH", *(f"soil_{e}" for e in items)), DAY)
    built = attribute(stations, rows, day_of(rows.time), "kind") == CONSTRUCTION
    kept = (built == construction) & rows.seen.any(axis=1)
    columns = ("station", "time", "values", "flags", "seen", "halved")
    return replace(rows, **{name: getattr(rows, name)[kept] for name in columns})


def _each(function: F) -> F:
    """Register one category per item."""
    for item, name_zh in _NAMES.items():
        function = indicator(
            f"soil.risk_{item}",
            name_zh=f"农用地土壤{name_zh}污染风险类别",
            name_en=f"risk category of {item} in farmland soil",
            unit="1",
            periods=(DAY,),
            subject="sample point",
            formula="1 at or below the screening value, 2 above it, 3 above the intervention value"
            if item not in ORGANIC
            else "1 at or below the screening value, 2 above it",
            completeness="the item; pH too" if item not in ORGANIC else "the item",
            standard="GB 15618-2018",
            source="GB 15618-2018 tables 1 and 3" if item not in ORGANIC else "GB 15618-2018 table 2",
            confidence="confirmed",
            takes="observations",
            parameters=("soil_pH", f"soil_{item}"),
        )(function)
    return function


@_each
def item_risk(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:
    """Risk category of each item of each sample, with the value and its limits in mg/kg (detail).

    Args:
        observed: laboratory results of a day.
        stations: the registry's stations (zone: paddy, orchard, other).
    """
    items = (*ELEMENTS, *ORGANIC)
    rows = samples(observed, stations, items)
    day = day_of(rows.time)
    ph, values = rows.values[:, 0], rows.values[:, 1:]
    low, high = _limits(ph, attribute(stations, rows, day, "zone"))
    parts = []
    for i, item in enumerate(items):
        at = np.flatnonzero(rows.seen[:, i + 1])
        x, screened, intervened = values[at, i], low[at, i], high[at, i]
        known = ~np.isnan(x) & ~np.isnan(screened)
        category = np.where(known, 1.0 + (x > screened) + (x > intervened), np.nan)
        used = np.stack([known & (item not in ORGANIC), known], axis=1)
        names = np.array([*CATEGORIES, ""], dtype=object)
        parts.append(
            results(
                indicator=f"soil.risk_{item}",
                medium="soil",
                subject=rows.subject[at],
                time=day_begin(day[at]),
                period=DAY,
                value=category,
                unit="1",
                grade=names[np.where(known, np.nan_to_num(category, nan=1) - 1, len(CATEGORIES)).astype(int)],
                n_valid=known.astype(int),
                n_expected=1,
                flag=flag_of(rows.flags[at][:, [0, i + 1]], used, known),
                detail=np.where(known, _compared(x, screened, intervened), "no valid value or no soil pH"),
                edition=editions("farmland soil", dates(day[at])),
            )
        )
    return together(parts)


def _limits(ph: np.ndarray, land: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Screening and intervention values (n, items); NaN where there is none, or no pH to choose by."""
    rows = table("soil_gb15618_organic").set_index("item")["screening_mg_kg"]
    organic = np.broadcast_to([float(rows[name]) for name in ORGANIC.values()], (len(ph), len(ORGANIC)))
    high = intervention()[:, _place(ph, land)[0]].T
    return (
        np.concatenate([screening_of(ph, land), organic], axis=1),
        np.concatenate([high, np.full(organic.shape, np.nan)], axis=1),
    )


def _compared(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    texts = [
        f"{x:g} mg/kg; screening {a:g}" + ("" if np.isnan(b) else f"; intervention {b:g}")
        for x, a, b in zip(values, low, high, strict=True)
    ]
    return np.array(texts, dtype=object)


def _land_of(rows: pd.DataFrame, element: str, land: str) -> str:
    """The column of the table for an element on a land: its own, else the one for all, else other."""
    return next(name for name in (land, "all", "other") if (element, name) in rows.index)
