"""The real scheduler: a backfill gives exactly what a live run gives, and what the same functions give without it."""

from datetime import timedelta

import pytest

from console.orchestrator import airflow, environment_of
from store.home import Home
from tests.pipeline import START, hours, run, tables

pytestmark = pytest.mark.airflow
HOURS = 2


@pytest.mark.timeout(300)
def test_a_backfill_gives_what_a_run_by_hand_and_the_functions_give(small_feeds, tmp_path):
    end = START + timedelta(hours=HOURS)
    plain = Home.open(tmp_path / "plain")
    for first, last in hours(START, end):
        run(plain, small_feeds, first, last, eyes=("ground",))
    expected = tables(plain)

    scheduled = tmp_path / "scheduled"
    told = environment_of(scheduled, str(small_feeds), end.isoformat(), retries=0)
    with airflow(tmp_path / "airflow", told) as server:
        server.ready(["ground_hourly"])
        server.backfill("ground_hourly", START.isoformat(), (end - timedelta(hours=1)).isoformat())
        server.wait({"ground_hourly": HOURS}, timeout_s=200)
        assert tables(scheduled) == expected
        for n, (first, _) in enumerate(hours(START, end), start=1):
            server.trigger("ground_hourly", {"partition": f"{first:%Y-%m-%dT%H}"})
            server.wait({"ground_hourly": HOURS + n}, timeout_s=200)
    assert tables(scheduled) == expected
