import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import CatalogueError
from domain.records import TABLES
from processing import corroboration
from processing.aggregate import seconds
from processing.climatology import learn
from processing.corroboration import Around, context, corroborate
from processing.screening import screen
from tests.processing.observed import local, series

NAN = float("nan")
STATIONS = pd.DataFrame(
    {"station_id": [f"air-{i}" for i in range(1, 6)], "lon": [119.9, 119.95, 119.85, 119.9, 119.9],
     "lat": [28.4, 28.42, 28.45, 28.5, 28.35]}
)  # fmt: skip


def looked(rows, medium="air", bands=None, stations=STATIONS, columns=None):
    first = screen(rows, medium)
    around = Around(stations, TABLES["bands"].frame() if bands is None else bands)
    return corroborate(rows if columns is None else rows[columns], medium, first.flag, first.tests, around)


def county(hours=48, seed=1, parameter="PM2.5"):
    chance = np.random.default_rng(seed)
    wave = 40 + 10 * np.sin(np.arange(hours) / 4)
    return pd.concat(
        [series(s, parameter, np.round(wave + chance.normal(0, 2, hours), 1)) for s in STATIONS["station_id"]],
        ignore_index=True,
    )


def said(got, word):
    return np.flatnonzero([word in t for t in got.tests.astype("str")]).tolist()


def test_clean_values_stay_clean_and_what_could_not_run_is_counted():
    got = looked(county())
    assert said(got, "gap") == list(range(0, 240, 48))  # the first value of every series
    assert set(np.delete(got.flag, said(got, "gap"))) == {1}
    assert got.not_evaluated["climatology: nothing was learnt from history"] == 240
    assert got.not_evaluated["physics: no other parameter of the same moment to compare with"] == 240


def test_a_value_no_neighbour_supports_is_suspect_and_named():
    rows = county()
    rows.loc[20:25, "value"] += 150
    got = looked(rows)
    assert said(got, "neighbours") == list(range(20, 26))
    assert set(got.flag[20:26]) == {3}


def test_without_positions_neighbours_are_not_evaluated():
    got = looked(county(), stations=STATIONS.iloc[:0])
    assert got.not_evaluated["neighbours: too few stations of the same moment near by"] == 240


def test_a_failed_value_accuses_nobody():
    rows = pd.concat([series("air-1", "PM2.5", [30.0] * 9 + [985] + [31.0] * 9), series("air-1", "PM10", [50.0] * 19)])
    rows["value"] += np.tile(np.arange(19) % 5, 2)
    got = looked(rows.reset_index(drop=True))
    assert got.flag[9] == 4
    assert got.tests[9] == "spike"
    assert got.flag[19 + 9] == 1


def test_contradicting_parameters_are_both_suspect():
    n = 24
    wave = np.round(5 * np.sin(np.arange(n) / 3), 1)
    rows = pd.concat([series("air-1", "PM2.5", 90 + wave), series("air-1", "PM10", 60 + wave)], ignore_index=True)
    got = looked(rows)
    assert len(said(got, "physics")) == 2 * n


def test_a_repeated_block_and_a_clock_that_stands_behind():
    rows = county()
    rows.loc[20:29, "value"] = rows.loc[8:17, "value"].to_numpy()
    assert said(looked(rows), "repeat") == list(range(20, 30))
    late = county().assign(received_at=lambda f: f["time"] + pd.Timedelta(hours=1))
    late.loc[10:19, "received_at"] += pd.Timedelta(hours=9)
    assert said(looked(late), "clock") == list(range(10, 20))
    without = [c for c in late.columns if c != "received_at"]
    assert looked(late, columns=without).not_evaluated["clock: no moment of arrival"] == 240


def learnt(level=40.0):
    n = 24 * 31 * 4
    times = np.concatenate(
        [seconds(pd.Series([local(f"{y}-08-01")])) + 3600 * np.arange(24 * 31) for y in range(2020, 2024)]
    )
    values = level + np.random.default_rng(2).normal(0, 5, n)
    frame = pd.DataFrame({"station_id": "air-1", "parameter": "PM2.5", "period": "PT1H", "value": values})
    return learn(frame, times).assign(version="2024-01-01", valid_from=local("2024-01-01"), medium="air")


def test_what_is_unusual_names_the_learning():
    rows = county()
    rows.loc[5, "value"] = 130.0
    got = looked(rows, bands=learnt(), stations=STATIONS.iloc[:0])
    assert got.tests[5] == "climatology@2024-01-01"
    assert said(got, "climatology") == [5]
    assert got.not_evaluated["climatology: too little history of the station, month and hour"] == 192


def test_tests_of_both_looks_stand_side_by_side():
    rows = county()
    rows.loc[20, "value"] = 350.0
    got = looked(rows)
    assert got.tests[20] == "spike,neighbours"
    assert got.flag[20] == 3


faults = st.lists(st.tuples(st.integers(0, 239), st.sampled_from([NAN, 0.0, 40.0, 130.0, 300.0, 2000.0])), max_size=12)


@given(faults, st.integers(0, 1000))
@settings(max_examples=25)
def test_order_of_rows_changes_nothing_and_missing_stays_missing(wrong, seed):
    rows = county()
    for at, value in wrong:
        rows.loc[at, ["value", "flag"]] = [value, 9 if value != value else 2]
    got = looked(rows, bands=learnt())
    assert ((got.flag == 9) == rows["value"].isna()).all()
    assert (got.flag >= screen(rows, "air").flag)[got.flag != 1].all()
    shuffled = rows.sample(frac=1, random_state=seed)
    again = looked(shuffled, bands=learnt())
    back = pd.DataFrame({"flag": again.flag, "tests": again.tests.astype("str")}, index=shuffled.index).sort_index()
    assert back["flag"].tolist() == got.flag.tolist()
    assert back["tests"].tolist() == list(got.tests.astype("str"))


@given(faults)
@settings(max_examples=15)
def test_a_day_needs_only_the_days_beside_it(wrong):
    rows = pd.concat([county(24 * 5), county(24 * 5, 2, "PM10")], ignore_index=True)
    for at, value in wrong:
        rows.loc[at, ["value", "flag"]] = [value, 9 if value != value else 2]
    whole = pd.Series(looked(rows).flag)
    start = local("2026-08-18 00:00")
    for day in range(5):
        begin = start + pd.Timedelta(days=day)
        near = rows[(rows["time"] >= begin - pd.Timedelta(days=1)) & (rows["time"] < begin + pd.Timedelta(days=2))]
        alone = pd.Series(looked(near.reset_index(drop=True)).flag, index=near.index)
        inside = near.index[(near["time"] >= begin) & (near["time"] < begin + pd.Timedelta(days=1))]
        assert alone[inside].tolist() == whole[inside].tolist()


def test_only_counted_rows_are_counted():
    rows = county()
    first = screen(rows, "air")
    inside = np.arange(len(rows)) < 10
    got = corroborate(rows, "air", first.flag, first.tests, Around.nothing(), counted=inside)
    assert max(got.not_evaluated.values()) == 10


def test_nothing_gives_nothing():
    got = looked(county().iloc[:0])
    assert len(got.flag) == 0
    assert not got.not_evaluated


def test_a_wrong_table_lists_every_problem(tmp_path, monkeypatch):
    lines = (corroboration.TABLES_DIR / "qc_context.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "qc_context.csv").write_text(f"{lines[0]}\nair,XX,a,,,,,,,,,,,x,y\n", encoding="utf-8")
    monkeypatch.setattr(corroboration, "TABLES_DIR", tmp_path)
    context.cache_clear()
    with pytest.raises(CatalogueError) as caught:
        context()
    assert len(caught.value.problems) == 2
    monkeypatch.undo()
    context.cache_clear()
