"""Our quality control against ioos_qc and SaQC: speed of the same five tests, and faults found at what price.

Twelve stations, five years of hours, six items, with seeded faults whose truth is known. All get the thresholds of
`domain/tables/qc_thresholds.csv`; where a peer has a further choice, it has the best of those tried. The peers live in
`.venv-bench`, made here from `peers.txt` and used by nothing else; where they cannot be installed, that is said.

    python -m tests.bench.qc_peers [YEARS [SEED ...]]      other seeds put other faults into other series
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
import pandas as pd

from domain.records import Flag
from processing.qc_kernel import LIMITS, TESTS, series_tests
from processing.screening import FLAT_VALUES, REACH_PERIODS, REACH_S, thresholds
from tests.bench.qc_faults import ITEMS, KINDS, Faulty, H, faulty, score
from tests.bench.qc_peer_worker import ITEM_COLUMNS

ROOT = Path(__file__).resolve().parents[2]
PEERS = ("ioos_qc", "saqc")
STATIONS, YEARS, SEED = 12, 5, 20260818
#: How many times faster than ioos_qc we want to be at least.
AIM = 20


def run(years: float = YEARS, seed: int = SEED) -> list[dict[str, Any]]:
    """Print and return the ratios of time to each peer, and recall and false-flag share per kind of fault."""
    truth = faulty(STATIONS, round(8766 * years), seed)
    limits = thresholds().loc[[("air", item) for item in ITEMS]]
    mine, seconds = _ours(truth, limits)
    found, times = {"ours": mine}, {"ours": seconds}
    python = _peers()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "series.npz"
        np.savez(source, values=truth.values, times=truth.times, series=truth.series, item=truth.item,
                 limits=limits[list(ITEM_COLUMNS)].to_numpy(float))  # fmt: skip
        for peer in PEERS if python else ():
            target = Path(folder) / f"{peer}.npz"
            worker = Path(__file__).with_name("qc_peer_worker.py")
            subprocess.run([python, worker, peer, source, target], check=True, stdout=subprocess.DEVNULL)
            with np.load(target) as got:
                times[peer] = float(got["seconds"])
                found[peer] = {k: got[k] for k in KINDS if k in got}
    return _speed(truth, times) + _quality(truth, found)


def _ours(truth: Faulty, limits: pd.DataFrame) -> tuple[dict[str, np.ndarray], float]:
    """Rows each of our five tests marks, and the best time of three of all five over all rows."""
    table = np.stack([_column(limits, name) for name in LIMITS], axis=1)
    device = np.full(len(truth.values), int(Flag.NOT_EVALUATED), np.int8)
    given = (truth.values, truth.times, truth.series, device, truth.item, table)
    series_tests(*(x[:1000] for x in given[:5]), table)  # kernels are compiled once, not per run
    best = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        flags = series_tests(*given)
        best = min(best, time.perf_counter() - begun)
    return {kind: np.isin(flags[TESTS.index(kind)], (3, 4)) for kind in KINDS}, best


def _column(limits: pd.DataFrame, name: str) -> np.ndarray:
    """A column of the kernel's limits, in the units the kernel needs; what peers have no word for is left out."""
    reach = float(REACH_PERIODS * H)
    made = {
        "flat_suspect_n": limits["flat_suspect_h"], "flat_fail_n": limits["flat_fail_h"], "flat_tolerance": 0.0,
        "flat_above": limits["flat_above"].fillna(-np.inf), "longest_s": limits["gap_periods"] * H, "reach_s": reach,
        "flat_reach_s": REACH_S, "step_s": H, "flat_least": FLAT_VALUES[0],
        "spike_relative": 0.0, "suspect_min": np.nan, "suspect_max": np.nan,
    }  # fmt: skip
    return np.full(len(limits), made.get(name, limits.get(name)), dtype=float)


def _peers() -> Path | None:
    """The interpreter that has the peers; None, and why, when they cannot be installed."""
    home = ROOT / ".venv-bench"
    python, stamp, pinned = home / "bin" / "python", home / "peers.txt", Path(__file__).with_name("peers.txt")
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


def _speed(truth: Faulty, times: dict[str, float]) -> list[dict[str, Any]]:
    rows = len(truth.values)
    print(
        f"{rows:,} values of {STATIONS} stations and {len(ITEMS)} items; "
        f"ours {rows / times['ours'] / 1e6:.1f} million values a second"
    )
    out = []
    for peer in PEERS:
        if peer in times:
            ratio = times[peer] / times["ours"]
            aim = f" (aim: {AIM})" if peer == "ioos_qc" else ""
            print(f"time of {peer} over ours: {ratio:.0f}{aim}")
            out.append({"what": "quality control, the five tests", "peer": peer, "ratio": ratio})
    return out


def _quality(truth: Faulty, found: dict[str, dict[str, np.ndarray]]) -> list[dict[str, Any]]:
    """The table of recall at false-flag share, and the figures."""
    told: Callable[[tuple[float, float]], str] = lambda s: f"{s[0]:.4f} at {s[1]:.6f}"  # noqa: E731
    print("recall at false-flag share of each fault's own test:")
    print(f"| {'fault':6} | {'rows':>6} | " + " | ".join(f"{who:20}" for who in found) + " |")
    print("|---|---|" + "---|" * len(found))
    out = []
    for kind in KINDS:
        scores = {who: score(flags[kind], truth, kind) for who, flags in found.items() if kind in flags}
        n = int((np.isfinite(truth.values) & (truth.kind == KINDS.index(kind))).sum())
        cells = (told(scores[who]) if who in scores else "no such test" for who in found)
        print(f"| {kind:6} | {n:6} | " + " | ".join(f"{c:20}" for c in cells) + " |")
        out.append({"what": f"faults found: {kind}", "peer": ", ".join(found), "scores": scores})
    return out


if __name__ == "__main__":
    chosen = [int(word) for word in sys.argv[2:]] or [SEED]
    for one in chosen:
        print(f"\nseed {one}")
        print(json.dumps(run(float(sys.argv[1]) if len(sys.argv) > 1 else YEARS, one), indent=1))
