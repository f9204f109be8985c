"""Spectral indices of surface reflectance (names and formulas as in the spyndex catalogue, which cites the papers).

Every function takes DataArrays of one shape and returns one of that shape; NaN in gives NaN out. Two-band ratios have a
meaning only between bands of reflectance above zero: elsewhere (noise over dark water) they are NaN, not +-50.
"""

import numpy as np
import xarray as xr


def normalized_difference(a: xr.DataArray, b: xr.DataArray) -> xr.DataArray:
    """(a - b) / (a + b), within -1..1; NaN where either band is not above zero."""
    usable = (a > 0) & (b > 0)
    total = (a + b).where(usable, 1.0)
    return ((a - b) / total).where(usable)


def ndvi(red: xr.DataArray, nir: xr.DataArray) -> xr.DataArray:
    """Normalized difference vegetation index, (N - R) / (N + R).

    Source: Rouse et al. 1974, NASA SP-351, 309-317.
    """
    return normalized_difference(nir, red)


def evi(blue: xr.DataArray, red: xr.DataArray, nir: xr.DataArray) -> xr.DataArray:
    """Enhanced vegetation index, 2.5 (N - R) / (N + 6 R - 7.5 B + 1).

    NaN where the denominator is not above zero (bright cells with B far above R).
    Source: Huete et al. 2002, doi:10.1016/S0034-4257(96)00112-5 and MOD13 (constants).
    """
    denominator = nir + 6 * red - 7.5 * blue + 1
    usable = denominator > 0
    return (2.5 * (nir - red) / denominator.where(usable, 1.0)).where(usable)


def ndwi(green: xr.DataArray, nir: xr.DataArray) -> xr.DataArray:
    """Normalized difference water index, (G - N) / (G + N).

    Source: McFeeters 1996, doi:10.1080/01431169608948714.
    """
    return normalized_difference(green, nir)


def mndwi(green: xr.DataArray, swir1: xr.DataArray) -> xr.DataArray:
    """Modified normalized difference water index, (G - S1) / (G + S1); above 0 is mostly water.

    Source: Xu 2006, doi:10.1080/01431160600589179.
    """
    return normalized_difference(green, swir1)


def ndci(red: xr.DataArray, rededge1: xr.DataArray) -> xr.DataArray:
    """Normalized difference chlorophyll index, (RE1 - R) / (RE1 + R), over water.

    Source: Mishra and Mishra 2012, doi:10.1016/j.rse.2011.10.016.
    """
    return normalized_difference(rededge1, red)


def fai(
    red: xr.DataArray, nir: xr.DataArray, swir1: xr.DataArray, *, red_nm: float, nir_nm: float, swir1_nm: float
) -> xr.DataArray:
    """Floating algae index: reflectance of NIR above the straight line from red to SWIR1 (1).

    N - (R + (S1 - R) (lN - lR) / (lS1 - lR)), wavelengths l in nm.
    Source: Hu 2009, doi:10.1016/j.rse.2009.05.012.
    """
    weight = (nir_nm - red_nm) / (swir1_nm - red_nm)
    return nir - (red + (swir1 - red) * weight)


def bi(blue: xr.DataArray, red: xr.DataArray, nir: xr.DataArray, swir1: xr.DataArray) -> xr.DataArray:
    """Bare soil index, ((S1 + R) - (N + B)) / ((S1 + R) + (N + B)).

    Source: Rikimaru et al. 2002, Tropical Ecology 43, 39-47 (BI in spyndex).
    """
    return normalized_difference(swir1 + red, nir + blue)


def fvc(ndvi: xr.DataArray, *, soil: float, vegetation: float) -> xr.DataArray:
    """Fractional vegetation cover, (NDVI - soil) / (vegetation - soil) clipped to 0..1.

    `soil` and `vegetation` are the area's 5 % and 95 % NDVI quantiles, fixed over years so that years compare.
    Source: Gutman and Ignatov 1998, doi:10.1080/014311698215333 (dimidiate pixel model).

    Raises:
        ValueError: vegetation is not above soil.
    """
    if not vegetation > soil:
        raise ValueError(f"NDVI of full cover ({vegetation}) must be above that of bare soil ({soil})")
    return ((ndvi - np.float32(soil)) / np.float32(vegetation - soil)).clip(0, 1)
