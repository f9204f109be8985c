"""### history: months of the past, all three eyes

The same shell functions as the hourly and daily DAGs with a wider window: a task per hour of ten years would be days
of pure overhead. `airflow backfill create --dag-id history --from-date 2020-01-01 --to-date 2025-12-31`.

**Owner** the data engineer. **Repeat** any run at any time: nothing changes.
"""

from airflow.sdk import chain, dag

from dags.partition import settings
from dags.steps import ALERTS, INCIDENTS, INDICATORS, OBSERVATIONS, REPORTS, SCENES, ingest, shell, watcher

UNIT = "month"


@dag(dag_id="history", doc_md=__doc__, **settings(UNIT))
def history() -> None:
    """Ingest a month of every feed, compute what it touched, evaluate, fuse, publish."""
    ground = ingest("ground", UNIT, ["ground_hj212", "soil_lab"])
    human = ingest("human", UNIT, ["grid_platform", "grid_export", "grid_photos"])
    sky = ingest("sky", UNIT, ["sentinel2", "rainfall", "landcover", "dem"])
    computed = shell("compute", UNIT, inlets=[OBSERVATIONS], outlets=[INDICATORS])
    spots = shell("compute_human", UNIT, inlets=[REPORTS], outlets=[INDICATORS])
    seen = shell("compute_sky", UNIT, inlets=[SCENES], outlets=[INDICATORS])
    evaluated = shell("evaluate", UNIT, inlets=[INDICATORS], outlets=[ALERTS])
    fused = shell("fuse", UNIT, inlets=[ALERTS], outlets=[INCIDENTS])
    published = shell("publish", UNIT, inlets=[OBSERVATIONS, INDICATORS], outlets=[])
    chain([ground, human, sky], [computed, spots, seen], evaluated, fused, published)
    [ground, human, sky, computed, spots, seen, evaluated, fused, published] >> watcher()


history()
