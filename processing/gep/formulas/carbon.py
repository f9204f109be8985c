"""Carbon sequestration (固碳) by each offered method, and oxygen release (释氧)."""

import numpy as np
from numpy.typing import ArrayLike

from processing.gep.registered import formula, given, parameter, result

#: Molar masses: CO2 44, C 12, O2 32.
_CO2_PER_C = 44 / 12
_O2_PER_CO2 = 32 / 44


def co2_of_carbon(carbon_t: ArrayLike) -> np.ndarray:
    """CO2, t, of carbon, t: 44 / 12."""
    return np.asarray(carbon_t) * _CO2_PER_C


@formula(
    "C1",
    part="carbon_sequestration",
    name_zh="固碳量（净生态系统生产力）",
    name_en="carbon dioxide sequestered, NEP",
    unit="t CO2",
    expression="CO2 = 44/12 (NPP - Rs)",
    clause="GB/T 46869-2025 A.7 (NEP; secondary), forest services doi 10.5846/stxb201606161172",
    status="confirmed",
    options={"carbon_method": "nep"},
    arguments={"npp_t_c": given("npp_t_c"), "respiration_t_c": given("soil_respiration_t_c")},
)
def co2_of_nep(npp_t_c: ArrayLike, respiration_t_c: ArrayLike) -> np.ndarray:
    """CO2 sequestered, t a-1: 44/12 (NPP - Rs), both in t of carbon, Rs the heterotrophic respiration of the soil."""
    return co2_of_carbon(np.asarray(npp_t_c) - np.asarray(respiration_t_c))


@formula(
    "C2",
    part="carbon_sequestration",
    name_zh="固碳量（干物质）",
    name_en="carbon dioxide sequestered, dry matter",
    unit="t CO2",
    expression="CO2 = 1.63 NPP",
    clause="LY/T 1721-2008, GB/T 38582-2020 (Gaotianyan, Baiyangdian)",
    status="confirmed",
    options={"carbon_method": "dry_matter"},
    arguments={"npp_dm_t": given("npp_dry_t"), "per_t": parameter("co2_per_dry_matter")},
)
@formula(
    "O2.dry_matter",
    part="oxygen_release",
    name_zh="释氧量（干物质）",
    name_en="oxygen released, dry matter",
    unit="t O2",
    expression="O2 = 1.19 NPP",
    clause="LY/T 1721-2008, GB/T 38582-2020 (Gaotianyan; Baiyangdian has 1.2)",
    status="confirmed",
    options={"oxygen_basis": "dry_matter"},
    arguments={"npp_dm_t": given("npp_dry_t"), "per_t": parameter("o2_per_dry_matter")},
)
def gas_of_dry_matter(npp_dm_t: ArrayLike, per_t: ArrayLike) -> np.ndarray:
    """CO2 fixed or O2 released, t a-1, by net primary production in t of dry matter: 1.63 or 1.19 t a tonne."""
    return np.asarray(npp_dm_t) * np.asarray(per_t)


@formula(
    "C3",
    part="carbon_sequestration",
    name_zh="固碳量（生物量变化）",
    name_en="carbon dioxide sequestered, change of biomass",
    unit="t CO2",
    expression="CO2 = 44/12 A C_c (AGB1 - AGB0)",
    clause="guide of 2020; GB/T 46869-2025 A.7 (biomass; secondary)",
    status="memory",
    options={"carbon_method": "biomass"},
    arguments={
        "area_m2": given("area_m2"),
        "before_t_hm2": given("biomass_before_t_hm2"),
        "after_t_hm2": given("biomass_after_t_hm2"),
        "fraction": parameter("carbon_fraction"),
    },
)
def co2_of_biomass(
    area_m2: ArrayLike, before_t_hm2: ArrayLike, after_t_hm2: ArrayLike, fraction: ArrayLike
) -> np.ndarray:
    """CO2 sequestered between two inventories, t: 44/12 A C_c (AGB1 - AGB0).

    Args:
        area_m2: area, m2.
        before_t_hm2: dry biomass at the first inventory, t hm-2.
        after_t_hm2: at the second.
        fraction: C_c, carbon in dry biomass (about 0.5).
    """
    gained = np.asarray(after_t_hm2) - np.asarray(before_t_hm2)
    return co2_of_carbon(np.asarray(area_m2) * 1e-4 * np.asarray(fraction) * gained)


@formula(
    "C4",
    part="carbon_sequestration",
    name_zh="固碳量（固碳速率）",
    name_en="carbon dioxide sequestered, rates",
    unit="t CO2",
    expression="CO2 = 44/12 A r (1 + beta)",
    clause="guide of 2020, national trial norm 2022; GB/T 46869-2025 A.7 (rates; secondary)",
    status="memory",
    options={"carbon_method": "rate"},
    arguments={
        "area_m2": given("area_m2"),
        "rate_t_hm2": parameter("carbon_rate_t_hm2"),
        "soil_share": parameter("soil_carbon_share"),
    },
)
def co2_of_rate(area_m2: ArrayLike, rate_t_hm2: ArrayLike, soil_share: ArrayLike) -> np.ndarray:
    """CO2 sequestered, t a-1: 44/12 A r (1 + beta).

    Args:
        area_m2: area, m2.
        rate_t_hm2: carbon sequestered by the vegetation (of wetland and cropland: in all), t C hm-2 a-1.
        soil_share: beta, what the soil adds as a share of it; 0 where the rate holds the soil.
    """
    return co2_of_carbon(np.asarray(area_m2) * 1e-4 * np.asarray(rate_t_hm2) * (1 + np.asarray(soil_share)))


@formula(
    "C5",
    part="carbon_sequestration",
    name_zh="固碳量（碳库变化）",
    name_en="carbon dioxide sequestered, change of pools",
    unit="t CO2",
    expression="CO2 = 44/12 (sum pools A1 - sum pools A0)",
    clause="InVEST 3.20.2 carbon",
    status="confirmed",
    options={"carbon_method": "pools"},
    arguments={
        "area_m2": given("area_m2"),
        "area_before_m2": given("area_before_m2"),
        "pools_t_hm2": parameter("carbon_pools_t_hm2"),
    },
)
def co2_of_pools(area_m2: ArrayLike, area_before_m2: ArrayLike, pools_t_hm2: ArrayLike) -> np.ndarray:
    """CO2 gained by the change of extent, t over the period: 44/12 (A1 - A0) pools, pools in t C hm-2 by class."""
    return co2_of_carbon((np.asarray(area_m2) - np.asarray(area_before_m2)) * 1e-4 * np.asarray(pools_t_hm2))


@formula(
    "O1",
    part="oxygen_release",
    name_zh="释氧量（由固碳量）",
    name_en="oxygen released, from carbon dioxide",
    unit="t O2",
    expression="O2 = 32/44 CO2",
    clause="DB33/T 2274-2020, guide of 2020",
    status="memory",
    options={"oxygen_basis": "co2"},
    arguments={"co2_t": result("carbon_sequestration")},
)
def o2_of_co2(co2_t: ArrayLike) -> np.ndarray:
    """O2 released, t a-1, with the CO2 sequestered: 32 / 44."""
    return np.asarray(co2_t) * _O2_PER_CO2


def constant_of_carbon_value(
    year0: int, year1: int, discount_pct: float, rate_change_pct: float, price: float
) -> float:
    """What 1 t of carbon sequestered evenly over year0..year1 is worth now (InVEST 3.20.2 carbon), in units of price.

    price / n * sum over n = year1 - year0 years of 1 / ((1 + d/100) (1 + c/100))^t, t = 0..n-1.
    """
    years = year1 - year0
    ratio = 1 / ((1 + discount_pct / 100) * (1 + rate_change_pct / 100))
    return float(price / years * (ratio ** np.arange(years)).sum())
