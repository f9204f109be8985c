"""Indices of soil: construction land (GB 36600), pollution indices, ecological risk, fertility."""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from domain.standards import ladder, table, within
from processing.rounding import NOISE, round_computed

#: What a concentration means on construction land (GB 36600-2018).
LAND_WORDS = ("未超过筛选值", "超过筛选值", "超过管制值")


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
    """Nemerow index sqrt((Pmax^2 + Pavg^2) / 2) of single indices, 2 decimals, and its class.

    Source: HJ/T 166-2004 (replaced 2026-06-01 by HJ 166-2026, whose table was not seen).
    """
    p = np.asarray(single, dtype=float)
    index = float(np.sqrt((p.max() ** 2 + p.mean() ** 2) / 2))
    return _rounded(index), _step("Nemerow", index)


def igeo(conc: float, background: float, *, k: float = 1.5) -> tuple[float, int]:
    """Geo-accumulation index log2(C / (k B)), 2 decimals, and its class 0 to 6. Source: Mueller 1969."""
    index = float(np.log2(conc / (k * background)))
    return _rounded(index), int(_steps("Igeo", index)["class_no"].iloc[0])


def hakanson(
    sample: Mapping[str, float], background: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, str], float, str]:
    """Ecological risk of each element, its class, their sum RI, and its class; 2 decimals.

    Args:
        sample: totals in mg/kg.
        background: background values of the same elements, of a set that the user chooses and the report names.

    Source: Hakanson 1980; toxic factors soil_toxic_factors.csv.
    """
    factor = table("soil_toxic_factors").set_index("element")["Tr"]
    each = {e: float(factor[e]) * x / background[e] for e, x in sample.items()}
    total = sum(each.values())
    classes = {e: _short(_step("Er", x)) for e, x in each.items()}
    return {e: _rounded(x) for e, x in each.items()}, classes, _rounded(total), _short(_step("RI", total))


def fertility_grade(item: str, value: float) -> int:
    """Grade 1 (richest) to 6 of the second national soil survey; a value on a bound has the better grade but grade 1.

    Raises:
        KeyError: the survey has no such item.

    Source: 全国第二次土壤普查, soil_fertility_grades.csv.
    """
    rows = table("soil_fertility_grades").set_index(["scheme", "parameter"])
    row = rows.loc[("全国第二次土壤普查", item)]
    if value > float(str(row["grade1"]).removeprefix(">")):
        return 1
    lowest = [float(str(row[f"grade{n}"]).partition("-")[0]) for n in range(2, 6)]
    return 2 + sum(value < x for x in lowest)


def _steps(index: str, value: float) -> pd.DataFrame:
    rows = ladder("soil_index_classes", index)
    return rows[[bool(within(c, np.array(round(value, NOISE)))) for c in rows["clause"]]]


def _step(index: str, value: float) -> str:
    return str(_steps(index, value)["class_cn"].iloc[0])


def _short(words: str) -> str:
    """A class without the other word in brackets."""
    return re.sub(r"\(.*\)", "", words)


def _rounded(x: float) -> float:
    return float(round_computed(np.array(x), 2))
