"""Groundwater: the class of a well and of each of its items by GB/T 14848-2017."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from domain.catalogue import parameters
from domain.limits import editions
from domain.standards import groundwater_bounds, table
from domain.times import DAY, HOUR, HOUR_4
from processing.aggregate import Observed, Wide, dates, day_of, flag_of, results, together
from processing.aqi import named
from processing.registered import indicator

F = TypeVar("F", bound=Callable[..., Any])

PERIODS = (HOUR, HOUR_4, DAY)
GRADES = ("Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ", "Ⅴ")


@cache
def items() -> dict[str, str]:
    """Parameter id -> item of GB/T 14848-2017, for the items that instruments and laboratories send."""
    rows = table("groundwater_items")
    return dict(zip(rows["parameter"], rows["name_cn"], strict=True))


def item_class(name: str, values: np.ndarray, *, undetected: np.ndarray | bool = False) -> np.ndarray:
    """Class 1..5 of each value (any shape) of an item; NaN where missing. Equal bounds take the better class.

    Args:
        name: Chinese name of the item in the standard.
        values: values in the standard's unit.
        undetected: where the value stands for "not detected".

    Raises:
        KeyError: the standard has no number for the item.

    Source: GB/T 14848-2017 tables 1 and 2; equal bounds from memory.
    """
    x = np.asarray(values, dtype=float)
    if name == "pH":
        classes = np.where((x >= 6.5) & (x <= 8.5), 1, np.where((x >= 5.5) & (x <= 9.0), 4, 5))
    else:
        bounds = groundwater_bounds().loc[name].to_numpy(float)
        # Where class I asks for "not detected" its bound is minus infinity: the mark decides, not the number.
        classes = 1 + ((x[..., None] > bounds) & ~(np.isneginf(bounds) & np.asarray(undetected)[..., None])).sum(
            axis=-1
        )
    return np.where(np.isnan(x), np.nan, classes)


@indicator(
    "groundwater.class",
    name_zh="地下水质量类别",
    name_en="class of groundwater",
    unit="1",
    periods=PERIODS,
    subject="station",
    formula="worst class of the measured items; below detection: half the limit",
    completeness="what is measured",
    standard="GB/T 14848-2017",
    source="GB/T 14848-2017 tables 1 and 2; worst item from memory",
    confidence="partly confirmed",
    takes="observations",
    parameters=tuple(items()),
)
def groundwater_class(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001 - all take both
    """Class of each well as measured, 1 to 5, with the items that decide it (detail).

    Args:
        observed: hourly, 4-hourly or daily observations.
        stations: not needed here.
    """
    return together([_classes(observed.wide(tuple(items()), p), p) for p in PERIODS])


def _each(function: F) -> F:
    """Register one class per item."""
    for parameter, name in items().items():
        function = indicator(
            item_id(parameter),
            name_zh=f"地下水{name}类别",
            name_en=f"class of groundwater by {parameters().loc[parameter, 'name_en'].removeprefix('groundwater ')}",
            unit="1",
            periods=PERIODS,
            subject="station",
            formula="best class whose limit is met; below detection: half the limit",
            completeness="the item",
            standard="GB/T 14848-2017",
            source=f"{_sources()[parameter]}; equal limits take the better class (from memory)",
            confidence="partly confirmed",
            takes="observations",
            parameters=(parameter,),
        )(function)
    return function


def item_id(parameter: str) -> str:
    """The indicator of the class of one item."""
    return f"groundwater.class_{parameter.removeprefix('gw_')}"


@cache
def _sources() -> dict[str, str]:
    rows = table("groundwater_items")
    return dict(zip(rows["parameter"], rows["source"], strict=True))


@_each
def item_classes(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001 - all take both
    """Class 1 to 5 of each item of each well as measured.

    Args:
        observed: hourly, 4-hourly or daily observations.
        stations: not needed here.
    """
    parts = []
    for period in PERIODS:
        rows = observed.wide(tuple(items()), period)
        for i, (parameter, name) in enumerate(items().items()):
            at = np.flatnonzero(rows.seen[:, i])
            if not len(at):
                continue
            found = item_class(name, rows.values[at, i], undetected=rows.halved[at, i])
            known = ~np.isnan(found)
            parts.append(
                results(
                    indicator=item_id(parameter),
                    medium="groundwater",
                    subject=rows.subject[at],
                    time=rows.time[at],
                    period=period,
                    value=found,
                    unit="1",
                    grade=_grades(found),
                    n_valid=known.astype(int),
                    n_expected=1,
                    flag=flag_of(rows.flags[at, i][:, None], known[:, None], known),
                    detail=np.where(known, "", "no valid value"),
                    edition=editions("groundwater", dates(day_of(rows.time[at]))),
                )
            )
    return together(parts)


def _grades(classes: np.ndarray) -> np.ndarray:
    names = np.array([*GRADES, ""], dtype=object)
    return names[np.where(np.isnan(classes), len(GRADES), np.nan_to_num(classes, nan=1) - 1).astype(int)]


def _classes(rows: Wide, period: str) -> pd.DataFrame:
    found = np.stack(
        [item_class(name, rows.values[:, i], undetected=rows.halved[:, i]) for i, name in enumerate(items().values())],
        axis=1,
    )
    worst = np.fmax.reduce(found, axis=1)
    known = ~np.isnan(worst)
    deciding = (found == worst[:, None]) & (worst > 1)[:, None]
    return results(
        indicator="groundwater.class",
        medium="groundwater",
        subject=rows.subject,
        time=rows.time,
        period=period,
        value=worst,
        unit="1",
        grade=_grades(worst),
        n_valid=(~np.isnan(found)).sum(axis=1),
        n_expected=rows.seen.sum(axis=1),
        flag=flag_of(rows.flags, ~np.isnan(found), known),
        detail=np.where(known, named(deciding, tuple(items())), "no valid item"),
        edition=editions("groundwater", dates(day_of(rows.time))),
    )
