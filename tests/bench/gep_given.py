"""Rasters on which our soil loss, water yield and carbon are compared with InVEST: synthetic and of a real terrain."""

from pathlib import Path
from typing import Any

import numpy as np
import rasterio

#: code, usle_c, usle_p, kc, root_depth, vegetated, c_above, c_below, c_soil, c_dead
BIOPHYSICAL = np.array(
    [
        [1, 0.004, 1.0, 1.0, 3000, 1, 80, 20, 100, 5],
        [2, 0.22, 0.5, 0.75, 900, 1, 5, 3, 60, 1],
        [3, 0.01, 1.0, 0.3, 1, 0, 0, 0, 20, 0],
        [4, 0.0, 1.0, 1.05, 1, 0, 0, 0, 0, 0],
    ]
)
L_MAX, Z = 122.0, 12.0
#: 1 arc second on the equator, m.
CELL_OF_DEM = 30.92
#: A part of an island: from the shore to 1400 m.
WINDOW = np.s_[2500:2800, 1900:2200]


def terrain(n: int = 48) -> np.ndarray:
    """A tilted surface with ridges, m (n, n)."""
    y, x = np.mgrid[:n, :n].astype(float)
    return 300 + 6 * y + 2 * x + 20 * np.sin(x / 5) * np.cos(y / 7)


def real_terrain(path: Path) -> np.ndarray:
    """The window of the Copernicus DEM, m; what is below the sea is shore."""
    with rasterio.open(path) as source:
        return np.maximum(source.read(1)[WINDOW].astype(float), 0.0)


def rasters(dem: np.ndarray, cell_m: float) -> dict[str, Any]:
    """All inputs of the models around a terrain, smooth and different in every cell."""
    y, x = np.mgrid[: dem.shape[0], : dem.shape[1]].astype(float)
    wave = np.sin(x / 11) * np.cos(y / 13)
    return {
        "dem": dem.astype(np.float32),
        "lulc": (1 + (x.astype(int) // 6 + y.astype(int) // 5) % 4).astype(np.int32),
        "erosivity": (7000 + 900 * wave).astype(np.float32),
        "erodibility": (0.02 + 0.008 * wave).astype(np.float32),
        "precipitation": (1500 + 400 * wave).astype(np.float32),
        "eto": (1000 + 150 * wave).astype(np.float32),
        "pawc": (0.2 + 0.1 * wave).astype(np.float32),
        "soil_depth": (1500 + 900 * wave).astype(np.float32),
        "cell_m": cell_m,
        "l_max": L_MAX,
        "z": Z,
        "biophysical": BIOPHYSICAL,
    }
