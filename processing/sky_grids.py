"""The shell of other satellites: NO2 of Sentinel-5P, temperature of Landsat, NDVI of Gaofen -> daily rows by zone.

Scenes that came since the cursor tell which days are computed; a scene that cannot be used is refused and counted.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from domain import imagery
from domain.errors import CatalogueError, FeedCorrupt, StoreConflict
from domain.records import TABLES, Reason, Rejection
from domain.times import local_day
from processing.counts import Counts
from processing.imagery import no2
from processing.imagery.grid import Grid, county_grid, onto
from processing.imagery.indices import ndvi
from processing.imagery.sensors import surface
from processing.imagery.swath import coarse
from processing.imagery.tables import thresholds
from processing.indicators.ecology_grids import GridDay, grid_means, series_rows
from processing.sky_fit import scenes_of
from processing.sky_mosaic import county_window
from store.home import Home
from store.scenes import read_band

CURSOR = "sky_grids"
_LANDSAT = "landsat-c2-l2"
_GAOFEN = ("gf1-wfv", "gf6-wfv")
_ATTEMPTS = 10
_KELVIN = 273.15


def compute_grids(home: Home, *, now: datetime) -> Counts:
    """Rows of ecology.no2, lst and ndvi_gf of every day whose scenes changed, and of every daily series.

    Args:
        home: memory and registry.
        now: the moment written beside superseded rows.

    Raises:
        StoreConflict: other writers never let us through.
    """
    for _ in range(_ATTEMPTS):
        expected = home.lake.version("indicators")
        changes = home.lake.changes("scenes", home.ledger.cursor(CURSOR))
        days = sorted({day for _, day in changes.days})
        refused: list[Rejection] = []
        parts = [TABLES["indicators"].frame(), *_of_days(home, days, refused), *_series(home, days, refused)]
        rows = TABLES["indicators"].frame(pd.concat(parts, ignore_index=True))
        try:
            why = "grids of other satellites computed"
            written = home.lake.upsert("indicators", rows, now=now, why=why, expected_version=expected)
        except StoreConflict:
            continue
        told = home.ledger.reject(refused)
        home.ledger.advance(CURSOR, changes.version)
        return Counts(read=len(rows), computed=len(days), rejected=told).wrote(written)
    raise StoreConflict(f"grids of the sky eye: {_ATTEMPTS} runs in a row met another writer")


def _of_days(home: Home, days: list[date], refused: list[Rejection]) -> list[pd.DataFrame]:
    out = []
    county = county_grid(home.registry.county)
    for products, layer in (([no2.SWATH], "no2"), ([_LANDSAT], "lst"), (_GAOFEN, "ndvi_gf")):
        grid = coarse(county, imagery.settings()["s5p_cell_m"]) if layer == "no2" else county
        scenes = _changed(scenes_of(home, products, None, None), days)
        for day, ours in scenes.groupby("day"):
            seen = [_read(home, row, grid, refused) for row in ours.sort_values("id").to_dict("records")]
            known = [found for found in seen if found is not None]
            out.append(_rows(home, layer, date.fromisoformat(str(day)), grid, known))
    return out


def _changed(scenes: pd.DataFrame, days: list[date]) -> pd.DataFrame:
    """The scenes of some days, with the day of each."""
    if scenes.empty:
        return scenes.assign(day="")
    dated = scenes.assign(day=local_day(scenes["datetime"]))
    return dated[dated["day"].isin([day.isoformat() for day in days])]


def _rows(
    home: Home, layer: str, day: date, grid: Grid, seen: list[tuple[np.ndarray, np.ndarray, str]]
) -> pd.DataFrame:
    """Scenes of one day as one layer: the mean of those that see a cell, by their weights."""
    total, weight = np.zeros(grid.shape), np.zeros(grid.shape)
    for values, weights, _ in seen:
        good = np.isfinite(values) & (weights > 0)
        total[good] += values[good].astype(float) * weights[good]
        weight[good] += weights[good]
    whole = np.where(weight > 0, total / np.where(weight > 0, weight, 1), np.nan)
    note = "; ".join(said for _, _, said in seen) or "no scene of the day could be used"
    return grid_means(GridDay(layer, day, grid, whole, home.registry.zones, thresholds(), note))


def _read(
    home: Home, row: Mapping[str, Any], grid: Grid, refused: list[Rejection]
) -> tuple[np.ndarray, np.ndarray, str] | None:
    """Values on the grid, their weights, and what is to be known of the scene; None when it is refused."""
    try:
        product = imagery.product_of(row["collection"])
        if product == _LANDSAT:
            return _temperature(home, row, grid)
        return _greenness(home, product, row, grid) if product in _GAOFEN else _column(home, row, grid)
    except (FeedCorrupt, CatalogueError) as error:
        refused.append(_refusal(row, error))
        return None


def _column(home: Home, row: Mapping[str, Any], grid: Grid) -> tuple[np.ndarray, np.ndarray, str]:
    (href,) = json.loads(row["assets"]).values()
    found = no2.on_grid(home.files.read_netcdf(href, [*no2.VARIABLES, *no2.CORNERS]), grid)
    return found["value"].values * 1e6, found["weight"].values, f"{row['id']}: {found.attrs['basis']}"


def _temperature(home: Home, row: Mapping[str, Any], grid: Grid) -> tuple[np.ndarray, np.ndarray, str]:
    raw = {band: read_band(home.files, row, band) for band in ("lwir11", "qa_pixel")}
    seen = surface(_LANDSAT, raw, json.loads(row["properties"]), day=_day(row), limits=thresholds())
    clear = onto(seen.clear, grid, how="nearest").values
    celsius = onto(seen.bands["lwir11"], grid, how="bilinear").values - np.float32(_KELVIN)
    return celsius, clear.astype(float), f"{row['id']}: {seen.note}"


def _greenness(home: Home, product: str, row: Mapping[str, Any], grid: Grid) -> tuple[np.ndarray, np.ndarray, str]:
    hrefs = sorted(set(json.loads(row["assets"]).values()))
    window = county_window(home.files.raster_info(hrefs[0]), grid) if len(hrefs) == 1 else None
    raw = {band: read_band(home.files, row, band, window=window) for band in ("blue", "green", "red", "nir")}
    seen = surface(product, raw, json.loads(row["properties"]), day=_day(row), limits=thresholds())
    clear = onto(seen.clear, grid, how="nearest").values
    red, nir = (onto(seen.bands[band], grid, how="bilinear") for band in ("red", "nir"))
    return ndvi(red, nir).values, clear.astype(float), f"{row['id']}: {seen.note}"


def _day(row: Mapping[str, Any]) -> date:
    return date.fromisoformat(local_day(pd.Series([row["datetime"]])).iloc[0])


def _series(home: Home, days: list[date], refused: list[Rejection]) -> list[pd.DataFrame]:
    """Every day of the daily series that came: a file is small, and the days it lacks are said too."""
    out = []
    for row in _changed(scenes_of(home, [no2.SERIES], None, None), days).to_dict("records"):
        try:
            (href,) = json.loads(row["assets"]).values()
            found = no2.daily(home.files.read_netcdf(href))
        except FeedCorrupt as error:
            refused.append(_refusal(row, error))
            continue
        first, last = pd.DatetimeIndex(found["day"].values[[0, -1]])
        daily = no2.daily_rows(found, date(first.year, 1, 1), date(last.year, 12, 31))
        area = json.loads(row["properties"]).get("area")
        out.append(series_rows(daily if area is None else daily.assign(subject=area)))
    return out


def _refusal(row: Mapping[str, Any], error: Exception) -> Rejection:
    return Rejection(
        feed=row["feed"],
        received_at=pd.Timestamp(row["received_at"]).to_pydatetime(),
        reason=Reason.UNREADABLE_RASTER.value,
        detail=f"{row['feed']}: scene {row['id']}: {error}",
        raw_ref=f"scenes/{row['id']}",
    )
