"""Which cells of a grid belong to which zone, by one of two rules, found once for a grid and a layer of zones.

centre:   a cell belongs whole to every zone that contains its centre.
fraction: a cell belongs to a zone by the share of its area that the zone covers (exactextract).

Cells that belong whole are kept as runs (row, first column, column after the last), which take little memory on a grid
of any size, may overlap, and are summed without asking each cell for its zone. Cells on the edge under the fraction
rule are kept as a list with their shares.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import rasterio.features
from affine import Affine
from exactextract import exact_extract  # type: ignore[import-untyped]
from exactextract.raster import NumPyRasterSource  # type: ignore[import-untyped]
from shapely import Geometry, make_valid
from shapely.geometry import mapping

from domain.registry import Zones
from processing.imagery.grid import WGS84, Grid, moved

Rule = Literal["centre", "fraction"]
RULES: tuple[Rule, ...] = get_args(Rule)
#: Rows of a raster of numbers that are looked at together.
_ROWS = 256
_RUN, _EDGE = ("row", "start", "stop", "zone"), ("row", "column", "zone")


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The cells of n zones on a grid of `shape`."""

    rule: Rule
    n: int
    shape: tuple[int, int]
    runs: np.ndarray  # (m, 4) row, first column, column after the last and zone 1..n, in the order of rows
    edge: np.ndarray  # (k, 3) row, column and zone of cells that belong in part, in the order of zone, row and column
    weight: np.ndarray  # (k) share of the cell, above 0 and below 1

    def rows(self, first: int, after: int) -> np.ndarray:
        """The runs of some rows."""
        low, high = np.searchsorted(self.runs[:, 0], [first, after])
        return self.runs[low:high]


def cells_of(zones: Zones, grid: Grid, rule: Rule = "centre") -> Cells:
    """The cells of each zone on a grid; found once.

    Args:
        zones: polygons in WGS 84; they may overlap, have holes, be smaller than a cell or lie outside.
        grid: the grid.
        rule: "centre" or "fraction".

    Raises:
        ValueError: another rule.
    """
    if rule not in RULES:
        raise ValueError(f"rule {rule!r} is not one of {', '.join(RULES)}")
    return _cells_of(zones, grid, rule)


def cells_labelled(labels: np.ndarray, n: int, number: Callable[[slice], np.ndarray] | None = None) -> Cells:
    """Zones given as a raster of numbers 1..n, 0 outside (classes of a map), as cells by their centre.

    Args:
        labels: the numbers (y, x).
        n: how many zones there are.
        number: rows -> their numbers, where they follow from something else of the shape of `labels`.
    """
    none = np.zeros((0, len(_EDGE)), dtype=np.int32)
    found = [np.zeros((0, len(_RUN)), dtype=np.int32)]
    for row in range(0, labels.shape[0], _ROWS):
        part = slice(row, row + _ROWS)
        found.append(_runs(labels[part] if number is None else number(part)) + np.array([row, 0, 0, 0], dtype=np.int32))
    return Cells("centre", n, (labels.shape[0], labels.shape[1]), np.concatenate(found), none, np.zeros(0))


@lru_cache(maxsize=32)
def _cells_of(zones: Zones, grid: Grid, rule: Rule) -> Cells:
    of_rule = {"centre": _by_centre, "fraction": _by_fraction}[rule]
    runs, edges, weights = [np.zeros((0, 4), np.int32)], [np.zeros((0, 3), np.int32)], [np.zeros(0)]
    for number, shape in enumerate(zones.shapes, start=1):
        window = _window(moved(shape, WGS84, grid.crs), grid)
        if window is None:
            continue
        inside, at, share = of_rule(make_valid(moved(shape, WGS84, grid.crs)), grid, window)
        found = _runs(inside)
        runs.append(found * [1, 1, 1, number] + [window[0], window[1], window[1], 0])
        rows, columns = np.divmod(at, window[3])
        edges.append(np.stack([rows + window[0], columns + window[1], np.full(len(at), number)], axis=1))
        weights.append(share)
    all_runs = np.concatenate(runs).astype(np.int32)
    ordered = all_runs[np.argsort(all_runs[:, 0], kind="stable")]
    return Cells(
        rule, len(zones.ids), grid.shape, ordered, np.concatenate(edges).astype(np.int32), np.concatenate(weights)
    )


_Window = tuple[int, int, int, int]  # row, column, height, width
_Found = tuple[np.ndarray, np.ndarray, np.ndarray]  # which cells belong whole, index and share of those in part


def _runs(labels: np.ndarray) -> np.ndarray:
    """Runs of equal numbers above 0, row by row."""
    padded = np.pad(labels.astype(np.int32), ((0, 0), (1, 1)))
    rows, columns = np.nonzero(padded[:, 1:] != padded[:, :-1])
    before, after = padded[rows, columns], padded[rows, columns + 1]
    # A change begins a run unless nothing follows, and ends one unless nothing was before: both lists pair up.
    begins, ends = after > 0, before > 0
    return np.stack([rows[begins], columns[begins], columns[ends], after[begins]], axis=1).astype(np.int32)


def _by_centre(shape: Geometry, grid: Grid, window: _Window) -> _Found:
    row, column, height, width = window
    place = Affine(grid.resolution, 0, grid.left + column * grid.resolution, 0, -grid.resolution, _north(grid, row))
    inside = rasterio.features.rasterize([(shape, 1)], out_shape=(height, width), transform=place, dtype="uint8")
    return inside, np.zeros(0, dtype=np.int64), np.zeros(0)


def _by_fraction(shape: Geometry, grid: Grid, window: _Window) -> _Found:
    """Strip by strip: shares of all cells of a large zone together would take sixteen bytes a cell."""
    row, column, height, width = window
    inside = np.zeros((height, width), dtype=np.uint8)
    at, shares = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    feature = {"type": "Feature", "geometry": mapping(shape), "properties": {}}
    west = grid.left + column * grid.resolution
    for first in range(0, height, _ROWS):
        rows = min(_ROWS, height - first)
        north = _north(grid, row + first)
        area = NumPyRasterSource(
            np.broadcast_to(np.uint8(0), (rows, width)),
            xmin=west,
            ymin=north - rows * grid.resolution,
            xmax=west + width * grid.resolution,
            ymax=north,
        )
        found = exact_extract(area, [feature], ["cell_id", "coverage"], output="pandas")
        index, share = np.asarray(found["cell_id"][0]), np.asarray(found["coverage"][0], dtype=float)
        inside[first : first + rows].ravel()[index[share >= 1]] = 1
        partly = (share > 0) & (share < 1)
        order = np.argsort(index[partly], kind="stable")
        at.append(index[partly][order].astype(np.int64) + first * width)
        shares.append(share[partly][order])
    return inside, np.concatenate(at), np.concatenate(shares)


def _north(grid: Grid, row: int) -> float:
    return grid.top - row * grid.resolution


def _window(shape: Geometry, grid: Grid) -> _Window | None:
    """The cells that a shape can reach, or None where it lies outside."""
    if shape.is_empty:
        return None
    west, south, east, north = shape.bounds
    left, top = math.floor((west - grid.left) / grid.resolution), math.floor((grid.top - north) / grid.resolution)
    right, bottom = math.ceil((east - grid.left) / grid.resolution), math.ceil((grid.top - south) / grid.resolution)
    column, row = max(left, 0), max(top, 0)
    width, height = min(right, grid.width) - column, min(bottom, grid.height) - row
    return (row, column, height, width) if width > 0 and height > 0 else None
