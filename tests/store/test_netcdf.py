"""NetCDF and HDF5 as stored: axes put right, bombs and halves refused."""

import h5py
import numpy as np
import pytest
import xarray as xr
from scipy.io import netcdf_file

from domain.errors import FeedCorrupt
from store.files import Files
from tests.store.grids import MODIS_SINUSOIDAL, netcdf, sinusoidal, swath

CELLS = np.arange(12, dtype="int16").reshape(3, 4)
LAT, LON = [28.7, 28.6, 28.5], [119.5, 119.6, 119.7, 119.8]


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def grid(tmp_path, cells=CELLS, lat=LAT, lon=LON, **options):
    return netcdf(tmp_path, "v", cells, lat=lat, lon=lon, **options)


def same(found):
    np.testing.assert_array_equal(found.values, CELLS)
    np.testing.assert_allclose(found.y, LAT)
    np.testing.assert_allclose(found.x, LON)
    assert found.attrs["crs"] == "EPSG:4326"
    np.testing.assert_allclose(tuple(found.attrs["transform"])[:6], (0.1, 0, 119.45, 0, -0.1, 28.75))


def test_a_grid_is_read_as_a_raster(tmp_path, files):
    found = files.read_grid(
        grid(tmp_path, scale_factor=0.5, units="1", valid_range=np.array([0, 9], "int16")), ["w", "v"]
    )
    same(found)
    assert found.dtype == np.int16
    assert (found.attrs["scale"], found.attrs["units"], found.attrs["valid_range"]) == (0.5, "1", (0.0, 9.0))
    assert found.attrs["axes"] == ""


@pytest.mark.parametrize(
    ("cells", "lat", "lon", "dims", "said"),
    [
        (CELLS[::-1], LAT[::-1], LON, None, "turned north up"),
        (CELLS[:, ::-1], LAT, LON[::-1], None, "turned east right"),
        (CELLS.T, LON, LAT, ("lon", "lat"), "axes swapped: the file has longitude before latitude"),
        (CELLS, LAT, LON, ("Latitude", "Longitude"), ""),
    ],
)
def test_axes_are_put_right_and_it_is_said(tmp_path, files, cells, lat, lon, dims, said):
    found = files.read_grid(grid(tmp_path, cells, lat, lon, dims=dims), ["v"])
    same(found)
    assert found.attrs["axes"] == said


def test_longitudes_of_a_globe_are_turned(tmp_path, files):
    lon = np.arange(0, 360, 90.0)
    found = files.read_grid(grid(tmp_path, CELLS, LAT, lon), ["v"])
    assert found.x.values.tolist() == [-180, -90, 0, 90]
    np.testing.assert_array_equal(found.values, CELLS[:, [2, 3, 0, 1]])
    assert found.attrs["axes"] == "longitudes of 0..360 turned to -180..180"


@pytest.mark.parametrize(
    ("lat", "lon", "dims", "said"),
    [
        (
            [119.5, 119.6, 119.7],
            [28.1, 28.2, 28.3, 28.4],
            None,
            "latitudes up to 119.7; latitude and longitude are swapped",
        ),
        ([28.7, 28.6, 27.0], LON, None, "v lies on uneven axes; it is no grid"),
        ([28.7, np.nan, 28.5], LON, None, "are no line of numbers"),
        (LAT, LON, ("this", "that"), "has the axes \\['this', 'that'\\]; none of them is latitude"),
        (LAT, LON, ("y", "x"), "names no reference system; export it with one"),
        ([28.5, 28.5, 28.5], LON, None, "uneven axes"),
    ],
)
def test_axes_that_are_no_grid(tmp_path, files, lat, lon, dims, said):
    with pytest.raises(FeedCorrupt, match=f"x.nc: .*{said}"):
        files.read_grid(grid(tmp_path, CELLS, lat, lon, dims=dims), ["v"])


def test_several_times_ask_which(tmp_path, files):
    data = xr.Dataset(
        {"v": (("time", "lat", "lon"), np.stack([CELLS, CELLS + 100]))},
        coords={"time": ("time", [0, 1], {"units": "days since 2026-01-01"}), "lat": LAT, "lon": LON},
    )
    data.to_netcdf(tmp_path / "t.nc", engine="h5netcdf")
    with pytest.raises(FeedCorrupt, match="v has 2 steps of 'time'; say which"):
        files.read_grid("t.nc", ["v"])
    with pytest.raises(FeedCorrupt, match="step 2 was wanted"):
        files.read_grid("t.nc", ["v"], step=2)
    np.testing.assert_array_equal(files.read_grid("t.nc", ["v"], step=1).values, CELLS + 100)


def test_a_projected_grid_keeps_its_projection(tmp_path, files):
    found = files.read_grid(sinusoidal(tmp_path, "LST", CELLS[:1]), ["LST"])
    assert found.attrs["crs"] == MODIS_SINUSOIDAL.to_wkt() or "Sinusoidal" in found.attrs["crs"]
    np.testing.assert_allclose(found.attrs["transform"].a, 926.6)


def test_groups_are_read_by_path_and_numbers_are_those_of_the_file(tmp_path, files):
    found = files.read_netcdf(
        swath(tmp_path), ["PRODUCT/qa_value", "PRODUCT/SUPPORT_DATA/GEOLOCATIONS/latitude_bounds"]
    )
    assert found["qa_value"].dtype == np.uint8
    assert found["qa_value"].attrs["scale"] == pytest.approx(0.01)
    assert found["qa_value"].attrs["nodata"] == 255
    assert found["latitude_bounds"].shape == (1, 6, 8, 4)
    with pytest.raises(FeedCorrupt, match=r"s5p\.nc: no variable cloud in PRODUCT; it has \["):
        files.read_netcdf("s5p.nc", ["PRODUCT/cloud"])


def test_the_classic_format_is_read_too(tmp_path, files):
    with netcdf_file(tmp_path / "c.nc", "w") as file:
        for name, values in (("lat", LAT), ("lon", LON)):
            file.createDimension(name, len(values))
            file.createVariable(name, "f8", (name,))[:] = values
        file.createVariable("v", "i2", ("lat", "lon"))[:] = CELLS
    same(files.read_grid("c.nc", ["v"]))
    assert files.whole("c.nc") == ".nc"
    content = (tmp_path / "c.nc").read_bytes()
    (tmp_path / "c.nc").write_bytes(content[:-20])
    with pytest.raises(FeedCorrupt, match=r"c\.nc: the file cannot be read"):
        files.whole("c.nc")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_half_a_file_is_no_file(tmp_path, files, share):
    place = swath(tmp_path)
    content = place.read_bytes()
    place.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(FeedCorrupt, match=r"s5p\.nc: the file cannot be read .*fetch it again"):
        files.whole(place)
    with pytest.raises(FeedCorrupt, match=r"s5p\.nc"):
        files.read_netcdf(place, ["PRODUCT/qa_value"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x0e\x03\x13\x01 and so on", "HDF4 is not read here; export it"),
        (b"<html>", "it is no GeoTIFF, JPEG 2000, NetCDF or HDF5"),
        (b"", "it is no GeoTIFF"),
        (b"CDF\x01 and nothing", "cannot be read"),
        (b"\x89HDF\r\n\x1a\nand nothing", "cannot be read"),
    ],
)
def test_what_is_no_file_of_these(tmp_path, files, content, said):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(FeedCorrupt, match=f"x: .*{said}"):
        files.whole("x")


def test_a_file_that_is_not_there(files):
    with pytest.raises(FeedCorrupt, match=r"none\.nc: the file cannot be opened"):
        files.read_grid("none.nc", ["v"])
    with pytest.raises(FeedCorrupt, match=r"none\.tif"):
        files.whole("none.tif")


def test_a_bomb_is_refused_before_anything_is_allocated(tmp_path):
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        file.create_dataset("v", shape=(10**6, 10**6), dtype="f8", chunks=(100, 100), fillvalue=0)
    files = Files(tmp_path, max_cells=1_000_000)
    for attempt in (
        lambda: files.whole("bomb.h5"),
        lambda: files.read_netcdf("bomb.h5"),
        lambda: files.read_grid("bomb.h5", ["v"]),
    ):
        with pytest.raises(FeedCorrupt, match=r"bomb\.h5: .*declares 1000000000000 cells; more than 1000000"):
            attempt()


def test_a_file_that_leads_to_others_is_not_read(tmp_path, files):
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["v"] = [1, 2, 3]
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["v"] = h5py.ExternalLink(str(secret), "v")
    with h5py.File(tmp_path / "raw.h5", "w") as file:
        file.create_dataset("v", shape=(3,), dtype="u1", external=[(str(secret), 0, 3)])
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        layout = h5py.VirtualLayout(shape=(3,), dtype="i8")
        layout[:] = h5py.VirtualSource(str(secret), "v", shape=(3,))
        file.create_virtual_dataset("v", layout)
    for name in ("link.h5", "raw.h5", "virtual.h5"):
        with pytest.raises(FeedCorrupt, match=f"{name}: v (leads to|lies in) another file; such files are not read"):
            files.whole(name)
