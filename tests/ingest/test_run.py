import random
import time
from datetime import timedelta
from itertools import permutations

import pytest

from domain.errors import CatalogueError, FeedCorrupt, FeedUnavailable
from ingest import run as shell
from ingest import web
from ingest.run import Counts, feeds_of, feeds_root, ingest, ingest_new
from tests.ingest.given import (
    DAY,
    END,
    MN,
    NEXT_DAY,
    START,
    feeds,
    home,
    hour_packet,
    page,
    put,
    report,
    scene,
    server,
    xlsx,
)

HOUR = timedelta(hours=1)
MORNING = 11
TABLES = ("observations", "reports", "scenes")


def run(place, root, feed, start=START, end=END):
    return ingest(place, feed, start=start, end=end, now=end, root=str(root))


def contents(place):
    """Every table and the quarantine as text."""
    said = {name: place.lake.read(name).to_csv() for name in TABLES}
    return said | {"rejections": place.ledger.rejections().to_csv()}


def versions(place):
    return [place.lake.version(name) for name in (*TABLES, "superseded")]


def hours(start, n):
    return [(start + i * HOUR, start + (i + 1) * HOUR) for i in range(n)]


def at(hour):
    return f"2026-08-20 {hour:02d}:10:00"


@pytest.fixture
def day(tmp_path):
    """A day on which everything comes twice, late, corrected, out of order or broken."""
    root = tmp_path / "feeds"
    for hour in range(MORNING):
        sent, before = f"20260820{hour:02d}0300000", f"20260820{min(hour, 8):02d}0000"
        frames = hour_packet(f"a21026-Avg={hour}.0,a21026-Flag=N", time="20260820000000", sent=sent)
        frames += hour_packet(f"a34004-Avg={hour + 30},a34004-Flag=N", time=before, sent=sent)
        frames += b"noise" if hour == 7 else b""
        put(root, f"ground/hj212/2026-08-20/{hour:02d}.hj212", frames + frames)
        items = [
            report(taskId=f"LD-{k}", statusName=status, updateTime=at(hour), discoverTime="2026-08-20 00:05:00")
            for k, status in ((hour % 3, "处置"), (3, "派遣" if hour % 2 else "退回"), (4, "上报"))
        ]
        body = page(*items, report(taskId=None), pages=2)
        put(root, f"human/api/2026-08-20/{hour:02d}/page-1.json", body[:-40] if hour == 5 else body)
        put(root, f"human/api/2026-08-20/{hour:02d}/page-2.json", page(report(), pages=2, number=2))
    put(root, "ground/lab/2026-08-20/a.xlsx", xlsx(("点位", "采样日期", "pH"), ("soil-01", "2026-08-19", 5.6)))
    put(root, "ground/lab/2026-08-20/b.xlsx", xlsx(("点位", "采样日期", "pH"), ("soil-01", "2026-08-19", 5.8)))
    scene(root)
    return root


FEEDS = ("ground_hj212", "soil_lab", "grid_platform", "sentinel2")


def taken(place, root, windows):
    for name in FEEDS:
        for start, end in windows:
            run(place, root, name, start, end)
    return contents(place)


def test_hour_by_hour_backfill_shuffled_and_twice_give_one_result(tmp_path, day):
    once = home(tmp_path / "once")
    expected = taken(once, day, [(DAY, DAY + MORNING * HOUR)])
    assert expected["rejections"].count("\n") > MORNING
    hourly = hours(DAY, MORNING)
    assert taken(home(tmp_path / "live"), day, hourly) == expected
    shuffled = random.Random(1).sample(hourly, len(hourly))
    assert taken(home(tmp_path / "shuffled"), day, shuffled) == expected
    before = versions(once)
    assert taken(once, day, [(DAY, DAY + MORNING * HOUR), *shuffled[:3]]) == expected
    assert versions(once) == before


def test_small_batches_give_what_large_ones_give(tmp_path, day, monkeypatch):
    expected = taken(home(tmp_path / "large"), day, [(DAY, NEXT_DAY)])
    monkeypatch.setattr(shell, "BATCH_ROWS", 1)
    assert taken(home(tmp_path / "small"), day, [(DAY, NEXT_DAY)]) == expected


def test_simulated_hours_live_and_at_once(tmp_path, small_feeds):
    start, end = DAY - timedelta(days=2) + 8 * HOUR, DAY - timedelta(days=2) + 14 * HOUR
    once, live = home(tmp_path / "once"), home(tmp_path / "live")
    for name in (name for name, feed in feeds().items() if feed.active):
        run(once, small_feeds, name, start, end)
        for window in hours(start, 6):
            run(live, small_feeds, name, *window)
    assert contents(once) == contents(live)
    assert len(once.lake.read("observations")) > 1000
    assert not once.lake.read("reports").empty


def test_the_newest_state_wins_in_every_order_even_when_it_came_back(tmp_path):
    for hour, status in ((9, "派遣"), (10, "退回"), (11, "派遣")):
        body = page(report(statusName=status, updateTime=at(hour)))
        put(tmp_path, f"human/api/2026-08-20/{hour:02d}/page-1.json", body)
    for number, order in enumerate(permutations(hours(START, 3))):
        place = home(tmp_path / str(number))
        for window in order:
            run(place, tmp_path, "grid_platform", *window)
        row = place.lake.read("reports").iloc[0]
        assert (row["status"], row["received_at"]) == ("dispatched", START.replace(minute=10) + 2 * HOUR)


def test_an_export_never_overwrites_the_interface_whichever_comes_first(tmp_path):
    headings = ("任务号", "问题来源", "发现时间", "更新时间", "问题描述", "案件状态")
    row = ("LD-1", "网格上报", "2026-08-20 08:10:00", "2026-08-20 08:12:00", "别的话", "上报")
    put(tmp_path, "human/export/2026-08-20/e.xlsx", xlsx(headings, row))
    put(tmp_path, "human/api/2026-08-20/09/page-1.json", page(report()))
    for number, order in enumerate(permutations(["grid_platform", "grid_export"])):
        place = home(tmp_path / str(number))
        for name in order:
            run(place, tmp_path, name, DAY, NEXT_DAY)
        reports = place.lake.read("reports")
        assert reports["text"].tolist() == ["路口垃圾桶满了"]
        assert reports["photos"].tolist() != ["[]"]


def test_counts_add_up(tmp_path):
    put(tmp_path, "ground/hj212/2026-08-20/09.hj212", hour_packet("a21026-Avg=7,a21026-Flag=N") + b"noise")
    place = home(tmp_path / "home")
    first = run(place, tmp_path, "ground_hj212")
    assert first == Counts(payloads=1, records=1, new=1, rejected={"garbage": 1})
    second = run(place, tmp_path, "ground_hj212")
    assert second == Counts(payloads=1, records=1, unchanged=1, rejected={"garbage": 1})
    assert (first + second).as_dict() == {
        "payloads": 2, "records": 2, "new": 1, "changed": 0, "unchanged": 1, "rejected": {"garbage": 2}
    }  # fmt: skip


def test_changes_name_the_days_to_compute_again(tmp_path):
    put(tmp_path, "ground/hj212/2026-08-20/09.hj212", hour_packet("a21026-Avg=7,a21026-Flag=N"))
    place = home(tmp_path / "home")
    run(place, tmp_path, "ground_hj212")
    assert {(m, d.isoformat()) for m, d in place.lake.changes("observations", -1).days} == {("air", "2026-08-20")}


def states(place, feed):
    return place.coverage.read(feed)["state"].tolist()


def test_every_slot_says_what_came(tmp_path):
    put(tmp_path, "ground/hj212/2026-08-20/09.hj212", hour_packet("a21026-Avg=7,a21026-Flag=N"))
    put(tmp_path, "ground/hj212/2026-08-20/11.hj212", b"noise")
    put(tmp_path, "ground/hj212/2026-08-20/12.hj212", b"")
    place = home(tmp_path / "home")
    run(place, tmp_path, "ground_hj212", START, START + 4 * HOUR)
    assert states(place, "ground_hj212") == ["received", "empty", "rejected", "empty"]
    put(tmp_path, "ground/hj212/2026-08-20/10.hj212", hour_packet("a21026-Avg=8,a21026-Flag=N"))
    for _ in range(2):
        run(place, tmp_path, "ground_hj212", START, START + 4 * HOUR)
        assert states(place, "ground_hj212") == ["received", "late", "rejected", "empty"]


def test_a_dead_feed_is_marked_told_and_alone(tmp_path):
    root = tmp_path / "feeds"
    place = home(tmp_path / "home")
    with pytest.raises(FeedUnavailable, match="ground_hj212"):
        run(place, root, "ground_hj212", START, START + 2 * HOUR)
    assert states(place, "ground_hj212") == ["failed"]  # the second hour was never asked for
    put(root, "human/api/2026-08-20/09/page-1.json", page(report()))
    assert run(place, root, "grid_platform").new == 1
    put(root, "ground/hj212/2026-08-20/09.hj212", hour_packet("a21026-Avg=7,a21026-Flag=N"))
    assert run(place, root, "ground_hj212").new == 1
    assert states(place, "ground_hj212") == ["received"]


def test_what_came_before_a_failure_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(web, "PAUSE_S", 0.0)
    answers = {"/9?p=1": [(200, page(report(), pages=2))], "/9?p=2": [(500, b"")]}
    place = home(tmp_path)
    with server(answers) as (address, _):
        feed = feeds()["grid_platform"].model_copy(update={"path": address + "/9?p={page}"})
        with pytest.raises(FeedUnavailable, match=r"grid_platform: http.*p=2"):
            ingest(place, feed, start=START, end=END, now=END, root="unused")
    assert place.lake.read("reports")["id"].tolist() == ["LD-1"]
    assert states(place, "grid_platform") == ["failed"]


def test_a_catalogue_that_cannot_be_read_is_marked_and_told(tmp_path):
    put(tmp_path, "sky/catalog.json", b"{")
    place = home(tmp_path / "home")
    with pytest.raises(FeedCorrupt, match="sentinel2"):
        run(place, tmp_path, "sentinel2", DAY, NEXT_DAY)
    assert states(place, "sentinel2") == ["failed"]


def test_a_feed_nobody_knows_is_named_with_those_that_are(tmp_path):
    with pytest.raises(CatalogueError, match=r"no feed 'grond'; it has \['dem', "):
        run(home(tmp_path), tmp_path, "grond")


def test_only_the_archive_knows_who_it_was(tmp_path):
    text = "联系人张示例，电话13800000000，车牌浙K00000"
    put(
        tmp_path,
        "human/api/2026-08-20/09/page-1.json",
        page(report(description=text), report(description=text, taskId=None)),
    )
    place = home(tmp_path / "home")
    run(place, tmp_path, "grid_platform")
    said = contents(place)
    for private in ("13800000000", "张示例", "浙K00000"):
        assert all(private not in text for text in said.values())
    ref = place.ledger.rejections()["raw_ref"][0]
    assert "13800000000" in place.files.payload(ref).decode()


def test_where_the_feeds_are(monkeypatch, tmp_path):
    monkeypatch.delenv("SANYAN_FEEDS", raising=False)
    assert feeds_root() == "var/feeds"
    monkeypatch.setenv("SANYAN_FEEDS", "https://feeds.example")
    assert feeds_root() == "https://feeds.example"
    assert set(feeds_of(home(tmp_path))) == {name for name, feed in feeds().items() if feed.active}


def test_mn_of_the_tests_is_in_the_county(tmp_path):
    assert MN in home(tmp_path).registry.by_mn


def test_new_files_alone_are_taken_and_the_hour_finds_nothing_more(tmp_path):
    root, place = tmp_path / "feeds", home(tmp_path / "home")
    folder = "ground/hj212/2026-08-20"
    taken = []
    for n, hour in enumerate((7, 8)):
        packet = hour_packet("a34004-Avg=12,a34004-Flag=N", time=f"20260820{hour:02d}0000")
        put(root, f"{folder}/09-{n}-gateway.hj212", packet)
        time.sleep(0.03)  # more than a tick of the disk's clock
        taken.append(ingest_new(place, "ground_hj212", now=END - timedelta(minutes=50), root=str(root)))
    assert [c.payloads for c in taken] == [1, 2]  # the file of the last tick is looked at again
    assert [c.new for c in taken] == [taken[0].new, taken[0].new] != [0, 0]
    assert place.coverage.read().empty
    before = contents(place)
    counts = run(place, root, "ground_hj212")
    assert (counts.payloads, counts.new, counts.changed) == (2, 0, 0)
    assert contents(place) == before
    assert place.coverage.read()["state"].tolist() == ["received"]


def test_a_run_that_dies_before_it_is_done_is_repeated(tmp_path, monkeypatch):
    root, place = tmp_path / "feeds", home(tmp_path / "home")
    put(root, "ground/hj212/2026-08-20/09-1-a.hj212", hour_packet("a34004-Avg=12,a34004-Flag=N"))
    with monkeypatch.context() as patched:
        patched.setattr(type(place.ledger), "advance", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            ingest_new(place, "ground_hj212", now=END, root=str(root))
    counts = ingest_new(place, "ground_hj212", now=END, root=str(root))
    assert (counts.payloads, counts.new) == (1, 0)


def test_files_of_slots_long_ago_are_left_to_the_hour(tmp_path):
    root, place = tmp_path / "feeds", home(tmp_path / "home")
    put(root, "ground/hj212/2026-08-20/09-1-a.hj212", hour_packet("a34004-Avg=12,a34004-Flag=N"))
    assert ingest_new(place, "ground_hj212", now=END + 3 * HOUR, root=str(root)).payloads == 0
