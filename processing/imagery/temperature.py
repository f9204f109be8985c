"""Land-surface temperature: what of it is a temperature of the ground, and in which unit."""

import xarray as xr

#: 0 degC in kelvin.
ZERO = 273.15


def celsius(kelvin: xr.DataArray) -> xr.DataArray:
    """Temperature in degC of one in K; NaN stays NaN.

    The digital numbers of Landsat Collection 2 Level 2 (x 0.00341802 + 149 K) and MOD11 (x 0.02 K) become kelvin where
    they are read (`physical`).

    Source: definition of the degree Celsius, SI brochure 2.3.1.
    """
    return kelvin - ZERO


def ground(lst: xr.DataArray, clear: xr.DataArray, *, lowest: float, highest: float) -> xr.DataArray:
    """Land-surface temperature (degC) of cells seen clear and within what ground can have; NaN elsewhere.

    Thermal cells of 100 m are served on 30 m: a cloud cools its neighbours before the mask sees it, so values outside
    the plausible range are clouds or fires and no ground.

    Args:
        lst: land-surface temperature, degC.
        clear: True where the ground is seen.
        lowest: lowest plausible value, degC.
        highest: highest plausible value, degC.
    """
    return lst.where(clear & (lst >= lowest) & (lst <= highest))
