"""truth.csv: well-formed, about the window alone, and additive."""

import csv
from datetime import datetime, timedelta

import pytest

from domain.records import Reason, Severity
from sample_feeds.scenario import SkyEvent, load
from sample_feeds.truth import COLUMNS, clear_passes, knowable, rows, write

SCENARIO = load()
ALL = list(rows(SCENARIO, SCENARIO.start, SCENARIO.end))
RULES = {
    "air.polluted", "air.ozone_day", "water.ammonia", "water.class", "noise.night", "source.hour", "source.day",
    "soil.risk", "ecology.bloom", "ecology.clearing", "human.spot", "station.fault", "station.silent",
}  # fmt: skip


def test_columns_and_file(tmp_path):
    assert write(tmp_path, SCENARIO, SCENARIO.start, SCENARIO.end) == len(ALL)
    with (tmp_path / "truth.csv").open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        assert tuple(reader.fieldnames) == COLUMNS
        assert list(reader) == ALL


def test_every_event_and_subject_of_the_demo_has_a_row():
    assert {(r["event_id"], r["subject"]) for r in ALL} == {(e.id, s) for e in SCENARIO.events for s in e.subjects}


@pytest.mark.parametrize("row", ALL, ids=lambda r: f"{r['event_id']}/{r['subject']}/{r['rule']}")
def test_rows_are_well_formed(row):
    start, end = (datetime.fromisoformat(row[k]) for k in ("start", "end"))
    assert start.utcoffset() == end.utcoffset() == timedelta(hours=8)
    assert SCENARIO.start <= start < end <= SCENARIO.end + timedelta(hours=1)
    assert row["note_zh"]
    assert row["note_en"]
    match row["expect"]:
        case "alert":
            assert row["rule"] in RULES
            assert row["severity"] in set(Severity)
        case "evidence":
            assert row["rule"] in {"spot", "candidate"}
            assert row["severity"] == ""
        case "rejection":
            assert row["rule"] in set(Reason)
            assert row["severity"] == ""
        case _:
            assert (row["expect"], row["rule"], row["severity"]) == ("none", "", "")


def test_what_has_a_place_says_where_and_how_far():
    for row in ALL:
        placed = row["kind"] in {"bloom", "clearing", "dump", "spot_reports"}
        assert [bool(row[c]) for c in ("lon", "lat", "reach_m")] == [placed] * 3
        assert bool(row["category"]) == (row["kind"] == "spot_reports")


def test_keys_do_not_repeat():
    keys = [(r["event_id"], r["subject"], r["rule"]) for r in ALL]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("cut", [1, 62, 66, 66.5, 126, 177, 200, 335])
def test_rows_of_joined_windows_are_those_of_the_whole(cut):
    middle = SCENARIO.start + timedelta(hours=cut)
    parts = [*rows(SCENARIO, SCENARIO.start, middle), *rows(SCENARIO, middle, SCENARIO.end)]
    assert sorted(map(str, parts)) == sorted(map(str, ALL))


def test_the_spill_arrives_later_downstream():
    spill = [r for r in ALL if r["event_id"] == "ammonia-spill"]
    assert [r["subject"] for r in spill] == ["water-2", "water-3", "water-4"]
    assert [r["start"][8:13] for r in spill] == ["21T02", "21T09", "21T17"]


def test_a_sample_is_known_when_its_report_arrives():
    (event,) = (e for e in SCENARIO.events if e.id == "soil-cadmium")
    assert knowable(event, "soil-07", SCENARIO).isoformat() == "2026-08-25T15:20:00+08:00"


def test_from_space_nothing_is_known_under_clouds():
    cloudy = SCENARIO.model_copy(update={"sky": SCENARIO.sky.model_copy(update={"default_cloud": 0.9, "clouds": {}})})
    assert not list(clear_passes(cloudy, SCENARIO.start, SCENARIO.end))
    found = list(rows(cloudy, SCENARIO.start, SCENARIO.end))
    assert len(found) == len(ALL) - sum(len(e.subjects) * len(e.truth) for e in SCENARIO.of(SkyEvent))


def test_clear_passes_are_days_of_the_cycle():
    for at in clear_passes(SCENARIO, SCENARIO.start - timedelta(days=30), SCENARIO.end):
        assert (at.date() - SCENARIO.anchor.astimezone(at.tzinfo).date()).days % SCENARIO.sky.cycle_days in (
            SCENARIO.sky.passes
        )


def test_an_empty_window_has_a_heading_alone(tmp_path):
    assert write(tmp_path, SCENARIO, SCENARIO.end, SCENARIO.end + timedelta(days=3)) == 0
    assert (tmp_path / "truth.csv").read_text(encoding="utf-8") == ",".join(COLUMNS) + "\n"
