"""Spectral indices of surface reflectance (names and formulas as in the spyndex catalogue, which cites the papers).

Every function takes DataArrays of one shape and returns one of that shape, cell by cell, so that any chunks give the
same bytes; NaN in gives NaN out. Ratios have a meaning only between reflectances that are not negative and not both
zero: elsewhere (noise over dark water) they are NaN, not +-50.
"""

import operator
from collections.abc import Sequence
from functools import reduce

import numpy as np
import xarray as xr


def normalized_difference(a: xr.DataArray, b: xr.DataArray) -> xr.DataArray:
    """(a - b) / (a + b), within -1..1; NaN where a band is negative or both are zero."""
    total = a + b
    usable = (a >= 0) & (b >= 0) & (total > 0)
    return ((a - b) / total.where(usable, 1.0)).where(usable)


def ratio(a: xr.DataArray, b: xr.DataArray) -> xr.DataArray:
    """Ratio a / b (1); NaN where a is negative or b is not above zero."""
    usable = (a >= 0) & (b > 0)
    return (a / b.where(usable, 1.0)).where(usable)


def ndvi(red: xr.DataArray, nir: xr.DataArray) -> xr.DataArray:
    """Normalized difference vegetation index, (N - R) / (N + R).

    Source: Rouse et al. 1974, NASA SP-351, 309-317.
    """
    return normalized_difference(nir, red)


def kndvi(red: xr.DataArray, nir: xr.DataArray) -> xr.DataArray:
    """Kernel NDVI, tanh(NDVI^2): the radial kernel with sigma = (N + R) / 2; 0..0.76.

    Source: Camps-Valls et al. 2021, doi:10.1126/sciadv.abc7447.
    """
    index = ndvi(red, nir)
    return xr.ufuncs.tanh(index * index)


def evi(
    blue: xr.DataArray,
    red: xr.DataArray,
    nir: xr.DataArray,
    *,
    gain: float = 2.5,
    c1: float = 6,
    c2: float = 7.5,
    canopy: float = 1,
) -> xr.DataArray:
    """Enhanced vegetation index, g (N - R) / (N + C1 R - C2 B + L).

    NaN where the denominator is not above zero (bright cells with B far above R).
    Source: Huete et al. 1997, doi:10.1016/S0034-4257(96)00112-5; constants of MOD13.
    """
    denominator = nir + c1 * red - c2 * blue + canopy
    usable = denominator > 0
    return (gain * (nir - red) / denominator.where(usable, 1.0)).where(usable)


def gndvi(green: xr.DataArray, nir: xr.DataArray) -> xr.DataArray:
    """Green NDVI, (N - G) / (N + G).

    Source: Gitelson et al. 1996, doi:10.1016/S0034-4257(96)00072-7.
    """
    return normalized_difference(nir, green)


def ndre(rededge1: xr.DataArray, nir: xr.DataArray) -> xr.DataArray:
    """Normalized difference red edge, (N - RE1) / (N + RE1) (NDREI in spyndex).

    Source: Gitelson and Merzlyak 1994, doi:10.1016/1011-1344(93)06963-4.
    """
    return normalized_difference(nir, rededge1)


def ndmi(nir: xr.DataArray, swir1: xr.DataArray) -> xr.DataArray:
    """Normalized difference moisture index, (N - S1) / (N + S1).

    Source: Jin and Sader 2005 after Wilson and Sader 2002, doi:10.1016/S0034-4257(01)00318-2.
    """
    return normalized_difference(nir, swir1)


def nbr(nir: xr.DataArray, swir2: xr.DataArray) -> xr.DataArray:
    """Normalized burn ratio, (N - S2) / (N + S2).

    Source: Key and Benson; USGS open-file report 02-11, doi:10.3133/ofr0211.
    """
    return normalized_difference(nir, swir2)


def rgi(red: xr.DataArray, green: xr.DataArray) -> xr.DataArray:
    """Red-green index, R / G (RGRI in spyndex): above 1 needles or leaves have turned.

    Source: Gamon and Surfus 1999, as in doi:10.1016/j.jag.2014.03.018.
    """
    return ratio(red, green)


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


def ndti(red: xr.DataArray, green: xr.DataArray) -> xr.DataArray:
    """Normalized difference turbidity index, (R - G) / (R + G), over water; relative.

    Source: Lacaux et al. 2007, doi:10.1016/j.rse.2006.07.012.
    """
    return normalized_difference(red, green)


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

    Source: Rikimaru et al. 2002, Tropical Ecology 43, 39-47 (BI in spyndex; SI in the literature on RSEI).
    """
    return normalized_difference(swir1 + red, nir + blue)


def ibi(green: xr.DataArray, red: xr.DataArray, nir: xr.DataArray, swir1: xr.DataArray) -> xr.DataArray:
    """Index-based built-up index, (a - b) / (a + b) with a = 2 S1 / (S1 + N) and b = N / (N + R) + G / (G + S1).

    The form on indices shifted by one (NDBI + 1, NDVI + 1, MNDWI + 1), which the literature on RSEI uses.
    Source: Xu 2008, doi:10.1080/01431160802039957.
    """
    built = 1 + normalized_difference(swir1, nir)
    other = ((1 + ndvi(red, nir)) + (1 + mndwi(green, swir1))) / 2
    return normalized_difference(built, other)


def ndbsi(
    blue: xr.DataArray, green: xr.DataArray, red: xr.DataArray, nir: xr.DataArray, swir1: xr.DataArray
) -> xr.DataArray:
    """Normalized difference built-up and soil index, (BI + IBI) / 2: the dryness of RSEI.

    Source: Xu 2013, Acta Ecologica Sinica 33, 7853-7862.
    """
    return (bi(blue, red, nir, swir1) + ibi(green, red, nir, swir1)) / 2


def fvc(ndvi: xr.DataArray, *, soil: float | xr.DataArray, vegetation: float | xr.DataArray) -> xr.DataArray:
    """Fractional vegetation cover, (NDVI - soil) / (vegetation - soil) clipped to 0..1.

    `soil` and `vegetation` are the area's 5 % and 95 % NDVI quantiles (module `fvc_ends`), fixed over years so that
    years compare: one number for the county, or one a cell where areas have ends of their own.
    Source: Gutman and Ignatov 1998, doi:10.1080/014311698215333 (dimidiate pixel model).

    Raises:
        ValueError: vegetation is not above soil.
    """
    span = vegetation - soil
    if not isinstance(span, xr.DataArray):
        if not span > 0:
            raise ValueError(f"NDVI of full cover ({vegetation}) must be above that of bare soil ({soil})")
        return ((ndvi - np.float32(soil)) / np.float32(span)).clip(0, 1)
    return ((ndvi - soil) / span.where(span > 0)).clip(0, 1)


def weighted_sum(bands: Sequence[xr.DataArray], weights: Sequence[float]) -> xr.DataArray:
    """Sum of weight x band, added in the order given: a component of a linear transformation (tasselled cap, PCA).

    Raises:
        ValueError: not as many weights as bands.
    """
    terms = [band * weight for band, weight in zip(bands, weights, strict=True)]
    return reduce(operator.add, terms)


def dnbr(before: xr.DataArray, after: xr.DataArray) -> xr.DataArray:
    """Difference of burn ratios, NBR before - NBR after (1): above 0.1 burnt, below -0.1 regrown.

    Source: Key and Benson 2006, FIREMON landscape assessment, RMRS-GTR-164-CD.
    """
    return before - after
