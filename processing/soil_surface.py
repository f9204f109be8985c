"""Surfaces between soil sample points: made only when somebody asks, and never without the name of the method.

Soil varies over metres; a surface between points kilometres apart is a drawing aid and no measurement. No indicator
uses one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from domain.errors import PipelineError

#: Methods by name, as a result and its legend tell them.
METHODS: Mapping[str, str] = {
    "idw": "inverse distance weighting, power 2, of the 8 nearest points",
    "nearest": "value of the nearest point (Voronoi polygons)",
}
#: Fewest points of which a surface is made.
LEAST = 5
_NEIGHBOURS, _POWER = 8, 2.0


@dataclass(frozen=True, slots=True)
class Surface:
    """Interpolated values with what a legend must say of them."""

    values: np.ndarray  # (m,) at the places asked for; NaN beyond the distance
    method: str
    described: str
    n_points: int


def surface(
    points: np.ndarray, values: np.ndarray, at: np.ndarray, *, method: str, least: int = LEAST, reach: float = np.inf
) -> Surface:
    """Values between sample points by a named method.

    Args:
        points: (n, 2) x and y of the samples in m, in a projected system.
        values: (n,) measured values; NaN ones are left out.
        at: (m, 2) places asked for, in the same system.
        method: a key of `METHODS`; there is none by default.
        least: fewest samples with a value.
        reach: distance in m to the nearest sample beyond which there is no value.

    Raises:
        PipelineError: unknown method, or too few samples.

    Source: Shepard 1968 for inverse distance weighting.
    """
    if method not in METHODS:
        raise PipelineError(f"the method {method!r} is not known; name one of {', '.join(METHODS)}")
    there = np.isfinite(values)
    n = int(there.sum())
    if n < least:
        raise PipelineError(f"{n} sample points have a value, a surface needs {least}; sample more points")
    tree = cKDTree(np.asarray(points, dtype=float)[there])
    distance, nearest = tree.query(np.asarray(at, dtype=float), k=min(_NEIGHBOURS, n) if method == "idw" else [1])
    known = np.asarray(values, dtype=float)[there][nearest]
    found = known[:, 0] if method == "nearest" else _weighted(known, distance)
    return Surface(np.where(distance[:, 0] <= reach, found, np.nan), method, METHODS[method], n)


def _weighted(known: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Mean of the neighbours (m, k) by inverse distance; a place on a sample has that sample's value."""
    on = distance[:, 0] == 0
    weight = 1 / np.where(distance == 0, 1, distance) ** _POWER
    mean = (weight * known).sum(axis=1) / weight.sum(axis=1)
    return np.where(on, known[:, 0], mean)
