"""The tables of the standards, read strictly: every number a citizen could look up, with source and confidence.

A cell in a numeric column is a number or empty (the standard gives none). `check()` reads everything and lists every
problem of every file at once.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from domain.catalogue import TABLES_DIR, read_table
from domain.errors import CatalogueError


@dataclass(frozen=True, slots=True)
class Spec:
    """Form of one table: its columns, the key that may not repeat, and the columns that hold numbers or dates."""

    columns: str
    key: str
    numbers: str = ""
    dates: str = ""


#: Every table of the standards by file name without `.csv`.
SPECS: Mapping[str, Spec] = {
    "editions": Spec(
        "subject edition valid_from valid_to confidence source", "subject valid_from", dates="valid_from valid_to"
    ),
    "indicator_settings": Spec("indicator setting value confidence source", "indicator setting", "value"),
    "air_gb3095_limits": Spec(
        "standard valid_from valid_to pollutant averaging level1 level2 unit confidence source",
        "valid_from pollutant averaging",
        "level1 level2",
        "valid_from valid_to",
    ),
    "air_iaqi_breakpoints": Spec(
        "standard pollutant averaging unit iaqi conc_breakpoint confidence source",
        "standard pollutant averaging iaqi",
        "iaqi conc_breakpoint",
    ),
    "air_aqi_profiles": Spec("profile breakpoints above_last_row one_missing confidence source", "profile"),
    "air_hourly_profiles": Spec("profile standard pm10 pm25 ozone_8h confidence source", "profile"),
    "air_rounding": Spec("stage edition step SO2 NO2 PM10 PM2.5 O3 CO other rule confidence source", "stage"),
    "spearman_critical": Spec("n critical confidence source", "n", "n critical"),
    "air_warning_steps": Spec(
        "version tier alternative aqi_above days confidence source",
        "version tier alternative aqi_above",
        "alternative aqi_above days",
    ),
    "air_aqi_categories": Spec(
        "aqi_low aqi_high level level_cn category_cn colour_cn r g b hex c m y k confidence source",
        "level",
        "aqi_low aqi_high level",
    ),
    "air_ranking_index_limits": Spec(
        "version SO2 NO2 PM10 PM2.5 CO_p95 O3_p90 confidence source", "version", "SO2 NO2 PM10 PM2.5 CO_p95 O3_p90"
    ),
    "sw_gb3838_table1": Spec(
        "no name_cn key unit direction I II III IV V in_21_items note confidence source", "key", "no"
    ),
    "sw_gb3838_table2": Spec("no name_cn limit_mg_L confidence source", "no", "limit_mg_L"),
    "sw_rounding_decimals": Spec(
        "name_cn key hourly_decimals evaluation_decimals confidence source", "key", "evaluation_decimals"
    ),
    "sw_section_status": Spec("class class_code status_cn colour colour_hint confidence source", "class"),
    "sw_river_status": Spec("share_I_III share_worse_V status_cn confidence source", "status_cn"),
    "sw_black_odorous": Spec("indicator unit none mild severe confidence source", "indicator"),
    "sw_class_profiles": Spec("profile rounded lakes midnight confidence source", "profile"),
    "sw_live_lakes": Spec("province section reason confidence source", "province section"),
    "sw_tli_params": Spec("parameter unit formula_TLI_j r r2 weight confidence source", "parameter", "r r2 weight"),
    "sw_tli_classes": Spec("lower lower_op upper upper_op class_cn confidence source", "class_cn", "lower upper"),
    "gw_gbt14848_2017": Spec("no group name_cn expressed_as unit I II III IV V confidence source", "no name_cn", "no"),
    "groundwater_items": Spec("parameter name_cn source", "parameter"),
    "soil_gb15618_screening": Spec(
        "element land ph_le_5.5 ph_5.5_6.5 ph_6.5_7.5 ph_gt_7.5 unit confidence source",
        "element land",
        "ph_le_5.5 ph_5.5_6.5 ph_6.5_7.5 ph_gt_7.5",
    ),
    "soil_gb15618_intervention": Spec(
        "element ph_le_5.5 ph_5.5_6.5 ph_6.5_7.5 ph_gt_7.5 unit confidence source",
        "element",
        "ph_le_5.5 ph_5.5_6.5 ph_6.5_7.5 ph_gt_7.5",
    ),
    "soil_gb15618_organic": Spec("item screening_mg_kg note confidence source", "item", "screening_mg_kg"),
    "soil_gb36600_2018": Spec(
        "table no pollutant_cn cas group screening_class1 screening_class2 intervention_class1 intervention_class2 "
        "unit note confidence source",
        "table no",
        "screening_class1 screening_class2 intervention_class1 intervention_class2",
    ),
    "soil_index_classes": Spec(
        "index lower lower_op upper upper_op class_no class_cn confidence source",
        "index class_no",
        "lower upper class_no",
    ),
    "soil_toxic_factors": Spec("element Tr confidence source", "element", "Tr"),
    "soil_background": Spec(
        "region element value_mg_kg p10 p90 statistic confidence source", "region element", "value_mg_kg p10 p90"
    ),
    "soil_background_sets": Spec("region name_en default confidence source", "region"),
    "soil_items": Spec("parameter pollutant_cn source", "parameter"),
    "soil_fertility_grades": Spec(
        "scheme parameter unit grade1 grade2 grade3 grade4 grade5 grade6 confidence source", "scheme parameter"
    ),
    "noise_limits": Spec("standard zone day night unit note confidence source", "standard zone", "day night"),
    "noise_grades_hj640": Spec(
        "kind period grade1_le grade2_le grade3_le grade4_le grade5 names confidence source",
        "kind period",
        "grade1_le grade2_le grade3_le grade4_le",
    ),
    "emission_limits": Spec(
        "standard source_type item limit unit averaging note confidence source", "standard source_type item averaging"
    ),
    "emission_sets": Spec(
        "target parameter standard source_type item months water_temp judged o2_reference note",
        "target parameter item",
        "o2_reference",
    ),
}


@cache
def table(name: str) -> pd.DataFrame:
    """One table of the standards, its numeric columns as floats (NaN where the standard gives none).

    Raises:
        CatalogueError: the file is not as `SPECS` says; every problem of the file at once.
    """
    spec = SPECS[name]
    frame = read_table(TABLES_DIR / f"{name}.csv", columns=spec.columns.split(), key=spec.key.split())
    problems: list[str] = []
    for column in spec.numbers.split():
        numbers = pd.to_numeric(frame[column].where(frame[column] != ""), errors="coerce").astype(float)
        problems += _bad(name, frame, column, numbers.isna().to_numpy(), "a number")
        frame[column] = numbers
    for column in spec.dates.split():
        dates = pd.to_datetime(frame[column].where(frame[column] != ""), format="%Y-%m-%d", errors="coerce")
        problems += _bad(name, frame, column, dates.isna().to_numpy(), "a date YYYY-MM-DD")
    problems += _overlaps(name, frame, spec) if spec.dates and not problems else []
    if problems:
        raise CatalogueError(problems)
    return frame


def check() -> None:
    """Read every table of the standards.

    Raises:
        CatalogueError: every problem of every table at once.
    """
    problems: list[str] = []
    for name in SPECS:
        try:
            table(name)
        except CatalogueError as error:
            problems += error.problems
    if problems:
        raise CatalogueError(problems)


@cache
def setting(indicator: str, name: str) -> float:
    """A number that an indicator's rule leaves open or that no text confirms, from indicator_settings.csv.

    Raises:
        KeyError: the table has no such setting.
    """
    rows = table("indicator_settings").set_index(["indicator", "setting"])
    return float(rows.loc[(indicator, name), "value"])


@cache
def breakpoints(standard: str, pollutant: str, averaging: str) -> tuple[np.ndarray, np.ndarray]:
    """IAQI and concentration of the rows of HJ 633 table 1 that have a concentration, both ascending.

    Raises:
        KeyError: the standard has no such column.
    """
    rows = table("air_iaqi_breakpoints")
    rows = rows[
        (rows["standard"] == standard) & (rows["pollutant"] == pollutant) & (rows["averaging"] == averaging)
    ].dropna(subset=["conc_breakpoint"])
    if rows.empty:
        raise KeyError(f"{standard} has no column for {pollutant} {averaging}")
    rows = rows.sort_values("iaqi")
    return rows["iaqi"].to_numpy(np.int64), rows["conc_breakpoint"].to_numpy(float)


@cache
def groundwater_bounds() -> pd.DataFrame:
    """Upper bounds of classes I to IV of GB/T 14848-2017 by Chinese item name, ascending; above IV is class V.

    -inf where class I asks for "not detected", inf where IV and V share one bound (reported as IV). Items judged by
    eye or nose and pH, which has two-sided bands, are not here.

    Raises:
        CatalogueError: a cell is neither a bound nor a known phrase; all at once.
    """
    rows = table("gw_gbt14848_2017")
    rows = rows[(rows["name_cn"] != "pH") & ~rows["I"].isin(["无"])].set_index("name_cn")
    out = pd.DataFrame(index=rows.index)
    problems: list[str] = []
    for column in ("I", "II", "III", "IV"):
        text = rows[column]
        bound = pd.to_numeric(text.str.removeprefix("<="), errors="coerce")
        bound = bound.mask(text == "not detected", -np.inf)
        out[column] = bound.mask(text.str.startswith(">") & (column == "IV"), np.inf)
        problems += [
            f"gw_gbt14848_2017.csv:{rows.loc[i, 'line']}: {column} {text[i]!r} is not a bound such as '<=0.5'"
            for i in out.index[out[column].isna()]
        ]
    if problems:
        raise CatalogueError(problems)
    return out


def within(clause: str, values: np.ndarray) -> np.ndarray:
    """Which values meet a clause of a table: `>=75 % and <90 %`, `-200 to 50`, `any`.

    Raises:
        CatalogueError: the clause is not understood.
    """
    x = np.asarray(values, dtype=float)
    out = np.ones(x.shape, bool)
    if clause.strip() == "any":
        return out
    between = re.fullmatch(r"\s*(-?[\d.]+) to (-?[\d.]+)\s*", clause)
    if between:
        return (x >= float(between[1])) & (x <= float(between[2]))
    for part in clause.split(" and "):
        found = re.match(r"\s*(>=|<=|>|<)\s*(-?[\d.]+)", part)
        if not found:
            raise CatalogueError([f"the clause {clause!r} is not understood; write for example '>=75 and <90'"])
        out &= _COMPARE[found[1]](x, float(found[2]))
    return out


def ladder(name: str, index: str = "") -> pd.DataFrame:
    """The steps of a table with columns lower, lower_op, upper, upper_op as one clause each, in the column `clause`."""
    rows = table(name)
    rows = rows[rows["index"] == index].copy() if index else rows.copy()
    low = [f"{op}{x}" if not np.isnan(x) else "" for op, x in zip(rows["lower_op"], rows["lower"], strict=True)]
    high = [f"{op}{x}" if not np.isnan(x) else "" for op, x in zip(rows["upper_op"], rows["upper"], strict=True)]
    rows["clause"] = [" and ".join(filter(None, pair)) for pair in zip(low, high, strict=True)]
    return rows


_COMPARE: Mapping[str, Callable[[np.ndarray, float], np.ndarray]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def _bad(name: str, frame: pd.DataFrame, column: str, unread: np.ndarray, kind: str) -> list[str]:
    wrong = frame[unread & (frame[column] != "").to_numpy()]
    return [
        f"{name}.csv:{line}: {column} {text!r} is not {kind}; write one or leave the cell empty"
        for line, text in zip(wrong["line"], wrong[column], strict=True)
    ]


def _overlaps(name: str, frame: pd.DataFrame, spec: Spec) -> list[str]:
    """Rows of one subject whose validity begins before that of the earlier row has ended."""
    subject = [c for c in spec.key.split() if c != "valid_from"]
    ordered = frame.sort_values([*subject, "valid_from"])
    before = ordered.shift()
    same = (ordered[subject] == before[subject]).all(axis=1)
    end = before["valid_to"].where(before["valid_to"] != "", "9999-12-31")
    clash = ordered[same & (ordered["valid_from"] <= end)]
    return [
        f"{name}.csv:{line}: the validity overlaps the row before it of the same {subject}" for line in clash["line"]
    ]
