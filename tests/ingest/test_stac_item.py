import json
import random
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.records import TABLES
from ingest.decoders.stac_item import decode
from tests.ingest.given import BANDS, DAY, NEXT_DAY, context, stac_item

ASSETS = {band: f"./{band}.tif" for band in BANDS}


def given_context(**options):
    return context("sentinel2", start=DAY, end=NEXT_DAY, name="sky/s2/one/one.json", **options)


def decoded(item, **options):
    return decode(json.dumps(item).encode(), given_context(**options))


def one(item, **options):
    found = decoded(item, **options)
    assert not found.rejections, found.rejections
    return found.scenes.iloc[0]


def refused(found, reason, said):
    (rejection,) = found.rejections
    assert rejection.reason == reason
    assert rejection.detail.startswith("sentinel2: sky/s2/one/one.json: ")
    assert said in rejection.detail
    assert len(found.scenes) == 0


def test_an_item_becomes_a_scene():
    row = one(stac_item(ASSETS), bands=list(BANDS))
    assert (row["id"], row["collection"], row["platform"], row["epsg"]) == (
        "S2B_TEST",
        "sentinel-2-l2a",
        "sentinel-2b",
        32650,
    )
    assert row["datetime"] == datetime(2026, 8, 19, 2, 37, 48, tzinfo=UTC)
    assert row["received_at"] == DAY
    assert row["cloud_cover"] == 4.5
    assert json.loads(row["assets"]) == {band: f"sky/s2/one/{band}.tif" for band in BANDS}
    assert json.loads(row["geometry"])["type"] == "Polygon"
    assert json.loads(row["properties"])["s2:processing_baseline"] == "05.11"


@pytest.mark.parametrize(
    ("key", "name"), [("B04", "red"), ("B04", "B04_10m"), ("SCL", "scl"), ("SCL", "SCL_20m"), ("B11", "swir16")]
)
def test_bands_are_found_under_the_names_of_all_catalogues(key, name):
    assert json.loads(one(stac_item({name: "x.tif"}), bands=[key])["assets"]) == {key: "sky/s2/one/x.tif"}


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("./B02.tif", "sky/s2/one/B02.tif"),
        ("../cells/B02.tif", "sky/s2/cells/B02.tif"),
        ("https://example.org/B02.tif?sig=1", "https://example.org/B02.tif?sig=1"),
        ("/data/B02.tif", "/data/B02.tif"),
    ],
)
def test_addresses_of_rasters_are_resolved_against_the_item(href, expected):
    assert json.loads(one(stac_item({"B02": href}))["assets"]) == {"B02": expected}


@pytest.mark.parametrize(
    ("asset", "mirrors", "expected"),
    [
        ({"href": "s3://eodata/a/B02.jp2"}, {}, "s3://eodata/a/B02.jp2"),
        ({"href": "s3://eodata/a/B02.jp2"}, {"s3://eodata/": "/eodata/"}, "/eodata/a/B02.jp2"),
        (
            {"href": "s3://eodata/a/B02.jp2", "alternate": {"https": {"href": "https://x.org/a/B02.jp2"}}},
            {},
            "https://x.org/a/B02.jp2",
        ),
        (
            {"href": "https://y.org/B02.tif", "alternate": {"https": {"href": "https://x.org/B02.tif"}}},
            {},
            "https://y.org/B02.tif",
        ),
        ({"href": "s3://eodata/a/B02.jp2", "alternate": ["https"]}, {}, "s3://eodata/a/B02.jp2"),
    ],
)
def test_an_address_that_needs_an_account_elsewhere_gives_way_to_a_mirror_or_https(asset, mirrors, expected):
    item = stac_item(ASSETS)
    item["assets"] = {"B02_10m": {"type": "image/jp2"} | asset}
    assert json.loads(one(item, bands=["B02"], mirrors=mirrors)["assets"]) == {"B02": expected}


def test_what_an_item_says_of_its_files_is_kept():
    item = stac_item(ASSETS)
    item["assets"]["B02"] |= {
        "file:size": 7,
        "file:checksum": "1220ab",
        "proj:shape": [2, 3],
        "proj:code": "EPSG:32651",
    }
    stated = json.loads(one(item, bands=["B02", "B03"])["properties"])["sanyan:stated"]
    assert stated == {"B02": {"size": 7, "checksum": "1220ab", "shape": [2, 3], "epsg": 32651}}


def test_grids_in_netcdf_are_rasters_too():
    item = stac_item({"no2": "./x.nc", "thumbnail": "./x.png"}, collection="sentinel-5p-l2-netcdf")
    item["assets"]["no2"]["type"] = "application/x-netcdf"
    item["assets"]["thumbnail"]["type"] = "image/png"
    assert json.loads(one(item)["assets"]) == {"no2": "sky/s2/one/x.nc"}


def test_a_file_of_several_bands_is_kept_once():
    swath = stac_item({"no2": "./x.nc"}, collection="sentinel-5p-l2-netcdf")
    wanted = ["nitrogendioxide_tropospheric_column", "qa_value"]
    assert json.loads(one(swath, bands=wanted)["assets"]) == {"data": "sky/s2/one/x.nc"}
    image = stac_item({"data": "./x.tif"}, collection="gf1-wfv")
    assert json.loads(one(image, bands=["B1", "B4"])["assets"]) == {"data": "sky/s2/one/x.tif"}
    heights = stac_item({"elevation": "./x.tif"}, collection="cop-dem-glo-30")
    assert json.loads(one(heights, bands=["data"])["assets"]) == {"data": "sky/s2/one/x.tif"}
    refused(decoded(swath, bands=["cloud"]), "missing_band", "lacks cloud; it has ['no2']")


def square(*corners):
    return {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}


@pytest.mark.parametrize(
    ("geometry", "reason", "said"),
    [
        (None, "missing_field", "has no geometry; ask the catalogue to add it"),
        (square([28.1, 119.5], [28.7, 119.5], [28.7, 120.2]), "bad_position", "latitude stands before longitude"),
        (
            square([750_000, 3_160_000], [760_000, 3_160_000], [760_000, 3_170_000]),
            "bad_position",
            "they are no degrees",
        ),
        (square([float("nan"), 28.0], [119.5, 28.0], [119.5, 29.0]), "bad_position", "are no place on earth"),
        ({"type": "Polygon", "coordinates": []}, "bad_position", "its geometry has no coordinates"),
        ({"type": "Polygon", "coordinates": [["a", "b"]]}, "bad_document", "no STAC item"),
        ({"type": "Polygon"}, "bad_document", "no STAC item"),
    ],
)
def test_a_place_that_cannot_be_believed(geometry, reason, said):
    refused(decoded(stac_item(ASSETS, geometry=geometry)), reason, said)


def test_without_wanted_bands_every_raster_is_taken_but_no_preview_and_no_paper():
    item = stac_item({"data": "./d.tif", "thumbnail": "./t.tif", "metadata": "./m.xml"})
    item["assets"]["thumbnail"]["roles"] = ["thumbnail"]
    item["assets"]["metadata"]["type"] = "application/xml"
    assert set(json.loads(one(item)["assets"])) == {"data"}


def test_what_an_item_does_not_say_is_missing_and_not_invented():
    item = stac_item(ASSETS)
    del item["properties"]["eo:cloud_cover"], item["properties"]["proj:epsg"], item["properties"]["platform"]
    row = one(item)
    assert np.isnan(row["cloud_cover"])
    assert (row["epsg"], row["platform"]) == (0, "")


def test_a_missing_band_is_named():
    item = stac_item({band: href for band, href in ASSETS.items() if band not in {"B05", "SCL"}})
    refused(decoded(item, bands=list(BANDS)), "missing_band", "item S2B_TEST lacks B05, SCL; it has ['B02', 'B03'")


@pytest.mark.parametrize(
    ("item", "reason", "said"),
    [
        (stac_item({}), "missing_band", "has no raster"),
        (stac_item(ASSETS, id="../../etc"), "bad_document", "cannot be a name of files"),
        (stac_item(ASSETS, properties={"datetime": None}), "bad_document", "no STAC item"),
        (stac_item(ASSETS, properties={"datetime": "yesterday"}), "bad_document", "no STAC item"),
        (stac_item(ASSETS, properties={"datetime": "1950-01-01T00:00:00Z"}), "bad_time", "before 1980"),
        ({"type": "Feature"}, "bad_document", "no STAC item"),
        ([], "bad_document", "no STAC item"),
    ],
)
def test_items_that_are_none(item, reason, said):
    refused(decoded(item), reason, said)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [(b"", "empty"), (b"{", "bad_document"), (b"[" * 100_000, "bad_document"), (b"\xff", "bad_document")],
)
def test_payloads_that_are_no_documents(payload, reason):
    refused(decode(payload, given_context()), reason, "")


def whole(found, payload):
    assert list(found.scenes.columns) == TABLES["scenes"].columns
    assert found.n_records == len(found.scenes) + len(found.rejections) == 1
    assert all(r.offset + r.length <= len(payload) for r in found.rejections)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from([*stac_item({}), "stac_extensions", "bbox"]), JSON, max_size=3),
    st.dictionaries(st.sampled_from(list(stac_item({})["properties"])), JSON, max_size=3),
)
@settings(max_examples=300)
def test_items_with_anything_in_them_never_raise(changes, properties):
    item = stac_item(ASSETS, properties=properties) | changes
    payload = json.dumps(item).encode()
    whole(decode(payload, given_context(bands=["B02"])), payload)


def torture(rounds):
    original = json.dumps(stac_item(ASSETS)).encode()
    for seed in range(rounds):
        rng = random.Random(seed)
        payload = bytearray(original)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(payload))
            payload[at : at + rng.randrange(3)] = rng.choice(
                [b"", b'"', b"{", b"[", b"null", b"1e999", bytes([rng.randrange(256)])]
            )
        whole(decode(bytes(payload), given_context()), payload)


def test_a_thousand_mutated_items_never_raise():
    torture(1_000)


@pytest.mark.slow
def test_many_mutated_items_never_raise():
    torture(20_000)
