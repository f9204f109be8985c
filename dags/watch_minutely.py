"""### watch_minutely: what cannot wait for the hour

Takes in the packets that came since the last time, computes what they touch, evaluates the rules and sends what is to
be said; then joins the eyes into incidents, escalates what nobody acknowledged, and sends again what could not be sent.
Runs every two minutes, and at once when the gateway asks for it (docs/gateway.md). It adds nothing to the hourly DAGs
but time: they read their hour whole, mark coverage and take what this never saw.

It goes by the clock, so there is no point in a backfill: for the past there are `ground_hourly` and `history`. In a
replayed archive name the moment in the run's configuration: `{"now": "2026-08-20T09:00+08:00"}`.

A run that fails is not tried again: the next is near.

**Owner** the bureau's monitoring station. **Repeat** any run at any time: nothing changes.
"""

from datetime import timedelta

from airflow.sdk import chain, dag

from dags.partition import settings
from dags.steps import ALERTS, INCIDENTS, INDICATORS, OBSERVATIONS, live, watcher

UNIT = "minutes"
FEEDS = ("ground_hj212",)


# Two runs at once: a packet that comes when one has just read the files waits for no end of it.
SETTINGS = settings(UNIT, retries=0) | {"max_active_runs": 2, "dagrun_timeout": timedelta(minutes=30)}


@dag(dag_id="watch_minutely", doc_md=__doc__, **SETTINGS)
def watch_minutely() -> None:
    """Packet to message in one task, so that nothing waits for the scheduler between; then the incidents."""
    alarmed = live("alarm", FEEDS, outlets=[OBSERVATIONS, INDICATORS, ALERTS])
    joined = live("join", (), outlets=[INCIDENTS])
    chain(alarmed, joined)
    [alarmed, joined] >> watcher()


watch_minutely()
