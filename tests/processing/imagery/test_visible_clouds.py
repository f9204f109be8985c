"""Clouds and shadows by brightness alone: what is drawn is found, what only looks like it in part is kept."""

import os
from pathlib import Path

import numpy as np
import pytest
import rasterio

from processing.imagery.tables import thresholds
from processing.imagery.visible_clouds import CLOUD, OUTSIDE, SEEN, SHADOW, classes, shaded

LIMITS = thresholds()
SIDE = 120
SHARED = Path(os.environ.get("SANYAN_SHARED", Path(__file__).resolve().parents[3] / ".." / "shared")) / "data"


def land(rng=0):
    """Forest with fields: reflectances at the top of the atmosphere."""
    noise = np.random.default_rng(rng).normal(0, 0.004, (4, SIDE, SIDE))
    means = {"blue": 0.09, "green": 0.08, "red": 0.06, "nir": 0.30}
    return {band: (mean + part).astype(np.float32) for (band, mean), part in zip(means.items(), noise, strict=True)}


def found(bands, **changes):
    told = {"resolution": 60.0, "sun_elevation": 45.0, "sun_azimuth": 135.0} | changes
    return classes(bands, limits=LIMITS, **told)


def paint(bands, where, **values):
    for band, value in values.items():
        bands[band][where] = value


WHITE = {"blue": 0.5, "green": 0.48, "red": 0.49, "nir": 0.55}
HAZE = {"blue": 0.2, "green": 0.17, "red": 0.15, "nir": 0.3}
DARK = {"blue": 0.06, "green": 0.04, "red": 0.03, "nir": 0.1}


def test_an_undisturbed_image_is_seen_whole():
    bands = land()
    bands["red"][0, 0] = np.nan
    codes = found(bands)
    assert codes[0, 0] == OUTSIDE
    assert (codes == SEEN).sum() == SIDE**2 - 1


def test_a_cloud_its_rim_and_its_shadow_away_from_the_sun():
    bands = land()
    paint(bands, np.s_[38:52, 68:82], **HAZE)
    paint(bands, np.s_[40:50, 70:80], **WHITE)
    # The sun stands in the southeast at 45 degrees; a cloud at 1,200 m throws its shadow 20 cells to the northwest.
    shadow = np.s_[40 - 14 : 50 - 14, 70 - 14 : 80 - 14]
    paint(bands, shadow, **DARK)
    lake = np.s_[90:100, 20:30]
    paint(bands, lake, **DARK)
    codes = found(bands)
    assert (codes[38:52, 68:82] == CLOUD).all()
    assert (codes[shadow] == SHADOW).all()
    assert (codes[lake] == SEEN).all(), "dark, but no cloud is on the side of the sun"
    assert (codes != SEEN).sum() == 14 * 14 + 100
    other = found(bands, sun_azimuth=225.0)  # the shadow would lie in the northeast
    assert (other[shadow] == SEEN).all()
    anywhere = found(bands, sun_azimuth=float("nan"))
    assert (anywhere[shadow] == SHADOW).all()
    assert (found(bands, sun_elevation=float("nan")) != SHADOW).all()


@pytest.mark.parametrize(
    ("where", "look"),
    [
        (np.s_[40:41, 70:72], WHITE),  # a roof
        (np.s_[40:60, 70:90], {"blue": 0.12, "green": 0.2, "red": 0.3, "nir": 0.4}),  # bare red soil, bright
        (np.s_[40:60, 70:90], HAZE),  # haze without a cloud in it
    ],
)
def test_what_is_bright_in_part_is_no_cloud(where, look):
    bands = land()
    paint(bands, where, **look)
    assert (found(bands) == SEEN).all()


@pytest.mark.parametrize("azimuth", [0.0, 77.0, 135.0, 200.0, 291.0])
@pytest.mark.parametrize("reach", [0.4, 1, 7, 33.3])
def test_the_way_of_a_shadow_has_no_gap(azimuth, reach):
    """Every whole step along the way is covered, and nothing farther than rounding from the way is."""
    cloud = np.zeros((SIDE, SIDE), dtype=bool)
    cloud[60, 60] = True
    way = shaded(cloud, reach, azimuth)
    away = np.radians(azimuth + 180)
    steps = np.arange(0, np.ceil(reach) + 1)
    points = np.stack([60 - steps * np.cos(away), 60 + steps * np.sin(away)], axis=1)
    for row, column in points:
        assert way[round(row), round(column)]
    for cell in np.argwhere(way):
        assert np.hypot(*(points - cell).T).min() <= 6


def test_the_clouds_of_a_real_scene_are_those_of_its_producer():
    """Sentinel-2 over bright desert, the four bands alone, against Sen2Cor's classes from thirteen."""
    folder = SHARED / "sentinel2_l2a_29RKH"
    if not folder.is_dir():
        pytest.skip("real data 'sentinel2_l2a_29RKH' are not at hand; set SANYAN_SHARED to the folder that has data/")
    bands = {}
    for band, name in (("blue", "B02"), ("green", "B03"), ("red", "B04"), ("nir", "B08")):
        with rasterio.open(folder / f"{name}.tif") as file:
            numbers = file.read(1).astype(np.float32)
        bands[band] = np.where(numbers == 0, np.nan, numbers / 1e4)
    with rasterio.open(folder / "SCL.tif") as file:
        theirs = np.repeat(np.repeat(file.read(1), 2, axis=0), 2, axis=1)
    codes = found(bands, resolution=100.0, sun_elevation=48.3, sun_azimuth=147.7)
    sure, bare = theirs == 9, theirs == 5
    assert sure.sum() > 3000
    assert (codes[sure] == CLOUD).mean() > 0.94
    assert (codes[bare] == CLOUD).mean() < 0.0005
    assert (codes[bare] == SHADOW).mean() < 0.005


def test_an_image_of_nothing_but_cloud():
    bands = land()
    paint(bands, np.s_[:, :], **WHITE)
    assert (found(bands) == CLOUD).all()
