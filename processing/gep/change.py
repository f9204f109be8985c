"""Why two accounts differ: by area, by quantity and by price, exactly.

Value = area x quantity per area x price. The effects are Shapley values of the three: each is the mean, over the orders
in which the three can change, of what its own change does. They add up to the difference to the last digit, treat both
years alike and stand noughts and negative quantities (a dry class of water retention), which the logarithmic mean of
LMDI does not; where LMDI is defined the two differ little. One whose area was nought on either side is new or gone: all
of it is due to area.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from processing.gep.account import Account
from processing.gep.statement import statement
from processing.gep.values import ALL

KEY = ("zone", "ecosystem", "service", "part", "item")
EFFECTS = ("area", "quantity", "price")


def effects(first: tuple[np.ndarray, ...], second: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Effects of three factors on the change of their product; they add up to it exactly (Shapley).

    Args:
        first: three arrays, the factors of the first year.
        second: of the second year.
    """
    out = []
    for k in range(3):
        i, j = (n for n in range(3) if n != k)
        step = second[k] - first[k]
        same = (first[i] * first[j] + second[i] * second[j]) / 3
        crossed = (first[i] * second[j] + second[i] * first[j]) / 6
        out.append(step * (same + crossed))
    return out[0], out[1], out[2]


def decomposition(before: Account, after: Account) -> pd.DataFrame:
    """Change of the value of each part from one account to another, and its causes.

    Only parts that both accounts know everywhere are compared; `incomparable` names the others.

    Returns:
        KEY, value_before, value_after, area, quantity, price (CNY; the last three add up to the change).
    """
    both = set(_comparable(before)) & set(_comparable(after))
    first, second = (_rows(a, both) for a in (before, after))
    frame = first.merge(second, on=list(KEY), how="outer", suffixes=("_before", "_after"))
    for column in ("area", "quantity", "value_cny"):
        for side in ("before", "after"):
            frame[f"{column}_{side}"] = frame[f"{column}_{side}"].fillna(0.0)
    for a, b in (("before", "after"), ("after", "before")):
        frame[f"price_{a}"] = frame[f"price_{a}"].fillna(frame[f"price_{b}"])
    factors = {side: _factors(frame, side) for side in ("before", "after")}
    one, two = _completed(factors["before"], factors["after"])
    found = effects(one, two)
    out = frame[list(KEY)].assign(value_before=frame["value_cny_before"], value_after=frame["value_cny_after"])
    return out.assign(**dict(zip(EFFECTS, found, strict=True)))


def incomparable(before: Account, after: Account) -> tuple[str, ...]:
    """Valued parts that one of two accounts does not know everywhere."""
    one, two = set(_comparable(before)), set(_comparable(after))
    return tuple(sorted(one ^ two))


def _comparable(of: Account) -> tuple[str, ...]:
    return tuple(f.part for f in of.valued())


def _rows(of: Account, parts: set[str]) -> pd.DataFrame:
    frame = statement(of, KEY)
    frame = frame[frame["part"].isin(parts)]
    area = _areas(of)
    places = zip(frame["zone"], frame["ecosystem"], strict=True)
    return frame[[*KEY, "quantity", "price", "value_cny"]].assign(area=[area.get(p, 1.0) for p in places])


def _areas(of: Account) -> Mapping[tuple[str, str], float]:
    """Area by zone and ecosystem; what speaks of a whole zone has no area and counts as one."""
    out = {(z, ALL): 1.0 for z in (*of.zoned.zones, of.region)}
    values = of.zoned.area_m2
    for z, zone in enumerate(of.zoned.zones):
        for e, eco in enumerate(of.zoned.ecosystems):
            if eco != ALL:
                out[zone, eco] = float(values[z, e])
    return out


def _factors(frame: pd.DataFrame, side: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    area, quantity = frame[f"area_{side}"].to_numpy(float), frame[f"quantity_{side}"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(area > 0, quantity / np.where(area > 0, area, 1), np.nan)
    return area, each, frame[f"price_{side}"].to_numpy(float)


def _completed(
    one: tuple[np.ndarray, ...], two: tuple[np.ndarray, ...]
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """What has no area on one side has there the quantity per area of the other, so that its change is one of area."""
    gone, new = np.isnan(two[1]), np.isnan(one[1])
    first = (one[0], np.where(new, np.where(gone, 0.0, two[1]), one[1]), one[2])
    second = (two[0], np.where(gone, np.where(new, 0.0, one[1]), two[1]), two[2])
    return first, second


def contributions(causes: pd.DataFrame, by: str = "service") -> pd.DataFrame:
    """What each service (zone, ecosystem) adds to growth, in percentage points of the total before.

    Args:
        causes: from `decomposition`.
        by: a column of KEY.

    Returns:
        `by`, value_before, value_after, area_pp, quantity_pp, price_pp, total_pp; total_pp adds up to the growth in %.
    """
    frame = causes.groupby(by, as_index=False, sort=True)[["value_before", "value_after", *EFFECTS]].sum()
    whole = frame["value_before"].sum()
    for effect in EFFECTS:
        frame[f"{effect}_pp"] = 100 * frame.pop(effect) / whole
    frame["total_pp"] = 100 * (frame["value_after"] - frame["value_before"]) / whole
    return frame
