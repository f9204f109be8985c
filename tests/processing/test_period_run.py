"""The shell of periods: whatever the order, the split and the company, the table becomes the same."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from domain.errors import StoreConflict
from domain.records import TABLES
from processing import period_run
from processing.period_run import compute_periods
from store.home import Home
from store.lake import Lake
from tests.processing.observed import NOW, local

AIR = {"air.SO2": 8, "air.NO2": 30, "air.CO": 0.7, "air.O3_mda8": 120, "air.PM10": 70, "air.PM2.5": 40, "air.aqi": 80}
WATER = {"water.pH": 7.5, "water.DO": 7, "water.CODMn": 3, "water.NH3N": 0.4, "water.TP": 0.06, "water.TN": 1.1}


def days(start="2025-11-20", n=120, seed=1) -> pd.DataFrame:
    """Daily indicators of two air stations, the county and two sections over New Year."""
    chance = np.random.default_rng(seed)
    times = [local(start) + timedelta(days=i) for i in range(n)]
    parts = []
    for medium, subjects, levels in (
        ("air", ("air-1", "air-2"), AIR),
        ("air", ("331102",), {k.replace("air.", "air.county_"): v for k, v in AIR.items()}),
        ("water", ("water-1", "water-6"), WATER),
    ):
        for subject in subjects:
            for name, level in levels.items():
                values = np.round(level * (1 + chance.normal(0, 0.3, n)), 1)
                values[chance.random(n) < 0.03] = np.nan
                parts.append(
                    pd.DataFrame(
                        {
                            "indicator": name, "medium": medium, "subject": subject, "time": times, "period": "P1D",
                            "value": values, "unit": "1", "grade": "", "n_valid": 24, "n_expected": 24,
                            "flag": np.where(np.isnan(values), 9, 1), "detail": "", "edition": "test",
                        }
                    )
                )  # fmt: skip
    return TABLES["indicators"].frame(pd.concat(parts, ignore_index=True))


def put(home: Home, rows: pd.DataFrame, remove: pd.DataFrame | None = None) -> None:
    home.lake.upsert("indicators", rows, now=NOW, why="test", remove=remove)


def table(home: Home) -> str:
    return home.lake.read("periods").to_csv(index=False)


@pytest.fixture
def home(tmp_path) -> Home:
    return Home.open(tmp_path)


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> str:
    home = Home.open(tmp_path_factory.mktemp("whole"))
    put(home, days())
    compute_periods(home, now=NOW)
    return table(home)


def test_everything_comes_out(expected):
    for name in ("air.PM2.5_mean", "air.O3_p90", "air.composite_index", "air.rank", "air.days_good",
                 "air.warning_tier", "water.period_class", "water.river_status", "water.lake_status", "water.tli",
                 "water.county_cwqi", "water.change_previous", "water.compliance_rate"):  # fmt: skip
        assert f"\n{name}," in expected


def test_a_second_run_has_nothing_to_do(home):
    put(home, days())
    assert compute_periods(home, now=NOW).new > 0
    version = home.lake.version("periods")
    assert compute_periods(home, now=NOW).as_dict() == period_run.Counts().as_dict()
    home.ledger.engine.dispose()
    (home.root / "ledger.sqlite").unlink()
    again = compute_periods(Home.open(home.root), now=NOW)
    assert (again.new, again.changed, again.removed) == (0, 0, 0)
    assert home.lake.version("periods") == version


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_day_by_day_in_any_order_gives_the_same(home, expected, seed):
    rows = days()
    order = np.random.default_rng(seed).permutation(rows["time"].dt.floor("D").unique())
    for part in np.array_split(order, 6):
        put(home, rows[rows["time"].dt.floor("D").isin(part)])
        compute_periods(home, now=NOW)
    assert table(home) == expected


def test_corrected_and_withdrawn_days_leave_no_trace(home, expected):
    rows = days()
    extra = rows[rows["subject"] == "air-1"].assign(subject="air-9", value=999.0)
    wrong = rows.assign(value=rows["value"] * 3)
    put(home, pd.concat([wrong, extra]))
    compute_periods(home, now=NOW)
    assert "air-9" in table(home)
    put(home, rows, remove=extra)
    compute_periods(home, now=NOW)
    assert table(home) == expected


def test_a_year_that_lost_all_its_days_loses_its_periods(home):
    rows = days()
    put(home, rows)
    compute_periods(home, now=NOW)
    last = rows[rows["time"] >= local("2026-01-01")]
    put(home, rows.iloc[:0], remove=last)
    compute_periods(home, now=NOW)
    left = home.lake.read("periods")
    assert (left["time"] < local("2026-01-01")).all()


def test_a_writer_who_comes_between_is_met_again(home, expected, monkeypatch):
    put(home, days())
    refused = iter([True, False])
    upsert = Lake.upsert

    def sometimes(self, table, *args, **kwargs):
        if table == "periods" and next(refused, False):
            raise StoreConflict("somebody else")
        return upsert(self, table, *args, **kwargs)

    monkeypatch.setattr(Lake, "upsert", sometimes)
    compute_periods(home, now=NOW)
    assert table(home) == expected


def test_a_run_of_heavy_days_goes_over_new_year(home):
    rows = days()
    bad = rows["indicator"].eq("air.aqi") & rows["subject"].eq("air-1")
    turn = rows["time"].isin([local(d) for d in ("2025-12-30", "2025-12-31", "2026-01-01")])
    rows.loc[bad, "value"] = 80.0
    rows.loc[bad & turn, "value"] = [210.0, 220.0, 310.0]
    put(home, rows)
    compute_periods(home, now=NOW)
    found = home.lake.read("periods", where={"indicator": ["air.warning_tier"], "subject": ["air-1"]})
    tier = found.set_index("time")["grade"]
    assert [tier[local(d)] for d in ("2025-12-29", "2025-12-30", "2025-12-31", "2026-01-01", "2026-01-02")] == [
        "无", "黄色", "橙色", "红色", "无",
    ]  # fmt: skip


def test_an_hour_that_changes_no_daily_value_computes_nothing(home):
    rows = days()
    put(home, rows)
    compute_periods(home, now=NOW)
    put(home, rows.tail(3).assign(detail="another word"))
    assert compute_periods(home, now=NOW).computed == 0
    put(home, rows.tail(1).assign(value=1.0))
    assert compute_periods(home, now=NOW).computed == 1


def test_when_the_earlier_version_is_gone_everything_touched_is_computed(home):
    rows = days()
    put(home, rows)
    compute_periods(home, now=NOW)
    put(home, rows.tail(3).assign(detail="another word"))
    home.lake.compact("indicators", keep_hours=0)
    assert compute_periods(home, now=NOW).computed == 1
