"""Grid workers of the simulator: they find what the scenario says, and answer through the platform's pages."""

import json
from datetime import timedelta

import pytest

from domain.registry import Registry
from domain.times import LOCAL
from sample_feeds.human import pages
from sample_feeds.scenario import load
from sample_feeds.simulate import COUNTY
from sample_feeds.verdicts import answer, verdict

SCENARIO, REGISTRY = load(), Registry.load(COUNTY)
SENT = SCENARIO.start + timedelta(hours=180)


def task(number: str = "SY1-01", *, lon: float = 119.6462, lat: float = 28.5158, big: str = "固体废物", at=SENT):
    return {
        "taskId": number, "infoSourceName": "三眼系统", "reportTime": f"{at.astimezone(LOCAL):%Y-%m-%d %H:%M:%S}",
        "coordX": lon, "coordY": lat, "coordSys": "WGS84", "infoBcName": big, "infoScName": "建筑垃圾",
        "statusName": "派遣", "gridCode": "331102204201001",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "begins"),
    [
        (task(), "属实"),
        (task(at=SCENARIO.start + timedelta(hours=10)), "不属实"),  # before it happened
        (task(big="噪声"), "不属实"),
        (task(lon=119.95, lat=28.30), "不属实"),  # 30 km away
        (task(lon=119.95, lat=28.457, big="其他", at=SCENARIO.start + timedelta(hours=230)), "设备故障"),
    ],
)
def test_what_is_found(given, begins):
    assert verdict(given, REGISTRY, SCENARIO).startswith(begins)


def laid(folder) -> list[dict]:
    found = []
    for path in sorted(folder.rglob("page-*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))["data"]
        assert data["pages"] == len(list(path.parent.glob("page-*.json")))
        found += data["list"]
    return found


def test_answers_come_in_the_hours_after_and_what_stood_there_stays(tmp_path):
    first = (SENT + timedelta(hours=1)).astimezone(LOCAL)
    there = tmp_path / "human" / "api" / f"{first:%Y-%m-%d}" / f"{first:%H}"
    there.mkdir(parents=True)
    other = [{"taskId": f"LD{n}", "updateTime": "2026-08-25 20:00:00"} for n in range(7)]
    for n, page in enumerate(pages(other), start=1):
        (there / f"page-{n}.json").write_bytes(page)
    told = answer(tmp_path, [task()], REGISTRY, SCENARIO, seed=1)
    assert told == {"SY1-01": "属实，已现场处置"}
    items = laid(tmp_path)
    assert {i["taskId"] for i in items} == {"SY1-01", *(o["taskId"] for o in other)}
    mine = [i for i in items if i["taskId"] == "SY1-01"]
    assert mine[-1]["statusName"] == "结案"
    assert mine[-1]["endResult"].startswith("属实")
    before = {p: p.read_bytes() for p in tmp_path.rglob("*.json")}
    answer(tmp_path, [task()], REGISTRY, SCENARIO, seed=1)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*.json")} == before


def test_a_page_that_was_cut_is_left_and_the_answer_comes_an_hour_later(tmp_path):
    hours = [(SENT + timedelta(hours=n)).astimezone(LOCAL) for n in range(1, 8)]
    for hour in hours:
        folder = tmp_path / "human" / "api" / f"{hour:%Y-%m-%d}" / f"{hour:%H}"
        folder.mkdir(parents=True)
        (folder / "page-1.json").write_text('{"data": {"list": [', encoding="utf-8")
    answer(tmp_path, [task()], REGISTRY, SCENARIO, seed=1)
    later = [p for p in tmp_path.rglob("page-1.json") if p.read_text(encoding="utf-8").endswith("}}")]
    assert len(later) == 1
