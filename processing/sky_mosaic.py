"""The scenes of one day on the county grid, by blocks: each block reads of every scene what it needs and no more."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import rasterio.warp
import xarray as xr

from domain import imagery
from domain.errors import FeedCorrupt
from domain.records import Reason, Rejection
from processing.imagery import scene as scenery
from processing.imagery.grid import Grid, Window, blocks, mosaic
from processing.imagery.reflectance import Offset, Policy
from processing.imagery.sensors import PROBES, scene_offset
from store.files import Files, RasterInfo
from store.planes import Planes
from store.scenes import NOTES, read_band

#: Around the county in the reference system of a tile, m: enough for the buffer of clouds and for resampling.
_MARGIN_M = 1000.0
#: Band -> the plane of its reflectance.
PLANE = "band-{}"


@dataclass(frozen=True)
class Scene:
    """A scene that has what it must have, with its offset decided by all of it that the county can see."""

    row: Mapping[str, Any]
    bands: Mapping[str, str]  # common name -> file
    properties: Mapping[str, Any]
    offset: Offset

    @property
    def id(self) -> str:
        """Its id in the table `scenes`."""
        return str(self.row["id"])


@dataclass(frozen=True)
class Laid:
    """What became of the scenes of a day."""

    notes: list[str]  # of each scene, in the order of the rows
    refused: list[Rejection]


def lay(
    files: Files,
    grid: Grid,
    rows: pd.DataFrame,
    day: date,
    planes: Planes,
    limits: Mapping[str, float],
    policy: Policy,
) -> Laid:
    """Write the reflectance of a day to planes named `PLANE`: NaN where it was not seen clear.

    A scene that turns out to be damaged in any block is refused whole, and the day is laid again without it.

    Args:
        files: of the home.
        grid: of the county.
        rows: the scenes of the day in the order of preference.
        day: the Shanghai day.
        planes: written to.
        limits: imagery thresholds.
        policy: what to do when metadata and pixels disagree on the reflectance offset.
    """
    found = {str(row["id"]): _opened(files, grid, row, limits, policy) for row in rows.to_dict("records")}
    while True:
        usable = [scene for scene in found.values() if isinstance(scene, Scene)]
        told = _laid(files, grid, usable, day, planes, limits)
        if not isinstance(told, Rejection):
            break
        found[told.raw_ref.removeprefix("scenes/")] = told
    notes = []
    for name, scene in found.items():
        if isinstance(scene, Rejection):
            notes.append(f"{name} refused ({scene.reason})")
        else:
            said = [told.get(name, "outside the county"), *map(str, scene.properties.get(NOTES, []))]
            notes.append(f"{name}: {'; '.join(said)}")
    return Laid(notes, [scene for scene in found.values() if isinstance(scene, Rejection)])


def bands_of(planes: Planes, window: Window) -> dict[str, np.ndarray]:
    """The reflectance of a window, as it was laid: by common name, NaN where not seen clear."""
    return {band: planes.read(PLANE.format(band), *window) for band in scenery.BANDS}


def county_window(info: RasterInfo, grid: Grid) -> tuple[int, int, int, int] | None:
    """Row, column, height and width of the part of a north-up raster that a grid needs; None for all of it.

    Also None where the raster lies elsewhere or is not north-up: what follows says so better.
    """
    window = _reached(info, grid)
    whole = window is None or min(window[2:]) <= 0 or window[2:] == tuple(info.shape)
    return None if whole else window


def _reached(info: RasterInfo, grid: Grid) -> tuple[int, int, int, int] | None:
    """`county_window` as it is: without height or width where the raster lies elsewhere; None if not north-up."""
    if not info.crs or info.transform.b or info.transform.d or info.transform.a <= 0 or info.transform.e >= 0:
        return None
    west, south, east, north = rasterio.warp.transform_bounds(grid.crs, info.crs, *grid.bounds, densify_pts=21)
    size = info.transform.a
    margin = _MARGIN_M if size >= 1 else _MARGIN_M / 100_000  # degrees
    left = max(int((west - margin - info.transform.c) // size), 0)
    top = max(int((info.transform.f - north - margin) // size), 0)
    right = min(int((east + margin - info.transform.c) // size) + 1, info.shape[1])
    bottom = min(int((info.transform.f - south + margin) // size) + 1, info.shape[0])
    return top, left, max(bottom - top, 0), max(right - left, 0)


def _opened(
    files: Files, grid: Grid, row: Mapping[str, Any], limits: Mapping[str, float], policy: Policy
) -> Scene | Rejection:
    """A scene with its offset, or why it cannot be used."""
    there = imagery.canonical_assets(row["collection"], json.loads(row["assets"]))
    absent = [scenery.own_name(band) for band in scenery.REQUIRED if band not in there]
    if absent:
        return _refusal(row, Reason.MISSING_BAND, f"no asset for band {', '.join(absent)}; fetch the item again")
    bands = {band: href for band, href in there.items() if band in {*scenery.BANDS, "scl"}}
    properties = json.loads(row["properties"])
    try:
        probes = [band for band in (*PROBES, "scl") if band in bands]
        raw = {band: _read(files, grid, row, band, bands[band]) for band in (probes[0], probes[-1])}
    except FeedCorrupt as error:
        return _refusal(row, Reason.UNREADABLE_RASTER, str(error))
    try:
        return Scene(row, bands, properties, scene_offset(raw, properties, limits, policy))
    except FeedCorrupt as error:
        return _refusal(row, Reason.BAD_VALUE, str(error))


def _laid(
    files: Files, grid: Grid, scenes: list[Scene], day: date, planes: Planes, limits: Mapping[str, float]
) -> dict[str, str] | Rejection:
    """The note of each scene that reaches the county, or the refusal of one of them."""
    notes: dict[str, str] = {}
    for window in blocks(grid.shape):
        part, tiles = grid.part(window), []
        for scene in scenes:
            try:
                if not all(_meets(files, part, href) for href in scene.bands.values()):
                    continue
                bands = {band: _read(files, part, scene.row, band, href) for band, href in scene.bands.items()}
            except FeedCorrupt as error:
                return _refusal(scene.row, Reason.UNREADABLE_RASTER, str(error))
            try:
                tile, notes[scene.id] = scenery.tile(bands, part, scene.properties, limits, day=day, known=scene.offset)
            except FeedCorrupt as error:
                return _refusal(scene.row, Reason.BAD_VALUE, str(error))
            tiles.append(tile)
        whole = mosaic(tiles) if tiles else scenery.nothing(part)
        for band in scenery.BANDS:
            planes.write(PLANE.format(band), window.row, window.column, whole[band].values)
    return notes


def _meets(files: Files, grid: Grid, href: str) -> bool:
    window = _reached(files.raster_info(href), grid)
    return window is None or min(window[2:]) > 0


def _read(files: Files, grid: Grid, row: Mapping[str, Any], band: str, href: str) -> xr.DataArray:
    """A band as far as the grid can reach: a tile is larger than a county."""
    return read_band(files, row, band, window=county_window(files.raster_info(href), grid))


def _refusal(row: Mapping[str, Any], reason: Reason, what: str) -> Rejection:
    return Rejection(
        feed=row["feed"],
        received_at=pd.Timestamp(row["received_at"]).to_pydatetime(),
        reason=reason.value,
        detail=f"{row['feed']}: scene {row['id']}: {what}",
        raw_ref=f"scenes/{row['id']}",
    )
