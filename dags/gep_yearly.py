"""### gep_yearly: the inputs of the GEP account, once a year

Area by ecosystem, vegetation cover, rainfall and quality per township, from the lake and the scenes.

**Owner** the GEP desk. For a year that is not over: `airflow dags trigger gep_yearly --conf '{"partition": "2026"}'`.
"""

from airflow.sdk import chain, dag

from dags.partition import settings
from dags.steps import GEP_INPUTS, INDICATORS, SCENES, shell

UNIT = "year"


@dag(dag_id="gep_yearly", doc_md=__doc__, **settings(UNIT))
def gep_yearly() -> None:
    """Collect the inputs of the year."""
    chain(shell("account", UNIT, inlets=[INDICATORS, SCENES], outlets=[GEP_INPUTS]))


gep_yearly()
