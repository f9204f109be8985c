"""Which evidence belongs together: pairs near in space (or along a river) and time, and pairs that name each other.

Every relation is symmetric and looks at two pieces of evidence alone, so what belongs together does not depend on the
order in which it came. Time runs in int64 microseconds; evidence that goes on has no end.

Pairs are found with a KD-tree over place and time. A long alarm is there several times, once in every pause that the
rule allows, so that two spans whose pause is short enough always have two samples that are close.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.spatial import cKDTree

from alerts.incidents.tables import Link, links, settings
from domain.incidents import micros
from domain.rivers import WGS84, Rivers

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Objects = NDArray[np.object_]
HOUR_US = 3_600_000_000
_NONE = np.empty((0, 2), dtype=np.int64)


def pairs(evidence: pd.DataFrame, rivers: Rivers) -> Ints:
    """Pairs (m, 2) of positions i < j in a frame of evidence that belong together, each once or more often.

    Args:
        evidence: columns of domain.incidents.Evidence.
        rivers: the network along which water carries what one saw to another.
    """
    if len(evidence) < 2:
        return _NONE
    found = [_named(evidence["id"] + " " + evidence["keys"])]
    x, y = Transformer.from_crs(WGS84, rivers.crs, always_xy=True).transform(
        evidence["lon"].to_numpy(float), evidence["lat"].to_numpy(float)
    )
    place = np.column_stack([x, y])
    start, end = micros(evidence["starts_at"]), micros(evidence["ends_at"])
    eye, kind = evidence["eye"].to_numpy(object), evidence["kind"].to_numpy(object)
    extent = evidence["extent_m"].to_numpy(float)
    for (of, eyes), link in links().items():
        mine = np.flatnonzero((kind == of) & np.isin(eye, eyes.split("+")))
        if mine.size > 1:
            near = _near(mine, place, extent, start, end, link)
            found.append(near[_wanted(eye, near, eyes)])
            if link.river:
                flows = _along(mine, evidence, start, end, rivers)
                found.append(flows[_wanted(eye, flows, eyes)])
    return np.sort(np.concatenate(found), axis=1)


def _wanted(eye: Objects, found: Ints, eyes: str) -> NDArray[np.bool_]:
    a, b = eyes.split("+")
    first, second = eye[found[:, 0]], eye[found[:, 1]]
    return ((first == a) & (second == b)) | ((first == b) & (second == a))


def _named(keys: pd.Series) -> Ints:
    """Evidence that shares a word, be it its own id or one of its keys: each with the next that has it."""
    words = keys.str.split().explode().dropna()
    if words.empty:
        return _NONE
    numbers, _ = pd.factorize(words)
    at = words.index.to_numpy(dtype=np.int64)
    order = np.lexsort((at, numbers))
    numbers, at = numbers[order], at[order]
    same = numbers[1:] == numbers[:-1]
    return np.column_stack([at[:-1][same], at[1:][same]])


def _near(mine: Ints, place: Floats, extent: Floats, start: Ints, end: Ints, link: Link) -> Ints:
    """Pairs of `mine` within radius (from edge to edge) and pause."""
    mine = mine[np.isfinite(place[mine]).all(axis=1)]
    if mine.size < 2:
        return _NONE
    reach = link.radius_m + 2 * float(extent[mine].max())
    found = _close(mine, place[mine] / reach, start, end, link.gap_h)
    i, j = found[:, 0], found[:, 1]
    away = np.hypot(*(place[i] - place[j]).T) - extent[i] - extent[j]
    return found[(away <= link.radius_m) & (_pause(start, end, i, j) <= link.gap_h * HOUR_US)]


def _along(mine: Ints, evidence: pd.DataFrame, start: Ints, end: Ints, rivers: Rivers) -> Ints:
    """Pairs of `mine` of which one lies downstream and saw what the other saw when the water had come there.

    A parcel of water that passed the upper place in [start, end) passes the lower one, d km below, between
    start + d / flow_max and end + d / flow_min; the lower one's span must come within `river_gap` of that.
    """
    number = settings()
    river, km = evidence["river"].to_numpy(object), evidence["river_km"].to_numpy(float)
    lag_h = number["river_reach"] / number["flow_min"]
    parts = [_NONE]
    for members, mapped in _systems(mine, river, km, rivers):
        line = (mapped / number["river_reach"])[:, None]
        found = _close(members, line, start, end, number["river_gap"] + lag_h)
        for way in (found, found[:, ::-1]):
            distance = _downstream(river, km, way[:, 0], way[:, 1], rivers)
            reached = distance <= number["river_reach"]
            up, low, distance = way[reached, 0], way[reached, 1], distance[reached]
            soonest = start[up] + (distance / number["flow_max"] * HOUR_US).astype(np.int64)
            latest = end[up] + (distance / number["flow_min"] * HOUR_US).astype(np.int64)
            pause = np.maximum(soonest - end[low], start[low] - latest)
            parts.append(np.column_stack([up, low])[pause <= number["river_gap"] * HOUR_US])
    return np.concatenate(parts)


def _systems(mine: Ints, river: Objects, km: Floats, rivers: Rivers) -> Iterator[tuple[Ints, Floats]]:
    """Those of `mine` on each river system, and their km as read on its last river."""
    on = mine[(river[mine] != "") & np.isfinite(km[mine])]
    if on.size == 0:
        return
    ways = {r: list(rivers.shifts.get(r, {r: (0.0, 0.0)}).items())[-1] for r in set(river[on])}
    sea = np.array([ways[r][0] for r in river[on]], dtype=object)
    mapped = km[on] + np.array([ways[r][1][0] for r in river[on]])
    for last in sorted(set(sea)):
        yield on[sea == last], mapped[sea == last]


def _downstream(river: Objects, km: Floats, up: Ints, low: Ints, rivers: Rivers) -> Floats:
    """(m,) km that the water of `up` flows to reach `low`; NaN when it never does."""
    out = np.full(up.size, np.nan)
    for a in set(river[up]):
        for b, (offset, entry) in rivers.shifts.get(a, {a: (0.0, -np.inf)}).items():
            here = (river[up] == a) & (river[low] == b) & (km[low] >= entry)
            out[here] = km[low][here] - km[up][here] - offset
    return np.where(out >= 0, out, np.nan)


def _close(mine: Ints, scaled: Floats, start: Ints, end: Ints, gap_h: float) -> Ints:
    """Pairs of `mine` with samples at most 1 apart in every scaled coordinate and `gap_h` apart in time."""
    if mine.size < 2:
        return _NONE
    gap = max(int(gap_h * HOUR_US), 1)
    first = start[mine]
    # What goes on is followed until the last beginning: nothing begins after that.
    last = np.clip(end[mine], first, np.maximum(first, first.max()))
    steps = -(-(last - first) // gap) + 1
    owner = np.repeat(np.arange(mine.size), steps)
    within = np.arange(owner.size) - np.repeat(np.cumsum(steps) - steps, steps)
    moment = np.minimum(first[owner] + within * gap, last[owner])
    points = np.column_stack([scaled[owner], (moment - int(first.min())) / gap])
    # A hair more than the box, so that rounding loses no pair; callers check exactly.
    close = cKDTree(points).query_pairs(1 + 1e-9, p=np.inf, output_type="ndarray")
    both = np.sort(owner[close], axis=1).astype(np.int64)
    both = both[both[:, 0] != both[:, 1]]
    codes = np.unique(both[:, 0] * mine.size + both[:, 1])
    return mine[np.column_stack([codes // mine.size, codes % mine.size])]


def _pause(start: Ints, end: Ints, i: Ints, j: Ints) -> Ints:
    """Microseconds between two spans; 0 when they touch or overlap."""
    return np.maximum(np.maximum(start[i] - end[j], start[j] - end[i]), 0)
