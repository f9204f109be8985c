"""What a run covers: the half-open UTC window of its partition, and the settings every Sanyan DAG shares.

A live run and a backfill run of the same partition get the same window and the same `now` (its end), so they cannot
tell which of the two they are and give the same tables.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
from airflow.sdk import CronPartitionTimetable

ZONE = "Asia/Shanghai"
KEYS = {"minutes": "%Y-%m-%dT%H%M", "hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}
CRONS = {"minutes": "*/2 * * * *", "hour": "0 * * * *", "day": "0 0 * * *", "month": "0 0 1 * *", "year": "0 0 1 1 *"}


def every(unit: str) -> CronPartitionTimetable:
    """One partition per two minutes, Shanghai hour, day, month or year, run when it is over."""
    return CronPartitionTimetable(CRONS[unit], timezone=ZONE, run_offset=-1, key_format=KEYS[unit])


def window(unit: str, dag_run: Any) -> tuple[datetime, datetime]:
    """The partition's [start, end) in UTC.

    A run triggered by hand without a partition covers the last whole period before it, unless its configuration names
    one: `{"partition": "2026-08"}`.
    """
    named = (dag_run.conf or {}).get("partition")
    if named:
        start = pendulum.from_format(named, _tokens(unit), tz=ZONE)
    elif dag_run.partition_date is not None:
        start = pendulum.instance(dag_run.partition_date).in_timezone(ZONE)
    else:
        last = pendulum.instance(dag_run.run_after).in_timezone(ZONE).start_of(unit)
        start = last.subtract(**{f"{unit}s": 1})
    end = start.add(**{f"{unit}s": 1})
    return datetime.fromtimestamp(start.timestamp(), UTC), datetime.fromtimestamp(end.timestamp(), UTC)


def _tokens(unit: str) -> str:
    return {"hour": "YYYY-MM-DD[T]HH", "day": "YYYY-MM-DD", "month": "YYYY-MM", "year": "YYYY"}[unit]


def settings(unit: str, *, retries: int | None = None) -> dict[str, Any]:
    """Arguments of `@dag` that every DAG has; `retries` stand in SANYAN_RETRIES unless given.

    SANYAN_REPLAY_UNTIL (ISO 8601) ends the schedule there: for an archive that is replayed and has no present.
    """
    until = os.environ.get("SANYAN_REPLAY_UNTIL")
    return {
        "schedule": every(unit),
        "start_date": pendulum.datetime(2013, 1, 1, tz=ZONE),
        "end_date": pendulum.parse(until) if until else None,
        "catchup": False,
        "max_active_runs": 1,
        "tags": ["sanyan"],
        "default_args": {
            "owner": "sanyan",
            "retries": int(os.environ.get("SANYAN_RETRIES", "2")) if retries is None else retries,
            "retry_delay": timedelta(minutes=2),
            "retry_exponential_backoff": True,
        },
    }
