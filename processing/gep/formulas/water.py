"""Water: retention (水源涵养) and annual water yield."""

import numpy as np
from numpy.typing import ArrayLike

from processing.gep.registered import by, formula, given, parameter

_RAIN = by("rainfall", total=given("rainfall_mm"), runoff_producing=given("runoff_rainfall_mm"))
#: mm * m2 -> m3
_MM_M2 = 1e-3
#: Ceiling of the shape of the Fu curve in InVEST annual water yield.
_OMEGA_MAX = 5.0


@formula(
    "W1",
    part="water_retention",
    name_zh="水源涵养量（水量平衡法，实测地表径流）",
    name_en="water retention, water balance with measured runoff",
    unit="m3",
    expression="Q = A (P - R - ET) 1e-3",
    clause="HJ 1173-2021 A.1",
    status="confirmed",
    options={"runoff": "measured"},
    arguments={
        "area_m2": given("area_m2"),
        "p_mm": _RAIN,
        "r_mm": given("surface_runoff_mm"),
        "et_mm": given("evapotranspiration_mm"),
    },
)
def water_retention(area_m2: ArrayLike, p_mm: ArrayLike, r_mm: ArrayLike, et_mm: ArrayLike) -> np.ndarray:
    """Water retained, m3 a-1, by HJ 1173-2021 A.1: Q = A (P - R - ET) 1e-3.

    Args:
        area_m2: area, m2.
        p_mm: rainfall (in HJ 1173 the runoff-producing rainfall), mm a-1.
        r_mm: surface runoff, mm a-1.
        et_mm: actual evapotranspiration, mm a-1.

    Nothing is clipped: where rain does not cover evapotranspiration the quantity is negative.
    """
    return np.asarray(area_m2) * (np.asarray(p_mm) - np.asarray(r_mm) - np.asarray(et_mm)) * _MM_M2


def runoff(p_mm: ArrayLike, coefficient_pct: ArrayLike) -> np.ndarray:
    """Surface runoff R = P alpha, mm, with alpha in per cent (Gong 2017, table 2)."""
    return np.asarray(p_mm) * np.asarray(coefficient_pct) / 100


@formula(
    "W2",
    part="water_retention",
    name_zh="水源涵养量（水量平衡法，径流系数）",
    name_en="water retention, water balance with runoff coefficients",
    unit="m3",
    expression="Q = A (P - P alpha - ET) 1e-3",
    clause="HJ 1173-2021 A.1 with R = P alpha (Gong 2017, doi 10.5846/stxb201512012406)",
    status="confirmed",
    options={"runoff": "coefficient"},
    arguments={
        "area_m2": given("area_m2"),
        "p_mm": _RAIN,
        "coefficient_pct": parameter("runoff_coefficient_pct"),
        "et_mm": given("evapotranspiration_mm"),
    },
)
def water_retention_by_coefficient(
    area_m2: ArrayLike, p_mm: ArrayLike, coefficient_pct: ArrayLike, et_mm: ArrayLike
) -> np.ndarray:
    """Water retained, m3 a-1: HJ 1173-2021 A.1 with the mean surface runoff coefficient of the ecosystem, %."""
    return water_retention(area_m2, p_mm, runoff(p_mm, coefficient_pct), et_mm)


@formula(
    "W4",
    part="water_retention",
    name_zh="水源涵养量（水量供给法）",
    name_en="water retention, water supply method",
    unit="m3",
    expression="Q = use + outflow - inflow",
    clause="national trial norm 2022 and DB33/T 2274-2020, alternative method",
    status="memory",
    options={"runoff": "supply"},
    arguments={
        "use_m3": given("water_use_total_m3"),
        "outflow_m3": given("outflow_m3"),
        "inflow_m3": given("inflow_m3"),
    },
)
def water_supplied(use_m3: ArrayLike, outflow_m3: ArrayLike, inflow_m3: ArrayLike) -> np.ndarray:
    """Water supplied by the ecosystems of an area, m3 a-1: what is used in it plus what leaves less what enters."""
    return np.asarray(use_m3) + np.asarray(outflow_m3) - np.asarray(inflow_m3)


def actual_evapotranspiration_share(
    kc: ArrayLike,
    eto_mm: ArrayLike,
    p_mm: ArrayLike,
    root_mm: ArrayLike,
    soil_mm: ArrayLike,
    pawc: ArrayLike,
    vegetated: ArrayLike,
    z: ArrayLike,
) -> np.ndarray:
    """Share of rain that evaporates, AET / P, by the Fu curve of InVEST annual water yield 3.20.2.

    AET/P = 1 + phi - (1 + phi^w)^(1/w), phi = Kc ETo / P, w = min(5, AWC Z / P + 1.25), AWC = min(root, soil) PAWC;
    without vegetation AET = min(P, Kc ETo). No rain gives 0 as there.

    Args:
        kc: crop coefficient.
        eto_mm: reference evapotranspiration, mm a-1.
        p_mm: rainfall, mm a-1.
        root_mm: rooting depth, mm.
        soil_mm: depth to the layer that stops roots, mm.
        pawc: plant-available water content, 0..1.
        vegetated: 1 where there is vegetation.
        z: seasonality constant.
    """
    p, potential = np.asarray(p_mm, dtype=float), np.asarray(kc) * np.asarray(eto_mm)
    safe = np.where(p > 0, p, 1.0)
    phi = potential / safe
    available = np.minimum(root_mm, soil_mm) * np.asarray(pawc)
    w = np.minimum(_OMEGA_MAX, available * np.asarray(z) / safe + 1.25)
    curve = 1 + phi - (1 + phi**w) ** (1 / w)
    share = np.where(np.asarray(vegetated) == 1, np.minimum(1, curve), np.minimum(p, potential) / safe)
    return np.where(p > 0, share, np.where(np.isnan(p), np.nan, 0.0))


@formula(
    "W5",
    part="water_retention",
    name_zh="产水量（InVEST 年产水量）",
    name_en="annual water yield (InVEST): yield, not retention",
    unit="m3",
    expression="Q = A P (1 - AET/P) 1e-3, Fu curve",
    clause="InVEST 3.20.2 annual water yield; no surface runoff is taken off",
    status="confirmed",
    options={"runoff": "yield"},
    arguments={
        "area_m2": given("area_m2"),
        "kc": parameter("crop_coefficient"),
        "eto_mm": given("reference_evapotranspiration_mm"),
        "p_mm": given("rainfall_mm"),
        "root_mm": parameter("root_depth_mm"),
        "soil_mm": given("soil_depth_mm"),
        "pawc": given("plant_available_water"),
        "vegetated": parameter("vegetated"),
        "z": parameter("seasonality_z"),
    },
)
def water_yield(
    area_m2: ArrayLike,
    kc: ArrayLike,
    eto_mm: ArrayLike,
    p_mm: ArrayLike,
    root_mm: ArrayLike,
    soil_mm: ArrayLike,
    pawc: ArrayLike,
    vegetated: ArrayLike,
    z: ArrayLike,
) -> np.ndarray:
    """Annual water yield, m3 a-1: A P (1 - AET/P) 1e-3; arguments as `actual_evapotranspiration_share`, area in m2."""
    share = actual_evapotranspiration_share(kc, eto_mm, p_mm, root_mm, soil_mm, pawc, vegetated, z)
    return np.asarray(area_m2) * np.asarray(p_mm) * (1 - share) * _MM_M2
