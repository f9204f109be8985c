"""One acquisition day of the sky eye: from the scenes in the lake to what the county looked like and what changed.

A county at 10 m does not fit into memory: bands and layers lie on planes (`store.planes`) and are made by blocks.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from typing import Any, cast

import numpy as np
import pandas as pd
import xarray as xr

from domain.errors import FeedCorrupt
from domain.records import Rejection
from domain.registry import Registry
from domain.times import local_day
from processing import candidates
from processing.imagery import scene as scenery
from processing.imagery.calibration import Fit
from processing.imagery.events import Found, Ground, day_number
from processing.imagery.grid import Grid, Window, blocks, onto
from processing.imagery.reflectance import Policy
from processing.imagery.scene import DayView
from processing.imagery.zonal import zone_raster
from processing.sky_detect import found_on
from processing.sky_mosaic import PLANE, bands_of, lay
from processing.sky_views import StoredView
from store.home import Home
from store.planes import Planes
from store.scenes import read_band

#: Folder of the files for arrays that do not fit into memory; what a killed run left there may be deleted.
SCRATCH = "scratch"


@dataclass(frozen=True, eq=False)
class Eye:
    """What every day shares."""

    home: Home
    grid: Grid
    limits: Mapping[str, float]
    policy: Policy
    tables: str  # digest of the tables, the map and the lines to the stations
    fits: Mapping[str, Fit]  # lines to the stations that were kept
    fvc: str  # where the ends of vegetation cover come from


@dataclass(frozen=True)
class Seen:
    """A day as it was seen: the view for the indicators, the mosaic of its scenes, and what could not be used."""

    view: DayView
    planes: Planes  # of its bands and layers; they end with the day
    found: Found
    refused: list[Rejection]

    def bands(self, window: Window) -> dict[str, np.ndarray]:
        """Reflectance of a window by common name, NaN where not seen clear."""
        return bands_of(self.planes, window)

    def layers(self) -> "Layers":
        """The layers of the view, which may also be read by windows."""
        return cast(Layers, self.view.layers)


def seen_on(
    eye: Eye,
    day: date,
    rows: pd.DataFrame,
    references: Mapping[str, StoredView],
    cover: np.ndarray | None,
    planes: Planes,
) -> Seen:
    """What the scenes of a day show on the county grid, and the events against the earlier views.

    Args:
        eye: what every day shares.
        day: the Shanghai day.
        rows: its scenes in the order of preference.
        references: the views to compare with, by the fields of `References`.
        cover: land cover on the grid, or None.
        planes: of the grid; the arrays of the day are kept there.
    """
    registry: Registry = eye.home.registry
    laid = lay(eye.home.files, eye.grid, rows, day, planes, eye.limits, eye.policy)
    layers = Layers(planes, eye.grid)
    layers.make(eye.limits, zone_raster(registry.waters, eye.grid))
    ground = Ground.of(eye.grid, registry.townships, registry.waters, cover)

    found, clearing = found_on(partial(bands_of, planes), day_number(day), references, ground, eye.limits, planes)
    view = DayView(
        day=day,
        grid=eye.grid,
        layers=layers,
        townships=registry.townships,
        waters=registry.waters,
        clearing=clearing,
        limits=eye.limits,
        note="; ".join(laid.notes),
        zones=registry.zones,
        cover=cover,
        fits=eye.fits,
    )
    return Seen(view, planes, found, laid.refused)


def stepped(
    previous: list[dict[str, Any]], seen: Seen, scenes: Mapping[date, pd.DataFrame], limits: Mapping[str, float]
) -> list[Any]:
    """The candidates open on a day, from those of the day before and what was found.

    Args:
        previous: features of the last day before.
        seen: what was found.
        scenes: day -> the scenes used, of this day and those before.
        limits: imagery thresholds.
    """
    ids = {day_number(day): " ".join(rows["id"].astype(str)) for day, rows in scenes.items()}
    day = candidates.Day(seen.view.day, seen.view.grid, limits, ids[day_number(seen.view.day)], ids)
    return candidates.step(previous, seen.found, day)


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


class Layers(Mapping[Any, xr.DataArray]):
    """The layers of a day on the county grid, each read from its plane when it is asked for."""

    def __init__(self, planes: Planes, grid: Grid) -> None:
        self._planes, self._grid = planes, grid
        self._names = {band: PLANE.format(band) for band in ("red", "green", "blue")}

    def make(self, limits: Mapping[str, float], waters: np.ndarray) -> None:
        """Compute the layers of imagery_outputs.csv from the bands, block by block."""
        for window in blocks(self._grid.shape):
            part = self._grid.part(window)
            bands = {band: part.layer(values, band) for band, values in bands_of(self._planes, window).items()}
            found = scenery.layers(xr.Dataset(bands), limits)
            for name, layer in scenery.over_water(found, waters[window.cells] > 0).data_vars.items():
                if str(name) not in scenery.BANDS:
                    self._names[str(name)] = f"layer-{name}"
                    self._planes.write(self._names[str(name)], window.row, window.column, layer.values)

    def part(self, name: str, window: Window) -> np.ndarray:
        """A window of a layer."""
        return self._planes.read(self._names[name], *window)

    def __getitem__(self, name: Any) -> xr.DataArray:
        return self._grid.layer(self._planes.read(self._names[name]), str(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
