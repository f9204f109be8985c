"""Capture files: same seed same bytes, any window, and every frame right but the injected ones."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from domain.registry import Registry
from domain.times import LOCAL
from sample_feeds import ground
from sample_feeds.hj212_frames import crc
from sample_feeds.scenario import load
from sample_feeds.simulate import COUNTY
from sample_feeds.wire import NOISE

SCENARIO = load()
REGISTRY = Registry.load(COUNTY)
FRAME = re.compile(rb"##(\d{4})(.*?)([0-9A-Fa-f]{4})\r\n", re.DOTALL)


def captured(out, start_h, end_h, seed=SCENARIO.seed, scenario=SCENARIO):
    hours = [SCENARIO.start + timedelta(hours=h) for h in (start_h, end_h)]
    ground.write(out, REGISTRY, scenario, *hours, seed)
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in sorted(out.rglob("*.hj212"))}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return captured(tmp_path_factory.mktemp("demo"), 0, 14 * 24)


def test_a_file_for_every_hour_and_none_empty(demo):
    assert len(demo) == 14 * 24
    assert next(iter(demo)) == "ground/hj212/2026-08-18/08.hj212"
    assert list(demo)[-1] == "ground/hj212/2026-09-01/07.hj212"
    assert all(demo.values())


def test_same_seed_same_bytes_and_another_seed_others(tmp_path):
    one, two, three = (captured(tmp_path / n, 60, 72, seed) for n, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert one == two
    assert all(one[name] != three[name] for name in one)


# 30..33 spoilt frames, 46 midnight, 190 a cut frame, 199..210 late packets, 240..250 the wrong clock, 277 disorder
@pytest.mark.parametrize(("start", "end"), [(0, 5), (29, 34), (38, 43), (188, 193), (198, 212), (239, 252), (276, 286)])
def test_a_window_gives_the_bytes_of_the_whole(demo, tmp_path, start, end):
    part = captured(tmp_path, start, end)
    assert len(part) == end - start
    assert all(demo[name] == data for name, data in part.items())


def test_joined_windows_are_the_whole(demo, tmp_path):
    captured(tmp_path, 180, 191)
    assert captured(tmp_path, 191, 215).items() <= demo.items()
    assert len(list(tmp_path.rglob("*.hj212"))) == 35


def test_batches_cannot_be_seen(demo, tmp_path, monkeypatch):
    monkeypatch.setattr(ground, "BATCH_HOURS", 7)
    assert captured(tmp_path, 196, 214).items() <= demo.items()


def test_every_frame_is_right_but_the_injected_ones(demo):
    bad, garbage = Counter(), 0
    for data in demo.values():
        garbage += data.count(NOISE)
        rest = data.replace(NOISE, b"")
        whole = b""
        for match in FRAME.finditer(rest):
            whole += match[0]
            bad["length"] += int(match[1]) != len(match[2])
            bad["crc"] += int(match[3], 16) != crc(match[2])
            bad["grammar"] += b";CP=&&" not in match[2] or not match[2].endswith(b"&&")
        bad["cut"] += whole != rest
    assert bad == {"length": 1, "crc": 3, "grammar": 1, "cut": 1}
    assert garbage == 2


def test_each_edition_speaks(demo):
    data = b"".join(demo.values())
    flags = {int(f) for f in re.findall(rb";Flag=(\d+)", data)}
    assert {4, 5, 7, 8, 9, 11} <= flags
    assert b";RF=1;" in data
    old = re.findall(rb"##\d{4}(?:QN=\d{17};)?ST=\d\d;CN=(\d{4});PW=\d{6};MN=LD\d{12};CP=", data)
    assert set(old) == {b"2011", b"2061", b"2031"}


def test_commands(demo):
    counts = Counter(re.findall(rb";CN=(\d{4});", b"".join(demo.values())))
    assert counts[b"2011"] == 3 * 14 * 24 * 6  # three loggers every ten minutes
    assert counts[b"2051"] == 14 * 24 * 6
    assert counts[b"2061"] > 14 * 24 * 14
    assert counts[b"2031"] >= 14 * 20


def test_what_comes_in_time_lies_in_its_hour(demo):
    """QN within an hour of the capture, but for old packets sent again and for the clock that is ahead."""
    odd = Counter()
    for name, data in demo.items():
        hour = datetime.strptime(name, "ground/hj212/%Y-%m-%d/%H.hj212").replace(tzinfo=LOCAL)
        for mn, qn in ((m, q) for q, m in re.findall(rb"QN=(\d{14})\d{3};ST=\d\d;CN=\d{4};PW=\d{6};MN=(\w+)", data)):
            sent = datetime.strptime(qn.decode(), "%Y%m%d%H%M%S").replace(tzinfo=LOCAL)
            if not hour <= sent < hour + timedelta(hours=1):
                odd[REGISTRY.by_mn[mn.decode()]["station_id"]] += 1
    assert set(odd) == {"air-2", "air-3", "noise-2", "outlet-1", "water-3"}
    assert odd["air-2"] == 10


def test_an_hour_in_which_nothing_arrives_has_an_empty_file(tmp_path):
    silent = next(e for e in SCENARIO.events if e.kind == "gap")
    stations = tuple(n for n, s in REGISTRY.by_id.items() if s["mn"])
    everywhere = SCENARIO.model_copy(update={"events": (silent.model_copy(update={"subjects": stations}),)})
    start = (silent.start - SCENARIO.start) / timedelta(hours=1)
    assert set(captured(tmp_path, start, start + 3, scenario=everywhere).values()) == {b""}


def test_progress_is_told(tmp_path):
    told = []
    ground.write(tmp_path, REGISTRY, SCENARIO, SCENARIO.start, SCENARIO.start + timedelta(hours=4), 1,
                 lambda part, share: told.append((part, share)))  # fmt: skip
    assert told == [("ground", 0.25), ("ground", 0.5), ("ground", 0.75), ("ground", 1.0)]


def test_paths_follow_the_days_of_lishui(tmp_path):
    hour = int(datetime(2026, 8, 18, 16, tzinfo=UTC).timestamp()) // 3600
    assert ground.capture_path(tmp_path, hour) == tmp_path / "ground" / "hj212" / "2026-08-19" / "00.hj212"
