"""Quantities that a department or a paper reports as such: taken over, with the unit of the input."""

import numpy as np
from numpy.typing import ArrayLike

from processing.gep.registered import formula, given

_CLAUSE = "the reporting department or paper"
_TAKEN = "quantity as reported"


@formula(
    "RP.water_retention",
    part="water_retention",
    name_zh="水源涵养量（采用上报数）",
    name_en="water retained, as reported",
    unit="m3",
    expression=_TAKEN,
    clause=_CLAUSE,
    status="confirmed",
    options={"runoff": "reported"},
    arguments={"quantity": given("water_retained_m3")},
)
@formula(
    "RP.soil_retention",
    part="soil_retention",
    name_zh="土壤保持量（采用上报数）",
    name_en="soil retained, as reported",
    unit="t",
    expression=_TAKEN,
    clause=_CLAUSE,
    status="confirmed",
    options={"k_factor": "reported"},
    arguments={"quantity": given("soil_retained_t")},
)
@formula(
    "RP.flood_mitigation",
    part="flood_mitigation.reported",
    name_zh="洪水调蓄量（采用上报数）",
    name_en="flood storage, as reported",
    unit="m3",
    expression=_TAKEN,
    clause=_CLAUSE,
    status="confirmed",
    arguments={"quantity": given("flood_storage_m3")},
    itemised=True,
)
@formula(
    "RP.carbon",
    part="carbon_sequestration",
    name_zh="固碳量（采用上报数）",
    name_en="carbon dioxide sequestered, as reported",
    unit="t CO2",
    expression=_TAKEN,
    clause=_CLAUSE,
    status="confirmed",
    options={"carbon_method": "reported"},
    arguments={"quantity": given("co2_sequestered_t")},
)
@formula(
    "RP.oxygen",
    part="oxygen_release",
    name_zh="释氧量（采用上报数）",
    name_en="oxygen released, as reported",
    unit="t O2",
    expression=_TAKEN,
    clause=_CLAUSE,
    status="confirmed",
    options={"oxygen_basis": "reported"},
    arguments={"quantity": given("o2_released_t")},
)
@formula(
    "RP.cooling",
    part="climate_regulation.water_surface",
    name_zh="水面蒸发降温节电量（采用上报数）",
    name_en="energy saved by evaporation from water, as reported",
    unit="kWh",
    expression=_TAKEN,
    clause=_CLAUSE,
    status="confirmed",
    options={"water_surface_cop": "reported"},
    arguments={"quantity": given("water_cooling_kwh")},
)
@formula(
    "RP.sand_fixation",
    part="sand_fixation",
    name_zh="固沙量（采用上报数）",
    name_en="sand fixed, as reported",
    unit="t",
    expression=_TAKEN,
    clause=_CLAUSE,
    status="confirmed",
    options={"sand_method": "reported"},
    arguments={"quantity": given("sand_fixed_t")},
)
@formula(
    "RP.evaporation",
    part="climate_regulation.evaporation",
    name_zh="蒸散水量（采用上报数）",
    name_en="water evaporated and transpired, as reported",
    unit="m3",
    expression=_TAKEN,
    clause=_CLAUSE,
    status="confirmed",
    arguments={"quantity": given("evaporated_m3")},
)
def as_reported(quantity: ArrayLike) -> np.ndarray:
    """A quantity that a department or paper reports as such, in the unit of its input (t, m3, kWh)."""
    return np.asarray(quantity, dtype=float)
