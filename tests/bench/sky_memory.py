"""How much memory a day of the county takes: scenes of two tiles in two UTM zones, a view of a year ago and of summer.

    python -m tests.bench.sky_memory [RESOLUTION]      m, by default 60; 10 is 7,131 x 6,341 cells

Scenes are written at their own 10 and 20 m (or coarser, as the county is); the last day has a year of baseline, cloud,
clearings and a bloom. It is computed in a process of its own, whose peak is printed.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from affine import Affine

from domain.records import TABLES
from processing.imagery.grid import county_grid
from processing.imagery.zonal import zone_raster
from processing.sky import compute_sky
from store.home import SAMPLE_COUNTY, Home
from tests.bench.sky_worker import peak_mib
from tests.processing.skyland import ALGAE, BARE, CLOUD, FOREST, WATER, scene_row

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 9, 1, tzinfo=UTC)
#: Baseline and the day that is measured.
DAYS = ("2025-09-02T02:36:00Z", "2026-07-01T02:36:00Z", "2026-08-25T02:36:00Z")
#: Tile -> EPSG code and the north-west corner, m.
TILES = {"50RQS": (32650, 699_960.0, 3_200_040.0), "51RTM": (32651, 199_980.0, 3_200_040.0)}
TILE_M = 109_800.0
_COARSE = ("B05", "B8A", "B11", "B12", "SCL")


def prepared(folder: Path, resolution: int) -> Home:
    """A home with all its scenes; the days of the baseline are computed."""
    county = shutil.copytree(SAMPLE_COUNTY, folder / "county")
    place = county / "county.yaml"
    place.write_text(place.read_text("utf-8").replace("resolution_m: 60", f"resolution_m: {resolution}"), "utf-8")
    home = Home.open(folder / "home", county)
    rng = np.random.default_rng(20260818)
    _land_cover(home, resolution)
    for when in DAYS[:-1]:
        for tile in TILES:
            _scene(home, tile, when, resolution, rng, events=False)
    compute_sky(home, now=NOW)
    for tile in TILES:
        _scene(home, tile, DAYS[-1], resolution, rng, events=True)
    return home


def run(resolution: int = 60) -> dict[str, Any]:
    """Print and return the peak and the time of the last day."""
    with tempfile.TemporaryDirectory(prefix="sanyan-county-") as folder:
        home = prepared(Path(folder), resolution)
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.sky_memory", "--day", folder], cwd=ROOT, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        found = json.loads(done.stdout.strip().splitlines()[-1])
        shape = county_grid(home.registry.county).shape
        n = len(json.loads(home.files.path("candidates/2026-08-25.geojson").read_text("utf-8"))["features"])
    print(
        f"a day of {shape[0]} x {shape[1]} cells with {n} candidates: {found['seconds']:.0f} s, "
        f"peak {found['peak_mib']:.0f} MiB, of which {found['idle_mib']:.0f} are there before anything is read"
    )
    return {**found, "cells": shape[0] * shape[1], "candidates": n}


def _day(folder: Path) -> None:
    idle, begun = peak_mib(), time.perf_counter()
    compute_sky(Home.open(folder / "home", folder / "county"), now=NOW)
    print(json.dumps({"seconds": time.perf_counter() - begun, "idle_mib": idle, "peak_mib": peak_mib()}))


def _land_cover(home: Home, resolution: int) -> None:
    """Fields of 600 m of woods, pines, shrub, grass, paddies and town."""
    grid = county_grid(home.registry.county)
    rng = np.random.default_rng(1)
    side = max(600 // resolution, 1)
    coarse = rng.choice([111, 121, 131, 211, 331, 511], size=(grid.height // side + 1, grid.width // side + 1))
    cover = coarse.repeat(side, axis=0).repeat(side, axis=1)[: grid.height, : grid.width].astype(np.uint16)
    home.files.write_cog("scenes/cover/landcover.tif", grid.layer(cover), nodata=0)
    assets = {"data": "scenes/cover/landcover.tif"}
    row = scene_row("landcover-2025", "landcover", "2025-01-01T00:00:00Z", assets, {})
    home.lake.upsert("scenes", row, now=NOW, why="bench")


def _scene(home: Home, tile: str, when: str, resolution: int, rng: np.random.Generator, *, events: bool) -> None:
    epsg, left, top = TILES[tile]
    grid = county_grid({**home.registry.county, "crs": f"EPSG:{epsg}"})
    size = 2 * resolution  # the coarse bands lie on whole cells of the tile
    c0, r0 = (max(int(v // size) - 4, 0) for v in (grid.left - left, top - grid.top))
    columns, rows = (min(n // 2 + 8, int(TILE_M // size) - c) for n, c in ((grid.width, c0), (grid.height, r0)))
    part = type(grid)(f"EPSG:{epsg}", left + size * c0, top - size * r0, float(size), columns, rows)
    kinds = np.zeros(part.shape, dtype=np.uint8)
    kinds[zone_raster(home.registry.waters, part) > 0] = 1
    spots = rng.integers(0, [rows - 12, columns - 12], size=(60, 2))
    for number, (r, c) in enumerate(spots.tolist()):
        if number < 25:
            kinds[r : r + 60, c : c + 60] = 4
        elif events:
            kinds[r : r + 8, c : c + 8] = np.where(kinds[r : r + 8, c : c + 8] == 1, 3, 2)
    surfaces = [s | {"B8A": s["B08"]} for s in (FOREST, WATER, BARE, ALGAE, CLOUD)]
    assets = {}
    for band in ("B02", "B03", "B04", "B08", *_COARSE):
        values = np.array([s[band] for s in surfaces])[kinds]
        times, metres = (1, size) if band in _COARSE else (2, resolution)
        values = values.repeat(times, axis=0).repeat(times, axis=1)
        cells = values if band == "SCL" else np.rint(values * 10_000 + rng.integers(-20, 20, values.shape)) + 1000
        place = {"crs": part.crs, "transform": Affine(metres, 0, part.left, 0, -metres, part.top)}
        kind = np.uint8 if band == "SCL" else np.uint16
        assets[band] = f"scenes/{tile}-{when[:10]}/{band}.tif"
        home.files.write_cog(assets[band], xr.DataArray(cells.astype(kind), dims=("y", "x"), attrs=place), nodata=0)
    said = {"s2:processing_baseline": "05.11", "s2:mgrs_tile": tile, "created": when}
    row = scene_row(f"S2_{tile}_{when[:10]}", "sentinel-2-l2a", when, assets, said).assign(epsg=epsg)
    home.lake.upsert("scenes", TABLES["scenes"].frame(row), now=NOW, why="bench")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--day"]:
        _day(Path(sys.argv[2]))
    else:
        run(*(int(word) for word in sys.argv[1:2]))
