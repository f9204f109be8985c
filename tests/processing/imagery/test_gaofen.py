"""GF-1: gains by camera and year, reflectance by the sun."""

import math
from datetime import date

import numpy as np
import pytest
import xarray as xr

from domain.errors import CatalogueError
from processing.imagery.gaofen import gain, radiance, toa_reflectance

DAY = date(2026, 8, 20)


def raw(*numbers):
    return xr.DataArray(np.array([numbers], dtype="uint16"), dims=("y", "x"), attrs={"nodata": None})


def test_the_newest_gain_that_is_not_later_holds():
    assert gain("gf1-wfv", "WFV3", "red", DAY)["gain"] == 0.1257
    assert gain("gf1-wfv", "WFV3", "B3", date(2014, 1, 1))["year"] == 2014


@pytest.mark.parametrize(
    ("product", "camera", "day"),
    [("gf1-wfv", "WFV1", date(2013, 6, 1)), ("gf1-wfv", "WFV9", DAY), ("gf6-wfv", "WFV", DAY)],
)
def test_a_gain_that_is_not_there_is_no_guess(product, camera, day):
    with pytest.raises(CatalogueError, match=f"no gain of {product} camera '{camera}' band B3 for {day.year}; add"):
        gain(product, camera, "red", day)


def test_radiance_and_reflectance():
    light = radiance("gf1-wfv", "WFV1", "nir", raw(0, 400), DAY)
    assert light.attrs["units"] == "W/(m2 sr um)"
    assert light.attrs["basis"] == "gain of 2014 (memory)"
    np.testing.assert_allclose(light.values, [[np.nan, 400 * 0.1563]], rtol=1e-6)
    found = toa_reflectance(light, sun_elevation=60, day=DAY)
    distance = 1.0116  # astronomical units on 20 August, almanac
    expected = math.pi * 400 * 0.1563 * distance**2 / (1078.97 * math.sin(math.radians(60)))
    np.testing.assert_allclose(found.values, [[np.nan, expected]], rtol=1e-3)
    assert found.attrs["units"] == "1"
    assert found.attrs["position_error_m"] == 300


@pytest.mark.parametrize("elevation", [-5, 0, 91, math.nan])
def test_no_reflectance_at_night(elevation):
    with pytest.raises(ValueError, match="the sun stands"):
        toa_reflectance(radiance("gf1-wfv", "WFV1", "nir", raw(1), DAY), sun_elevation=elevation, day=DAY)
