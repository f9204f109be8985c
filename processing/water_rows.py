"""Indices of surface water for many rows at once: trophic level, CWQI, black and odorous grades.

The rules are those of `water_indices`, which answers for one water at a time.
"""

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from domain.limits import CLASSES, surface_water_items, surface_water_key
from domain.standards import ladder, table, within
from processing.rounding import NOISE, round_computed, round_half_even
from processing.surface_water import judged
from processing.water_indices import tli_terms

#: What the trophic level is made of.
TROPHIC = ("chla", "TP", "TN", "SD", "CODMn")
#: Grades of urban water, best first.
BLACK = ("无黑臭", "轻度黑臭", "重度黑臭")
_BLACK_ROWS = {"DO": "溶解氧", "NH3N": "氨氮", "SD": "透明度 (depth >=25 cm)"}


def tli(values: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """TLI of n rows, 2 decimals, its state and how many parameters it rests on; NaN and "" without any.

    Args:
        values: chla (mg/m3), TP, TN, CODMn (mg/L), SD (m), each (n,); NaN where missing.

    Source: 环办〔2011〕22号; ChinaXiv 202112.00113 (formula of CODMn from memory).
    """
    n = len(next(iter(values.values())))
    total, weight, count = np.zeros(n), np.zeros(n), np.zeros(n, np.int64)
    for parameter, (a, b, r2) in tli_terms().items():
        x = values.get(parameter, np.full(n, np.nan))
        there = np.isfinite(x) & (x > 0)
        total += np.where(there, r2 * 10 * (a + b * np.log(np.where(there, x, 1))), 0)
        weight += there * r2
        count += there
    with np.errstate(invalid="ignore"):
        level = np.where(count > 0, total / weight, np.nan)
    state = np.full(n, "", dtype=object)
    steps = ladder("sw_tli_classes")
    rounded = round_computed(level, 1)
    for clause, name in zip(steps["clause"], steps["class_cn"], strict=True):
        state[within(clause, rounded) & (count > 0)] = str(name)
    return round_computed(level, 2), state, count


def cwqi(values: np.ndarray, items: Sequence[str], lake: np.ndarray) -> np.ndarray:
    """CWQI of n rows: the plain sum of the measured items' indices against class III, 4 decimals; NaN without any.

    Args:
        values: (n, k) values of the items, NaN where missing.
        items: the k items; only those of the 21 count.
        lake: (n,) whether it is a lake or reservoir.

    Source: 城市地表水环境质量排名技术规定 2017.
    """
    total, count = np.zeros(len(values)), np.zeros(len(values), np.int64)
    for i, item in enumerate(items):
        if item not in judged():
            continue
        x = values[:, i]
        there = np.isfinite(x) & ((x > 0) if item == "DO" else True)
        third = np.where(lake, _third(item, True), _third(item, False))
        if item == "pH":
            each = np.where(x <= 7, 7 - x, (x - 7) / 2)
        else:
            each = third / np.where(there, x, 1) if item == "DO" else x / third
        total += np.where(there, each, 0)
        count += there
    return np.where(count > 0, round_computed(round_half_even(total, NOISE), 4), np.nan)


def black_odorous(values: Mapping[str, np.ndarray]) -> np.ndarray:
    """0 none, 1 mild, 2 severe for n rows by the worst of DO, NH3N and SD (m); NaN where none of them is measured.

    Source: sw_black_odorous.csv; transparency by the row for water of 25 cm and deeper.
    """
    rows = table("sw_black_odorous").set_index("indicator")
    n = len(next(iter(values.values())))
    out = np.full(n, np.nan)
    for parameter, name in _BLACK_ROWS.items():
        if parameter not in values:
            continue
        x = values[parameter] * (100 if parameter == "SD" else 1)
        there = np.isfinite(x)
        grade = np.where(within(str(rows.loc[name, "mild"]), x), 1.0, 0.0)
        grade = np.where(within(str(rows.loc[name, "severe"]), x), 2.0, grade)
        out = np.where(there, np.fmax(out, grade), out)
    return out


@cache
def _third(item: str, lake: bool) -> float:
    return float(surface_water_items().loc[surface_water_key(item, lake=lake), CLASSES[2]])
