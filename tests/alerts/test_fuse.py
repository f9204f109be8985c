"""Fusion: the KD-tree against all pairs, order of arrival, and what raises and lowers confidence."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from scipy.special import expit

from alerts.fuse import components, fuse
from alerts.incidents import tables
from alerts.incidents.links import pairs
from domain.registry import Registry
from domain.rivers import Rivers
from store.home import SAMPLE_COUNTY
from tests.alerts.incidents.given import HOUR, T0, piece, pieces

RIVERS = Rivers.of(Registry.load(SAMPLE_COUNTY))
KINDS = ("water", "air", "ground", "noise", "instrument")


def drawn(draw_seed: int, n: int) -> pd.DataFrame:
    """Evidence crowded enough that links, and near misses, are many."""
    rng = np.random.default_rng(draw_seed)
    rows = []
    for i in range(n):
        origin = str(rng.choice(["alert", "spot", "candidate"]))
        river = str(rng.choice(["", "oujiang", "xiaoxi"]))
        rows.append(
            piece(
                f"{origin}:{i:03d}",
                kind=str(rng.choice(KINDS)),
                at=float(rng.integers(0, 400)),
                hours=None if rng.random() < 0.1 else float(rng.integers(0, 60)),
                x=float(rng.integers(0, 4000)),
                y=float(rng.integers(0, 4000)),
                extent_m=float(rng.choice([0, 100, 300])),
                river=river,
                river_km=float(rng.integers(0, 60)) if river else np.nan,
                keys=f"k{rng.integers(0, 8)}" if rng.random() < 0.2 else "",
                certainty=float(rng.integers(1, 4)) if origin == "spot" else 1.0,
            )
        )
    return pieces(*rows)


def every_pair(rows: pd.DataFrame) -> np.ndarray:
    """The same relation, looked at pair by pair."""
    x, y = Transformer.from_crs("EPSG:4326", RIVERS.crs, always_xy=True).transform(rows["lon"], rows["lat"])
    far = pd.Timestamp("2200-01-01", tz="UTC")
    number = tables.settings()
    out = []
    records = rows.to_dict("records")
    for i, a in enumerate(records):
        for j in range(i + 1, len(records)):
            b = records[j]
            if {a["id"], *a["keys"].split()} & {b["id"], *b["keys"].split()}:
                out.append((i, j))
                continue
            link = tables.links().get((a["kind"], "+".join(sorted((a["eye"], b["eye"])))))
            if a["kind"] != b["kind"] or link is None:
                continue
            ends = [far if pd.isna(r["ends_at"]) else r["ends_at"] for r in (a, b)]
            pause = max(a["starts_at"] - ends[1], b["starts_at"] - ends[0], pd.Timedelta(0))
            away = np.hypot(x[i] - x[j], y[i] - y[j]) - a["extent_m"] - b["extent_m"]
            near = away <= link.radius_m and pause <= link.gap_h * pd.Timedelta(hours=1)
            flows = False
            for up, low, end_up, end_low in ((a, b, ends[0], ends[1]), (b, a, ends[1], ends[0])):
                d = RIVERS.downstream_km(up["river"], up["river_km"], low["river"], low["river_km"])
                if link.river and up["river"] and d <= number["river_reach"]:
                    soonest = up["starts_at"] + pd.Timedelta(hours=d / number["flow_max"])
                    latest = end_up + pd.Timedelta(hours=d / number["flow_min"])
                    wait = max(soonest - end_low, low["starts_at"] - latest)
                    flows |= wait <= pd.Timedelta(hours=number["river_gap"])
            if near or flows:
                out.append((i, j))
    return np.array(out, dtype=np.int64).reshape(-1, 2)


@pytest.mark.parametrize("seed", range(6))
def test_groups_are_those_of_all_pairs(seed):
    rows = drawn(seed, 60)
    found = components(len(rows), pairs(rows, RIVERS))
    wanted = components(len(rows), every_pair(rows))
    assert pd.Series(found).groupby(wanted).nunique().max() == 1
    assert pd.Series(wanted).groupby(found).nunique().max() == 1
    assert len(set(found)) < len(rows)  # something was linked at all


@settings(max_examples=8)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(seed, random):
    rows = drawn(seed, 25)
    order = list(range(len(rows)))
    random.shuffle(order)
    a, b = fuse(rows, RIVERS), fuse(rows.iloc[order].reset_index(drop=True), RIVERS)
    pd.testing.assert_frame_equal(a.incidents, b.incidents)
    pd.testing.assert_frame_equal(a.evidence, b.evidence)


def confidence(*rows) -> float:
    found = fuse(pieces(*rows), RIVERS).incidents
    assert len(found) == 1, found
    return float(found["confidence"].iloc[0])


ALARM = piece("alert:a", hours=10)
SPOT = piece("spot:s", at=1, x=100, certainty=2.0)
SEEN = piece("candidate:c", at=2, x=200)


def said(outcome: str, at: float = 20, name: str = "verdict:v"):
    return piece(name, at=at, weight=f"verdict.{outcome}", lon=np.nan, lat=np.nan, keys="alert:a")


def test_each_further_eye_makes_it_more_likely_and_one_eye_twice_less_so():
    one, two, three = confidence(ALARM), confidence(ALARM, SPOT), confidence(ALARM, SPOT, SEEN)
    assert one < two < three
    again = confidence(ALARM, piece("alert:b", hours=10, kind="ground", keys="alert:a"))
    assert one < again < two + 1e-9


def test_the_formula_by_hand():
    weights, prior = tables.weights(), tables.kinds()["ground"].prior
    spot = weights["human.spot"].weight * (1 + weights["human.spot"].repeat)  # two witnesses
    wanted = prior + weights["ground.alert"].weight + spot + weights["sky.candidate"].weight * 1.0
    assert confidence(ALARM, SPOT, SEEN) == pytest.approx(float(expit(wanted)))


def test_a_verdict_decides_and_the_last_one_stands():
    one = confidence(ALARM)
    assert confidence(ALARM, said("found")) > 0.95
    assert confidence(ALARM, said("not_found")) < 0.2 < one
    assert confidence(ALARM, said("instrument")) < 0.2
    assert confidence(ALARM, said("unclear")) == one
    both = fuse(pieces(ALARM, said("not_found"), said("found", 30, "verdict:w")), RIVERS).incidents
    assert both["outcome"].tolist() == ["found"]


def test_what_was_withdrawn_says_nothing_but_the_incident_stays():
    gone = piece("alert:a", hours=10, standing=False)
    found = fuse(pieces(gone), RIVERS).incidents
    assert len(found) == 1
    assert found["confidence"].iloc[0] == pytest.approx(float(expit(tables.kinds()["ground"].prior)))


def test_a_failing_instrument_casts_doubt_on_its_own_alarm_alone():
    alarm = piece("alert:x", kind="water", subject="water-5")
    fault = piece("alert:f", kind="instrument", subject="water-5", weight="ground.fault", x=3000)
    other = piece("alert:f", kind="instrument", subject="water-6", weight="ground.fault", x=3000)
    doubted, alone = (fuse(pieces(alarm, f), RIVERS).incidents.set_index("kind")["confidence"] for f in (fault, other))
    assert doubted["water"] < alone["water"]


def test_one_report_opens_nothing_two_witnesses_do():
    assert fuse(pieces(piece("spot:s", certainty=1.0)), RIVERS).incidents.empty
    assert len(fuse(pieces(piece("spot:s", certainty=2.0)), RIVERS).incidents) == 1


def test_it_opens_when_what_was_known_sufficed():
    found = fuse(pieces(piece("spot:s", certainty=1.0), piece("candidate:c", at=5, x=50)), RIVERS).incidents
    assert found["opened_at"].tolist() == [pd.Timestamp(T0 + 6 * HOUR)]
    assert found["founder"].tolist() == ["spot:s"]


def test_two_eyes_that_agree_raise_the_colour_and_nothing_found_lowers_it():
    assert fuse(pieces(ALARM), RIVERS).incidents["severity"].tolist() == ["yellow"]
    assert fuse(pieces(ALARM, SPOT, SEEN), RIVERS).incidents["severity"].tolist() == ["orange"]
    assert fuse(pieces(ALARM, SPOT, said("not_found")), RIVERS).incidents["severity"].tolist() == ["blue"]


def test_water_is_followed_downstream_at_its_pace():
    def section(name, km, at):
        return piece(f"alert:{name}", kind="water", at=at, hours=6, x=km * 1000, river="oujiang", river_km=km)

    # 15 km take 3.75 to 18.75 hours.
    assert len(fuse(pieces(section("up", 27, 0), section("low", 42, 8)), RIVERS).incidents) == 1
    assert len(fuse(pieces(section("up", 27, 0), section("low", 42, 60)), RIVERS).incidents) == 2
    assert len(fuse(pieces(section("up", 42, 0), section("low", 27, 40)), RIVERS).incidents) == 2


def test_nothing_gives_nothing():
    found = fuse(pieces(), RIVERS)
    assert found.incidents.empty
    assert found.evidence.empty
