"""The shell of cubes: products of the days of a period -> one NetCDF file or Zarr folder after the CF conventions."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Literal

import dask
import dask.array as da
import numpy as np

from domain.errors import StoreError
from processing.imagery.cube import cf_cube
from processing.imagery.grid import county_grid
from processing.sky_products import product
from store.cubes import write_netcdf, write_zarr
from store.home import Home

Format = Literal["netcdf", "zarr"]


def write_cube(home: Home, layers: Sequence[str], first: date, last: date, form: Format = "netcdf") -> Path:
    """Write the days of [first, last] to cubes/<first>_<last>.nc or .zarr; a day is in memory at a time.

    Args:
        home: memory and registry.
        layers: products that are written for each day (column cog of imagery_outputs.csv).
        first: first Shanghai day.
        last: last Shanghai day.
        form: netcdf or zarr.

    Raises:
        StoreError: no day of the period has these products.
    """
    grid = county_grid(home.registry.county)
    found = sorted(date.fromisoformat(p.parent.name) for p in home.files.path("products").glob("????-??-??/state.json"))
    days = [d for d in found if first <= d <= last]
    absent = [la for la in layers if not all(home.files.path(product(d, f"{la}.tif")).is_file() for d in days)]
    if not days or absent:
        what = f"no product {', '.join(absent)}" if absent else "no finished day"
        raise StoreError(f"{first} to {last}: {what}; run the sky eye over these days first")

    def stacked(name: str, kind: type) -> da.Array:
        def one(day: date) -> np.ndarray:
            return home.files.read_raster(product(day, f"{name}.tif")).values.astype(kind)

        # Names decide the order in which blocks are written, so they are told and not drawn at random.
        lazy = [
            da.from_delayed(
                dask.delayed(one)(d, dask_key_name=f"read-{name}-{d}"), shape=grid.shape, dtype=kind, name=f"{name}-{d}"
            )
            for d in days
        ]
        return da.stack(lazy)

    county = home.registry.county
    cube = cf_cube(
        days,
        {layer: stacked(layer, np.float32) for layer in layers},
        stacked("mask", np.int8),
        grid,
        title=f"Products of the sky eye, {county['name_en']}, {days[0]} to {days[-1]}",
        source="Sentinel-2 L2A" + (" (simulated)" if county["simulated"] else ""),
    )
    name = f"cubes/{days[0]}_{days[-1]}"
    return (
        write_netcdf(home.files, f"{name}.nc", cube)
        if form == "netcdf"
        else write_zarr(home.files, f"{name}.zarr", cube)
    )
