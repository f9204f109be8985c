"""The shell of the sky eye's years: quarterly composites -> anomalies and trends, as rasters and in `periods`.

Anomaly of a quarter: `products/<year>-Q<n>/<layer>_anomaly.tif`; trend over all quarters: `products/trend/<layer>.tif`
with the bands slope (1/a), p and number of quarters. A raster is made again when a composite it came from was. Layers
that are no files of quarters are put together from the files of their days. Zones are told of NDVI alone.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
import pandas as pd
import xarray as xr

from domain.errors import StoreError
from domain.times import LOCAL, SEASON
from processing.counts import Counts
from processing.imagery.anomaly import anomaly
from processing.imagery.composites import composite
from processing.imagery.grid import Window, county_grid
from processing.imagery.scene import outputs
from processing.imagery.tables import thresholds
from processing.imagery.trend import trend
from processing.indicators.ecology_history import ndvi_anomaly, ndvi_trend
from store.files import Files
from store.home import Home

LAYER = "ndvi"
TREND = "products/trend/{}.tif"
#: Rows of the county grid that are put together at a time.
_ROWS = 256


def possible_layers() -> tuple[str, ...]:
    """The layers that are files of each day, so that years of them can be looked at."""
    return tuple(name for name, output in outputs().items() if output.cog)


def compute_history(home: Home, *, now: datetime, layers: Sequence[str] = (LAYER,)) -> Counts:
    """Every anomaly and trend whose quarters changed.

    Args:
        home: memory and registry.
        now: the moment written beside superseded rows.
        layers: of which rasters are made, by name (`possible_layers`).

    Raises:
        CatalogueError: a table or the county is not as it must be.
        StoreError: a layer of another name.
    """
    unknown = [layer for layer in layers if layer not in possible_layers()]
    if unknown:
        raise StoreError(f"no files of {', '.join(unknown)}; write one of {', '.join(possible_layers())}")
    rows = home.lake.read("periods", medium="ecology", where={"indicator": ["ecology.ndvi"], "period": [SEASON]})
    limits, counts = thresholds(), Counts(read=len(rows))
    if not rows.empty:
        made = pd.concat([ndvi_anomaly(rows, limits), ndvi_trend(rows, limits)], ignore_index=True)
        written = home.lake.upsert("periods", made, now=now, why="quarters seen anew")
        counts = counts.wrote(written)
    quarters = _quarters(home)
    for layer in layers:
        for i, name in enumerate(quarters):
            earlier = [q for q in quarters[:i] if q[-2:] == name[-2:]]
            counts += _once(home, f"products/{name}/{layer}_anomaly.tif", layer, [*earlier, name], _anomaly)
        if quarters:
            counts += _once(home, TREND.format(layer), layer, quarters, _trend)
    return counts


def _quarters(home: Home) -> list[str]:
    """Folders of quarters with a composite, in order of time."""
    folder = home.files.path("products")
    return sorted(place.parent.name for place in folder.glob(f"????-Q[1-4]/{LAYER}.tif"))


def _once(
    home: Home, name: str, layer: str, quarters: Sequence[str], make: Callable[[xr.DataArray], np.ndarray]
) -> Counts:
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
    times = np.array([_start(quarter) for quarter in quarters], dtype="datetime64[ns]")
    for row in range(0, grid.height, _ROWS):
        window = Window(row, 0, min(_ROWS, grid.height - row), grid.width)
        stack = np.stack([_quarter(files, layer, quarter, window) for quarter in quarters])
        blocks.append(make(xr.DataArray(stack, dims=("time", "y", "x"), coords={"time": times})))
    place = {"crs": grid.crs, "transform": grid.transform}
    data = xr.DataArray(np.concatenate(blocks, axis=1), dims=("band", "y", "x"), attrs=place)
    files.write_cog(name, data, nodata=np.nan, tags={"quarters": " ".join(quarters)})
    files.write_bytes(f"{name}.json", (json.dumps({"made_from": made_from}) + "\n").encode())
    return Counts(computed=1)


def _quarter(files: Files, layer: str, quarter: str, window: Window) -> np.ndarray:
    """The composite of a quarter: its file, or the median of the files of its days; NaN where there is none."""
    place = f"products/{quarter}/{layer}.tif"
    if files.path(place).is_file():
        return files.read_raster(place, window=window).values
    year, number = int(quarter[:4]), int(quarter[-1])
    months = [f"{year}-{month:02d}" for month in range(3 * number - 2, 3 * number + 1)]
    days = sorted(p for month in months for p in files.path("products").glob(f"{month}-??/{layer}.tif"))
    if not days:
        return np.full((window.height, window.width), np.nan, dtype=np.float32)
    stack = np.stack([files.read_raster(day, window=window).values for day in days])
    times = np.full(len(days), _start(quarter))
    return composite(xr.Dataset({layer: (("time", "y", "x"), stack)}, coords={"time": times}), period=SEASON)[
        layer
    ].values[0]


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
