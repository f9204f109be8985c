"""Slope: against gdaldem's own code, and against planes whose slope is known."""

import ctypes
import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from processing.imagery.terrain import M_PER_DEGREE, slope
from store.files import Files
from tests.processing.imagery.rasters import raster

SHARED = Path(os.environ.get("SANYAN_SHARED", Path(__file__).resolve().parents[3] / ".." / "shared"))
DEM = SHARED / "data" / "dem_copernicus30" / "Copernicus_DSM_COG_10_N00_00_E006_00_DEM.tif"


def gdaldem(source, target, *options):
    """`gdaldem slope` through the library that rasterio carries; the program itself is rarely installed."""
    found = sorted((Path(rasterio.__file__).parent.parent / "rasterio.libs").glob("libgdal*.so*"))
    if not found:
        pytest.skip("this build of rasterio carries no GDAL library to compare with")
    gdal = ctypes.CDLL(str(found[0]))
    for name, returns, takes in (
        ("GDALOpen", ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_int]),
        ("GDALDEMProcessingOptionsNew", ctypes.c_void_p, [ctypes.POINTER(ctypes.c_char_p), ctypes.c_void_p]),
        ("GDALDEMProcessing", ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p,
                                                ctypes.c_void_p, ctypes.POINTER(ctypes.c_int)]),
        ("GDALClose", None, [ctypes.c_void_p]),
    ):  # fmt: skip
        getattr(gdal, name).restype, getattr(gdal, name).argtypes = returns, takes
    words = (ctypes.c_char_p * (len(options) + 1))(*(o.encode() for o in options), None)
    gdal.GDALAllRegister()
    given_ = gdal.GDALOpen(str(source).encode(), 0)
    chosen = gdal.GDALDEMProcessingOptionsNew(words, None)
    made = gdal.GDALDEMProcessing(str(target).encode(), given_, b"slope", None, chosen, ctypes.byref(ctypes.c_int(0)))
    assert made
    gdal.GDALClose(made)
    gdal.GDALClose(given_)
    with rasterio.open(target) as result:
        cells = result.read(1)
        return np.where(cells == result.nodata, np.nan, cells)


def test_a_rough_grid_with_holes_is_as_gdaldem_says(tmp_path):
    heights = np.random.default_rng(5).normal(400, 90, (60, 47)).astype(np.float32)
    heights[10:13, 20] = -9999
    heights[40, 5:9] = -9999
    source = tmp_path / "dem.tif"
    profile = {"driver": "GTiff", "height": 60, "width": 47, "count": 1, "dtype": "float32", "nodata": -9999}
    with rasterio.open(source, "w", crs="EPSG:32650", transform=Affine(30, 0, 7e5, 0, -30, 3e6), **profile) as out:
        out.write(heights, 1)
    theirs = gdaldem(source, tmp_path / "slope.tif")
    ours = slope(Files(tmp_path).read_raster(source))
    np.testing.assert_array_equal(np.isnan(ours.values), np.isnan(theirs))
    np.testing.assert_allclose(ours.values, theirs, atol=2e-4)  # its arithmetic is in single precision
    assert ours.attrs["units"] == "degree"


@pytest.mark.skipif(not DEM.is_file(), reason=f"the real elevation model is not here: {DEM}")
def test_the_real_island_is_as_gdaldem_says(tmp_path):
    whole = Files(tmp_path).read_raster(DEM)
    rows, columns = np.unravel_index(int(np.argmax(whole.values)), whole.shape)
    top, left = max(rows - 300, 0), max(columns - 300, 0)
    part = Files(tmp_path).read_raster(DEM, window=(top, left, 600, 600))
    source = Files(tmp_path).write_cog("dem.tif", part, nodata=None)
    theirs = gdaldem(source, tmp_path / "slope.tif", "-s", f"{M_PER_DEGREE:g}")
    ours = slope(part).values
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    np.testing.assert_allclose(ours, theirs, atol=2e-3)  # its arithmetic is in single precision
    assert np.nanmax(ours) > 45  # steep, volcanic
    assert 0 < np.nanmean(ours) < 45


@given(st.floats(-3, 3), st.floats(-3, 3), st.sampled_from([10.0, 30.0]))
def test_a_plane_has_the_slope_of_its_gradient(east, north, cell):
    y, x = np.indices((7, 9)) * cell
    found = slope(raster(east * x - north * y, resolution=cell, nodata=None)).values
    expected = np.degrees(np.arctan(np.hypot(east, north)))
    np.testing.assert_allclose(found[1:-1, 1:-1], expected, atol=1e-4)
    assert np.isnan(found[0]).all()
    assert np.isnan(found[:, -1]).all()


def test_too_small_a_grid_has_no_slope():
    assert np.isnan(slope(raster(np.ones((2, 5)), nodata=None)).values).all()
