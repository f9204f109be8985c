"""Small files of rasters and grids in their real shapes, for tests of several rooms."""

import json
from pathlib import Path

import h5py
import numpy as np
import rasterio
import xarray as xr
from pyproj import CRS
from rasterio.transform import from_origin

MODIS_SINUSOIDAL = CRS.from_proj4("+proj=sinu +lon_0=0 +x_0=0 +y_0=0 +R=6371007.181 +units=m +no_defs")


def geotiff(
    folder: Path,
    cells: np.ndarray,
    *,
    name="x.tif",
    crs="EPSG:32650",
    corner=(750_000, 3_160_000),
    cell=60.0,
    **profile,
) -> Path:
    """A GeoTIFF of (y, x) or (band, y, x) cells."""
    stack = cells if cells.ndim == 3 else cells[np.newaxis]
    place = folder / name
    with rasterio.open(
        place, "w", driver="GTiff", height=stack.shape[1], width=stack.shape[2], count=len(stack), dtype=stack.dtype,
        crs=crs, transform=from_origin(*corner, cell, cell), **profile,
    ) as target:  # fmt: skip
        target.write(stack)
    return place


def netcdf(
    folder: Path, variable: str, cells: np.ndarray, *, name="x.nc", lat=None, lon=None, dims=None, **attrs
) -> Path:
    """A CF NetCDF of one variable in degrees, packed as `cells` are; one row becomes two, for a grid needs it."""
    stored = np.vstack([cells, cells]) if cells.shape[0] == 1 else cells
    fill = {"_FillValue": attrs.pop("_FillValue")} if "_FillValue" in attrs else {"_FillValue": None}
    lat = np.linspace(28.7, 28.7 - 0.05 * (stored.shape[0] - 1), stored.shape[0]) if lat is None else np.asarray(lat)
    lon = 119.5 + 0.05 * np.arange(stored.shape[1]) if lon is None else np.asarray(lon)
    axes = dims or ("latitude", "longitude")
    data = xr.Dataset({variable: (axes, stored, attrs)}, coords={axes[0]: lat, axes[1]: lon})
    place = folder / name
    data.to_netcdf(place, engine="h5netcdf", encoding={variable: fill})
    return place


def sinusoidal(folder: Path, variable: str, cells: np.ndarray, *, name="x.h5", **attrs) -> Path:
    """A MODIS variable as an HDF5 export with its projection beside it."""
    stored = np.vstack([cells, cells])
    place = folder / name
    with h5py.File(place, "w") as file:
        data = file.create_dataset(variable, data=stored)
        for key, value in {"grid_mapping": "crs", **attrs}.items():
            data.attrs[key] = value
        file.create_dataset("crs", data=np.int32(0)).attrs["crs_wkt"] = MODIS_SINUSOIDAL.to_wkt()
        for axis, values in (
            ("y", 3_160_000 - 926.6 * np.arange(2)),
            ("x", 11_700_000 + 926.6 * np.arange(cells.shape[1])),
        ):
            file.create_dataset(axis, data=values).make_scale(axis)
        data.dims[0].attach_scale(file["y"])
        data.dims[1].attach_scale(file["x"])
    return place


def swath(folder: Path, *, name="s5p.nc", corners=True, column=None, qa=None, west=119.5, north=28.75) -> Path:
    """A Sentinel-5P level 2 file of 6 scan lines by 8 pixels over the county, groups and packing as in the product."""
    lines, pixels = 6, 8
    rows, columns = np.mgrid[0:lines, 0:pixels]
    lat = north - 0.06 * (rows + 0.5) - 0.004 * columns
    lon = west + 0.08 * (columns + 0.5) + 0.003 * rows
    column = np.full((lines, pixels), 5e-5) if column is None else column
    qa = np.full((lines, pixels), 100, "uint8") if qa is None else qa
    place = folder / name
    dims = ("time", "scanline", "ground_pixel")
    fill = np.float32(9.96921e36)
    stored = np.where(np.isfinite(column), column, fill).astype("float32")[np.newaxis]
    product = xr.Dataset(
        {
            "nitrogendioxide_tropospheric_column": (
                dims, stored,
                {"units": "mol m-2", "multiplication_factor_to_convert_to_molecules_percm2": np.float32(6.02214e19)},
            ),
            "qa_value": (
                dims, qa[np.newaxis], {"units": "1", "scale_factor": np.float32(0.01), "add_offset": np.float32(0)}
            ),
            "latitude": (dims, lat[np.newaxis].astype("float32"), {"units": "degrees_north"}),
            "longitude": (dims, lon[np.newaxis].astype("float32"), {"units": "degrees_east"}),
        }
    )  # fmt: skip
    encoding = {n: {"_FillValue": None} for n in product} | {
        "nitrogendioxide_tropospheric_column": {"_FillValue": fill}
    }
    encoding["qa_value"] = {"_FillValue": np.uint8(255)}
    product.to_netcdf(place, engine="h5netcdf", group="PRODUCT", encoding=encoding)
    if corners:
        around = [(-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5)]
        bounds = {
            "latitude_bounds": np.stack([lat - 0.06 * r - 0.004 * c for r, c in around], axis=-1),
            "longitude_bounds": np.stack([lon + 0.08 * c + 0.003 * r for r, c in around], axis=-1),
        }
        data = xr.Dataset({n: ((*dims, "corner"), b[np.newaxis].astype("float32")) for n, b in bounds.items()})
        data.to_netcdf(place, engine="h5netcdf", mode="a", group="PRODUCT/SUPPORT_DATA/GEOLOCATIONS")
    return place


def scene_row(collection: str, assets: dict[str, str], **properties) -> dict[str, object]:
    """A row of the table `scenes`, as far as bands are read by it."""
    return {
        "id": "one",
        "collection": collection,
        "feed": "test",
        "assets": json.dumps(assets),
        "properties": json.dumps(properties),
    }
