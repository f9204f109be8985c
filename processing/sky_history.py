"""The shell of the sky eye's years: quarterly composites -> anomalies and trends, as rasters and in `periods`.

Anomaly of a quarter: `products/<year>-Q<n>/ndvi_anomaly.tif`; trend over all quarters: `products/trend/ndvi.tif` with
the bands slope (1/a), p and number of quarters. A raster is made again when a composite it came from was.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
import pandas as pd
import xarray as xr

from domain.times import LOCAL, SEASON
from processing.counts import Counts
from processing.imagery.anomaly import anomaly
from processing.imagery.grid import county_grid
from processing.imagery.tables import thresholds
from processing.imagery.trend import trend
from processing.indicators.ecology_history import ndvi_anomaly, ndvi_trend
from store.home import Home

LAYER = "ndvi"
TREND = f"products/trend/{LAYER}.tif"
#: Rows of the county grid that are put together at a time.
_ROWS = 256


def compute_history(home: Home, *, now: datetime) -> Counts:
    """Every anomaly and trend whose quarters changed.

    Args:
        home: memory and registry.
        now: the moment written beside superseded rows.

    Raises:
        CatalogueError: a table or the county is not as it must be.
    """
    rows = home.lake.read("periods", medium="ecology", where={"indicator": ["ecology.ndvi"], "period": [SEASON]})
    limits, counts = thresholds(), Counts(read=len(rows))
    if not rows.empty:
        made = pd.concat([ndvi_anomaly(rows, limits), ndvi_trend(rows, limits)], ignore_index=True)
        written = home.lake.upsert("periods", made, now=now, why="quarters seen anew")
        counts = counts.wrote(written)
    quarters = _quarters(home)
    for i, name in enumerate(quarters):
        earlier = [q for q in quarters[:i] if q[-2:] == name[-2:]]
        counts += _once(home, f"products/{name}/{LAYER}_anomaly.tif", [*earlier, name], _anomaly)
    return counts + (_once(home, TREND, quarters, _trend) if quarters else Counts())


def _quarters(home: Home) -> list[str]:
    """Folders of quarters with a composite, in order of time."""
    folder = home.files.path("products")
    return sorted(place.parent.name for place in folder.glob(f"????-Q[1-4]/{LAYER}.tif"))


def _once(home: Home, name: str, quarters: Sequence[str], make: Callable[[xr.DataArray], np.ndarray]) -> Counts:
    """Make a raster unless it was made from the same composites by the same settings."""
    files, grid, limits = home.files, county_grid(home.registry.county), thresholds()
    told = [f"{key} {limits[key]:g}" for key in ("anomaly_years_min", "trend_years_min")]
    for quarter in quarters:
        state = files.path(f"products/{quarter}/state.json")
        told.append(f"{quarter} {state.read_text(encoding='utf-8') if state.is_file() else ''}")
    made_from = hashlib.sha256("\x1f".join(told).encode()).hexdigest()
    known = files.path(f"{name}.json")
    if known.is_file() and json.loads(known.read_text(encoding="utf-8"))["made_from"] == made_from:
        return Counts()
    blocks = []
    for row in range(0, grid.height, _ROWS):
        window = (row, 0, min(_ROWS, grid.height - row), grid.width)
        stack = np.stack([files.read_raster(f"products/{q}/{LAYER}.tif", window=window).values for q in quarters])
        times = np.array([_start(quarter) for quarter in quarters], dtype="datetime64[ns]")
        blocks.append(make(xr.DataArray(stack, dims=("time", "y", "x"), coords={"time": times})))
    place = {"crs": grid.crs, "transform": grid.transform}
    data = xr.DataArray(np.concatenate(blocks, axis=1), dims=("band", "y", "x"), attrs=place)
    files.write_cog(name, data, nodata=np.nan, tags={"quarters": " ".join(quarters)})
    files.write_bytes(f"{name}.json", (json.dumps({"made_from": made_from}) + "\n").encode())
    return Counts(computed=1)


def _anomaly(cube: xr.DataArray) -> np.ndarray:
    """Standard score of the last quarter against the ones before (1, y, x)."""
    found = anomaly(cube[-1], cube[:-1], years_min=int(thresholds()["anomaly_years_min"]))
    return found["z"].values[None]


def _trend(cube: xr.DataArray) -> np.ndarray:
    """Slope (1/a), p and number of quarters (3, y, x)."""
    quarter = pd.DatetimeIndex(cube["time"].values).tz_localize("UTC").tz_convert(LOCAL).quarter
    found = trend(cube, n_min=int(thresholds()["trend_years_min"]), seasons=np.asarray(quarter))
    return np.stack([found[name].values for name in ("slope", "p", "n")]).astype(np.float32)


def _start(quarter: str) -> np.datetime64:
    """Start of a quarter such as 2025-Q3, UTC without zone."""
    year, _, number = quarter.partition("-Q")
    first = pd.Timestamp(year=int(year), month=3 * int(number) - 2, day=1, tz=LOCAL)
    return first.tz_convert("UTC").tz_localize(None).to_datetime64()
