import io
from datetime import UTC, datetime

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decoders import grid_report
from ingest.decoders.grid_sheet import decode
from tests.ingest.given import context, page, report, xlsx

HEADINGS = {
    "taskId": "任务号",
    "infoSourceName": "问题来源",
    "discoverTime": "发现时间",
    "reportTime": "上报时间",
    "coordX": "X坐标",
    "coordY": "Y坐标",
    "coordSys": "坐标系",
    "gridCode": "网格编码",
    "streetCode": "街道编码",
    "streetName": "所属街道",
    "description": "问题描述",
    "infoBcName": "大类",
    "infoScName": "小类",
    "urgentDegree": "紧急程度",
    "statusName": "案件状态",
    "updateTime": "更新时间",
    "duplicateOf": "合并至",
}


def sheet(*items, above=()):
    rows = [[item.get(key) for key in HEADINGS] for item in items]
    return xlsx(*([cell] for cell in above), list(HEADINGS.values()), *rows, title="案件列表")


def export(**options):
    return context("grid_export", name="grid_reports.xlsx", **options)


def test_an_export_row_says_what_the_interface_says():
    item = report(photos=[])
    from_page = grid_report.decode(page(item), context()).reports
    from_sheet = decode(sheet(item), export()).reports
    assert from_sheet.drop(columns="feed").equals(from_page.drop(columns="feed"))


def test_cells_may_be_dates_and_titles_may_stand_above():
    at = datetime(2026, 8, 20, 8, 10)  # noqa: DTZ001 - as spreadsheets keep it
    decoded = decode(sheet(report(discoverTime=at, urgentDegree=2), above=("导出时间：2026-08-20", "")), export())
    assert decoded.reports.loc[0, "observed_at"] == datetime(2026, 8, 20, 0, 10, tzinfo=UTC)
    assert decoded.reports.loc[0, "urgency"] == 2


def test_a_bad_row_is_named_by_sheet_and_row():
    decoded = decode(sheet(report(), {}, report(taskId="LD-2", discoverTime="31.8.")), export())
    (rejection,) = decoded.rejections
    assert rejection.detail.startswith("grid_export: grid_reports.xlsx: sheet 案件列表 row 4: report LD-2: ")
    assert rejection.reason == "bad_time"
    assert decoded.reports["id"].tolist() == ["LD-1"]


@pytest.mark.parametrize(
    ("payload", "reason", "said"),
    [
        (b"", "empty", "export it again"),
        (b"PK\x03\x04 no archive", "bad_document", "no readable .xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", "bad_document", "save it as .xlsx"),
        (sheet(report())[:-500], "bad_document", "no readable .xlsx"),
        (xlsx(["a", "b"], [1, 2], title="别的"), "bad_document", "sheet 别的: no row with the headings"),
    ],
)
def test_files_that_are_no_exports(payload, reason, said):
    decoded = decode(payload, export())
    (rejection,) = decoded.rejections
    assert rejection.reason == reason
    assert said in rejection.detail
    assert len(decoded.reports) == 0


def test_hidden_sheets_are_not_read():
    book = openpyxl.load_workbook(io.BytesIO(sheet(report())))
    hidden = book.create_sheet("旧")
    hidden.append(list(HEADINGS.values()))
    hidden.append(["old"])
    hidden.sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    assert decode(out.getvalue(), export()).reports["id"].tolist() == ["LD-1"]


@given(st.integers(0, 10_000), st.integers(0, 255))
@settings(max_examples=60)
def test_a_damaged_workbook_never_raises(at, byte):
    payload = bytearray(sheet(report()))
    payload[at % len(payload)] = byte
    decoded = decode(bytes(payload), export())
    assert decoded.n_records >= len(decoded.reports)
