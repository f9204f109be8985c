"""The functions of the GEP norms that files of worked examples name, each as a thin translation to ours."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from processing.gep.formulas import (
    carbon,
    climate,
    condition,
    culture,
    flood,
    living,
    prices,
    products,
    purification,
    sand,
    soil,
    soil_factors,
    water,
)
from processing.gep.formulas.sand import erodible_fraction
from processing.gep.values import Values, best

_KM2, _HM2 = 1e6, 1e4


def total(values: Any) -> float:
    return float(np.sum(values))


def array(values: Sequence[float]) -> np.ndarray:
    return np.array(values, dtype=float)


def row(parameter: str, item: str = "", ecosystem: str = "all", *sets: str) -> float:
    rows = Values({parameter: sets} if sets else {}, region="33", year=9999).rows(parameter)
    found = best([r for r in rows if r.ecosystem == ecosystem], ecosystem, item)
    if found is None:
        raise KeyError(f"{parameter} of {item or ecosystem}")
    return found.value


def zhang(daily_mm: Sequence[float], pd12_mm: float, py12_mm: float, threshold_mm: float = 12.0) -> dict[str, float]:
    beta, alpha, r = soil_factors.zhang_erosivity(daily_mm, pd12_mm, py12_mm, threshold_mm)
    return {"beta": beta, "alpha": alpha, "R": r}


def rusle(R: float, K: float, L: float, S: float, C: float, P: float = 1.0) -> dict[str, float]:
    potential, actual, retained = soil.rusle(R, K, L, S, C, P)
    return {"potential": float(potential), "actual": float(actual), "retention": float(retained)}


def sediment(retention_t: float, price_yuan_m3: float, lam: float = 0.24, rho_t_m3: float = 1.3) -> dict[str, float]:
    volume = soil.silt_volume(retention_t, lam, rho_t_m3)
    return {"volume_m3": float(volume), "value": float(prices.value(volume, price_yuan_m3))}


def nonpoint(retention_t: float, contents: Mapping[str, float], prices_yuan_t: Mapping[str, float]) -> dict[str, Any]:
    tonnes, value = soil.nonpoint_value(retention_t, contents, prices_yuan_t)
    return {"tonnes": tonnes, "value": value}


def storm_runoff_ln(eco_type: str, storm_mm: float) -> float:
    a, b = (row(f"storm_runoff_{x}", ecosystem=eco_type) for x in "ab")
    return float(flood.storm_runoff(storm_mm, a, b))


def lake_storage_qtp(area_km2: float, exchanges: float = 1) -> float:
    a, b = (row(f"lake_{x}", "", "all", "qinghai-tibet") for x in ("intercept", "exponent"))
    return float(flood.lake_storage(area_km2, a, b, exchanges)) / 1e4


def dry_matter(npp_dm_t: float) -> dict[str, float]:
    per_co2, per_o2 = row("co2_per_dry_matter"), row("o2_per_dry_matter", "", "all", "ly1721-2008")
    co2, o2 = carbon.gas_of_dry_matter(npp_dm_t, per_co2), carbon.gas_of_dry_matter(npp_dm_t, per_o2)
    return {"co2_t": float(co2), "o2_t": float(o2)}


def purification_quantity(
    emission_t: float, capacity_t_km2: Sequence[float], area_km2: Sequence[float], meets_standard: bool
) -> float:
    areas = array(area_km2) * _KM2
    return total(purification.purified(emission_t, areas, array(capacity_t_km2), float(meets_standard)))


def tax_price(pollutant: str, yuan_per_equivalent: float) -> float:
    item = {"general_dust": "dust", "smoke_dust": "smoke dust", "NH3N": "NH3-N"}.get(pollutant, pollutant)
    return float(prices.tax_price(yuan_per_equivalent, row("pollution_equivalent_kg", item))) / 1000


def climate_vegetation(epp_kj_m2_d: Sequence[float], area_km2: Sequence[float], days: float, cop: float = 3.0) -> float:
    return total(climate.vegetation_cooling(array(epp_kj_m2_d), array(area_km2) * _KM2, days, cop))


def climate_water(
    evap_m3: float, latent_j_g: float = 2450.0, humidifier_kwh_m3: float = 120.0, cop: float | None = None
) -> float:
    return float(climate.water_cooling(evap_m3, latent_j_g, humidifier_kwh_m3, 1.0 if cop is None else cop))


def wind(wf: float, ef: float, scf: float, k_rough: float, c: float, z_m: float) -> dict[str, float]:
    q_max, s, loss = sand.wind_erosion(wf, ef, scf, k_rough, c, z_m)
    return {"qmax_kg_m": float(q_max), "s_m": float(s), "sl_kg_m2": float(loss)}


def erodible(sand: float, silt: float, clay: float, om: float, caco3: float = 0.0) -> float:
    return float(erodible_fraction(sand, silt, clay, om, caco3))


def rweq_c(veg: str, cover_pct: float) -> float:
    ecosystem = {"woodland": "forest"}.get(veg, veg)
    return float(sand.vegetation_factor(row("rweq_coefficient", ecosystem=ecosystem), cover_pct))


def sand_value(
    q_t: float, rho_t_m3: float = 1.28, cover_m: float = 0.1, price_yuan_m2: float = 3.75
) -> dict[str, float]:
    area = sand.land_kept_from_sand(q_t, rho_t_m3, cover_m)
    return {"area_km2": float(area) / _KM2, "value": float(prices.value(area, price_yuan_m2))}


def ions(
    q_per_cm3: float,
    area_hm2: float,
    height_m: float,
    life_min: float,
    price_yuan_per_ion: float,
    background: float = 600.0,
) -> dict[str, float]:
    area = area_hm2 * _HM2
    above = living.ions_above_background(q_per_cm3, background, area, height_m, life_min)
    made = living.negative_ions(q_per_cm3, area, height_m, life_min)
    return {"ions": float(made), "value": float(prices.value(above, price_yuan_per_ion))}


def species(
    shannon: float,
    area_hm2: float,
    endangered: Sequence[float] = (),
    endemic: Sequence[float] = (),
    ancient: Sequence[float] = (),
) -> float:
    steps = {f"s{n}": row("species_price_step", f"s{n}") for n in range(7)}
    quantity = living.species_area(area_hm2 * _HM2, sum([*endangered, *endemic, *ancient]))
    return float(prices.value(quantity, prices.species_price(shannon, **steps)))


def travel_cost_te_tv_cs(visitors: float, te: float, tv: float, cs: float) -> float:
    return float(prices.value(culture.counted(visitors), culture.cost_of_visit(te, tv, cs)))


def wtp_value(wtp_per_month: float, payers: float, rate: float) -> float:
    return float(prices.value(culture.counted(12 * payers), culture.willingness(wtp_per_month, rate)))


def ree(measured: Sequence[float], retrieved: Sequence[float]) -> dict[str, float]:
    error, precision = condition.precision(measured, retrieved)
    return {"REE": error, "P": precision}


def confusion(matrix: Sequence[Sequence[float]]) -> dict[str, float]:
    overall, kappa = condition.agreement(matrix)
    return {"overall": overall, "kappa": kappa}


def hydropower(
    rsupply_m3: float,
    efficiency: float,
    fraction: float,
    height_m: float,
    kw_price: float,
    cost: float,
    discount_pct: float,
    years: int,
) -> dict[str, float]:
    kwh, npv = products.hydropower(rsupply_m3, efficiency, fraction, height_m, kw_price, cost, discount_pct, years)
    return {"kwh": kwh, "npv": npv}


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "water_retention_m3": lambda area_m2, p_mm, r_mm, et_mm: total(
        water.water_retention(array(area_m2), array(p_mm), array(r_mm), array(et_mm))
    ),
    "runoff_mm": lambda p_mm, coef_pct: float(water.runoff(p_mm, coef_pct)),
    "value_q_times_price": lambda quantity, price: float(prices.value(quantity, price)),
    "reservoir_annualised_value": lambda q_m3, build_cost_per_m3, depreciation_rate, om_cost_per_m3_a: float(
        prices.value(q_m3, prices.annualised(build_cost_per_m3, depreciation_rate, om_cost_per_m3_a))
    ),
    "r_halfmonth_hj1173": soil_factors.half_month_erosivity,
    "r_halfmonth_zhang2002": zhang,
    "r_annual_wischmeier": lambda monthly_mm: float(soil_factors.wischmeier_erosivity(monthly_mm)),
    "k_epic": lambda sand, silt, clay, orgc: float(soil_factors.k_epic(sand, silt, clay, orgc)),
    "k_hj1173": lambda sand, silt, clay, orgc: float(
        soil_factors.k_factor(soil_factors.k_epic(sand, silt, clay, orgc), "corrected")
    ),
    "slope_exponent_m": lambda theta_deg, c=0.089: float(soil_factors.slope_exponent(theta_deg, c)),
    "l_factor": lambda slope_length_m, theta_deg: float(soil_factors.l_factor(slope_length_m, theta_deg)),
    "s_factor_hj1173": lambda theta_deg: float(soil_factors.s_factor(theta_deg)),
    "s_factor_liu": lambda theta_deg: float(soil_factors.s_factor(theta_deg, "liu")),
    "c_factor_hj1173": lambda eco_type, cover_pct: float(soil_factors.c_factor(eco_type, cover_pct)),
    "c_factor_cai2000": lambda cover_pct: float(soil_factors.c_cai(cover_pct)),
    "rusle_t_hm2": rusle,
    "sediment_value_yuan": sediment,
    "nonpoint_value_yuan": nonpoint,
    "flood_vegetation_m3": lambda storm_rain_mm, storm_runoff_mm, area_km2: total(
        flood.flood_storage(array(storm_rain_mm), array(storm_runoff_mm), array(area_km2))
    ),
    "storm_runoff_ln": storm_runoff_ln,
    "lake_storage_qtp_1e4m3": lake_storage_qtp,
    "reservoir_flood_storage": lambda total_capacity, factor=0.35: float(
        flood.reservoir_storage(total_capacity, factor)
    ),
    "marsh_surface_storage_m3": lambda area_km2, depth_m=0.3: float(flood.marsh_storage(area_km2 * _KM2, depth_m)),
    "reed_flood_episodes_m3": flood.storage_of_episodes,
    "co2_from_c": lambda c_t: float(carbon.co2_of_carbon(c_t)),
    "nep_from_npp": lambda npp, rs: float(carbon.co2_of_nep(npp, rs)) * 12 / 44,
    "o2_from_co2": lambda co2_t: float(carbon.o2_of_co2(co2_t)),
    "dry_matter_fix": dry_matter,
    "co2_biomass_change": lambda area_hm2, agb1_t_hm2, agb2_t_hm2, carbon_fraction=0.5: float(
        carbon.co2_of_biomass(area_hm2 * _HM2, agb1_t_hm2, agb2_t_hm2, carbon_fraction)
    ),
    "co2_rate_method": lambda forest_hm2, fcsr_t_c_hm2_a, beta_soil: float(
        carbon.co2_of_rate(forest_hm2 * _HM2, fcsr_t_c_hm2_a, beta_soil)
    ),
    "purification_quantity": purification_quantity,
    "tax_price_yuan_per_kg": tax_price,
    "climate_vegetation_kwh": climate_vegetation,
    "climate_water_kwh": climate_water,
    "rweq_sl_kg_m2": wind,
    "rweq_retention_t_km2": lambda wf, ef, scf, k_rough, c, z_m: (
        1000 * float(sand.wind_retention(wf, ef, scf, k_rough, c, z_m))
    ),
    "rweq_ef": erodible,
    "rweq_scf": lambda clay, om: float(sand.crust_factor(clay, om)),
    "rweq_c": rweq_c,
    "sand_value_yuan": sand_value,
    "negative_ions": ions,
    "species_value_yuan": species,
    "travel_cost_value": culture.travel_cost_value,
    "travel_cost_te_tv_cs": travel_cost_te_tv_cs,
    "wtp_value": wtp_value,
    "cpi_adjust": lambda price_base, index_target, index_base: float(
        prices.by_index(price_base, index_target, index_base)
    ),
    "comparable_growth": prices.comparable_growth,
    "fvc_dimidiate": lambda ndvi, ndvi_soil, ndvi_veg: float(condition.vegetation_cover(ndvi, ndvi_soil, ndvi_veg)),
    "eqi": lambda lai_rel, fvc_rel, gpp_rel: float(condition.quality_index(lai_rel, fvc_rel, gpp_rel)),
    "eqi_grade": lambda v: str(condition.quality_grade(v)),
    "ree_precision": ree,
    "confusion": confusion,
    "invest_ls": lambda pct_slope, flow_accum_px, cell_m, l_max: float(
        soil_factors.ls_upslope(pct_slope, flow_accum_px, cell_m, l_max)
    ),
    "invest_carbon_constant": carbon.constant_of_carbon_value,
    "invest_fractp": lambda kc, eto, precip, root, soil, pawc, veg, z: float(
        water.actual_evapotranspiration_share(kc, eto, precip, root, soil, pawc, veg, z)
    ),
    "invest_hydropower": hydropower,
    "scs_smax_mm": lambda cn: float(flood.scs_storage(cn)),
    "scs_runoff_mm": lambda p_mm, cn, lam=0.2: float(flood.scs_runoff(p_mm, cn, lam)),
    "invest_cooling_capacity": lambda shade, albedo, kc, et0, et_max, w=(0.6, 0.2, 0.2): float(
        climate.cooling_capacity(shade, albedo, kc, et0, et_max, w)
    ),
}
