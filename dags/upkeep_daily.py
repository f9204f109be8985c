"""### upkeep_daily: tidy up at night

Sends what could not be sent, merges small files and deletes files that no version of the last thirty days needs.

**Owner** the data engineer. **Repeat** any run at any time.
"""

from airflow.sdk import chain, dag

from dags.partition import settings
from dags.steps import shell

UNIT = "day"


@dag(dag_id="upkeep_daily", doc_md=__doc__, **settings(UNIT))
def upkeep_daily() -> None:
    """Publish what is left over, then compact."""
    chain(shell("publish", UNIT, inlets=[], outlets=[]), shell("tidy", UNIT, inlets=[], outlets=[]))


upkeep_daily()
