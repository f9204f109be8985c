"""### human_hourly: the human eye, every hour

Takes the grid workers' reports of the hour from the platform's interface and its spreadsheet exports, masks personal
data, merges reports of one spot, and evaluates the alert rules.

**Owner** the grid management centre. **Repeat** any run at any time: nothing changes.
"""

from airflow.sdk import chain, dag

from dags.partition import settings
from dags.steps import ALERTS, INDICATORS, REPORTS, ingest, shell, watcher

UNIT = "hour"


@dag(dag_id="human_hourly", doc_md=__doc__, **settings(UNIT))
def human_hourly() -> None:
    """Ingest, merge spots, evaluate."""
    arrived = ingest("human", UNIT, ["grid_platform", "grid_export"])
    computed = shell("compute_human", UNIT, inlets=[REPORTS], outlets=[INDICATORS])
    evaluated = shell("evaluate", UNIT, inlets=[INDICATORS], outlets=[ALERTS])
    chain(arrived, computed, evaluated)
    [arrived, computed, evaluated] >> watcher()


human_hourly()
