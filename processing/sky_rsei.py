"""The shell of RSEI: Landsat scenes of the growing seasons -> one fit over all years -> the index of each year.

The first run with rsei_years_min seasons fits and keeps the loadings in `rsei/loadings.json`; later years use them as
they are, until somebody asks for a new fit. One year: `products/<year>/rsei.tif` and a row `ecology.rsei` a township in
`periods`, made again only when its scenes or settings changed.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from domain import imagery
from domain.errors import FeedCorrupt
from domain.times import LOCAL, YEAR
from processing.counts import Counts
from processing.imagery import products, rsei, sensors, temperature
from processing.imagery.composites import composite
from processing.imagery.grid import Grid, county_grid, onto
from processing.imagery.rsei import Loadings
from processing.imagery.tables import thresholds
from processing.imagery.zonal import zonal_mean, zone_raster
from processing.indicators.ecology_fits import rsei_rows
from store.home import Home
from store.scenes import read_band

LOADINGS = "rsei/loadings.json"
PRODUCT, SENSOR = "landsat-c2-l2", "landsat-8"
#: Satellites that carry the sensor whose wetness weights are used: others would not compare.
_PLATFORMS = ("landsat-8", "landsat-9")
_BANDS = ("blue", "green", "red", "nir08", "swir16", "swir22", "lwir11", "qa_pixel")
#: Cells of the thermal band as served, m; finer ones would tell nothing more.
_CELL_M = 30.0

_log = logging.getLogger(__name__)


def compute_rsei(home: Home, *, now: datetime, refit: bool = False) -> Counts:
    """RSEI of every year that has clear Landsat views of its growing season.

    Args:
        home: memory and registry.
        now: the moment written beside superseded rows.
        refit: fit the loadings anew over all years there are, instead of using those that were kept or waiting for
            rsei_years_min years.

    Raises:
        CatalogueError: a table or the county is not as it must be.
        StoreError: the kept loadings were changed by hand.
    """
    grid, scenes = _grid(home), _scenes(home)
    years = {int(y): rows for y, rows in scenes.groupby(_local(scenes["datetime"]).dt.year)}
    loadings = None if refit else kept(home)
    stale = {y: rows for y, rows in years.items() if loadings is None or not _finished(home, y, rows, loadings)}
    views = {year: _year(home, rows, grid) for year, rows in stale.items()}
    seen = {year: layers for year, layers in views.items() if layers is not None}
    if not seen or (loadings is None and not refit and len(seen) < thresholds()["rsei_years_min"]):
        return Counts(read=len(scenes))
    if loadings is None:
        bounds = rsei.bounds_of(products.coefficients("rsei"))
        loadings = rsei.fit([(layers, None) for layers in seen.values()], bounds, sensor=SENSOR)
        home.files.write_bytes(LOADINGS, (loadings.to_json() + "\n").encode())
    townships = home.registry.townships.ids
    land = np.where(zone_raster(home.registry.waters, grid) > 0, 0, zone_raster(home.registry.townships, grid))
    parts = []
    for year, layers in seen.items():
        index = rsei.apply(layers, loadings)
        tags = {"version": loadings.version, "loadings": index.attrs["loadings"]}
        home.files.write_cog(f"products/{year}/rsei.tif", grid.layer(index.values, "rsei"), nodata=np.nan, tags=tags)
        found = zonal_mean(index.values, land, len(townships))
        parts.append(rsei_rows(found, townships, year, loadings, thresholds()))
    made = pd.concat(parts, ignore_index=True)
    written = home.lake.upsert("periods", made, now=now, why="RSEI computed")
    for year in seen:
        state = json.dumps({"made_from": _made_from(years[year], loadings)}) + "\n"
        home.files.write_bytes(_state(year), state.encode())
    return Counts(read=len(scenes), computed=len(seen)).wrote(written)


def kept(home: Home) -> Loadings | None:
    """The loadings that were fitted, or None before the first fit.

    Raises:
        StoreError: they were changed by hand.
    """
    place = home.files.path(LOADINGS)
    return Loadings.from_json(place.read_text(encoding="utf-8")) if place.is_file() else None


def _state(year: int) -> str:
    return f"products/{year}/rsei.json"


def _made_from(rows: pd.DataFrame, loadings: Loadings) -> str:
    """What a year is made from: its scenes, the products of its components, and the loadings."""
    limits = thresholds()
    told = [loadings.version, *(products.version(name) for name in (*rsei.COMPONENTS, "water"))]
    told += [f"{key} {limits[key]:g}" for key in ("cloud_buffer_m", "lst_min", "lst_max", "water_mndwi_min")]
    told += [f"{row.id} {row.assets} {row.properties}" for row in rows.itertuples()]
    return hashlib.sha256("\x1f".join(told).encode()).hexdigest()


def _finished(home: Home, year: int, rows: pd.DataFrame, loadings: Loadings) -> bool:
    place = home.files.path(_state(year))
    if not place.is_file():
        return False
    return bool(json.loads(place.read_text(encoding="utf-8"))["made_from"] == _made_from(rows, loadings))


def _grid(home: Home) -> Grid:
    return county_grid({**home.registry.county, "resolution_m": max(_CELL_M, home.registry.county["resolution_m"])})


def _local(times: pd.Series) -> pd.Series:
    return times.dt.tz_convert(LOCAL)


def _scenes(home: Home) -> pd.DataFrame:
    """Scenes of the growing seasons, in order of time."""
    limits = thresholds()
    collections = sorted({PRODUCT, *imagery.collections_of(PRODUCT)})
    scenes = home.lake.read("scenes", where={"collection": collections})
    month = _local(scenes["datetime"]).dt.month
    season = month.between(limits["rsei_first_month"], limits["rsei_last_month"])
    return scenes[season & scenes["platform"].isin(_PLATFORMS)].sort_values(["datetime", "id"], ignore_index=True)


def _year(home: Home, rows: pd.DataFrame, grid: Grid) -> xr.Dataset | None:
    """Medians of the four components over the views of one season, NaN over water; None when nothing was seen."""
    views = []
    for row in rows.to_dict("records"):
        try:
            view = _components(home, {str(k): v for k, v in row.items()}, grid)
        except FeedCorrupt as error:
            _log.warning("scene %s gives no RSEI: %s", row["id"], error)
            continue
        views.append(view.expand_dims(time=[pd.Timestamp(row["datetime"]).tz_localize(None).to_datetime64()]))
    if not views:
        return None
    found = composite(xr.concat(views, "time"), period=YEAR).isel(time=0, drop=True)
    return found.drop_vars("n_obs") if int(found["n_obs"].max()) else None


def _components(home: Home, row: Mapping[str, Any], grid: Grid) -> xr.Dataset:
    """NDVI, wetness, NDBSI and LST of the clear land cells of one scene on the grid."""
    limits = thresholds()
    day = pd.Timestamp(row["datetime"]).tz_convert(LOCAL).date()
    raw = {band: read_band(home.files, row, band) for band in _BANDS}
    seen = sensors.surface(PRODUCT, raw, json.loads(row["properties"]), day=day, limits=limits)
    bands = {name: onto(layer, grid, how="bilinear", name=name) for name, layer in seen.bands.items()}
    clear = onto(seen.clear, grid, how="nearest", name="clear")
    made = products.compute(bands, (*rsei.COMPONENTS, "water"), limits=limits, sensor=SENSOR)
    made["lst"] = temperature.ground(made["lst"], clear, lowest=limits["lst_min"], highest=limits["lst_max"])
    land = clear & (made["water"] == 0)
    return made[list(rsei.COMPONENTS)].where(land)
