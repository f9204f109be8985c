"""Inputs that follow from other inputs: nobody measures them as a formula wants them."""

import numpy as np
import pandas as pd

from processing.gep.values import ALL, lineage

_EVAPORATION, _DEPTH, _AREA = "water_evaporation_m3", "hot_evaporation_mm", "area_m2"
#: Classes that are open water; a marsh is wetland too but its plants are no pan.
_OPEN_WATER = ("lake", "river")


def water_evaporation(inputs: pd.DataFrame, region: str) -> pd.DataFrame:
    """Water that evaporates from open water on hot days, m3 a-1: depth (mm) times area (m2) / 1000.

    Args:
        inputs: rows of gep_inputs of one year.
        region: code of the district; its depth stands for zones that have none.

    Returns:
        Rows of every wetland class that has an area (0 where it is no open water); none when the quantity is given
        already or depth or areas are not.
    """
    depth = inputs[(inputs["quantity"] == _DEPTH) & (inputs["ecosystem"] == ALL) & inputs["value"].notna()]
    area = inputs[inputs["quantity"] == _AREA]
    wet = area[["wetland" in lineage(str(e)) for e in area["ecosystem"]]]
    if depth.empty or wet.empty or (inputs["quantity"] == _EVAPORATION).any():
        return inputs.iloc[:0]
    by_zone = depth.set_index("zone")
    place = wet["zone"].where(wet["zone"].isin(by_zone.index), region)
    known = place.isin(by_zone.index).to_numpy()
    wet, place = wet[known], place[known]
    open_water = wet["ecosystem"].isin(_OPEN_WATER)
    mm = place.map(by_zone["value"])
    of = np.where(place == wet["zone"], "its stations", f"the mean of {region}")
    return wet.assign(
        quantity=_EVAPORATION,
        value=np.where(open_water, wet["value"] * mm / 1000, 0.0),
        unit="m3",
        method=[f"{_DEPTH} of {who} x area of open water" for who in of],
        source=place.map(by_zone["source"]) + "; " + wet["source"],
    )
