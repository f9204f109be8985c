"""### gep_publish: an account goes out only when somebody other than its author approves it

Started by hand, with the year and the profile. The approver reads the draft, opens the task `approve` in this page,
and answers; objections (parts that are missing, implausible inputs, a large change) need a reason in the form. Without
an answer nothing is published. The answer, the name and the reason stand on the cover and in the manifest.

**Owner** the GEP desk. `airflow dags trigger gep_publish --conf '{"partition": "2026", "author": "zhang"}'`.
"""

from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, chain, dag, task

from dags.partition import settings

UNIT = "year"


@dag(
    dag_id="gep_publish",
    doc_md=__doc__,
    **{**settings(UNIT), "schedule": None},
    params={
        "profile": Param("db33-2025", type="string", description="核算规范 / profile"),
        "author": Param("sanyan", type="string", description="编制人 / author"),
    },
)
def gep_publish() -> None:
    """Ask, and publish what was approved."""
    approve = ApprovalOperator(
        task_id="approve",
        subject="GEP {{ dag_run.conf.get('partition') }} · {{ params.profile }}",
        body="编制 / author: {{ params.author }}\n\n草案在 HOME/files/gep/{{ dag_run.conf.get('partition') }}/. "
        "The draft lies in HOME/files/gep/. 审核人不能是编制人 / the approver must not be the author.",
        params={"reason": Param("", type="string", description="对遗留问题的意见 / answer to what stands against it")},
    )

    @task(task_id="publish", retries=0)
    def publish(answer: dict[str, Any], dag_run: Any = None, params: Any = None) -> dict[str, Any]:
        from airflow.sdk.exceptions import AirflowException

        from dags.partition import window
        from domain.times import LOCAL
        from processing.gep.report.run import report
        from store.home import Home

        if "Approve" not in answer["chosen_options"]:
            raise AirflowException("nobody approved this account; nothing was published")
        start, end = window(UNIT, dag_run)
        issued = report(
            Home.open(),
            year=start.astimezone(LOCAL).year,
            profile=params["profile"],
            author=params["author"],
            approver=answer["responded_by_user"]["name"],
            reason=answer["params_input"].get("reason", ""),
            now=end,
        )
        return {"files": len(issued.files), "complete": issued.account.complete}

    chain(approve, publish(approve.output))


gep_publish()
