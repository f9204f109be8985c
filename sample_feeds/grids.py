"""Raster grids and the smooth noise the invented land is made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from affine import Affine
from pyproj import Transformer
from rasterio.features import rasterize
from scipy.interpolate import RectBivariateSpline
from shapely import Point, box, segmentize, transform
from shapely.geometry.base import BaseGeometry

from domain.registry import Registry

Field = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint16]
Mask = npt.NDArray[np.bool_]

SNAP_M = 1200  # extents are multiples of this, so that every resolution dividing it sees the same land
MARGIN_M = 3000


@dataclass(frozen=True)
class Grid:
    """A north-up raster grid: EPSG code, affine transform, rows and columns."""

    epsg: int
    transform: Affine
    height: int
    width: int

    @property
    def resolution(self) -> float:
        return float(self.transform.a)

    @property
    def shape(self) -> tuple[int, int]:
        return self.height, self.width

    @cached_property
    def x(self) -> npt.NDArray[np.float64]:
        """Easting of the column centres, metres."""
        return np.asarray(self.transform.c + (np.arange(self.width) + 0.5) * self.resolution, dtype=np.float64)

    @cached_property
    def y(self) -> npt.NDArray[np.float64]:
        """Northing of the row centres, metres, from north to south."""
        return np.asarray(self.transform.f - (np.arange(self.height) + 0.5) * self.resolution, dtype=np.float64)

    @property
    def outline(self) -> BaseGeometry:
        """The outer edge, in the grid's own coordinates."""
        left, top = self.transform.c, self.transform.f
        return box(left, top - self.height * self.resolution, left + self.width * self.resolution, top)

    def coarse(self, factor: int) -> "Grid":
        """The same extent in pixels `factor` times as large; the shape must divide by it."""
        return Grid(self.epsg, self.transform @ Affine.scale(factor), self.height // factor, self.width // factor)

    def burn(self, shapes: Iterable[BaseGeometry]) -> Mask:
        """True where a pixel centre lies in one of the WGS 84 polygons."""
        local = [self.project(s) for s in shapes]
        if not local:
            return np.zeros(self.shape, dtype=bool)
        burned = rasterize(local, out_shape=self.shape, transform=self.transform, default_value=1, dtype="uint8")
        return np.asarray(burned, dtype=bool)

    def project(self, shape: BaseGeometry) -> BaseGeometry:
        """A WGS 84 geometry in the coordinates of this grid."""
        to = Transformer.from_crs(4326, self.epsg, always_xy=True)
        return transform(shape, to.transform, interleaved=False)

    def near(self, points: Sequence[tuple[float, float]], radius_m: float) -> Mask:
        """True within `radius_m` of one of the WGS 84 points."""
        return self.distance(points) <= radius_m

    def distance(self, points: Sequence[tuple[float, float]]) -> Field:
        """Metres from each pixel centre to the nearest of the WGS 84 points; infinite when there is none."""
        nearest = np.full(self.shape, np.inf, dtype=np.float32)
        for point in points:
            here = self.project(Point(point))
            squared = (self.y[:, None] - here.y) ** 2 + (self.x[None, :] - here.x) ** 2
            np.minimum(nearest, np.sqrt(squared), out=nearest, casting="same_kind")
        return nearest


def county_grid(registry: Registry, resolution_m: int) -> Grid:
    """The grid of the county box and a margin, in the county's own projection.

    Raises:
        ValueError: twice the resolution does not divide 1200 m.
    """
    if SNAP_M % (2 * resolution_m):
        raise ValueError(f"resolution_m {resolution_m} must divide {SNAP_M // 2}")
    epsg = int(str(registry.county["crs"]).rpartition(":")[2])
    west, south, east, north = registry.county["bbox"]
    to = Transformer.from_crs(4326, epsg, always_xy=True)
    edge = transform(segmentize(box(west, south, east, north), 0.02), to.transform, interleaved=False)
    left, bottom, right, top = edge.buffer(MARGIN_M).bounds
    left, bottom = (np.floor(v / SNAP_M) * SNAP_M for v in (left, bottom))
    right, top = (np.ceil(v / SNAP_M) * SNAP_M for v in (right, top))
    return Grid(
        epsg,
        Affine(resolution_m, 0, left, 0, -resolution_m, top),
        round((top - bottom) / resolution_m),
        round((right - left) / resolution_m),
    )


def noise(rng: np.random.Generator, grid: Grid, wavelength_m: float) -> Field:
    """Smooth noise of about unit spread, the same land at every resolution: a cubic surface over random knots."""
    step = wavelength_m / 2
    left, bottom, right, top = grid.outline.bounds
    xs = np.arange(left - 2 * step, right + 3 * step, step)
    ys = np.arange(bottom - 2 * step, top + 3 * step, step)
    knots = rng.standard_normal((len(ys), len(xs)))
    surface = RectBivariateSpline(ys, xs, knots, kx=3, ky=3)
    return np.asarray(surface(grid.y[::-1], grid.x)[::-1], dtype=np.float32) / 0.8


def parcels(rng: np.random.Generator, grid: Grid, size_m: float) -> Field:
    """Noise that is constant within square parcels of `size_m`, standard normal between them."""
    left, bottom, right, top = grid.outline.bounds
    values = rng.standard_normal((int((top - bottom) / size_m) + 2, int((right - left) / size_m) + 2))
    rows = ((top - grid.y) // size_m).astype(int)
    columns = ((grid.x - left) // size_m).astype(int)
    return values[np.ix_(rows, columns)].astype(np.float32)
