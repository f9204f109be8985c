"""### gep_publish: an account goes out only when somebody other than its author approves it

Started by hand, with the year and the profile: `draft` makes the report and puts the question; the approver opens the
task `approve` (Required Actions), reads what is asked, and answers. Neither the author nor who started the run may
approve; objections (parts that are missing, implausible inputs, a large change) need a reason in the form. Rejected, or
without an answer within SANYAN_APPROVAL_HOURS (720), nothing is published; nor if the account is no longer what the
approver saw. The answer, the name and the reason stand on the cover and in the manifest.

**Owner** the GEP desk. `airflow dags trigger gep_publish --conf '{"partition": "2025", "author": "zhang"}'`. Needs an
Airflow with personal accounts: where everybody is the same user nobody can approve.
"""

import os
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, chain, dag, task

from dags.partition import settings

UNIT = "year"


@dag(
    dag_id="gep_publish",
    doc_md=__doc__,
    # A run may wait for weeks and must not hold up that of another year or profile.
    **{**settings(UNIT), "schedule": None, "max_active_runs": 16},
    params={
        "profile": Param("db33-2025", type="string", title="核算规范 / profile"),
        "author": Param("", type="string", title="编制人 / author", description="空则为发起人 / who starts the run"),
        "base_year": Param(None, type=["null", "integer"], title="可比价基年 / base year of comparable prices"),
        "draws": Param(200, type="integer", minimum=0, title="抽样次数 / Monte Carlo draws"),
    },
)
def gep_publish() -> None:
    """Make the draft, ask, and publish what was approved."""

    @task(task_id="draft", retries=0)
    def draft(dag_run: Any = None, params: Any = None) -> dict[str, Any]:
        from domain.texts import say
        from processing.gep.report.approval import question

        home, issued = _issued(dag_run, params, now=dag_run.run_after)
        where = os.environ.get("SANYAN_CONSOLE_URL", "") or f"HOME/{issued.folder.relative_to(home.root)}/"
        return {
            "subject": say("gep.ask.subject", "zh", region=issued.name, year=issued.account.year),
            "question": "\n\n---\n\n".join(question(issued, lang, where=where) for lang in ("zh", "en")),
            "digest": issued.digest,
        }

    approve = ApprovalOperator(
        task_id="approve",
        subject="{{ ti.xcom_pull(task_ids='draft')['subject'] }}",
        body="{{ ti.xcom_pull(task_ids='draft')['question'] }}",
        params={
            "reason": Param(
                "", type="string", title="理由 / reason", description="对遗留问题的意见 / answer to objections"
            )
        },
        response_timeout=timedelta(hours=float(os.environ.get("SANYAN_APPROVAL_HOURS", "720"))),
    )

    @task(task_id="publish", retries=0)
    def publish(
        made: dict[str, Any], answer: dict[str, Any], dag_run: Any = None, params: Any = None
    ) -> dict[str, Any]:
        from processing.gep.report.approval import approver_of

        approver = approver_of(answer, barred=(_author(dag_run, params), str(dag_run.triggering_user_name or "")))
        _, issued = _issued(
            dag_run,
            params,
            now=answer["responded_at"],
            approver=approver,
            reason=answer["params_input"].get("reason", ""),
            approved=made["digest"],
        )
        return {"files": len(issued.files), "complete": issued.account.complete}

    made = draft()
    chain(made, approve, publish(made, approve.output))


def _author(dag_run: Any, params: Any) -> str:
    """Who issues the account: the one named, else who started the run."""
    return str(params["author"] or dag_run.triggering_user_name or "")


def _issued(dag_run: Any, params: Any, **options: Any) -> tuple[Any, Any]:
    from dags.partition import window
    from domain.times import LOCAL
    from ingest.forms.run import completeness
    from processing.gep.report.approval import known
    from processing.gep.report.run import report
    from store.home import Home

    author = known(_author(dag_run, params))
    home, year = Home.open(), window(UNIT, dag_run)[0].astimezone(LOCAL).year
    issued = report(
        home,
        year=year,
        profile=params["profile"],
        author=author,
        base_year=params["base_year"],
        draws=params["draws"],
        langs=("zh", "en"),
        completeness=completeness(home, year=year, now=options["now"]),
        **options,
    )
    return home, issued


gep_publish()
