"""A county of 26 x 31 cells with a lake, and scenes of it, for tests of the shells."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from affine import Affine
from shapely import box
from shapely.geometry import mapping

from domain.records import TABLES
from domain.registry import STATION_COLUMNS
from processing.imagery.grid import Grid, county_grid, moved
from store.home import Home

BBOX = [119.60, 28.30, 119.618, 28.313]
COUNTY = {"crs": "EPSG:32650", "bbox": BBOX, "resolution_m": 60}
GRID: Grid = county_grid(COUNTY)
NOW = datetime(2026, 9, 1, tzinfo=UTC)
LAKE = np.s_[3:14, 2:12]
FOREST = {"B02": 0.03, "B03": 0.06, "B04": 0.04, "B05": 0.10, "B08": 0.40, "B11": 0.18, "B12": 0.08, "SCL": 4}
WATER = {"B02": 0.04, "B03": 0.05, "B04": 0.03, "B05": 0.03, "B08": 0.015, "B11": 0.008, "B12": 0.005, "SCL": 6}
ALGAE = {"B02": 0.04, "B03": 0.08, "B04": 0.05, "B05": 0.11, "B08": 0.20, "B11": 0.02, "B12": 0.01, "SCL": 6}
BARE = {"B02": 0.09, "B03": 0.12, "B04": 0.18, "B05": 0.20, "B08": 0.24, "B11": 0.33, "B12": 0.26, "SCL": 5}
CLOUD = {"B02": 0.5, "B03": 0.5, "B04": 0.5, "B05": 0.5, "B08": 0.5, "B11": 0.4, "B12": 0.35, "SCL": 9}


def polygon(rows: slice, columns: slice):
    shape = box(
        GRID.left + 60 * columns.start,
        GRID.top - 60 * rows.stop,
        GRID.left + 60 * columns.stop,
        GRID.top - 60 * rows.start,
    )
    return mapping(moved(shape, GRID.crs, "EPSG:4326"))


def _zones(folder: Path, name: str, zones) -> None:
    features = [
        {
            "type": "Feature",
            "properties": {"id": key, "name_zh": zh, "name_en": en, "kind": kind},
            "geometry": polygon(rows, columns),
        }
        for key, zh, en, kind, rows, columns in zones
    ]
    (folder / f"{name}.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))


STATIONS = f"""{",".join(STATION_COLUMNS)}
air-1,城中站,Centre,air,urban,331102001,119.605,28.306,,,PT1H,2,,,,,
water-1,湖心站,Lake,water,lake,331102001,119.606,28.308,,,PT4H,,III,,,,
"""


def registry(folder: Path) -> Path:
    """Writes a registry of two townships and one lake."""
    folder.mkdir(parents=True, exist_ok=True)
    half = GRID.width // 2
    whole = slice(0, GRID.height)
    (folder / "county.yaml").write_text(
        f"name_zh: 测试县\nname_en: Test county\ncode: '331102'\ncrs: EPSG:32650\nbbox: {BBOX}\n"
        "resolution_m: 60\nsimulated: true\nnote: invented\n"
    )
    (folder / "stations.csv").write_text(STATIONS)
    (folder / "channels.csv").write_text("station_id,code,parameter,unit\n")
    west = ("331102001", "西镇", "West", "town", whole, slice(0, half))
    east = ("331102002", "东镇", "East", "town", whole, slice(half, GRID.width))
    _zones(folder, "townships", [west, east])
    _zones(folder, "waters", [("lake", "镜湖", "Mirror lake", "reservoir", *LAKE)])
    return folder


def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home", registry(tmp_path / "registry"))


def surface(**patches):
    """Band -> reflectance of forest and the lake, with patches (rows, columns) -> what is there."""
    bands = {b: np.full(GRID.shape, v, dtype=float) for b, v in FOREST.items()}
    for where, what in [(LAKE, WATER), *patches.values()]:
        for band, value in what.items():
            bands[band][where] = value
    return bands


def put(
    home: Home,
    item: str,
    when: str,
    bands,
    *,
    offset=-1000,
    baseline="05.11",
    tile="50RQS",
    properties=None,
    without=(),
) -> pd.DataFrame:
    """Write a scene's rasters and its row in the lake."""
    place = {"crs": GRID.crs, "transform": Affine(60, 0, GRID.left, 0, -60, GRID.top)}
    assets = {}
    for band, values in bands.items():
        if band in without:
            continue
        cells = values if band == "SCL" else np.where(np.isnan(values), 0, np.rint(values * 10_000) - offset)
        data = xr.DataArray(
            np.nan_to_num(cells).astype(np.uint8 if band == "SCL" else np.uint16), dims=("y", "x"), attrs=place
        )
        assets[band] = f"scenes/{item}/{band}.tif"
        home.files.write_cog(assets[band], data, nodata=0)
    said = {"s2:processing_baseline": baseline, "s2:mgrs_tile": tile, "created": when, **(properties or {})}
    row = scene_row(item, "sentinel-2-l2a", when, assets, said)
    home.lake.upsert("scenes", row, now=NOW, why="test")
    return row


def scene_row(item: str, collection: str, when: str, assets, properties) -> pd.DataFrame:
    return TABLES["scenes"].frame(
        [
            {
                "id": item,
                "collection": collection,
                "platform": "sentinel-2a",
                "datetime": pd.Timestamp(when),
                "epsg": 32650,
                "cloud_cover": 0.0,
                "geometry": "",
                "assets": json.dumps(assets),
                "properties": json.dumps(properties),
                "feed": "sky",
                "received_at": pd.Timestamp(when),
            }
        ]
    )
