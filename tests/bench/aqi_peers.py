"""Our hourly AQI, exact, with primary pollutants, against aqi-hub and against a bare `numpy.interp`.

60 station-years of hours (525,888 rows of six items) in the edition of 2026. `numpy.interp` gives neither rounding,
primary pollutants nor missing-item rules and its ceiling is that of a binary fraction: it is the floor of the price.
aqi-hub lives in an environment of its own, made here from `peers-aqi.txt` and used by nothing else; where it cannot be
installed, that is said.

    python -m tests.bench.aqi_peers
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from domain.standards import breakpoints
from processing import aqi

ROOT = Path(__file__).resolve().parents[2]
ROWS, SEED, STANDARD = 525_888, 20260818, "HJ 633-2026"
#: How many times faster than aqi-hub we want to be at least.
AIM = 20


def concentrations(rows: int = ROWS) -> np.ndarray:
    """(rows, 6) hours as stations report them: whole numbers, CO one decimal."""
    chance = np.random.default_rng(SEED)
    levels = {"SO2": 12, "NO2": 40, "CO": 0.9, "O3": 90, "PM10": 80, "PM2.5": 50}
    return np.stack([np.round(chance.gamma(1.5, v / 1.5, rows), aqi.decimals(p)) for p, v in levels.items()], axis=1)


def run(rows: int = ROWS) -> list[dict[str, Any]]:
    """Print and return the ratios of time, and on how many rows each peer's index differs from ours."""
    values = concentrations(rows)
    columns = [_column(p) for p in aqi.ITEMS]
    mine, index = _best(lambda: aqi.aqi(values, STANDARD, aqi.HOURLY).index)
    bare, rough = _best(lambda: _interp(values, columns))
    results = [_told("numpy.interp", mine, bare, rows, int((rough != index).sum()))]
    peer = _aqi_hub(values)
    if peer is not None:
        seconds, theirs = peer
        results.append(_told("aqi-hub", mine, seconds, rows, int((theirs != index).sum())))
        ratio = seconds / mine
        print(f"{'reached' if ratio >= AIM else 'MISSED'}: {ratio:.0f} times as fast as aqi-hub, at least {AIM} wanted")
    return results


def _told(peer: str, mine: float, seconds: float, rows: int, differ: int) -> dict[str, Any]:
    print(
        f"hourly AQI, {rows:,} rows: {mine / seconds:.3f} of the time of {peer} "
        f"({rows / mine / 1e6:.2f} against {rows / seconds / 1e6:.2f} million rows a second); "
        f"{differ:,} of its indices differ from the exact ones"
    )
    return {"what": f"hourly AQI ({rows:,} rows)", "peer": peer, "ratio": mine / seconds, "differ": differ}


def _column(pollutant: str) -> tuple[np.ndarray, np.ndarray]:
    index, edges = breakpoints(STANDARD, pollutant, "24h" if pollutant.startswith("PM") else "1h")
    return edges, index.astype(float)


def _interp(values: np.ndarray, columns: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    return np.max([np.ceil(np.interp(values[:, i], x, y)) for i, (x, y) in enumerate(columns)], axis=0)


def _aqi_hub(values: np.ndarray) -> tuple[float, np.ndarray] | None:
    """Seconds and indices of aqi-hub; None, said why, where it cannot be installed."""
    python = _peer()
    if python is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "rows.bin", Path(folder) / "out.json"
        source.write_bytes(values.tobytes())
        worker = Path(__file__).with_name("aqi_peer_worker.py")
        subprocess.run([python, "-W", "ignore", worker, source, target], check=True, stdout=subprocess.DEVNULL)
        found = json.loads(target.read_text())
    return float(found["seconds"]), np.array(found["aqi"], dtype=float)


def _peer() -> Path | None:
    """The interpreter that has aqi-hub; None, and why, when it cannot be installed."""
    home = ROOT / ".venv-bench" / "aqi"
    python, stamp, pinned = home / "bin" / "python", home / "peers.txt", Path(__file__).with_name("peers-aqi.txt")
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
        print(f"aqi-hub could not be installed, so it is left out: {reason.strip().splitlines()[-1]}")
        return None
    stamp.write_bytes(pinned.read_bytes())
    return python


def _best(work: Callable[[], np.ndarray], repeats: int = 3) -> tuple[float, np.ndarray]:
    times, out = [], np.zeros(0)
    for _ in range(repeats):
        begun = time.perf_counter()
        out = work()
        times.append(time.perf_counter() - begun)
    return min(times), out


if __name__ == "__main__":
    run()
