"""Fusion of 50,000 pieces of evidence and how it grows, beside only finding the pairs by brute force on a part of them.

The peer is what one would write first: every pair of one kind looked at, vectorised. It is quadratic, so it runs on
16,000 pieces; the ratio at that size is printed, and the growth of ours from 5,000 to 50,000.
"""

import time

import numpy as np
import pandas as pd
from pyproj import Transformer

from alerts.fuse import fuse
from alerts.incidents.tables import links
from domain.incidents import frame, micros
from domain.registry import Registry
from domain.rivers import Rivers
from store.home import SAMPLE_COUNTY

_HOUR_US = 3_600_000_000


def made(n: int, *, years: float = 5.0, seed: int = 1) -> pd.DataFrame:
    """Evidence of three eyes at 500 places, spread over some years."""
    rng = np.random.default_rng(seed)
    kind = np.array(["water", "air", "noise", "ground", "instrument"])[rng.integers(0, 5, n)]
    spot = (rng.random(n) < 0.3) & (kind != "instrument")
    origin = np.where(spot, "spot", np.where(kind == "ground", "candidate", "alert"))
    weight = {"alert": "ground.alert", "spot": "human.spot", "candidate": "sky.candidate"}
    eye = {"alert": "ground", "spot": "human", "candidate": "sky"}
    start = pd.Timestamp("2021-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, int(years * 525_600), n), unit="min")
    places = np.column_stack([119.53 + 0.63 * rng.random(500), 28.10 + 0.63 * rng.random(500)])
    at = places[rng.integers(0, 500, n)]
    river = np.where((kind == "water") & (rng.random(n) < 0.5), "oujiang", "")
    words = dict.fromkeys(("rule", "name_zh", "name_en", "keys", "summary_zh", "summary_en"), "")
    return frame(
        pd.DataFrame(
            {
                **words,
                "id": [f"{o}:{i:06d}" for i, o in enumerate(origin)],
                "origin": origin,
                "ref": [str(i) for i in range(n)],
                "eye": [eye[o] for o in origin],
                "weight": [weight[o] for o in origin],
                "kind": kind,
                "subject": "s",
                "township": "331102001",
                "severity": "yellow",
                "standing": True,
                "certainty": np.where(spot, rng.integers(1, 5, n), 0.8),
                "starts_at": start,
                "ends_at": start + pd.to_timedelta(rng.integers(30, 1800, n), unit="min"),
                "known_at": start + pd.Timedelta(hours=1),
                "sure_at": pd.NaT,
                "lon": at[:, 0],
                "lat": at[:, 1],
                "extent_m": 0.0,
                "river": river,
                "river_km": np.where(river == "", np.nan, np.round(rng.random(n) * 70, 1)),
            }
        )
    )


def every_pair(evidence: pd.DataFrame, rivers: Rivers) -> int:
    """Pairs near in space and time by looking at all of them (rivers left out); returns how many."""
    x, y = Transformer.from_crs("EPSG:4326", rivers.crs, always_xy=True).transform(evidence["lon"], evidence["lat"])
    start, end = micros(evidence["starts_at"]), micros(evidence["ends_at"])
    eye, kind, n = evidence["eye"].to_numpy(object), evidence["kind"].to_numpy(object), 0
    for (of, eyes), link in links().items():
        a, b = eyes.split("+")
        first, second = np.flatnonzero((kind == of) & (eye == a)), np.flatnonzero((kind == of) & (eye == b))
        away = np.hypot(x[first][:, None] - x[second], y[first][:, None] - y[second])
        pause = np.maximum(start[first][:, None] - end[second], start[second] - end[first][:, None])
        n += int(((away <= link.radius_m) & (pause <= link.gap_h * _HOUR_US)).sum())
    return n


def run() -> None:
    """Print seconds, ratio and growth."""
    rivers = Rivers.of(Registry.load(SAMPLE_COUNTY))
    fuse(made(500), rivers)
    small = made(16_000)
    ours, peer = _seconds(lambda: fuse(small, rivers)), _seconds(lambda: every_pair(small, rivers))
    print(f"  16,000 pieces: incidents in {ours:.2f} s, all pairs alone {peer:.2f} s ({peer / ours:.1f} times)")
    rows = {n: made(n) for n in (5_000, 50_000)}
    spent = {n: _seconds(lambda n=n: fuse(rows[n], rivers)) for n in rows}
    growth = spent[50_000] / spent[5_000]
    print(f"  50,000 pieces: {spent[50_000]:.2f} s, {growth:.1f} times the 5,000 for ten times as many")


def _seconds(work) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    run()
