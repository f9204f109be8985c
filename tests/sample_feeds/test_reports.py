"""What people report: everyday matters far apart, spots close together, faults as the scenario has them."""

import re
from datetime import timedelta

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from domain.catalogue import TABLES_DIR, read_table
from domain.registry import Registry
from domain.times import LOCAL
from sample_feeds.reports import classes, reports, texts
from sample_feeds.scenario import ReportFault, SpotReports, load
from sample_feeds.simulate import COUNTY

SEED = 20260818
SCENARIO = load()
REGISTRY = Registry.load(COUNTY)
SPOTS = list(SCENARIO.of(SpotReports))


def made(seed=SEED, start=SCENARIO.start, end=SCENARIO.end):
    return reports(REGISTRY, SCENARIO, start, end, seed)


def of_spot(found, spot):
    number = SPOTS.index(spot) + 1
    return [r for r in found if re.fullmatch(rf"LDWG{spot.start.astimezone(LOCAL):%Y%m%d}8{number}\d\dR?", r.task_id)]


def everyday(found):
    return [r for r in found if re.fullmatch(r"LDWG\d{8}0\d{3}", r.task_id)]


def metres(found):
    to_grid = Transformer.from_crs(4326, REGISTRY.county["crs"], always_xy=True)
    return np.column_stack(to_grid.transform([r.lon for r in found], [r.lat for r in found]))


@pytest.fixture(scope="module")
def found():
    return made()


def test_there_are_about_as_many_a_day_as_wanted(found):
    period = [r for r in everyday(found) if r.found_at >= SCENARIO.start]
    assert 0.7 < len(period) / 14 / SCENARIO.human.per_day < 1.3


@settings(max_examples=15)
@given(seed=st.integers(0, 2**31))
def test_everyday_reports_never_make_a_spot(seed):
    all_of_them = made(seed)
    plain = [r for r in all_of_them if not re.match(r"LDWG\d{8}8", r.task_id)]
    xy, hours = metres(plain), np.array([r.found_at.timestamp() / 3600 for r in plain])
    near = np.hypot(*(xy[:, None] - xy[None, :]).transpose(2, 0, 1)) < SCENARIO.human.min_distance_m - 5
    soon = np.abs(hours[:, None] - hours[None, :]) <= 72
    np.fill_diagonal(near, val=False)
    assert not (near & soon).any()
    to_grid = Transformer.from_crs(4326, REGISTRY.county["crs"], always_xy=True)
    for spot in SPOTS:
        assert np.hypot(*(xy - to_grid.transform(*spot.centre)).T).min() > SCENARIO.human.min_distance_m - 5


@pytest.mark.parametrize("spot", SPOTS, ids=lambda s: s.id)
def test_a_spot_is_reported_by_several_people_close_together(found, spot):
    here = of_spot(found, spot)
    apart = [r for r in here if not r.duplicate_of]
    assert len(apart) == spot.reports
    assert len({r.source for r in apart}) == min(spot.reports, 4)
    xy = metres(here)
    assert np.hypot(*(xy[:, None] - xy[None, :]).transpose(2, 0, 1)).max() <= 150
    assert min(r.found_at for r in here) < spot.start + timedelta(hours=1)
    assert max(r.found_at for r in here) <= spot.start + timedelta(hours=spot.spread_h, seconds=95)
    same_class = [r for r in apart if classes()["category"][r.class_small] == spot.category]
    assert len(same_class) >= min(4, spot.reports)
    assert {classes()["category"][r.class_end] for r in apart} == {spot.category}


def test_the_dump_has_other_systems_a_wrong_class_and_one_pressed_twice(found):
    dump = [r for r in found if r.township == "331102204" and "建筑垃圾，树" in r.text]
    assert {r.coord_sys for r in dump} == {"GCJ02", "WGS84", "BD09"}
    assert [r.class_small for r in dump].count("其他问题") == 1
    twice = [r for r in dump if r.duplicate_of]
    assert [r.duplicate_of + "R" for r in twice] == [r.task_id for r in twice]
    assert [step.status for step in twice[0].steps] == ["上报", "重复合并"]


def test_each_fault_has_its_report(found):
    faulty = {r.task_id: r.fault for r in found if r.fault}
    wanted = {e.subjects[0]: e.kind for e in SCENARIO.of(ReportFault) if e.kind != "truncated_page"}
    assert faulty == wanted
    for event in SCENARIO.of(ReportFault):
        for report in found:
            if report.task_id in event.subjects:
                assert event.start <= report.found_at < event.end


def test_reports_lie_in_the_township_they_name(found):
    shapes = dict(zip(REGISTRY.townships.ids, REGISTRY.townships.shapes, strict=True))
    for r in found:
        assert shapes[r.township].contains(shapely.Point(r.lon, r.lat)), r.task_id
        assert r.grid_code.startswith(r.township)
        assert len(r.grid_code) == 15


def test_cases_move_forward_and_end(found):
    ends = {"结案", "不予受理", "重复合并"}
    for r in found:
        times = [step.at for step in r.steps]
        assert times == sorted(times)
        assert r.steps[0].status == "上报"
        assert r.fault or r.steps[-1].status in ends
        assert times[-1] - times[0] < timedelta(days=8)


def test_classes_are_sometimes_wrong_and_put_right(found):
    wrong = [r for r in everyday(found) if r.class_small != r.class_end]
    assert 0.01 < len(wrong) / len(everyday(found)) < 0.2


def test_personal_data_are_there_and_obviously_invented(found):
    told = " ".join(r.text for r in found)
    without_cards = re.sub(r"\d{17}[\dX]", "", told.replace(" ", ""))
    phones = {str(int(number)) for number in re.findall(r"1[3-9]\d{9}|１\d{10}", without_cards)}
    assert phones == {"13800000000", "13900000000"}
    for number in re.findall(r"\d{17}[\dX]", told):
        assert number[6:14] == "19000101"
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        assert "10X98765432"[sum(int(d) * w for d, w in zip(number[:17], weights, strict=True)) % 11] == number[17]
    assert {r.reporter for r in found} <= {"张示例", "李样例", "王虚构", "陈假名", "刘某某"}


def test_a_window_shows_the_same_reports_as_a_longer_one(found):
    start = SCENARIO.start + timedelta(days=5)
    part = made(start=start, end=start + timedelta(days=2))
    assert part == [r for r in found if any(start <= s.at < start + timedelta(days=2) for s in r.steps)]
    assert made(seed=1) != found


def test_texts_and_sources_are_known_to_the_tables(found):
    assert texts()["category"].isin(list("WANSLEDR")).all()
    assert set(texts()["urgency"]) <= {"1", "2", "3", "4"}
    sources = read_table(TABLES_DIR / "report_sources.csv", columns=["name_zh", "source", "note"], key=["name_zh"])
    assert {r.source for r in found} <= set(sources["name_zh"])
    assert {r.class_small for r in found} | {r.class_end for r in found if r.class_end} <= set(classes().index)
