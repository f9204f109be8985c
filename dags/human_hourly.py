"""### human_hourly: the human eye, every hour

Takes the grid workers' reports of the hour from the platform's interface and its spreadsheet exports, masks personal
data, merges reports of one spot, evaluates the alert rules, and joins reports and verdicts into incidents.

**Owner** the grid management centre. **Repeat** any run at any time: nothing changes.
"""

from airflow.sdk import chain, dag

from dags.partition import settings
from dags.steps import ALERTS, INCIDENTS, INDICATORS, REPORTS, ingest, shell, watcher

UNIT = "hour"


@dag(dag_id="human_hourly", doc_md=__doc__, **settings(UNIT))
def human_hourly() -> None:
    """Ingest, merge spots, evaluate, fuse."""
    arrived = ingest("human", UNIT, ["grid_platform", "grid_export", "grid_photos"])
    computed = shell("compute_human", UNIT, inlets=[REPORTS], outlets=[INDICATORS])
    evaluated = shell("evaluate", UNIT, inlets=[INDICATORS], outlets=[ALERTS])
    fused = shell("fuse", UNIT, inlets=[ALERTS], outlets=[INCIDENTS])
    chain(arrived, computed, evaluated, fused)
    [arrived, computed, evaluated, fused] >> watcher()


human_hourly()
