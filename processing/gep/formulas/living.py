"""What lives: negative oxygen ions, species, pests; and what green belts keep quiet."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from processing.gep.registered import Argument, formula, given, parameter

#: Minutes of a year times cm3 of a hm2 one metre high.
_MINUTES_CM3 = 525_600 * 1e10
_IONS: Mapping[str, Argument] = {
    "area_m2": given("area_m2"),
    "height_m": given("stand_height_m"),
    "life_min": parameter("ion_life_min"),
}


@formula(
    "N1",
    part="negative_ions",
    name_zh="提供负氧离子个数",
    name_en="negative oxygen ions",
    unit="ions",
    expression="G = 5.256e15 Q A H / L",
    clause="LY/T 1721-2008, GB/T 38582-2020",
    status="memory",
    arguments={"ions_per_cm3": given("negative_ions_per_cm3"), **_IONS},
)
def negative_ions(ions_per_cm3: ArrayLike, area_m2: ArrayLike, height_m: ArrayLike, life_min: ArrayLike) -> np.ndarray:
    """Negative ions a year: 5.256e15 Q A H / L.

    Args:
        ions_per_cm3: Q, concentration in the stand.
        area_m2: A, m2 (in the formula hm2).
        height_m: H, height of the stand.
        life_min: L, life of an ion, minutes.
    """
    volume = np.asarray(area_m2) * 1e-4 * np.asarray(height_m)
    return _MINUTES_CM3 * np.asarray(ions_per_cm3) * volume / np.asarray(life_min)


@formula(
    "N2",
    part="negative_ions.above_background",
    name_zh="超出本底的负氧离子个数",
    name_en="negative oxygen ions above the background",
    unit="ions",
    expression="G = 5.256e15 max(0, Q - 600) A H / L",
    clause="LY/T 1721-2008, GB/T 38582-2020",
    status="memory",
    arguments={
        "ions_per_cm3": given("negative_ions_per_cm3"),
        "background": parameter("ion_background"),
        **_IONS,
    },
)
def ions_above_background(
    ions_per_cm3: ArrayLike, background: ArrayLike, area_m2: ArrayLike, height_m: ArrayLike, life_min: ArrayLike
) -> np.ndarray:
    """Negative ions a year above the background of 600 per cm3, the ones that are valued; none below it."""
    above = np.maximum(0.0, np.asarray(ions_per_cm3) - np.asarray(background))
    return negative_ions(above, area_m2, height_m, life_min)


@formula(
    "B1",
    part="species_conservation",
    name_zh="物种保育面积（按濒危、特有、古树加权）",
    name_en="area weighted by endangered, endemic and ancient species",
    unit="hm2",
    expression="A (1 + 0.1 sum E + 0.1 sum B + 0.1 sum O)",
    clause="GB/T 38582-2020",
    status="memory",
    arguments={"area_m2": given("area_m2"), "marks": given("species_marks")},
)
def species_area(area_m2: ArrayLike, marks: ArrayLike) -> np.ndarray:
    """Area, hm2, weighted by what lives on it: A (1 + 0.1 sum of marks), marks E, B and O of GB/T 38582-2020."""
    return np.asarray(area_m2) * 1e-4 * (1 + 0.1 * np.asarray(marks))


def shannon_step(shannon: ArrayLike) -> np.ndarray:
    """Step 0..6 of the Shannon index in the price table of GB/T 38582: below 1, 1 to 2, ... 6 and above."""
    index = np.asarray(shannon, dtype=float)
    return np.where(np.isnan(index), -1, np.searchsorted((1, 2, 3, 4, 5, 6), index, side="right"))


@formula(
    "B2",
    part="pest_control",
    name_zh="病虫害控制面积",
    name_en="area where pests are held down",
    unit="hm2",
    expression="A",
    clause="Garze 2017 (doi 10.5846/stxb201607011362) 2.4",
    status="confirmed",
    arguments={"area_m2": given("pest_control_area_m2")},
    itemised=True,
)
def pest_area(area_m2: ArrayLike) -> np.ndarray:
    """Area on which natural enemies hold pests down, hm2."""
    return np.asarray(area_m2) * 1e-4


@formula(
    "Z1",
    part="noise_attenuation",
    name_zh="道路绿化带降噪长度",
    name_en="road with a green belt that lowers noise",
    unit="km",
    expression="L",
    clause="national trial norm 2022, LY/T 1721-2008",
    status="memory",
    arguments={"length_km": given("green_belt_road_km")},
)
def quiet_road(length_km: ArrayLike) -> np.ndarray:
    """Length of road whose green belt lowers noise, km; valued by a noise barrier of that length."""
    return np.asarray(length_km, dtype=float)
