"""The shell of calibrations: products of the sky and values of stations in the lake -> lines, printed and kept.

Water: `products/<day>/<product>.tif` at inner water cells. PM2.5: the AOD scenes at the air stations, dried by the
humidity the stations measured. Lines that are kept lie in `calibrations/sky.json` with their version.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from domain import imagery
from domain.catalogue import TABLES_DIR, parameters, read_table
from domain.errors import FeedCorrupt
from domain.records import Flag
from domain.times import LENGTHS, local_day
from processing.imagery import aerosol, calibration, matchups, physical, water
from processing.imagery.calibration import Fit
from processing.imagery.grid import county_grid
from processing.imagery.tables import thresholds
from processing.imagery.zonal import zone_raster
from store.home import Home
from store.scenes import read_band

KEPT = "calibrations/sky.json"
_KEY = ["medium", "station_id", "parameter", "time", "period"]
#: product of AOD -> its band and, where the file has one, the quality band.
AOD = {"mcd19a2": ("aod055", "AOD_QA"), "aod": ("aod", None)}
#: Around the scenes asked for: their values of stations lie this near at most.
_MARGIN = timedelta(days=1)
_WATER = ("sentinel-2-l2a", "landsat-c2-l2")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Calibrated:
    """A line, and why stations gave no pair: reason of `matchups` -> how often."""

    fit: Fit
    left_out: Mapping[str, int]


@cache
def calibrations() -> pd.DataFrame:
    """What is fitted to what, indexed by product: parameter, medium, leave_out and the names of its thresholds.

    Raises:
        CatalogueError: the table is not as it must be.
    """
    columns = ["product", "parameter", "medium", "leave_out", "pairs_min", "stations_min", "source", "confidence"]
    path = TABLES_DIR / "imagery_calibrations.csv"
    return read_table(path, columns=columns, key=["product"]).set_index("product").drop(columns="line")


def fit_sky(home: Home, *, start: datetime | None = None, end: datetime | None = None) -> list[Calibrated]:
    """Every line of imagery_calibrations.csv, fitted to the scenes of [start, end); nothing is written.

    Args:
        home: memory and registry.
        start: first instant; None for all.
        end: first instant after; None for all.

    Raises:
        CatalogueError: a table or the county is not as it must be.
    """
    return [_fitted(home, product, start, end) for product in calibrations().index]


def keep(home: Home, found: list[Calibrated]) -> None:
    """Write the lines that are kept to where `kept` finds them; the others leave their values relative."""
    home.files.write_bytes(KEPT, calibration.to_json([c.fit for c in found if c.fit.kept]).encode())


def kept(home: Home) -> dict[str, Fit]:
    """Product -> line, of those that were kept; empty when nothing was.

    Raises:
        StoreError: the file was changed by hand.
    """
    place = home.files.path(KEPT)
    return calibration.from_json(place.read_text(encoding="utf-8")) if place.is_file() else {}


def _fitted(home: Home, product: str, start: datetime | None, end: datetime | None) -> Calibrated:
    row, limits = calibrations().loc[product], thresholds()
    air = row["medium"] == "air"
    span = (None if start is None else start - _MARGIN, None if end is None else end + _MARGIN)
    samples = _air_samples(home, start, end) if air else _water_samples(home, product, start, end)
    if air:
        samples = dried(samples, ground(home, "air", "humidity", span), limits)
    fit = calibration.line(
        matchups.pairs(samples, ground(home, row["medium"], row["parameter"], span), hours=limits["match_hours"]),
        product=product,
        parameter=row["parameter"],
        unit=str(parameters().loc[row["parameter"], "unit"]),
        predictor=aerosol.predictor(with_height=False) if air else f"{product}_sat",
        scheme=row["leave_out"],
        n_min=limits[row["pairs_min"]],
        stations_min=limits[row["stations_min"]],
        r2_min=limits["fit_r2_min"],
    )
    reasons = samples.loc[samples["reason"] != "", "reason"]
    return Calibrated(fit, {str(k): int(v) for k, v in sorted(reasons.value_counts().items())})


def dried(samples: pd.DataFrame, humidity: pd.DataFrame, limits: Mapping[str, float]) -> pd.DataFrame:
    """AOD samples as AOD (1 - RH) with the humidity at their stations; where none is measured, the mean of the county.

    Args:
        samples: station_id, time, sky (AOD), n_cells, reason.
        humidity: station_id, time, period, value (%).
        limits: match_hours, pm25_humidity_max.

    Returns:
        The samples; sky is NaN and reason `humidity` where it is not known or too high.
    """
    usual = humidity.groupby(["time", "period"], as_index=False)["value"].mean()
    silent = sorted(set(samples["station_id"]) - set(humidity["station_id"]))
    filled = pd.concat([humidity, *(usual.assign(station_id=station) for station in silent)], ignore_index=True)
    wet = matchups.pairs(samples, filled, hours=limits["match_hours"]).drop_duplicates(["station_id", "time"])
    here = pd.MultiIndex.from_frame(samples[["station_id", "time"]])
    share = wet.set_index(["station_id", "time"])["ground"].reindex(here).to_numpy(dtype=float)
    share = np.where(share <= limits["pm25_humidity_max"], share, np.nan)
    dry = aerosol.near_ground(xr.DataArray(samples["sky"].to_numpy(float)), xr.DataArray(share)).values
    lost = samples["sky"].notna().to_numpy() & np.isnan(dry)
    return samples.assign(sky=dry, reason=np.where(lost, "humidity", samples["reason"]))


def _water_samples(home: Home, product: str, start: datetime | None, end: datetime | None) -> pd.DataFrame:
    """Inner water cells around every water station in every product of the time."""
    grid, limits = county_grid(home.registry.county), thresholds()
    bodies = zone_raster(home.registry.waters, grid)
    inner = water.inner_water(bodies, resolution=grid.resolution, shore_buffer_m=limits["shore_buffer_m"]) > 0
    stations = _stations(home, "water")
    scenes = scenes_of(home, _WATER, start, end)
    parts = []
    for day, overpass in scenes.groupby(local_day(scenes["datetime"]))["datetime"].min().items():
        name = f"products/{day}/{product}.tif"
        if home.files.path(name).is_file():
            values = home.files.read_raster(name).values
            parts.append(matchups.samples(values, inner, stations, grid, limits).assign(time=overpass))
    return _joined(parts)


def _air_samples(home: Home, start: datetime | None, end: datetime | None) -> pd.DataFrame:
    """The AOD cells around every air station in every AOD scene of the time; unreadable ones give nothing."""
    stations, limits = _stations(home, "air"), thresholds()
    parts = []
    for row in scenes_of(home, AOD, start, end).to_dict("records"):
        try:
            aod = aod_of(home, row)
            found = matchups.window(
                aod, stations, half=int(limits["aod_half_cells"]), cells_min=limits["aod_cells_min"]
            )
        except FeedCorrupt as error:
            _log.warning("scene %s gives no AOD: %s", row["id"], error)
            continue
        parts.append(found.assign(time=row["datetime"]))
    return _joined(parts)


def aod_of(home: Home, row: Mapping[str, Any]) -> xr.DataArray:
    """Aerosol optical depth (1) of one scene on its own grid, NaN where its quality does not let a cell through.

    Raises:
        FeedCorrupt: the scene has no such band, or its file is missing, changed or cannot be read.
    """
    product = imagery.product_of(row["collection"])
    band, quality = AOD[product]
    qa = None if quality is None else physical.usable(product, quality, read_band(home.files, row, quality))
    return physical.physical(product, band, read_band(home.files, row, band), qa=qa)


def scenes_of(home: Home, products: Iterable[str], start: datetime | None, end: datetime | None) -> pd.DataFrame:
    """Rows of `scenes` of some products, whatever their catalogues call the collections, in [start, end)."""
    named = [name for product in products for name in (product, *imagery.collections_of(product))]
    return home.lake.read("scenes", start=start, end=end, where={"collection": sorted(set(named))})


def _stations(home: Home, medium: str) -> pd.DataFrame:
    stations = home.registry.stations
    return stations[stations["medium"] == medium].drop_duplicates("station_id", keep="last")


def ground(home: Home, medium: str, parameter: str, span: tuple[datetime | None, datetime | None]) -> pd.DataFrame:
    """Values of stations that no test and no person calls suspect or worse: station_id, time, period, value."""
    start, end = span
    where = {"parameter": [parameter]}
    seen = home.lake.read("observations", medium=medium, start=start, end=end, where=where)
    judged = home.lake.read("quality", columns=[*_KEY, "flag"], medium=medium, start=start, end=end, where=where)
    both = seen.merge(judged, on=_KEY, how="left", suffixes=("", "_judged"))
    flag = both["flag_judged"].fillna(both["flag"]).astype("int64")
    good = flag.isin([int(Flag.PASS), int(Flag.NOT_EVALUATED)]) & both["period"].isin(list(LENGTHS))
    return both.loc[good, ["station_id", "time", "period", "value"]].reset_index(drop=True)


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    nothing = pd.DataFrame(columns=[*matchups.SAMPLE_COLUMNS, "time"]).astype(
        {"station_id": "str", "sky": float, "reason": "str", "time": "datetime64[us, UTC]"}
    )
    return pd.concat(parts, ignore_index=True) if parts else nothing
