from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.standards import breakpoints, table
from processing import aqi

EDITIONS = ("HJ 633-2012", "HJ 633-2026")
COLUMNS = [("SO2", "24h"), ("SO2", "1h"), ("NO2", "24h"), ("NO2", "1h"), ("CO", "24h"), ("CO", "1h"), ("O3", "8h"),
           ("O3", "1h"), ("PM10", "24h"), ("PM2.5", "24h")]  # fmt: skip


def by_fractions(standard: str, pollutant: str, column: str, tenths: int) -> float:
    """The index of a concentration in tenths of its unit, in rational arithmetic."""
    index, edges = breakpoints(standard, pollutant, column)
    steps = [Fraction(str(x)) for x in edges]
    c = Fraction(tenths, 10)
    if c > steps[-1]:
        return float(index[-1]) if index[-1] == 500 or standard == "HJ 633-2026" else float("nan")
    k = max(1, next(i for i, edge in enumerate(steps) if c <= edge))
    exact = Fraction(int(index[k] - index[k - 1])) / (steps[k] - steps[k - 1]) * (c - steps[k - 1]) + int(index[k - 1])
    return float(-(-exact.numerator // exact.denominator))


@pytest.mark.parametrize("standard", EDITIONS)
@pytest.mark.parametrize(("pollutant", "column"), COLUMNS)
def test_every_representable_concentration_equals_rational_arithmetic(standard, pollutant, column):
    step = 1 if pollutant == "CO" else 10
    top = int(breakpoints(standard, pollutant, column)[1][-1] * 10) + 50 * step
    tenths = np.arange(0, top, step)
    got = aqi.iaqi(pollutant, column, tenths / 10, standard)
    expected = [by_fractions(standard, pollutant, column, int(t)) for t in tenths]
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("standard", EDITIONS)
@pytest.mark.parametrize(("pollutant", "column"), [*COLUMNS, ("PM10", "1h"), ("PM2.5", "1h")])
def test_every_concentration_of_one_more_figure_is_rounded_first_and_then_exact(standard, pollutant, column):
    """Tenths of ug, CO hundredths of mg: the fractions of Python round half to even, as GB/T 8170 does."""
    table_column = "24h" if pollutant.startswith("PM") else column
    finer = 100 if pollutant == "CO" else 10
    top = int(breakpoints(standard, pollutant, table_column)[1][-1] * finer) + 20
    places = aqi.decimals(pollutant)
    got = aqi.iaqi(pollutant, column, np.arange(top) / finer, standard)
    rounded = [round(Fraction(n, finer) * 10**places) * 10 // 10**places for n in range(top)]
    expected = {t: by_fractions(standard, pollutant, table_column, t) for t in set(rounded)}
    np.testing.assert_array_equal(got, [expected[t] for t in rounded])


@pytest.mark.parametrize("standard", EDITIONS)
@pytest.mark.parametrize(("pollutant", "column"), COLUMNS)
def test_every_tenth_without_rounding_is_exact_too(standard, pollutant, column):
    top = int(breakpoints(standard, pollutant, column)[1][-1] * 10) + 20
    got = aqi.iaqi(pollutant, column, np.arange(top) / 10, standard, round_input=False)
    np.testing.assert_array_equal(got, [by_fractions(standard, pollutant, column, t) for t in range(top)])


@pytest.mark.parametrize("standard", EDITIONS)
@pytest.mark.parametrize("report", [aqi.HOURLY, aqi.DAILY])
def test_every_item_of_a_report_goes_through_its_own_column(standard, report):
    for i, pollutant in enumerate(aqi.ITEMS):
        column = "24h" if pollutant.startswith("PM") else report[pollutant]
        row = np.full((1300, 6), np.nan)
        row[:, i] = np.arange(1300)
        got = aqi.aqi(row, standard, report).index
        np.testing.assert_array_equal(got, [by_fractions(standard, pollutant, column, 10 * n) for n in range(1300)])


def test_concentrations_are_rounded_once_before_the_index():
    assert aqi.iaqi("PM2.5", "24h", np.array([36.5, 60.5]), "HJ 633-2026").tolist() == [52, 100]
    assert aqi.iaqi("PM2.5", "24h", np.array([60.5]), "HJ 633-2026", round_input=False).tolist() == [101]


def test_missing_negative_and_infinite_have_no_index():
    assert np.isnan(aqi.iaqi("O3", "1h", np.array([np.nan, -1, np.inf]), "HJ 633-2026")).all()


def test_above_800_the_editions_differ():
    assert np.isnan(aqi.iaqi("SO2", "1h", np.array([801]), "HJ 633-2012"))
    assert np.isnan(aqi.iaqi("O3", "8h", np.array([801]), "HJ 633-2012"))
    assert aqi.iaqi("SO2", "1h", np.array([900]), "HJ 633-2026") == 200
    assert aqi.iaqi("O3", "8h", np.array([900]), "HJ 633-2026") == 300


ROW = np.array([[8, 22, 0.6, 160, 120, 60]])


def test_ties_are_primary_together():
    found = aqi.aqi(ROW, "HJ 633-2026", aqi.DAILY)
    assert aqi.named(found.primary)[0] == "O3,PM10,PM2.5"
    assert found.published[0] == 100
    assert aqi.category(found.published)[0] == "良"


@pytest.mark.parametrize(
    ("standard", "ozone", "published"), [("HJ 633-2026", 88, None), ("HJ 633-2026", 200, 137), ("HJ 633-2012", 88, 44)]
)
def test_a_missing_item_blocks_publishing_by_edition(standard, ozone, published):
    row = np.array([[8, 22, 0.6, ozone, 41, np.nan]])
    found = aqi.aqi(row, standard, aqi.DAILY)
    assert (None if np.isnan(found.published[0]) else found.published[0]) == published
    assert not found.primary[0].any() or ozone == 200


def test_an_item_outside_the_plan_blocks_nothing():
    row = np.array([[8, 22, 0.6, 88, 41, np.nan]])
    assert aqi.aqi(row, "HJ 633-2026", aqi.DAILY, not_monitored=["PM2.5"]).published[0] == 44


def test_a_second_mean_of_an_item_counts_when_it_is_larger():
    peak = {("O3", "1h"): np.array([300.0])}
    assert aqi.aqi(ROW, "HJ 633-2012", aqi.DAILY, also=peak).iaqi[0, 3] == 150
    assert aqi.aqi(ROW, "HJ 633-2012", aqi.DAILY, also={("O3", "1h"): np.array([np.nan])}).iaqi[0, 3] == 100


def test_nothing_measured_gives_nothing():
    found = aqi.aqi(np.full((1, 6), np.nan), "HJ 633-2026", aqi.HOURLY)
    assert np.isnan(found.index[0])
    assert not found.primary.any()
    assert aqi.category(found.index)[0] == ""


def test_categories_meet_at_their_edges():
    edges = table("air_aqi_categories")
    both = np.concatenate([edges["aqi_low"], edges["aqi_high"]])
    assert aqi.category(both).tolist() == edges["category_cn"].tolist() * 2


@st.composite
def ozone_days(draw):
    hours = draw(st.lists(st.one_of(st.none(), st.integers(0, 300)), min_size=24, max_size=24))
    return [np.nan if h is None else float(h) for h in hours]


@given(ozone_days())
@settings(max_examples=300)
def test_the_daily_maximum_equals_counting_by_hand(hours):
    means = []
    for end in range(8, 25):
        window = [Fraction(int(h)) for h in hours[end - 8 : end] if h == h]
        if len(window) >= 6:
            means.append(sum(window) / len(window))
    best = round(max(means)) if means else None  # Fraction rounds half to even
    counts = best is not None and (len(means) >= 14 or best > 160)
    found = aqi.mda8(np.array([hours]), 160.0)
    assert found.windows[0] == len(means)
    assert (None if np.isnan(found.value[0]) else found.value[0]) == (best if counts else None)


def test_a_window_ends_at_eight_at_the_earliest():
    hours = np.full((1, 24), 10.0)
    hours[0, :7] = 400
    assert aqi.mda8(hours, 160.0).value[0] == round((7 * 400 + 10) / 8)
    assert aqi.mda8(hours, 160.0, first_end=14, min_windows=11).value[0] == round((400 + 7 * 10) / 8)
