"""A district of 15 million cells at 10 m: reading, reduction, a deterministic account and one of 200 draws.

Eleven layers lie on the disk as tiled rasters and are read by rows of blocks; the terrain is routed whole. Everything
runs in this one process; its peak memory is printed.

    python -m tests.bench.gep [ROWS COLUMNS]
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window

from processing.gep.account import account
from processing.gep.profile import profiles
from processing.gep.rasters import Reduction, Variant, reduced
from processing.gep.statement import statement
from processing.gep.terrain import slope_degrees, slope_length
from processing.gep.uncertainty import drivers
from processing.gep.values import Values

SHAPE = (3000, 5000)
CELL_M = 10.0
TOWNSHIPS = 16
DRAWS = 200
#: Rows of a block.
BLOCK = 250
REGION = "331102"
KINDS = (
    "evergreen_broadleaf", "bamboo", "evergreen_needleleaf", "mixed_forest", "sparse_forest", "broadleaf_shrub",
    "tussock", "marsh", "lake", "river", "paddy", "dryland", "orchard", "residential", "green_space", "industrial",
    "bare",
)  # fmt: skip
#: Aims: minutes of the whole with draws, of one deterministic account, and GiB.
AIMS = {"draws_s": 600.0, "account_s": 60.0, "peak_gib": 4.0}


def run(shape: tuple[int, int] = SHAPE) -> list[dict[str, Any]]:
    """Print and return times and memory."""
    took: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, shape)
        begun = time.perf_counter()
        for _ in _blocks(folder, shape, {}):
            pass
        took["reading the inputs"] = time.perf_counter() - begun
        begun = time.perf_counter()
        with rasterio.open(folder / "dem.tif") as source:
            dem = source.read(1)
        slope, length = slope_degrees(dem, CELL_M), slope_length(dem, CELL_M, limit_m=300.0)
        took["slope and slope length"] = time.perf_counter() - begun
        begun = time.perf_counter()
        profile = profiles()["db33-2020"]
        reduction = _reduction(profile)
        whole = {"slope_deg": slope, "slope_length_m": length}
        rows = reduced(_blocks(folder, shape, whole), reduction, "bench", workers=2)
        took["reading again and sums by township and class"] = time.perf_counter() - begun
    import pandas as pd

    inputs = pd.DataFrame(rows + _reported())
    for what, draws in (
        ("account, central estimate", 0),
        (f"account, {DRAWS} draws, every cell with its range", DRAWS),
    ):
        begun = time.perf_counter()
        made = account(inputs, profile, year=2024, region=REGION, draws=draws, seed=1)
        told = statement(made)
        if draws:
            drivers(made)
        took[what] = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return _told(took, peak, shape, len(told), made.missing)


def _told(
    took: dict[str, float], peak: float, shape: tuple[int, int], rows: int, missing: tuple[str, ...]
) -> list[dict[str, Any]]:
    print(f"{shape[0] * shape[1] / 1e6:.1f} million cells, {TOWNSHIPS} townships, {len(KINDS)} classes, {rows} rows")
    for what, seconds in took.items():
        print(f"{what:50} {seconds:7.1f} s")
    shared = sum(list(took.values())[1:3])
    central, drawn = list(took.values())[-2:]
    print(f"{'from rasters to an account':50} {shared + central:7.1f} s (aim: {AIMS['account_s']:.0f})")
    print(f"{'from rasters to an account with draws':50} {shared + drawn:7.1f} s (aim: {AIMS['draws_s']:.0f})")
    print(f"{'peak memory':50} {peak:7.2f} GiB (aim: {AIMS['peak_gib']:.0f})")
    print(
        f"{'processor time of everything':50} {time.process_time():7.1f} s; wall times grow when others use the machine"
    )
    print(f"not computed: {', '.join(missing) or 'nothing'}")
    return [{"what": "GEP account at 10 m", "seconds": took, "peak_gib": peak}]


def _reduction(profile: Any) -> Reduction:
    rows = Values(profile.sets, REGION, 2024).rows("cover_factor")
    by_cover = frozenset(k for k in KINDS if _depends(k, {r.ecosystem for r in rows if r.item.startswith("c")}))
    zones = tuple(f"{REGION}{n:03}" for n in range(1, TOWNSHIPS + 1))
    return Reduction(zones, KINDS, CELL_M**2, Variant.of(profile.switches), by_cover)


def _depends(kind: str, known: set[str]) -> bool:
    from processing.gep.values import lineage

    return any(e in known for e in lineage(kind))


def _write(folder: Path, shape: tuple[int, int]) -> None:
    """Layers smooth in space, land cover in patches; float32 and uint8, tiled and compressed."""
    rng = np.random.default_rng(20260818)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    wave = np.sin(x / 310) * np.cos(y / 270)
    patches = np.kron(rng.integers(1, len(KINDS) + 1, (shape[0] // 20 + 1, shape[1] // 20 + 1)), np.ones((20, 20)))
    layers = {
        "zone": (1 + (y // (shape[0] / 4)) * 4 + x // (shape[1] / 4)).astype(np.uint8),
        "ecosystem": patches[: shape[0], : shape[1]].astype(np.uint8),
        "dem": (600 + 400 * wave + 30 * np.sin(x / 17) * np.sin(y / 13)).astype(np.float32),
    }
    for name, middle, spread in (
        ("erosivity", 7000, 900), ("erodibility", 0.02, 0.005), ("vegetation_cover_pct", 65, 30),
        ("rainfall_mm", 1600, 300), ("evapotranspiration_mm", 800, 150), ("storm_rain_mm", 350, 100),
        ("npp_t_c_hm2", 7, 3), ("soil_respiration_t_c_hm2", 4, 1),
    ):  # fmt: skip
        layers[name] = (middle + spread * wave).astype(np.float32)
    for name, values in layers.items():
        profile = {
            "driver": "GTiff", "height": shape[0], "width": shape[1], "count": 1, "dtype": values.dtype.name,
            "crs": "EPSG:4549", "transform": from_origin(500_000, 3_150_000, CELL_M, CELL_M), "tiled": True,
            "blockxsize": 256, "blockysize": 256, "compress": "deflate",
        }  # fmt: skip
        with rasterio.open(folder / f"{name}.tif", "w", **profile) as target:
            target.write(values, 1)


def _blocks(folder: Path, shape: tuple[int, int], whole: dict[str, np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
    """Rows of blocks of every layer; layers that are in memory already are cut."""
    sources = {p.stem: rasterio.open(p) for p in sorted(folder.glob("*.tif")) if p.stem != "dem"}
    for top in range(0, shape[0], BLOCK):
        rows = min(BLOCK, shape[0] - top)
        block = {n: s.read(1, window=Window(0, top, shape[1], rows)) for n, s in sources.items()}
        yield block | {n: v[top : top + rows] for n, v in whole.items()}
    for source in sources.values():
        source.close()


def _reported() -> list[dict[str, object]]:
    """What departments report, for every service of the norm."""
    out: list[dict[str, object]] = []
    each = {
        "air_emission_t:SO2": 12, "air_emission_t:NOx": 20, "air_emission_t:dust": 8, "negative_ions_per_cm3": 1600,
        "stand_height_m": 10, "crops_output_cny": 1e8, "forestry_output_cny": 1e7, "livestock_output_cny": 1e7,
        "fishery_output_cny": 1e6, "energy_kwh:hydropower": 1e7, "visits": 1e5, "visit_hours": 8,
        "visit_wage_cny_h": 25, "visit_expense_cny": 300, "benefiting_floor_m2": 1e4, "landscape_premium_cny_m2": 100,
        "reservoir_capacity_m3": 1e7, "lake_area_km2": 2,
    }  # fmt: skip
    of_all = {f"air_standard_met:{p}": 1 for p in ("SO2", "NOx", "dust")} | {"hot_days": 130}
    for pollutant in ("COD", "NH3-N", "TP"):
        of_all |= {f"water_standard_met:{pollutant}": 1, f"water_emission_t:{pollutant}": 300}
    zones = [f"{REGION}{n:03}" for n in range(1, TOWNSHIPS + 1)]
    for zone, values in [(z, each) for z in zones] + [(REGION, of_all)]:
        out += [{"zone": zone, "ecosystem": "all", "quantity": q, "value": v} for q, v in values.items()]
    for zone in zones:
        for kind in ("lake", "river", "marsh"):
            out.append({"zone": zone, "ecosystem": kind, "quantity": "water_evaporation_m3", "value": 4e5})
    return out


if __name__ == "__main__":
    print(json.dumps(run((int(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else SHAPE), indent=1))
