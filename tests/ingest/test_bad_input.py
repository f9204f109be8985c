"""What goes wrong with feeds, one test each: a clear message naming the feed, the file, and the line, cell or byte."""

import json
import re

import pytest

from domain.errors import FeedUnavailable
from ingest.run import ingest
from tests.ingest.given import (
    BANDS,
    DAY,
    NEXT_DAY,
    home,
    hour_packet,
    page,
    put,
    report,
    scene,
    xlsx,
)

HJ212, LAB, PAGES = (
    "ground/hj212/2026-08-20/09.hj212",
    "ground/lab/2026-08-20/soil.xlsx",
    "human/api/2026-08-20/09/page-1.json",
)
EXPORT, ITEM = "human/export/2026-08-20/e.xlsx", "sky/sentinel-2-l2a/S2B_TEST/S2B_TEST.json"
HEADER = ("点位编号", "采样日期", "pH（无量纲）", "镉（mg/kg）")
GOOD = hour_packet("a21026-Avg=7,a21026-Flag=N")


def refused(tmp_path, feed, name, content, reason, *said):
    """Ingest a day with one bad file: exactly this rejection, its payload readable, its place inside the payload."""
    place = home(tmp_path / "home")
    if content is not None:
        put(tmp_path / "feeds", name, content)
    counts = ingest(place, feed, start=DAY, end=NEXT_DAY, now=NEXT_DAY, root=str(tmp_path / "feeds"))
    assert counts.rejected == {reason: 1}
    row = place.ledger.rejections().iloc[0]
    assert row["detail"].startswith(f"{feed}: {name}: "), row["detail"]
    for word in said:
        assert re.search(word, row["detail"]), row["detail"]
    payload = place.files.payload(row["raw_ref"])
    assert payload == (tmp_path / "feeds" / name).read_bytes()
    assert 0 <= row["offset"] <= row["offset"] + row["length"] <= len(payload)
    return place


def test_unknown_station_of_a_device(tmp_path):
    bad = hour_packet("a21026-Avg=7,a21026-Flag=N", mn="33110200000000000000FFFF")
    place = refused(tmp_path, "ground_hj212", HJ212, GOOD + bad, "unknown_station", "byte", "33110200000000000000FFFF")
    assert len(place.lake.read("observations")) == 1


def test_unknown_station_of_a_laboratory(tmp_path):
    content = xlsx(HEADER, ("soil-01", "2026-08-19", 5.6, 0.1), ("soil-99", "2026-08-19", 5.6, 0.1))
    place = refused(
        tmp_path, "soil_lab", LAB, content, "unknown_station", "cell 检测结果!A3", "soil-99", "stations.csv"
    )
    assert len(place.lake.read("observations")) == 2


def test_unknown_code_of_a_device(tmp_path):
    content = hour_packet("a21026-Avg=7,a21026-Flag=N;zzz999-Avg=1,zzz999-Flag=N")
    place = refused(tmp_path, "ground_hj212", HJ212, content, "unknown_code", "byte", "zzz999")
    assert place.lake.read("observations")["parameter"].tolist() == ["SO2"]


def test_unknown_code_of_a_laboratory(tmp_path):
    content = xlsx((*HEADER, "铊（mg/kg）"), ("soil-01", "2026-08-19", 5.6, 0.1, 0.2))
    refused(tmp_path, "soil_lab", LAB, content, "unknown_code", "cell 检测结果!E1", "铊", r"lab_headings\.csv")


def test_wrong_unit(tmp_path):
    content = xlsx((*HEADER[:3], "镉（mg/L）"), ("soil-01", "2026-08-19", 5.6, 0.1))
    place = refused(tmp_path, "soil_lab", LAB, content, "wrong_unit", "cell 检测结果!D1", "mg/L", "mg/kg")
    assert place.lake.read("observations")["parameter"].tolist() == ["soil_pH"]


def test_future_time_stamp_of_a_device(tmp_path):
    bad = hour_packet("a21026-Avg=7,a21026-Flag=N", time="20260821110000")
    refused(tmp_path, "ground_hj212", HJ212, GOOD + bad, "future_time", "byte", "2026-?08-?21")


def test_future_time_stamp_of_a_report(tmp_path):
    content = page(report(taskId="LD-9", discoverTime="2026-09-20 08:10:00"))
    refused(tmp_path, "grid_platform", PAGES, content, "future_time", "/data/list/0", "LD-9", "clock")


def test_future_time_stamp_of_a_sample(tmp_path):
    content = xlsx(HEADER, ("soil-01", "2026-09-19", 5.6, 0.1))
    refused(tmp_path, "soil_lab", LAB, content, "future_time", "cell 检测结果!B2", "2026-09-19")


@pytest.mark.parametrize(
    ("feed", "name"), [("ground_hj212", HJ212), ("soil_lab", LAB), ("grid_platform", PAGES), ("grid_export", EXPORT)]
)
def test_empty_file(tmp_path, feed, name):
    place = refused(tmp_path, feed, name, b"", "empty")
    assert "empty" in set(place.coverage.read(feed)["state"])


def test_truncated_page(tmp_path):
    put(tmp_path / "feeds", PAGES.replace("page-1", "page-2"), page(report(taskId="LD-2"), pages=2, number=2))
    content = page(report(), pages=2)[:-20]
    place = refused(tmp_path, "grid_platform", PAGES, content, "bad_document", "line 1 column")
    assert place.lake.read("reports")["id"].tolist() == ["LD-2"]


def test_truncated_workbook(tmp_path):
    content = xlsx(HEADER, ("soil-01", "2026-08-19", 5.6, 0.1))[:-300]
    refused(tmp_path, "soil_lab", LAB, content, "bad_document", "save it again")


def test_row_of_an_export_that_is_no_report(tmp_path):
    content = xlsx(("任务号", "发现时间", "问题描述"), ("LD-1", "31.8.", "x"), title="案件")
    refused(tmp_path, "grid_export", EXPORT, content, "bad_time", "sheet 案件 row 2", "LD-1", "31.8.")


def test_truncated_geotiff(tmp_path):
    folder = scene(tmp_path / "feeds")
    whole = (folder / "B08.tif").read_bytes()
    (folder / "B08.tif").write_bytes(whole[: len(whole) // 2])
    place = refused(
        tmp_path, "sentinel2", ITEM, None, "unreadable_raster", "item S2B_TEST", r"band B08: sky/.*/B08\.tif"
    )
    assert not list((place.files.root).glob("scenes/*"))


def test_missing_band(tmp_path):
    scene(tmp_path / "feeds", bands=[b for b in BANDS if b != "B11"])
    refused(tmp_path, "sentinel2", ITEM, None, "missing_band", "item S2B_TEST lacks B11")


def test_truncated_item(tmp_path):
    scene(tmp_path / "feeds")
    whole = (tmp_path / "feeds" / ITEM).read_bytes()
    refused(tmp_path, "sentinel2", ITEM, whole[:-50], "bad_document", "line 1 column")


def test_scene_of_the_future(tmp_path):
    scene(tmp_path / "feeds", properties={"datetime": "2026-08-22T02:00:00Z"})
    refused(tmp_path, "sentinel2", ITEM, None, "future_time", "scene S2B_TEST", "2026-08-22")


@pytest.mark.parametrize("feed", ["ground_hj212", "soil_lab", "grid_platform", "grid_export", "sentinel2"])
def test_dead_feed(tmp_path, feed):
    place = home(tmp_path / "home")
    with pytest.raises(FeedUnavailable, match=f"^{feed}: .*gone"):
        ingest(place, feed, start=DAY, end=NEXT_DAY, now=NEXT_DAY, root=str(tmp_path / "gone"))
    marked = place.coverage.read(feed)
    assert marked["state"].tolist() == ["failed"]
    assert marked["detail"].str.startswith(f"{feed}: ").all()


def test_each_bad_item_of_a_page_is_counted_and_readable(tmp_path):
    items = [report(taskId=None), 3, report(discoverTime="x", taskId="LD-1"), report(taskId="LD-2")]
    place = home(tmp_path / "home")
    put(tmp_path, PAGES, page(*items))
    counts = ingest(place, "grid_platform", start=DAY, end=NEXT_DAY, now=NEXT_DAY, root=str(tmp_path))
    assert (counts.records, counts.new) == (4, 1)
    assert counts.rejected == {"bad_document": 1, "bad_time": 1, "missing_field": 1}
    for row in place.ledger.rejections().to_dict("records"):
        found = json.loads(place.files.payload(row["raw_ref"]))
        pointer = re.search(r"/data/list/(\d)", row["detail"])
        assert found["data"]["list"][int(pointer[1])] in items
