"""RSEI from Landsat scenes in the lake: one fit, kept and used by later years; and what people see."""

import json

import numpy as np
import pandas as pd
import pytest
import typer
import xarray as xr
from affine import Affine
from typer.testing import CliRunner

from console import sky_history as command
from domain.errors import StoreError
from processing import sky_rsei
from processing.imagery.rsei import COMPONENTS
from tests.processing.skyland import GRID, LAKE, NOW, home, scene_row

FOREST = {"blue": 0.03, "green": 0.06, "red": 0.04, "nir08": 0.40, "swir16": 0.18, "swir22": 0.09, "lwir11": 299.0}
TOWN = {"blue": 0.12, "green": 0.14, "red": 0.17, "nir08": 0.22, "swir16": 0.28, "swir22": 0.25, "lwir11": 312.0}
WATER = {"blue": 0.04, "green": 0.05, "red": 0.03, "nir08": 0.015, "swir16": 0.008, "swir22": 0.004, "lwir11": 297.0}
CLEAR, CLOUD = 0b1000000, 0b1000


def scene(here, name, when, town, *, platform="landsat-8", clouded=np.s_[0:0], without=()):
    """The east of the county (from column `town`) is built up, the rest is forest with the lake."""
    random = np.random.default_rng(len(name) + int(when[8:10]))
    mix = np.clip(random.normal(0, 0.15, GRID.shape) + (np.arange(GRID.width) >= town), 0, 1)
    place = {"crs": GRID.crs, "transform": Affine(60, 0, GRID.left, 0, -60, GRID.top)}
    assets = {}
    for band, forest in FOREST.items():
        values = forest + (TOWN[band] - forest) * mix
        values[LAKE] = WATER[band]
        cells = (values - 149) / 0.00341802 if band == "lwir11" else (values + 0.2) / 0.0000275
        assets[band] = np.rint(cells).astype(np.uint16)
    assets["qa_pixel"] = np.full(GRID.shape, CLEAR, dtype=np.uint16)
    assets["qa_pixel"][clouded] = CLOUD
    hrefs = {}
    for band, cells in assets.items():
        if band not in without:
            hrefs[band] = f"scenes/{name}/{band}.tif"
            here.files.write_cog(hrefs[band], xr.DataArray(cells, dims=("y", "x"), attrs=place), nodata=0)
    row = scene_row(name, "landsat-c2-l2", when, hrefs, {}).assign(platform=platform)
    here.lake.upsert("scenes", row, now=NOW, why="test")


def rows(here):
    found = here.lake.read("periods", where={"indicator": ["ecology.rsei"]})
    return found.assign(year=found["time"].dt.tz_convert("Asia/Shanghai").dt.year).set_index(["year", "subject"])


def test_years_share_one_fit_and_a_town_that_grows_lowers_the_index(tmp_path):
    here = home(tmp_path)
    scene(here, "a", "2020-07-01T02:30Z", 24)
    scene(here, "b", "2020-07-17T02:30Z", 24, clouded=np.s_[:, :4])
    scene(here, "c", "2021-06-20T02:30Z", 16, platform="landsat-9")
    for name, when, platform in (("winter", "2021-12-20", "landsat-8"), ("old", "2021-07-20", "landsat-7")):
        row = scene_row(name, "landsat-c2-l2", f"{when}T02:30Z", {}, {}).assign(platform=platform)
        here.lake.upsert("scenes", row, now=NOW, why="test")
    assert sky_rsei.compute_rsei(here, now=NOW).computed == 0  # two years are no history yet
    assert sky_rsei.kept(here) is None
    first = sky_rsei.compute_rsei(here, now=NOW, refit=True)
    assert (first.read, first.computed) == (3, 2)
    loadings = sky_rsei.kept(here)
    assert loadings is not None
    assert loadings.plausible
    found = rows(here)
    east = "331102002"
    assert found.loc[(2020, east), "value"] > found.loc[(2021, east), "value"] + 0.1
    assert found.loc[(2020, "331102001"), "value"] == pytest.approx(found.loc[(2021, "331102001"), "value"], abs=0.08)
    assert loadings.version in found.loc[(2020, east), "detail"]
    index = here.files.read_raster("products/2020/rsei.tif")
    assert np.isnan(index.values[5:12, 4:10]).all()  # the lake
    assert np.nanmin(index.values) >= 0
    assert np.nanmax(index.values) <= 1

    # A year that comes later uses the fit and changes no earlier year.
    scene(here, "d", "2022-08-05T02:30Z", 8)
    again = sky_rsei.compute_rsei(here, now=NOW)
    assert sky_rsei.kept(here) == loadings
    assert (again.computed, again.changed) == (1, 0)
    assert sky_rsei.compute_rsei(here, now=NOW).computed == 0
    assert rows(here).loc[(2022, east), "value"] < found.loc[(2021, east), "value"] + 0.02
    assert sky_rsei.compute_rsei(here, now=NOW, refit=True).computed == 3
    fresh = sky_rsei.kept(here)
    assert fresh is not None
    assert fresh.version != loadings.version


def test_scenes_that_cannot_be_used_are_left_out(tmp_path, caplog):
    here = home(tmp_path)
    scene(here, "a", "2020-07-01T02:30Z", 20)
    scene(here, "cold", "2020-07-17T02:30Z", 20, without=("lwir11",))
    scene(here, "clouds", "2021-07-17T02:30Z", 20, clouded=np.s_[:, :])
    assert sky_rsei.compute_rsei(here, now=NOW, refit=True).computed == 1
    assert "scene cold gives no RSEI" in caplog.text
    assert set(rows(here).index.get_level_values("year")) == {2020}


def test_loadings_changed_by_hand_are_refused(tmp_path):
    here = home(tmp_path)
    scene(here, "a", "2020-07-01T02:30Z", 20)
    sky_rsei.compute_rsei(here, now=NOW, refit=True)
    said = json.loads(here.files.path(sky_rsei.LOADINGS).read_text())
    said["low"] -= 1
    here.files.write_bytes(sky_rsei.LOADINGS, json.dumps(said).encode())
    with pytest.raises(StoreError, match="do not match their version"):
        sky_rsei.compute_rsei(here, now=NOW)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_command_tells_the_fit(tmp_path, monkeypatch, lang):
    here = home(tmp_path)
    monkeypatch.setenv("SANYAN_LANG", lang)
    monkeypatch.setenv("SANYAN_REGISTRY", str(here.registry.root))
    app = typer.Typer()
    app.command()(command.rsei)
    app.command()(command.history)
    scene(here, "a", "2020-07-01T02:30Z", 20)
    few = CliRunner().invoke(app, ["rsei", "--home", str(here.root)])
    assert ("3 个生长季" if lang == "zh" else "3 growing seasons") in few.output
    done = CliRunner().invoke(app, ["rsei", "--home", str(here.root), "--refit"])
    assert done.exit_code == 0, done.output
    assert ("西镇" if lang == "zh" else "West") in done.output
    assert all(f"{name.upper()} " in done.output for name in COMPONENTS)
    none = CliRunner().invoke(app, ["history", "--home", str(here.root)])
    assert none.exit_code == 0, none.output
    assert pd.isna(here.lake.read("periods")["value"]).sum() == 0
