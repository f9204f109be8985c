"""One acquisition day of the sky eye: from the scenes in the lake to what the county looked like and what changed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import rasterio.warp
import xarray as xr

from domain import imagery
from domain.errors import FeedCorrupt
from domain.records import Reason, Rejection
from domain.registry import Registry
from domain.times import local_day
from processing import candidates
from processing.imagery import scene as scenery
from processing.imagery.calibration import Fit
from processing.imagery.events import Found, Ground, References, day_number, detect
from processing.imagery.grid import Grid, mosaic, onto
from processing.imagery.reflectance import Policy
from processing.imagery.scene import DayView
from processing.imagery.zonal import zone_raster
from store.files import RasterInfo
from store.home import Home
from store.scenes import NOTES, read_band

#: Around the county in the reference system of a tile, m: enough for the buffer of clouds and for resampling.
_MARGIN_M = 1000.0


@dataclass(frozen=True, eq=False)
class Eye:
    """What every day shares."""

    home: Home
    grid: Grid
    limits: Mapping[str, float]
    policy: Policy
    tables: str  # digest of the tables, the map and the lines to the stations
    fits: Mapping[str, Fit]  # lines to the stations that were kept


@dataclass(frozen=True)
class Seen:
    """A day as it was seen: the view for the indicators, the mosaic of its scenes, and what could not be used."""

    view: DayView
    bands: Mapping[str, np.ndarray]  # reflectance by common name, NaN where not seen clear
    found: Found
    refused: list[Rejection]


def seen_on(eye: Eye, day: date, rows: pd.DataFrame, references: References, cover: np.ndarray | None) -> Seen:
    """What the scenes of a day show on the county grid, and the events against the earlier views.

    Args:
        eye: what every day shares.
        day: the Shanghai day.
        rows: its scenes in the order of preference.
        references: the views to compare with.
        cover: land cover on the grid, or None.
    """
    tiles: list[xr.Dataset] = []
    notes: list[str] = []
    refused: list[Rejection] = []
    for row in rows.to_dict("records"):
        found = _tile(eye, row, day)
        if isinstance(found, Rejection):
            refused.append(found)
            notes.append(f"{row['id']} refused ({found.reason})")
        else:
            tiles.append(found[0])
            notes.append(found[1])
    whole = mosaic(tiles) if tiles else scenery.nothing(eye.grid)
    bands = {band: whole[band].values for band in scenery.BANDS}
    registry = eye.home.registry
    ground = Ground.of(eye.grid, registry.townships, registry.waters, cover)
    events = detect(bands, day_number(day), references, ground, eye.limits)
    return Seen(_view(eye, day, whole, events, cover, notes), bands, events, refused)


def stepped(previous: list[dict[str, Any]], seen: Seen, rows: pd.DataFrame, limits: Mapping[str, float]) -> list[Any]:
    """The candidates open on a day, from those of the day before and what was found."""
    scenes = " ".join(rows["id"].astype(str))
    return candidates.step(previous, seen.found, candidates.Day(seen.view.day, seen.view.grid, limits, scenes))


def cover_maps(home: Home, version: int | None = None) -> pd.DataFrame:
    """The land-cover maps in the lake, oldest first, with the year of each."""
    maps = home.lake.read("scenes", where={"collection": ["landcover"]}, version=version)
    if maps.empty:
        return maps.assign(year=pd.Series(dtype=int))
    return maps.assign(year=local_day(maps["datetime"]).str[:4].astype(int)).sort_values(["year", "id"])


def cover_row(maps: pd.DataFrame, day: date) -> dict[str, Any] | None:
    """The map of a day: the newest of its year or before, else the oldest after it."""
    if maps.empty:
        return None
    earlier = maps[maps["year"] <= day.year]
    return {str(k): v for k, v in (earlier.iloc[-1] if len(earlier) else maps.iloc[0]).to_dict().items()}


def cover_on(eye: Eye, row: Mapping[str, Any] | None) -> np.ndarray | None:
    """The codes of a land-cover map on the county grid; None where there is none or it cannot be read."""
    if row is None:
        return None
    return _cover(eye, str(row["id"]), str(row["assets"]), str(row["properties"]))


@lru_cache(maxsize=2)
def _cover(eye: Eye, name: str, assets: str, properties: str) -> np.ndarray | None:
    row = {"id": name, "collection": "landcover", "assets": assets, "properties": properties}
    try:
        data = read_band(eye.home.files, row, "landcover")
    except FeedCorrupt:
        return None  # GEP refuses it with its reason; events then take all land for possible, and say so
    return onto(data.astype(np.uint16), eye.grid, how="nearest", name=name).values


def _view(eye: Eye, day: date, whole: xr.Dataset, events: Found, cover: np.ndarray | None, notes: list[str]) -> DayView:
    registry: Registry = eye.home.registry
    layers = scenery.over_water(scenery.layers(whole, eye.limits), zone_raster(registry.waters, eye.grid) > 0)
    return DayView(
        day=day,
        grid=eye.grid,
        layers=layers,
        townships=registry.townships,
        waters=registry.waters,
        clearing=events.cleared(),
        limits=eye.limits,
        note="; ".join(notes),
        zones=registry.zones,
        cover=cover,
        fits=eye.fits,
    )


def _tile(eye: Eye, row: Mapping[str, Any], day: date) -> tuple[xr.Dataset, str] | Rejection:
    """One scene on the county grid and the note about it, or why it cannot be used."""
    there = imagery.canonical_assets(row["collection"], json.loads(row["assets"]))
    absent = [scenery.own_name(band) for band in scenery.REQUIRED if band not in there]
    if absent:
        return _refusal(row, Reason.MISSING_BAND, f"no asset for band {', '.join(absent)}; fetch the item again")
    wanted = [band for band in there if band in {*scenery.BANDS, "scl"}]
    try:
        bands = {band: _county_part(eye, row, band, there[band]) for band in wanted}
    except FeedCorrupt as error:
        return _refusal(row, Reason.UNREADABLE_RASTER, str(error))
    properties = json.loads(row["properties"])
    try:
        tile, note = scenery.tile(bands, eye.grid, properties, eye.limits, day=day, policy=eye.policy)
    except FeedCorrupt as error:
        return _refusal(row, Reason.BAD_VALUE, str(error))
    told = [f"{row['id']}: {note}", *map(str, properties.get(NOTES, []))]
    return tile, "; ".join(told)


def _county_part(eye: Eye, row: Mapping[str, Any], band: str, href: str) -> xr.DataArray:
    """A band as far as the county can reach: a tile is larger than a county."""
    window = county_window(eye.home.files.raster_info(href), eye.grid)
    return read_band(eye.home.files, row, band, window=window)


def county_window(info: RasterInfo, grid: Grid) -> tuple[int, int, int, int] | None:
    """Row, column, height and width of the part of a north-up raster that a grid needs; None for all of it.

    Also None where the raster lies elsewhere or is not north-up: what follows says so better.
    """
    if not info.crs or info.transform.b or info.transform.d or info.transform.a <= 0 or info.transform.e >= 0:
        return None
    west, south, east, north = rasterio.warp.transform_bounds(grid.crs, info.crs, *grid.bounds, densify_pts=21)
    size = info.transform.a
    margin = _MARGIN_M if size >= 1 else _MARGIN_M / 100_000  # degrees
    left = max(int((west - margin - info.transform.c) // size), 0)
    top = max(int((info.transform.f - north - margin) // size), 0)
    right = min(int((east + margin - info.transform.c) // size) + 1, info.shape[1])
    bottom = min(int((info.transform.f - south + margin) // size) + 1, info.shape[0])
    if right <= left or bottom <= top or (bottom - top, right - left) == tuple(info.shape):
        return None
    return top, left, bottom - top, right - left


def _refusal(row: Mapping[str, Any], reason: Reason, what: str) -> Rejection:
    return Rejection(
        feed=row["feed"],
        received_at=pd.Timestamp(row["received_at"]).to_pydatetime(),
        reason=reason.value,
        detail=f"{row['feed']}: scene {row['id']}: {what}",
        raw_ref=f"scenes/{row['id']}",
    )
