"""Which limit holds where and when: by standard, by the date of the measurement, by the station's zone or target.

Dates before the first edition in a table take that first edition: history is judged by the oldest rule we know, and the
edition is written beside every result.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Literal

import numpy as np
import pandas as pd

from domain.errors import CatalogueError
from domain.standards import table

Sense = Literal["at most", "at least", "within"]

CLASSES = ("I", "II", "III", "IV", "V")
_ROMAN = str.maketrans({"Ⅰ": "I", "Ⅱ": "II", "Ⅲ": "III", "Ⅳ": "IV", "Ⅴ": "V"})

#: GB 3838 and GB 3095 name averaging periods; these are what an indicator's value is compared with by default.
AVERAGING = {"annual", "daily", "1h", "daily_max_8h"}
LAKES = ("lake", "reservoir")


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of one parameter; a value that equals it complies."""

    value: float
    unit: str
    edition: str
    confidence: str
    sense: Sense = "at most"
    low: float = float("nan")  # lower end when the sense is "within"; `value` is the upper end then
    judged: str = ""  # hour or day: the mean the standard judges by, where it names one

    def exceeded(self, value: float) -> bool:
        """Whether a value breaks the limit; NaN does not."""
        if self.sense == "at least":
            return value < self.value
        return value > self.value or value < self.low


def limit_of(
    reference: str, parameter: str, station: Mapping[str, Any], day: date, *, averaging: str | None = None
) -> Limit | None:
    """The limit of a parameter at a station on a Shanghai day; None where the standard sets none.

    Args:
        reference: `GB 3095` (level by the station's zone), `GB 3838` (class by its target, TP by its kind),
            `emission` (limit set named by its target) or `GB 3096` (by its zone).
        parameter: a parameter id; LAeq for noise.
        station: a row of the registry.
        day: the Shanghai day of the measurement.
        averaging: GB 3095: annual, daily, 1h, daily_max_8h (by default daily, and daily_max_8h for O3);
            GB 3096: day or night (by default day).

    Raises:
        CatalogueError: unknown reference, or the station's zone or target is not in the tables.
    """
    if reference == "GB 3095":
        return _air(parameter, str(station["zone"]), day, averaging)
    if reference == "GB 3838":
        lake = station["kind"] in LAKES
        return _surface_water(surface_water_key(parameter, lake=lake), target_class(str(station["target"])), day)
    if reference == "GB 3096":
        return noise_limit(str(station["zone"]), averaging or "day")
    if reference == "emission":
        return emission_limit(str(station["target"]), parameter, day)
    raise CatalogueError([f"limit reference {reference!r} is not one of GB 3095, GB 3838, GB 3096, emission"])


@cache
def edition(subject: str, day: date) -> str:
    """The edition of the standard of a subject in `editions.csv` in force on a day.

    Raises:
        KeyError: the table does not know the subject.
    """
    return str(editions(subject, np.array([day], dtype="datetime64[D]"))[0])


def editions(subject: str, days: np.ndarray) -> np.ndarray:
    """The edition in force on each day (datetime64[D]), as text.

    Raises:
        KeyError: the table does not know the subject.
    """
    rows = table("editions")
    rows = rows[rows["subject"] == subject]
    if rows.empty:
        raise KeyError(f"editions.csv has no subject {subject!r}")
    return rows["edition"].to_numpy(object)[in_force(rows["valid_from"], days)]


def in_force(valid_from: pd.Series, days: np.ndarray) -> np.ndarray:
    """Position of the row in force on each day; rows ascend by date, the first also covers everything before it."""
    starts = valid_from.to_numpy(dtype="datetime64[D]")
    return np.maximum(np.searchsorted(starts, np.asarray(days, dtype="datetime64[D]"), side="right") - 1, 0)


def air_limits(pollutant: str, averaging: str, level: int, days: np.ndarray) -> np.ndarray:
    """GB 3095 limit of each day (datetime64[D]) in the pollutant's unit; NaN where the standard sets none."""
    rows = _gb3095(pollutant, averaging)
    if rows.empty:
        return np.full(np.shape(days), np.nan)
    return rows[f"level{level}"].to_numpy(float)[in_force(rows["valid_from"], days)]


def target_class(target: str) -> int:
    """The number of a target class written I..V or Ⅰ..Ⅴ; 0 where the section has none.

    Raises:
        CatalogueError: something else is written.
    """
    text = target.translate(_ROMAN).strip()
    if not text:
        return 0
    if text not in CLASSES:
        raise CatalogueError([f"stations.csv: target class {target!r} is not one of {', '.join(CLASSES)}"])
    return CLASSES.index(text) + 1


@cache
def surface_water_items() -> pd.DataFrame:
    """GB 3838 table 1 by item key (TP_river, TP_lake apart): sense, I..V as numbers, judged, decimals, confidence.

    `judged` marks the 21 items of a section's class; `decimals` are those of evaluation.

    Raises:
        CatalogueError: a limit cannot be read.
    """
    rows = table("sw_gb3838_table1").set_index("key")
    rows = rows[rows["direction"] != "none"]
    sense = rows["direction"].map({"ge": "at least", "le": "at most", "range": "within"})
    numbers = {c: pd.to_numeric(rows[c].str.rpartition("-")[2], errors="coerce") for c in CLASSES}
    low = pd.to_numeric(rows["I"].str.partition("-")[0], errors="coerce").where(sense == "within")
    decimals = table("sw_rounding_decimals").set_index("key")["evaluation_decimals"]
    out = pd.DataFrame({"sense": sense, **numbers, "low": low, "judged": rows["in_21_items"] == "yes"})
    out["decimals"] = [decimals.get(key.partition("_")[0], np.nan) for key in out.index]
    out["confidence"] = rows["confidence"]
    out["unit"] = rows["unit"].replace("-", "1")
    unread = out[out[["sense", *CLASSES, "decimals"]].isna().any(axis=1)]
    if len(unread):
        raise CatalogueError([f"sw_gb3838_table1.csv:{rows.loc[k, 'line']}: {k}: unread limit" for k in unread.index])
    return out.astype({"decimals": int})


def surface_water_key(parameter: str, *, lake: bool) -> str:
    """The key of a parameter in GB 3838 table 1; only TP differs between rivers and lakes."""
    return f"TP_{'lake' if lake else 'river'}" if parameter == "TP" else parameter


@cache
def emission_limit(target: str, parameter: str, day: date, *, water_temp: float | None = None) -> Limit | None:
    """The emission limit of a parameter under a limit set such as `GB 18918-2002/一级A`; None where it sets none.

    Seasonal limits go by the month. Limits that depend on the water temperature take the stricter one when it is
    unknown.

    Raises:
        CatalogueError: the limit set is not in `emission_sets.csv`.
    """
    rows = _emission_set(target)
    rows = rows[rows["parameter"] == parameter]
    rows = rows[
        [
            _in_season(m, day) and _in_temperature(t, water_temp)
            for m, t in zip(rows["months"], rows["water_temp"], strict=True)
        ]
    ]
    if rows.empty:
        return None
    row = rows.sort_values("value", kind="stable").iloc[0]
    within = not np.isnan(row["low"])
    return Limit(
        value=float(row["value"]),
        unit=str(row["unit"]).replace("-", "1"),
        edition=str(row["standard"]),
        confidence=str(row["confidence"]),
        sense="within" if within else "at most",
        low=float(row["low"]),
        judged=str(row["judged"]),
    )


def emission_parameters(target: str) -> tuple[str, ...]:
    """The parameters a limit set limits.

    Raises:
        CatalogueError: the limit set is not in `emission_sets.csv`.
    """
    return tuple(dict.fromkeys(_emission_set(target)["parameter"]))


def reference_oxygen(target: str) -> float:
    """Reference oxygen content of a limit set in %, NaN where it corrects nothing.

    Raises:
        CatalogueError: the limit set is not in `emission_sets.csv`.
    """
    return float(_emission_set(target)["o2_reference"].iloc[0])


@cache
def _air(parameter: str, zone: str, day: date, averaging: str | None) -> Limit | None:
    period = averaging or ("daily_max_8h" if parameter == "O3" else "daily")
    if period not in AVERAGING or zone not in ("1", "2"):
        raise CatalogueError([f"GB 3095: averaging {period!r} or zone {zone!r} is not in the table"])
    rows = _gb3095(parameter, period)
    if rows.empty:
        return None
    row = rows.iloc[int(in_force(rows["valid_from"], np.array([day], dtype="datetime64[D]"))[0])]
    return Limit(float(row[f"level{zone}"]), str(row["unit"]), str(row["standard"]), str(row["confidence"]))


@cache
def _gb3095(pollutant: str, averaging: str) -> pd.DataFrame:
    rows = table("air_gb3095_limits")
    return rows[(rows["pollutant"] == pollutant) & (rows["averaging"] == averaging)].sort_values("valid_from")


@cache
def _surface_water(key: str, target: int, day: date) -> Limit | None:
    items = surface_water_items()
    if key not in items.index or target == 0:
        return None
    row = items.loc[key]
    return Limit(
        value=float(row[CLASSES[target - 1]]),
        unit=str(row["unit"]),
        edition=edition("surface water", day),
        confidence=str(row["confidence"]),
        sense=row["sense"],
        low=float(row["low"]),
    )


@cache
def noise_limit(zone: str, period: str) -> Limit:
    """GB 3096 limit of a zone by day or night.

    Raises:
        CatalogueError: the zone or period is not in the table.
    """
    rows = table("noise_limits")
    rows = rows[(rows["standard"] == "GB 3096-2008") & (rows["zone"] == zone)]
    if rows.empty or period not in ("day", "night"):
        raise CatalogueError([f"GB 3096: zone {zone!r} or period {period!r} is not in noise_limits.csv"])
    row = rows.iloc[0]
    return Limit(float(row[period]), str(row["unit"]), str(row["standard"]), str(row["confidence"]))


@cache
def _emission_set(target: str) -> pd.DataFrame:
    """The rows of one limit set with their limits: parameter, months, water_temp, judged, value, low, unit, ..."""
    sets = table("emission_sets")
    sets = sets[sets["target"] == target]
    if sets.empty:
        known = ", ".join(dict.fromkeys(table("emission_sets")["target"]))
        raise CatalogueError([f"stations.csv: the limit set {target!r} is not in emission_sets.csv; known are {known}"])
    limits = table("emission_limits")[["standard", "source_type", "item", "limit", "unit", "confidence"]]
    rows = sets.merge(limits, on=["standard", "source_type", "item"], how="left")
    rows["value"] = pd.to_numeric(rows["limit"].str.rpartition("-")[2], errors="coerce")
    rows["low"] = pd.to_numeric(
        rows["limit"].str.partition("-")[0].where(rows["limit"].str.contains("-")), errors="coerce"
    )
    unread = rows[rows["value"].isna()]
    if len(unread):
        raise CatalogueError(
            [
                f"emission_sets.csv:{r.line}: {r.source_type} {r.item} has no number in emission_limits.csv"
                for r in unread.itertuples()
            ]
        )
    return rows


def _in_season(months: str, day: date) -> bool:
    """Whether a day lies in months written `4-10` or, over the new year, `11-3`; empty is always."""
    if not months:
        return True
    first, _, last = months.partition("-")
    a, b = int(first), int(last)
    return a <= day.month <= b if a <= b else day.month >= a or day.month <= b


def _in_temperature(condition: str, water_temp: float | None) -> bool:
    """Whether a water temperature meets `>12` or `<=12`; without a temperature both stay possible."""
    if not condition or water_temp is None or np.isnan(water_temp):
        return True
    bound = float(condition.lstrip("<=>"))
    return water_temp > bound if condition.startswith(">") else water_temp <= bound
