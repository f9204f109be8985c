"""GF-1 and GF-6 wide-field images: numbers to radiance by the gain of camera and year, to reflectance by the sun.

Level 1 numbers become reflectance at the top of the atmosphere, which is no surface reflectance: haze is in it, and
indices of one day compare with another's only roughly. That, and how far a place may be off, is said with the result.
"""

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import xarray as xr

from domain import imagery
from domain.errors import CatalogueError
from processing.imagery.physical import physical


def gain(product: str, camera: str, band: str, day: date) -> Mapping[str, Any]:
    """The row of sky_gains.csv that holds on a day: the newest year that is not after it.

    Raises:
        CatalogueError: there is none; the text says what to add.
    """
    own = imagery.band_of(product, band).band
    rows = imagery.gains()
    fitting = rows[(rows["product"] == product) & (rows["camera"] == camera) & (rows["band"] == own)]
    fitting = fitting[fitting["year"] <= day.year].sort_values("year")
    if fitting.empty:
        missing = f"sky_gains.csv: no gain of {product} camera {camera!r} band {own} for {day.year}"
        raise CatalogueError([f"{missing}; add the row of that year's calibration"])
    return dict(fitting.iloc[-1])


def radiance(product: str, camera: str, band: str, raw: xr.DataArray, day: date) -> xr.DataArray:
    """Radiance at the sensor, W/(m2 sr um): number * gain + offset; NaN where there is no image.

    Source: the camera's yearly absolute calibration (CRESDA), L = gain DN + offset.

    Raises:
        CatalogueError: no gain for the day.
    """
    row = gain(product, camera, band, day)
    found = physical(product, band, raw, scale=float(row["gain"]), offset=float(row["offset"]))
    return found.assign_attrs(basis=f"gain of {row['year']} ({row['confidence']})", esun=float(row["esun"]))


def toa_reflectance(light: xr.DataArray, *, sun_elevation: float, day: date) -> xr.DataArray:
    """Reflectance at the top of the atmosphere (1): pi L d2 / (E sin(elevation)).

    d = 1 - 0.01672 cos(0.9856 (day of year - 4)), degrees: distance of the sun, astronomical units.
    Source: Chander, Markham and Helder 2009, doi:10.1016/j.rse.2009.01.007 (formula and distance).

    Args:
        light: radiance with `esun` among its attributes, see `radiance`.
        sun_elevation: degrees above the horizon.
        day: of the image.

    Raises:
        ValueError: the sun is below the horizon.
    """
    if not 0 < sun_elevation <= 90:
        raise ValueError(f"the sun stands at {sun_elevation} degrees")
    distance = 1 - 0.01672 * math.cos(math.radians(0.9856 * (day.timetuple().tm_yday - 4)))
    factor = math.pi * distance**2 / (light.attrs["esun"] * math.sin(math.radians(sun_elevation)))
    attrs = {k: v for k, v in light.attrs.items() if k != "esun"}
    return (light * np.float32(factor)).assign_attrs(attrs | {"units": "1"}).rename(light.name)
