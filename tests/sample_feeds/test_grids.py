"""Grids and the noise of the land."""

import numpy as np
import pytest
from affine import Affine
from shapely import box, transform

from domain.registry import Registry
from sample_feeds.grids import SNAP_M, Grid, county_grid, noise, parcels
from sample_feeds.simulate import COUNTY
from sample_feeds.streams import stream

GRID = Grid(32650, Affine(100, 0, 780_000, 0, -100, 3_150_000), 60, 40)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load(COUNTY)


def test_pixel_centres_and_outline():
    assert GRID.x[:2].tolist() == [780_050, 780_150]
    assert GRID.y[:2].tolist() == [3_149_950, 3_149_850]
    assert GRID.outline.bounds == (780_000, 3_144_000, 784_000, 3_150_000)
    assert GRID.coarse(2).outline.equals(GRID.outline)
    assert GRID.coarse(2).shape == (30, 20)


@pytest.mark.parametrize("resolution", [60, 120, 300])
def test_the_county_grid_has_one_extent_at_every_resolution_and_holds_the_box(registry, resolution):
    grid = county_grid(registry, resolution)
    assert grid.outline.equals(county_grid(registry, 100).outline)
    assert all(edge % SNAP_M == 0 for edge in grid.outline.bounds)
    assert grid.outline.contains(grid.project(box(*registry.county["bbox"])))


def test_a_resolution_that_does_not_fit_is_refused(registry):
    with pytest.raises(ValueError, match="must divide 600"):
        county_grid(registry, 70)


def test_burning_and_distance_agree(registry):
    grid = county_grid(registry, 300)
    centre = (119.9, 28.4)
    there = grid.project(box(*centre, *centre).centroid)
    disc = there.buffer(3000, quad_segs=64)
    from pyproj import Transformer

    back = Transformer.from_crs(grid.epsg, 4326, always_xy=True).transform
    burned = grid.burn([transform(disc, back, interleaved=False)])
    assert np.mean(burned == grid.near([centre], 3000)) > 0.9999
    assert not grid.burn([]).any()
    assert np.isinf(grid.distance([])).all()


def test_noise_is_one_surface_at_every_resolution():
    fine = noise(stream(1, "n"), GRID, 800)
    coarse = noise(stream(1, "n"), GRID.coarse(2), 800)
    means = fine.reshape(30, 2, 20, 2).mean(axis=(1, 3))
    assert np.abs(means - coarse).max() < 0.15
    assert 0.5 < fine.std() < 1.6


def test_parcels_are_constant_within():
    values = parcels(stream(1, "p"), GRID, 500)
    assert np.unique(values[:5, :5]).size == 1
    assert np.unique(values).size == 12 * 8
