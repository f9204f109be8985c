"""Bare rasters and grids: what their names say, and how they come in."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from pydantic import ValidationError

from ingest.decoders.raster_file import Options, decode
from ingest.run import ingest
from processing.imagery.physical import physical, usable
from store.scenes import read_band
from tests.ingest.given import DAY, NEXT_DAY, context, feeds, home
from tests.store.grids import geotiff, netcdf, swath

S5P = {"product": "s5p-no2-l2", "name": r"S5P_(?P<stream>[A-Z]{4})_L2__NO2____(?P<date>\d{8})T(?P<time>\d{6})"}
NAME = "S5P_OFFL_L2__NO2____20260820T050102_20260820T064232_12367_03_020800_20260821T214500.nc"


def decoded(name, options, payload=b"x"):
    return decode(payload, replace(context("s5p", start=DAY, end=NEXT_DAY, name=name), options=options))


def one(name, options):
    found = decoded(name, options)
    assert not found.rejections, found.rejections
    return found.scenes.iloc[0]


def test_a_name_tells_product_time_and_more():
    row = one(f"sky/s5p/2026-08-20/{NAME}", S5P)
    assert row["id"] == NAME[:-3]
    assert row["collection"] == "s5p-no2-l2"
    assert row["datetime"] == datetime(2026, 8, 20, 5, 1, 2, tzinfo=UTC)
    assert json.loads(row["assets"]) == {"data": f"sky/s5p/2026-08-20/{NAME}"}
    assert json.loads(row["properties"]) == {"stream": "OFFL"}
    assert row["geometry"] == ""


@pytest.mark.parametrize(
    ("name", "pattern", "zone", "expected"),
    [
        ("x_2026232_y.tif", r"_(?P<date>\d{7})_", "UTC", datetime(2026, 8, 20, tzinfo=UTC)),
        ("x_2024366.tif", r"_(?P<date>\d{7})", "UTC", datetime(2024, 12, 31, tzinfo=UTC)),
        ("npp_2025.tif", r"_(?P<date>\d{4})", "Asia/Shanghai", datetime(2024, 12, 31, 16, tzinfo=UTC)),
        (
            "2026-08-20 1030.nc",
            r"(?P<date>[\d-]+) (?P<time>\d{4})",
            "Asia/Shanghai",
            datetime(2026, 8, 20, 2, 30, tzinfo=UTC),
        ),
    ],
)
def test_dates_of_all_forms(name, pattern, zone, expected):
    assert one(name, {"product": "aod", "name": pattern, "zone": zone})["datetime"] == expected


LST = "MOD11A1.061_LST_Day_1km_doy2026232_aid0001.tif"


def test_a_file_of_one_band_brings_the_bands_beside_it():
    options = feeds()["modis_export"].options
    row = one(f"sky/modis/{LST}", options)
    assert json.loads(row["assets"]) == {
        "LST_Day_1km": f"sky/modis/{LST}",
        "QC_Day": "sky/modis/MOD11A1.061_QC_Day_doy2026232_aid0001.tif",
    }
    alone = one(LST, {key: value for key, value in options.items() if key != "beside"})
    assert json.loads(alone["assets"]) == {"LST_Day_1km": LST}
    other = one(
        "MOD13Q1_250m_16_days_NDVI_doy2026225.tif",
        {"product": "mod13q1", "name": r"MOD13Q1_(?P<band>.+)_doy(?P<date>\d+)"},
    )
    assert list(json.loads(other["assets"])) == ["NDVI"]  # by its own name, whatever the exporter calls it


@pytest.mark.parametrize(
    ("name", "payload", "reason", "said"),
    [
        ("S5P_OFFL_L2__SO2____20260820T050102.nc", b"x", "bad_document", "the name does not fit"),
        ("S5P_OFFL_L2__NO2____20269920T050102.nc", b"x", "bad_time", "the name tells no date since 1980"),
        ("S5P_OFFL_L2__NO2____19560820T050102.nc", b"x", "bad_time", "the name tells no date since 1980"),
        (NAME, b"", "empty", "the file is empty"),
    ],
)
def test_names_that_do_not_say_it(name, payload, reason, said):
    [rejection] = decoded(name, S5P, payload).rejections
    assert rejection.reason == reason
    assert rejection.detail.startswith(f"s5p: {name}: ")
    assert said in rejection.detail


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"product": "s9", "name": "(?P<date>x)"}, "there is no product 's9'"),
        ({"product": "dem", "name": "x"}, "either name"),
        ({"product": "dem", "name": "(?P<date>x)", "date": "2020"}, "either name"),
        ({"product": "dem", "name": "x", "date": "2020", "zone": "Mars"}, "is no IANA time zone"),
        ({"product": "dem", "name": "(?P<date>x)", "beside": ["y"]}, "needs a group"),
    ],
)
def test_options_are_checked(options, said):
    with pytest.raises(ValidationError, match=said):
        Options(**options)


def taken(tmp_path, feed, **changes):
    place = home(tmp_path / "home")
    known = feeds()[feed].model_copy(update=changes)
    counts = ingest(place, known, start=DAY, end=NEXT_DAY, now=NEXT_DAY, root=str(tmp_path / "feeds"))
    return place, counts, place.lake.read("scenes").to_dict("records")


def test_a_swath_comes_in_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "feeds/sky/s5p/2026-08-20"
    folder.mkdir(parents=True)
    swath(folder, name=NAME)
    place, counts, [row] = taken(tmp_path, "s5p_no2")
    assert counts.new == 1
    assert json.loads(row["assets"]) == {"data": f"scenes/{NAME[:-3]}/data.nc"}
    assert place.files.read_netcdf(f"scenes/{NAME[:-3]}/data.nc", ["PRODUCT/qa_value"])["qa_value"].shape == (1, 6, 8)
    (folder / NAME).write_bytes((folder / NAME).read_bytes()[:-100])
    other = NAME.replace("OFFL", "RPRO")
    (folder / NAME).rename(folder / other)
    _, counts, rows = taken(tmp_path, "s5p_no2")
    assert counts.rejected == {"unreadable_raster": 1}
    assert len(rows) == 1


def test_an_aod_grid_becomes_its_quantity(tmp_path):
    folder = tmp_path / "feeds/sky/aod/2026-08-20"
    folder.mkdir(parents=True)
    cells = np.array([[-32768, 5000], [2500, 0]], "int16")
    netcdf(folder, "AOT", cells, name="H09_20260820_0300_L3.nc", scale_factor=0.0002, _FillValue=np.int16(-32768))
    place, _, [row] = taken(tmp_path, "aod")
    found = physical("aod", "aod", read_band(place.files, row, "aod"))
    np.testing.assert_allclose(found.values, [[np.nan, 1.0], [0.5, 0]], atol=1e-7)
    assert row["datetime"] == datetime(2026, 8, 20, 3, tzinfo=UTC)


def modis(tmp_path, quality):
    folder = tmp_path / "feeds/sky/modis/2026-08-20"
    folder.mkdir(parents=True)
    geotiff(folder, np.full((2, 9), 15000, "uint16"), name=LST)
    if quality is not None:
        geotiff(folder, np.array([quality] * 2, "uint8"), name=LST.replace("LST_Day_1km", "QC_Day"))
    return taken(tmp_path, "modis_export")


def test_a_geotiff_tells_its_own_outline_and_its_quality_is_at_hand(tmp_path):
    place, _, [row] = modis(tmp_path, [0, 1, 2, 3, 0, 0, 0, 0, 0b11000000])
    assert row["epsg"] == 32650
    ring = np.array(json.loads(row["geometry"])["coordinates"][0])
    assert (ring[:, 0] > 119).all()
    assert (ring[:, 0] < 120).all()
    assert (ring[:, 1] > 28).all()
    fine = usable("mod11a1", "QC_Day", read_band(place.files, row, "qc_day"))
    heat = physical("mod11a1", "lst_day", read_band(place.files, row, "lst_day"), qa=fine)
    np.testing.assert_array_equal(heat.values[0], [300, 300, np.nan, np.nan, 300, 300, 300, 300, np.nan])


def test_a_band_beside_that_is_missing_refuses_the_scene(tmp_path):
    place, counts, rows = modis(tmp_path, None)
    assert counts.rejected == {"missing_band": 1}
    assert rows == []
    assert "band QC_Day: sky/modis/2026-08-20/MOD11A1.061_QC_Day" in place.ledger.rejections()["detail"][0]


def test_a_name_may_say_the_product():
    options = {"name": r"^(?P<product>[a-z][a-z0-9-]*)_(?P<date>\d{4})\.tif$"}
    row = one("archives/grids/npp-annual_2025.tif", options)
    assert row["collection"] == "npp-annual"
    assert json.loads(row["properties"]) == {}
    (refused,) = decoded("archives/grids/npp-anual_2025.tif", options).rejections
    assert "'npp-anual'" in refused.detail
    with pytest.raises(ValidationError, match="group"):
        Options(product="aod", **options)
    with pytest.raises(ValidationError, match="group"):
        Options(name=r"(?P<date>\d{4})")
