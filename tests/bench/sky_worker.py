"""Our way over the tile, in a process of its own so that its peak memory is its own. Run by sky.py.

    python -m tests.bench.sky_worker FOLDER THREADS BUFFER_M ROUNDS -> JSON

Decoding alone and the whole way take turns, over the same blocks with the same number of threads, so that both meet the
same machine; `halves` is the time of two processes that share the blocks, one thread each, beside one process alone.
"""

import json
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from processing.imagery import stream, workers
from processing.imagery.cells import cells_of
from processing.imagery.stream import Block, Job
from processing.imagery.tables import thresholds
from store.windows import reading
from tests.bench import sky_tile


def decode(work: Job, todo: Iterable[Block]) -> int:
    """Read what `stream.part` reads, and nothing more."""
    n = 0
    with ExitStack() as stack:
        rasters = {b: stack.enter_context(work.opened(f)) for b, f in work.files.items()}
        for block in todo:
            stream.read(work, rasters, block)
            n += 1
    return n


def processes(pool: ProcessPoolExecutor, n: int):
    """A mapper over processes, each with its share of the blocks."""

    def run(task, work: Job, todo: Sequence[Block]):
        return pool.map(task, [work] * n, [list(todo[i::n]) for i in range(n)])

    return run


def timed(work) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def peak_mib() -> float:
    """Peak memory of this process alone (`getrusage` also counts what the parent had when it started us)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def main() -> None:
    folder, threads, buffer_m, rounds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    side = int((folder / "side.txt").read_text())
    files = {band: str(folder / f"{band}.tif") for band in ("B04", "B08", "SCL")}
    limits = {**thresholds(), "cloud_buffer_m": buffer_m}
    zones = sky_tile.zones(side)
    work = stream.job(reading, files, "ndvi", {"zones": zones}, limits=limits)
    found = timed(lambda: cells_of(zones, work.grid))
    run = workers.threads(threads)
    todo = stream.blocks(work)
    out: dict[str, object] = {"zones_s": found, "decode_s": [], "all_s": [], "blocks": len(todo)}
    stream.statistics(work, sky_tile.PROPERTIES, run)  # kernels are loaded once, not per run
    for _ in range(rounds):
        out["decode_s"].append(timed(lambda: list(run(decode, work, todo))))
        out["all_s"].append(timed(lambda: stream.statistics(work, sky_tile.PROPERTIES, run)))
    table = stream.statistics(work, sky_tile.PROPERTIES, run).tables["zones"]
    out |= {"means": table["mean"].tolist(), "peak_mib": peak_mib()}
    if threads > 1:
        out["halves"] = shared(work)
    print(json.dumps(out))


def shared(work: Job) -> list[float]:
    """The best of three of one process with one thread, and of two such processes."""
    best = []
    for n in (1, 2):
        with ProcessPoolExecutor(n) as pool:
            mapper = processes(pool, n)
            stream.statistics(work, sky_tile.PROPERTIES, mapper)
            best.append(min(timed(lambda m=mapper: stream.statistics(work, sky_tile.PROPERTIES, m)) for _ in range(3)))
    return best


if __name__ == "__main__":
    main()
