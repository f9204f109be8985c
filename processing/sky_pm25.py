"""The shell of PM2.5 from above: AOD scenes and the kept line -> a map and a mean a township for each day.

Without a line that was kept (`sanyan sky fit --keep`) there is nothing: AOD alone is no concentration.
"""

import logging
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from domain.errors import FeedCorrupt
from domain.times import LENGTHS, day_start, local_day
from processing.counts import Counts
from processing.imagery import aerosol
from processing.imagery.calibration import Fit
from processing.imagery.grid import Grid, county_grid, onto
from processing.imagery.tables import thresholds
from processing.imagery.zonal import zonal_mean, zone_raster
from processing.indicators.ecology_fits import pm25_rows
from processing.sky_fit import AOD, aod_of, ground, kept, scenes_of
from store.home import Home

#: The grid of the map, m: townships are smaller than the cells of AOD, so those are laid finer, not averaged.
_CELL_M = 250.0

_log = logging.getLogger(__name__)


def compute_pm25(home: Home, *, now: datetime, start: datetime | None = None, end: datetime | None = None) -> Counts:
    """PM2.5 of every day with AOD in [start, end): `products/<day>/pm25.tif` and a row a township in `indicators`.

    Args:
        home: memory and registry.
        now: the moment written beside superseded rows.
        start: first instant; None for all.
        end: first instant after; None for all.

    Raises:
        StoreError: the kept lines were changed by hand.
    """
    fit = kept(home).get("pm25")
    scenes = scenes_of(home, AOD, start, end)
    if fit is None or scenes.empty:
        return Counts(read=len(scenes))
    county = home.registry.county
    grid = county_grid({**county, "resolution_m": max(_CELL_M, county["resolution_m"])})
    townships = home.registry.townships
    zones, parts = zone_raster(townships, grid), []
    for day, rows in scenes.groupby(local_day(scenes["datetime"])):
        found = _day(home, rows.sort_values(["datetime", "id"]), grid, fit)
        if found is None:
            continue
        name = f"products/{day}/pm25.tif"
        home.files.write_cog(name, grid.layer(found, "pm25"), nodata=np.nan, tags={"calibration": fit.stated()})
        means = zonal_mean(found, zones, len(townships.ids))
        parts.append(pm25_rows(means, townships.ids, day_start(date.fromisoformat(str(day))), fit, thresholds()))
    if not parts:
        return Counts(read=len(scenes))
    made = pd.concat(parts, ignore_index=True)
    written = home.lake.upsert("indicators", made, now=now, why="PM2.5 from AOD")
    return Counts(read=len(scenes), computed=len(parts)).wrote(written)


def _day(home: Home, rows: pd.DataFrame, grid: Grid, fit: Fit) -> np.ndarray | None:
    """The mean over the scenes of a day, cell by cell; None when none could be used."""
    total, n = np.zeros(grid.shape), np.zeros(grid.shape)
    used = False
    for row in rows.to_dict("records"):
        humidity = _humidity(home, row["datetime"])
        try:
            aod = onto(aod_of(home, {str(k): v for k, v in row.items()}), grid, how="bilinear", name="aod")
        except FeedCorrupt as error:
            _log.warning("scene %s gives no AOD: %s", row["id"], error)
            continue
        values = aerosol.pm25(aod, humidity, fit).values
        seen = np.isfinite(values)
        total, n, used = total + np.where(seen, values, 0), n + seen, True
    return np.where(n > 0, total / np.maximum(n, 1), np.nan).astype(np.float32) if used else None


def _humidity(home: Home, overpass: pd.Timestamp) -> float:
    """Mean relative humidity (%) of the stations nearest in time to the overpass; NaN when unknown or too high."""
    limits = thresholds()
    span = timedelta(hours=limits["match_hours"])
    seen = ground(home, "air", "humidity", (overpass - span, overpass + span))
    if seen.empty:
        return float("nan")
    gap = (seen["time"] + seen["period"].map(LENGTHS) / 2 - overpass).abs()
    mean = float(np.mean(np.sort(seen.loc[gap == gap.min(), "value"].to_numpy(float))))
    return mean if mean <= limits["pm25_humidity_max"] else float("nan")
