"""Ten years of twenty stations, hourly: flags and every air and water indicator from the lake, down to the annual ones.

Ten air stations of six items and ten water sections of eight; hours, days, months, seasons, years, rivers and the
county. What is timed is what the command line does after an import: `compute` and `compute_periods`, from the first
look into the lake to the last commit, in a process of its own whose peak memory is told.

    python -m tests.bench.decade [YEARS]
"""

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from domain.registry import STATION_COLUMNS
from store.home import SAMPLE_COUNTY, Home

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIRST_YEAR, YEARS, SEED = 2016, 10, 20260818
AIR = {"SO2": 8, "NO2": 30, "CO": 0.7, "O3": 90, "PM10": 70, "PM2.5": 40}
WATER = {"water_temp": 18, "pH": 7.5, "DO": 8, "CODMn": 3, "NH3N": 0.4, "TP": 0.06, "TN": 1.4, "turbidity": 12}
#: Seconds and bytes that ten years may take.
AIM_S, AIM_BYTES = 60, 2 * 2**30


def run(years: int = YEARS) -> list[dict[str, Any]]:
    """Print and return seconds, rows per second, peak memory, and how time grows from one year to all."""
    found = {n: _measured(n) for n in (1, years)}
    results = []
    for n, got in found.items():
        rate = got["observations"] / got["seconds"]
        print(
            f"{n} year(s): {got['observations']:,} observations -> {got['indicators']:,} hourly and daily values, "
            f"{got['periods']:,} of months, seasons and years in {got['seconds']:.1f} s "
            f"(of it {got['periods_seconds']:.1f} s for periods), {rate:,.0f} rows/s, "
            f"{got['peak'] / 2**30:.2f} GiB at the peak"
        )
        results.append({"what": f"air and water, {n} year(s)", "peer": "seconds", "ratio": got["seconds"]})
    growth = found[years]["seconds"] / found[1]["seconds"]
    held = found[years]["seconds"] <= AIM_S and found[years]["peak"] <= AIM_BYTES
    print(f"{years} times the data take {growth:.1f} times as long; "
          f"{'reached' if held else 'MISSED'}: {AIM_S} s and {AIM_BYTES / 2**30:.0f} GiB")  # fmt: skip
    return [*results, {"what": f"growth over {years} times the data", "peer": "one year", "ratio": growth}]


def _measured(years: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        county, root = Path(folder) / "county", Path(folder) / "home"
        _registry(county)
        home = Home.open(root, county)
        for year in range(FIRST_YEAR, FIRST_YEAR + years):
            home.lake.upsert("observations", _observations(year), now=NOW, why="bench")
        command = [sys.executable, "-m", "tests.bench.decade", "--child", str(root), str(county)]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return json.loads(out.splitlines()[-1])


def _registry(county: Path) -> None:
    """The sample county with ten air stations and ten sections."""
    shutil.copytree(SAMPLE_COUNTY, county)
    base = dict.fromkeys(STATION_COLUMNS, "") | {
        "township": "331102001", "lon": "119.9", "lat": "28.4", "valid_from": "2010-01-01", "cadence": "PT1H",
    }  # fmt: skip
    rows = [
        base | {"station_id": f"air-{i:02d}", "name_zh": f"测试{i}", "medium": "air", "kind": "urban", "zone": "2"}
        for i in range(10)
    ]
    for i in range(10):
        lake = i >= 8
        rows.append(
            base
            | {"station_id": f"water-{i:02d}", "name_zh": f"断面{i}", "medium": "water", "target": "III",
               "kind": "lake" if lake else "river", "river": "pond" if lake else f"river-{i % 2}"}
        )  # fmt: skip
    pd.DataFrame(rows).assign(name_en=lambda r: r["station_id"])[list(STATION_COLUMNS)].to_csv(
        county / "stations.csv", index=False
    )
    for name in ("channels", "sources"):  # they speak of the sample county's stations: only their headings stay
        path = county / f"{name}.csv"
        path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")


def _observations(year: int) -> pd.DataFrame:
    """One Shanghai year of hours with days, seasons, noise and holes."""
    start = pd.Timestamp(f"{year}-01-01", tz="Asia/Shanghai")
    times = pd.date_range(start, start + pd.DateOffset(years=1), freq="h", inclusive="left").tz_convert("UTC")
    chance, hour = np.random.default_rng(SEED + year), np.arange(len(times))
    wave = 1 + 0.2 * np.sin(2 * np.pi * hour / 24) + 0.2 * np.sin(2 * np.pi * hour / len(hour))
    parts = []
    for medium, levels in (("air", AIR), ("water", WATER)):
        for i in range(10):
            for parameter, level in levels.items():
                slow = np.convolve(chance.normal(0, 1, len(hour) + 23), np.ones(24) / 24, "valid")
                swing = 0.02 if parameter in ("pH", "water_temp") else 0.5
                values = level * (1 + (wave - 1) * (swing > 0.1) + swing * slow + 0.01 * chance.normal(0, 1, len(hour)))
                values = np.round(np.maximum(values, level / 20), 0 if level > 5 and medium == "air" else 3)
                values[chance.random(len(hour)) < 0.01] = np.nan
                parts.append(
                    pd.DataFrame({"medium": medium, "station_id": f"{medium}-{i:02d}", "parameter": parameter,
                                  "time": times, "period": "PT1H", "value": values})
                )  # fmt: skip
    rows = pd.concat(parts, ignore_index=True)
    flag = np.where(rows["value"].isna(), 9, 2).astype("int32")
    return rows.assign(
        unit="1", flag=flag, source_flag="N", feed="bench", received_at=pd.Timestamp(NOW).as_unit("us"),
        time=rows["time"].dt.as_unit("us"),
    )  # fmt: skip


def _child(root: Path, county: Path) -> None:
    """Compute everything and print what it took."""
    from processing.period_run import compute_periods
    from processing.run import compute

    home = Home.open(root, county)
    begun = time.perf_counter()
    counts = compute(home, now=NOW)
    between = time.perf_counter()
    periods = compute_periods(home, now=NOW)
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    indicators = home.lake.read("indicators", columns=["flag"])
    print(json.dumps({
        "seconds": end - begun, "periods_seconds": end - between, "observations": counts.read, "peak": peak,
        "indicators": len(indicators), "periods": periods.new,
    }))  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _child(*map(Path, sys.argv[2:]))
    else:
        run(*map(int, sys.argv[1:]))
