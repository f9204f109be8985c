import numpy as np
import pytest

from processing.air_statistics import attainment_rate, longest_run, percentile, spearman_trend, warning_tier


def test_percentiles_leave_missing_days_out():
    assert percentile(np.array([40, np.nan, 10, 30, 20]), 95) == 38.5
    assert percentile(np.array([7]), 95) == 7
    assert np.isnan(percentile(np.array([np.nan]), 95))


def test_no_valid_day_has_no_rate():
    assert np.isnan(attainment_rate(0, 0))


def test_a_steady_fall_has_the_rank_correlation_minus_one():
    assert spearman_trend(np.array([42, 40, 37, 33, 30])) == -1


@pytest.mark.parametrize(
    ("forecast", "tier"),
    [
        ([205, 310, 220], "红色"),
        ([205, 210], "橙色"),
        ([160, 160, 160], "橙色"),
        ([160, 160], "黄色"),
        ([310], "黄色"),
        ([150] * 9, "无"),
    ],
)
def test_the_highest_tier_reached(forecast, tier):
    assert warning_tier(np.array(forecast)) == tier


def test_runs_do_not_add_up():
    assert longest_run(np.array([1, 1, 0, 1, 1, 1, 0], dtype=bool)) == 3
    assert longest_run(np.zeros(0, dtype=bool)) == 0
