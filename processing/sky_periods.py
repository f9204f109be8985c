"""Months and quarters of the sky eye: composites of the days as rasters, their means by zone in the table `periods`.

A period is computed again when one of its days is; what it was made from is written beside it as the last step.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import partial

import numpy as np
import pandas as pd
import xarray as xr

from domain.times import MONTH, SEASON, day_start
from processing.counts import Counts
from processing.imagery import items
from processing.imagery.composites import How, composite
from processing.imagery.grid import Grid
from processing.imagery.scene import outputs
from processing.imagery.zonal import zone_raster
from processing.indicators.ecology_zones import means_of, zone_cells
from processing.sky_day import SCRATCH, Eye, cover_on, cover_row
from processing.sky_products import as_json, product
from store.files import Files
from store.planes import Planes, planes

#: Rows of the county grid that are put together at a time, so that a quarter of views needs little memory.
_ROWS = 256
HOW: How = "median"


def period_folders(days: Iterable[date]) -> list[str]:
    """The folders of the months and quarters that days lie in, in order."""
    return sorted({name for day in days for name in _periods_of(day)})


def compute_periods_of(eye: Eye, states: Mapping[date, Mapping[str, str]], maps: pd.DataFrame, now: datetime) -> Counts:
    """Composites and their indicators of every period one of whose days changed.

    Args:
        eye: what every day shares.
        states: day -> what it was made from (state.json), of every acquisition day.
        maps: land-cover maps.
        now: the moment written beside superseded rows.
    """
    counts = Counts()
    for folder in period_folders(states):
        days = [day for day in states if folder in _periods_of(day)]
        told = [states[day].get("made_from", "") for day in days]
        made_from = hashlib.sha256("\x1f".join([eye.tables, HOW, *told]).encode()).hexdigest()
        place = f"products/{folder}/state.json"
        known = eye.home.files.path(place)
        if known.is_file() and json.loads(known.read_text(encoding="utf-8"))["made_from"] == made_from:
            continue
        version = eye.home.lake.version("periods")
        with planes(eye.grid.shape, eye.home.files.path(SCRATCH)) as scratch:
            rows = _made(eye, folder, days, cover_on(eye, cover_row(maps, days[-1])), scratch)
        written = eye.home.lake.upsert("periods", rows, now=now, why="days seen anew", expected_version=version)
        eye.home.files.write_bytes(place, as_json({"made_from": made_from}))
        counts = counts.wrote(written)
    return counts


def _made(eye: Eye, folder: str, days: list[date], cover: np.ndarray | None, scratch: Planes) -> pd.DataFrame:
    """The files of a period, and its rows of the table `periods`."""
    layers = [layer for layer, output in outputs().items() if output.composite]
    _composites(eye.home.files, eye.grid, days, _length(folder), layers, scratch)
    _write(eye, folder, days, layers, scratch)
    first, after = _bounds(folder)
    return means_of(
        {layer: partial(scratch.read, layer) for layer in layers},
        list(zone_cells(eye.home.registry.zones, eye.grid, cover)),
        eye.limits,
        cell_ha=eye.grid.cell_ha,
        time=day_start(first),
        period=_length(folder),
        note=f"{HOW} of {len(days)} days, {first.isoformat()} to before {after.isoformat()}",
    )


def _composites(
    files: Files, grid: Grid, days: list[date], length: str, layers: Sequence[str], scratch: Planes
) -> None:
    """Write the composite of each layer, and how many clear views are behind each cell (`n_obs`), to planes."""
    times = pd.to_datetime([day_start(day) for day in days]).tz_localize(None)
    for row in range(0, grid.height, _ROWS):
        window = (row, 0, min(_ROWS, grid.height - row), grid.width)
        n_obs = np.zeros(window[2:], dtype=np.uint16)
        for layer in layers:
            stack = np.stack([files.read_raster(product(d, f"{layer}.tif"), window=window).values for d in days])
            cube = xr.Dataset({layer: (("time", "y", "x"), stack)}, coords={"time": times})
            found = composite(cube, period=length, how=HOW)
            scratch.write(layer, row, 0, found[layer].values[0])
            n_obs = np.maximum(n_obs, found["n_obs"].values[0])
        scratch.write("n_obs", row, 0, n_obs)


def _write(eye: Eye, folder: str, days: list[date], layers: Sequence[str], scratch: Planes) -> None:
    files, first_after = eye.home.files, _bounds(folder)
    tags = {"period": folder, "method": HOW, "days": " ".join(d.isoformat() for d in days)}
    rasters = [items.Raster(f"{layer}.tif", "float32", np.nan, layer) for layer in layers]
    for raster in rasters:
        data = eye.grid.layer(scratch.read(raster.layer), raster.layer)
        files.write_cog(f"products/{folder}/{raster.name}", data, nodata=np.nan, tags=tags)
    n_obs = scratch.read("n_obs")
    files.write_cog(f"products/{folder}/n_obs.tif", eye.grid.layer(n_obs, "n_obs"), nodata=0, tags=tags)
    inside = zone_raster(eye.home.registry.townships, eye.grid) > 0
    item = items.item(
        f"composite-{folder}",
        items.PERIODS,
        eye.grid,
        [*rasters, items.Raster("n_obs.tif", "uint16", 0)],
        first=first_after[0],
        after=first_after[1],
        cloud_cover=100 * (1 - float((n_obs[inside] > 0).mean())) if inside.any() else 100.0,
        others={},
        told={"sanyan:method": HOW, "sanyan:days": [d.isoformat() for d in days]},
    )
    files.write_bytes(f"products/{folder}/item.json", as_json(item))


def _periods_of(day: date) -> tuple[str, str]:
    """Month and calendar quarter of a day, as names of folders."""
    return f"{day:%Y-%m}", f"{day.year}-Q{(day.month + 2) // 3}"


def _length(folder: str) -> str:
    return SEASON if "Q" in folder else MONTH


def _bounds(folder: str) -> tuple[date, date]:
    """First day of a period and the day after its last."""
    year, _, part = folder.partition("-")
    first, months = (3 * int(part[1:]) - 2, 3) if part.startswith("Q") else (int(part), 1)
    after = int(year) * 12 + first - 1 + months
    return date(int(year), first, 1), date(after // 12, after % 12 + 1, 1)
