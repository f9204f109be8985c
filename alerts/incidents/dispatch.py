"""A task for the grid worker who answers for the place, in the JSON form of the county's platform. Pure.

The keys are those in which the platform itself tells its cases (ingest/decoders/grid_report.py reads them back):

| key | content |
|---|---|
| taskId | our number of the task; the platform keeps it and returns it with every change |
| infoSourceName | 三眼系统 |
| incidentNo | the incident |
| reportTime, limitTime | Shanghai wall clock, "2026-08-24 15:12:07" |
| coordX, coordY, coordSys | WGS84 longitude and latitude; 0 when the incident has no place |
| streetCode, streetName, gridCode, address | where |
| infoBcName, infoScName | class (domain/tables/report_classes.csv) |
| urgentDegree | 1 (red) to 4 (blue) |
| description | what is to be looked at, why, and what the answer may be |
| statusName | 派遣 |
| handlerName | the worker of the grid |

The answer comes as an item of the same taskId with statusName 核查 or 结案 and an endResult such as 属实 or 不属实: see
report_verdicts.csv.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import pandas as pd

from domain.catalogue import TABLES_DIR, read_table
from domain.texts import say
from domain.times import LOCAL

CHANNEL = "grid_task"
SOURCE_NAME = "三眼系统"
_URGENCY = {"red": "1", "orange": "2", "yellow": "3", "blue": "4"}
_LONGEST = 1000


@cache
def _classes() -> dict[str, tuple[str, str]]:
    frame = read_table(
        TABLES_DIR / "incident_classes.csv", columns=["kind", "class_big", "class_small", "source"], key=["kind"]
    )
    rows = zip(frame["kind"], frame["class_big"], frame["class_small"], strict=True)
    return {kind: (big, small) for kind, big, small in rows}


def task_id(incident_id: str, number: int) -> str:
    """The number of the task: the incident, and the how many-th it is."""
    return f"SY{incident_id.removeprefix('I')}-{number:02d}"


def task_json(
    incident: Mapping[str, Any],
    grid: Mapping[str, Any],
    *,
    number: str,
    township: str,
    note: str,
    now: datetime,
    deadline: datetime | None,
) -> str:
    """The task as the platform takes it; see the module.

    Args:
        incident: its row.
        grid: the grid's row (domain.grids).
        number: of `task_id`.
        township: Chinese name of the township.
        note: what the operator adds, "" for nothing.
        now: when it is sent.
        deadline: until when somebody should have been there.
    """
    big, small = _classes()[incident["kind"]]
    placed = incident["lon"] is not None and pd.notna(incident["lon"])
    asked = say("task.asked", "zh")
    text = "\n".join(part for part in (incident["summary_zh"], note, asked) if part)
    body = {
        "taskId": number,
        "infoSourceName": SOURCE_NAME,
        "incidentNo": incident["id"],
        "reportTime": _wall(now),
        "limitTime": "" if deadline is None else _wall(deadline),
        "coordX": round(incident["lon"], 6) if placed else 0,
        "coordY": round(incident["lat"], 6) if placed else 0,
        "coordSys": "WGS84",
        "address": str(grid["name_zh"]),
        "streetCode": str(grid["township"]),
        "streetName": township,
        "gridCode": str(grid["grid_code"]),
        "description": text[:_LONGEST],
        "infoBcName": big,
        "infoScName": small,
        "urgentDegree": _URGENCY[incident["severity"]],
        "statusName": "派遣",
        "handlerName": str(grid["worker"]),
    }
    return json.dumps(body, ensure_ascii=False)


def key(number: str) -> str:
    """The idempotency key of the task's letter."""
    return hashlib.sha256(f"{CHANNEL}\n{number}".encode()).hexdigest()[:32]


def _wall(moment: datetime) -> str:
    return f"{moment.astimezone(LOCAL):%Y-%m-%d %H:%M:%S}"
