"""From aerosol optical depth to PM2.5 at the ground: dried, spread over the mixed layer, fitted to stations."""

import numpy as np
import xarray as xr

from processing.imagery.calibration import Fit

Layer = xr.DataArray | float


def near_ground(aod: xr.DataArray, humidity: Layer, mixing_height: Layer | None = None) -> xr.DataArray:
    """Dry extinction near the ground: AOD (1 - RH) / PBLH, per km; AOD (1 - RH) where the mixing height is not known.

    f(RH) = 1 / (1 - RH) is the hygroscopic growth, so dividing by it dries the aerosol. NaN where an input is missing,
    RH is not below 100 % or the mixing height is not positive.

    Source: PM2.5 = a + b AOD / (PBLH f(RH)), e.g. Wang et al. 2010, doi:10.1016/j.atmosenv.2009.11.053 (humidity and
    vertical correction).

    Args:
        aod: aerosol optical depth at 550 nm, 1.
        humidity: relative humidity near the ground, %.
        mixing_height: height of the mixed layer, m, or None.
    """
    dry = 1 - xr.DataArray(humidity) / 100
    value = aod * dry.where((dry > 0) & (dry <= 1))
    if mixing_height is None:
        return value
    height = xr.DataArray(mixing_height) / 1000
    return value / height.where(height > 0)


def predictor(*, with_height: bool) -> str:
    """What `near_ground` gives, for people."""
    return "AOD (1 - RH) / PBLH" if with_height else "AOD (1 - RH)"


def pm25(aod: xr.DataArray, humidity: Layer, fit: Fit, mixing_height: Layer | None = None) -> xr.DataArray:
    """PM2.5 (ug/m3, float32) where aerosol was seen, by a line fitted to the stations; NaN throughout if withheld.

    Args:
        aod: aerosol optical depth at 550 nm, 1.
        humidity: relative humidity near the ground, %.
        fit: of `calibration.line` on the same predictor.
        mixing_height: height of the mixed layer, m, or None.

    Raises:
        ValueError: the fit was made with another predictor.
    """
    asked = predictor(with_height=mixing_height is not None)
    if fit.predictor != asked:
        raise ValueError(f"the fit predicts from {fit.predictor!r}, not from {asked!r}")
    place = {key: aod.attrs[key] for key in ("crs", "transform") if key in aod.attrs}
    said = {"long_name": "PM2.5 from AOD", "units": "ug/m3"} | place
    dry = near_ground(aod, humidity, mixing_height).drop_attrs().assign_attrs(said)
    if not fit.kept:
        return xr.full_like(dry, np.nan, dtype=np.float32).assign_attrs(mark=f"withheld: {fit.reason}")
    return fit.apply(dry).astype(np.float32).rename("pm25")
