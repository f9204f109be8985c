"""Air purification (空气净化) and water purification (水质净化)."""

import numpy as np
from numpy.typing import ArrayLike

from processing.gep.registered import formula, given, parameter

_MET = {"purification": "emissions_if_met"}
_CAPACITY = {"purification": "capacity"}


def _spread_over(known: np.ndarray) -> tuple[int, ...] | None:
    """Axes an emission is spread over: its zone's ecosystems, all zones when only the district knows it; else all."""
    if known.ndim < 3:
        return None
    return (-2,) if known.shape[-3] > 1 else (-3, -2)


@formula(
    "A2.air",
    part="air_purification",
    name_zh="空气净化量（净化能力）",
    name_en="air purified, by capacity",
    unit="t",
    expression="Q = q A",
    clause="GB/T 38582-2020, LY/T 1721-2008 (Gaotianyan)",
    status="confirmed",
    options=_CAPACITY,
    arguments={"area_m2": given("area_m2"), "capacity_t_km2": parameter("air_capacity_t_km2")},
    itemised=True,
)
@formula(
    "A2.water",
    part="water_purification",
    name_zh="水质净化量（净化能力）",
    name_en="water purified, by capacity",
    unit="t",
    expression="Q = q A",
    clause="guide of 2020",
    status="memory",
    options=_CAPACITY,
    arguments={"area_m2": given("area_m2"), "capacity_t_km2": parameter("water_capacity_t_km2")},
    itemised=True,
)
def capacity(area_m2: ArrayLike, capacity_t_km2: ArrayLike) -> np.ndarray:
    """Pollutant that an ecosystem can take up, t a-1: capacity in t km-2 a-1 times area in m2."""
    return np.asarray(capacity_t_km2) * np.asarray(area_m2) * 1e-6


@formula(
    "A1.air",
    part="air_purification",
    name_zh="空气净化量（达标取排放量，不达标取净化能力）",
    name_en="air purified: emissions where the standard is met, else capacity",
    unit="t",
    expression="Q = E if the standard is met, else sum q A",
    clause="guide of 2020, DB33/T 2274-2020, national trial norm 2022",
    status="memory",
    options=_MET,
    arguments={
        "emission_t": given("air_emission_t"),
        "area_m2": given("area_m2"),
        "capacity_t_km2": parameter("air_capacity_t_km2"),
        "met": given("air_standard_met"),
    },
    itemised=True,
)
@formula(
    "A1.water",
    part="water_purification",
    name_zh="水质净化量（达标取排放量，不达标取净化能力）",
    name_en="water purified: emissions where the standard is met, else capacity",
    unit="t",
    expression="Q = E if the standard is met, else sum q A",
    clause="guide of 2020, DB33/T 2274-2020, national trial norm 2022",
    status="memory",
    options=_MET,
    arguments={
        "emission_t": given("water_emission_t"),
        "area_m2": given("area_m2"),
        "capacity_t_km2": parameter("water_capacity_t_km2"),
        "met": given("water_standard_met"),
    },
    itemised=True,
)
def purified(emission_t: ArrayLike, area_m2: ArrayLike, capacity_t_km2: ArrayLike, met: ArrayLike) -> np.ndarray:
    """Pollutant taken up by ecosystems, t a-1.

    Where the standard is met everything emitted was taken up: the emission, spread over ecosystems (and over zones
    when only the district knows it) by capacity times area. Otherwise the capacity is the limit.

    Args:
        emission_t: emission of the zone, or of the district (zone axis of length 1), t a-1.
        area_m2: area of zone and ecosystem, m2.
        capacity_t_km2: t km-2 a-1 by ecosystem and pollutant.
        met: 1 where the environmental standard of the pollutant is met, 0 where it is not, NaN where nobody knows.

    An emission that no ecosystem can take up (no capacity anywhere) is NaN: it cannot be spread.
    """
    emission, able = np.asarray(emission_t, dtype=float), capacity(area_m2, capacity_t_km2)
    total = able.sum(axis=_spread_over(emission), keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.where(total > 0, emission * able / total, np.nan)
    met = np.asarray(met, dtype=float)
    return np.where(np.isnan(met), np.nan, np.where(met == 1, spread, able))


@formula(
    "A0.air",
    part="air_purification",
    name_zh="空气净化量（排放量）",
    name_en="air purified: emissions",
    unit="t",
    expression="Q = E",
    clause="Garze 2017 (doi 10.5846/stxb201607011362) 3.2.5",
    status="confirmed",
    options={"purification": "emissions"},
    arguments={"emission_t": given("air_emission_t")},
    itemised=True,
)
@formula(
    "A0.water",
    part="water_purification",
    name_zh="水质净化量（排放量）",
    name_en="water purified: emissions",
    unit="t",
    expression="Q = E",
    clause="Garze 2017 (doi 10.5846/stxb201607011362) 3.2.6",
    status="confirmed",
    options={"purification": "emissions"},
    arguments={"emission_t": given("water_emission_t")},
    itemised=True,
)
def emission(emission_t: ArrayLike) -> np.ndarray:
    """Emission taken as the quantity purified, t a-1, whatever the capacity."""
    return np.asarray(emission_t, dtype=float)
