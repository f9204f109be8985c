"""The scenario: strict, complete, and about things that exist."""

from datetime import UTC, datetime, timedelta

import pytest
import yaml
from shapely import Point

from domain.errors import CatalogueError
from domain.records import Reason
from domain.registry import Registry
from sample_feeds.scenario import DEFAULT, DeviceFault, Episode, SkyEvent, SpotReports, load
from sample_feeds.signals import kind_of, signals
from sample_feeds.simulate import COUNTY


def rewritten(tmp_path, change):
    data = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
    change(data)
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return path


def test_the_demo_lasts_exactly_two_weeks():
    scenario = load()
    assert scenario.start == datetime(2026, 8, 18, tzinfo=UTC)
    assert scenario.end - scenario.start == timedelta(days=14)
    assert scenario.seed == 20260818


def test_another_anchor_moves_everything():
    here, there = load(), load(anchor=datetime(2027, 1, 1, tzinfo=UTC))
    moved = there.anchor - here.anchor
    assert [e.start + moved for e in here.events] == [e.start for e in there.events]


def test_events_lie_in_the_demo_period_and_name_what_exists():
    scenario, registry = load(), Registry.load(COUNTY)
    known = {*registry.by_id, *registry.townships.ids, *registry.waters.ids}
    for event in scenario.events:
        assert scenario.start <= event.start < event.end <= scenario.end, event.id
        if event.eye != "human" and event.kind != "unknown_station":
            assert set(event.subjects) <= known, event.id
        for expected in event.truth:
            if expected.expect == "rejection":
                assert expected.rule in set(Reason), event.id


def test_parameters_of_events_are_measured_at_their_stations():
    registry = Registry.load(COUNTY)
    for event in load().of(Episode, DeviceFault):
        for subject in event.subjects:
            measured = set(signals(kind_of(registry.by_id[subject])).index)
            wanted = event.levels if isinstance(event, Episode) else event.parameters
            assert set(wanted) <= measured, (event.id, subject)


def test_places_lie_in_their_township_or_water():
    registry = Registry.load(COUNTY)
    places = dict(zip(registry.townships.ids, registry.townships.shapes, strict=True))
    places |= dict(zip(registry.waters.ids, registry.waters.shapes, strict=True))
    for event in load().of(SkyEvent, SpotReports):
        assert places[event.subjects[0]].contains(Point(event.centre)), event.id


def test_the_spill_travels_downstream_and_fades():
    registry = Registry.load(COUNTY)
    (spill,) = (e for e in load().events if e.id == "ammonia-spill")
    km = [registry.by_id[s]["river_km"] for s in spill.subjects]
    starts = [spill.span(s)[0] for s in spill.subjects]
    shares = [spill.share[s] for s in spill.subjects]
    assert km == sorted(km)
    assert starts == sorted(starts)
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d.update(weather="fine"), "weather"),
        (lambda d: d["events"][0].update(kind="earthquake"), "events.0"),
        (lambda d: d["events"][0].update(end=0), "ends before it starts"),
        (lambda d: d["events"][0].update(colour="red"), "colour"),
        (lambda d: d["events"][1].update(id=d["events"][0]["id"]), "repeat"),
        (lambda d: d["events"][0].update(start="2026-08-20T08:00:00"), "no time zone"),
        (lambda d: d["events"][0].update(start="tomorrow"), "tomorrow"),
        (lambda d: d["events"][0]["truth"].append({"expect": "alert", "severity": "red"}), "names its rule"),
        (lambda d: d["events"][0]["truth"].append({"expect": "alert", "rule": "x.y"}), "severity"),
        (lambda d: d["events"].insert(3, "a storm"), r"events\.3\b"),
        (lambda d: d.pop("anchor"), "anchor"),
    ],
)
def test_what_is_no_scenario_is_refused_and_told(tmp_path, change, told):
    with pytest.raises(CatalogueError, match=told):
        load(rewritten(tmp_path, change))


def test_a_missing_or_torn_file(tmp_path):
    with pytest.raises(CatalogueError, match="missing"):
        load(tmp_path / "none.yaml")
    (tmp_path / "torn.yaml").write_text("anchor: [", encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"torn\.yaml"):
        load(tmp_path / "torn.yaml")
