"""Climate regulation (气候调节) by vegetation and by water surfaces."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from processing.gep.registered import by, formula, given, parameter

#: kJ -> kWh
_KJ_PER_KWH = 3600.0


@formula(
    "K1",
    part="climate_regulation.vegetation",
    name_zh="植被蒸腾降温节电量",
    name_en="energy saved by transpiration",
    unit="kWh",
    expression="E = EPP S D / (3600 r)",
    clause="Garze 2017 (doi 10.5846/stxb201607011362) 2.4; guide of 2020",
    status="confirmed",
    arguments={
        "epp_kj_m2": parameter("transpiration_kj_m2"),
        "area_m2": given("area_m2"),
        "days": given("hot_days"),
        "cop": parameter("cop"),
    },
)
def vegetation_cooling(epp_kj_m2: ArrayLike, area_m2: ArrayLike, days: ArrayLike, cop: ArrayLike) -> np.ndarray:
    """Electricity that transpiration saves, kWh a-1: EPP S D / (3600 r).

    Args:
        epp_kj_m2: heat taken up by transpiration, kJ m-2 d-1.
        area_m2: area, m2.
        days: D, days on which air is conditioned (above 26 degrees).
        cop: r, coefficient of performance of air conditioners.
    """
    return np.asarray(epp_kj_m2) * np.asarray(area_m2) * np.asarray(days) / (_KJ_PER_KWH * np.asarray(cop))


@formula(
    "K2",
    part="climate_regulation.water_surface",
    name_zh="水面蒸发降温增湿节电量",
    name_en="energy saved by evaporation from water",
    unit="kWh",
    expression="E = E_w q 1e3 / (3600 r) + E_w y",
    clause="Garze 2017 (doi 10.5846/stxb201607011362) 2.4, without r; a platform of Chongqing has it",
    status="confirmed",
    arguments={
        "evaporation_m3": given("water_evaporation_m3"),
        "latent_j_g": parameter("latent_heat_j_g"),
        "humidifier_kwh_m3": parameter("humidifier_kwh_m3"),
        "cop": by("water_surface_cop", no=1.0, yes=parameter("cop")),
    },
)
def water_cooling(
    evaporation_m3: ArrayLike, latent_j_g: ArrayLike, humidifier_kwh_m3: ArrayLike, cop: ArrayLike = 1.0
) -> np.ndarray:
    """Electricity that evaporation from water saves, kWh a-1: E_w q / (3.6 r) + E_w y.

    Args:
        evaporation_m3: water evaporated on hot days, m3.
        latent_j_g: q, latent heat, J g-1 (1 J g-1 of a cubic metre is 1/3.6 kWh).
        humidifier_kwh_m3: y, electricity of a humidifier, kWh m-3.
        cop: r; 1 where the norm does not divide the cooling part.
    """
    water = np.asarray(evaporation_m3)
    return water * np.asarray(latent_j_g) * 1e3 / _KJ_PER_KWH / np.asarray(cop) + water * np.asarray(humidifier_kwh_m3)


def cooling_capacity(
    shade: ArrayLike,
    albedo: ArrayLike,
    kc: ArrayLike,
    eto: ArrayLike,
    et_max: float,
    weights: Sequence[float] = (0.6, 0.2, 0.2),
) -> np.ndarray:
    """Cooling capacity 0..1 of InVEST urban cooling 3.20.2: weights of shade, albedo and Kc ETo / ETmax."""
    evaporation = np.asarray(kc) * np.asarray(eto) / et_max
    return weights[0] * np.asarray(shade) + weights[1] * np.asarray(albedo) + weights[2] * evaporation
