import numpy as np
import pandas as pd
import pytest

from processing.indicators import air
from processing.indicators.air import air_aqi, daily_means, ozone_mda8
from tests.processing.observed import local, observed, series, stations

CLEAN = {"SO2": 8, "NO2": 22, "CO": 0.6, "O3": 90, "PM10": 60, "PM2.5": 30}
PLACE = stations(station_id="a", medium="air", zone="2")


def a_day(start="2026-08-18 00:00", n=24, **levels):
    return [
        series("a", p, [v] * n, start) for p, v in (CLEAN | {k.replace("_", "."): x for k, x in levels.items()}).items()
    ]


def row(frame, period, time, indicator="air.aqi"):
    found = frame[(frame["indicator"] == indicator) & (frame["period"] == period) & (frame["time"] == local(time))]
    assert len(found) == 1
    return found.iloc[0]


def test_an_hour_takes_particles_through_the_daily_column():
    got = row(air_aqi(observed(*a_day(PM2_5=90)), PLACE), "PT1H", "2026-08-18 05:00")
    assert (got["value"], got["grade"], got["detail"], got["edition"]) == (128, "轻度污染", "PM2.5", "HJ 633-2026")
    assert (got["n_valid"], got["n_expected"], got["flag"]) == (6, 6, 1)


def test_the_edition_is_that_of_the_shanghai_day():
    rows = [series("a", p, [v] * 2, "2026-02-28 23:00") for p, v in (CLEAN | {"PM2.5": 60}).items()]
    got = air_aqi(observed(*rows), PLACE)
    before, after = row(got, "PT1H", "2026-02-28 23:00"), row(got, "PT1H", "2026-03-01 00:00")
    assert (before["value"], before["edition"]) == (82, "HJ 633-2012")
    assert (after["value"], after["edition"]) == (100, "HJ 633-2026")


def test_a_missing_item_is_named_and_blocks_a_clean_hour():
    rows = a_day(n=1)
    rows[4]["flag"] = 4
    got = row(air_aqi(observed(*rows), PLACE), "PT1H", "2026-08-18 00:00")
    assert np.isnan(got["value"])
    assert (got["detail"], got["flag"], got["n_valid"]) == ("missing: PM10", 9, 5)


def test_a_suspect_value_is_used_and_said():
    rows = a_day(n=1)
    rows[4]["flag"] = 3
    got = row(air_aqi(observed(*rows), PLACE), "PT1H", "2026-08-18 00:00")
    assert (got["value"], got["flag"]) == (58, 3)


def test_a_day_takes_the_maximum_eight_hours_of_ozone():
    rows = a_day(O3=170)
    got = air_aqi(observed(*rows), PLACE)
    assert row(got, "P1D", "2026-08-18 00:00")["value"] == 110
    assert row(got, "P1D", "2026-08-18 00:00")["detail"] == "O3"


def test_until_2026_a_day_also_takes_the_largest_hour_of_ozone():
    ozone = [60.0] * 24
    ozone[15] = 210.0
    rows = [series("a", p, ozone if p == "O3" else [v] * 24, "2025-07-01 00:00") for p, v in CLEAN.items()]
    got = row(air_aqi(observed(*rows), PLACE), "P1D", "2025-07-01 00:00")
    assert (got["value"], got["detail"], got["edition"]) == (105, "O3", "HJ 633-2012")


@pytest.mark.parametrize(("hours", "expected"), [(20, 10), (19, None)])
def test_a_daily_mean_needs_twenty_hours(hours, expected):
    values = [10.0, 11.0] * 12
    got = daily_means(observed(series("a", "PM10", values[:hours])), PLACE).iloc[0]
    assert (None if np.isnan(got["value"]) else got["value"]) == expected
    assert (got["n_valid"], got["n_expected"], got["indicator"], got["unit"]) == (hours, 24, "air.PM10", "ug/m3")
    assert got["detail"] == ("" if expected else "fewer than 20 hours")


def test_means_are_exact_and_rounded_half_even():
    got = daily_means(observed(series("a", "CO", [0.6, 0.7] * 12), series("a", "SO2", [11, 12] * 12)), PLACE)
    assert got.set_index("indicator")["value"].to_dict() == {"air.CO": 0.6, "air.SO2": 12}
    assert set(got["edition"]) == {"GB 3095-2026 transition"}


def test_an_incomplete_ozone_day_counts_when_it_exceeds_the_limit_of_the_zone():
    values = [np.nan] * 12 + [150.0] * 8 + [np.nan] * 4
    got = ozone_mda8(observed(series("a", "O3", values)), PLACE).iloc[0]
    assert np.isnan(got["value"])
    assert got["detail"] == "too few valid 8 h means; unconfirmed: range of windows"
    strict = ozone_mda8(observed(series("a", "O3", values)), stations(station_id="a", zone="1")).iloc[0]
    assert (strict["value"], strict["n_valid"], strict["n_expected"]) == (150, 5, 17)


def test_a_day_begins_at_midnight_in_shanghai():
    rows = series("a", "PM10", [10.0] * 48, "2026-08-17 12:00")
    got = daily_means(observed(rows), PLACE)
    assert got["n_valid"].tolist() == [12, 24, 12]
    assert got["time"].tolist() == [local(f"2026-08-{d} 00:00") for d in (17, 18, 19)]


def test_nothing_observed_gives_nothing():
    empty = observed(series("a", "PM10", []))
    for function in (air_aqi, daily_means, ozone_mda8):
        assert len(function(empty, PLACE)) == 0
    assert isinstance(air_aqi(empty, PLACE), pd.DataFrame)


def test_the_profile_of_the_hour_is_a_matter_of_the_table(monkeypatch):
    rows = a_day("2020-01-01 00:00", O3=170)
    assert row(air_aqi(observed(*rows), PLACE), "PT1H", "2020-01-01 20:00")["value"] == 63
    known = air.editions
    monkeypatch.setattr(
        air,
        "editions",
        lambda subject, days: (
            np.full(len(days), "HJ 633-2012 text") if subject == "hourly aqi" else known(subject, days)
        ),
    )
    got = row(air_aqi(observed(*rows), PLACE), "PT1H", "2020-01-01 20:00")
    assert (got["value"], got["edition"]) == (110, "HJ 633-2012")
