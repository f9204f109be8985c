"""Flood mitigation (洪水调蓄): vegetation, lakes, reservoirs and marshes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from processing.gep.registered import formula, given, parameter

#: mm * km2 -> m3
_MM_KM2 = 1000.0


def flood_storage(storm_mm: ArrayLike, runoff_mm: ArrayLike, area_km2: ArrayLike) -> np.ndarray:
    """Storm rain that vegetation holds back, m3 a-1: (P - R) A 1000, in mm, mm and km2 (recalled from the norms)."""
    return (np.asarray(storm_mm) - np.asarray(runoff_mm)) * np.asarray(area_km2) * _MM_KM2


def storm_runoff(storm_mm: ArrayLike, a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """Surface runoff of a storm, mm: a ln P - b, not below 0 (guide of 2020, coefficients recalled).

    Args:
        storm_mm: rain of storms, mm; 0 gives 0.
        a: slope of the regression of the ecosystem, mm.
        b: its constant, mm.
    """
    rain = np.asarray(storm_mm, dtype=float)
    with np.errstate(divide="ignore"):
        return np.maximum(0.0, np.asarray(a) * np.log(rain) - np.asarray(b))


@formula(
    "F1",
    part="flood_mitigation.vegetation",
    name_zh="植被洪水调蓄量",
    name_en="flood storage by vegetation",
    unit="m3",
    expression="C = A (P - R) 1e-3, R = max(0, a ln P - b)",
    clause="guide of 2020, DB33/T 2274-2020 and national trial norm 2022",
    status="memory",
    arguments={
        "area_m2": given("area_m2"),
        "storm_mm": given("storm_rain_mm"),
        "a": parameter("storm_runoff_a"),
        "b": parameter("storm_runoff_b"),
    },
)
def vegetation_storage(area_m2: ArrayLike, storm_mm: ArrayLike, a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """Flood storage by vegetation, m3 a-1: storm rain less its runoff (`storm_runoff`), over the area in m2.

    The storm rain is the mean of the zone and ecosystem: the logarithm of a mean, not the mean of logarithms.
    """
    return flood_storage(storm_mm, storm_runoff(storm_mm, a, b), np.asarray(area_m2) * 1e-6)


@formula(
    "F2",
    part="flood_mitigation.forest_benefit",
    name_zh="森林调洪量（径流减少系数）",
    name_en="flood storage by forest, share of runoff avoided",
    unit="m3",
    expression="Q = A J0 K R 1e-3",
    clause="Gaotianyan 2017 (doi 10.5846/stxb201607091410)",
    status="confirmed",
    arguments={
        "area_m2": given("area_m2"),
        "rain_mm": given("rainfall_mm"),
        "producing_share": parameter("runoff_producing_share"),
        "benefit": parameter("runoff_benefit"),
    },
)
def forest_benefit(
    area_m2: ArrayLike, rain_mm: ArrayLike, producing_share: ArrayLike, benefit: ArrayLike
) -> np.ndarray:
    """Water that forest keeps from running off, m3 a-1: A J0 K R 1e-3.

    Args:
        area_m2: area, m2.
        rain_mm: J0, annual rain, mm.
        producing_share: K, share of rain of days above 20 mm.
        benefit: R = R0 - Rg, by how much the runoff coefficient is less than that of bare ground.
    """
    return np.asarray(area_m2) * np.asarray(rain_mm) * np.asarray(producing_share) * np.asarray(benefit) * 1e-3


@formula(
    "F3",
    part="flood_mitigation.lakes",
    name_zh="湖泊洪水调蓄量",
    name_en="flood storage by lakes",
    unit="m3",
    expression="C = exp(a) S^b T 1e4",
    clause="Garze 2017 (doi 10.5846/stxb201607011362) after Rao 2014; other regions recalled",
    status="confirmed",
    arguments={
        "area_km2": given("lake_area_km2"),
        "intercept": parameter("lake_intercept"),
        "exponent": parameter("lake_exponent"),
        "exchanges": parameter("lake_exchanges"),
    },
    itemised=True,
)
def lake_storage(
    area_km2: ArrayLike, intercept: ArrayLike, exponent: ArrayLike, exchanges: ArrayLike = 1
) -> np.ndarray:
    """Flood storage of lakes, m3 a-1: exp(a) S^b T 10^4. Not linear in area: one lake at a time.

    Args:
        area_km2: area of the lake, km2.
        intercept: a of the lake region, ln(1e4 m3).
        exponent: b of the lake region.
        exchanges: T, how often the water is exchanged in a year.
    """
    return np.exp(intercept) * np.asarray(area_km2, dtype=float) ** np.asarray(exponent) * np.asarray(exchanges) * 1e4


@formula(
    "F4",
    part="flood_mitigation.reservoirs",
    name_zh="水库洪水调蓄量",
    name_en="flood storage by reservoirs",
    unit="m3",
    expression="C = 0.35 C_total",
    clause="Garze 2017 (doi 10.5846/stxb201607011362)",
    status="confirmed",
    arguments={"capacity_m3": given("reservoir_capacity_m3"), "share": parameter("reservoir_flood_share")},
    itemised=True,
)
def reservoir_storage(capacity_m3: ArrayLike, share: ArrayLike = 0.35) -> np.ndarray:
    """Flood storage of reservoirs, in the unit of the capacity: a share of the total capacity."""
    return np.asarray(capacity_m3) * np.asarray(share)


@formula(
    "F5",
    part="flood_mitigation.marshes",
    name_zh="沼泽洪水调蓄量（地表滞水）",
    name_en="flood storage by marshes, water on the surface",
    unit="m3",
    expression="C = S h",
    clause="Garze 2017 (doi 10.5846/stxb201607011362), whose table needs m3 where it prints 1e4 m3",
    status="confirmed",
    arguments={"area_m2": given("area_m2"), "depth_m": parameter("marsh_depth_m")},
)
def marsh_storage(area_m2: ArrayLike, depth_m: ArrayLike = 0.3) -> np.ndarray:
    """Water that marshes hold on their surface, m3 a-1: S h, with the depth of the water in m."""
    return np.asarray(area_m2) * np.asarray(depth_m)


@formula(
    "F6",
    part="flood_mitigation.marsh_soil",
    name_zh="沼泽洪水调蓄量（土壤蓄水）",
    name_en="flood storage by marshes, water in the soil",
    unit="m3",
    expression="C = S h rho (F - E) / rho_w",
    clause="guide of 2020",
    status="memory",
    arguments={
        "area_m2": given("area_m2"),
        "depth_m": parameter("marsh_soil_depth_m"),
        "density_t_m3": parameter("marsh_soil_density_t_m3"),
        "saturated": parameter("marsh_water_saturated"),
        "before": parameter("marsh_water_before"),
    },
)
def marsh_soil_storage(
    area_m2: ArrayLike, depth_m: ArrayLike, density_t_m3: ArrayLike, saturated: ArrayLike, before: ArrayLike
) -> np.ndarray:
    """Water that the soil of marshes takes up, m3 a-1: S h rho (F - E) / rho_w, water contents as mass fractions."""
    taken = np.asarray(saturated) - np.asarray(before)
    return np.asarray(area_m2) * np.asarray(depth_m) * np.asarray(density_t_m3) * taken


def storage_of_episodes(pairs: Sequence[Sequence[float]]) -> float:
    """Flood storage that was measured, m3: the sum over flood episodes of (peak - initial) storage (Baiyangdian)."""
    return float(sum(peak - start for peak, start in pairs))


@formula(
    "F7",
    part="flood_mitigation.measured",
    name_zh="洪水调蓄量（实测蓄水量差）",
    name_en="flood storage, measured",
    unit="m3",
    expression="C = sum (peak - initial)",
    clause="Baiyangdian 2017 (doi 10.5846/stxb201410091984)",
    status="confirmed",
    arguments={"peak_m3": given("flood_peak_m3"), "initial_m3": given("flood_initial_m3")},
    itemised=True,
)
def measured_storage(peak_m3: ArrayLike, initial_m3: ArrayLike) -> np.ndarray:
    """Storage at the peak of each flood episode less that at its start, m3."""
    return np.asarray(peak_m3) - np.asarray(initial_m3)


def scs_storage(curve_number: ArrayLike) -> np.ndarray:
    """Largest retention S, mm, of the curve number: 25400 / CN - 254 (SCS; InVEST urban flood risk)."""
    return 25400 / np.asarray(curve_number, dtype=float) - 254


def scs_runoff(storm_mm: ArrayLike, curve_number: ArrayLike, initial: float = 0.2) -> np.ndarray:
    """Runoff of a storm, mm: (P - l S)^2 / (P + (1 - l) S) where P > l S, else 0 (SCS curve number)."""
    rain, store = np.asarray(storm_mm, dtype=float), scs_storage(curve_number)
    excess = np.maximum(rain - initial * store, 0)
    return np.where(excess > 0, excess**2 / np.where(excess > 0, rain + (1 - initial) * store, 1), excess)


@formula(
    "F8",
    part="flood_mitigation.curve_number",
    name_zh="植被洪水调蓄量（SCS 曲线数）",
    name_en="flood storage by vegetation, curve number",
    unit="m3",
    expression="C = A (P - Q_SCS) 1e-3",
    clause="InVEST 3.20.2 urban flood risk mitigation",
    status="confirmed",
    arguments={
        "area_m2": given("area_m2"),
        "storm_mm": given("storm_rain_mm"),
        "curve_number": parameter("curve_number"),
    },
)
def curve_number_storage(area_m2: ArrayLike, storm_mm: ArrayLike, curve_number: ArrayLike) -> np.ndarray:
    """Storm rain that does not run off by the curve number of the ecosystem, m3: A (P - Q) 1e-3."""
    return flood_storage(storm_mm, scs_runoff(storm_mm, curve_number), np.asarray(area_m2) * 1e-6)
