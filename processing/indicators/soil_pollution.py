"""Indices of soil pollution: Nemerow against screening values, geo-accumulation and ecological risk against background.

The background set is a choice: a sample point names one in its registry column `target`, else it is the default of
`soil_background_sets.csv`. Every result names the set it used and how sure its numbers are.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pandas as pd

from domain.errors import CatalogueError
from domain.standards import table
from domain.times import DAY
from processing.aggregate import Observed, Wide, attribute, day_begin, day_of, flag_of, results
from processing.indicators.soil import ELEMENTS, samples, screening_of
from processing.registered import indicator
from processing.rounding import round_computed
from processing.soil_indices import class_of, ecological_risk, igeo_of, nemerow_of


@cache
def _background(region: str) -> dict[str, float]:
    rows = table("soil_background")
    rows = rows[rows["region"] == region]
    if rows.empty:
        known = ", ".join(table("soil_background_sets")["region"])
        raise CatalogueError([f"stations.csv: background set {region!r} is not in soil_background.csv; known: {known}"])
    return dict(zip(rows["element"], rows["value_mg_kg"], strict=True))


@cache
def default_background() -> str:
    """The background set of sample points that name none.

    Raises:
        CatalogueError: the table has none, or several.
    """
    rows = table("soil_background_sets")
    chosen = rows.loc[rows["default"] == "yes", "region"].tolist()
    if len(chosen) != 1:
        raise CatalogueError([f"soil_background_sets.csv: exactly one set must be the default, not {len(chosen)}"])
    return str(chosen[0])


def background_of(named_sets: np.ndarray, elements: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The background set of each row, with its mark, and its values (n, k) in mg/kg; NaN for elements it does not have.

    Args:
        named_sets: (n,) set named by the registry, "" for the default.
        elements: k elements, without `soil_`.

    Raises:
        CatalogueError: a set is not in soil_background.csv.
    """
    sets = np.where(np.asarray(named_sets) == "", default_background(), named_sets).astype(object)
    values = np.array([[_background(str(s)).get(e, np.nan) for e in elements] for s in sets], dtype=float)
    marks = table("soil_background").drop_duplicates("region").set_index("region")["confidence"]
    told = np.array([f"{s} ({marks[s]})" for s in sets], dtype=object)
    return told, values.reshape(len(sets), len(elements))


@indicator(
    "soil.nemerow",
    name_zh="土壤内梅罗综合污染指数",
    name_en="Nemerow index of soil",
    unit="1",
    periods=(DAY,),
    subject="sample point",
    formula="sqrt((Pmax^2 + Pavg^2) / 2), P = C / screening value of GB 15618, 2 decimals",
    completeness="pH and at least one of eight elements",
    standard="HJ/T 166-2004 (index), GB 15618-2018 (screening values)",
    source="HJ/T 166-2004 classes partly from memory; HJ 166-2026, in force from 2026-06-01, was not seen",
    confidence="partly confirmed",
    takes="observations",
    parameters=("soil_pH", *(f"soil_{e}" for e in ELEMENTS)),
)
def soil_nemerow(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:
    """Nemerow index of each sample of farmland, with the single indices (detail).

    Args:
        observed: laboratory results of a day.
        stations: the registry's stations (zone: paddy, orchard, other).
    """
    rows = samples(observed, stations, ELEMENTS)
    ph, values = rows.values[:, 0], rows.values[:, 1:]
    single = values / screening_of(ph, attribute(stations, rows, day_of(rows.time), "zone"))
    index = nemerow_of(single)
    used = np.isfinite(single)
    flags = np.concatenate([used.any(axis=1)[:, None], used], axis=1)
    why = np.where(np.isnan(ph), "soil pH missing", "no valid element")
    detail = np.where(np.isnan(index), why, _listed(round_computed(single, 2)))
    return _result(
        "soil.nemerow", rows, index, class_of("Nemerow", index), used, detail, flags, "HJ/T 166-2004; GB 15618-2018"
    )


@indicator(
    "soil.igeo",
    name_zh="土壤地累积指数",
    name_en="geo-accumulation index of soil",
    unit="1",
    periods=(DAY,),
    subject="sample point",
    formula="largest over the elements of log2(C / (1.5 B)), B the background, 2 decimals",
    completeness="at least one element with a background value",
    standard="Mueller 1969",
    source="formula confirmed by a code base; classes from memory; background soil_background.csv, named in the result",
    confidence="partly confirmed",
    takes="observations",
    parameters=tuple(f"soil_{e}" for e in ELEMENTS),
)
def soil_igeo(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:
    """Largest geo-accumulation index of each sample, with all of them and the background set (detail).

    Args:
        observed: laboratory results of a day.
        stations: the registry's stations (target: background set).
    """
    rows, sets, background = _against_background(observed, stations)
    index = igeo_of(rows.values[:, 1:], background)
    top = np.fmax.reduce(index, axis=1, initial=np.nan)
    used = np.isfinite(index)
    return _of_background("soil.igeo", rows, top, class_of("Igeo", top), used, index, sets, "Mueller 1969")


@indicator(
    "soil.ri",
    name_zh="土壤潜在生态风险指数",
    name_en="potential ecological risk index of soil",
    unit="1",
    periods=(DAY,),
    subject="sample point",
    formula="RI = sum of Er = Tr C / B over the elements, B the background, 2 decimals",
    completeness="at least one element; fewer than eight make RI lenient and suspect",
    standard="Hakanson 1980",
    source="toxic factors confirmed; classes from memory; background soil_background.csv, named in the result",
    confidence="partly confirmed",
    takes="observations",
    parameters=tuple(f"soil_{e}" for e in ELEMENTS),
)
def soil_ri(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:
    """Hakanson's risk index of each sample, with that of each element and the background set (detail).

    Args:
        observed: laboratory results of a day.
        stations: the registry's stations (target: background set).
    """
    rows, sets, background = _against_background(observed, stations)
    each = ecological_risk(rows.values[:, 1:], background, ELEMENTS)
    used = np.isfinite(each)
    total = np.where(used.any(axis=1), np.where(used, each, 0).sum(axis=1), np.nan)
    return _of_background("soil.ri", rows, total, class_of("RI", total), used, each, sets, "Hakanson 1980")


def _against_background(observed: Observed, stations: pd.DataFrame) -> tuple[Wide, np.ndarray, np.ndarray]:
    """Samples of farmland and construction land alike, with their background sets and values."""
    rows = observed.wide(("soil_pH", *(f"soil_{e}" for e in ELEMENTS)), DAY)
    sets, background = background_of(attribute(stations, rows, day_of(rows.time), "target"), ELEMENTS)
    return rows, sets, background


def _of_background(
    name: str,
    rows: Wide,
    index: np.ndarray,
    grade: np.ndarray,
    used: np.ndarray,
    each: np.ndarray,
    sets: np.ndarray,
    standard: str,
) -> pd.DataFrame:
    told = np.array([f"{x}; background {s}" for x, s in zip(_listed(round_computed(each, 2)), sets, strict=True)])
    detail = np.where(np.isnan(index), "no valid element with a background value", told.astype(object))
    flags = np.concatenate([np.zeros((len(rows), 1), bool), used], axis=1)
    return _result(name, rows, index, grade, used, detail, flags, standard)


def _result(
    name: str,
    rows: Wide,
    index: np.ndarray,
    grade: np.ndarray,
    used: np.ndarray,
    detail: np.ndarray,
    flagged: np.ndarray,
    standard: str,
) -> pd.DataFrame:
    return results(
        indicator=name,
        medium="soil",
        subject=rows.subject,
        time=day_begin(day_of(rows.time)),
        period=DAY,
        value=round_computed(index, 2),
        unit="1",
        grade=grade,
        n_valid=used.sum(axis=1),
        n_expected=len(ELEMENTS),
        flag=flag_of(rows.flags, flagged, ~np.isnan(index)),
        detail=detail,
        edition=standard,
    )


def _listed(each: np.ndarray) -> np.ndarray:
    """`Cd=1.17,Pb=0.5` of each row (n, k)."""
    return np.array(
        [",".join(f"{e}={x:g}" for e, x in zip(ELEMENTS, row, strict=True) if not np.isnan(x)) for row in each],
        dtype=object,
    )
