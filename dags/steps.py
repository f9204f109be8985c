"""The tasks DAGs are made of: each opens the home, calls one shell function and returns its counts.

Imports stand inside the tasks: a DAG file is parsed every few seconds and must load no pandas.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Asset, task
from airflow.sdk.exceptions import AirflowException

OBSERVATIONS = Asset(name="observations", uri="sanyan://lake/observations")
REPORTS = Asset(name="reports", uri="sanyan://lake/reports")
SCENES = Asset(name="scenes", uri="sanyan://lake/scenes")
INDICATORS = Asset(name="indicators", uri="sanyan://lake/indicators")
GEP_INPUTS = Asset(name="gep_inputs", uri="sanyan://lake/gep_inputs")
GEP_REPORT = Asset(name="gep_report", uri="sanyan://files/gep")
ALERTS = Asset(name="alerts", uri="sanyan://ledger/alerts")
INCIDENTS = Asset(name="incidents", uri="sanyan://ledger/incidents")
EYES = {"ground": OBSERVATIONS, "human": REPORTS, "sky": SCENES}


def ingest(eye: str, unit: str, feeds: list[str]) -> Any:
    """One mapped task per feed of one eye: a dead feed stands alone and red, the others go on."""

    @task(task_id=f"ingest_{eye}", outlets=[EYES[eye]], map_index_template="{{ feed_name }}")
    def ingest_feed(feed: str, dag_run: Any = None) -> dict[str, Any]:
        from airflow.sdk import get_current_context

        from dags.partition import window
        from ingest.run import feeds_root
        from ingest.run import ingest as run
        from store.home import Home

        get_current_context()["feed_name"] = feed
        start, end = window(unit, dag_run)
        return run(Home.open(), feed, start=start, end=end, now=end, root=feeds_root()).as_dict()

    return ingest_feed.expand(feed=feeds)


def shell(name: str, unit: str, *, inlets: list[Asset], outlets: list[Asset]) -> Any:
    """One task that calls one shell function; it runs even when a feed failed, with what has arrived."""

    @task(task_id=name, trigger_rule="all_done", inlets=inlets, outlets=outlets)
    def call(dag_run: Any = None) -> dict[str, Any]:
        from dags.partition import window
        from store.home import Home

        start, end = window(unit, dag_run)
        return _FUNCTIONS[name](Home.open(), start, end)

    return call()


def live(name: str, feeds: tuple[str, ...], *, outlets: list[Asset]) -> Any:
    """One task of several steps at the present moment: what one of them refuses stops no other, and makes the task red.

    A bug is no refusal: it stops the task at once, as anywhere.
    """

    @task(task_id=name, trigger_rule="all_done", outlets=outlets, execution_timeout=timedelta(minutes=15))
    def call(dag_run: Any = None) -> dict[str, Any]:
        from domain.errors import PipelineError
        from store.home import Home

        told = (dag_run.conf or {}).get("now")
        now = datetime.fromisoformat(told).astimezone(UTC) if told else datetime.now(UTC)
        home, counts, refused = Home.open(), dict[str, Any](), list[str]()
        steps: dict[str, Callable[[Any, datetime, datetime], dict[str, Any]]] = {f: _new_files(f) for f in feeds}
        for step, work in (steps | {step: _FUNCTIONS[step] for step in _LIVE[name]}).items():
            begun = time.monotonic()
            try:
                counts[step] = work(home, now, now) | {"took_s": round(time.monotonic() - begun, 3)}
            except PipelineError as error:
                refused.append(f"{step}: {error}")
        if refused:
            raise AirflowException("; ".join(refused))
        return counts

    return call()


def _new_files(feed: str) -> Callable[[Any, datetime, datetime], dict[str, Any]]:
    def take_in(home: Any, _start: datetime, now: datetime) -> dict[str, Any]:
        from ingest.run import feeds_root, ingest_new

        return ingest_new(home, feed, now=now, root=feeds_root()).as_dict()

    return take_in


def _compute(home: Any, _start: datetime, now: datetime) -> dict[str, Any]:
    from processing.period_run import compute_periods
    from processing.run import compute

    counts = compute(home, now=now)
    return {**counts.as_dict(), "periods": compute_periods(home, now=now).as_dict()}


def _compute_sky(home: Any, start: datetime, now: datetime) -> dict[str, Any]:
    from processing.sky import compute_sky
    from processing.sky_grids import compute_grids
    from processing.sky_history import compute_history
    from processing.sky_pm25 import compute_pm25
    from processing.sky_rsei import compute_rsei

    counts = compute_sky(home, now=now) + compute_grids(home, now=now)
    fitted = compute_history(home, now=now) + compute_rsei(home, now=now) + compute_pm25(home, now=now, start=start)
    return {**counts.as_dict(), "years": fitted.as_dict()}


def _compute_human(home: Any, _start: datetime, now: datetime) -> dict[str, Any]:
    from processing.human import compute_human

    return compute_human(home, now=now).as_dict()


def _evaluate(home: Any, _start: datetime, now: datetime) -> dict[str, Any]:
    from alerts.run import deliver, evaluate

    return {**evaluate(home, now=now).as_dict(), **deliver(home, now=now).as_dict()}


def _fuse(home: Any, _start: datetime, now: datetime) -> dict[str, Any]:
    from alerts.incidents.run import join
    from alerts.run import send_tasks

    joined = join(home, now=now)
    sent = send_tasks(home, now=now)
    return {**joined.as_dict(), **{f"tasks_{name}": n for name, n in sent.as_dict().items()}}


def _send_again(home: Any, _start: datetime, now: datetime) -> dict[str, Any]:
    from alerts.run import deliver

    return deliver(home, now=now).as_dict()


def _publish(home: Any, _start: datetime, now: datetime) -> dict[str, Any]:
    from dataclasses import asdict

    from store.influx import Target, publish

    return asdict(publish(home, Target.from_environment(), now=now))


def _account(home: Any, start: datetime, now: datetime) -> dict[str, Any]:
    from domain.times import LOCAL
    from processing.gep.run import gep_inputs_of_account

    return gep_inputs_of_account(home, year=start.astimezone(LOCAL).year, now=now).as_dict()


def delivered_by(home: Any, year: int, now: datetime) -> datetime:
    """The moment of an account: departments deliver after the year is over, and no report is older than its figures."""
    arrived = home.lake.read("statistics", where={"year": [year]}, columns=["received_at"])["received_at"]
    return max([now, *(moment.to_pydatetime() for moment in arrived.sort_values().iloc[-1:])])


def _report(home: Any, start: datetime, now: datetime) -> dict[str, Any]:
    import os

    from domain.times import LOCAL
    from ingest.forms.run import completeness
    from processing.gep.report.run import report

    year = start.astimezone(LOCAL).year
    made_at = delivered_by(home, year, now)
    profile = os.environ.get("SANYAN_GEP_PROFILE", "db33-2025")
    delivered = completeness(home, year=year, now=made_at)
    issued = report(home, year=year, profile=profile, author="sanyan", now=made_at, completeness=delivered)
    return {"files": len(issued.files), "complete": issued.account.complete, "total_cny": issued.account.total}


def _tidy(home: Any, _start: datetime, now: datetime) -> dict[str, Any]:
    from domain.records import TABLES
    from ingest.assets import forget_halves

    halves = forget_halves(home, before=now - timedelta(days=30))
    return {"unfinished_scenes": halves} | {name: home.lake.compact(name) for name in TABLES}


_FUNCTIONS = {
    "compute": _compute,
    "compute_sky": _compute_sky,
    "compute_human": _compute_human,
    "evaluate": _evaluate,
    "fuse": _fuse,
    "send_again": _send_again,
    "publish": _publish,
    "account": _account,
    "report": _report,
    "tidy": _tidy,
}


#: The steps of the live tasks, in order, after the files of the feeds.
_LIVE = {"alarm": ("compute", "evaluate"), "join": ("fuse", "send_again")}


def watcher() -> Any:
    """Keeps a run red when anything in it failed, although later tasks went on with what there was."""

    @task(task_id="watcher", trigger_rule="one_failed", retries=0)
    def watch() -> None:
        raise AirflowException("a task of this run failed; the others went on with what had arrived")

    return watch()
