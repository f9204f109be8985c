"""A station's series: gaps name their reason, limits come from the date, the address is read carefully."""

from datetime import timedelta

import pandas as pd
import pytest

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
