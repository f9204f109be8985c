from datetime import date
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing import air_statistics as rules
from processing import water_indices, water_rows
from processing.indicators.air_county import counties
from processing.indicators.air_trend import trends
from processing.period_run import year_rows
from processing.periods import exact_mean, exact_percentile, ranks, spans_of
from tests.processing.observed import local, observed, series, stations

numbers = st.lists(st.one_of(st.none(), st.integers(0, 9999)), min_size=1, max_size=40)


def given_as(values):
    return np.array([[np.nan if v is None else v / 10 for v in values]])


@given(numbers, st.integers(0, 2))
def test_means_are_exact(values, decimals):
    there = [Fraction(v, 10) for v in values if v is not None]
    got = exact_mean(given_as(values), decimals)[0]
    if not there:
        assert np.isnan(got)
    else:
        assert got == float(round(sum(there) / len(there), decimals))


@given(numbers, st.sampled_from([50, 90, 95, 98]), st.integers(0, 2))
def test_percentiles_are_exact(values, p, decimals):
    there = sorted(Fraction(v, 10) for v in values if v is not None)
    got = exact_percentile(given_as(values), p, decimals)[0]
    if not there:
        assert np.isnan(got)
        return
    k = 1 + (len(there) - 1) * Fraction(p, 100)
    low = there[int(k) - 1]
    high = there[min(int(k), len(there) - 1)]
    assert got == float(round(low + (high - low) * (k - int(k)), decimals))


def test_spans_cover_the_year():
    spans = spans_of(2024)
    assert [s.days for s in spans] == [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 91, 91, 92, 92, 366]
    assert spans[16].first == (date(2024, 1, 1) - date(1970, 1, 1)).days


def test_equal_values_share_a_rank():
    assert ranks(np.array([3.1, 2.0, np.nan, 3.1, 9.0]))[[0, 1, 3, 4]].tolist() == [2, 1, 2, 4]
    assert np.isnan(ranks(np.array([np.nan]))).all()


@pytest.mark.parametrize(("month", "days", "valid"), [(0, 27, True), (0, 26, False), (1, 25, True), (1, 24, False)])
def test_enough_days_of_a_month(month, days, valid):
    counts = np.full((1, 12), 30)
    counts[0, month] = days
    found = rules.enough_days(counts)[0]
    assert found[month] == valid
    assert found[12] == valid
    assert found[16] == valid


def test_a_year_needs_324_days_beside_its_months():
    assert not rules.enough_days(np.array([[27, 25] + [27] * 10]))[0, 16]
    assert rules.enough_days(np.array([[27, 25] + [27] * 9 + [29]]))[0, 16] == (27 * 10 + 25 + 29 >= 324)


def year_of(levels, year=2025, subject="a0", n=365):
    times = pd.date_range(f"{year}-01-01", periods=n, freq="D", tz="Asia/Shanghai").tz_convert("UTC").as_unit("us")
    return pd.concat(
        [
            pd.DataFrame({"indicator": k, "subject": subject, "time": times, "period": "P1D", "flag": 1, "value": v})
            for k, v in levels.items()
        ],
        ignore_index=True,
    )


LEVELS = {"air.SO2": 8.0, "air.NO2": 30.0, "air.CO": 0.7, "air.O3_mda8": 120.0, "air.PM10": 60.0, "air.PM2.5": 33.0,
          "air.aqi": 60.0}  # fmt: skip
PLACE = stations(station_id="a0", medium="air", zone="2")


def value(rows, indicator, period="P1Y"):
    found = rows[(rows["indicator"] == indicator) & (rows["period"] == period)]
    return found.iloc[-1]


def test_the_edition_of_a_year_decides_decimals_limits_and_index():
    old, new = (year_rows(year_of(LEVELS | {"air.PM2.5": 33.26}, y), y, "air", PLACE) for y in (2025, 2027))
    assert value(old, "air.PM2.5_mean")["value"] == 33
    assert value(new, "air.PM2.5_mean")["value"] == 33.3
    assert value(old, "air.attainment")["grade"] == "达标"
    assert (value(new, "air.attainment")["grade"], value(new, "air.attainment")["detail"][:12]) == (
        "未达标",
        "above: PM2.5",
    )
    index = 8 / 60 + 30 / 40 + 0.7 / 4 + 120 / 160 + 60 / 70 + 33 / 35
    assert value(old, "air.composite_index")["value"] == round(index, 2)
    assert "unconfirmed" in value(new, "air.PM2.5_mean")["detail"]


def test_exceedance_goes_by_the_limit_of_each_day():
    rows = year_rows(year_of(LEVELS | {"air.PM2.5": 70.0}, 2026), 2026, "air", PLACE)
    months = rows[(rows["indicator"] == "air.PM2.5_exceed_days") & (rows["period"] == "P1M")]["value"]
    assert months.tolist() == [0, 0, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    last = value(rows, "air.PM2.5_exceed_days")
    assert last["detail"].startswith("max multiple 0.17 on 2026-03-01")


def test_a_trend_needs_five_years_and_names_its_significance():
    rows = pd.concat(
        [year_rows(year_of(LEVELS | {"air.PM2.5": 40.0 - y}, 2018 + y), 2018 + y, "air", PLACE) for y in range(6)]
    )
    got = trends(rows, PLACE)
    mine = got[got["indicator"] == "air.PM2.5_trend"]
    assert mine["time"].tolist() == [local("2022-01-01"), local("2023-01-01")]
    assert mine["value"].tolist() == [-1, -1]
    assert set(mine["grade"]) == {"下降"}


@pytest.mark.parametrize(
    ("index", "tier"),
    [([201], 1), ([160, 160], 1), ([160, np.nan, 160], 0), ([210, 210], 2), ([160, 160, 160], 2),
     ([210, 310, 210], 3), ([210, 210, 210], 2), ([150, 150], 0)],
)  # fmt: skip
def test_warning_tiers_look_back_over_the_days_of_the_rule(index, tier):
    assert rules.warning_tiers(np.array([index], dtype=float), "2024 national")[0, -1] == tier


@given(st.lists(st.one_of(st.none(), st.integers(100, 400)), min_size=1, max_size=4))
def test_the_tier_of_a_series_is_that_of_the_one_by_one_rule(values):
    x = np.array([[np.nan if v is None else float(v) for v in values]])
    names = ["无", *rules.tiers("2024 national")]
    assert names[rules.warning_tiers(x, "2024 national").max()] == rules.warning_tier(x[0])


KINDS = {"a": "urban", "b": "urban", "c": "urban", "d": "urban", "e": "background"}
COUNTY = pd.concat(
    [stations(station_id=s, medium="air", kind=k, zone="2", township="331102001") for s, k in KINDS.items()]
)


def test_a_county_needs_three_quarters_of_its_stations_and_leaves_background_ones_out():
    levels = {"a": 10, "b": 20, "c": 33, "e": 900}
    rows = [series(s, "PM2.5", [v] * 24) for s, v in levels.items()]
    got = counties(observed(*rows), COUNTY)
    day = got[(got["indicator"] == "air.county_PM2.5") & (got["period"] == "P1D")].iloc[0]
    assert (day["value"], day["n_valid"], day["n_expected"], day["subject"]) == (21, 3, 4, "331102")
    fewer = counties(observed(*rows[:2]), COUNTY)
    assert fewer[fewer["indicator"] == "air.county_PM2.5"]["value"].isna().all()


concentration = st.one_of(st.none(), st.floats(0.001, 50).map(lambda x: round(x, 3)))


@given(st.tuples(*[concentration] * 5))
def test_many_lakes_at_once_are_each_as_alone(values):
    alone = {p: np.nan if v is None else v for p, v in zip(water_rows.TROPHIC, values, strict=True)}
    level, state, count = water_rows.tli({p: np.array([v]) for p, v in alone.items()})
    _, one, word = water_indices.tli(alone)
    np.testing.assert_allclose(level[0], one, atol=0.0051)
    assert state[0] == word
    assert count[0] == sum(v is not None for v in values)


@given(st.tuples(concentration, concentration, concentration), st.booleans())
def test_many_sections_at_once_are_each_as_alone(values, lake):
    items = ("DO", "NH3N", "TP")
    alone = {p: np.nan if v is None else v for p, v in zip(items, values, strict=True)}
    got = water_rows.cwqi(np.array([list(alone.values())]), items, np.array([lake]))[0]
    each, total = water_indices.cwqi(alone, lake=lake)
    np.testing.assert_allclose(got, total if each else np.nan, atol=0.00011)


@given(concentration, concentration, concentration)
def test_black_and_odorous_waters_are_each_as_alone(do, nh3n, sd):
    do, nh3n, sd = (np.nan if v is None else v for v in (do, nh3n, sd))
    got = water_rows.black_odorous({"DO": np.array([do]), "NH3N": np.array([nh3n]), "SD": np.array([sd])})[0]
    expected = water_indices.black_odorous(do=do, nh3n=nh3n, sd_cm=sd * 100)
    assert (water_rows.BLACK[int(got)] if got == got else "无黑臭") == expected


def water(values, n=365, **where):
    rows = pd.concat(
        [year_of({f"water.{p}": v for p, v in items.items()}, subject=s, n=n) for s, items in values.items()]
    )
    places = pd.concat([stations(station_id=s, medium="water", **({"kind": "river", "river": "r", "cadence": "PT1H",
                        "township": "331102001", "target": "III"} | where)) for s in values])  # fmt: skip
    return year_rows(rows, 2025, "water", places)


def test_below_five_sections_a_river_is_the_mean_of_its_sections():
    got = water({"w1": {"NH3N": 0.2}, "w2": {"NH3N": 1.4}})
    river = got[(got["indicator"] == "water.river_status") & (got["subject"] == "r") & (got["period"] == "P1Y")].iloc[0]
    assert (river["grade"], river["n_valid"]) == ("良好", 2)  # mean 0.8 is class III
    rates = {n: value(got, f"water.{n}")["value"] for n in ("good_rate", "compliance_rate", "worse_v_rate")}
    assert rates == {"good_rate": 50, "compliance_rate": 50, "worse_v_rate": 0}


def test_from_five_sections_on_shares_decide():
    got = water({f"w{i}": {"NH3N": 0.2 if i else 3.0} for i in range(5)})
    river = value(got, "water.river_status")
    assert (river["grade"], river["n_valid"]) == ("良好", 5)  # 80 % of class I to III
    section = got[(got["indicator"] == "water.status") & (got["subject"] == "w0") & (got["period"] == "P1M")].iloc[0]
    assert (section["value"], section["grade"]) == (5, "重度污染")
    assert section["detail"].startswith("colour 红; main NH3N(2.00)")


def test_months_need_their_days_unless_people_sample():
    automatic = water({"w1": {"NH3N": 0.2}}, n=10)
    assert value(automatic, "water.NH3N_mean", "P1M")["value"] != value(automatic, "water.NH3N_mean", "P1M")["value"]
    by_hand = water({"w1": {"NH3N": 0.2}}, n=10, cadence="")
    assert value(by_hand, "water.NH3N_mean", "P1M")["value"] == 0.2


def test_ph_of_a_month_goes_through_hydrogen_ions():
    rows = year_of({"water.pH": 7.0}, subject="w1", n=30)
    rows["value"] = [6.0, 8.0] * 15
    places = stations(station_id="w1", medium="water", kind="river", river="r", cadence="PT1H")
    got = year_rows(rows, 2025, "water", places)
    index = got[got["indicator"] == "water.cwqi"]["value"].iloc[0]
    assert index == pytest.approx(7 - 6.2967, abs=1e-3)  # -log10((1e-6 + 1e-8) / 2)
