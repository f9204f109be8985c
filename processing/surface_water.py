"""Classes of surface water by GB 3838-2002: of an item, of a section, and what makes it worse than class III."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from domain.limits import CLASSES, surface_water_items, surface_water_key
from domain.standards import table
from processing.rounding import round_computed, round_water

#: Grades as people write them; class 6 is worse than V.
GRADES = ("Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ", "Ⅴ", "劣Ⅴ")
#: Toxic items that are always named as main pollutants: heavy metals and cyanide (环办〔2011〕22号, from memory).
ALWAYS_NAMED = ("Cu", "Zn", "As", "Hg", "Cd", "Cr6", "Pb", "CN")
#: Items without an exceedance multiple.
_NO_MULTIPLE = ("water_temp", "pH", "DO")
_III = CLASSES.index("III")


@dataclass(frozen=True, slots=True)
class Section:
    """Single-factor evaluation of n rows of k items."""

    items: np.ndarray  # (n, k) class 1..6 of each item, NaN where there is none
    value: np.ndarray  # (n,) the worst of them
    deciding: np.ndarray  # (n, k) items that have it


@cache
def judged() -> tuple[str, ...]:
    """The parameters of the 21 items of a section's class: table 1 without temperature, TN and faecal coliforms."""
    items = surface_water_items()
    return tuple(dict.fromkeys(key.partition("_")[0] for key in items.index[items["judged"]]))


def item_class(parameter: str, values: np.ndarray, *, lake: bool, rounded: bool = True) -> np.ndarray:
    """Class 1..6 of each value (any shape, canonical unit) of one parameter; NaN where missing.

    Values are rounded to the evaluation decimals first; a value that equals a limit meets it. TP has other limits in
    lakes and reservoirs, TN has limits only there (they are used as they stand).

    Args:
        parameter: an id with limits in GB 3838 table 1.
        values: concentrations.
        lake: whether the section lies in a lake or reservoir.
        rounded: round to the evaluation decimals first.

    Raises:
        KeyError: table 1 has no limits for the parameter.

    Source: GB 3838-2002 table 1 and 5.1; rounding 总站水字〔2018〕87号, 〔2020〕90号.
    """
    sense, limits, low, decimals = _limits(parameter, lake)
    x = np.asarray(values, dtype=float)
    x = round_water(x, decimals) if rounded else x
    if sense == "within":
        classes = np.where((x < low) | (x > limits[0]), len(GRADES), 1)
    elif sense == "at least":
        classes = 1 + len(limits) - np.searchsorted(limits[::-1], x, side="right")
    else:
        classes = 1 + np.searchsorted(limits, x, side="left")
    return np.where(np.isnan(x), np.nan, classes)


@cache
def _limits(parameter: str, lake: bool) -> tuple[str, np.ndarray, float, int]:
    """Sense, limits of classes I to V, lower end and evaluation decimals of a parameter."""
    row = surface_water_items().loc[surface_water_key(parameter, lake=lake)]
    return str(row["sense"]), row[list(CLASSES)].to_numpy(float), float(row["low"]), int(row["decimals"])


def section(values: np.ndarray, parameters: Sequence[str], lake: np.ndarray) -> Section:
    """Class of each section: the worst class among its measured items.

    Args:
        values: (n, k) values of the items, NaN where missing.
        parameters: the k parameters.
        lake: (n,) whether the section lies in a lake or reservoir.

    Source: GB 3838-2002 5.1; 环办监测函〔2020〕82号.
    """
    items = np.full(values.shape, np.nan)
    for i, parameter in enumerate(parameters):
        for kind in (False, True):
            at = np.asarray(lake) == kind
            if at.any():
                items[at, i] = item_class(parameter, values[at, i], lake=kind)
    worst = np.fmax.reduce(items, axis=1, initial=np.nan)
    return Section(items, worst, items == worst[:, None])


def multiples(values: np.ndarray, parameters: Sequence[str], lake: np.ndarray) -> np.ndarray:
    """How many times class III is exceeded, (C - C_III) / C_III, 2 decimals; NaN where it is met or has no multiple."""
    out = np.full(values.shape, np.nan)
    items = surface_water_items()
    for i, parameter in enumerate(parameters):
        if parameter in _NO_MULTIPLE:
            continue
        keys = [surface_water_key(parameter, lake=kind) for kind in (False, True)]
        limit = np.where(lake, *(items.loc[k, CLASSES[_III]] for k in reversed(keys)))
        x = round_water(values[:, i], int(items.loc[keys[0], "decimals"]))
        out[:, i] = np.where(x > limit, round_computed((x - limit) / limit, 2), np.nan)
    return out


def main_pollutants(found: Section, times_over: np.ndarray, parameters: Sequence[str]) -> np.ndarray:
    """Rank 1, 2, ... of each main pollutant of each row (n, k), 0 for the other items.

    Items worse than III, worst class first, then by multiple; the first three, and further heavy metals and cyanide.

    Source: 环办〔2011〕22号 (order from memory, unconfirmed).
    """
    over = found.items > _III + 1
    order = np.lexsort((-np.nan_to_num(times_over, nan=-1.0), -np.nan_to_num(found.items)), axis=1)
    rank = np.empty(order.shape, np.int64)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(1, order.shape[1] + 1), order.shape), axis=1)
    named = over & ((rank <= 3) | np.isin(parameters, ALWAYS_NAMED))
    return np.where(named, rank, 0)


def grade(classes: np.ndarray) -> np.ndarray:
    """Ⅰ .. 劣Ⅴ of each class (n,); "" where there is none."""
    names = np.array([*GRADES, ""], dtype=object)
    return np.asarray(names[np.where(np.isnan(classes), len(GRADES), np.nan_to_num(classes, nan=1) - 1).astype(int)])


def status(classes: np.ndarray) -> np.ndarray:
    """Status of water (优 .. 重度污染) of each class (n,); "" where there is none. Source: 环办〔2011〕22号."""
    rows = table("sw_section_status")
    words = rows["status_cn"].tolist()
    names = np.array([words[0], *words, ""], dtype=object)  # classes I and II share one
    return np.asarray(names[np.where(np.isnan(classes), len(GRADES), np.nan_to_num(classes, nan=1) - 1).astype(int)])


def ph_mean(values: np.ndarray) -> np.ndarray:
    """Mean pH over the last axis through the mean concentration of hydrogen ions; NaN without values.

    Source: 总站水字〔2020〕90号.
    """
    there = np.isfinite(values)
    ions = np.where(there, 10.0 ** -np.where(there, values, 0), 0).sum(axis=-1)
    count = there.sum(axis=-1)
    with np.errstate(divide="ignore"):
        return np.where(count > 0, -np.log10(ions / np.maximum(count, 1)), np.nan)
