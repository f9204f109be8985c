"""Cubes: NetCDF and Zarr, written beside their place and moved there whole; equal input gives equal bytes."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dask
import xarray as xr

from store.files import Files

_DEFLATE = {"zlib": True, "complevel": 4, "shuffle": True}


def write_netcdf(files: Files, relative: str | Path, cube: xr.Dataset) -> Path:
    """A data set as NetCDF 4 (HDF5), floats compressed; lazy (dask) data are written block by block."""
    place = files.path(relative)
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".writing-") as folder:
        beside = Path(folder) / place.name
        encoding = {
            str(name): {**(_DEFLATE if data.ndim > 2 else {}), "_FillValue": _fill(data)}
            for name, data in cube.variables.items()
        }
        # One field after the other and its blocks in their order, so that they lie in the file as they would again.
        fields = [str(name) for name, data in cube.data_vars.items() if data.ndim > 2]
        cube.drop_vars(fields).to_netcdf(beside, engine="h5netcdf", encoding=_only(encoding, cube.drop_vars(fields)))
        with dask.config.set(scheduler="synchronous"):
            for name in fields:
                part = cube[[name]].drop_vars(list(cube.coords))
                part.to_netcdf(beside, mode="a", engine="h5netcdf", encoding=_only(encoding, part))
        return files.adopt(beside, relative)


def write_zarr(files: Files, relative: str | Path, cube: xr.Dataset) -> Path:
    """A data set as a Zarr folder; what was there before is replaced."""
    place = files.path(relative)
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".writing-") as folder:
        beside, before = Path(folder) / "new", Path(folder) / "old"
        cube.to_zarr(beside, mode="w", consolidated=False, zarr_format=3)
        if place.exists():
            place.rename(before)
        beside.rename(place)
        shutil.rmtree(before, ignore_errors=True)
    return place


def _only(encoding: Mapping[str, Any], part: xr.Dataset) -> dict[str, Any]:
    return {name: how for name, how in encoding.items() if name in part.variables}


def _fill(data: xr.Variable) -> float | None:
    """NaN for measured fields; coordinates and flags have no missing cell."""
    return float("nan") if data.dtype.kind == "f" and data.ndim > 2 else None
