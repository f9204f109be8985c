"""Sand fixation (防风固沙) by the revised wind erosion equation (RWEQ) of HJ 1173-2021."""

import numpy as np
from numpy.typing import ArrayLike

from processing.gep.registered import formula, given, parameter, result


def erodible_fraction(
    sand: ArrayLike, silt: ArrayLike, clay: ArrayLike, organic_matter: ArrayLike, carbonate: ArrayLike = 0.0
) -> np.ndarray:
    """EF, HJ 1173-2021 A.18: (29.09 + 0.31 sa + 0.17 si + 0.33 sa/cl - 2.59 OM - 0.95 CaCO3) / 100, all in %."""
    sand = np.asarray(sand, dtype=float)
    return (
        29.09
        + 0.31 * sand
        + 0.17 * np.asarray(silt)
        + 0.33 * sand / np.asarray(clay)
        - 2.59 * np.asarray(organic_matter)
        - 0.95 * np.asarray(carbonate)
    ) / 100


def crust_factor(clay: ArrayLike, organic_matter: ArrayLike) -> np.ndarray:
    """SCF, HJ 1173-2021 A.19: 1 / (1 + 0.0066 cl^2 + 0.021 OM^2), both in %."""
    return 1 / (1 + 0.0066 * np.asarray(clay) ** 2 + 0.021 * np.asarray(organic_matter) ** 2)


def vegetation_factor(coefficient: ArrayLike, cover_pct: ArrayLike) -> np.ndarray:
    """C, HJ 1173-2021 A.20: exp(-a SC), with the cover SC in % and a by vegetation (parameter rweq_coefficient)."""
    return np.exp(-np.asarray(coefficient) * np.asarray(cover_pct))


def wind_erosion(
    wf: ArrayLike, ef: ArrayLike, scf: ArrayLike, roughness: ArrayLike, c: ArrayLike, z_m: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Q_max (kg m-1), s (m) and soil loss (kg m-2) of HJ 1173-2021 A.14-A.16.

    Q_max = 109.8 WF EF SCF K' C, s = 150.71 (WF EF SCF K' C)^-0.3711, SL = 2 z / s^2 Q_max exp(-(z/s)^2).

    Args:
        wf: weather factor, kg m-1.
        ef: erodible fraction.
        scf: soil crust factor.
        roughness: K', surface roughness factor.
        c: vegetation factor; 1 for the potential loss.
        z_m: distance downwind at which the loss is greatest, m.
    """
    product = np.asarray(wf) * np.asarray(ef) * np.asarray(scf) * np.asarray(roughness) * np.asarray(c)
    q_max, s = 109.8 * product, 150.71 * product**-0.3711
    z = np.asarray(z_m)
    return q_max, s, 2 * z / s**2 * q_max * np.exp(-((z / s) ** 2))


@formula(
    "D1",
    part="sand_fixation",
    name_zh="固沙量（RWEQ）",
    name_en="sand fixed (RWEQ)",
    unit="t",
    expression="Q = A (SL_potential - SL_actual)",
    clause="HJ 1173-2021 A.14-A.20; kg m-2 as computed is 1000 t km-2",
    status="confirmed",
    options={"sand_method": "rweq"},
    arguments={
        "area_m2": given("area_m2"),
        "wf": given("wind_weather_factor"),
        "ef": given("erodible_fraction"),
        "scf": given("crust_factor"),
        "roughness": given("roughness_factor"),
        "coefficient": parameter("rweq_coefficient"),
        "cover_pct": given("vegetation_cover_pct"),
        "z_m": parameter("rweq_distance_m"),
    },
)
def sand_fixed(
    area_m2: ArrayLike,
    wf: ArrayLike,
    ef: ArrayLike,
    scf: ArrayLike,
    roughness: ArrayLike,
    coefficient: ArrayLike,
    cover_pct: ArrayLike,
    z_m: ArrayLike,
) -> np.ndarray:
    """Sand fixed, t a-1: area in m2 times potential less actual wind erosion in kg m-2, 1e-3.

    The factors are means of zone and ecosystem; arguments as `wind_erosion`, cover in %.
    """
    c = vegetation_factor(coefficient, cover_pct)
    return np.asarray(area_m2) * wind_retention(wf, ef, scf, roughness, c, z_m) * 1e-3


def wind_retention(
    wf: ArrayLike, ef: ArrayLike, scf: ArrayLike, roughness: ArrayLike, c: ArrayLike, z_m: ArrayLike
) -> np.ndarray:
    """Potential (C = 1) less actual wind erosion, kg m-2 a-1; times 1000 it is t km-2 a-1."""
    return wind_erosion(wf, ef, scf, roughness, 1.0, z_m)[2] - wind_erosion(wf, ef, scf, roughness, c, z_m)[2]


@formula(
    "DV1",
    part="sand_fixation.sanded_area",
    name_zh="减少沙化土地面积",
    name_en="land kept from sand",
    unit="m2",
    expression="A = Q / (rho h)",
    clause="Garze 2017 (doi 10.5846/stxb201607011362) 2.4",
    status="confirmed",
    arguments={
        "fixed_t": result("sand_fixation"),
        "density_t_m3": parameter("sand_density_t_m3"),
        "depth_m": parameter("sand_depth_m"),
    },
)
def land_kept_from_sand(fixed_t: ArrayLike, density_t_m3: ArrayLike, depth_m: ArrayLike) -> np.ndarray:
    """Area that would be sanded, m2 a-1: Q / (rho h), with rho 1.28 t m-3 and a cover of 0.1 m."""
    return np.asarray(fixed_t) / np.asarray(density_t_m3) / np.asarray(depth_m)
