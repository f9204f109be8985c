"""Spreadsheets whose bytes depend on their content alone."""

import io
import time
from datetime import UTC, datetime, timedelta

from openpyxl import Workbook, load_workbook

from domain.spreadsheets import to_bytes

MONDAY = datetime(2026, 8, 24, tzinfo=UTC)
FOUND = MONDAY.replace(tzinfo=None) + timedelta(hours=15, minutes=12, seconds=7)


def book(cell: object) -> Workbook:
    made = Workbook()
    made.worksheets[0].append(["发现时间", cell])
    return made


def test_the_time_of_day_leaves_no_trace(monkeypatch):
    before = to_bytes(book(1), MONDAY)
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    assert to_bytes(book(1), MONDAY) == before
    assert to_bytes(book(2), MONDAY) != before


def test_it_opens_and_says_when_it_was_written():
    opened = load_workbook(io.BytesIO(to_bytes(book(FOUND), MONDAY)))
    assert [c.value for c in opened.worksheets[0][1]] == ["发现时间", FOUND]
    assert opened.properties.created == opened.properties.modified == MONDAY.replace(tzinfo=None)
