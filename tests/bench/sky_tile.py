"""A synthetic Sentinel-2 tile of full size as Cloud-Optimized GeoTIFF: two bands of 10 m and the scene classes of 20 m.

Digital numbers are fields, slopes and sensor noise, so that they compress about as real ones do (near 2 : 1); clouds
are round and scattered.
"""

from pathlib import Path

import numpy as np
import xarray as xr
from affine import Affine
from scipy import ndimage
from shapely import box

from domain.registry import Zones
from processing.imagery.grid import moved
from store.files import Files

SIDE, CRS, LEFT, TOP = 10_980, "EPSG:32650", 699_960.0, 3_200_040.0
PROPERTIES = {"s2:processing_baseline": "05.11", "s2:mgrs_tile": "50RQS", "created": "2026-08-20T02:36:00Z"}


def tile(folder: Path, side: int = SIDE, seed: int = 7) -> dict[str, str]:
    """Write the bands; band -> file. `side` is a multiple of 60."""
    rng = np.random.default_rng(seed)
    files = Files(folder)
    shape = (side // 2, side // 2)
    relief = _smooth(rng, shape, 40)
    green = np.clip(0.55 + 0.3 * _smooth(rng, shape, 90) + 0.12 * _smooth(rng, shape, 8), 0, 1)
    water = relief < -1.6
    codes = np.where(water, 6, np.where(green > 0.5, 4, 5)).astype(np.uint8)
    cloud = _smooth(rng, shape, 30)
    codes[cloud > 1.4] = 3
    codes[cloud > 1.6] = 9
    light = 1 + 0.15 * relief
    out = {}
    for band, bare, grown, wet in (("B04", 1500, 350, 220), ("B08", 2200, 3900, 120)):
        plain = np.where(water, wet, (bare + (grown - bare) * green) * light)
        plain[codes == 9] = 5200
        wide = plain.astype(np.float32).repeat(2, axis=0).repeat(2, axis=1)
        wide *= 1 + rng.standard_normal(wide.shape, dtype=np.float32) * np.float32(0.02)
        out[band] = _write(files, band, np.clip(wide + 1000, 1, 65535).astype(np.uint16), 10.0)
    out["SCL"] = _write(files, "SCL", codes, 20.0)
    return out


def zones(side: int = SIDE, n: int = 5) -> Zones:
    """n x n zones that cover the tile but for its rim, with ragged edges."""
    rng = np.random.default_rng(3)
    edge = np.linspace(0.02, 0.98, n + 1) * side * 10
    shapes, ids = [], []
    for i in range(n):
        for j in range(n):
            cell = box(LEFT + edge[j], TOP - edge[i + 1], LEFT + edge[j + 1], TOP - edge[i])
            bite = cell.centroid.buffer(float(rng.uniform(500, 4000)) * side / SIDE)
            shapes.append(moved(cell.difference(bite) if (i + j) % 3 == 0 else cell, CRS, "EPSG:4326"))
            ids.append(f"z{i}{j}")
    names = tuple(ids)
    return Zones(names, names, names, names, tuple(shapes))


def _smooth(rng: np.random.Generator, shape: tuple[int, int], cells: int) -> np.ndarray:
    """Smooth noise of unit deviation whose patches are so many cells wide."""
    coarse = rng.standard_normal((shape[0] // cells + 4, shape[1] // cells + 4)).astype(np.float32)
    wide = ndimage.zoom(coarse, cells, order=1)[: shape[0], : shape[1]]
    return wide / wide.std()


def _write(files: Files, name: str, cells: np.ndarray, resolution: float) -> str:
    place = {"crs": CRS, "transform": Affine(resolution, 0, LEFT, 0, -resolution, TOP)}
    return str(files.write_cog(f"{name}.tif", xr.DataArray(cells, dims=("y", "x"), attrs=place), nodata=0))
