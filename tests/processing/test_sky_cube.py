"""Cubes of many days, and the catalogue over the products: what other programs find in them."""

import json
import re
from datetime import date

import numpy as np
import pystac
import pytest
import xarray as xr
from pyproj import CRS
from pystac.extensions.eo import EOExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.raster import RasterExtension
from shapely.geometry import box, shape

from domain.errors import StoreError
from processing.imagery.cube import cf_cube
from processing.sky import compute_sky
from processing.sky_cube import write_cube
from tests.oracles import stac_extensions
from tests.processing.skyland import GRID, NOW, home, put, surface

FIRST, LAST = date(2026, 8, 14), date(2026, 8, 19)
LAYERS = ("ndvi", "fvc", "chla")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    there = home(tmp_path_factory.mktemp("cube"))
    put(there, "A", "2026-08-14T02:36:00Z", surface())
    put(there, "B", "2026-08-19T02:36:00Z", surface())
    compute_sky(there, now=NOW)
    return there


def cf_problems(found: xr.Dataset) -> list[str]:
    """What CF-1.8 asks of such a file, read as stored (no decoding)."""
    time, flags = found["time"], found["clear"].attrs
    bounds = found[time.attrs["bounds"]]
    rules = {
        "2.6.1 Conventions": found.attrs.get("Conventions") == "CF-1.8",
        "2.6.2 description": all(found.attrs.get(a) for a in ("title", "source", "history")),
        "2.3 names": all(re.fullmatch(r"[A-Za-z]\w*", str(name)) for name in found.variables),
        "4.4 time": bool(re.fullmatch(r"seconds since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", time.attrs["units"])),
        "4.4.1 calendar": time.attrs["calendar"] == "standard",
        "7.1 bounds": bool((bounds[:, 0] <= time).all() and (bounds[:, 1] > time).all() and not bounds.attrs),
        "3.5 flags": len(np.atleast_1d(flags["flag_values"])) == len(flags["flag_meanings"].split()),
    }
    for axis in ("y", "x"):
        told = found[axis].attrs
        rules[f"5.6 {axis}"] = (told["standard_name"], told["units"]) == (f"projection_{axis}_coordinate", "m")
        rules[f"4 {axis} is monotonic"] = abs(np.sign(np.diff(found[axis].values)).sum()) == found.sizes[axis] - 1
    for name, data in found.data_vars.items():
        if data.ndim == 3:
            told = data.attrs
            rules[f"3.1 3.2 {name}"] = {"long_name", "units"} <= set(told)
            rules[f"2.4 {name}"] = data.dims == ("time", "y", "x")
            rules[f"5.6 {name}"] = "grid_mapping_name" in found[told["grid_mapping"]].attrs
    return [rule for rule, kept in rules.items() if not kept]


@pytest.mark.parametrize("form", ["netcdf", "zarr"])
def test_a_cube_follows_cf_and_says_what_the_days_say(place, form):
    written = write_cube(place, LAYERS, FIRST, LAST, form)
    engine = {"netcdf": "h5netcdf", "zarr": "zarr"}[form]
    more = {"consolidated": False} if form == "zarr" else {}
    with xr.open_dataset(written, engine=engine, decode_cf=False, **more) as stored:
        assert cf_problems(stored) == []
        assert CRS.from_cf(stored["crs"].attrs).to_epsg() == 32650
        if form == "netcdf":
            assert stored["clear"].attrs["flag_values"].dtype == stored["clear"].dtype
            assert not any("_FillValue" in stored[name].attrs for name in ("time", "y", "x", "clear"))
    with xr.open_dataset(written, engine=engine, decode_coords="all", **more) as found:
        assert found["time"].values.astype(str).tolist() == [
            "2026-08-13T16:00:00.000000000",
            "2026-08-18T16:00:00.000000000",
        ]
        for i, day in enumerate((FIRST, LAST)):
            one = place.files.read_raster(f"products/{day}/ndvi.tif")
            np.testing.assert_array_equal(found["ndvi"].values[i], one.values)
            np.testing.assert_array_equal(found["y"].values, one["y"].values)
        assert found["fvc"].attrs["standard_name"] == "vegetation_area_fraction"
        assert found["chla"].attrs["units"] == "mg m-3"
        assert set(np.unique(found["clear"].values)) <= {0, 1}


def test_the_same_cube_has_the_same_bytes(place):
    first = write_cube(place, LAYERS, FIRST, LAST).read_bytes()
    assert write_cube(place, LAYERS, FIRST, LAST).read_bytes() == first
    assert not list(place.files.path("cubes").glob(".writing-*"))


def test_a_period_without_days_or_products_is_refused(place):
    with pytest.raises(StoreError, match="no finished day"):
        write_cube(place, LAYERS, date(2020, 1, 1), date(2020, 2, 1))
    with pytest.raises(StoreError, match="no product lst"):
        write_cube(place, ("lst",), FIRST, LAST)


def test_shapes_and_order_are_checked():
    data = np.zeros((1, *GRID.shape), np.float32)
    with pytest.raises(ValueError, match="rise"):
        cf_cube([LAST, FIRST], {}, data, GRID, title="t", source="s")
    with pytest.raises(ValueError, match="ndvi has shape"):
        cf_cube([FIRST], {"ndvi": data[:, 1:]}, data, GRID, title="t", source="s")


def core_valid(item: pystac.STACObject) -> None:
    """Against the schemas of STAC itself, which come with pystac; extensions: see oracles/stac_extensions.py."""
    document = {**item.to_dict(include_self_link=False, transform_hrefs=False), "stac_extensions": []}
    pystac.validation.validate_dict(document)


def test_the_catalogue_holds_what_is_there_and_its_items_are_valid(place):
    root = pystac.Catalog.from_file(str(place.files.path("products/catalog.json")))
    items = list(root.get_items(recursive=True))
    assert {i.id for i in items} == {"day-2026-08-14", "day-2026-08-19", "composite-2026-08", "composite-2026-Q3"}
    for document in (root, *root.get_children(), *items):
        core_valid(document)
    for item in items:
        assert stac_extensions.problems(item.to_dict(include_self_link=False, transform_hrefs=False)) == []
        projection, eo = ProjectionExtension.ext(item), EOExtension.ext(item)
        assert projection.code == "EPSG:32650"
        assert tuple(projection.shape) == GRID.shape
        assert projection.transform[:3] == [60, 0, GRID.left]
        assert projection.bbox == list(GRID.bounds)
        assert 0 <= eo.cloud_cover <= 100
        outline = shape(item.geometry)
        assert outline.is_valid
        assert outline.bounds == pytest.approx(item.bbox)
        assert outline.intersects(box(119.60, 28.30, 119.618, 28.313))
        for key, asset in item.assets.items():
            path = (
                place.files.path("products")
                / item.get_self_href().split("/products/")[1].rpartition("/")[0]
                / asset.href
            )
            assert path.is_file(), key
            if asset.media_type == pystac.MediaType.COG:
                bands = RasterExtension.ext(asset).bands
                stored = place.files.raster_info(path.resolve())
                assert len(bands) == stored.count
                assert {str(b.data_type) for b in bands} == {stored.dtype}
                assert stored.shape == GRID.shape
    day = next(i for i in items if i.id == "day-2026-08-14")
    assert day.properties["sanyan:scenes"] == ["A"]
    assert {"ndvi", "mask", "rgb", "quicklook", "zones"} <= set(day.assets)
    assert [b.common_name for b in EOExtension.ext(day.assets["rgb"]).bands] == ["red", "green", "blue"]


@pytest.mark.parametrize(
    ("place_of", "field", "value", "told"),
    [
        ("properties", "proj:epsg", 32650, "'proj:epsg' was unexpected"),
        ("properties", "proj:code", 32650, "proj:code"),
        ("properties", "proj:shape", [26.5, 31], "26.5 is not of type 'integer'"),
        ("properties", "proj:transform", [1, 2, 3], "proj:transform"),
        ("properties", "eo:cloud_cover", 101, "greater than the maximum"),
        ("rgb", "eo:bands", [{"common_name": "RED"}], "'RED' is not one of"),
        ("rgb", "eo:bands", [], "should be non-empty"),
        ("ndvi", "raster:bands", [{"data_type": "float"}], "'float' is not one of"),
        ("ndvi", "raster:bands", [{"nodata": "NaN"}], "'NaN'"),
        ("ndvi", "raster:bands", [{"no_data": 0}], "'no_data' was unexpected"),
        ("properties", "raster:bands", [{"unit": "1"}], "belong to assets"),
    ],
)
def test_the_rules_of_the_extensions_refuse_what_is_wrong(place, place_of, field, value, told):
    item = json.loads(place.files.path("products/2026-08-14/item.json").read_text())
    assert stac_extensions.problems(item) == []
    (item["properties"] if place_of == "properties" else item["assets"][place_of])[field] = value
    assert any(told in problem for problem in stac_extensions.problems(item))


def test_an_extension_that_is_not_named_or_not_used_is_told(place):
    item = json.loads(place.files.path("products/2026-08-14/item.json").read_text())
    item["stac_extensions"] = item["stac_extensions"][1:]
    del item["properties"]["eo:cloud_cover"], item["assets"]["rgb"]["eo:bands"]
    assert len(stac_extensions.problems(item)) == 2


def test_the_catalogue_is_written_again_with_equal_bytes(place):
    names = ("catalog.json", "sky-days.json", "sky-composites.json", "2026-08/item.json", "2026-08-14/item.json")
    before = {n: place.files.path(f"products/{n}").read_bytes() for n in names}
    compute_sky(place, now=NOW)
    assert {n: place.files.path(f"products/{n}").read_bytes() for n in names} == before
    assert json.loads(before["2026-08-14/item.json"])["collection"] == "sky-days"
