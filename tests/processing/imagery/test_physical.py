"""Numbers of files to quantities: every product from a small file in its real shape."""

import math

import dask.array as da
import h5py
import numpy as np
import pytest
import rasterio
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.transform import from_origin

from domain import imagery
from domain.errors import FeedCorrupt
from processing.imagery.physical import physical, usable
from processing.imagery.reflectance import reflectance
from store.files import Files
from store.scenes import read_band
from tests.store.grids import geotiff, netcdf, scene_row, sinusoidal, swath

UTM = {"crs": "EPSG:32650", "transform": from_origin(750_000, 3_160_000, 30, 30)}


def raw(*numbers, dtype="uint16", **attrs):
    return xr.DataArray(np.array([numbers], dtype=dtype), dims=("y", "x"), attrs=UTM | {"nodata": None} | attrs)


def values(product, band, *numbers, dtype="uint16", qa=None, **attrs):
    return physical(product, band, raw(*numbers, dtype=dtype, **attrs), qa=qa).values[0]


# --- a file of each product, as the store reads it --------------------------------------------------------------------


def sentinel2(folder):
    return "B04", geotiff(folder, np.array([[0, 1000, 3000]], "uint16"), nodata=0), [np.nan, 0.0, 0.2], {"offset": -0.1}


def landsat(folder):
    cells = np.array([[0, 7273, 43636]], "uint16")
    return "red", geotiff(folder, cells, nodata=0), [np.nan, 7273 * 0.0000275 - 0.2, 43636 * 0.0000275 - 0.2], {}


def mod11a1(folder):
    cells = np.array([[0, 15000, 7499]], "uint16")  # below the valid range
    return "lst_day", geotiff(folder, cells), [np.nan, 300.0, np.nan], {}


def mod13q1(folder):
    cells = np.array([[-3000, -2000, 8123]], "int16")
    return "ndvi", sinusoidal(folder, "250m 16 days NDVI", cells), [np.nan, -0.2, 0.8123], {}


def mod17a3hgf(folder):
    cells = np.array([[32761, 32767, 9000]], "int16")  # land-cover fills are not huge production
    return "npp", sinusoidal(folder, "Npp_500m", cells, scale_factor=0.0001), [np.nan, np.nan, 0.9], {}


def mcd19a2(folder):
    cells = np.array([[-28672, -50, 700]], "int16")
    return "aod055", geotiff(folder, cells, nodata=-28672), [np.nan, -0.05, 0.7], {}


def s5p_l2(folder):
    return "no2", swath(folder), None, {}


def s5p_l3(folder):
    cells = np.array([[9.96921e36, 5e-5, -2e-6]], "float32")
    place = netcdf(
        folder, "tropospheric_NO2_column_number_density", cells, units="mol/m^2", _FillValue=np.float32(9.96921e36)
    )
    return "no2", place, [np.nan, 5e-5, -2e-6], {}


def s5p_series(folder):
    place = netcdf(folder, "NO2", np.array([[np.nan, 6e-5, -9e-6]], "float64"))
    return "no2", place, [np.nan, 6e-5, -9e-6], {}


def aod(folder):
    cells = np.array([[-32768, 5000, 12000]], "int16")  # Himawari: scale and fill stand in the file
    place = netcdf(folder, "AOT", cells, scale_factor=0.0002, add_offset=0.0, _FillValue=np.int16(-32768), units="1")
    return "aod", place, [np.nan, 1.0, 2.4], {}


def gf1(folder):
    return (
        "blue",
        geotiff(folder, np.array([[0, 100, 400]], "uint16")),
        [np.nan, 20.04, 80.16],
        {"scale": 0.2004, "offset": 0},
    )


def gf6(folder):
    cells = np.stack([np.full((1, 3), 10 * layer, "uint16") for layer in range(1, 9)])
    return "yellow", geotiff(folder, cells), [8.0, 8.0, 8.0], {"scale": 0.1, "offset": 0}


def dem(folder):
    return "elevation", geotiff(folder, np.array([[0, 812.5, -3]], "float32")), [0, 812.5, -3], {}


def landcover(folder):
    return "landcover", geotiff(folder, np.array([[0, 111, 421]], "uint16"), nodata=0), [0, 111, 421], {}


def rainfall(folder):
    return "rainfall", geotiff(folder, np.array([[-9999, 0, 12.5]], "float32"), nodata=-9999), [np.nan, 0, 12.5], {}


def soilgrids(folder):
    cells = np.array([[-32768, 412, 90]], "int16")
    return "sand", geotiff(folder, cells, nodata=-32768), [np.nan, 41.2, 9.0], {}


def mod16a3gf(folder):
    return (
        "evapotranspiration",
        geotiff(folder, np.array([[65534, 8125, 65530]], "uint16")),
        [np.nan, 812.5, np.nan],
        {},
    )


def own_grid(band, low):
    """A grid of a name of our own: numbers as the file says, its nodata too."""

    def family(folder):
        cells = np.array([[-9999, low, 0.5]], "float32")
        return band, geotiff(folder, cells, nodata=-9999), [np.nan, low, 0.5], {}

    return family


FAMILIES = {
    "sentinel-2-l2a": sentinel2, "landsat-c2-l2": landsat, "mod11a1": mod11a1, "mod13q1": mod13q1,
    "mod17a3hgf": mod17a3hgf, "mcd19a2": mcd19a2, "s5p-no2-l2": s5p_l2, "s5p-no2-l3": s5p_l3,
    "s5p-no2-series": s5p_series, "aod": aod, "gf1-wfv": gf1, "gf6-wfv": gf6, "dem": dem, "landcover": landcover,
    "rainfall-daily": rainfall, "soilgrids": soilgrids, "mod16a3gf": mod16a3gf,
    "evapotranspiration-annual": own_grid("evapotranspiration", 812.5), "npp-annual": own_grid("npp", -0.2),
    "soil-respiration-annual": own_grid("soil_respiration", 0.4), "soil-depth": own_grid("soil_depth", 900),
    "vegetation-cover-annual": own_grid("vegetation_cover", 88), "soil-erodibility": own_grid("erodibility", 0.3),
    "plant-available-water": own_grid("plant_available_water", 0.12),
    "surface-runoff-annual": own_grid("surface_runoff", 310),
    "runoff-rainfall-annual": own_grid("runoff_rainfall", 1200),
    "wind-factor-annual": own_grid("wind_factor", 3), "erodible-fraction": own_grid("erodible_fraction", 0.4),
    "crust-factor": own_grid("crust_factor", 0.3), "roughness-factor": own_grid("roughness_factor", 0.8),
}  # fmt: skip


@pytest.mark.parametrize("product", [p for p in FAMILIES if p != "s5p-no2-l2"])
def test_a_file_of_each_product_becomes_its_quantity(tmp_path, product):
    band, place, expected, given_ = FAMILIES[product](tmp_path)
    spec = imagery.band_of(product, band)
    key = "data" if spec.layer else spec.band
    cells = read_band(Files(tmp_path), scene_row(product, {key: str(place)}), band)
    found = physical(product, band, cells, **given_)
    np.testing.assert_allclose(found.values[0], expected, rtol=1e-6, atol=1e-12)
    assert found.attrs["units"] == spec.unit
    assert found.attrs["crs"] == cells.attrs["crs"]
    assert found.attrs["transform"] == cells.attrs["transform"]
    assert found.name == spec.common_name
    assert found.dtype == (np.float32 if spec.kind == "quantity" else cells.dtype)


# --- rules ------------------------------------------------------------------------------------------------------------


def test_reflectance_of_every_digital_number_is_that_of_the_one_other_function():
    dn = xr.DataArray(np.arange(65536, dtype="uint16").reshape(256, 256), dims=("y", "x"), attrs=UTM | {"nodata": 0})
    for offset in (0, -1000):
        ours = physical("sentinel-2-l2a", "B08", dn, offset=offset / 10_000)
        np.testing.assert_array_equal(ours.values, reflectance(dn, offset).values)


def test_surface_temperature_of_landsat_is_kelvin():
    np.testing.assert_allclose(
        values("landsat-c2-l2", "lwir11", 0, 44177), [np.nan, 44177 * 0.00341802 + 149], rtol=1e-6
    )


def test_the_file_counts_before_the_table_and_the_caller_before_both():
    own = raw(100, scale=0.5, offset=1.0)
    assert physical("dem", "data", own).values[0, 0] == 51
    assert (
        physical("dem", "data", own).attrs["basis"]
        == "scale by file (0.5; the table has 1), offset by file (1; the table has 0)"
    )
    assert physical("dem", "data", own, scale=2, offset=0).values[0, 0] == 200
    assert physical("mod11a1", "lst_day", raw(15000, scale=0.02)).attrs["basis"] == "scale by table, offset by table"


def test_what_is_decided_by_scene_or_camera_must_be_given():
    with pytest.raises(ValueError, match="sentinel-2-l2a B04: the offset is not the same for all scenes"):
        physical("sentinel-2-l2a", "B04", raw(1))
    with pytest.raises(ValueError, match="gf1-wfv B1: the scale"):
        physical("gf1-wfv", "B1", raw(1))
    with pytest.raises(KeyError, match="no band 'B99'"):
        physical("dem", "B99", raw(1))


def test_units_of_the_file_are_turned_and_strange_ones_refused():
    column = raw(2e15, 6.02214076e15, dtype="float64", units="molec/cm2")
    np.testing.assert_allclose(physical("s5p-no2-l3", "no2", column).values[0], [3.3210781e-5, 1e-4], rtol=1e-6)
    celsius = physical("mod11a1", "lst_day", raw(7500, dtype="float64", units="degC"), scale=0.004, offset=0)
    assert celsius.values[0, 0] == pytest.approx(303.15)
    with pytest.raises(FeedCorrupt, match=r"dem data: the file's unit 'ft' cannot be turned into 'm'"):
        physical("dem", "data", raw(1, units="ft"))


def test_nodata_of_table_and_file_both_count_in_the_precision_of_the_file():
    lowest = float(np.finfo("float32").min)
    assert np.isnan(
        values("rainfall-daily", "data", 5, lowest, np.nan, np.inf, dtype="float32", nodata=lowest)[1:]
    ).all()
    tenth = raw(0.1, 0.5, dtype="float32", nodata=0.1)
    np.testing.assert_array_equal(physical("dem", "data", tenth).values[0], np.float32([np.nan, 0.5]))
    assert np.isnan(values("sentinel-2-l2a", "AOT", 0, 9, nodata=9)).all()
    assert not np.isnan(values("landsat-c2-l2", "red", 5, dtype="uint8", nodata=-9999)).any()  # does not fit the file


def test_quality_lets_cells_through_or_not():
    flags = raw(0b1, 0b1000, 0b1000000, 0b11000000, 0b10000)
    fine = usable("landsat-c2-l2", "qa_pixel", flags)
    assert fine.values.tolist() == [[False, False, True, True, False]]
    assert fine.attrs["crs"] == "EPSG:32650"
    red = values("landsat-c2-l2", "red", 9000, 9000, 9000, 9000, 9000, qa=fine)
    assert np.isfinite(red).tolist() == [False, False, True, True, False]
    assert usable("landsat-c2-l2", "qa_pixel", flags, drop={"fill"}).values.tolist() == [
        [False, True, True, True, True]
    ]
    with pytest.raises(ValueError, match="quality of shape"):
        values("landsat-c2-l2", "red", 1, 2, qa=fine)


@pytest.mark.parametrize(
    ("product", "band", "cells", "dtype", "expected"),
    [
        ("mod11a1", "QC_Day", [0, 1, 2, 3, 0b11000001], "uint8", [True, True, False, False, False]),
        ("mod13q1", "pixel_reliability", [-1, 0, 1, 2, 3, 7], "int8", [False, True, True, False, False, False]),
        ("mcd19a2", "AOD_QA", [0b1, 0, 0b11, 0b100000001, 0b1000000001], "uint16", [True, False, False, False, False]),
        ("landsat-c2-l2", "qa_radsat", [0, 1 << 11], "uint16", [True, False]),
        ("mod11a1", "QC_Day", [0, np.nan], "float32", [True, False]),
    ],
)
def test_flags_of_each_product(product, band, cells, dtype, expected):
    assert usable(product, band, raw(*cells, dtype=dtype)).values.tolist() == [expected]


def test_a_share_needs_its_threshold_and_flags_their_rules():
    shares = raw(74, 75, 100, 255, dtype="uint8")
    assert usable("s5p-no2-l2", "qa_value", shares, at_least=0.75).values.tolist() == [[False, True, True, False]]
    with pytest.raises(ValueError, match="say at_least"):
        usable("s5p-no2-l2", "qa_value", shares)
    with pytest.raises(ValueError, match="has no rows in sky_flags"):
        usable("landcover", "data", shares)
    with pytest.raises(ValueError, match=r"knows no \['fog'\]"):
        usable("landsat-c2-l2", "qa_pixel", shares, drop={"fog"})


def test_the_uncertain_place_of_gaofen_is_said():
    assert physical("gf1-wfv", "red", raw(1), scale=1, offset=0).attrs["position_error_m"] == 300
    assert "position_error_m" not in physical("dem", "data", raw(1)).attrs


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=40), st.integers(1, 7))
@settings(max_examples=30)
def test_lazy_arrays_stay_lazy_and_give_the_same(numbers, chunk):
    eager = raw(*numbers)
    lazy = eager.copy(data=da.from_array(eager.values, chunks=(1, chunk)))
    found = physical("mod11a1", "lst_day", lazy, qa=usable("mod11a1", "QC_Day", lazy))
    assert isinstance(found.data, da.Array)
    expected = physical("mod11a1", "lst_day", eager, qa=usable("mod11a1", "QC_Day", eager))
    assert found.values.tobytes() == expected.values.tobytes()


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=40))
@settings(max_examples=50)
def test_missing_takes_no_part_in_arithmetic(numbers):
    spec = imagery.band_of("mcd19a2", "aod055")
    found = values("mcd19a2", "aod055", *numbers, dtype="int16", nodata=-28672)
    good = [spec.valid_min <= n <= spec.valid_max for n in numbers]
    assert np.isfinite(found).tolist() == good
    assert math.isclose(np.nansum(found), sum(n * 0.001 for n, g in zip(numbers, good, strict=True) if g), abs_tol=1e-3)


def test_the_valid_range_of_the_table_holds_for_another_scale():
    own = raw(-200, -50, 700, 9000, dtype="int32", scale=0.002)  # the table has 0.001 and -0.1 .. 8
    np.testing.assert_allclose(physical("mcd19a2", "aod055", own).values[0], [np.nan, -0.1, 1.4, np.nan])


def test_the_oracle_of_cf_agrees(tmp_path):
    """xarray decodes CF attributes by itself; ours, from the numbers as stored, must say the same."""
    cells = np.random.default_rng(1).integers(-500, 6000, (20, 30)).astype("int16")
    place = netcdf(tmp_path, "AOT", cells, scale_factor=0.0002, add_offset=0.01, _FillValue=np.int16(0), units="1")
    theirs = xr.open_dataset(place, engine="h5netcdf")["AOT"].values
    ours = physical("aod", "aod", Files(tmp_path).read_grid(place, ["AOT"]))
    inside = np.isfinite(theirs) & (theirs >= -0.1)
    assert inside.sum() > 500
    np.testing.assert_allclose(ours.values[inside], theirs[inside], rtol=1e-6)


def test_gdal_says_the_same_scale(tmp_path):
    place = geotiff(tmp_path, np.array([[100, 200]], "uint16"), nodata=0)
    with rasterio.open(place, "r+") as target:
        target.scales, target.offsets, target.units = (0.01,), (5.0,), ("m",)
    cells = Files(tmp_path).read_raster(place)
    assert (cells.attrs["scale"], cells.attrs["offset"], cells.attrs["units"]) == (0.01, 5.0, "m")
    np.testing.assert_allclose(physical("dem", "data", cells).values, [[6, 7]])


def test_a_modis_file_in_hdf5_is_read_by_its_variable(tmp_path):
    place = sinusoidal(tmp_path, "LST_Day_1km", np.array([[15000, 0, 14000]], "uint16"))
    with h5py.File(place) as file:
        assert "LST_Day_1km" in file
    cells = read_band(Files(tmp_path), scene_row("modis-11A1-061", {"data": str(place)}), "lst_day")
    assert "Sinusoidal" in cells.attrs["crs"] or "sinu" in cells.attrs["crs"].lower()
    np.testing.assert_allclose(physical("mod11a1", "lst_day", cells).values, [[300, np.nan, 280]] * 2)
