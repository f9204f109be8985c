"""The rules to include, through the lake: live is backfill for rates, compositions, deadbands, shares and anomalies."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alerts.rules import RuleBook, load
from alerts.run import evaluate
from domain.records import TABLES
from domain.registry import Registry
from store.home import Home
from store.ledger.alerts import read_alerts
from tests.alerts.conftest import T0, Box, brief, final, hours, indicators, observations, put

INCLUDED = load(Path(__file__).with_name("included.yaml"))
LEVELS = {"NH3N": (0.1, 0.9), "DO": (8.0, 4.0), "CODMn": (1.0, 9.0), "TP": (0.02, 0.099, 0.2)}


def only(*ids: str) -> RuleBook:
    return RuleBook(rules=tuple(r for r in INCLUDED.rules if r.id in ids))


WATER = only("water.oxygen_falls", "water.sewage", "water.tp", "water.do")


def restless(seed: int, n: int = 18) -> pd.DataFrame:
    """Values of four parameters at one section every four hours, in rows of one level, with gaps."""
    rng = np.random.default_rng(seed)
    frames = []
    for parameter, levels in LEVELS.items():
        blocks = np.repeat(rng.choice(levels, size=n), rng.integers(1, 5, size=n))[:n]
        values = [None if rng.random() < 0.15 else float(v) for v in blocks]
        frames.append(observations("water-1", parameter, values, medium="water", period="PT4H"))
    return pd.concat(frames, ignore_index=True)


@pytest.mark.parametrize("seed", range(4))
def test_live_is_backfill(home: Home, tmp_path: Path, county: Registry, seed: int) -> None:
    whole = restless(seed)
    rng = np.random.default_rng(seed + 100)
    ends = (whole["time"] - T0) / timedelta(hours=1) + 4
    arrives = ends + rng.choice([0, 0, 0, 12, 30], size=len(whole))  # some come late
    last = int(arrives.max())
    for now in range(8, last + 8, 8):
        put(home, "observations", whole[(arrives > now - 8) & (arrives <= now)])
        evaluate(home, now=hours(now), notifiers=[], rules=WATER)
    once = Home(tmp_path / "once", county)
    put(once, "observations", whole)
    evaluate(once, now=hours(now), notifiers=[], rules=WATER)
    pd.testing.assert_frame_equal(final(home), final(once))
    assert len(final(once)), "something must be found"


def test_a_share_of_the_area(home: Home, county: Registry) -> None:
    water = county.waters.ids[0]
    put(home, "indicators", indicators("ecology.bloom_ha", water, [1e6], period="P1D", medium="ecology"))
    evaluate(home, now=hours(48), notifiers=[], rules=only("ecology.bloom_share"))
    (row,) = read_alerts(home.ledger).to_dict("records")
    assert (row["subject"], row["unit"], row["threshold"], row["severity"]) == (water, "%", 10, "orange")
    assert row["value"] > 10


def test_an_anomaly_by_learnt_bands_and_a_new_learning_judges_anew(home: Home) -> None:
    rule = only("air.pm25_unusual")
    frame = observations("air-1", "PM2.5", [30, 90, 95, 30], medium="air", unit="ug/m3")
    put(home, "observations", frame)
    evaluate(home, now=hours(4), notifiers=[], rules=rule)
    assert brief(home) == [], "nothing was learnt, so nothing is unusual"
    put(home, "bands", _bands(40.0))
    evaluate(home, now=hours(4), notifiers=[], rules=rule)
    (row,) = read_alerts(home.ledger).to_dict("records")
    assert (row["subject"], row["threshold"], row["value"]) == ("air-1", 65.0, 95.0)
    put(home, "bands", _bands(60.0))
    evaluate(home, now=hours(4), notifiers=[Box()], rules=rule)
    assert brief(home)[0][2] == "withdrawn", "three times as far is 120 now"


def _bands(high: float) -> pd.DataFrame:
    """What is usual in August at every hour: a middle of 30, and an upper edge."""
    rows = [
        {
            "version": "2026-01-01", "valid_from": T0 - timedelta(days=200), "medium": "air", "station_id": "air-1",
            "parameter": "PM2.5", "period": "PT1H", "season": 8, "hour": hour, "low": 10.0, "middle": 30.0,
            "high": high, "n": 100,
        }
        for hour in range(24)
    ]  # fmt: skip
    return TABLES["bands"].frame(rows)


def test_the_sets_may_be_loaded_together() -> None:
    assert len(INCLUDED.rules) == 28
    assert len(INCLUDED.by_id) == 28
