"""Rain of past years: a plausible year of Lishui, day by day."""

from datetime import date

import numpy as np
from affine import Affine

from sample_feeds.grids import Grid
from sample_feeds.rain_years import field, rain_of

SEED = 20260818


def test_every_day_of_a_year_once_and_the_same_again():
    days = list(rain_of(2024, SEED))
    assert [d for d, _ in days] == [date.fromordinal(date(2024, 1, 1).toordinal() + n) for n in range(366)]
    assert days == list(rain_of(2024, SEED))
    assert days != list(rain_of(2024, SEED + 1))


def test_years_are_plausible_for_the_south_of_zhejiang():
    years = [np.array([mm for _, mm in rain_of(year, SEED)]) for year in range(2005, 2025)]
    assert 1350 < np.mean([y.sum() for y in years]) < 1750
    assert all(900 < y.sum() < 2500 for y in years)
    assert 120 < np.mean([(y > 0).sum() for y in years]) < 190
    assert 2 < np.mean([(y >= 50).sum() for y in years]) < 9
    june = np.mean([y[151:181].sum() for y in years])
    december = np.mean([y[334:].sum() for y in years])
    assert june > 3 * december


def test_a_field_keeps_the_mean_of_the_day_and_no_rain_is_none():
    grid = Grid(4326, Affine(0.05, 0, 119.4, 0, -0.05, 28.8), 17, 17)
    heights = np.full(grid.shape, 480.0)
    assert not field(date(2025, 1, 1), 0.0, grid, heights, SEED).any()
    means = [field(date(2025, 6, d), 20.0, grid, heights, SEED).mean() for d in range(1, 29)]
    assert abs(np.mean(means) - 20) < 2
    uphill = field(date(2025, 6, 1), 20.0, grid, heights + 800, SEED)
    assert (uphill > field(date(2025, 6, 1), 20.0, grid, heights, SEED)).all()
