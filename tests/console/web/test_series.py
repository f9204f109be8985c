"""A station's series: gaps name their reason, limits come from the date, the address is read carefully."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.web import series
from console.web.series import SeriesAsked
from tests.console.web.conftest import HOSTILE, NOW

ASKED = SeriesAsked("air-1", "PM2.5", "PT1H", NOW - timedelta(days=2), NOW)


def test_gaps_name_their_reason(site):
    rows = series.station_rows(site, ASKED)
    (gap,) = series.gaps(site, rows, ASKED)
    assert (gap.end - gap.start) == pd.Timedelta(hours=3)
    assert gap.reason == "failed"


def test_a_station_that_alone_was_silent(site):
    rows = series.station_rows(site, ASKED)
    rows = rows[rows["time"] < pd.Timestamp(NOW - timedelta(hours=5))]
    assert series.gaps(site, rows, ASKED)[-1].reason == "silent"


def test_a_feed_that_was_never_asked(site):
    later = SeriesAsked("air-1", "PM2.5", "PT1H", NOW - timedelta(days=2), NOW + timedelta(days=3))
    rows = series.station_rows(site, later).assign(feed="nowhere")
    assert series.gaps(site, rows, later)[-1].reason == "never_asked"


def test_a_series_without_values_has_no_gaps(site):
    rows = series.station_rows(site, ASKED)
    assert series.gaps(site, rows.head(0), ASKED) == []
    assert series.station_rows(site, SeriesAsked("nowhere", "", "", NOW, NOW)).empty


def test_the_limit_is_that_of_the_day(site):
    (first, last) = series.limit_line(site, SeriesAsked("water-3", "NH3N", "PT4H", NOW - timedelta(days=9), NOW))
    assert first[1] == last[1] == 1.0, "GB 3838-2002 table 1, class III"
    assert series.limit_line(site, ASKED) == [], "GB 3095 has no hourly limit of PM2.5"


@pytest.mark.parametrize("text", [*HOSTILE, "9999-12-31", "0001-01-01", ""])
def test_an_address_is_read_carefully(text):
    asked = SeriesAsked.of({"from": text, "to": text, "station": text, "parameter": text, "period": text}, NOW)
    assert timedelta(0) < asked.end - asked.start <= timedelta(days=3660)


def test_the_calendar_has_the_colours_of_the_grades(site):
    assert series.calendar(site, "nowhere", NOW).empty
    assert series.calendar(site, "air-1", NOW).empty, "there is no daily value"


@st.composite
def one_series(draw):
    n = draw(st.integers(1, 400))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    hours = np.sort(rng.choice(5000, n, replace=False))
    value = np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n).round(2))
    times = pd.Timestamp(NOW) + pd.to_timedelta(hours, "h")
    return pd.DataFrame({"time": times, "value": value, "flag": rng.choice([1, 2, 3, 4], n)})


@given(one_series(), st.integers(1, 60))
@settings(max_examples=60)
def test_thinning_keeps_extremes_ends_and_gaps(rows, stretches):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(series, "_STRETCHES", stretches)
        drawn = series.thinned(rows, most=50)
    if len(rows) <= 50:
        assert drawn is rows
        return
    assert len(drawn) <= 3 * 4 * stretches
    seen = rows[rows["value"].notna()]
    pd.testing.assert_frame_equal(drawn, rows.loc[drawn.index], obj="nothing is made up")
    assert drawn["time"].is_monotonic_increasing
    for flags in ([1, 2], [3], [4]):
        every, kept = (f.loc[f["flag"].isin(flags), ["time", "value"]] for f in (seen, drawn))
        for column in ("time", "value"):
            assert every[column].agg(["min", "max"]).equals(kept[column].agg(["min", "max"]))
    longest = (seen["time"].iloc[-1] - seen["time"].iloc[0]) / stretches
    gap = seen["time"].diff()
    for n in np.flatnonzero((gap > longest + pd.Timedelta(1, "us")).to_numpy()):  # both edges of a long gap stay
        assert {seen.index[n - 1], seen.index[n]} <= set(drawn.index)


def test_of_values_that_are_all_missing_nothing_is_drawn():
    times = pd.date_range(NOW, periods=60, freq="h")
    assert series.thinned(pd.DataFrame({"time": times, "value": np.nan, "flag": 9}), most=50).empty


def test_ten_years_of_gaps_are_told_as_one_by_one(site):
    rows = series.station_rows(site, ASKED)
    coverage = site.home.coverage.read("ground_hj212", ASKED.start, ASKED.end)
    for gap in series.gaps(site, rows.iloc[::3], ASKED):
        mine = coverage[(coverage["end"] > gap.start) & (coverage["start"] < gap.end)]
        failed = (mine["state"] == "failed").mean() > 0.5
        assert gap.reason == ("failed" if failed else "silent" if len(mine) else "never_asked")
