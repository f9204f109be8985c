"""What reflectance says of the water itself: turbidity, suspended matter, chlorophyll-a, coloured matter, black water.

Reflectances here are water-leaving reflectance rho = pi Rrs (1); L2A surface reflectance stands in for it and is weak
over water (adjacency, glint), so every number is relative until it was fitted to local stations (`calibration`).
Coefficients come from imagery_coefficients.csv. NaN in gives NaN out. Ratios need reflectances that are not negative;
the models of turbid water take noise around zero as it is, so that means over cells are not biased.
"""

from collections.abc import Mapping

import xarray as xr

from processing.imagery.indices import normalized_difference

Coefficients = Mapping[str, float]


def saturating(rho: xr.DataArray, scale: float, limit: float, *, lowest: float = 0.0) -> xr.DataArray:
    """A rho / (1 - rho / C): the one-band model of turbid water; NaN outside lowest <= rho < C.

    Source: Nechad et al. 2009 and 2010, doi:10.1016/j.rse.2009.11.022.

    Args:
        rho: water-leaving reflectance pi Rrs, 1.
        scale: A, in the unit of the result.
        limit: C, the reflectance at which the model has no answer, 1.
        lowest: what still is noise around zero and no failed correction, 1.
    """
    usable = (rho >= lowest) & (rho < limit)
    return (scale * rho / (1 - rho.where(usable, 0) / limit)).where(usable)


def turbidity(red: xr.DataArray, nir: xr.DataArray, *, coefficients: Coefficients) -> xr.DataArray:
    """Turbidity (FNU): the red band where the water is clear, the near infrared where it is turbid, a blend between.

    T = (1 - w) T(red) + w T(nir), w = (rho_red - blend_low) / (blend_high - blend_low) clipped to 0..1; the two bands
    have coefficients of their own, and the switch is on rho = pi Rrs of the red band. Where only one branch counts the
    other may be missing.

    Source: Dogliotti et al. 2015, doi:10.1016/j.rse.2014.09.020.

    Args:
        red: rho at 645 to 665 nm, 1.
        nir: rho at 859 to 865 nm (B8A of Sentinel-2, B5 of Landsat 8), 1.
        coefficients: red_A, red_C, nir_A, nir_C, rho_min, blend_low, blend_high.
    """
    c = coefficients
    low = saturating(red, c["red_A"], c["red_C"], lowest=c["rho_min"])
    high = saturating(nir, c["nir_A"], c["nir_C"], lowest=c["rho_min"])
    weight = (red - c["blend_low"]) / (c["blend_high"] - c["blend_low"])
    blend = (1 - weight) * low + weight * high
    # Beyond red_C the red branch has no answer, but there only the near infrared counts.
    return blend.where(weight > 0, low).where(weight < 1, high.where(red.notnull()))


def suspended_matter(red: xr.DataArray, *, coefficients: Coefficients) -> xr.DataArray:
    """Suspended particulate matter (mg/L): A rho / (1 - rho / C) at 665 nm.

    Source: Nechad et al. 2010, doi:10.1016/j.rse.2009.11.022.
    """
    return saturating(red, coefficients["A"], coefficients["C"], lowest=coefficients["rho_min"])


def chlorophyll(red: xr.DataArray, rededge1: xr.DataArray, *, coefficients: Coefficients) -> xr.DataArray:
    """Chlorophyll-a (mg/m3): a0 + a1 NDCI + a2 NDCI^2, calibrated by its authors for 1 to 60 mg/m3.

    Left of its turning point (NDCI below -a1 / (2 a2)) the parabola would rise again with less chlorophyll: there it
    stays at its lowest value.

    Source: Mishra and Mishra 2012, doi:10.1016/j.rse.2011.10.016.
    """
    c = coefficients
    index = normalized_difference(rededge1, red).clip(min=-c["a1"] / (2 * c["a2"]))
    return c["a0"] + c["a1"] * index + c["a2"] * (index * index)


def cdom(green: xr.DataArray, red: xr.DataArray, *, coefficients: Coefficients) -> xr.DataArray:
    """Coloured dissolved organic matter (mg/L by its authors): a exp(-b G / R); weak over inland water.

    Source: public Sentinel-2 water scripts; the paper behind the coefficients was not confirmed.
    """
    usable = (green >= 0) & (red > 0)
    return (coefficients["a"] * xr.ufuncs.exp(-coefficients["b"] * green / red.where(usable, 1.0))).where(usable)


def ndbwi(green: xr.DataArray, red: xr.DataArray) -> xr.DataArray:
    """Normalized difference black-odorous water index, (G - R) / (G + R): near zero in black water.

    Source: ratio method on GF-2, Nanjing (oalib 5873049; NGRDI in spyndex).
    """
    return normalized_difference(green, red)


def dbwi(green: xr.DataArray, red: xr.DataArray) -> xr.DataArray:
    """Difference black-odorous water index, G - R (1): small in black water.

    Source: GF-2 in Hebei, R2 0.58 with ammonia nitrogen (geores 78303).
    """
    return (green - red).where((green >= 0) & (red >= 0))


def boi(blue: xr.DataArray, green: xr.DataArray, red: xr.DataArray) -> xr.DataArray:
    """Black and odorous index, (G - R) / (B + G + R): small in black water.

    Source: GF-2 in Hebei, R2 0.60 with ammonia nitrogen (geores 78303).
    """
    total = blue + green + red
    usable = (blue >= 0) & (green >= 0) & (red >= 0) & (total > 0)
    return ((green - red) / total.where(usable, 1.0)).where(usable)
