"""Spreadsheets: the same numbers come back, and no text acts."""

import csv
from io import BytesIO, StringIO

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from console.web.exports import as_csv, as_xlsx
from tests.console.web.conftest import HOSTILE

STARTS = ("=", "+", "-", "@", "\t", "\r")
FRAME = pd.DataFrame(
    {
        "文字": ["甲", "=1+1", "-3", None],
        "value": [1.5, -2.0, float("nan"), 3.0],
        "n": [1, 2, 3, 4],
        "time": pd.to_datetime(["2026-09-01T00:00Z", None, "2026-08-31T16:00Z", "2026-09-01T00:00Z"], utc=True),
    }
)


def read_csv(body: bytes) -> list[list[str]]:
    return list(csv.reader(StringIO(body.decode("utf-8-sig"))))


def test_numbers_stay_numbers_and_times_are_those_of_shanghai():
    head, first, second, *_ = read_csv(as_csv(FRAME))
    assert head == ["文字", "value", "n", "time"]
    assert first == ["甲", "1.5", "1", "2026-09-01 08:00:00"]
    assert second == ["'=1+1", "-2.0", "2", ""], "a negative number is no formula, a text that begins like one is"
    sheet = load_workbook(BytesIO(as_xlsx(FRAME, "表/一"))).active
    assert [c.value for c in sheet[2]] == ["甲", 1.5, 1, "2026-09-01 08:00:00"]
    assert sheet.auto_filter.ref == "A1:D5"
    assert sheet.freeze_panes == "A2"


@settings(max_examples=40)
@given(st.lists(st.one_of(st.text(max_size=40), st.sampled_from(HOSTILE)), min_size=1, max_size=6))
def test_no_text_is_a_formula(texts):
    frame = pd.DataFrame({t or "x": [t] for t in dict.fromkeys(texts)})
    for row in read_csv(as_csv(frame)):
        assert not [c for c in row if c.startswith(STARTS)]
    for row in load_workbook(BytesIO(as_xlsx(frame, "x"))).active.iter_rows():
        assert {c.data_type for c in row} <= {"s", "n", "inlineStr"}
        assert not [c for c in row if c.data_type == "f"]


@pytest.mark.parametrize("frame", [FRAME.head(0), pd.DataFrame()])
def test_nothing_is_a_table_too(frame):
    assert as_csv(frame).startswith(b"\xef\xbb\xbf")
    assert load_workbook(BytesIO(as_xlsx(frame, ""))).active is not None


def test_every_table_of_the_pages_can_be_had(as_role):
    client = as_role("administrator")
    from console.web.downloads import TABLES

    for name in TABLES:
        asked = {"station": "air-1", "parameter": "PM2.5", "period": "PT1H", "days": "7", "to": "2026-09-01T00:00Z"}
        answer = client.get(f"/export/{name}.csv", params=asked)
        assert answer.status_code == 200, name
        assert answer.headers["content-disposition"].startswith(f'attachment; filename="sanyan-{name}-')
        assert client.get(f"/export/{name}.xlsx", params=asked).status_code == 200
        assert not [c for row in read_csv(answer.content) for c in row if c.startswith(("=", "@", "+"))]
    assert client.get("/export/users.csv").status_code == 404
    assert client.get("/export/stations.pdf").status_code == 422


@pytest.mark.parametrize(
    "path",
    ["/picture?name=../ledger.sqlite", "/picture?name=candidates/../../ledger.png", "/picture?name=raw/aa/b.png"],
)
def test_only_our_own_pictures_are_given(as_role, path):
    assert as_role("viewer").get(path).status_code == 404


@pytest.mark.parametrize("day", ["2026-08-24", "..", "2026-08-2４"])
def test_no_picture_of_that_day(as_role, day):
    assert as_role("viewer").get(f"/crop/before/{day}.png?lon=119&lat=28").status_code == 404
