"""Importing four years of hours of twelve stations, with quality control and hourly AQI, against bare `read_csv`.

The peer only parses the same packed files into frames; the import also decodes units and times, flags and judges every
value, and keeps it by key in the lake. Without the real files (see the README for where they come from) files of the
same shape are invented first, and the result says so.

    python -m tests.bench.prsa
"""

import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

NOW = datetime(2026, 9, 1, tzinfo=UTC)
STATIONS = ("Aotizhongxin", "Changping", "Dingling", "Dongsi", "Guanyuan", "Gucheng",
            "Huairou", "Nongzhanguan", "Shunyi", "Tiantan", "Wanliu", "Wanshouxigong")  # fmt: skip
HOURS = 35_064
WINDS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW", "NNW")
COLUMNS = ("PM2.5", "PM10", "SO2", "NO2", "CO", "O3", "TEMP", "PRES", "DEWP", "RAIN", "wd", "WSPM")


def run() -> list[dict[str, Any]]:
    """Print and return the ratios to `read_csv` of decoding, of importing, and of all together, and the peak memory."""
    with _files() as (folder, which):
        peer, mine = _measured("peer", folder), _measured("import", folder)
    results = [
        {"what": f"{which}: {what}", "peer": "bare pandas.read_csv of the same files", "ratio": mine[key] / peer["s"]}
        for key, what in (
            ("read", "decoded"),
            ("stored", "decoded and upserted into the lake"),
            ("judged", "quality control and hourly AQI alone"),
            ("all", "decoded, upserted, quality control, hourly AQI"),
        )
    ]
    for r in results:
        print(f"{r['what']}: {r['ratio']:.2f} of {r['peer']}")
    print(f"{mine['values']:,} values of {mine['records']:,} hours; peak memory {mine['peak_mb']:,.0f} MB (aim: 1,500)")
    return [*results, {"what": f"{which}: peak memory", "peer": "1,500 MB", "ratio": mine["peak_mb"] / 1500}]


@contextmanager
def _files() -> Iterator[tuple[Path, str]]:
    root = Path(os.environ.get("SANYAN_SHARED", Path(__file__).resolve().parents[2] / ".." / "shared"))
    real = root / "data" / "air_prsa_beijing"
    if real.is_dir():
        yield real, "PRSA"
        return
    with tempfile.TemporaryDirectory() as folder:
        for n, station in enumerate(STATIONS):
            text = _invented(station, np.random.default_rng(n)).to_csv(index=False, na_rep="NA")
            path = Path(folder) / f"PRSA_Data_{station}_20130301-20170228.csv.gz"
            path.write_bytes(gzip.compress(text.encode(), mtime=0))
        yield Path(folder), "invented files of the shape of PRSA (the real ones are not at hand)"


def _invented(station: str, chance: np.random.Generator) -> pd.DataFrame:
    """Four years of hours of one station, with gaps."""
    times = pd.date_range("2013-03-01", periods=HOURS, freq="h")
    dust = np.round(chance.gamma(2, 40, HOURS))
    columns = {
        "PM2.5": dust, "PM10": dust + chance.integers(0, 60, HOURS), "SO2": chance.integers(2, 60, HOURS),
        "NO2": chance.integers(5, 120, HOURS), "CO": 100.0 * chance.integers(2, 40, HOURS),
        "O3": chance.integers(2, 200, HOURS), "TEMP": np.round(chance.normal(13, 11, HOURS), 1),
        "PRES": np.round(chance.normal(1010, 10, HOURS), 1), "DEWP": np.round(chance.normal(2, 13, HOURS), 1),
        "RAIN": 0.0, "wd": chance.choice(WINDS, HOURS), "WSPM": np.round(chance.gamma(2, 0.9, HOURS), 1),
    }  # fmt: skip
    head = {"No": np.arange(1, HOURS + 1), "year": times.year, "month": times.month, "day": times.day}
    frame = pd.DataFrame(head | {"hour": times.hour} | columns | {"station": station})
    for name in COLUMNS[:6]:
        frame[name] = frame[name].mask(chance.random(HOURS) < 0.03).astype("Float64")
    return frame


def _measured(what: str, folder: Path) -> dict[str, float]:
    """One measurement in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, "-m", "tests.bench.prsa", what, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _peer(folder: Path) -> dict[str, float]:
    paths = sorted(folder.glob("*.csv.gz"))
    warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # one cell is blank where NA was meant
    return {"s": min(_timed(lambda: [pd.read_csv(p) for p in paths])[0] for _ in range(3))}


def _import(folder: Path) -> dict[str, float]:
    from ingest import history
    from ingest.blocks import observations
    from ingest.layouts import find
    from processing import aqi
    from processing.aggregate import Observed
    from processing.screening import screen
    from store.home import Home

    layout = find("prsa")

    def judged(imported: history.Imported) -> int:
        """Flags of one station's four years, and its hourly AQI from the values that passed."""
        frame = observations(imported.blocks, medium="air", period="PT1H", feed=layout.feed, received_at=NOW)
        seen = screen(frame, "air")
        observed = Observed(frame.assign(flag=seen.flag, tests=seen.tests))
        index = aqi.aqi(observed.wide(aqi.ITEMS, "PT1H").values, "HJ 633-2012", aqi.HOURLY).published
        return int(np.isfinite(index).sum())

    def once(home: Home) -> tuple[tuple[float, float, float], history.Counts]:
        """The seconds of reading, of storing and of judging."""
        read, imported = _timed(lambda: list(history.read(home, layout, folder, now=NOW)))
        stored, counts = _timed(lambda: history.save(home, layout, imported, now=NOW))
        judging, hours = _timed(lambda: sum(map(judged, imported)))
        if counts.new != counts.observations or not hours:
            raise RuntimeError(f"the import is not what it should be: {counts}, {hours} hours with an index")
        return (read, stored, judging), counts

    with tempfile.TemporaryDirectory() as root:
        judged(next(iter(history.read(Home.open(Path(root)), layout, folder, now=NOW))))  # kernels are compiled once
        tries = [once(Home.open(Path(root) / str(n))) for n in range(3)]
    counts = tries[0][1]
    read, stored, judging = (min(times) for times in zip(*(t for t, _ in tries), strict=True))
    return {
        "read": read, "stored": read + stored, "judged": judging, "all": read + stored + judging,
        "values": counts.new, "records": counts.records,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    out = work()
    return time.perf_counter() - begun, out


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps({"peer": _peer, "import": _import}[sys.argv[1]](Path(sys.argv[2]))))
    else:
        run()
