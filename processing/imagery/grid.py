"""The one grid of a county, and the way of any raster onto it.

A county may straddle UTM zones, so raw tiles are never laid side by side: each is warped onto the county grid, nearest
for classes, bilinear for quantities. Missing cells are NaN (quantities) or the class 0 and never enter arithmetic.

A large grid is worked through in `blocks`. Warping is done in tiles of the grid of a fixed size, each from the cells of
the source around it and no others, so a block has the bytes that the whole grid would have there.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import rasterio.crs
import rasterio.warp
import xarray as xr
from affine import Affine
from pyproj import Transformer
from shapely import transform
from shapely.geometry.base import BaseGeometry

from domain.errors import CatalogueError, FeedCorrupt

WGS84 = "EPSG:4326"
#: Side of the tiles in which rasters are warped, cells. Blocks begin at multiples of it.
TILE = 1024
#: Cells of a block at most, unless a tile has more: about forty layers of a block are in memory at once.
BLOCK_CELLS = 2 * TILE**2


class Window(NamedTuple):
    """A rectangle of cells of a grid."""

    row: int
    column: int
    height: int
    width: int

    @property
    def cells(self) -> tuple[slice, slice]:
        """The window as slices of an array (y, x)."""
        return slice(self.row, self.row + self.height), slice(self.column, self.column + self.width)

    def wider(self, by: int, shape: tuple[int, int]) -> "Window":
        """With `by` cells more on every side, as far as an array of `shape` has them."""
        top, left = max(self.row - by, 0), max(self.column - by, 0)
        bottom, right = min(self.row + self.height + by, shape[0]), min(self.column + self.width + by, shape[1])
        return Window(top, left, bottom - top, right - left)

    def inside(self, other: "Window") -> tuple[slice, slice]:
        """Where its cells lie in an array of the window `other`, which holds it."""
        return Window(self.row - other.row, self.column - other.column, self.height, self.width).cells


@dataclass(frozen=True, slots=True)
class Grid:
    """Square cells with the north-west corner at (left, top), in metres of a projected `crs`."""

    crs: str
    left: float
    top: float
    resolution: float
    width: int
    height: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.height, self.width

    @property
    def transform(self) -> Affine:
        """Column and row -> easting and northing."""
        return Affine(self.resolution, 0, self.left, 0, -self.resolution, self.top)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north, m."""
        return (
            self.left,
            self.top - self.height * self.resolution,
            self.left + self.width * self.resolution,
            self.top,
        )

    @property
    def cell_ha(self) -> float:
        """Area of a cell, ha."""
        return self.resolution**2 / 10_000

    def part(self, window: Window) -> "Grid":
        """The grid of a window."""
        left, top = self.left + window.column * self.resolution, self.top - window.row * self.resolution
        return Grid(self.crs, left, top, self.resolution, window.width, window.height)

    def layer(self, values: np.ndarray, name: str = "") -> xr.DataArray:
        """Values of this grid's shape as a DataArray (y, x) with coordinates of cell centres, crs and transform.

        Raises:
            ValueError: another shape.
        """
        if values.shape != self.shape:
            raise ValueError(f"{name or 'layer'} has shape {values.shape}; the grid has {self.shape}")
        half = self.resolution / 2
        return xr.DataArray(
            values,
            dims=("y", "x"),
            coords={
                "y": self.top - half - self.resolution * np.arange(self.height),
                "x": self.left + half + self.resolution * np.arange(self.width),
            },
            attrs={"crs": self.crs, "transform": self.transform},
            name=name or None,
        )


def county_grid(county: Mapping[str, Any]) -> Grid:
    """The grid that covers the county's box, its lines at whole multiples of the resolution.

    Sentinel-2 tiles begin at multiples of 60 m, so tiles of the grid's own zone fall on it without resampling.

    Args:
        county: crs (projected, in metres), bbox (west, south, east, north in degrees WGS 84), resolution_m.

    Raises:
        CatalogueError: the box is not one, or the resolution is not positive.
    """
    west, south, east, north = (float(v) for v in county["bbox"])
    resolution = float(county["resolution_m"])
    problems = []
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        problems.append(f"county.yaml: bbox {county['bbox']} is not west, south, east, north in degrees")
    if not resolution > 0:
        problems.append(f"county.yaml: resolution_m {county['resolution_m']} is not positive")
    if problems:
        raise CatalogueError(problems)
    transformer = Transformer.from_crs(WGS84, county["crs"], always_xy=True)
    x0, y0, x1, y1 = transformer.transform_bounds(west, south, east, north, densify_pts=41)
    left, top = math.floor(x0 / resolution), math.ceil(y1 / resolution)
    right, bottom = math.ceil(x1 / resolution), math.floor(y0 / resolution)
    return Grid(
        crs=str(county["crs"]),
        left=left * resolution,
        top=top * resolution,
        resolution=resolution,
        width=right - left,
        height=top - bottom,
    )


def onto(data: xr.DataArray, grid: Grid, *, how: str, name: str = "") -> xr.DataArray:
    """A raster of any projection on `grid`.

    Args:
        data: (y, x) with attrs crs, transform and, for whole numbers, nodata.
        grid: the target.
        how: "nearest" (classes: the dtype stays, missing cells are 0) or "bilinear" (quantities: missing is NaN, and
            weights of missing neighbours go to the others).
        name: of the result.

    Raises:
        FeedCorrupt: the raster does not say where it lies.
        ValueError: classes may not be averaged, and quantities in whole numbers must be made floats first.
    """
    whole = np.issubdtype(data.dtype, np.integer) or data.dtype == bool
    if how == "bilinear" and whole:
        raise ValueError("whole numbers are classes or digital numbers; bilinear is for quantities with NaN")
    crs, transform = placed(data, name)
    source = np.ascontiguousarray(data.values.astype(np.uint8) if data.dtype == bool else data.values)
    missing = data.attrs.get("nodata") if whole else np.nan
    fill = 0 if whole else np.nan
    copied = _aligned(source, crs, transform, grid, fill, missing)
    if copied is None:
        copied = np.full(grid.shape, fill, dtype=source.dtype)
        for tile in blocks(grid.shape, 1):
            near = _near(source.shape, crs, transform, grid.part(tile))
            if near is not None:
                copied[tile.cells] = _warped(
                    np.ascontiguousarray(source[near.cells]), crs,
                    transform @ Affine.translation(near.column, near.row), grid.part(tile), fill, missing, how,
                )  # fmt: skip
    return grid.layer(copied.astype(bool) if data.dtype == bool else copied, name)


def blocks(shape: tuple[int, int], cells: int | None = None) -> list[Window]:
    """The windows of an array of `shape` in reading order: whole tiles, so many that they hold at most `cells`.

    One block where the whole array holds no more; BLOCK_CELLS when none are given.
    """
    height, width = shape
    cells = BLOCK_CELLS if cells is None else cells
    if height * width <= cells:
        return [Window(0, 0, height, width)]
    wide = max(cells // TILE**2, 1) * TILE
    return [
        Window(row, column, min(TILE, height - row), min(wide, width - column))
        for row in range(0, height, TILE)
        for column in range(0, width, wide)
    ]


def moved(shape: BaseGeometry, source: str, target: str) -> BaseGeometry:
    """A shape in another reference system; x before y in both."""
    return transform(shape, Transformer.from_crs(source, target, always_xy=True).transform, interleaved=False)


def placed(data: xr.DataArray, name: str = "") -> tuple[rasterio.crs.CRS, Affine]:
    """The reference system and the transform of a raster.

    Raises:
        FeedCorrupt: it has none.
    """
    crs, transform = data.attrs.get("crs"), data.attrs.get("transform")
    if not crs or transform is None:
        raise FeedCorrupt(f"raster {name or data.name or ''!r} has no coordinate reference system or transform")
    return rasterio.crs.CRS.from_user_input(crs), Affine(*tuple(transform)[:6])


def grid_of(data: xr.DataArray) -> Grid:
    """The grid a north-up raster with square cells lies on.

    Raises:
        FeedCorrupt: it is rotated, its cells are not square or it says nothing about its place.
    """
    crs, transform = placed(data)
    if transform.b or transform.d or not math.isclose(transform.a, -transform.e):
        raise FeedCorrupt(f"raster {data.name or ''!r} is rotated, upside down or has cells that are not square")
    height, width = data.shape[-2:]
    return Grid(crs.to_string(), transform.c, transform.f, transform.a, width, height)


def mosaic(layers: Sequence[xr.Dataset], *, clear: str = "clear") -> xr.Dataset:
    """Tiles on one grid as one scene: each cell comes whole from the first tile that sees it clear.

    The order of `layers` is the order of preference, so the caller makes it a rule (the county's own zone first, then
    by id). Bands of cells that no tile sees clear are NaN.

    Raises:
        ValueError: no layer.
    """
    if not layers:
        raise ValueError("a mosaic needs at least one layer")
    first = layers[0]
    seen = first[clear].values.copy()
    bands = {str(n): np.where(seen, first[n].values, np.float32("nan")) for n in first.data_vars if n != clear}
    for layer in layers[1:]:
        fresh = layer[clear].values & ~seen
        for name, values in bands.items():
            values[fresh] = layer[name].values[fresh]
        seen |= fresh
    out = {name: first[name].copy(data=values) for name, values in bands.items()}
    return xr.Dataset(out | {clear: first[clear].copy(data=seen)}, attrs=dict(first.attrs))


def _near(shape: tuple[int, ...], crs: Any, transform: Affine, grid: Grid) -> Window | None:
    """The cells of a raster that decide those of a grid, with room for resampling; None where it has none.

    All of it where it is not north-up.
    """
    if transform.b or transform.d or transform.a <= 0 or transform.e >= 0:
        return Window(0, 0, shape[0], shape[1])
    west, south, east, north = rasterio.warp.transform_bounds(
        rasterio.crs.CRS.from_user_input(grid.crs), crs, *grid.bounds, densify_pts=21
    )
    first, after = (west - transform.c) / transform.a, (east - transform.c) / transform.a
    top, bottom = (north - transform.f) / transform.e, (south - transform.f) / transform.e
    room = 4 + math.ceil(2 * max((after - first) / grid.width, (bottom - top) / grid.height))
    row, column = max(math.floor(top) - room, 0), max(math.floor(first) - room, 0)
    height = min(math.ceil(bottom) + room, shape[0]) - row
    width = min(math.ceil(after) + room, shape[1]) - column
    return Window(row, column, height, width) if height > 0 and width > 0 else None


def _warped(
    source: np.ndarray, crs: Any, transform: Affine, grid: Grid, fill: float, missing: float | None, how: str
) -> np.ndarray:
    out = np.full(grid.shape, fill, dtype=source.dtype)
    rasterio.warp.reproject(
        source,
        out,
        src_transform=transform,
        src_crs=crs,
        src_nodata=missing,
        dst_transform=grid.transform,
        dst_crs=rasterio.crs.CRS.from_user_input(grid.crs),
        dst_nodata=fill,
        resampling=rasterio.warp.Resampling[how],
    )
    return out


def _aligned(
    source: np.ndarray, crs: Any, transform: Affine, grid: Grid, fill: float, missing: float | None
) -> np.ndarray | None:
    """A plain copy where the raster's cells are the grid's own, else None."""
    same = crs == rasterio.crs.CRS.from_user_input(grid.crs)
    square = transform.a == grid.resolution and transform.e == -grid.resolution and not (transform.b or transform.d)
    if not (same and square):
        return None
    column, row = (transform.c - grid.left) / grid.resolution, (grid.top - transform.f) / grid.resolution
    if column != round(column) or row != round(row):
        return None
    out = np.full(grid.shape, fill, dtype=source.dtype)
    x, y = round(column), round(row)
    height, width = source.shape
    y0, y1 = max(y, 0), min(y + height, grid.height)
    x0, x1 = max(x, 0), min(x + width, grid.width)
    if y0 < y1 and x0 < x1:
        out[y0:y1, x0:x1] = source[y0 - y : y1 - y, x0 - x : x1 - x]
    if missing is not None and missing == missing and missing != fill:  # noqa: PLR0124 - NaN is already the fill
        out[out == missing] = fill
    return out
