"""Two-date change on one grid: vegetation that was there at the latest earlier clear view and is bare now.

A candidate is evidence for an alert and a task for a grid worker, never a verdict: at 10 m a spoil heap, a cleared
slope and a harvested orchard look alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio.features
from scipy import ndimage
from shapely.geometry import mapping, shape

from processing.imagery.grid import WGS84, Grid, moved

_EIGHT = np.ones((3, 3), dtype=bool)
_DECIMALS = 6  # of degrees: about 0.1 m


@dataclass(frozen=True, slots=True)
class View:
    """What was last seen clear in each cell: NDVI, BI, and the day (days since 1970-01-01; NaN = never)."""

    ndvi: np.ndarray
    bi: np.ndarray
    day: np.ndarray

    @classmethod
    def never(cls, shape_yx: tuple[int, int]) -> "View":
        """Nothing seen yet."""
        return cls(*(np.full(shape_yx, np.nan, dtype=np.float32) for _ in range(3)))

    def after(self, ndvi: np.ndarray, bi: np.ndarray, day: int) -> "View":
        """The view once a scene of `day` has been laid over it; cells the scene does not see keep the older view."""
        seen = np.isfinite(ndvi) & np.isfinite(bi)
        return View(
            np.where(seen, ndvi, self.ndvi).astype(np.float32),
            np.where(seen, bi, self.bi).astype(np.float32),
            np.where(seen, np.float32(day), self.day),
        )


@dataclass(frozen=True, slots=True)
class Clearing:
    """Candidates on one day: `labels` numbers them from 1 in reading order; `comparable` cells had a view before."""

    labels: np.ndarray
    comparable: np.ndarray
    n: int


def clearing(
    ndvi: np.ndarray,
    bi: np.ndarray,
    day: int,
    before: View,
    allowed: np.ndarray,
    limits: Mapping[str, float],
    cell_ha: float,
) -> Clearing:
    """Patches that lost vegetation and show bare soil since the latest earlier clear view of each cell.

    A cell changed when NDVI fell by at least -clearing_dndvi_max, BI rose by at least clearing_dbi_min, NDVI before was
    at least clearing_ndvi_before_min, NDVI now is not that of water (clearing_ndvi_min) and the view before is at most
    clearing_gap_max_days old. Changed cells that touch (also at corners) are one patch; patches below
    clearing_area_min_ha or clearing_cells_min are noise.

    Args:
        ndvi: of the day, NaN where not seen clear (y, x).
        bi: bare soil index likewise.
        day: days since 1970-01-01.
        before: the latest earlier clear view.
        allowed: True where a clearing may be (in the county, not on the map's waters).
        limits: imagery thresholds.
        cell_ha: area of a cell, ha.
    """
    with np.errstate(invalid="ignore"):  # comparisons with NaN are False, as they must be
        comparable = (
            np.isfinite(ndvi) & np.isfinite(bi) & allowed & (day - before.day <= limits["clearing_gap_max_days"])
        )
        changed = (
            comparable
            & (ndvi >= limits["clearing_ndvi_min"])
            & (before.ndvi >= limits["clearing_ndvi_before_min"])
            & (ndvi - before.ndvi <= limits["clearing_dndvi_max"])
            & (bi - before.bi >= limits["clearing_dbi_min"])
        )
    labels, n = ndimage.label(changed, structure=_EIGHT)
    cells = np.bincount(labels.ravel(), minlength=n + 1)
    keep = (cells >= limits["clearing_cells_min"]) & (cells * cell_ha >= limits["clearing_area_min_ha"])
    keep[0] = False
    renumbered = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    return Clearing(renumbered[labels], comparable, int(keep.sum()))


def candidates(
    found: Clearing, ndvi: np.ndarray, bi: np.ndarray, before: View, grid: Grid, limits: Mapping[str, float]
) -> list[dict[str, Any]]:
    """The patches as GeoJSON features in WGS 84, in reading order.

    Properties: number, area_ha, cells, dndvi and dbi (means over the patch), confidence, before_first and before_last
    (days since 1970-01-01 of the views compared with). Confidence (0.5 to 1) is 0.5 at the thresholds and 1 where both
    changes are twice as strong.
    """
    if not found.n:
        return []
    numbers = np.arange(1, found.n + 1)
    inside = found.labels > 0
    labels = found.labels[inside]
    cells = np.bincount(labels, minlength=found.n + 1)[1:]

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(labels, weights=values[inside].astype(float), minlength=found.n + 1)[1:] / cells

    dndvi, dbi = mean(ndvi - before.ndvi), mean(bi - before.bi)
    strength = np.minimum(dndvi / limits["clearing_dndvi_max"], dbi / limits["clearing_dbi_min"])
    confidence = 0.5 + 0.5 * np.clip(strength - 1, 0, 1)
    first = ndimage.minimum(before.day, found.labels, numbers)
    last = ndimage.maximum(before.day, found.labels, numbers)
    outlines = _outlines(found, grid)
    return [
        {
            "type": "Feature",
            "geometry": outlines[number],
            "properties": {
                "number": number,
                "area_ha": round(float(cells[i] * grid.cell_ha), 4),
                "cells": int(cells[i]),
                "dndvi": round(float(dndvi[i]), 3),
                "dbi": round(float(dbi[i]), 3),
                "confidence": round(float(confidence[i]), 2),
                "before_first": int(first[i]),
                "before_last": int(last[i]),
            },
        }
        for i, number in enumerate(numbers.tolist())
    ]


def _outlines(found: Clearing, grid: Grid) -> dict[int, dict[str, Any]]:
    """Number -> outline of the patch as a GeoJSON geometry in WGS 84."""
    polygons = rasterio.features.shapes(found.labels, mask=found.labels > 0, connectivity=8, transform=grid.transform)
    return {int(number): _rounded(mapping(moved(shape(polygon), grid.crs, WGS84))) for polygon, number in polygons}


def _rounded(geometry: Any) -> dict[str, Any]:
    rings = [[[round(x, _DECIMALS), round(y, _DECIMALS)] for x, y in ring] for ring in geometry["coordinates"]]
    return {"type": geometry["type"], "coordinates": rings}
