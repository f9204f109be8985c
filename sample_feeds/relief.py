"""Relief of the invented land: a plain along the rivers, side valleys that drain into it, ridges between them."""

import numpy as np
import numpy.typing as npt
from rasterio.features import rasterize
from scipy import ndimage
from shapely import LineString, Point
from shapely.geometry.base import BaseGeometry

from domain.registry import Registry
from sample_feeds.grids import Field, Grid, Mask, noise
from sample_feeds.streams import stream


def elevation(registry: Registry, grid: Grid, rivers: Mask, lakes: Mask, seed: int) -> Field:
    """Metres above sea level: a plain along the rivers, side valleys that drain into it, ridges between them.

    The rivers' level is a plane falling to the south-east, as the rivers of the sample county do.
    """
    rng = stream(seed, "relief")
    level = 30 + 1.6e-3 * (grid.x[-1] - grid.x[None, :]) + 0.8e-3 * (grid.y[:, None] - grid.y[-1])
    to_river = ndimage.distance_transform_edt(~rivers) * grid.resolution
    beds = _stream_beds(registry, grid, np.where(rivers, level, np.nan), to_river, seed)
    to_bed, nearest = ndimage.distance_transform_edt(np.isnan(beds), return_indices=True)
    to_bed *= grid.resolution
    bed = ndimage.gaussian_filter(beds[tuple(nearest)], 250 / grid.resolution)
    plain_m = 300 + 1100 * np.clip(noise(rng, grid, 9000) + 0.6, 0, 2)
    floor_m = 60 + 320 * np.exp(-to_river / 5000)
    away = np.clip(np.minimum(to_river - plain_m, to_bed - floor_m), 0, None)
    relief = np.clip(340 + 90 * noise(rng, grid, 8000) + 60 * noise(rng, grid, 2500), 90, None)
    rise = 1 - np.exp(-away / 850)
    folds = 34 * np.abs(noise(rng, grid, 1100)) + 13 * noise(rng, grid, 500)
    height = bed + rise * (relief + folds) + 2.5 * noise(rng, grid, 1500) * (to_river > 200)
    return _flatten_lakes(height.astype(np.float32), lakes, grid.resolution)


def _stream_beds(
    registry: Registry, grid: Grid, rivers: npt.NDArray[np.floating], to_river: Field, seed: int
) -> npt.NDArray[np.floating]:
    """Levels of rivers and side streams in m on the pixels they touch, NaN elsewhere.

    Springs are scattered over the land; nearest the rivers first, each flows to the closest place already reached,
    which gives a tree like that of real valleys. Every inhabited place is such a node, so that it lies in a valley.
    """
    rng = stream(seed, "streams")
    spacing = 2600.0
    left, bottom, right, top = grid.outline.bounds
    xs, ys = np.meshgrid(np.arange(left, right, spacing), np.arange(bottom, top, spacing))
    scattered = np.column_stack([xs.ravel(), ys.ravel()]) + rng.uniform(0, spacing, (xs.size, 2))
    stations = registry.stations[registry.stations["medium"].isin(["air", "noise", "soil", "source"])]
    lived_in = [grid.project(Point(p)) for p in zip(stations["lon"], stations["lat"], strict=True)]
    lived_in += [grid.project(s.representative_point()) for s in registry.townships.shapes]
    nodes = np.vstack([scattered, [(p.x, p.y) for p in lived_in]])
    row = np.clip(((top - nodes[:, 1]) / grid.resolution).astype(int), 0, grid.height - 1)
    column = np.clip(((nodes[:, 0] - left) / grid.resolution).astype(int), 0, grid.width - 1)
    mouths, levels = _river_points(grid, rivers)
    remote = to_river[row, column]
    order = np.argsort(remote, kind="stable")
    remote = remote[order]
    reached, level = np.vstack([mouths, nodes[order]]), np.concatenate([levels, np.zeros(len(nodes))])
    pieces: list[tuple[BaseGeometry, float]] = []
    for k in range(len(mouths), len(reached)):
        away = np.hypot(*(reached[:k] - reached[k]).T)
        down = int(np.argmin(away))
        steepness = 0.006 + 0.04 * (1 - np.exp(-remote[k - len(mouths)] / 7000))
        level[k] = level[down] + away[down] * steepness * np.exp(-level[down] / 700)
        pieces += _meander(rng, reached[down], reached[k], level[down], level[k])
    burned = rasterize(
        pieces, out_shape=grid.shape, transform=grid.transform, fill=np.nan, all_touched=True, dtype="float32"
    )
    return np.where(np.isnan(rivers), burned, rivers)


def _river_points(
    grid: Grid, rivers: npt.NDArray[np.floating]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Coordinates and levels of river pixels about every 600 m."""
    rows, columns = np.nonzero(~np.isnan(rivers))
    _, first = np.unique(np.column_stack([grid.y[rows] // 600, grid.x[columns] // 600]), axis=0, return_index=True)
    rows, columns = rows[first], columns[first]
    return np.column_stack([grid.x[columns], grid.y[rows]]), np.asarray(rivers[rows, columns], dtype=float)


def _meander(
    rng: np.random.Generator,
    mouth: npt.NDArray[np.float64],
    spring: npt.NDArray[np.float64],
    low: float,
    high: float,
) -> list[tuple[BaseGeometry, float]]:
    """A winding line from mouth to spring in pieces of 1/12, each with its level."""
    share = np.linspace(0, 1, 13)
    along = spring - mouth
    bend = rng.normal(0, 0.13) * np.sin(np.pi * share) + rng.normal(0, 0.07) * np.sin(2 * np.pi * share)
    line = mouth + share[:, None] * along + bend[:, None] * np.array([-along[1], along[0]])
    levels = low + (high - low) * share**1.3
    return [(LineString(line[k : k + 2]), float(levels[k])) for k in range(12)]


def _flatten_lakes(height: Field, lakes: Mask, resolution: float) -> Field:
    """Lakes are level, and their shores rise from them."""
    labels, count = ndimage.label(lakes)
    for k in range(1, count + 1):
        inside = labels == k
        surface = np.quantile(height[inside], 0.2)
        away = ndimage.distance_transform_edt(~inside) * resolution
        shore = _smoothstep(away / 900)
        height = np.where(inside, surface, shore * height + (1 - shore) * (surface + 6))
    return height.astype(np.float32)


def _smoothstep(t: npt.NDArray[np.floating]) -> Field:
    u = np.clip(t, 0, 1)
    return (u * u * (3 - 2 * u)).astype(np.float32)
