"""Laws of air and water: what may never matter, and what a missing value may never do.

"A missing hour never makes an index better" means here, exactly:

1. nothing is filled in: a missing value and a value that never came give the same result;
2. an hour with an item missing is never published as good: in the edition of 2026 it is published above 100 only;
3. a day has no mean below 20 hours, and up to there losing an hour that is no higher than the mean never lowers it;
4. of a full day, losing the lowest hour never lowers the largest 8 h mean of ozone;
5. a subject that lacks an item has no composite index, no rank and never attains; a section that lacks an item that
   others have has no rank by CWQI;
6. losing a day never adds a day within the limits.

Losing the *highest* hour does lower a mean of 20 hours or more: the standards (GB 3095 table 4) say so.
"""

import os
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing import aqi
from processing.aggregate import mean_rounded
from processing.period_run import year_rows
from processing.registered import registered
from processing.run import results
from processing.screening import screen
from tests.processing.observed import local, series, stations

AIR = {"SO2": 8, "NO2": 30, "CO": 0.7, "O3": 150, "PM10": 110, "PM2.5": 58}
WATER = {"pH": 7.6, "DO": 7.2, "CODMn": 3.1, "NH3N": 0.4, "TP": 0.08, "TN": 1.2, "water_temp": 20, "chla": 9}
PLACES = pd.concat(
    [stations(station_id=f"a{i}", medium="air", zone="2", kind="urban", township="331102001") for i in range(2)]
    + [
        stations(station_id=f"w{i}", medium="water", kind="lake" if i else "river", river=f"r{i}", target="III",
                 township="331102001", cadence="PT1H")
        for i in range(2)
    ]
)  # fmt: skip
MEDIA = {"air": (AIR, "a"), "water": (WATER, "w")}


def hours(medium: str, seed: int, n: int = 60) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    levels, prefix = MEDIA[medium]
    parts = []
    for i in range(2):
        for parameter, level in levels.items():
            values = np.round(level * (1 + chance.normal(0, 0.2, n)), 3)
            values[chance.random(n) < 0.1] = np.nan
            parts.append(series(f"{prefix}{i}", parameter, values, "2026-02-27 09:00", medium=medium))
    return pd.concat(parts, ignore_index=True)


def computed(medium: str, observations: pd.DataFrame) -> pd.DataFrame:
    checked = screen(observations, medium)
    ours = [r for r in registered().values() if r.meta.takes == "observations" and r.meta.medium == medium]
    out = results(observations.assign(flag=checked.flag, tests=checked.tests), PLACES, ours)
    return out.sort_values(["indicator", "subject", "time", "period"]).reset_index(drop=True)


def periods(medium: str, days: pd.DataFrame) -> str:
    return year_rows(days[days["period"] == "P1D"], 2026, medium, PLACES).to_csv(index=False)


@pytest.mark.parametrize("medium", MEDIA)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=8)
def test_the_order_of_rows_changes_nothing(medium, seed):
    rows = hours(medium, seed)
    mixed = rows.sample(frac=1, random_state=seed % 1000).reset_index(drop=True)
    one, other = computed(medium, rows), computed(medium, mixed)
    assert other.to_csv(index=False) == one.to_csv(index=False)
    assert periods(medium, other.sample(frac=1, random_state=3)) == periods(medium, one)


@pytest.mark.parametrize("medium", MEDIA)
@given(seed=st.integers(0, 10**6), cut=st.sampled_from(["2026-02-28", "2026-03-01"]))
@settings(max_examples=8)
def test_days_computed_apart_are_those_computed_together(medium, seed, cut):
    rows, edge = hours(medium, seed), local(cut)
    whole = computed(medium, rows)
    reach = pd.Timedelta(days=3)  # flags look a day around, running means a day back
    early = computed(medium, rows[rows["time"] < edge + reach])
    late = computed(medium, rows[rows["time"] >= edge - reach])
    both = pd.concat([early[early["time"] < edge], late[late["time"] >= edge]])
    both = both.sort_values(["indicator", "subject", "time", "period"])
    assert both.to_csv(index=False) == whole.to_csv(index=False)


@pytest.mark.parametrize("medium", MEDIA)
def test_the_time_zone_of_the_machine_changes_nothing(medium, monkeypatch):
    rows = hours(medium, 1)
    found = set()
    for zone in ("UTC", "America/St_Johns", "Pacific/Kiritimati"):
        monkeypatch.setitem(os.environ, "TZ", zone)
        time.tzset()
        days = computed(medium, rows)
        found.add(days.to_csv(index=False) + periods(medium, days))
    monkeypatch.undo()
    time.tzset()
    assert len(found) == 1


@pytest.mark.parametrize("medium", MEDIA)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=6)
def test_a_missing_value_is_as_if_it_had_never_come(medium, seed):
    rows = hours(medium, seed)
    with_gaps, without = computed(medium, rows), computed(medium, rows[rows["value"].notna()])
    keys = ["indicator", "subject", "time", "period"]
    both = with_gaps.merge(without, on=keys, how="left", suffixes=("", "_never"), indicator="there")
    # A running mean is told at hours that were observed; where nothing came it is not told, whatever it would be.
    told = both[(both["there"] == "both") | (both["indicator"] != "air.O3_8h")]
    assert len(both) - len(without) == (both["there"] == "left_only").sum()
    np.testing.assert_array_equal(told["value"], told["value_never"])


conc = st.lists(st.one_of(st.none(), st.integers(0, 900)), min_size=6, max_size=6)


@given(conc, st.sets(st.integers(0, 5)))
def test_an_hour_with_an_item_missing_is_never_published_as_good(values, lost):
    full = np.array([[np.nan if v is None else float(v) for v in values]])
    less = full.copy()
    less[:, sorted(lost)] = np.nan
    before, after = (aqi.aqi(x, "HJ 633-2026", aqi.HOURLY) for x in (full, less))
    if np.isnan(less).any():
        assert np.isnan(after.published[0]) or after.published[0] > 100
    if before.index[0] <= 100:
        assert np.isnan(after.published[0]) or not lost
    assert np.isnan(after.index[0]) or after.index[0] <= before.index[0]


@given(st.lists(st.integers(0, 500), min_size=24, max_size=24), st.data())
def test_losing_an_hour_that_is_not_above_the_mean_never_lowers_a_day(values, data):
    hours_of = np.array([values], dtype=float)
    before = mean_rounded(hours_of, need=20, decimals=0)[0]
    for _ in range(data.draw(st.integers(1, 6))):
        there = np.flatnonzero(np.isfinite(hours_of[0]) & (hours_of[0] <= np.nanmean(hours_of[0])))
        hours_of[0, data.draw(st.sampled_from(there.tolist()))] = np.nan
        after = mean_rounded(hours_of, need=20, decimals=0)[0]
        assert np.isnan(after) == (np.isfinite(hours_of).sum() < 20)
        assert np.isnan(after) or after >= before


@given(st.lists(st.integers(0, 400), min_size=24, max_size=24))
def test_losing_the_lowest_hour_never_lowers_the_largest_8h_mean(values):
    full = np.array([values], dtype=float)
    less = full.copy()
    less[0, np.argmin(values)] = np.nan
    assert aqi.mda8(less, 160.0).value[0] >= aqi.mda8(full, 160.0).value[0]


DAYS = {"air.SO2": 8, "air.NO2": 30, "air.CO": 0.7, "air.O3_mda8": 120, "air.PM10": 50, "air.PM2.5": 25, "air.aqi": 80}


def daily(levels: dict[str, float], subjects: tuple[str, ...], seed: int = 1) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    times = pd.date_range("2026-01-01", periods=365, freq="D", tz="Asia/Shanghai").tz_convert("UTC").as_unit("us")
    return pd.concat(
        [
            pd.DataFrame({"indicator": name, "subject": s, "time": times, "period": "P1D", "flag": 1,
                          "value": np.round(level * (1 + chance.normal(0, 0.2, 365)), 1)})
            for s in subjects for name, level in levels.items()
        ],
        ignore_index=True,
    )  # fmt: skip


def of(rows: pd.DataFrame, indicator: str, subject: str, period: str = "P1Y") -> pd.Series:
    found = rows[(rows["indicator"] == indicator) & (rows["subject"] == subject) & (rows["period"] == period)]
    return found.set_index("time")["value"]


@given(st.sampled_from([n for n in DAYS if n != "air.aqi"]), st.integers(1, 12))
@settings(max_examples=10)
def test_who_lacks_an_item_has_no_index_no_rank_and_never_attains(item, month):
    rows = daily(DAYS, ("a0", "a1"))
    lost = (
        rows["indicator"].eq(item) & rows["subject"].eq("a0") & rows["time"].dt.tz_convert(8 * 3600).dt.month.eq(month)
    )
    before, after = (year_rows(r, 2026, "air", PLACES) for r in (rows, rows[~lost]))
    assert np.isfinite(of(before, "air.composite_index", "a0")).all()
    for name in ("air.composite_index", "air.rank", "air.max_index"):
        assert of(after, name, "a0").isna().all()
    assert not (of(after, "air.attainment", "a0") == 1).any()
    np.testing.assert_array_equal(of(after, "air.rank", "a1"), [1])


@given(st.sets(st.integers(0, 364), min_size=1, max_size=60))
@settings(max_examples=10)
def test_losing_days_never_adds_a_day_within_or_above_the_limits(days):
    rows = daily(DAYS, ("a0",))
    lost = rows["time"].isin(rows["time"].unique()[sorted(days)])
    before, after = (year_rows(r, 2026, "air", PLACES) for r in (rows, rows[~lost]))
    for name in ("air.PM2.5_exceed_days", "air.O3_exceed_days", "air.days_good", "air.days_light"):
        for period in ("P1M", "P1Y"):
            old, new = of(before, name, "a0", period), of(after, name, "a0", period)
            assert (new.dropna() <= old.reindex(new.dropna().index)).all()


def test_a_section_that_lacks_an_item_has_no_rank():
    levels = {f"water.{p}": v for p, v in WATER.items()}
    rows = daily(levels, ("w0", "w1"))
    less = rows[~(rows["indicator"].eq("water.NH3N") & rows["subject"].eq("w0"))]
    before, after = (year_rows(r, 2026, "water", PLACES) for r in (rows, less))
    assert of(after, "water.cwqi", "w0").iloc[0] < of(before, "water.cwqi", "w0").iloc[0]
    assert of(after, "water.cwqi_rank", "w0").isna().all()
    assert of(after, "water.cwqi_rank", "w1").tolist() == [1]
