"""Slope length and upslope cells of a terrain model, by steepest descent (D8), in one pass from the top down.

Pits are not filled: soil that comes to a pit stays there, so slope length ends in it.
"""

import numpy as np
from numba import njit

#: The eight neighbours: rows and columns.
_DY = np.array([-1, -1, -1, 0, 0, 1, 1, 1])
_DX = np.array([-1, 0, 1, -1, 1, -1, 0, 1])


def slope_degrees(dem: np.ndarray, cell_m: float) -> np.ndarray:
    """Slope, degrees, by Horn's third-order differences; NaN where one of the nine cells is missing.

    Args:
        dem: elevation (y, x), m.
        cell_m: edge of a cell, m.
    """
    return _slopes(np.ascontiguousarray(dem, dtype=np.float64), 8.0 * cell_m)


def slope_length(dem: np.ndarray, cell_m: float, *, limit_m: float) -> np.ndarray:
    """Slope length, m: the longest way down to the middle of each cell, half a cell where it begins; at most `limit_m`.

    Args:
        dem: elevation (y, x), m; NaN outside.
        cell_m: edge of a cell, m.
        limit_m: longer slopes end in channels (parameter slope_length_max_m).
    """
    values = np.ascontiguousarray(dem, dtype=np.float32)
    return _lengths(values, _from_the_top(values), np.float32(cell_m), np.float32(limit_m), _DY, _DX)


def upslope_cells(dem: np.ndarray) -> np.ndarray:
    """How many cells drain through each cell, itself among them (y, x); NaN outside."""
    values = np.ascontiguousarray(dem, dtype=np.float32)
    return _counts(values, _from_the_top(values), _DY, _DX)


def _from_the_top(dem: np.ndarray) -> np.ndarray:
    """Cells in the order of falling elevation, those without one last; equal ones by their place."""
    return np.argsort(-dem.ravel(), kind="stable").astype(np.int32)


@njit(cache=True)
def _slopes(dem, run):  # type: ignore[no-untyped-def]
    """Horn's slope of every cell; beyond the edges the outermost cells are repeated."""
    height, width = dem.shape
    out = np.empty(dem.shape, dtype=np.float32)
    for y in range(height):
        u, d = max(y - 1, 0), min(y + 1, height - 1)
        for x in range(width):
            w, e = max(x - 1, 0), min(x + 1, width - 1)
            dx = dem[u, e] + 2 * dem[y, e] + dem[d, e] - dem[u, w] - 2 * dem[y, w] - dem[d, w]
            dy = dem[d, w] + 2 * dem[d, x] + dem[d, e] - dem[u, w] - 2 * dem[u, x] - dem[u, e]
            steep = np.degrees(np.arctan(np.sqrt(dx * dx + dy * dy) / run))
            out[y, x] = np.nan if np.isnan(dem[y, x]) else steep
    return out


@njit(cache=True)
def _downhill(dem, y, x, dys, dxs):  # type: ignore[no-untyped-def]
    """The neighbour of steepest descent, 0..7; -1 in a pit, on a flat or at the edge of what is known."""
    best, which = 0.0, -1
    for k in range(8):
        i, j = y + dys[k], x + dxs[k]
        if 0 <= i < dem.shape[0] and 0 <= j < dem.shape[1]:
            run = 1.4142135 if dys[k] * dxs[k] != 0 else 1.0
            fall = (dem[y, x] - dem[i, j]) / run
            if fall > best:
                best, which = fall, k
    return which


@njit(cache=True)
def _lengths(dem, order, cell, limit, dys, dxs):  # type: ignore[no-untyped-def]
    """One pass from the top down: a cell hands its length and the way to the next on; the longest is kept."""
    out = np.full(dem.shape, cell / 2, dtype=np.float32)
    for n in order:
        y, x = n // dem.shape[1], n % dem.shape[1]
        if np.isnan(dem[y, x]):
            out[y, x] = np.nan
            continue
        k = _downhill(dem, y, x, dys, dxs)
        if k >= 0:
            i, j = y + dys[k], x + dxs[k]
            way = out[y, x] + (cell * np.float32(1.4142135) if dys[k] * dxs[k] != 0 else cell)
            if way > out[i, j]:
                out[i, j] = min(way, limit)
    return out


@njit(cache=True)
def _counts(dem, order, dys, dxs):  # type: ignore[no-untyped-def]
    """One pass from the top down: a cell hands on how many drain through it."""
    out = np.ones(dem.shape, dtype=np.float64)
    for n in order:
        y, x = n // dem.shape[1], n % dem.shape[1]
        if np.isnan(dem[y, x]):
            out[y, x] = np.nan
            continue
        k = _downhill(dem, y, x, dys, dxs)
        if k >= 0:
            out[y + dys[k], x + dxs[k]] += out[y, x]
    return out
