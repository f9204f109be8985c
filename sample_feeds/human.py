"""The human eye of the simulator: grid reports as the platform's paged interface and its weekly export give them.

The interface is asked once an hour for what changed in the hour before. An item carries these keys (names as in public
city-grid systems):

| key | meaning |
|---|---|
| taskId | id of the case; comes again with every change of its status |
| infoSourceName | where it was reported, in words (domain/tables/report_sources.csv) |
| discoverTime, reportTime, updateTime, solvingTime | Shanghai wall clock, "2026-08-24 15:12:07"; "" when not yet |
| coordX, coordY, coordSys | longitude, latitude and their system: GCJ02, BD09, WGS84, CGCS2000 |
| address, streetCode, streetName, gridCode | place; nine-digit township, 15-digit grid |
| description | free text, with what people should not write in it |
| infoBcName, infoScName | class at report, big and small (domain/tables/report_classes.csv) |
| caseEndBcName, caseEndScName | class at closing, "" before |
| urgentDegree | 1 (most urgent) to 4 |
| statusName | 上报 受理 立案 派遣 处置 核查 结案, or 不予受理, 重复合并 |
| executeDeptName, endResult, userEvaluate | who handles it, with what result, how content the reporter is |
| duplicateOf | taskId of the case it was merged into, or "" |
| reporterName, reporterPhone, reporterRole | a person's data, invented here |
| photos | list of {fileName, sha256, takenTime} |

The export lists the cases closed in the seven days before its Monday; the same columns, in Chinese, times as dates.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import prcoords
from openpyxl import Workbook

from domain.registry import Registry
from domain.spreadsheets import to_bytes
from domain.times import LOCAL, day_start
from sample_feeds.photos import photo
from sample_feeds.reports import Report, Step, classes, reports
from sample_feeds.scenario import ReportFault, Scenario

PAGE_SIZE = 5
HOUR = timedelta(hours=1)
HEADINGS = {
    "taskId": "任务号", "infoSourceName": "问题来源", "discoverTime": "发现时间", "reportTime": "上报时间",
    "coordX": "X坐标", "coordY": "Y坐标", "coordSys": "坐标系", "address": "地址", "streetCode": "街道编码",
    "streetName": "所属街道", "gridCode": "网格编码", "description": "问题描述", "infoBcName": "大类",
    "infoScName": "小类", "caseEndBcName": "结案大类", "caseEndScName": "结案小类", "urgentDegree": "紧急程度",
    "statusName": "案件状态", "updateTime": "更新时间", "executeDeptName": "处置部门", "endResult": "处理结果",
    "solvingTime": "结案时间", "userEvaluate": "满意度", "duplicateOf": "合并至", "reporterName": "上报人",
    "reporterPhone": "联系电话", "photos": "照片指纹",
}  # fmt: skip
_TIMES = ("discoverTime", "reportTime", "updateTime", "solvingTime")
_ORDER = ("上报", "受理", "立案", "派遣", "处置", "核查", "结案")
_OFFICES = {
    "W": "生态环境分局",
    "A": "生态环境分局",
    "N": "综合执法队",
    "S": "综合执法队",
    "L": "自然资源所",
    "E": "林业站",
}


def write(out: Path, registry: Registry, scenario: Scenario, *, start: datetime, end: datetime, seed: int) -> int:
    """Write the pages of every hourly poll in [start, end), photos, and the exports of the Mondays, below out/human.

    Returns:
        how many files were written.
    """
    made = reports(registry, scenario, start - 3 * HOUR, end, seed)  # what comes again was made up to 3 h before
    cut = {at for event in scenario.of(ReportFault) if event.kind == "truncated_page" for at in _hours(event)}
    files = 0
    for at, items in polls(registry, made, start, end, repeat=cut):
        local = at.astimezone(LOCAL)
        folder = out / "human" / "api" / f"{local:%Y-%m-%d}" / f"{local:%H}"
        folder.mkdir(parents=True, exist_ok=True)
        for number, page in enumerate(pages(items), start=1):
            whole = page if at not in cut or number > 1 else page[: len(page) * 3 // 5]
            (folder / f"page-{number}.json").write_bytes(whole)
            files += 1
    for report in made:
        at = _poll_after(report.steps[0].at)
        if start <= at < end:
            local = at.astimezone(LOCAL)
            folder = out / "human" / "photos" / f"{local:%Y-%m-%d}" / f"{local:%H}"
            for name, content in photos(report):
                folder.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
                files += 1
    for monday in _mondays(start, end):
        folder = out / "human" / "export" / monday.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        closed = reports(registry, scenario, day_start(monday) - timedelta(days=7), day_start(monday), seed)
        (folder / "grid_reports.xlsx").write_bytes(export(registry, closed, monday))
        files += 1
    return files


def polls(
    registry: Registry, made: Sequence[Report], start: datetime, end: datetime, *, repeat: set[datetime]
) -> Iterator[tuple[datetime, list[dict[str, Any]]]]:
    """Each whole hour of [start, end) with the items the platform gives then.

    An item comes in the hour after its change, with its latest status. What came in an hour of `repeat` comes again in
    the next one, and so does the first message of reports that are delivered twice.
    """
    due: dict[datetime, dict[str, dict[str, Any]]] = defaultdict(dict)
    for report in made:
        for step in report.steps:  # the later of two changes in one hour replaces the earlier
            due[_poll_after(step.at)][report.task_id] = item(registry, report, step)
        if report.redelivered:
            first = _poll_after(report.steps[0].at)
            due[first + HOUR].setdefault(report.task_id, due[first][report.task_id])
    for hour in sorted(repeat):
        due[hour + HOUR] = {**due[hour], **due[hour + HOUR]}
    hour = start.replace(minute=0, second=0, microsecond=0)
    while hour < end:
        if hour >= start:
            yield hour, sorted(due[hour].values(), key=lambda i: (i["updateTime"], i["taskId"]))
        hour += HOUR


def pages(items: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """The answers of the interface to one poll: pages of PAGE_SIZE items, one empty page when there is nothing."""
    count = max(1, -(-len(items) // PAGE_SIZE))
    return [
        json.dumps(
            {
                "errorCode": "0",
                "errorMessage": "成功",
                "resultType": "0",
                "data": {
                    "total": len(items),
                    "pages": count,
                    "pageNum": k + 1,
                    "pageSize": PAGE_SIZE,
                    "list": list(items[k * PAGE_SIZE : (k + 1) * PAGE_SIZE]),
                },
            },
            ensure_ascii=False,
        ).encode()
        for k in range(count)
    ]


def item(registry: Registry, report: Report, step: Step) -> dict[str, Any]:
    """The platform's view of a report once it has reached `step`."""
    x, y = _shown(registry, report)
    big = classes()["class_big"]
    office = _OFFICES.get(str(classes()["category"][report.class_end or report.class_small]), "综合执法队")
    closed = step.status == "结案"
    moved = step.status in _ORDER and _ORDER.index(step.status) >= _ORDER.index("派遣")
    written = _half_day if report.fault == "half_day_clock" else _plain
    found = {
        "taskId": report.task_id,
        "infoSourceName": report.source,
        "discoverTime": written(report.found_at),
        "reportTime": written(report.steps[0].at),
        "updateTime": written(step.at),
        "coordX": x,
        "coordY": y,
        "coordSys": report.coord_sys,
        "address": report.address,
        "streetCode": report.township,
        "streetName": report.township_name,
        "gridCode": report.grid_code,
        "description": report.text,
        "infoBcName": big[report.class_small],
        "infoScName": report.class_small,
        "caseEndBcName": big[report.class_end] if closed else "",
        "caseEndScName": report.class_end if closed else "",
        "urgentDegree": str(report.urgency),
        "statusName": step.status,
        "executeDeptName": office if moved else "",
        "endResult": "已现场处置" if closed else "",
        "solvingTime": written(step.at) if closed else "",
        "userEvaluate": "满意" if closed else "",
        "duplicateOf": report.duplicate_of,
        "reporterName": report.reporter,
        "reporterPhone": "13800000000",
        "reporterRole": "网格员" if report.source == "网格上报" else "群众",
        "photos": _photos(report),
    }
    if report.fault == "missing_time":
        found = {key: value for key, value in found.items() if key not in {"discoverTime", "reportTime", "updateTime"}}
        return found | {"updateTime": ""}
    return found


def export(registry: Registry, made: Sequence[Report], monday: date) -> bytes:
    """The spreadsheet of the cases closed in the week before `monday`: Chinese headings, times as dates."""
    book = Workbook()
    book.remove(book.worksheets[0])
    sheet = book.create_sheet("案件列表")
    sheet.append(list(HEADINGS.values()))
    week = day_start(monday) - timedelta(days=7), day_start(monday)
    for report in made:
        last = report.steps[-1]
        if last.status != "结案" or not week[0] <= last.at < week[1]:
            continue
        shown = item(registry, report, last)
        times = {"discoverTime": report.found_at, "reportTime": report.steps[0].at} | dict.fromkeys(
            ("updateTime", "solvingTime"), last.at
        )
        shown |= {key: _wall(moment) for key, moment in times.items()}
        shown["photos"] = ";".join(photo["sha256"] for photo in shown["photos"])
        sheet.append([shown[key] for key in HEADINGS])
    for column, key in enumerate(HEADINGS, start=1):
        if key in _TIMES:
            for row in range(2, sheet.max_row + 1):
                sheet.cell(row, column).number_format = "yyyy/m/d hh:mm:ss"
    return to_bytes(book, day_start(monday))


def _shown(registry: Registry, report: Report) -> tuple[float, float]:
    """The coordinates the platform shows, in the report's own system, 6 decimals, with the fault of the report."""
    lon, lat = report.lon, report.lat
    if report.fault == "office_position":
        office = registry.townships.shapes[registry.townships.ids.index(report.township)].representative_point()
        lon, lat = office.x, office.y
    if report.coord_sys == "GCJ02":
        lat, lon = prcoords.wgs_gcj((lat, lon))
    elif report.coord_sys == "BD09":
        lat, lon = prcoords.wgs_bd((lat, lon))
    if report.fault == "zero_position":
        lon, lat = 0.0, 0.0
    if report.fault == "swapped_position":
        lon, lat = lat, lon
    return round(lon, 6), round(lat, 6)


def _photos(report: Report) -> list[dict[str, str]]:
    """None to two photos; the last of two is an old one out of the album."""
    return [
        {
            "fileName": name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "takenTime": _plain(report.found_at - (timedelta(days=200) if k == 1 else timedelta(minutes=2))),
        }
        for k, (name, content) in enumerate(photos(report))
    ]


def photos(report: Report) -> list[tuple[str, bytes]]:
    """Name and content of a report's photos."""
    count = hashlib.sha256(report.task_id.encode()).digest()[0] % 3
    category = str(classes().loc[report.class_small, "category"])
    names = [f"IMG_{report.task_id}_{k + 1}.png" for k in range(count)]
    return [(name, photo(name, category)) for name in names]


def _wall(moment: datetime) -> datetime:
    """The Shanghai wall clock without a zone, as spreadsheets keep it."""
    return moment.astimezone(LOCAL).replace(tzinfo=None)


def _plain(moment: datetime) -> str:
    return f"{moment.astimezone(LOCAL):%Y-%m-%d %H:%M:%S}"


def _half_day(moment: datetime) -> str:
    local = moment.astimezone(LOCAL)
    half = "上午" if local.hour < 12 else "下午"
    return f"{local:%Y-%m-%d} {half}{(local.hour - 1) % 12 + 1:02d}:{local:%M:%S}"


def _poll_after(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0) + HOUR


def _hours(event: ReportFault) -> Iterator[datetime]:
    """The polls within the event."""
    hour = event.start.replace(minute=0, second=0, microsecond=0)
    while hour < event.end:
        if hour >= event.start:
            yield hour
        hour += HOUR


def _mondays(start: datetime, end: datetime) -> Iterator[date]:
    """Mondays whose Shanghai midnight lies in [start, end)."""
    day = start.astimezone(LOCAL).date()
    while day_start(day) < end:
        if day.weekday() == 0 and day_start(day) >= start:
            yield day
        day += timedelta(days=1)
