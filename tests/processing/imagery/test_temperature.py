"""Temperatures of the ground."""

import numpy as np
import xarray as xr

from processing.imagery.temperature import celsius, ground


def test_kelvin_to_celsius():
    np.testing.assert_allclose(celsius(xr.DataArray([273.15, 300.0, np.nan])), [0, 26.85, np.nan], atol=1e-9)


def test_clouds_and_fires_are_no_ground():
    lst = xr.DataArray([-30.0, 20.0, 20.0, 90.0, np.nan])
    clear = xr.DataArray([True, True, False, True, True])
    np.testing.assert_array_equal(ground(lst, clear, lowest=-20, highest=70), [np.nan, 20, np.nan, np.nan, np.nan])
