"""The offset trap: metadata, pixels, and what happens when they disagree."""

import numpy as np
import pytest

from domain.errors import FeedCorrupt
from processing.imagery.reflectance import metadata_offset, offset, pixel_offset, reflectance
from processing.imagery.tables import thresholds
from tests.processing.imagery.rasters import raster

LIMITS = thresholds()
NEW = {"s2:processing_baseline": "05.11"}
OLD = {"s2:processing_baseline": "02.14"}
WATER = np.full((20, 20), True)


def water(dn):
    return np.full((20, 20), dn, dtype=np.uint16)


@pytest.mark.parametrize(
    ("properties", "wanted"),
    [
        ({"s2:processing_baseline": "04.00"}, -1000),
        ({"s2:processing_baseline": "05.11"}, -1000),
        ({"s2:processing_baseline": "03.01"}, 0),
        ({"s2:processing_baseline": "05.11", "earthsearch:boa_offset_applied": True}, 0),
        ({"s2:processing_baseline": "05.11", "earthsearch:boa_offset_applied": "true"}, 0),
        ({"s2:processing_baseline": "05.11", "earthsearch:boa_offset_applied": False}, -1000),
        ({"s2:processing_baseline": "02.14", "earthsearch:boa_offset_applied": False}, 0),
        ({"earthsearch:boa_offset_applied": True}, 0),
        ({"s2:processing_baseline": "soon"}, None),
        ({"s2:processing_baseline": "5.11"}, -1000),
        ({"s2:processing_baseline": "N0511"}, -1000),
        ({"s2:processing_baseline": "0301"}, 0),  # no number 301
        ({"s2:processing_baseline": "99.99"}, None),  # a trial: the pixels must say
        ({"processing:version": "05.11"}, -1000),  # Copernicus Data Space
        ({"s2:product_uri": "S2B_MSIL2A_20250302T094029_N0511_R036_T33UXP_20250302T120812.SAFE"}, -1000),
        ({"sentinel:product_id": "S2A_MSIL2A_20170128T113321_N0001_R080_T29TNG_20190506T060629"}, 0),
        ({"s2:processing_baseline": "05.00", "s2:product_uri": "S2A_MSIL2A_20160101T1_N0204_R1_T1"}, -1000),
        ({"raster:bands": [{"scale": 0.0001, "offset": -0.1}], "earthsearch:boa_offset_applied": True}, 0),
        ({"raster:bands": [{"scale": 0.0001, "offset": -0.1}]}, None),
        ({}, None),
    ],
)
def test_metadata_say_by_flag_then_by_baseline_never_by_date(properties, wanted):
    assert metadata_offset(properties) == wanted
    assert metadata_offset({**properties, "datetime": "2016-01-01T00:00:00Z"}) == wanted


@pytest.mark.parametrize(("dn", "wanted"), [(1150, -1000), (900, -1000), (899, 0), (120, 0)])
def test_dark_water_tells_the_offset(dn, wanted):
    assert pixel_offset(water(dn), WATER, LIMITS) == wanted


def test_bright_land_alone_proves_nothing_but_dark_land_proves_that_nothing_is_left_to_subtract():
    assert pixel_offset(water(2400), ~WATER, LIMITS) is None
    assert pixel_offset(water(300), ~WATER, LIMITS) == 0


def test_nodata_is_no_dark_water():
    dn = water(1200)
    dn[:, :15] = 0
    assert pixel_offset(dn, WATER, LIMITS) == -1000
    assert pixel_offset(water(0), WATER, LIMITS) is None


def test_a_few_odd_pixels_do_not_decide():
    dn = water(1200)
    dn.flat[:3] = 5  # 0.75 %, below the percentile
    assert pixel_offset(dn, WATER, LIMITS) == -1000


def test_agreement_is_named():
    assert offset(NEW, water(1150), WATER, limits=LIMITS) == offset(NEW, water(1150), WATER, limits=LIMITS)
    used = offset(NEW, water(1150), WATER, limits=LIMITS)
    assert (used.value, used.basis) == (-1000, "metadata and pixels")
    assert offset(OLD, water(2400), ~WATER, limits=LIMITS).basis == "metadata (too few dark cells to check)"


@pytest.mark.parametrize(("properties", "dn"), [(NEW, 150), (OLD, 1150)])
def test_disagreement_is_refused_or_a_marked_choice(properties, dn):
    with pytest.raises(FeedCorrupt, match="metadata ask for a reflectance offset"):
        offset(properties, water(dn), WATER, limits=LIMITS)
    stated = metadata_offset(properties)
    chosen = offset(properties, water(dn), WATER, limits=LIMITS, policy="metadata")
    assert chosen.value == stated
    assert "pixels" in chosen.basis
    assert offset(properties, water(dn), WATER, limits=LIMITS, policy="pixels").value == -1000 - stated


def seen(properties, dn, **options):
    used = offset(properties, water(dn), WATER, limits=LIMITS, **options)
    return round(float(reflectance(raster(water(dn)), used.value).mean()), 4)


@pytest.mark.parametrize(
    ("case", "properties", "dn"),
    [
        ("baseline 02.14, nothing in the pixels", {"s2:processing_baseline": "02.14"}, 200),
        ("baseline 04.00, as ESA delivers it", {"s2:processing_baseline": "04.00"}, 1200),
        (
            "Collection 1: a scene of 2017 with baseline 05.00",
            {"s2:processing_baseline": "05.00", "datetime": "2017"},
            1200,
        ),
        ("Earth Search: applied and said so", NEW | {"earthsearch:boa_offset_applied": True}, 200),
        ("Earth Search c1: not applied and said so", NEW | {"earthsearch:boa_offset_applied": False}, 1200),
        ("Copernicus Data Space", {"processing:version": "05.11"}, 1200),
        (
            "Earth Search v0: the product's name alone",
            {"s2:product_uri": "S2A_MSIL2A_2020_N0214_R037_T29RKH_2020"},
            200,
        ),
        ("nothing said, offset in the pixels", {}, 1200),
        ("nothing said, none in the pixels", {}, 200),
    ],
)
def test_the_same_water_is_the_same_reflectance_whoever_delivers_it(case, properties, dn):
    assert seen(properties, dn) == 0.02, case


@pytest.mark.parametrize(
    ("case", "properties", "dn"),
    [
        ("earth-search 66: said to be unapplied, but it is", NEW | {"earthsearch:boa_offset_applied": False}, 200),
        ("said to be applied, but it is not", NEW | {"earthsearch:boa_offset_applied": True}, 1200),
        ("an old baseline on reprocessed pixels", OLD, 1200),
    ],
)
def test_false_metadata_are_found_by_the_water(case, properties, dn):
    with pytest.raises(FeedCorrupt, match="choose a side with on_offset_conflict"):
        seen(properties, dn)
    assert seen(properties, dn, policy="pixels") == 0.02, case
    assert seen(properties, dn, policy="metadata") in {-0.08, 0.12}


def test_a_scene_full_of_cloud_is_taken_at_its_word():
    used = offset(NEW, water(8000), ~WATER, limits=LIMITS)
    assert (used.value, used.basis) == (-1000, "metadata (too few dark cells to check)")
    with pytest.raises(FeedCorrupt, match="neither"):
        offset({}, water(8000), ~WATER, limits=LIMITS)


def test_silent_metadata_leave_it_to_the_pixels_and_two_silences_are_refused():
    assert offset({}, water(1150), WATER, limits=LIMITS).value == -1000
    with pytest.raises(FeedCorrupt, match="neither"):
        offset({}, water(2400), ~WATER, limits=LIMITS)


def test_nodata_never_becomes_reflectance():
    found = reflectance(raster(np.array([[0, 1000, 1200, 950]], dtype=np.uint16)), -1000)
    np.testing.assert_allclose(found.values, [[np.nan, 0.0, 0.02, -0.005]], atol=1e-7)
    assert found.dtype == np.float32
