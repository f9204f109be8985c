"""### sky_daily: the sky eye, every day

Takes the scenes and grids the catalogues published on the day, brings both UTM zones onto the county grid, computes
indices, products and means by every kind of zone, follows candidates of change, adds what other satellites saw (NO2,
surface temperature), and evaluates the alert rules.

**Owner** the remote sensing desk. **Repeat** any run at any time: nothing changes.
"""

from airflow.sdk import chain, dag

from dags.partition import settings
from dags.steps import ALERTS, INCIDENTS, INDICATORS, SCENES, ingest, shell, watcher

UNIT = "day"


@dag(dag_id="sky_daily", doc_md=__doc__, **settings(UNIT))
def sky_daily() -> None:
    """Ingest, compute, evaluate, fuse."""
    arrived = ingest("sky", UNIT, ["sentinel2", "rainfall", "landcover", "dem"])
    computed = shell("compute_sky", UNIT, inlets=[SCENES], outlets=[INDICATORS])
    evaluated = shell("evaluate", UNIT, inlets=[INDICATORS], outlets=[ALERTS])
    fused = shell("fuse", UNIT, inlets=[ALERTS], outlets=[INCIDENTS])
    chain(arrived, computed, evaluated, fused)
    [arrived, computed, evaluated, fused] >> watcher()


sky_daily()
