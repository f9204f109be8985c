"""### gep_yearly: the inputs, the account and the draft of the GEP report, once a year

Inputs per township from the lake, the scenes and the departments' forms; the account by the profile that
SANYAN_GEP_PROFILE names (db33-2025 by default); its report as a draft. `gep_publish` publishes it.

**Owner** the GEP desk. For a year that is not over: `airflow dags trigger gep_yearly --conf '{"partition": "2026"}'`.
"""

from airflow.sdk import chain, dag

from dags.partition import settings
from dags.steps import GEP_INPUTS, GEP_REPORT, INDICATORS, SCENES, shell

UNIT = "year"


@dag(dag_id="gep_yearly", doc_md=__doc__, **settings(UNIT))
def gep_yearly() -> None:
    """Collect the inputs of the year, and report."""
    chain(
        shell("account", UNIT, inlets=[INDICATORS, SCENES], outlets=[GEP_INPUTS]),
        shell("report", UNIT, inlets=[GEP_INPUTS], outlets=[GEP_REPORT]),
    )


gep_yearly()
