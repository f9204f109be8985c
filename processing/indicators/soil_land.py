"""Soil of construction land by GB 36600-2018: 85 items, two classes of use."""

from functools import cache

import numpy as np
import pandas as pd

from domain.limits import editions
from domain.standards import table
from domain.times import DAY
from processing.aggregate import Observed, attribute, dates, day_begin, day_of, flag_of, results
from processing.aqi import named
from processing.indicators.soil import samples
from processing.indicators.soil_pollution import background_of
from processing.registered import indicator
from processing.soil_indices import LAND_WORDS

#: Items that do not count as polluted up to the local background (note a of table 1 and 2).
BACKGROUND_COUNTS = ("As", "Co", "V")


@cache
def items() -> dict[str, str]:
    """Parameter without `soil_` -> pollutant of the standard, in its order."""
    rows = table("soil_items")
    return dict(zip(rows["parameter"].str.removeprefix("soil_"), rows["pollutant_cn"], strict=True))


@cache
def limits() -> tuple[np.ndarray, np.ndarray]:
    """Screening and intervention values in mg/kg, each (use - 1, item)."""
    rows = table("soil_gb36600_2018").set_index("pollutant_cn").loc[list(items().values())]
    low, high = (rows[[f"{kind}_class{n}" for n in (1, 2)]].to_numpy(float).T for kind in ("screening", "intervention"))
    return low, high


def land_class(zone: np.ndarray) -> np.ndarray:
    """Class of use of each row: 2 where the registry says so, else 1, the stricter one, also for an unknown use."""
    return np.where(np.asarray(zone) == "2", 2, 1)


def risk(values: np.ndarray, use: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Category of each item (n, k): 1 up to the screening value, 2 above it, 3 above the intervention value.

    Arsenic, cobalt and vanadium up to the local background are category 1 (note a).

    Args:
        values: (n, k) totals in mg/kg in the order of `items()`, NaN where not measured.
        use: (n,) class of use, 1 or 2.
        background: (n, k) local background, NaN where unknown.

    Source: GB 36600-2018 tables 1 and 2 with note a.
    """
    low, high = (x[use - 1] for x in limits())
    found = np.where(np.isnan(values), np.nan, 1.0 + (values > low) + (values > high))
    natural = np.isin(list(items()), BACKGROUND_COUNTS) & (values <= background)
    return np.where(natural & ~np.isnan(values), 1.0, found)


@indicator(
    "soil.construction",
    name_zh="建设用地土壤污染风险",
    name_en="risk of soil on construction land",
    unit="1",
    periods=(DAY,),
    subject="sample point",
    formula="worst item: 1 at or below the screening value, 2 above it, 3 above the intervention value; "
    "As, Co, V up to the background: 1",
    completeness="what is measured",
    standard="GB 36600-2018",
    source="GB 36600-2018 tables 1 and 2 with note a; unknown use counts as class 1",
    confidence="confirmed",
    takes="observations",
    parameters=tuple(f"soil_{item}" for item in items()),
)
def construction_risk(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:
    """Worst category of each sample of construction land, with its class of use and the deciding items (detail).

    Args:
        observed: laboratory results of a day.
        stations: the registry's stations (kind construction; zone: class of use 1 or 2; target: background set).
    """
    names = tuple(items())
    rows = samples(observed, stations, names, construction=True)
    day = day_of(rows.time)
    values = rows.values[:, 1:]
    use = land_class(attribute(stations, rows, day, "zone"))
    sets, background = background_of(attribute(stations, rows, day, "target"), names)
    found = risk(values, use, background)
    worst = np.fmax.reduce(found, axis=1, initial=np.nan)
    known = ~np.isnan(worst)
    deciding = named((found == worst[:, None]) & (worst > 1)[:, None], names)
    words = np.array([*LAND_WORDS, ""], dtype=object)
    detail = [
        f"class {n} use; {text or 'none above screening'}; background {name}"
        for n, text, name in zip(use, deciding, sets, strict=True)
    ]
    return results(
        indicator="soil.construction",
        medium="soil",
        subject=rows.subject,
        time=day_begin(day),
        period=DAY,
        value=worst,
        unit="1",
        grade=words[np.where(known, np.nan_to_num(worst, nan=1) - 1, len(LAND_WORDS)).astype(int)],
        n_valid=(~np.isnan(found)).sum(axis=1),
        n_expected=rows.seen[:, 1:].sum(axis=1),
        flag=flag_of(rows.flags[:, 1:], ~np.isnan(found), known),
        detail=np.where(known, np.array(detail, dtype=object), "no valid item"),
        edition=editions("construction land soil", dates(day)),
    )
