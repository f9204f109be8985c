"""The functions that files of worked examples name, each as a thin translation to ours.

Arguments and results have the form of the file; numbers may be written as text. Missing is null there and NaN here.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from domain.limits import emission_limit, noise_limit
from domain.standards import table
from processing import air_statistics, aqi, soil_indices, surface_water, water_indices
from processing.aggregate import mean_rounded
from processing.indicators import groundwater, noise, soil, source
from processing.rounding import round_computed, round_half_even, round_water
from tests.oracles.gep import FUNCTIONS as GEP

#: The day on which a rule without a date of its own is asked for.
TODAY = date(2026, 11, 21)


def number(x: Any) -> float:
    return float("nan") if x is None else float(x)


def numbers(xs: Sequence[Any]) -> np.ndarray:
    return np.array([number(x) for x in xs], dtype=float)


def plain(x: float, decimals: int | None = None) -> float | int | None:
    """A number as JSON has it: null when missing, whole when it is whole by rule."""
    if np.isnan(x):
        return None
    value = float(x) if decimals is None else float(round_computed(np.array(x), decimals))
    return int(value) if decimals == 0 else value


def round_gbt8170(value: Any, decimals: int) -> Any:
    rounded = float(round_half_even(np.array(number(value)), decimals))
    return plain(rounded, decimals) if decimals == 0 else plain(rounded)


def rounded_water(value: Any, decimals: int) -> Any:
    return float(round_water(np.array(number(value)), decimals))


def iaqi(pollutant: str, averaging: str, conc: Any, standard: str = "HJ 633-2026", round_input: bool = True) -> Any:
    return plain(float(aqi.iaqi(pollutant, averaging, numbers([conc]), standard, round_input=round_input)[0]), 0)


def aqi_category(aqi: int) -> dict[str, str]:
    rows = table("air_aqi_categories")
    row = rows[(rows["aqi_low"] <= aqi) & (rows["aqi_high"] >= aqi)].iloc[0]
    return {"level": row["level_cn"], "category": row["category_cn"], "colour": row["colour_cn"], "hex": row["hex"]}


def whole_aqi(
    values: Mapping[str, Any], mode: str = "daily", standard: str = "HJ 633-2026", not_monitored: Sequence[str] = ()
) -> dict[str, Any]:
    columns = aqi.DAILY if mode == "daily" else aqi.HOURLY
    conc = numbers([values.get(p) for p in aqi.ITEMS])[None]
    found = aqi.aqi(conc, standard, columns, not_monitored=not_monitored)
    published = plain(found.published[0], 0)
    return {
        "iaqi": {p: plain(x, 0) for p, x in zip(aqi.ITEMS, found.iaqi[0], strict=True)},
        "aqi": plain(found.index[0], 0),
        "primary": [p for p, mark in zip(aqi.ITEMS, found.primary[0], strict=True) if mark],
        "published": "NA" if published is None else published,
        "category": str(aqi.category(found.published)[0]) or None,
    }


def daily_mean(hours: Sequence[Any], pollutant: str, min_hours: int = 20) -> Any:
    places = aqi.decimals(pollutant)
    return plain(float(mean_rounded(numbers(hours), need=min_hours, decimals=places)), places)


def mda8(
    hours: Sequence[Any], limit: float = 160, min_in_window: int = 6, min_windows: int = 14, first_end: int = 8
) -> dict[str, Any]:
    found = aqi.mda8(
        numbers(hours)[None], limit, min_in_window=min_in_window, min_windows=min_windows, first_end=first_end
    )
    value = plain(found.value[0], 0)
    out = {"value": value, "valid_windows": int(found.windows[0]), "valid": value is not None}
    return out if found.windows[0] == 0 else {**out, "max8h_unvalidated": plain(found.unvalidated[0], 0)}


def composite_index(
    stats: Mapping[str, Any],
    version: str = "2026-03 on (transition limits)",
    weights: Mapping[str, float] | None = None,
    decimals: int = 2,
) -> dict[str, Any]:
    values = {p: number(x) for p, x in stats.items()}
    single, index, top = air_statistics.composite_index(values, version, weights=weights, decimals=decimals)
    return {"single": single, "index": index, "top": top}


def sw_item_class(item: str, value: Any, lake: bool = False, rounded: bool = True) -> Any:
    return plain(float(surface_water.item_class(item, np.array(number(value)), lake=lake, rounded=rounded)), 0)


def sw_value(text: Any) -> list[Any]:
    below = str(text).strip()
    if below.endswith("L") or below.startswith("<"):
        return [float(below.strip("L<")) / 2, True]
    return [float(below), False]


def sw_section(values: Mapping[str, Any], lake: bool = False) -> dict[str, Any]:
    items = [p for p in surface_water.judged() if values.get(p) is not None]
    conc, kind = np.array([[sw_value(values[p])[0] for p in items]]), np.array([lake])
    found = surface_water.section(conc, items, kind)
    over = surface_water.multiples(conc, items, kind)
    rank = surface_water.main_pollutants(found, over, items)[0]
    return {
        "class": f"{surface_water.grade(found.value)[0]}类",
        "status": surface_water.status(found.value)[0],
        "items": {p: f"{g}类" for p, g in zip(items, surface_water.grade(found.items[0]), strict=True)},
        "main_pollutants": [items[i] for i in np.argsort(rank, kind="stable") if rank[i]],
        "exceed_multiples": {p: float(x) for p, x in zip(items, over[0], strict=True) if not np.isnan(x)},
    }


def sw_river_status(classes: Sequence[int]) -> dict[str, Any]:
    good, bad, status = water_indices.river_status(np.array(classes))
    return {"good_share": good, "worse_v_share": bad, "status": status}


def tli(**x: Any) -> dict[str, Any]:
    each, total, state = water_indices.tli({p: number(v) for p, v in x.items()})
    return {"each": each, "TLI": total, "state": state}


def cwqi(values: Mapping[str, Any], lake: bool = False) -> dict[str, Any]:
    each, total = water_indices.cwqi({p: number(v) for p, v in values.items()}, lake=lake)
    return {"each": each, "CWQI": total}


def do_index(do: Any, temp: Any, target: str = "III", version: str = "HJ 2.3-2018") -> float:
    return water_indices.do_index(number(do), number(temp), target=target, version=version)


def black_odorous(do: Any = None, nh3n: Any = None, sd_cm: Any = None, orp: Any = None) -> str:
    return water_indices.black_odorous(do=number(do), nh3n=number(nh3n), sd_cm=number(sd_cm), orp=number(orp))


def gw_item_class(name: str, value: Any) -> Any:
    amount, below = sw_value(value)
    return plain(float(groundwater.item_class(name, np.array(amount), undetected=np.array(below))), 0)


def gw_overall(values: Mapping[str, Any]) -> dict[str, Any]:
    classes = {name: gw_item_class(name, x) for name, x in values.items() if x is not None}
    worst = max(classes.values())
    return {
        "class": f"{groundwater.GRADES[worst - 1]}类",
        "worst_items": [name for name, c in classes.items() if c == worst],
        "items": {name: f"{groundwater.GRADES[c - 1]}类" for name, c in classes.items()},
    }


def ldn(hourly24: Sequence[Any]) -> dict[str, float | None]:
    levels = numbers(hourly24)
    day, night = noise.energy_mean(levels[6:22]), noise.energy_mean(np.concatenate([levels[22:], levels[:6]]))
    both = noise.day_night_level(day, night)
    return {"Ld": plain(float(day), 1), "Ln": plain(float(night), 1), "Ldn": plain(float(both), 1)}


def noise_ok(zone: str, ld: Any, ln: Any) -> dict[str, bool]:
    return {
        "day_ok": not noise_limit(str(zone), "day").exceeded(number(ld)),
        "night_ok": not noise_limit(str(zone), "night").exceeded(number(ln)),
    }


def noise_grade(kind: str, period: str, level: Any) -> str:
    return "一二三四五"[noise.city_grade(kind, period, number(level)) - 1] + "级"


def gb15618(sample: Mapping[str, Any], ph: Any, land: str) -> dict[str, Any]:
    values = numbers([sample.get(e) for e in soil.ELEMENTS])[None]
    found = soil.risk(values, numbers([ph]), np.array([land]))
    single = dict(zip(soil.ELEMENTS, round_computed(found.index[0], 2).tolist(), strict=True))
    return {
        "Pi": {e: single[e] for e in sample},
        "category": soil.CATEGORIES[int(found.category[0]) - 1],
        "because_of": [e for e in sample if found.because[0][soil.ELEMENTS.index(e)]],
    }


def nemerow(pi: Sequence[Any]) -> dict[str, Any]:
    index, words = soil_indices.nemerow(numbers(pi))
    return {"P": index, "class": words}


def igeo(c: Any, background: Any, k: float = 1.5) -> dict[str, Any]:
    index, step = soil_indices.igeo(number(c), number(background), k=k)
    return {"Igeo": index, "class": step}


def hakanson(sample: Mapping[str, Any], background: Mapping[str, Any]) -> dict[str, Any]:
    each, classes, total, words = soil_indices.hakanson(
        {e: number(x) for e, x in sample.items()}, {e: number(x) for e, x in background.items()}
    )
    return {"Er": each, "Er_class": classes, "RI": total, "class": words}


def o2_correct(c: Any, o2: Any, ref: Any) -> Any:
    return plain(float(source.o2_correct(np.array(number(c)), np.array(number(o2)), number(ref))), 1)


def cems_hour(minutes_valid: int, mean: Any, need: int = 45) -> Any:
    return plain(number(mean)) if minutes_valid >= need else None


def cems_day(hours: Sequence[Any], need: int = 20, decimals: int = 1) -> Any:
    return plain(float(mean_rounded(numbers(hours), need=need, decimals=decimals)))


def wwtp_day(item: str, daily_mean: Any, water_temp: Any = None, grade: str = "一级A") -> dict[str, Any]:
    temp = None if water_temp is None else number(water_temp)
    limit = emission_limit(f"GB 18918-2002/{grade}", item, TODAY, water_temp=temp)
    if limit is None:
        raise KeyError(f"GB 18918-2002/{grade} sets no limit for {item}")
    over = float(air_statistics.exceed_multiple(numbers([daily_mean]), np.array(limit.value))[0])
    return {"limit": limit.value, "exceeds": limit.exceeded(number(daily_mean)), "multiple": over}


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "round_gbt8170": round_gbt8170,
    "round_water": rounded_water,
    "iaqi": iaqi,
    "aqi_category": aqi_category,
    "aqi": whole_aqi,
    "daily_mean": daily_mean,
    "mda8": mda8,
    "percentile": lambda values, p: air_statistics.percentile(numbers(values), number(p)),
    "annual_valid": lambda days_per_month, need=324: air_statistics.annual_valid(np.array(days_per_month), need=need),
    "exceed_multiple": lambda conc, limit, decimals=2: float(
        air_statistics.exceed_multiple(np.array(number(conc)), np.array(number(limit)), decimals=decimals)
    ),
    "attainment_rate": lambda ok, valid: plain(air_statistics.attainment_rate(ok, valid)),
    "composite_index": composite_index,
    "spearman_trend": lambda values: air_statistics.spearman_trend(numbers(values)),
    "warning_tier_2024": lambda daily_aqi: air_statistics.warning_tier(numbers(daily_aqi)),
    "gas_ppb_to_ugm3": lambda pollutant, ppb: float(air_statistics.gas_ppb_to_ugm3(pollutant, np.array(number(ppb)))),
    "sw_item_class": sw_item_class,
    "sw_value": sw_value,
    "sw_section": sw_section,
    "sw_river_status": sw_river_status,
    "sw_change_section": water_indices.section_change,
    "sw_change_basin": lambda g0, d0, g1, d1: water_indices.basin_change(*map(number, (g0, d0, g1, d1))),
    "tli": tli,
    "cwqi": cwqi,
    "cwqi_city": lambda river, n_river, lake, n_lake: water_indices.cwqi_city(
        number(river), n_river, number(lake), n_lake
    ),
    "ph_mean": lambda values: plain(float(surface_water.ph_mean(numbers(values))), 2),
    "do_saturation": lambda temp, salinity=0: plain(
        float(water_indices.do_saturation(np.array(number(temp)), number(salinity))), 2
    ),
    "do_index": do_index,
    "ph_index": lambda ph: water_indices.ph_index(number(ph)),
    "black_odorous": black_odorous,
    "gw_item_class": gw_item_class,
    "gw_overall": gw_overall,
    "leq": lambda levels: plain(float(noise.energy_mean(numbers(levels))), 1),
    "ldn": ldn,
    "noise_ok": noise_ok,
    "noise_grade": noise_grade,
    "gb15618": gb15618,
    "gb36600": lambda pollutant, value, land_class: soil_indices.construction_land(
        pollutant, number(value), int(land_class)
    ),
    "nemerow": nemerow,
    "igeo": igeo,
    "hakanson": hakanson,
    "fertility_grade": lambda item, value: soil_indices.fertility_grade(item, number(value)),
    "o2_correct": o2_correct,
    "cems_hour": cems_hour,
    "cems_day": cems_day,
    "wwtp_day": wwtp_day,
    "flow_weighted": lambda conc, flow: plain(float(source.flow_weighted(numbers(conc), numbers(flow))), 2),
    **GEP,
}
