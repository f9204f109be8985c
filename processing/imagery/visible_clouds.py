"""Clouds and their shadows where blue, green, red and near infrared are all there is (GF-1, GF-6).

Bright white is cloud, also where it is a roof of some hectares or a salt pan; dark ground in the direction away from
the sun is shadow, also where it is water. What is lost so is missing; nothing is added.
"""

import math
from collections.abc import Mapping

import numpy as np
from scipy import ndimage

#: What a cell is: outside the image, seen, cloud, shadow.
OUTSIDE, SEEN, CLOUD, SHADOW = 0, 1, 2, 3
#: How far rounding may put the way of a shadow beside it, cells.
_ASIDE = 2
_AROUND = np.ones((3, 3), dtype=bool)


def classes(
    bands: Mapping[str, np.ndarray],
    *,
    resolution: float,
    sun_elevation: float,
    sun_azimuth: float,
    limits: Mapping[str, float],
) -> np.ndarray:
    """What each cell is, (y, x) uint8.

    Args:
        bands: blue, green, red, nir: reflectance (1) of one shape, rows from north to south, NaN outside the image.
        resolution: side of a cell, m.
        sun_elevation: degrees above the horizon; NaN where it is not known: then there is no shadow to look for.
        sun_azimuth: degrees from north, clockwise; NaN where it is not known: then shadows may lie on any side.
        limits: hot_cloud, hot_rim, cloud_whiteness_min, cloud_area_min_ha, cloud_height_max_m, shadow_nir_share of the
            imagery thresholds.
    """
    seen = np.logical_and.reduce([np.isfinite(b) for b in bands.values()])
    cloud = clouds(bands["blue"], bands["green"], bands["red"], resolution=resolution, limits=limits) & seen
    out = np.where(seen, SEEN, OUTSIDE).astype(np.uint8)
    out[cloud] = CLOUD
    lit = seen & ~cloud
    if cloud.any() and lit.any() and sun_elevation > 0:
        reach = limits["cloud_height_max_m"] / math.tan(math.radians(sun_elevation)) / resolution
        dark = bands["nir"] < limits["shadow_nir_share"] * np.median(bands["nir"][lit])
        out[lit & dark & shaded(cloud, reach, sun_azimuth)] = SHADOW
    return out


def clouds(
    blue: np.ndarray, green: np.ndarray, red: np.ndarray, *, resolution: float, limits: Mapping[str, float]
) -> np.ndarray:
    """Where there is cloud, (y, x) bool: bright and white enough over some area, with its hazy rim.

    Haze-optimized transform B - R/2 (Zhang et al. 2002, doi:10.1016/S0034-4257(02)00034-2, as in Zhu and Woodcock
    2012, doi:10.1016/j.rse.2011.10.028) and ratio of the least to the greatest visible band (Li et al. 2017,
    doi:10.1016/j.rse.2017.01.026); limits are start values.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        hot = blue - 0.5 * red
        low, high = np.minimum(np.minimum(blue, green), red), np.maximum(np.maximum(blue, green), red)
        core = (hot > limits["hot_cloud"]) & (low > limits["cloud_whiteness_min"] * high)
        rim = hot > limits["hot_rim"]
    number, n = ndimage.label(core, _AROUND)
    large = np.bincount(number.ravel(), minlength=n + 1) * resolution**2 / 1e4 >= limits["cloud_area_min_ha"]
    large[0] = False
    return np.asarray(ndimage.binary_propagation(large[number], _AROUND, mask=rim | large[number]))


def shaded(cloud: np.ndarray, reach: float, sun_azimuth: float) -> np.ndarray:
    """Where the shadow of a cloud may lie, (y, x) bool: up to `reach` cells from it, away from the sun."""
    if math.isnan(sun_azimuth):
        return np.asarray(ndimage.distance_transform_edt(~cloud) <= reach)
    away = math.radians(sun_azimuth + 180)
    down, right = -math.cos(away), math.sin(away)
    out, done, steps = cloud.copy(), 0, math.ceil(reach)
    while done < steps:  # each round doubles the way
        step = min(done + 1, steps - done)
        out |= _moved(out, round(step * down), round(step * right))
        done += step
    return np.asarray(ndimage.binary_dilation(out, _AROUND, iterations=_ASIDE))


def _moved(cells: np.ndarray, down: int, right: int) -> np.ndarray:
    out = np.zeros_like(cells)
    height, width = cells.shape
    to = np.s_[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)]
    of = np.s_[max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)]
    if abs(down) < height and abs(right) < width:
        out[to] = cells[of]
    return out
