"""Grid workers of the simulated county answer the tasks they were sent, through the platform's paged interface.

A worker finds what the scenario says is there: pollution where an event of the task's class began before the task was
sent and lies within reach, an instrument at fault where the scenario broke one, else nothing. Answers are laid into the
pages of the hours in which the platform would give them; what stands there already stays.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pyproj import Geod

from domain.registry import Registry
from domain.times import LOCAL
from sample_feeds.human import HOUR, pages
from sample_feeds.scenario import DeviceFault, Event, Scenario, SkyEvent, SpotReports
from sample_feeds.streams import stream

_GEOD = Geod(ellps="WGS84")
#: How far from an event a worker still comes upon it: a task about a river stands in the middle of what was seen.
REACH_KM = 25.0
_SEEN_AS = {
    "水环境": ("ammonia_spill", "outlet_exceedance", "bloom", "lake_algae", "W"),
    "大气环境": ("pm_episode", "ozone_day", "stack_exceedance", "A"),
    "噪声": ("night_noise", "N"),
    "固体废物": ("clearing", "dump", "S", "L"),
    "土地": ("soil_contamination", "L"),
    "生态": ("clearing", "E"),
}
_STEPS = (("受理", 0.3), ("处置", 1.2), ("核查", 2.5), ("结案", 3.4))


def answer(
    feeds: Path, tasks: Iterable[Mapping[str, Any]], registry: Registry, scenario: Scenario, *, seed: int
) -> dict[str, str]:
    """Write the answers to tasks into the pages below feeds/human/api.

    Args:
        feeds: folder of simulated feeds.
        tasks: as they were sent (alerts/incidents/dispatch.py tells the keys).
        registry: of the simulated county.
        scenario: what truly happened.
        seed: of how fast the workers are.

    Returns:
        task id -> the verdict.
    """
    due: dict[datetime, list[dict[str, Any]]] = defaultdict(list)
    told = {}
    for task in tasks:
        told[str(task["taskId"])] = said = verdict(task, registry, scenario)
        for at, item in _items(task, said, seed):
            due[at.replace(minute=0, second=0, microsecond=0) + HOUR].append(item)
    for hour, items in sorted(due.items()):
        _lay(feeds, hour, items)
    return told


def verdict(task: Mapping[str, Any], registry: Registry, scenario: Scenario) -> str:
    """What the worker finds."""
    sent = _moment(task["reportTime"])
    around = [e for e in scenario.events if e.start <= sent and _near(e, task, registry)]
    wanted = _SEEN_AS.get(str(task["infoBcName"]), ())
    if any(e.kind in wanted or (isinstance(e, SpotReports) and e.category in wanted) for e in around):
        return "属实，已现场处置"
    if any(isinstance(e, DeviceFault) for e in around) and not wanted:
        return "设备故障，已通知运维单位"
    return "不属实，现场未发现异常"


def _near(event: Event, task: Mapping[str, Any], registry: Registry) -> bool:
    if isinstance(event, SkyEvent | SpotReports):
        points = [event.centre]
    else:
        rows = [registry.by_id[s] for s in event.subjects if s in registry.by_id]
        points = [(float(r["lon"]), float(r["lat"])) for r in rows]
    away = (_GEOD.inv(task["coordX"], task["coordY"], lon, lat)[2] for lon, lat in points)
    return any(metres <= REACH_KM * 1000 for metres in away)


def _items(task: Mapping[str, Any], said: str, seed: int) -> Iterable[tuple[datetime, dict[str, Any]]]:
    """The case as the platform shows it after each of its steps."""
    sent, slow = _moment(task["reportTime"]), float(stream(seed, "verdict", str(task["taskId"])).uniform(0.6, 1.4))
    for status, hours in _STEPS:
        at = sent + timedelta(hours=hours * slow)
        over = status in ("核查", "结案")
        yield (
            at,
            {
                **task,
                "discoverTime": task["reportTime"],
                "updateTime": _wall(at),
                "statusName": status,
                "executeDeptName": "网格",
                "endResult": said if over else "",
                "solvingTime": _wall(at) if status == "结案" else "",
                "duplicateOf": "",
                "photos": [],
            },
        )


def _lay(feeds: Path, hour: datetime, items: Sequence[dict[str, Any]]) -> None:
    """The items into the pages of one poll, beside those there; an answer given before is replaced."""
    local = hour.astimezone(LOCAL)
    folder = feeds / "human" / "api" / f"{local:%Y-%m-%d}" / f"{local:%H}"
    folder.mkdir(parents=True, exist_ok=True)
    there: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("page-*.json")):
        try:
            found = json.loads(path.read_text(encoding="utf-8"))["data"]["list"]
        except json.JSONDecodeError:
            return _lay(
                feeds, hour + HOUR, items
            )  # a page that was cut on the way: the platform tells it an hour later
        there |= {str(item["taskId"]): item for item in found}
    there |= {str(item["taskId"]): item for item in items}
    ordered = sorted(there.values(), key=lambda i: (i["updateTime"], i["taskId"]))
    for number, page in enumerate(pages(ordered), start=1):
        (folder / f"page-{number}.json").write_bytes(page)
    return None


def _moment(wall: str) -> datetime:
    return datetime.strptime(wall, "%Y-%m-%d %H:%M:%S").replace(tzinfo=LOCAL)


def _wall(moment: datetime) -> str:
    return f"{moment.astimezone(LOCAL):%Y-%m-%d %H:%M:%S}"
