"""Policy over all DAGs, and each of them run to the end."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

pytestmark = pytest.mark.airflow

DESCRIBE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag({folder!r})
heavy = sorted(m for m in ("pandas", "xarray", "rasterio", "deltalake", "numba", "matplotlib") if m in sys.modules)
print("@@" + json.dumps({{
    "errors": {{k: str(v) for k, v in bag.import_errors.items()}},
    "heavy": heavy,
    "dags": {{
        d.dag_id: {{
            "doc": d.doc_md or "", "tags": sorted(d.tags), "catchup": d.catchup, "active": d.max_active_runs,
            "timetable": type(d.timetable).__name__,
            "tasks": {{t.task_id: {{"retries": t.retries, "rule": t.trigger_rule.value, "owner": t.owner,
                "outlets": [a.name for a in t.outlets]}} for t in d.tasks}},
        }} for d in bag.dags.values()
    }},
}}))
"""
NAMES = {
    "ground_hourly",
    "human_hourly",
    "sky_daily",
    "gep_yearly",
    "gep_publish",
    "history",
    "upkeep_daily",
    "watch_minutely",
}


@pytest.fixture(scope="module")
def bag(python_in_airflow, airflow_env):
    out = python_in_airflow(DESCRIBE.format(folder=airflow_env["AIRFLOW__CORE__DAGS_FOLDER"]))
    return json.loads(out.split("@@", 1)[1])


def test_every_dag_is_there_and_loads(bag):
    assert bag["errors"] == {}
    assert set(bag["dags"]) == NAMES


def test_parsing_loads_nothing_heavy(bag):
    assert bag["heavy"] == []


def test_every_dag_says_what_it_is_and_whose(bag):
    for name, dag in bag["dags"].items():
        assert name in dag["doc"], name
        assert "**Owner**" in dag["doc"] or name == "upkeep_daily", name
        assert dag["tags"] == ["sanyan"]
        assert dag["catchup"] is False
        assert dag["active"] == {"watch_minutely": 2, "gep_publish": 16}.get(name, 1), name
        by_hand = name == "gep_publish"
        assert dag["timetable"] == ("NullTimetable" if by_hand else "CronPartitionTimetable")


def test_a_live_hour_is_few_fat_tasks(bag):
    for name in ("ground_hourly", "human_hourly"):
        assert len(bag["dags"][name]["tasks"]) <= 6


def test_a_failed_feed_keeps_the_run_red_although_the_rest_goes_on(bag):
    for name in ("ground_hourly", "human_hourly", "sky_daily", "history", "watch_minutely"):
        tasks = bag["dags"][name]["tasks"]
        assert tasks["watcher"] == {"retries": 0, "rule": "one_failed", "owner": "sanyan", "outlets": []}
        assert all(t["rule"] == "all_done" for k, t in tasks.items() if not k.startswith(("ingest", "watcher")))


def test_a_failed_watch_leaves_the_way_to_the_next(bag):
    tasks = bag["dags"]["watch_minutely"]["tasks"]
    assert {name: t["retries"] for name, t in tasks.items()} == {"alarm": 0, "join": 0, "watcher": 0}


def test_nothing_is_published_before_somebody_approved(bag):
    tasks = bag["dags"]["gep_publish"]["tasks"]
    assert set(tasks) == {"draft", "approve", "publish"}
    assert tasks["publish"]["rule"] == "all_success"
    assert tasks["publish"]["retries"] == 0


def test_what_a_dag_makes_is_an_asset(bag):
    made = {o for d in bag["dags"].values() for t in d["tasks"].values() for o in t["outlets"]}
    assert made == {
        "observations",
        "reports",
        "scenes",
        "indicators",
        "gep_inputs",
        "gep_report",
        "alerts",
        "incidents",
    }


@pytest.mark.parametrize(
    ("unit", "partition", "start", "end"),
    [
        ("hour", "2026-08-18T08", datetime(2026, 8, 18, 0, tzinfo=UTC), datetime(2026, 8, 18, 1, tzinfo=UTC)),
        ("day", "2026-08-18", datetime(2026, 8, 17, 16, tzinfo=UTC), datetime(2026, 8, 18, 16, tzinfo=UTC)),
        ("month", "2026-02", datetime(2026, 1, 31, 16, tzinfo=UTC), datetime(2026, 2, 28, 16, tzinfo=UTC)),
        ("year", "2024", datetime(2023, 12, 31, 16, tzinfo=UTC), datetime(2024, 12, 31, 16, tzinfo=UTC)),
    ],
)
def test_a_partition_covers_its_shanghai_period(unit, partition, start, end):
    from dags.partition import window

    named = SimpleNamespace(conf={"partition": partition}, partition_date=None, run_after=None)
    scheduled = SimpleNamespace(conf={}, partition_date=start, run_after=None)
    by_hand = SimpleNamespace(conf=None, partition_date=None, run_after=end)
    assert window(unit, named) == window(unit, scheduled) == window(unit, by_hand) == (start, end)


RUNS = {
    "watch_minutely": {"now": "2026-08-18T09:30+08:00"},  # before the hourly: it takes what there is
    "ground_hourly": {"partition": "2026-08-18T09"},
    "human_hourly": {"partition": "2026-08-18T09"},
    "sky_daily": {"partition": "2026-08-18"},
    "gep_yearly": {"partition": "2026"},
    "upkeep_daily": {"partition": "2026-08-18"},
    "history": {"partition": "2026-08"},
}

RUN = """
import json, os
from pathlib import Path
from airflow.dag_processing.dagbag import DagBag
from tests.pipeline import tables
home, told = Path(os.environ["SANYAN_HOME"]), {{}}
dags = DagBag({folder!r}).dags
for name, partition in {runs!r}.items():
    states, seen = [], []
    for _ in range(2):
        states.append(str(dags[name].test(run_conf=partition).state))
        seen.append(tables(home))
    rows = {{t: max(0, text.count(chr(10)) - 1) for t, text in seen[0].items()}}
    told[name] = {{"states": states, "changed": sorted(t for t in seen[0] if seen[0][t] != seen[1][t]), "rows": rows}}
print("@@" + json.dumps(told))
"""


@pytest.fixture(scope="module")
def ran_twice(python_in_airflow, airflow_env, small_feeds, tmp_path_factory):
    """Each DAG run twice in one process, and what the second time changed."""
    home = tmp_path_factory.mktemp("dags") / "home"
    extra = {"SANYAN_HOME": str(home), "SANYAN_FEEDS": str(small_feeds), "SANYAN_RETRIES": "0"}
    out = python_in_airflow(RUN.format(folder=airflow_env["AIRFLOW__CORE__DAGS_FOLDER"], runs=RUNS), **extra)
    return json.loads(out.split("@@", 1)[1])


@pytest.mark.parametrize("dag", RUNS)
def test_every_dag_runs_twice_and_the_second_time_changes_nothing(ran_twice, dag):
    assert (ran_twice[dag]["states"], ran_twice[dag]["changed"]) == (["success", "success"], [])


def test_a_watch_takes_packets_before_the_hour_is_over_and_leaves_coverage_to_the_hour(ran_twice):
    rows = ran_twice["watch_minutely"]["rows"]
    assert rows["observations"] > 0
    assert rows["indicators"] > 0
    assert rows["coverage"] == 0
    assert ran_twice["ground_hourly"]["rows"]["coverage"] > 0
