"""Sample feeds in, alerts out: every injected event is found and nothing else is."""

from datetime import timedelta

import pandas as pd
import pytest

from alerts.incidents.score import score as score_incidents
from alerts.score import score
from store.home import Home
from store.ledger.alerts import read_alerts
from store.ledger.incidents import read_evidence, read_incidents
from tests.pipeline import END, START, hours, run, tables

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def truth(demo_feeds):
    return pd.read_csv(demo_feeds / "truth.csv", dtype=str, keep_default_na=False)


def test_alerts_are_exactly_the_injected_events(demo_home, truth):
    result = score(read_alerts(demo_home.ledger), truth)
    assert len(result.missed) == 0, result.missed
    assert len(result.false) == 0, result.false
    assert result.expected == len(truth[truth["expect"] == "alert"])


def test_what_the_eyes_say_of_one_matter_is_one_incident(demo_home, truth):
    everything = read_incidents(demo_home.ledger, now=END, active=None, limit=10_000)
    found = score_incidents(everything, read_evidence(demo_home.ledger), read_alerts(demo_home.ledger), truth)
    assert found.recall == 1, found.matters
    assert found.precision == 1, (found.matters, found.false)
    assert found.apart == (3, 3)
    assert found.matters["eyes"].str.contains(",").sum() >= 7
    lead = found.lead_h.set_index(["incident", "eye"])["hours"]
    assert found.matters.set_index("incident")["eyes"]["reservoir-bloom"] == "ground,human,sky"
    assert lead["reservoir-bloom", "sky"] > 24  # people saw it a day before the satellite came by
    assert lead["bihu-discharge", "ground"] >= 2  # and smelt it before three bad hours had passed
    assert lead["lixin-hillside", "human"] > 6  # space saw it before a second witness did
    assert lead["dagangtou-dump", "human"] == float("inf")  # one report alone is believed by nobody


def test_a_fault_of_a_device_is_never_pollution(demo_home, truth):
    faulty = set(
        truth.loc[truth["kind"].isin(["flat_line", "spike", "drift", "gap", "wrong_clock", "calibration"]), "subject"]
    )
    polluted = set(truth.loc[(truth["expect"] == "alert") & ~truth["rule"].str.startswith("station."), "subject"])
    assert faulty
    alerts = read_alerts(demo_home.ledger)
    blamed = alerts[alerts["subject"].isin(faulty - polluted) & ~alerts["rule"].str.startswith("station.")]
    assert blamed.empty, blamed


def test_every_injected_rejection_is_counted_with_its_reason_and_its_raw_payload(demo_home, truth):
    rejections = demo_home.ledger.rejections()
    expected = set(truth.loc[truth["expect"] == "rejection", "rule"])
    assert expected
    assert expected <= set(rejections["reason"])
    for row in rejections.to_dict("records"):
        payload = demo_home.files.payload(row["raw_ref"])
        assert row["offset"] + row["length"] <= len(payload)
        assert row["detail"]


def test_running_it_all_again_changes_nothing(demo_home, demo_feeds):
    before = tables(demo_home)
    run(demo_home, demo_feeds, START, END)
    assert tables(demo_home) == before


def test_hour_by_hour_gives_what_one_run_gives(small_feeds, tmp_path):
    end = START + timedelta(hours=6)
    once, live = Home.open(tmp_path / "once"), Home.open(tmp_path / "live")
    run(once, small_feeds, START, end)
    for first, last in hours(START, end):
        run(live, small_feeds, first, last)
    a, b = tables(once), tables(live)
    for name in a.keys() - {"coverage", "superseded"}:  # these tell how it was asked, not what was found
        assert a[name] == b[name], name
