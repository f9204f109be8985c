"""Runs one peer on the series of a file; started by qc_peers.py with the interpreter of .venv-bench, knows only numpy.

python qc_peer_worker.py ioos_qc|saqc series.npz flags.npz
"""

import sys
import time
import warnings
from itertools import pairwise

import numpy as np
import pandas as pd

ITEM_COLUMNS = ("fail_min", "fail_max", "spike_suspect", "spike_fail", "rate_suspect", "flat_suspect_h", "gap_periods")


def ioos(values, times, of):
    """The five tests of ioos_qc on one series: kind -> flagged."""
    from ioos_qc import qartod

    there = np.isfinite(values)  # the gap test sees times only: it is given those that have a value
    flags = {
        "range": qartod.gross_range_test(values, fail_span=(of["fail_min"], of["fail_max"])),
        "spike": qartod.spike_test(
            values, suspect_threshold=of["spike_suspect"], fail_threshold=of["spike_fail"], method="differential"
        ),
        "rate": qartod.rate_of_change_test(values, times, threshold=of["rate_suspect"] / 3600),
        # The default tolerance of 0 flags nothing at all (it asks for a range below it); this is just above 0.
        "flat": qartod.flat_line_test(
            values, times, suspect_threshold=(of["flat_suspect_h"] - 1) * 3600,
            fail_threshold=(2 * of["flat_suspect_h"] - 1) * 3600, tolerance=1e-9,
        ),
        "gap": _at(there, qartod.time_gap_test(times[there], fail_span=of["gap_periods"])),
    }  # fmt: skip
    return {k: np.isin(np.ma.filled(f, 2), (3, 4)) for k, f in flags.items()}


def _at(there, flags):
    out = np.full(len(there), 9)
    out[there] = flags
    return out


def saqc(values, times, of):
    """The tests of SaQC nearest to the five, on one series; it has none for gaps between rows."""
    from saqc import SaQC

    data = pd.Series(values, index=pd.DatetimeIndex(times))
    hours = f"{of['flat_suspect_h']:.0f}h"
    calls = {
        "range": lambda qc: qc.flagRange("x", min=of["fail_min"], max=of["fail_max"]),
        "spike": lambda qc: qc.flagOffset(
            "x", thresh=of["spike_suspect"], tolerance=of["spike_suspect"] / 2, window="4h"
        ),
        "rate": lambda qc: qc.flagJumps("x", thresh=of["rate_suspect"], window="3h"),
        "flat": lambda qc: qc.flagConstants("x", thresh=0, window=hours, min_periods=int(of["flat_suspect_h"] * 0.5)),
    }
    raw = SaQC(pd.DataFrame({"x": data}))
    return {k: (call(raw).flags["x"] > 0).to_numpy() for k, call in calls.items()}


def main(peer, source, target):
    """Flags of every test of the peer on every series, and the seconds they took together."""
    warnings.simplefilter("ignore")
    given = np.load(source)
    values, series, item, limits = given["values"], given["series"], given["item"], given["limits"]
    times = given["times"].astype("datetime64[s]").astype("datetime64[ns]")
    edges = np.searchsorted(series, np.arange(series.max() + 2))
    run, parts, spent = {"ioos_qc": ioos, "saqc": saqc}[peer], [], 0.0
    for a, b in pairwise(edges):
        of = dict(zip(ITEM_COLUMNS, limits[item[a]], strict=True))
        begun = time.perf_counter()
        parts.append(run(values[a:b], times[a:b], of))
        spent += time.perf_counter() - begun
    np.savez(target, seconds=spent, **{k: np.concatenate([p[k] for p in parts]) for k in parts[0]})


if __name__ == "__main__":
    main(*sys.argv[1:4])
