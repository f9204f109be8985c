"""Candidates: what satellites saw change, as polygons that are followed from day to day.

`step` makes the open candidates of a day from those of the day before and what was found; the GeoJSON features it gives
are at once the product of the day and the state for the next. A candidate is evidence for an alert and a task for a
grid worker, never a verdict.

Confidence (0..1) is the weighted sum of four terms of 0..1: strength of the change, size, same season a year earlier,
and being seen again; the weights are rows of imagery_thresholds.csv. It orders what to look at first; it is no
probability. What was measured is told in docs/sky_events.md.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import rasterio.features
from rasterio.transform import Affine
from shapely import unary_union
from shapely.geometry import mapping, shape

from domain.records import TABLES
from domain.times import day_start
from processing.imagery.events import KINDS, ClearView, Found, day_of, minimum_ha, stated_ha
from processing.imagery.events.detect import Patch
from processing.imagery.grid import WGS84, Grid, moved

Feature = dict[str, Any]

_DECIMALS = 6  # of degrees: about 0.1 m
#: States of a candidate that is no longer followed.
CLOSED = ("over", "withdrawn")


@dataclass(frozen=True, slots=True)
class Day:
    """What `step` needs to know of a day."""

    day: date
    grid: Grid
    limits: Mapping[str, float]
    scenes: str = ""
    earlier: Mapping[int, str] = field(default_factory=dict)  # day number of an earlier view -> its scenes


def step(previous: Sequence[Feature], found: Found, day: Day) -> list[Feature]:
    """The candidates of a day: those open before, looked at again, and the new ones; by id.

    A patch that lies within track_gap_m of an open candidate of its group (a bloom: on its water body) belongs to it:
    the other half of a clearing that a cloud had covered is no second clearing. A candidate of which at least
    track_seen_share is seen clear is either seen again or over; candidates over, or not seen for track_days, are left
    out the day after. The same input gives the same features, so a late scene changes what it must and no more.

    Args:
        previous: features of the last day before.
        found: of the day.
        day: its date, grid, thresholds and scenes.
    """
    open_ones = [_looked_at(f, found.seen.now, day) for f in previous if _followed(f, day)]
    for patch in sorted(found.patches, key=lambda p: -len(p.rows)):  # a fragment joins the whole, not the reverse
        fresh = _feature(patch, found, day)
        mate = next((f for f in open_ones if _belongs(fresh, f, day)), None)
        if mate is None:
            open_ones.append(fresh)
        else:
            open_ones[open_ones.index(mate)] = _merged(mate, fresh, day)
    return sorted(open_ones, key=lambda f: str(f["properties"]["id"]))


def rows(features: Sequence[Feature]) -> pd.DataFrame:
    """The features as rows of the table `candidates`."""
    days = ("first_seen", "last_seen", "before_from", "before_to")
    said = [
        {
            **f["properties"],
            **{key: day_start(date.fromisoformat(f["properties"][key])) for key in days},
            "changes": json.dumps(f["properties"]["changes"], sort_keys=True),
            "geometry": json.dumps(f["geometry"]),
        }
        for f in features
    ]
    return TABLES["candidates"].frame(said)


def _followed(feature: Feature, day: Day) -> bool:
    said = feature["properties"]
    since = (day.day - date.fromisoformat(said["last_seen"])).days
    return said["status"] not in CLOSED and since <= day.limits["track_days"]


def _feature(patch: Patch, found: Found, day: Day) -> Feature:
    """A patch as a new candidate."""
    kind, seen = KINDS[patch.kind], found.seen
    cells = (patch.rows, patch.columns)
    before = seen.reference(kind.since)
    when = before.day[cells]
    first, last = (float(np.nanmin(when)), float(np.nanmax(when))) if np.isfinite(when).any() else (seen.day, seen.day)
    geometry = _outline(cells, day.grid)
    middle = shape(geometry).representative_point()
    area = len(patch.rows) * day.grid.cell_ha
    today = day.day.isoformat()
    said = {
        "id": f"{patch.kind}-{day.day:%Y%m%d}-r{patch.rows[0]:04d}c{patch.columns[0]:04d}",
        "kind": patch.kind,
        "first_seen": today,
        "last_seen": today,
        "n_seen": 1,
        "before_from": day_of(first).isoformat(),
        "before_to": day_of(last).isoformat(),
        "before_scenes": _scenes_of(when, day),
        "after_scenes": day.scenes,
        "township": _most(seen.ground.townships[cells], seen.ground.township_ids),
        "water_body": _most(seen.ground.waters[cells], seen.ground.water_ids),
        "lon": round(middle.x, _DECIMALS),
        "lat": round(middle.y, _DECIMALS),
        "area_ha": round(area, 4),
        "strength": round(min(patch.strength, 99.0), 2),
        "season": _season(patch, found),
        "mapped": seen.ground.cover is not None,
        "changes": {name: _means(name, before, seen.now, cells) for name in dict.fromkeys((kind.key, *kind.shown))},
        "picture": "",
        "status": "new",
    }
    return {"type": "Feature", "geometry": geometry, "properties": said | {"confidence": _confidence(said, day)}}


def _scenes_of(when: np.ndarray, day: Day) -> str:
    """The scenes of the days that cells were compared with, in order of time."""
    days = np.unique(when[np.isfinite(when)]).astype(int).tolist()
    return " ".join(filter(None, (day.earlier.get(number, "") for number in days)))


def _confidence(said: Mapping[str, Any], day: Day) -> float:
    limits, cell_ha = day.limits, day.grid.cell_ha
    least, stated = (size(said["kind"], cell_ha, limits) for size in (minimum_ha, stated_ha))
    terms = {
        "strength": said["strength"] - 1,
        "size": (said["area_ha"] - least) / (stated - least),
        "season": said["season"],
        "repeat": said["n_seen"] - 1,
    }
    total = sum(limits[f"confidence_{name}"] * min(max(term, 0.0), 1.0) for name, term in terms.items())
    return round(total * (1.0 if said["mapped"] else limits["confidence_unmapped"]), 2)


def _season(patch: Patch, found: Found) -> float:
    """Share of the change of the key index that also holds against the same season a year earlier, 0..1; 0.5 unknown.

    A bloom is a state of its own: there the question is whether a year earlier had none.
    """
    cells, key = (patch.rows, patch.columns), KINDS[patch.kind].key
    now, usual = found.seen.now.index(key)[cells], found.seen.references.season.index(key)[cells]
    before = found.seen.reference(KINDS[patch.kind].since).index(key)[cells]
    known = np.isfinite(usual) & np.isfinite(before)
    if known.mean() < found.seen.limits["track_seen_share"]:
        return 0.5
    lost, since = float(np.mean((before - now)[known])), float(np.mean((usual - now)[known]))
    return round(min(max(since / lost, 0.0), 1.0), 2) if abs(lost) > 1e-6 else 0.5


def _means(name: str, before: ClearView, now: ClearView, cells: tuple[np.ndarray, np.ndarray]) -> list[float | None]:
    """Mean of an index over the patch before and now; None where it was not known."""
    pair = (view.index(name)[cells] for view in (before, now))
    return [round(float(np.nanmean(v)), 3) if np.isfinite(v).any() else None for v in pair]


def _most(numbers: np.ndarray, ids: Sequence[str]) -> str:
    """The zone that holds most of the cells; "" when none holds one."""
    inside = numbers[numbers > 0]
    return ids[int(np.bincount(inside).argmax()) - 1] if inside.size else ""


def _looked_at(feature: Feature, now: ClearView, day: Day) -> Feature:
    """The candidate after a look at its place: seen again, over, or unchanged when too little of it is clear."""
    said = feature["properties"]
    key = KINDS[said["kind"]].key
    before, after = said["changes"][key]
    values = now.index(key)[_cells_of(feature["geometry"], day.grid)]
    known = values[np.isfinite(values)]
    if values.size == 0 or known.size < day.limits["track_seen_share"] * values.size:
        return feature
    usual = 0.0 if before is None else before
    back = (float(known.mean()) - after) / (usual - after) if usual != after else 0.0
    if back >= day.limits["track_recovered_share"]:
        return _saying(feature, day, status="over")
    return _saying(feature, day, status="standing", n_seen=said["n_seen"] + 1, last_seen=day.day.isoformat())


def _merged(mate: Feature, fresh: Feature, day: Day) -> Feature:
    """A candidate with the patch of today: their union, or today's outline of a bloom, which drifts.

    What thin cloud had made look like another kind takes the kind of the look that shows the stronger change over at
    least half of it; its id stays what it was.
    """
    one, two = mate["properties"], fresh["properties"]
    drifts = one["kind"] == "bloom"
    geometry = fresh["geometry"]
    area = two["area_ha"]
    if not drifts:
        whole = unary_union([moved(shape(f["geometry"]), WGS84, day.grid.crs) for f in (mate, fresh)])
        cells = _cells_of(_rounded(mapping(moved(whole, day.grid.crs, WGS84))), day.grid)
        geometry, area = _outline(cells, day.grid), len(cells[0]) * day.grid.cell_ha
    today = day.day.isoformat()
    again = one["n_seen"] if one["last_seen"] == today else one["n_seen"] + 1
    middle = shape(geometry).representative_point()
    clearer = two["strength"] > one["strength"] and two["area_ha"] >= area / 2
    named = {key: two[key] for key in ("kind", "changes")} if clearer and one["kind"] != two["kind"] else {}
    return _saying(
        {**mate, "geometry": geometry},
        day,
        status="standing",
        last_seen=today,
        n_seen=again,
        area_ha=round(area, 4),
        lon=round(middle.x, _DECIMALS),
        lat=round(middle.y, _DECIMALS),
        strength=max(one["strength"], two["strength"]),
        **named,
    )


def _saying(feature: Feature, day: Day, **said: Any) -> Feature:
    """The feature with other properties and the confidence that follows from them."""
    properties = {**feature["properties"], **said}
    return {**feature, "properties": {**properties, "confidence": _confidence(properties, day)}}


def _belongs(fresh: Feature, other: Feature, day: Day) -> bool:
    one, two = fresh["properties"], other["properties"]
    if KINDS[one["kind"]].group != KINDS[two["kind"]].group:
        return False
    if "bloom" in {one["kind"], two["kind"]}:
        return bool(one["kind"] == two["kind"] and one["water_body"] == two["water_body"])
    here, there = (moved(shape(f["geometry"]), WGS84, day.grid.crs) for f in (fresh, other))
    return bool(here.distance(there) <= day.limits["track_gap_m"])


def _cells_of(geometry: Mapping[str, Any], grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the cells whose centres lie in a WGS 84 geometry."""
    place = moved(shape(geometry), WGS84, grid.crs)
    west, south, east, north = place.bounds
    step_m = grid.resolution
    left, top = (max(int(v // step_m) - 1, 0) for v in (west - grid.left, grid.top - north))
    right, bottom = (int(v // step_m) + 2 for v in (east - grid.left, grid.top - south))
    size = min(bottom, grid.height) - top, min(right, grid.width) - left
    if min(size) <= 0:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    inside = rasterio.features.rasterize(
        [place], out_shape=size, transform=grid.transform @ Affine.translation(left, top), dtype="uint8"
    )
    rows_, columns = np.nonzero(inside)
    return rows_ + top, columns + left


def _outline(cells: tuple[np.ndarray, np.ndarray], grid: Grid) -> dict[str, Any]:
    """The outer and inner edges of cells as a GeoJSON polygon (several: multipolygon) in WGS 84."""
    top, left = int(cells[0].min()), int(cells[1].min())
    inside = np.zeros((int(cells[0].max()) - top + 1, int(cells[1].max()) - left + 1), dtype=np.uint8)
    inside[cells[0] - top, cells[1] - left] = 1
    place = grid.transform @ Affine.translation(left, top)
    parts = [
        shape(polygon)
        for polygon, _ in rasterio.features.shapes(inside, mask=inside > 0, connectivity=4, transform=place)
    ]
    return _rounded(mapping(moved(unary_union(parts), grid.crs, WGS84)))


def _rounded(geometry: Any) -> dict[str, Any]:
    def ring(points: Any) -> list[list[float]]:
        return [[round(x, _DECIMALS), round(y, _DECIMALS)] for x, y in points]

    if geometry["type"] == "Polygon":
        return {"type": "Polygon", "coordinates": [ring(r) for r in geometry["coordinates"]]}
    return {"type": "MultiPolygon", "coordinates": [[ring(r) for r in part] for part in geometry["coordinates"]]}
