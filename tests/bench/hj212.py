"""HJ 212 decoding against a plain pure-Python check-value loop over the same bytes, in the same process.

The loop is the cheapest thing a Python receiver can do with a frame; a ratio of 1 means that framing, checking,
parsing, unit conversion and building the table of observations together cost no more than that.

    python -m tests.bench.hj212
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sample_feeds
from domain.catalogue import TABLES_DIR, read_table
from domain.registry import Registry
from ingest.decoded import Context, Decoded
from ingest.decoders.hj212 import decode
from ingest.decoders.hj212.crc import TABLE
from sample_feeds.hj212_frames import frame

START = datetime(2026, 8, 18, tzinfo=UTC)
MIXES = {
    "air, 15 factors with Avg and Flag": ("air", "22", "{code}-Avg={value},{code}-Flag=N"),
    "stack, 9 factors with Cou Min Avg Max Flag": (
        "source",
        "31",
        "{code}-Cou={value},{code}-Min={value},{code}-Avg={value},{code}-Max={value},{code}-Flag=N",
    ),
}


def capture(size: int, medium: str, st: str, form: str) -> bytes:
    """About `size` bytes of hour data, as a gateway would have received them in one window."""
    stations = _registry().stations
    devices = stations[(stations["medium"] == medium) & (stations["mn"] != "")]["mn"].tolist()
    table = read_table(
        TABLES_DIR / "hj212_codes.csv", columns=["st", "code", "old_code", "parameter", "unit", "source"]
    )
    codes = table[table["st"].str.split().map(lambda types: st in types)]["code"].tolist()
    frames = list(_frames(size, devices, st, codes, form))
    return b"".join(frames)


def _frames(size: int, devices: list[str], st: str, codes: list[str], form: str) -> Iterator[bytes]:
    made, number = 0, 0
    while made < size:
        number += 1
        hour = START + timedelta(hours=number // len(devices))
        stamp = (hour + timedelta(hours=8)).strftime("%Y%m%d%H%M%S")
        items = [
            form.format(code=code, value=f"{(7 * number + 13 * i) % 1000 / 10:.1f}") for i, code in enumerate(codes)
        ]
        head = f"QN={stamp}{number % 1000:03d};ST={st};CN=2061;PW=123456;MN={devices[number % len(devices)]};Flag=5;"
        yield (made_frame := frame(f"{head}CP=&&DataTime={stamp};{';'.join(items)}&&".encode()))
        made += len(made_frame)


def plain_loop(payload: bytes) -> int:
    """The HJ 212 check value of all bytes, by the table, in pure Python."""
    register = 0xFFFF
    table = TABLE
    for byte in payload:
        register = table[(register >> 8) ^ byte]
    return register


def run(size: int = 1_000_000, repeats: int = 5) -> list[dict[str, Any]]:
    """Print and return, for each mix, the best of `repeats` of decode and loop on one core, and their ratio."""
    results = []
    for name, mix in MIXES.items():
        payload = capture(size, *mix)
        context = Context("bench", START, START + timedelta(days=400), _registry(), "raw/bench", "bench.hj212")
        decoded = decode(payload, context)  # compiles or loads the kernels
        seconds = _best(lambda p=payload, c=context: decode(p, c), repeats)
        loop = _best(lambda p=payload: plain_loop(p), repeats)
        results.append(_row(name, payload, decoded, seconds, loop))
        print("{name}: {ratio:.3f} of the plain loop; {mb_s:.0f} MB/s, {frames_s:,.0f} frames/s, "
              "{values_s:,.0f} values/s".format(**results[-1]))  # fmt: skip
    return results


def _row(name: str, payload: bytes, decoded: Decoded, seconds: float, loop: float) -> dict[str, Any]:
    return {
        "name": name,
        "ratio": seconds / loop,
        "decode_s": seconds,
        "loop_s": loop,
        "mb_s": len(payload) / seconds / 1e6,
        "frames_s": decoded.n_records / seconds,
        "values_s": len(decoded.observations) / seconds,
        "values": len(decoded.observations),
        "rejections": len(decoded.rejections),
    }


def _best(action: Callable[[], Any], repeats: int) -> float:
    spent = []
    for _ in range(repeats):
        begun = time.process_time()
        action()
        spent.append(time.process_time() - begun)
    return min(spent)


def _registry() -> Registry:
    return Registry.load(Path(sample_feeds.__file__).parent / "county")


if __name__ == "__main__":
    run()
