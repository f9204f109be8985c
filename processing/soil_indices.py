"""Indices of soil: construction land (GB 36600), pollution indices, ecological risk, fertility."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from domain.standards import ladder, table, within
from processing.rounding import NOISE, round_computed

#: What a concentration means on construction land (GB 36600-2018).
LAND_WORDS = ("未超过筛选值", "超过筛选值", "超过管制值")
#: Indices whose classes are told by the word before the brackets.
_SHORT = ("Er", "RI")


def construction_land(pollutant: str, value: float, land_class: int) -> str:
    """What a total in mg/kg means on construction land of class 1 or 2; a value equal to a limit is not above it.

    Raises:
        KeyError: the standard has no such pollutant.

    Source: GB 36600-2018 tables 1 and 2.
    """
    row = table("soil_gb36600_2018").set_index("pollutant_cn").loc[pollutant]
    limits = (row[f"screening_class{land_class}"], row[f"intervention_class{land_class}"])
    return LAND_WORDS[sum(value > x for x in limits)]


def nemerow(single: np.ndarray) -> tuple[float, str]:
    """Nemerow index of the single indices of one sample, 2 decimals, and its class; see `nemerow_of`."""
    index = nemerow_of(np.asarray(single, dtype=float)[None])
    return float(round_computed(index, 2)[0]), str(class_of("Nemerow", index)[0])


def nemerow_of(single: np.ndarray) -> np.ndarray:
    """sqrt((Pmax^2 + Pavg^2) / 2) of the single indices (n, k) that are there; NaN without any.

    Source: HJ/T 166-2004 (replaced 2026-06-01 by HJ 166-2026, whose table was not seen).
    """
    there = np.isfinite(single)
    n = there.sum(axis=1)
    mean = np.where(there, single, 0).sum(axis=1) / np.maximum(n, 1)
    top = np.where(there, single, -np.inf).max(axis=1, initial=-np.inf)
    return np.where(n > 0, np.sqrt((np.where(n > 0, top, 0) ** 2 + mean**2) / 2), np.nan)


def igeo(conc: float, background: float, *, k: float = 1.5) -> tuple[float, int]:
    """Geo-accumulation index, 2 decimals, and its class 0 to 6; see `igeo_of`."""
    index = igeo_of(np.array([conc]), np.array([background]), k=k)
    return float(round_computed(index, 2)[0]), int(class_of("Igeo", index, "class_no")[0])


def igeo_of(conc: np.ndarray, background: np.ndarray, *, k: float = 1.5) -> np.ndarray:
    """Geo-accumulation index log2(C / (k B)); NaN where a value is missing or zero. Source: Mueller 1969."""
    ratio = np.asarray(conc, dtype=float) / (k * np.asarray(background, dtype=float))
    there = ratio > 0
    return np.where(there, np.log2(np.where(there, ratio, 1)), np.nan)


def hakanson(
    sample: Mapping[str, float], background: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, str], float, str]:
    """Ecological risk of each element, its class, their sum RI, and its class; 2 decimals.

    Args:
        sample: totals in mg/kg.
        background: background values of the same elements, of a set that the user chooses and the report names.

    Source: Hakanson 1980; toxic factors soil_toxic_factors.csv.
    """
    elements = tuple(sample)
    each = ecological_risk(np.array([*sample.values()]), np.array([background[e] for e in elements]), elements)
    total = np.array([each.sum()])
    rounded = dict(zip(elements, round_computed(each, 2).tolist(), strict=True))
    classes = dict(zip(elements, class_of("Er", each), strict=True))
    return rounded, classes, float(round_computed(total, 2)[0]), str(class_of("RI", total)[0])


def ecological_risk(conc: np.ndarray, background: np.ndarray, elements: Sequence[str]) -> np.ndarray:
    """Risk Er = Tr C / B of each element (the last axis); the sum over the elements is RI.

    Raises:
        KeyError: an element has no toxic factor.

    Source: Hakanson 1980; toxic factors soil_toxic_factors.csv.
    """
    factor = table("soil_toxic_factors").set_index("element")["Tr"]
    return np.asarray(np.array([float(factor[e]) for e in elements]) * conc / background)


def class_of(index: str, values: np.ndarray, column: str = "class_cn") -> np.ndarray:
    """The class (n,) of values of an index of soil_index_classes.csv; "" for NaN."""
    x = np.round(np.asarray(values, dtype=float), NOISE)
    out = np.full(x.shape, "", dtype=object)
    for clause, words in zip(*(ladder("soil_index_classes", index)[c] for c in ("clause", column)), strict=True):
        out[within(clause, x) & ~np.isnan(x)] = re.sub(r"\(.*\)", "", str(words)) if index in _SHORT else words
    return out


def fertility_grade(item: str, value: float) -> int:
    """Grade 1 (richest) to 6 of one value; see `fertility_grades`."""
    return int(fertility_grades(item, np.array([value]))[0])


def fertility_grades(item: str, values: np.ndarray) -> np.ndarray:
    """Grade 1 (richest) to 6 of the second national soil survey; a value on a bound has the better grade but grade 1.

    Args:
        item: Chinese name in the survey.
        values: any shape, in the table's unit; NaN gives NaN.

    Raises:
        KeyError: the survey has no such item.

    Source: 全国第二次土壤普查, soil_fertility_grades.csv.
    """
    x = np.asarray(values, dtype=float)
    row = table("soil_fertility_grades").set_index(["scheme", "parameter"]).loc[("全国第二次土壤普查", item)]
    richest = float(str(row["grade1"]).removeprefix(">"))
    lowest = np.array([float(str(row[f"grade{n}"]).partition("-")[0]) for n in range(2, 6)])
    grade = np.where(x > richest, 1, 2 + (x[..., None] < lowest).sum(axis=-1))
    return np.where(np.isnan(x), np.nan, grade)
