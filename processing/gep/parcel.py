"""The account of a parcel and what a planned change gains or loses: the calculator behind the six entries (六进).

A parcel has, of every flow of its zone and ecosystem, the share of its area: linear, so parcels that cover a district
add up to its account. Flows that are known for a whole zone alone (products, visits) are no parcel's. After a change
the new ecosystem is taken to give per area what that ecosystem gives in the zone, or else in the district; if neither
has it, it cannot be said.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from shapely.geometry.base import BaseGeometry

from domain.registry import Zones
from processing.gep.account import Account, Flow
from processing.gep.statement import RANGE
from processing.gep.values import of_landcover
from processing.imagery.grid import WGS84, Grid, moved
from processing.imagery.zonal import zone_raster

_ROW = ("service", "part", "item", "unit")


@dataclass(frozen=True)
class Parcel:
    """What a parcel gives: rows, what was left out because no parcel has it, and what cannot be said."""

    rows: pd.DataFrame  # service, part, item, unit, quantity, quantity_low, quantity_high, value_cny, low, high
    left_out: tuple[str, ...]  # parts known for whole zones only
    unknown: tuple[str, ...]

    @property
    def value_cny(self) -> float:
        """Sum of the values that are known."""
        return float(self.rows["value_cny"].sum())


def areas_in(
    polygon: BaseGeometry, cover: np.ndarray, zones: np.ndarray, names: tuple[str, ...], grid: Grid
) -> pd.DataFrame:
    """What a polygon covers: zone, ecosystem, area_m2, by cell centres.

    Args:
        polygon: WGS 84.
        cover: land-cover codes on the grid, 0 where the map says nothing.
        zones: zone number 1..n of each cell, 0 outside.
        names: the zones.
        grid: the grid of both.
    """
    inside = zone_raster(Zones(("parcel",), ("",), ("",), ("",), (polygon,)), grid) > 0
    codes, places = cover[inside & (zones > 0)], zones[inside & (zones > 0)]
    pairs, cells = np.unique(np.stack([places, codes]), axis=1, return_counts=True)
    known = of_landcover()
    rows = [
        {"zone": names[z - 1], "ecosystem": known[c], "area_m2": n * grid.cell_ha * 1e4}
        for (z, c), n in zip(pairs.T.tolist(), cells.tolist(), strict=True)
        if c in known
    ]
    return pd.DataFrame(rows, columns=["zone", "ecosystem", "area_m2"])


def outside_pct(polygon: BaseGeometry, areas: pd.DataFrame, crs: str) -> float:
    """How much of a polygon (WGS 84) is in no cell of the district, % of its area on the county grid; 0 at least."""
    whole = moved(polygon, WGS84, crs).area
    return max(0.0, 100 * (1 - float(areas["area_m2"].sum()) / whole)) if whole > 0 else 0.0


def changed(areas: pd.DataFrame, *, origin: str, target: str, share: float = 1.0) -> pd.DataFrame:
    """The areas after a share (0..1) of one ecosystem became another, zone by zone."""
    taken = areas[areas["ecosystem"] == origin]
    moved = taken.assign(ecosystem=target, area_m2=taken["area_m2"] * share)
    left = areas.assign(area_m2=areas["area_m2"].where(areas["ecosystem"] != origin, areas["area_m2"] * (1 - share)))
    return pd.concat([left, moved]).groupby(["zone", "ecosystem"], as_index=False)["area_m2"].sum()


def parcel(of: Account, areas: pd.DataFrame) -> Parcel:
    """The account of a parcel.

    Args:
        of: the account of the district that it lies in.
        areas: zone, ecosystem, area_m2 of the parcel (`areas_in`).
    """
    return _told(of, areas, None)


def gain_or_loss(of: Account, before: pd.DataFrame, after: pd.DataFrame) -> Parcel:
    """What a planned change gains (or loses, negative) a year: the account after less before, with its range.

    Args:
        of: the account of the district.
        before: zone, ecosystem, area_m2 as it is.
        after: as planned.
    """
    return _told(of, after, before)


def _told(of: Account, plus: pd.DataFrame, minus: pd.DataFrame | None) -> Parcel:
    rows: list[dict[str, object]] = []
    left_out: list[str] = []
    unknown: list[str] = []
    signed = [(plus, 1.0)] + ([] if minus is None else [(minus, -1.0)])
    for flow in of.flows:
        if not (flow.quantity.by_ecosystem and flow.quantity.by_zone):
            left_out.append(flow.part)
            continue
        quantities, values, lacking = _of_parcel(of, flow, signed)
        unknown += [f"{flow.part}: {what}" for what in lacking]
        rows += [_row(flow, item, quantities[:, i], values[:, i]) for i, item in enumerate(flow.quantity.items)]
    columns = [*_ROW, "quantity", "quantity_low", "quantity_high", "value_cny", "low", "high"]
    return Parcel(pd.DataFrame(rows, columns=columns), tuple(left_out), tuple(dict.fromkeys(unknown)))


def _of_parcel(
    of: Account, flow: Flow, signed: list[tuple[pd.DataFrame, float]]
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Quantity and value (draw, item) of a parcel, and the ecosystems that cannot be said."""
    quantity = flow.quantity.values
    value = np.full_like(quantity, np.nan) if flow.value is None else flow.value
    total_q = np.zeros((quantity.shape[0], quantity.shape[3]))
    total_v = np.zeros((value.shape[0], value.shape[3]))
    lacking: list[str] = []
    for areas, sign in signed:
        for row in areas.itertuples():
            found = _intensity(of, str(row.zone), str(row.ecosystem), quantity, value)
            if found is None:
                lacking.append(f"{row.ecosystem} is nowhere in the district; what it would give is not known")
                continue
            total_q = total_q + sign * float(str(row.area_m2)) * found[0]
            total_v = total_v + sign * float(str(row.area_m2)) * found[1]
    return total_q, total_v, lacking


def _intensity(
    of: Account, zone: str, ecosystem: str, quantity: np.ndarray, value: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Quantity and value per m2 (draw, item) of an ecosystem in a zone, else in the district; None when nowhere."""
    area = of.zoned.area_m2
    if ecosystem not in of.zoned.ecosystems:
        return None
    e = of.zoned.ecosystems.index(ecosystem)
    z = of.zoned.zones.index(zone) if zone in of.zoned.zones else -1
    if z >= 0 and area[z, e] > 0:
        return quantity[:, z, e] / area[z, e], value[:, z, e] / area[z, e]
    whole = area[:, e].sum()
    return None if whole == 0 else (quantity[:, :, e].sum(axis=1) / whole, value[:, :, e].sum(axis=1) / whole)


def _row(flow: Flow, item: str, quantity: np.ndarray, value: np.ndarray) -> dict[str, object]:
    q_low, q_high = np.quantile(quantity[1:], RANGE) if len(quantity) > 1 else (np.nan, np.nan)
    low, high = np.quantile(value[1:], RANGE) if len(value) > 1 else (np.nan, np.nan)
    return {
        "service": flow.service,
        "part": flow.part,
        "item": item,
        "unit": flow.line.quantity.meta.unit,
        "quantity": float(quantity[0]),
        "quantity_low": float(q_low),
        "quantity_high": float(q_high),
        "value_cny": float(value[0]),
        "low": float(low),
        "high": float(high),
    }
