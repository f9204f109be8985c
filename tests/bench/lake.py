"""The lake against plain Parquet: the same frame upserted and read, beside `to_parquet` and `read_parquet`.

Plain Parquet keeps no keys, no history and no second writer; the ratio is what those cost.

    python -m tests.bench.lake
"""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from domain.records import TABLES
from store.lake import Lake

NOW = datetime(2026, 9, 1, tzinfo=UTC)
STATIONS, MONTHS = 40, 6
PARAMETERS = ("SO2", "NO2", "CO", "O3", "PM10", "PM2.5", "air_temp", "humidity", "pressure", "wind_speed", "rain", "NO")


def observations() -> pd.DataFrame:
    """About two million hourly values, sorted by key, as an import would hand them over."""
    times = pd.date_range("2026-01-01", periods=MONTHS * 30 * 24, freq="h", tz="UTC", unit="us")
    shape = (STATIONS, len(PARAMETERS), len(times))
    names = [f"station-{i:02d}" for i in range(STATIONS)]
    rows = int(np.prod(shape))
    chance = np.random.default_rng(1)

    def repeated(codes: np.ndarray, words: list[str]) -> pd.Categorical:
        return pd.Categorical.from_codes(codes, words)

    station, parameter, time_at = (i.ravel() for i in np.indices(shape))
    same = np.zeros(rows, dtype=int)
    return pd.DataFrame(
        {
            "medium": repeated(same, ["air"]),
            "station_id": repeated(station, names),
            "parameter": repeated(parameter, list(PARAMETERS)),
            "time": times[time_at],
            "period": repeated(same, ["PT1H"]),
            "value": np.round(chance.gamma(2, 20, rows), 1),
            "unit": repeated(same, ["ug/m3"]),
            "flag": np.full(rows, 2, dtype="int32"),
            "source_flag": repeated(same, ["N"]),
            "feed": repeated(same, ["bench"]),
            "received_at": pd.Timestamp(NOW).as_unit("us"),
        }
    )


def run(repeats: int = 3) -> list[dict[str, Any]]:
    """Print and return the ratios of writing, writing again, correcting one day, reading all and reading one series."""
    frame = observations()
    late = frame.sample(2000, random_state=1).assign(value=-1.0)
    with tempfile.TemporaryDirectory() as folder:
        plain, lake = Path(folder) / "plain.parquet", Lake(Path(folder) / "lake")
        text = TABLES["observations"].frame(frame)
        write = _best(lambda: text.to_parquet(plain, compression="zstd", index=False), repeats)
        read = _best(lambda: pd.read_parquet(plain), repeats)
        one = [("station_id", "==", "station-07"), ("parameter", "==", "PM2.5")]
        series = _best(lambda: pd.read_parquet(plain, filters=one), repeats)
        first = _best(lambda: lake.upsert("observations", frame, now=NOW, why="bench"), 1)
        again = _best(lambda: lake.upsert("observations", frame, now=NOW, why="bench"), 1)
        correct = _best(lambda: lake.upsert("observations", late, now=NOW, why="bench"), 1)
        read_all = _best(lambda: lake.read("observations"), repeats)
        where = {"station_id": ["station-07"], "parameter": ["PM2.5"]}
        read_one = _best(lambda: lake.read("observations", medium="air", where=where), repeats)
    rows = [
        ("upsert of new rows", "to_parquet", first, write),
        ("upsert of the same rows", "to_parquet", again, write),
        ("upsert of 2,000 corrections, history kept", "to_parquet of all", correct, write),
        ("read all", "read_parquet", read_all, read),
        ("read one series", "read_parquet with filters", read_one, series),
    ]
    results = [
        {"what": f"lake: {what} ({len(frame):,} rows)", "peer": f"plain Parquet, {peer}", "ratio": mine / other}
        for what, peer, mine, other in rows
    ]
    for r in results:
        print(f"{r['what']}: {r['ratio']:.2f} of {r['peer']}")
    return results


def _best(work: Callable[[], object], repeats: int) -> float:
    found = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return min(found)


if __name__ == "__main__":
    run()
