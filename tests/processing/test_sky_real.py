"""Real scenes and grids on the whole way: from the item or file to layers, masks and rows by zone."""

import json
import os
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterstats import zonal_stats
from typer.testing import CliRunner

from console.cli import app
from domain.errors import StoreError
from ingest.history import import_history
from ingest.layouts import find
from processing import sky_scene
from processing.imagery.cells import RULES
from processing.imagery.grid import WGS84, moved
from processing.sky import compute_sky
from processing.sky_grids import compute_grids
from store.home import Home
from tests.processing.skyland import NOW, STATIONS

SHARED = Path(os.environ.get("SANYAN_SHARED", Path(__file__).resolve().parents[2] / ".." / "shared")) / "data"
SCENE = "S2A_29RKH_20200219_0_L2A"


def real(folder):
    if not (SHARED / folder).is_dir():
        pytest.skip(f"real data {folder!r} are not at hand; set SANYAN_SHARED to the folder that has data/{folder}")
    return SHARED / folder


def square(west, south, east, north):
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def deployment(folder: Path) -> Home:
    """A county in the middle of the real scene: the desert of Mauritania, 100 m cells."""
    place = folder / "registry"
    place.mkdir(parents=True)
    (place / "county.yaml").write_text(
        "name_zh: 沙漠县\nname_en: Desert county\ncode: '331102'\ncrs: EPSG:32629\n"
        "bbox: [-11.7, 24.5, -11.2, 25.1]\nresolution_m: 100\nsimulated: true\nnote: invented\n"
    )
    (place / "stations.csv").write_text(STATIONS.splitlines()[0] + "\n")
    (place / "channels.csv").write_text("station_id,code,parameter,unit\n")
    halves = {"west": (-11.7, 24.5, -11.45, 25.1), "east": (-11.45, 24.5, -11.2, 25.1)}
    for layer, zones in {"townships": halves, "waters": {"none": (-11.5, 24.7, -11.499, 24.701)}}.items():
        features = [
            {
                "type": "Feature",
                "properties": {"id": key, "name_zh": key, "name_en": key, "kind": "town"},
                "geometry": square(*box),
            }
            for key, box in zones.items()
        ]
        (place / f"{layer}.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return Home.open(folder / "home", place)


@pytest.fixture(scope="module")
def desert(tmp_path_factory):
    source = real("sentinel2_l2a_29RKH")
    home = deployment(tmp_path_factory.mktemp("desert"))
    import_history(home, find("sentinel2_local"), source, now=NOW)
    return home


@pytest.mark.parametrize("rule", RULES)
def test_the_real_scene_gives_zonal_rows_though_item_and_files_disagree(desert, rule):
    found = sky_scene.scene_zones(desert, SCENE, "ndvi", "quarters", rule=rule)
    assert found.grid.shape == (1098, 1098)  # the files' own, not the item's 10980
    assert "red: the item says 10980 x 10980 cells, the file has 1098 x 1098" in found.statements
    assert "offset 0 DN by" in found.note
    assert set(found.table["rule"]) == {f"cell {rule}"}
    source = real("sentinel2_l2a_29RKH")
    red, nir = (rasterio.open(source / f"{b}.tif").read(1).astype(float) for b in ("B04", "B08"))
    scl = rasterio.open(source / "SCL.tif").read(1)
    clouds = np.isin(scl, (3, 8, 9, 10))
    near = clouds.copy()  # 100 m from the edge of a cell of 200 m: its four neighbours are not reached
    seen = (np.isin(scl, (2, 4, 5, 6, 7)) & ~near).repeat(2, axis=0).repeat(2, axis=1) & (red > 0) & (nir > 0)
    ndvi = np.where(seen, (nir - red) / np.where(seen, nir + red, 1), -9999)
    shapes = [moved(s, WGS84, "EPSG:32629") for s in sky_scene.quarters(found.grid).shapes]
    theirs = zonal_stats(shapes, ndvi, affine=found.grid.transform, nodata=-9999, stats="mean count min max")
    # Edges of the quarters lie on edges of cells, but for millimetres on the way through degrees.
    np.testing.assert_allclose(found.table["mean"], [z["mean"] for z in theirs], atol=2e-4)
    np.testing.assert_allclose(found.table["n_valid"], [z["count"] for z in theirs], rtol=2e-3)
    assert found.table["mean"].between(0.02, 0.15).all()  # a desert


def test_the_same_table_on_the_command_line(desert, tmp_path, monkeypatch):
    monkeypatch.setenv("SANYAN_REGISTRY", str(desert.registry.root))
    monkeypatch.setenv("SANYAN_LANG", "zh")
    monkeypatch.setenv("COLUMNS", "160")
    out = tmp_path / "zones.csv"
    arguments = ["sky", "zones", SCENE, "--by", "quarters", "--home", str(desert.root), "--out", str(out)]
    said = CliRunner().invoke(app, arguments)
    assert said.exit_code == 0, said.output
    assert len(pd.read_csv(out, encoding="utf-8-sig")) == 4


def test_a_scene_that_is_not_there_is_said(desert):
    with pytest.raises(StoreError, match="no Sentinel-2 scene of that id"):
        sky_scene.scene_zones(desert, "nothing", "ndvi", "quarters")


def test_the_real_scene_becomes_a_day_of_a_county(desert):
    counts = compute_sky(desert, now=NOW)
    assert (counts.computed, counts.rejected) == (1, 0)
    rows = desert.lake.read("indicators", where={"indicator": ["ecology.ndvi"]}).set_index("subject")
    assert set(rows.index) == {"west", "east"}
    assert rows["value"].between(0.02, 0.15).all()
    assert (rows["n_valid"] / rows["n_expected"]).between(0.5, 1).all()
    assert rows["detail"].str.contains("10980 x 10980 cells, the file has 1098 x 1098").all()
    ndvi = desert.files.read_raster("products/2020-02-19/ndvi.tif").values
    mask = desert.files.read_raster("products/2020-02-19/mask.tif").values
    assert ((mask == 1) >= np.isfinite(ndvi)).all()
    zones = pd.read_csv(desert.files.path("products/2020-02-19/zones.csv"), encoding="utf-8-sig")
    assert {"ndvi", "evi", "mndwi"} <= set(zones["layer"])


def test_real_no2_gives_a_row_a_day_and_names_its_gaps(tmp_path):
    source = real("s5p_no2_daily")
    home = deployment(tmp_path)
    import_history(home, find("s5p_no2_series"), source, now=NOW)
    compute_grids(home, now=NOW)
    rows = home.lake.read("indicators", where={"indicator": ["ecology.no2"]})
    assert len(rows) == 6 * 366
    muscat = rows[rows["subject"] == "area/Muscat"].set_index("time").sort_index()
    assert len(muscat) == 366
    assert muscat["value"].notna().sum() == 319
    gaps = muscat[muscat["value"].isna()]
    assert set(gaps["flag"]) == {9}
    assert (gaps["detail"].str.len() > 10).all()
    assert muscat["value"].between(-20, 200).sum() == 319
    assert set(rows["unit"]) == {"umol/m2"}
    days = pd.DatetimeIndex(muscat.index).tz_convert("Asia/Shanghai")
    assert (days[0].date(), days[-1].date()) == (date(2024, 1, 1), date(2024, 12, 31))
    version = home.lake.version("indicators")
    assert compute_grids(home, now=NOW).computed == 0
    assert home.lake.version("indicators") == version
