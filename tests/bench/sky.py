"""The sky eye at full size: a whole Sentinel-2 tile block by block beside four peers, and a year of county scenes.

The tile: 10980 x 10980, two bands of uint16 and scene classes, as COG: decode, mask, NDVI, means of 25 zones. Ours
is the path of `sanyan sky zones`, with the buffer of 100 m around clouds that the pipeline always has; peers mask by
class alone, which is less work; their means are held against ours without the buffer. They live in `.venv-bench/sky`,
made here from `peers-sky.txt` and used by nothing else.

    python -m tests.bench.sky [SIDE [SCENES]]      SIDE a multiple of 60, by default 10980; SCENES by default 72
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry import mapping

from ingest.run import ingest
from processing.imagery.grid import WGS84, Grid, moved
from processing.imagery.zonal import zone_raster
from processing.sky import compute_sky
from sample_feeds import sky
from sample_feeds.scenario import load
from store.home import SAMPLE_COUNTY, Home
from tests.bench import sky_tile

ROOT = Path(__file__).resolve().parents[2]
PEERS = ("rasterio windows", "rioxarray + dask", "odc-stac + dask", "exactextract")
THREADS, BUFFER_M, ROUNDS = 2, 100.0, 5
#: What we want: time at most so many times that of decoding alone, and MiB at most.
AIM, AIM_MIB = 2.0, 512
SCENES, SCENE_RESOLUTION = 72, 120


def run(side: int = sky_tile.SIDE, scenes: int = SCENES) -> list[dict[str, Any]]:
    """Print and return the ratios of the tile and of the year."""
    with tempfile.TemporaryDirectory(prefix="sanyan-tile-") as folder:
        out = _tile(Path(folder), side)
    with tempfile.TemporaryDirectory(prefix="sanyan-year-") as folder:
        return out + (_year(Path(folder), scenes) if scenes else [])


def _tile(folder: Path, side: int) -> list[dict[str, Any]]:
    sky_tile.tile(folder, side)
    _prepared(folder, side)
    size = sum((folder / f"{b}.tif").stat().st_size for b in ("B04", "B08", "SCL")) / 2**20
    print(f"tile {side} x {side}, two bands and SCL, {size:.0f} MiB as COG; {THREADS} threads")
    ours = _ours(folder, BUFFER_M, ROUNDS)
    bare = _ours(folder, 0.0, 1)
    decode, whole = min(ours["decode_s"]), min(ours["all_s"])
    print(f"decoding alone {decode:.2f} s; zones found once in {ours['zones_s']:.2f} s, then used for every scene")
    print(f"{'':18} | times decoding | peak MiB | greatest difference of a mean")
    print(f"{'ours, with buffer':18} | {whole / decode:14.2f} | {ours['peak_mib']:8.0f} | aim: {AIM:g}, {AIM_MIB} MiB")
    one, two = ours["halves"]
    out = [
        {"what": "tile", "peer": "decoding alone", "ratio": whole / decode, "peak_mib": ours["peak_mib"]},
        {"what": "two processes over one", "peer": "one process", "ratio": one / two},
    ]
    python = _peers()
    for peer in PEERS if python else ():
        found = _run([python, Path(__file__).with_name("sky_peer_worker.py"), peer, folder, THREADS])
        if found is None:
            continue
        apart = float(np.abs(np.array(found["means"]) - np.array(bare["means"])).max())
        print(f"{peer:18} | {found['seconds'] / decode:14.2f} | {found['peak_mib']:8.0f} | {apart:.1e}")
        out.append({"what": "tile", "peer": peer, "ratio": found["seconds"] / whole, "peak_mib": found["peak_mib"]})
    print(f"two processes, one thread each, are {one / two:.2f} times as fast as one")
    return out


def _prepared(folder: Path, side: int) -> None:
    """What the peers are given: the raster of zones, their outlines on the grid, and a STAC item."""
    zones = sky_tile.zones(side)
    grid = Grid(sky_tile.CRS, sky_tile.LEFT, sky_tile.TOP, 10.0, side, side)
    np.save(folder / "zones.npy", zone_raster(zones, grid).astype(np.uint8))
    np.save(folder / "n.npy", len(zones.ids))
    zone_raster.cache_clear()
    shapes = [moved(s, WGS84, grid.crs) for s in zones.shapes]
    features = [{"type": "Feature", "properties": {}, "geometry": mapping(s)} for s in shapes]
    (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    (folder / "side.txt").write_text(str(side))
    (folder / "item.json").write_text(json.dumps(_item(grid)))


def _item(grid: Grid) -> dict[str, Any]:
    def asset(band: str, metres: float) -> dict[str, Any]:
        n = round(grid.width * grid.resolution / metres)
        place = {"proj:shape": [n, n], "proj:transform": [metres, 0, grid.left, 0, -metres, grid.top]}
        return {"href": f"./{band}.tif", "type": "image/tiff; application=geotiff", "roles": ["data"], **place}

    west, south, east, north = grid.bounds
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    outline = moved(_polygon(ring), grid.crs, WGS84)
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": "tile", "collection": "bench", "links": [],
        "stac_extensions": ["https://stac-extensions.github.io/projection/v1.1.0/schema.json"],
        "geometry": mapping(outline), "bbox": list(outline.bounds),
        "properties": {"datetime": "2026-08-20T02:36:00Z", "proj:epsg": 32650},
        "assets": {band: asset(band, 20.0 if band == "SCL" else 10.0) for band in ("B04", "B08", "SCL")},
    }  # fmt: skip


def _polygon(ring: Sequence[Sequence[float]]) -> Any:
    from shapely import Polygon

    return Polygon(ring)


def _ours(folder: Path, buffer_m: float, rounds: int) -> dict[str, Any]:
    found = _run([sys.executable, "-m", "tests.bench.sky_worker", folder, THREADS, buffer_m, rounds])
    if found is None:
        raise RuntimeError("our own way over the tile failed")
    return found


def _run(command: Sequence[Any]) -> dict[str, Any] | None:
    done = subprocess.run([str(c) for c in command], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{command[-3]}: {(done.stderr.strip().splitlines() or ['killed'])[-1]}")
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def _peers() -> Path | None:
    """The interpreter that has the peers; None, and why, when they cannot be installed."""
    home = ROOT / ".venv-bench" / "sky"
    python, stamp, pinned = home / "bin" / "python", home / "peers.txt", Path(__file__).with_name("peers-sky.txt")
    if stamp.is_file() and stamp.read_bytes() == pinned.read_bytes():
        return python
    uv = Path(sys.executable).with_name("uv")
    try:
        for command in (
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, home],
            [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, pinned],
        ):
            subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", "") or str(error)
        print(f"the peers could not be installed, so ours is shown alone: {reason.strip().splitlines()[-1]}")
        return None
    stamp.write_bytes(pinned.read_bytes())
    return python


def _year(folder: Path, scenes: int) -> list[dict[str, Any]]:
    """Scenes of a year, one after the other as they come: catalogue -> ingest -> products, candidates, indicators."""
    county = shutil.copytree(SAMPLE_COUNTY, folder / "county")
    text = (county / "county.yaml").read_text(encoding="utf-8")
    (county / "county.yaml").write_text(text.replace("resolution_m: 60", f"resolution_m: {SCENE_RESOLUTION}"), "utf-8")
    home = Home.open(folder / "home", county)
    scenario = load()
    scenario = scenario.model_copy(update={"sky": scenario.sky.model_copy(update={"resolution_m": SCENE_RESOLUTION})})
    start = datetime(2026, 1, 1, tzinfo=UTC)
    step = timedelta(days=scenario.sky.cycle_days)
    sky.write(folder / "feeds", home.registry, scenario, start=start, end=start + step * scenes, seed=20260818)
    seconds: list[float] = []
    for i in range(scenes):
        first, after = start + step * i, start + step * (i + 1)
        begun = time.perf_counter()
        for feed in ("landcover", "sentinel2") if i == 0 else ("sentinel2",):
            ingest(home, feed, start=first - step, end=after, now=after, root=str(folder / "feeds"))
        compute_sky(home, now=after)
        seconds.append(time.perf_counter() - begun)
    days = len(home.lake.read("indicators", columns=["time"])["time"].unique())
    tenth = max(scenes // 6, 1)
    first_ones, last_ones = np.median(seconds[1 : 1 + tenth]), np.median(seconds[-tenth:])
    cells = home.files.raster_info(next(home.files.path("products").glob("*/ndvi.tif"))).shape
    print(
        f"a year of {scenes} county scenes, one by one, {cells[0]} x {cells[1]} cells: {sum(seconds):.0f} s, "
        f"{days} days with indicators; the {tenth} last take {last_ones / first_ones:.2f} times the {tenth} first, "
        f"all of them {sum(seconds) / seconds[0]:.0f} times the first alone"
    )
    return [
        {"what": f"{scenes} county scenes", "peer": "the first scene alone", "ratio": sum(seconds) / seconds[0]},
        {"what": "a scene at the end of the year", "peer": "at its beginning", "ratio": float(last_ones / first_ones)},
    ]


if __name__ == "__main__":
    print(json.dumps(run(*(int(word) for word in sys.argv[1:])), indent=1))
