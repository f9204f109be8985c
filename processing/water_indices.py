"""Indices of surface water beside its class: rivers, change, trophic level, CWQI, oxygen, black and odorous water."""

from collections.abc import Mapping
from functools import cache

import numpy as np

from domain.limits import CLASSES, surface_water_items, surface_water_key
from domain.standards import ladder, table, within
from processing.rounding import round_computed
from processing.surface_water import judged

#: Status of a section, best first (环办〔2011〕22号).
STATUS = ("优", "良好", "轻度污染", "中度污染", "重度污染")
_CHANGE = {0: "无明显变化", 1: "有所", 2: "明显"}


def river_status(classes: np.ndarray) -> tuple[float, float, str]:
    """Shares of classes I-III and of worse than V in %, 1 decimal, and the status of the river; for 5 sections or more.

    Raises:
        ValueError: fewer than 5 sections, which are averaged and judged as one section instead.

    Source: 环办〔2011〕22号, sw_river_status.csv.
    """
    grades = np.asarray(classes)
    if len(grades) < 5:
        raise ValueError(f"{len(grades)} sections: below 5 the items are averaged and judged as one section")
    good, bad = 100 * (grades <= 3).mean(), 100 * (grades == 6).mean()
    for row in table("sw_river_status").itertuples():
        share = str(row.share_I_III).partition("(")[0]
        if within(share, good) and within(str(row.share_worse_V), bad):
            return float(round_computed(good, 1)), float(round_computed(bad, 1)), str(row.status_cn)
    raise ValueError(f"sw_river_status.csv has no row for {good} % and {bad} %")


def section_change(before: str, after: str) -> str:
    """Change of a section by the steps between its status before and after. Source: 环办〔2011〕22号 (from memory)."""
    return _change_words(STATUS.index(before) - STATUS.index(after))


def basin_change(good_before: float, bad_before: float, good_after: float, bad_after: float) -> str:
    """Change of a basin by x = gain in I-III minus gain in worse than V, in points: up to 10 none, above 20 marked.

    Source: 环办〔2011〕22号 (from memory, unconfirmed).
    """
    x = (good_after - good_before) - (bad_after - bad_before)
    size = 0 if abs(x) <= 10 else 1 if abs(x) <= 20 else 2
    return _change_words(size if x > 0 else -size)


def tli(values: Mapping[str, float]) -> tuple[dict[str, float], float, str]:
    """Trophic level of each measured item and of all by weight, 2 decimals, and the state; weights are re-normalised.

    Args:
        values: chla (mg/m3), TP, TN, CODMn (mg/L), SD (m); NaN or absent where missing.

    Source: 环办〔2011〕22号; ChinaXiv 202112.00113 (formula of CODMn from memory). State by the value of 1 decimal.
    """
    terms = tli_terms()
    there = {p: x for p, x in values.items() if p in terms and np.isfinite(x)}
    each = {p: 10 * (terms[p][0] + terms[p][1] * float(np.log(x))) for p, x in there.items()}
    weight = sum(terms[p][2] for p in there)
    total = sum(terms[p][2] * level for p, level in each.items()) / weight if there else np.nan
    steps = ladder("sw_tli_classes")
    reached = [within(c, round_computed(np.array(total), 1)) for c in steps["clause"]]
    state = str(steps["class_cn"].to_numpy()[np.argmax(reached)]) if any(reached) else ""
    return {p: _rounded(x, 2) for p, x in each.items()}, _rounded(total, 2), state


def cwqi(values: Mapping[str, float], *, lake: bool = False) -> tuple[dict[str, float], float]:
    """City water quality index: each of the 21 items against class III, and their plain sum; 4 decimals.

    DO counts 5 / DO, pH 7 - pH up to 7 and (pH - 7) / 2 above; smaller is better.

    Source: 城市地表水环境质量排名技术规定 2017.
    """
    each = {}
    for item in judged():
        x = values.get(item, np.nan)
        if not np.isfinite(x):
            continue
        third = float(surface_water_items().loc[surface_water_key(item, lake=lake), CLASSES[2]])
        if item == "pH":
            each[item] = 7 - x if x <= 7 else (x - 7) / 2
        else:
            each[item] = third / x if item == "DO" else x / third
    return {p: _rounded(x, 4) for p, x in each.items()}, _rounded(sum(each.values()), 4)


def cwqi_city(river: float, n_river: int, lake: float, n_lake: int) -> float:
    """Index of a city from those of its rivers and lakes, weighted by sections and points (from memory); 4 decimals."""
    return _rounded((river * n_river + lake * n_lake) / (n_river + n_lake), 4)


def do_saturation(temp: np.ndarray, salinity: float = 0.0) -> np.ndarray:
    """Saturated dissolved oxygen in mg/L at one standard atmosphere; temp in degC, salinity in g/kg.

    Source: HJ 2.3-2018 annex D.
    """
    t = np.asarray(temp, dtype=float)
    return (491 - 2.65 * salinity) / (33.5 + t) if salinity else 468 / (31.6 + t)


def do_index(do: float, temp: float, *, target: str = "III", version: str = "HJ 2.3-2018") -> float:
    """Standard index of dissolved oxygen against a class; above 1 it is missed. The two editions differ; 2 decimals.

    Source: HJ 2.3-2018 annex D (from memory), HJ/T 2.3-93.
    """
    limit = float(surface_water_items().loc["DO", target])
    full = float(do_saturation(np.array(temp)))
    if version == "HJ 2.3-2018":
        index = limit / do if do <= full else abs(full - do) / (full - limit)
    else:
        index = abs(full - do) / (full - limit) if do >= limit else 10 - 9 * do / limit
    return _rounded(index, 2)


def ph_index(ph: float) -> float:
    """Standard index of pH against 6 to 9; above 1 it lies outside; 2 decimals. Source: HJ 2.3-2018 annex D."""
    row = surface_water_items().loc["pH"]
    high, low = float(row["I"]), float(row["low"])
    return _rounded((ph - 7) / (high - 7) if ph > 7 else (7 - ph) / (7 - low), 2)


def black_odorous(*, do: float = np.nan, nh3n: float = np.nan, sd_cm: float = np.nan, orp: float = np.nan) -> str:
    """Grade of an urban water by the worst of its measured indicators: 无黑臭, 轻度黑臭, 重度黑臭.

    Source: sw_black_odorous.csv; transparency by the row for water of 25 cm and deeper.
    """
    rows = table("sw_black_odorous").set_index("indicator")
    names = {"溶解氧": do, "氨氮": nh3n, "透明度 (depth >=25 cm)": sd_cm, "氧化还原电位": orp}
    words = {"severe": "重度黑臭", "mild": "轻度黑臭"}
    for column, word in words.items():
        if any(np.isfinite(x) and within(str(rows.loc[name, column]), np.array(x)) for name, x in names.items()):
            return word
    return "无黑臭"


@cache
def tli_terms() -> Mapping[str, tuple[float, float, float]]:
    """a, b and r2 of each parameter of `10*(a+b*ln(x))` in sw_tli_params.csv."""
    out = {}
    for row in table("sw_tli_params").itertuples():
        formula = str(row.formula_TLI_j).removeprefix("10*(").partition("*ln")[0]
        a, b = formula.replace("-", "+-").split("+")[-2:]
        out[str(row.parameter)] = (float(a), float(b), float(row.r2))
    return out


def _change_words(steps: int) -> str:
    size = _CHANGE[min(abs(steps), 2)]
    return size if steps == 0 else size + ("好转" if steps > 0 else "变差")


def _rounded(x: float, decimals: int) -> float:
    return float(round_computed(np.array(x), decimals))
