"""The shell of accounts: from the tables of a home to the table `flows`."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from domain.errors import PipelineError
from domain.records import TABLES
from processing.gep.annual import flow_rows, gep_account, given_of, in_order, known_profiles, profile_named
from processing.gep.eyes import layers_of
from processing.gep.run import gep_inputs
from processing.imagery.zonal import zone_raster
from tests.processing.gep.district import rows
from tests.processing.skyland import GRID, NOW, home
from tests.processing.test_gep_inputs import cover_map, rain, raster

YEAR = 2026


def stocked(tmp_path, frame=None):
    place = home(tmp_path)
    given = rows() if frame is None else frame
    filled = given.assign(year=YEAR, unit="1", n_valid=1, n_expected=1, method="test", source="test")
    place.lake.upsert("gep_inputs", TABLES["gep_inputs"].frame(filled), now=NOW, why="test")
    return place


def test_an_account_is_written_once_and_again_not(tmp_path):
    place = stocked(tmp_path)
    made, given, first = gep_account(place, year=YEAR, profile="db33-2020", now=NOW, draws=10, seed=1)
    assert made.complete
    assert given.refused == ()
    flows = place.lake.read("flows")
    assert first.new == len(flows) == len(flow_rows(made))
    assert flows["value_cny"].sum() == pytest.approx(made.total)
    assert set(flows["price_base"]) == {"current"}
    again = gep_account(place, year=YEAR, profile="db33-2020", now=NOW, draws=10, seed=1)[2]
    assert (again.new, again.changed, again.unchanged) == (0, 0, len(flows))
    gep_account(place, year=YEAR, profile="db33-2020", now=NOW, base_year=2014)
    assert set(place.lake.read("flows")["price_base"]) == {"current", "2014"}


def test_what_no_longer_follows_is_taken_out(tmp_path):
    place = stocked(tmp_path)
    gep_account(place, year=YEAR, profile="db33-2020", now=NOW)
    before = set(place.lake.read("flows")["part"])
    gone = place.lake.read("gep_inputs", where={"quantity": ["hot_days"]})
    place.lake.upsert("gep_inputs", gone.iloc[:0], now=NOW, why="test", remove=gone)
    made, _, counts = gep_account(place, year=YEAR, profile="db33-2020", now=NOW)
    assert counts.removed
    assert before - set(place.lake.read("flows")["part"]) == {"climate_regulation.vegetation"}
    problems = in_order(made.problems)
    assert problems[0].kind == "missing"
    assert "空调开放天数" in next(p for p in problems if p.part == "climate_regulation.vegetation").told("zh")


def test_inputs_with_gaps_are_left_out_and_named(tmp_path):
    place = stocked(tmp_path)
    thin = place.lake.read("gep_inputs", where={"quantity": ["rainfall_mm"]}).assign(n_valid=14, n_expected=365)
    place.lake.upsert("gep_inputs", TABLES["gep_inputs"].frame(thin), now=NOW, why="test")
    given = given_of(place, YEAR)
    assert "rainfall_mm" not in set(given.inputs["quantity"])
    assert [p.part for p in given.refused] == ["rainfall_mm"]
    assert "28 of 730" in given.refused[0].what
    made = gep_account(place, year=YEAR, profile="db33-2020", now=NOW, write=False)[0]
    assert "water_retention" in made.missing
    assert place.lake.version("flows") < 0


def test_a_home_has_its_own_profiles(tmp_path):
    place = stocked(tmp_path)
    own = tmp_path / "mine.yaml"
    own.write_text(
        "id: mine\nname_zh: 我\nname_en: mine\nnorm: own\nkind: own\nstatus: own definition\nsource: t\n"
        "valid_from: 2024-01-01\nbased_on: db33-2020\nwithout: [tourism]\n",
        encoding="utf-8",
    )
    assert profile_named(place, str(own)).id == "mine"
    assert set(known_profiles(place)) >= {"db33-2025", "gbt46869-2025"}
    with pytest.raises(PipelineError, match="nothing"):
        profile_named(place, "nothing")
    with pytest.raises(PipelineError, match="1999"):
        gep_account(place, year=1999, profile="db33-2020", now=NOW)


def test_layers_of_the_eyes_become_inputs_by_class(tmp_path):
    place = home(tmp_path)
    cover_map(place)
    slope = 100 + np.add.outer(np.arange(GRID.shape[0]) * 6.0, np.zeros(GRID.shape[1]))
    for name, values in (
        ("dem", slope.astype(np.float32)),
        ("soil-erodibility", np.full(GRID.shape, 0.25, dtype=np.float32)),
        ("evapotranspiration-annual", np.full(GRID.shape, 800, dtype=np.float32)),
        ("npp-annual", np.full(GRID.shape, 0.7, dtype=np.float32)),
    ):
        raster(place, f"{name}-2026", name, "2026-01-01T00:00:00+08:00", values, nodata=-9999.0)
    rain(place, "08-18", 60.0)
    gep_inputs(place, year=YEAR, now=NOW)
    frame = place.lake.read("gep_inputs")
    by_class = frame[frame["quantity"] == "evapotranspiration_mm"]
    assert set(by_class["value"].round(3)) == {800.0}
    area = frame[(frame["quantity"] == "area_m2") & (frame["ecosystem"] == "paddy")]["value"].sum()
    # A row names the map of classes and what it was made from itself, and no other layer.
    cover_source = frame.loc[frame["quantity"] == "area_m2", "source"].unique()
    assert len(cover_source) == 1
    (source,) = by_class["source"].unique()
    assert source.startswith(f"{cover_source[0]}; evapotranspiration-annual-2026 sha256:")
    assert source.count("sha256:") == 2
    npp = frame[(frame["quantity"] == "npp_t_c") & (frame["ecosystem"] == "paddy")]["value"].sum()
    assert npp == pytest.approx(area / 1e4 * 7, rel=1e-6)
    # One day of rain is no year of it: erosivity, and so the loss of soil, is not given.
    assert not frame["quantity"].str.startswith("rkls_t").any()
    inside = zone_raster(place.registry.townships, GRID) > 0
    whole = frame[frame["quantity"] == "area_m2"]["value"].sum()
    assert whole == pytest.approx(inside.sum() * GRID.resolution**2)


def test_erosivity_and_storms_need_every_day(tmp_path):

    place = home(tmp_path)

    def grid(mm):
        return xr.DataArray(np.full((2, 2), mm), dims=("y", "x"))

    days = {f"2026-{m:02}-01": grid(mm) for m, mm in ((1, 20.0), (7, 60.0), (8, 5.0))}

    def summed(grids):
        return sum(g.values for g in grids)

    found = layers_of(place, GRID, YEAR, days, 3, summed)
    layers = found.values
    assert layers["erosivity"][0, 0] == pytest.approx(0.3101 * 20**1.7265 + 0.3937 * 60**1.7265)
    assert layers["storm_rain_mm"][0, 0] == 60
    assert found.told["erosivity"] == found.told["storm_rain_mm"]
    assert found.told["erosivity"].startswith("rainfall-daily, 3 grids, sha256:")
    assert layers_of(place, GRID, YEAR, days, 365, summed).values == {}


def test_whether_standards_are_met_comes_from_the_stations(tmp_path):
    given_rows = rows()
    place = stocked(tmp_path, given_rows[~given_rows["quantity"].str.contains("standard_met")])
    assert "air_purification" in gep_account(place, year=YEAR, profile="db33-2020", now=NOW, write=False)[0].missing
    year = {
        "subject": place.registry.county["code"],
        "time": pd.Timestamp("2026-01-01", tz="Asia/Shanghai").tz_convert("UTC"),
        "period": "P1Y",
        "unit": "1",
        "grade": "",
        "n_valid": 365,
        "n_expected": 365,
        "flag": 1,
        "detail": "",
        "edition": "GB 3095-2026",
    }
    told = [
        {"indicator": "air.attainment", "medium": "air", "value": 1.0} | year,
        {"indicator": "water.compliance_rate", "medium": "water", "value": 96.0} | year,
    ]
    place.lake.upsert("periods", TABLES["periods"].frame(told), now=NOW, why="test")
    made = gep_account(place, year=YEAR, profile="db33-2020", now=NOW, write=False)[0]
    assert made.complete
    assert made.part("air_purification").quantity.values.sum() == pytest.approx(2 * (12 + 20 + 8))
    # Not every section reached its class: what wetlands can take up is the limit.
    assert made.part("water_purification").quantity.values.sum() == pytest.approx(3 * (110.07 + 8.56 + 8.56))


def test_what_the_bureau_judged_stands_only_where_stations_have_no_year(tmp_path):
    given_rows = rows()
    place = stocked(tmp_path, given_rows[~given_rows["quantity"].str.contains("standard_met")])
    county = str(place.registry.county["code"])
    form = {
        "zone": county, "year": YEAR, "object": "", "unit": "1", "state": "reported", "form": "quality",
        "department": "environment", "document": "d", "received_at": NOW,
    }  # fmt: skip
    told = [form | {"item": item, "value": 0.0, "cell": f"raw/x#{item}"} for item in ("air_met", "water_met")]
    place.lake.upsert("statistics", TABLES["statistics"].frame(told), now=NOW, why="test")

    def met():
        found = given_of(place, YEAR).inputs.set_index("quantity")["value"]
        return found["air_standard_met"], found["water_standard_met"]

    assert met() == (0.0, 0.0)
    year = {
        "indicator": "air.attainment", "medium": "air", "subject": county, "period": "P1Y", "value": 1.0, "unit": "1",
        "time": pd.Timestamp("2026-01-01", tz="Asia/Shanghai").tz_convert("UTC"), "grade": "", "n_valid": 365,
        "n_expected": 365, "flag": 1, "detail": "", "edition": "GB 3095-2026",
    }  # fmt: skip
    place.lake.upsert("periods", TABLES["periods"].frame([year]), now=NOW, why="test")
    assert met() == (1.0, 0.0)
