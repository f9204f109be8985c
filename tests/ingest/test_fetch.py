import json
import os
import time

import pytest

from domain.errors import FeedUnavailable
from ingest import fetch, web
from ingest.fetch import arrived, asks, get, moment
from tests.ingest.given import DAY, END, NEXT_DAY, START, feeds, page, put, report, server

BBOX = [119.53, 28.10, 120.16, 28.73]
HJ212, LAB, PLATFORM = feeds()["ground_hj212"], feeds()["soil_lab"], feeds()["grid_platform"]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(web, "PAUSE_S", 0.001)
    monkeypatch.setattr(web, "LONGEST_PAUSE_S", 0.001)


def fetched(feed, root, start=START, end=END):
    return [p for ask in asks(feed, str(root), start, end, BBOX) for p in ask.payloads]


def over_http(address):
    return PLATFORM.model_copy(update={"path": address + "/api?page={page}"})


def test_a_file_of_the_slot_with_its_times(tmp_path):
    put(tmp_path, "ground/hj212/2026-08-20/09.hj212", b"##")
    (payload,) = fetched(HJ212, tmp_path)
    assert payload == fetch.Payload("ground/hj212/2026-08-20/09.hj212", b"##", START, END)


def test_the_hour_may_be_many_files(tmp_path):
    for name in ("09.hj212", "09-0512345678-gateway.hj212", "09-0512345678-gateway.hj212.jsonl", "10.hj212"):
        put(tmp_path, f"ground/hj212/2026-08-20/{name}", name.encode())
    assert [p.content for p in fetched(HJ212, tmp_path)] == [b"09-0512345678-gateway.hj212", b"09.hj212"]


def test_what_came_since_the_last_look_in_the_order_it_came(tmp_path):
    folder = "ground/hj212/2026-08-20/"
    put(tmp_path, f"{folder}09.hj212", b"whole")
    found, since = arrived(HJ212, str(tmp_path), START, END, -1)
    assert ([p.content for p in found], since) == ([b"whole"], (tmp_path / f"{folder}09.hj212").stat().st_ctime_ns)
    assert arrived(HJ212, str(tmp_path), START, END, since) == ([], since)
    time.sleep(0.02)
    put(tmp_path, f"{folder}09-2-b.hj212", b"b")
    time.sleep(0.02)
    old = put(tmp_path, f"{folder}.part", b"a")  # written long ago, moved to its place now
    os.utime(old, (0, 0))
    old.rename(tmp_path / f"{folder}09-1-a.hj212")
    found, later = arrived(HJ212, str(tmp_path), START, END, since)
    assert [p.content for p in found] == [b"b", b"a"]
    assert later > since
    assert found[0].until == END


def test_a_web_cannot_be_asked_what_is_new(tmp_path):
    assert arrived(HJ212, "https://example.invalid", START, END, 7) == ([], 7)
    with pytest.raises(FeedUnavailable, match="the folder is not there"):
        arrived(HJ212, str(tmp_path / "nowhere"), START, END, -1)


def test_a_missing_file_is_asked_and_empty(tmp_path):
    assert fetched(HJ212, tmp_path) == []


def test_a_missing_folder_of_feeds_is_dead(tmp_path):
    with pytest.raises(FeedUnavailable, match=r"ground_hj212: .*nowhere: the folder is not there"):
        fetched(HJ212, tmp_path / "nowhere")


def test_a_file_url_is_a_folder(tmp_path):
    put(tmp_path, "ground/hj212/2026-08-20/09.hj212", b"##")
    (payload,) = fetched(HJ212, tmp_path.as_uri())
    assert (payload.name, payload.content) == ("ground/hj212/2026-08-20/09.hj212", b"##")


def test_a_pattern_takes_every_file_by_name_but_no_lock_files(tmp_path):
    for name in ("b.xlsx", "a.xlsx", "~$a.xlsx", ".hidden.xlsx", "notes.txt"):
        put(tmp_path, f"ground/lab/2026-08-20/{name}", b"x")
    names = [p.name for p in fetched(LAB, tmp_path, DAY, NEXT_DAY)]
    assert names == ["ground/lab/2026-08-20/a.xlsx", "ground/lab/2026-08-20/b.xlsx"]


def test_a_folder_that_looks_like_a_pattern_is_a_folder(tmp_path):
    root = tmp_path / "feeds [old]"
    put(root, "ground/lab/2026-08-20/a.xlsx", b"x")
    assert len(fetched(LAB, root, DAY, NEXT_DAY)) == 1


def test_pages_are_followed_as_far_as_they_say(tmp_path):
    for n in (1, 2, 3):
        put(tmp_path, f"human/api/2026-08-20/09/page-{n}.json", page(report(taskId=str(n)), pages=2, number=n))
    assert [p.name[-11:] for p in fetched(PLATFORM, tmp_path)] == ["page-1.json", "page-2.json"]


def test_pages_are_counted_from_the_total_when_that_is_all_there_is(tmp_path):
    body = json.dumps({"data": {"total": 5, "pageSize": 2, "list": []}}).encode()
    for n in (1, 2, 3, 4):
        put(tmp_path, f"human/api/2026-08-20/09/page-{n}.json", body)
    assert len(fetched(PLATFORM, tmp_path)) == 3


def test_a_broken_first_page_does_not_hide_the_others(tmp_path):
    put(tmp_path, "human/api/2026-08-20/09/page-1.json", page(report(), pages=3)[:50])
    for n in (2, 3):
        put(tmp_path, f"human/api/2026-08-20/09/page-{n}.json", page(report(), pages=3, number=n))
    assert len(fetched(PLATFORM, tmp_path)) == 3


def test_a_missing_page_is_told_after_the_others_came(tmp_path):
    for n in (1, 3):
        put(tmp_path, f"human/api/2026-08-20/09/page-{n}.json", page(report(), pages=3, number=n))
    (ask,) = asks(PLATFORM, str(tmp_path), START, END, BBOX)
    assert len([next(ask.payloads), next(ask.payloads)]) == 2
    with pytest.raises(FeedUnavailable, match=r"grid_platform: of 3 pages these are missing: .*page-2\.json"):
        next(ask.payloads)


def test_a_server_that_is_busy_at_first_is_asked_again():
    answers = {
        "/api?page=1": [(429, b""), (500, b""), (200, page(report(), pages=2))],
        "/api?page=2": [(503, b""), (200, page(report(taskId="2"), pages=2, number=2))],
    }
    with server(answers) as (address, asked):
        payloads = fetched(over_http(address), "unused")
    assert [json.loads(p.content)["data"]["pageNum"] for p in payloads] == [1, 2]
    assert asked == ["/api?page=1"] * 3 + ["/api?page=2"] * 2


def test_a_server_that_stays_broken_is_unavailable_after_all_tries():
    said = r"grid_platform: http://127\.0\.0\.1:\d+/api\?page=1: .* 500"
    with server({"/api?page=1": [(500, b"")]}) as (address, asked), pytest.raises(FeedUnavailable, match=said):
        fetched(over_http(address), "unused")
    assert len(asked) == web.ATTEMPTS


def test_a_server_that_refuses_is_not_asked_again():
    with server({"/api?page=1": [(403, b"")]}) as (address, asked), pytest.raises(FeedUnavailable, match="403"):
        fetched(over_http(address), "unused")
    assert len(asked) == 1


def test_nobody_there_is_unavailable_and_says_where():
    with pytest.raises(FeedUnavailable, match=r"grid_platform: http://127\.0\.0\.1:9/api\?page=1: no answer after"):
        fetched(over_http("http://127.0.0.1:9"), "unused")


def test_a_page_of_login_html_ends_the_paging():
    answers = {f"/api?page={n}": [(200, b"<html>please log in</html>")] for n in range(1, 100)}
    with server(answers) as (address, asked):
        payloads = fetched(over_http(address), "unused")
    assert len(payloads) == len(asked) == 3


def test_nothing_at_an_address_is_nothing():
    with server({}) as (address, _):
        assert get(HJ212, address + "/none") is None


def test_files_over_http_are_files():
    with server({"/ground/hj212/2026-08-20/09.hj212": [(200, b"##")]}) as (address, _):
        (payload,) = fetched(HJ212, address)
    assert (payload.name, payload.content) == ("ground/hj212/2026-08-20/09.hj212", b"##")


@pytest.mark.parametrize("text", ["", "yesterday", "2026-08-20T01:20:00", None, 3])
def test_what_is_no_moment(text):
    assert moment(text) is None
