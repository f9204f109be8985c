"""Soil retention (土壤保持): avoided erosion, silt and nutrients."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from processing.gep.registered import by, formula, given, parameter, result

_P = by("p_factor", absent=1.0, present=parameter("practice_factor"))
_RETAINED = result("soil_retention")


def rusle(
    r: ArrayLike,
    k: ArrayLike,
    l: ArrayLike,  # noqa: E741 - the factor is called L
    s: ArrayLike,
    c: ArrayLike,
    p: ArrayLike = 1.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Potential and actual soil loss and what is retained, t hm-2 a-1 (HJ 1173-2021 A.2-A.4; with P: GB/T 38582).

    Args:
        r: rain erosivity, MJ mm hm-2 h-1 a-1.
        k: soil erodibility, t hm2 h hm-2 MJ-1 mm-1.
        l: slope length factor.
        s: slope steepness factor.
        c: cover factor.
        p: support practice factor; HJ 1173-2021 has none (1).
    """
    potential = np.asarray(r) * np.asarray(k) * np.asarray(l) * np.asarray(s)
    actual = potential * np.asarray(c) * np.asarray(p)
    return potential, actual, potential - actual


@formula(
    "S1",
    part="soil_retention",
    name_zh="土壤保持量（RUSLE）",
    name_en="soil retained (RUSLE)",
    unit="t",
    expression="Q = sum RKLS (1 - C P) over cells, by class of cover",
    clause="HJ 1173-2021 A.2-A.4 (P absent), GB/T 38582-2020 (P present)",
    status="confirmed",
    arguments={"rkls_t": given("rkls_t"), "c": parameter("cover_factor"), "p": _P},
    itemised=True,
    strata=True,
)
def soil_retained(rkls_t: ArrayLike, c: ArrayLike, p: ArrayLike) -> np.ndarray:
    """Soil retained, t a-1, from sums of R K L S over cells.

    Args:
        rkls_t: potential soil loss of all cells of a zone, ecosystem and class of cover, t a-1; the last axis are the
            classes, and they are summed.
        c: cover factor by ecosystem and class of cover.
        p: support practice factor by ecosystem.

    The loss is linear in C and P, so sums over cells suffice and draws of C and P need no cells.
    """
    retained = np.asarray(rkls_t) * (1 - np.asarray(c) * np.asarray(p))
    return retained.sum(axis=-1, keepdims=True)


@formula(
    "SV1",
    part="soil_retention.silt",
    name_zh="减少泥沙淤积（按体积）",
    name_en="silt kept out of reservoirs, by volume",
    unit="m3",
    expression="V = lambda Q / rho",
    clause="Garze 2017 (doi 10.5846/stxb201607011362) 2.4; DB33 and national trial norm recalled",
    status="confirmed",
    options={"silt_price_basis": "volume"},
    arguments={
        "retained_t": _RETAINED,
        "share": parameter("silt_share"),
        "density_t_m3": parameter("soil_density_t_m3"),
    },
)
def silt_volume(retained_t: ArrayLike, share: ArrayLike, density_t_m3: ArrayLike) -> np.ndarray:
    """Silt that does not settle in reservoirs, m3 a-1: lambda Q / rho.

    Args:
        retained_t: soil retained, t a-1.
        share: lambda, share of it that would settle (0.24).
        density_t_m3: rho, bulk density of the soil, t m-3.
    """
    return np.asarray(retained_t) * np.asarray(share) / np.asarray(density_t_m3)


@formula(
    "SV2",
    part="soil_retention.silt",
    name_zh="减少泥沙淤积（按质量）",
    name_en="silt kept out of reservoirs, by mass",
    unit="t",
    expression="M = lambda Q",
    clause="Gaotianyan 2017 (doi 10.5846/stxb201607091410)",
    status="confirmed",
    options={"silt_price_basis": "mass"},
    arguments={"retained_t": _RETAINED, "share": parameter("silt_share")},
)
def silt_mass(retained_t: ArrayLike, share: ArrayLike) -> np.ndarray:
    """Silt that does not settle in reservoirs, t a-1: lambda Q, for prices per tonne."""
    return np.asarray(retained_t) * np.asarray(share)


@formula(
    "SV3",
    part="soil_retention.nonpoint",
    name_zh="减少面源污染（氮磷）",
    name_en="nutrients kept out of waters",
    unit="t",
    expression="M = Q C_i",
    clause="Garze 2017 (doi 10.5846/stxb201607011362) 2.4; DB33 and national trial norm recalled",
    status="confirmed",
    arguments={"retained_t": _RETAINED, "content_pct": parameter("soil_content_pct")},
    itemised=True,
)
def nutrients_retained(retained_t: ArrayLike, content_pct: ArrayLike) -> np.ndarray:
    """Nutrient kept with the soil, t a-1: Q C_i, with the content of N, P or K of the soil in % of mass."""
    return np.asarray(retained_t) * np.asarray(content_pct) / 100


@formula(
    "SV4",
    part="soil_retention.fertility",
    name_zh="保肥（折化肥）",
    name_en="nutrients as fertiliser",
    unit="t",
    expression="M = Q C_i / R_i",
    clause="Gaotianyan 2017 (doi 10.5846/stxb201607091410), GB/T 38582-2020",
    status="confirmed",
    arguments={
        "retained_t": _RETAINED,
        "content_pct": parameter("soil_content_pct"),
        "share_pct": parameter("fertiliser_content_pct"),
    },
    itemised=True,
)
def fertiliser_replaced(retained_t: ArrayLike, content_pct: ArrayLike, share_pct: ArrayLike) -> np.ndarray:
    """Fertiliser that would hold the nutrients kept with the soil, t a-1: Q C_i / R_i.

    Args:
        retained_t: soil retained, t a-1.
        content_pct: C_i, nutrient in the soil, % of mass.
        share_pct: R_i, nutrient in the fertiliser, % of mass.
    """
    return np.asarray(retained_t) * np.asarray(content_pct) / np.asarray(share_pct)


@formula(
    "SV5",
    part="soil_retention.land",
    name_zh="减少土地废弃",
    name_en="land kept from being abandoned",
    unit="m2",
    expression="A = Q / (rho h)",
    clause="Gaotianyan 2017 (doi 10.5846/stxb201607091410)",
    status="confirmed",
    arguments={
        "retained_t": _RETAINED,
        "density_t_m3": parameter("soil_density_t_m3"),
        "depth_m": parameter("soil_layer_m"),
    },
)
def land_kept(retained_t: ArrayLike, density_t_m3: ArrayLike, depth_m: ArrayLike) -> np.ndarray:
    """Land kept from being abandoned, m2 a-1: Q / (rho h), with the thickness h of the soil layer in m."""
    return np.asarray(retained_t) / np.asarray(density_t_m3) / np.asarray(depth_m)


def nonpoint_value(
    retained_t: float, contents: Mapping[str, float], prices_cny_t: Mapping[str, float]
) -> tuple[dict[str, float], float]:
    """Tonnes of each nutrient and the value of them all, CNY: sum Q C_i P_i, contents as mass fractions.

    Raises:
        KeyError: a nutrient has no price.
    """
    tonnes = {n: float(nutrients_retained(retained_t, 100 * share)) for n, share in contents.items()}
    return tonnes, sum(t * prices_cny_t[n] for n, t in tonnes.items())
