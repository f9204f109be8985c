"""### ground_hourly: the ground eye, every hour

Takes what the HJ 212 gateway received in the hour, checks it, computes the indicators of every day it touched, and
evaluates the alert rules and joins what the eyes say into incidents. Late packets touch the days they belong to,
however old.

**Owner** the bureau's monitoring station. **Repeat** any run at any time: nothing changes.
**History** `airflow backfill create --dag-id ground_hourly --from-date ... --to-date ...`; for months use `history`.
"""

from airflow.sdk import chain, dag

from dags.partition import settings
from dags.steps import ALERTS, INCIDENTS, INDICATORS, OBSERVATIONS, ingest, shell, watcher

UNIT = "hour"


@dag(dag_id="ground_hourly", doc_md=__doc__, **settings(UNIT))
def ground_hourly() -> None:
    """Ingest, compute, evaluate, fuse, publish."""
    arrived = ingest("ground", UNIT, ["ground_hj212", "soil_lab"])
    computed = shell("compute", UNIT, inlets=[OBSERVATIONS], outlets=[INDICATORS])
    evaluated = shell("evaluate", UNIT, inlets=[INDICATORS], outlets=[ALERTS])
    fused = shell("fuse", UNIT, inlets=[ALERTS], outlets=[INCIDENTS])
    published = shell("publish", UNIT, inlets=[OBSERVATIONS, INDICATORS], outlets=[])
    chain(arrived, computed, evaluated, fused, published)
    [arrived, computed, evaluated, fused, published] >> watcher()


ground_hourly()
