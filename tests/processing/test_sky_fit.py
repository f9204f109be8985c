"""Lines from the lake: water products at a station, AOD at air stations, what is kept and what is read back."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
import typer
import xarray as xr
from affine import Affine
from rich.console import Console
from typer.testing import CliRunner

from console import sky_fit as command
from domain.records import TABLES
from domain.registry import STATION_COLUMNS
from processing import sky_fit, sky_pm25
from processing.imagery.calibration import Fit
from store.home import Home
from tests.processing.skyland import BBOX, GRID, NOW, registry, scene_row

FIRST = pd.Timestamp("2026-04-01T02:40Z")
STATIONS = f"""{",".join(STATION_COLUMNS)}
water-1,湖心站,Lake,water,lake,331102001,119.606,28.308,,,PT4H,,III,,,,
water-2,河边站,Brook,water,river,331102002,119.617,28.302,,,PT4H,,III,,,,
air-1,甲站,One,air,urban,331102001,119.602,28.302,,,PT1H,2,,,,,
air-2,乙站,Two,air,urban,331102001,119.607,28.305,,,PT1H,2,,,,,
air-3,丙站,Three,air,urban,331102001,119.612,28.308,,,PT1H,2,,,,,
air-4,丁站,Four,air,urban,331102002,119.616,28.311,,,PT1H,2,,,,,
"""


@pytest.fixture
def home(tmp_path):
    folder = registry(tmp_path / "registry")
    (folder / "stations.csv").write_text(STATIONS, encoding="utf-8")
    return Home.open(tmp_path / "home", folder)


def observations(rows):
    frame = pd.DataFrame(rows, columns=["medium", "station_id", "parameter", "time", "period", "value", "unit"])
    return TABLES["observations"].frame(
        frame.assign(flag=2, source_flag="", feed="test", received_at=pd.Timestamp(NOW))
    )


def lake_scenes(home, n, *, slope=1.5, noise=0.0):
    """A chlorophyll product a scene, and what the station in the lake measured two hours off."""
    random, rows, scenes = np.random.default_rng(1), [], []
    for i in range(n):
        overpass, level = FIRST + timedelta(days=5 * i), 5.0 + 2 * i
        scenes.append(scene_row(f"S2-{i}", "sentinel-2-l2a", str(overpass), {}, {}))
        layer = GRID.layer(np.full(GRID.shape, level, dtype=np.float32))
        home.files.write_cog(f"products/{overpass.date()}/chla.tif", layer, nodata=np.nan)
        measured = slope * level + 2 + random.normal(0, noise)
        rows.append(("water", "water-1", "chla", overpass - timedelta(hours=2, minutes=40), "PT4H", measured, "mg/m3"))
        rows.append(("water", "water-1", "chla", overpass + timedelta(hours=12), "PT4H", 9_999.0, "mg/m3"))
    home.lake.upsert("scenes", pd.concat(scenes, ignore_index=True), now=NOW, why="test")
    home.lake.upsert("observations", observations(rows), now=NOW, why="test")


def aod_scenes(home, n):
    """MAIAC AOD over the county, PM2.5 = 10 + 80 AOD (1 - RH) at four stations, humidity at three of them."""
    west, _, _, north = BBOX
    place = {"crs": "EPSG:4326", "transform": Affine(0.01, 0, west - 0.05, 0, -0.01, north + 0.05)}
    random, rows, scenes = np.random.default_rng(2), [], []
    for i in range(n):
        overpass, aod, humidity = FIRST + timedelta(days=3 * i), 0.1 + 0.06 * i, 40.0 + 2 * i
        assets = {}
        clear = np.full((14, 14), 1, dtype=np.uint16)
        for band, cells, nodata in (
            ("Optical_Depth_055", np.full((14, 14), round(aod * 1000), dtype=np.int16), -28672),
            ("AOD_QA", clear, 0),
        ):
            assets[band] = f"scenes/maiac-{i}/{band}.tif"
            home.files.write_cog(assets[band], xr.DataArray(cells, dims=("y", "x"), attrs=place), nodata=nodata)
        scenes.append(scene_row(f"maiac-{i}", "mcd19a2", str(overpass), assets, {}))
        hour = overpass.floor("h")
        for k in range(1, 5):
            pm = 10 + 80 * aod * (1 - humidity / 100) + random.normal(0, 0.5)
            rows.append(("air", f"air-{k}", "PM2.5", hour, "PT1H", pm, "ug/m3"))
            if k < 4:
                rows.append(("air", f"air-{k}", "humidity", hour, "PT1H", humidity, "%"))
    home.lake.upsert("scenes", pd.concat(scenes, ignore_index=True), now=NOW, why="test")
    home.lake.upsert("observations", observations(rows), now=NOW, why="test")


def of(found, product):
    return next(c for c in found if c.fit.product == product)


def test_water_is_fitted_at_the_station_in_the_lake_and_the_other_is_said_to_be_unseen(home):
    lake_scenes(home, 12)
    found = of(sky_fit.fit_sky(home), "chla")
    assert (found.fit.slope, found.fit.intercept) == pytest.approx((1.5, 2.0))
    assert (found.fit.n, found.fit.n_stations, found.fit.kept) == (12, 1, True)
    assert found.fit.out_r2 == pytest.approx(1)
    assert found.left_out == {"cells": 12}
    few = of(sky_fit.fit_sky(home, end=FIRST + timedelta(days=20)), "chla")
    assert (few.fit.n, few.fit.reason) == (4, "pairs")


def test_suspect_values_of_stations_are_no_truth(home):
    lake_scenes(home, 12)
    seen = home.lake.read("observations", medium="water")
    bad = seen.iloc[[0]].assign(flag=4, tests="spike", level="auto-checked")
    home.lake.upsert("quality", TABLES["quality"].frame(bad[TABLES["quality"].columns]), now=NOW, why="test")
    assert of(sky_fit.fit_sky(home), "chla").fit.n == 11


def test_pm25_is_fitted_station_by_station(home):
    aod_scenes(home, 8)
    found = of(sky_fit.fit_sky(home), "pm25").fit
    assert (found.n, found.n_stations, found.scheme, found.kept) == (32, 4, "station", True)
    assert found.slope == pytest.approx(80, rel=0.05)
    assert found.intercept == pytest.approx(10, abs=0.7)
    assert found.out_rmse < 1
    assert found.predictor == "AOD (1 - RH)"


def test_a_kept_line_makes_a_map_of_pm25_and_no_line_makes_none(home, monkeypatch):
    monkeypatch.setenv("SANYAN_LANG", "en")
    monkeypatch.setenv("SANYAN_REGISTRY", str(home.registry.root))
    app = typer.Typer()
    app.command()(command.pm25)
    aod_scenes(home, 8)
    assert sky_pm25.compute_pm25(home, now=NOW).computed == 0
    assert "No line for PM2.5 is kept" in CliRunner().invoke(app, ["--home", str(home.root)]).output
    found = sky_fit.fit_sky(home)
    sky_fit.keep(home, found)
    done = CliRunner().invoke(app, ["--home", str(home.root)])
    assert done.exit_code == 0, done.output
    assert "8 days computed, 16 rows" in done.output
    fit = of(found, "pm25").fit
    day = home.files.read_raster("products/2026-04-04/pm25.tif").values
    np.testing.assert_allclose(day, fit.intercept + fit.slope * 0.16 * (1 - 0.42), rtol=1e-4)
    rows = home.lake.read("indicators", where={"indicator": ["ecology.pm25"]})
    assert len(rows) == 8 * 2
    assert rows["value"].notna().all()
    assert "leave one station out" in rows["detail"].iloc[0]
    assert rows["edition"].iloc[0].startswith(f"pm25 fit {fit.version}")
    late = sky_pm25.compute_pm25(home, now=NOW, start=FIRST + timedelta(days=20))
    assert (late.computed, late.unchanged) == (1, 2)


def test_without_humidity_there_is_no_pm25(home):
    aod_scenes(home, 1)
    line = Fit("pm25", "PM2.5", "ug/m3", "AOD (1 - RH)", "station", 40, 4, 80.0, 10.0, 0.9, 1.0, 0.9, 1.0)
    sky_fit.keep(home, [sky_fit.Calibrated(line.stamped(), {})])
    seen = home.lake.read("observations", medium="air", where={"parameter": ["humidity"]})
    bad = seen.assign(flag=4, tests="range", level="auto-checked")
    home.lake.upsert("quality", TABLES["quality"].frame(bad[TABLES["quality"].columns]), now=NOW, why="test")
    sky_pm25.compute_pm25(home, now=NOW)
    rows = home.lake.read("indicators", where={"indicator": ["ecology.pm25"]})
    assert rows["value"].isna().all()
    assert rows["detail"].str.startswith("withheld: 0% of cells usable").all()


def test_a_scene_of_aod_that_was_cut_gives_nothing_and_says_so(home, caplog):
    aod_scenes(home, 2)
    home.files.write_bytes("scenes/maiac-1/Optical_Depth_055.tif", b"II*\x00 cut")
    assert of(sky_fit.fit_sky(home), "pm25").fit.n == 4
    assert "maiac-1 gives no AOD" in caplog.text


def test_humid_air_is_not_paired():
    limits = {"match_hours": 3.0, "pm25_humidity_max": 95.0}
    samples = pd.DataFrame(
        {
            "station_id": ["a", "b", "c"],
            "time": FIRST,
            "sky": [0.5, 0.5, np.nan],
            "n_cells": 9,
            "reason": ["", "", "cells"],
        }
    )
    wet = pd.DataFrame({"station_id": ["a", "b"], "time": FIRST, "period": "PT1H", "value": [60.0, 99.0]})
    found = sky_fit.dried(samples, wet, limits)
    np.testing.assert_allclose(found["sky"], [0.2, np.nan, np.nan])
    assert found["reason"].tolist() == ["", "humidity", "cells"]
    twice = sky_fit.dried(pd.concat([samples, samples], ignore_index=True), wet, limits)  # two scenes at one moment
    np.testing.assert_array_equal(twice["sky"], [*found["sky"], *found["sky"]])
    none = sky_fit.dried(samples, wet.iloc[:0], limits)
    assert none["reason"].tolist() == ["humidity", "humidity", "cells"]


def test_an_empty_home_has_no_line(home):
    found = sky_fit.fit_sky(home)
    assert [c.fit.product for c in found] == ["chla", "turbidity", "pm25"]
    assert {c.fit.reason for c in found} == {"pairs"}
    assert sky_fit.kept(home) == {}


def test_only_good_lines_are_kept_and_they_come_back(home):
    lake_scenes(home, 12)
    found = sky_fit.fit_sky(home)
    sky_fit.keep(home, found)
    assert sky_fit.kept(home) == {"chla": of(found, "chla").fit}
    again = sky_fit.fit_sky(home)
    sky_fit.keep(home, again)
    assert sky_fit.kept(home) == {"chla": of(found, "chla").fit}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_command_prints_the_lines_in_both_languages(home, monkeypatch, lang):
    lake_scenes(home, 12, noise=0.5)
    monkeypatch.setenv("SANYAN_LANG", lang)
    monkeypatch.setenv("SANYAN_REGISTRY", str(home.registry.root))
    monkeypatch.setattr("console.cli.screen", Console(width=160))
    app = typer.Typer()
    app.command()(command.fit)
    done = CliRunner().invoke(app, ["--home", str(home.root), "--keep"])
    assert done.exit_code == 0, done.output
    assert ("已标定" if lang == "zh" else "calibrated") in done.output
    assert ("样本对不足" if lang == "zh" else "too few pairs") in done.output
    assert "calibrations/sky.json" in done.output
    assert set(sky_fit.kept(home)) == {"chla"}
