"""Evidence in few words, for tests of incidents."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from domain.incidents import Evidence, frame

T0 = datetime(2026, 8, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
EYES = {"alert": "ground", "spot": "human", "candidate": "sky", "verdict": "human"}
WEIGHTS = {"alert": "ground.alert", "spot": "human.spot", "candidate": "sky.candidate"}


def piece(
    name: str, *, kind: str = "ground", at: float = 0, hours: float | None = 1, x: float = 0, y: float = 0, **more
):
    """Evidence `origin:ref` at x, y metres from a point in the county, from `at` hours after T0 on."""
    origin, _, ref = name.partition(":")
    start = T0 + at * HOUR
    row = {
        "id": name,
        "origin": origin,
        "ref": ref,
        "eye": EYES[origin],
        "weight": WEIGHTS.get(origin, ""),
        "kind": kind,
        "rule": "",
        "subject": ref,
        "township": "331102204",
        "name_zh": "甲",
        "name_en": "A",
        "severity": "yellow",
        "standing": True,
        "certainty": 1.0,
        "starts_at": start,
        "ends_at": None if hours is None else start + hours * HOUR,
        "known_at": start + HOUR,
        "lon": 119.80 + x / 98_000,
        "lat": 28.40 + y / 110_800,
        "extent_m": 0.0,
        "river": "",
        "river_km": np.nan,
        "keys": "",
        "summary_zh": "",
        "summary_en": "",
    }
    return Evidence(**{**row, **more})


def pieces(*rows: Evidence) -> pd.DataFrame:
    return frame(rows)
