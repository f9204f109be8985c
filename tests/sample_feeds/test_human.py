"""The platform's pages and exports, as a stranger reads them."""

import hashlib
import io
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import prcoords
import pytest
from openpyxl import load_workbook

from domain.registry import Registry
from domain.times import LOCAL
from sample_feeds import human
from sample_feeds.reports import reports
from sample_feeds.scenario import load
from sample_feeds.simulate import COUNTY

SEED = 20260818
SCENARIO = load()
REGISTRY = Registry.load(COUNTY)
HOUR = timedelta(hours=1)
TO_WGS84 = {
    "GCJ02": prcoords.gcj_wgs_bored,
    "BD09": prcoords.bd_wgs_bored,
    "WGS84": prcoords.Coords._make,
    "CGCS2000": prcoords.Coords._make,
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    out = tmp_path_factory.mktemp("human")
    human.write(out, REGISTRY, SCENARIO, start=SCENARIO.start, end=SCENARIO.end, seed=SEED)
    return out / "human"


@pytest.fixture(scope="module")
def made():
    found = reports(REGISTRY, SCENARIO, SCENARIO.start - 3 * HOUR, SCENARIO.end, SEED)
    return {report.task_id: report for report in found}


@pytest.fixture(scope="module")
def polled(root):
    """Poll -> its pages as bytes, in order."""
    found = defaultdict(list)
    for path in sorted((root / "api").rglob("page-*.json")):
        at = datetime.fromisoformat(f"{path.parts[-3]}T{path.parts[-2]}:00:00+08:00").astimezone(UTC)
        found[at].append(path.read_bytes())
    return found


def listed(pages):
    items = []
    for page in pages:
        try:
            items += json.loads(page)["data"]["list"]
        except json.JSONDecodeError:
            continue
    return items


@pytest.fixture(scope="module")
def messages(polled):
    """(poll, item) of everything that can be read, in order."""
    return [(at, item) for at in sorted(polled) for item in listed(polled[at])]


@pytest.fixture(scope="module")
def exported(root):
    """Export day -> rows as heading -> cell."""
    found = {}
    for path in sorted((root / "export").rglob("*.xlsx")):
        head, *rows = load_workbook(io.BytesIO(path.read_bytes())).worksheets[0].iter_rows(values_only=True)
        found[path.parts[-2]] = [dict(zip(head, row, strict=True)) for row in rows]
    return found


def clock(text):
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=LOCAL)


def test_every_hour_is_polled_and_one_page_is_cut(polled):
    assert len(polled) == 14 * 24
    broken = []
    for at, pages in polled.items():
        whole = []
        for number, page in enumerate(pages, start=1):
            try:
                whole.append(json.loads(page))
            except json.JSONDecodeError:
                broken.append((at, number))
        for document in whole:
            data = document["data"]
            assert (document["errorCode"], document["resultType"]) == ("0", "0")
            assert data["pages"] == len(pages)
            assert data["pageSize"] == human.PAGE_SIZE
            assert len(data["list"]) <= human.PAGE_SIZE
        if len(whole) == len(pages):
            assert [d["data"]["pageNum"] for d in whole] == list(range(1, len(pages) + 1))
            assert {d["data"]["total"] for d in whole} == {sum(len(d["data"]["list"]) for d in whole)}
    event = next(e for e in SCENARIO.events if e.kind == "truncated_page")
    assert broken == [(event.start, 1)]


def test_some_polls_bring_nothing_and_some_several_pages(polled):
    sizes = [len(pages) for pages in polled.values()]
    totals = [len(listed(pages)) for pages in polled.values()]
    assert 0 in totals
    assert max(sizes) >= 2


def test_what_the_cut_page_held_comes_again(polled, made):
    event = next(e for e in SCENARIO.events if e.kind == "truncated_page")
    lost = {r.task_id for r in made.values() if any(event.start - HOUR <= step.at < event.start for step in r.steps)}
    assert lost
    assert lost <= {item["taskId"] for item in listed(polled[event.start + HOUR])}


def test_changes_come_in_the_poll_of_the_hour_after(messages, made):
    first = {}
    for at, item in messages:
        first.setdefault(item["taskId"], at)
    for report in made.values():
        at = report.steps[0].at.replace(minute=0, second=0) + HOUR
        cut = next(e for e in SCENARIO.events if e.kind == "truncated_page")
        if SCENARIO.start <= at < SCENARIO.end and at != cut.start:
            assert first[report.task_id] == at, report.task_id


def test_the_same_id_comes_again_with_a_later_status(messages):
    seen = defaultdict(list)
    for _, item in messages:
        seen[item["taskId"]].append((item["updateTime"], item["statusName"]))
    repeated = {key: steps for key, steps in seen.items() if len(set(steps)) > 1}
    assert len(repeated) > 50
    for steps in seen.values():
        assert [at for at, _ in steps] == sorted(at for at, _ in steps)
    assert any(len(steps) != len(set(steps)) for steps in seen.values())  # and some come twice unchanged


def test_class_at_closing_stands_beside_the_class_at_report(messages, made):
    for _, item in messages:
        report = made[item["taskId"]]
        assert item["infoScName"] == report.class_small
        assert item["caseEndScName"] == (report.class_end if item["statusName"] == "结案" else "")
    assert any(item["caseEndScName"] not in ("", item["infoScName"]) for _, item in messages)


def test_positions_come_back_to_where_people_stood(messages, made):
    spoilt = {"zero_position", "swapped_position", "office_position"}
    systems = set()
    for _, item in messages:
        report = made[item["taskId"]]
        if report.fault in spoilt:
            continue
        lat, lon = TO_WGS84[item["coordSys"]]((item["coordY"], item["coordX"]))
        assert (lon, lat) == pytest.approx((report.lon, report.lat), abs=2e-6)
        systems.add(item["coordSys"])
        if item["coordSys"] == "GCJ02":
            assert (
                prcoords.Coords(report.lat, report.lon).distance(prcoords.Coords(item["coordY"], item["coordX"])) > 300
            )
    assert systems == set(TO_WGS84)


def test_spoilt_reports_are_spoilt_as_told(messages, made):
    by_fault = {made[item["taskId"]].fault: item for _, item in messages if made[item["taskId"]].fault}
    assert "discoverTime" not in by_fault["missing_time"]
    assert (by_fault["zero_position"]["coordX"], by_fault["zero_position"]["coordY"]) == (0, 0)
    swapped = by_fault["swapped_position"]
    assert (swapped["coordX"], swapped["coordY"]) == pytest.approx(
        (made[swapped["taskId"]].lat, made[swapped["taskId"]].lon), abs=2e-6
    )
    office = by_fault["office_position"]
    lat, lon = prcoords.gcj_wgs_bored((office["coordY"], office["coordX"]))
    there = REGISTRY.townships.shapes[REGISTRY.townships.ids.index(office["streetCode"])].representative_point()
    assert (lon, lat) == pytest.approx((there.x, there.y), abs=2e-6)
    local = made[by_fault["half_day_clock"]["taskId"]].found_at.astimezone(LOCAL)
    assert local.hour >= 13
    assert by_fault["half_day_clock"]["discoverTime"] == f"{local:%Y-%m-%d} 下午{local.hour - 12:02d}:{local:%M:%S}"


def test_the_twelve_hour_clock_at_its_edges():
    def said(hour):
        return human._half_day(datetime(2026, 8, 24, hour, 5, 7, tzinfo=LOCAL)).split(" ")[1]

    assert [said(h) for h in (0, 1, 11, 12, 13, 23)] == [
        "上午12:05:07", "上午01:05:07", "上午11:05:07", "下午12:05:07", "下午01:05:07", "下午11:05:07",
    ]  # fmt: skip


def test_exports_are_weekly_and_repeat_what_the_pages_said(exported, messages):
    assert list(exported) == ["2026-08-24", "2026-08-31"]
    latest = {item["taskId"]: item for _, item in messages}
    repeated = 0
    for day, rows in exported.items():
        monday = datetime.fromisoformat(f"{day}T00:00:00+08:00")
        assert rows
        for row in rows:
            assert row["案件状态"] == "结案"
            closed = row["结案时间"].replace(tzinfo=LOCAL, microsecond=0)
            assert monday - timedelta(days=7) <= closed < monday
            item = latest.get(row["任务号"])
            if item is None:
                continue
            repeated += 1
            for key, heading in human.HEADINGS.items():
                if key in human._TIMES:
                    assert abs(row[heading].replace(tzinfo=LOCAL) - clock(item[key])) < timedelta(milliseconds=5)
                elif key != "photos":
                    assert (row[heading] or "") == item[key], heading
            assert (row["照片指纹"] or "").count(";") == max(len(item["photos"]) - 1, 0)
    assert repeated > 50


def test_the_same_seed_is_the_same_bytes(root, tmp_path):
    def digest(folder):
        return {
            p.relative_to(folder): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()
        }

    again = tmp_path / "again"
    human.write(again, REGISTRY, SCENARIO, start=SCENARIO.start, end=SCENARIO.end, seed=SEED)
    assert digest(again / "human") == digest(root)
    other = tmp_path / "other"
    human.write(other, REGISTRY, SCENARIO, start=SCENARIO.start, end=SCENARIO.end, seed=1)
    assert digest(other / "human") != digest(root)


def test_a_poll_does_not_depend_on_the_window(root, tmp_path):
    start = SCENARIO.start + timedelta(days=3, hours=5)  # 21 August 13:00
    count = human.write(tmp_path, REGISTRY, SCENARIO, start=start, end=start + timedelta(hours=60), seed=SEED)
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(files) == count
    for path in files:
        assert path.read_bytes() == (root.parent / path.relative_to(tmp_path)).read_bytes(), path
