"""Forms as departments send them: filled with the examples of their items, then spoilt by a test."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from openpyxl import Workbook, load_workbook

from domain.forms import forms
from domain.registry import Registry
from domain.spreadsheets import to_bytes
from ingest.forms import plan
from ingest.forms.reading import Reading, read
from ingest.forms.template import template

COUNTY = Path(__file__).resolve().parents[3] / "sample_feeds" / "county"
KNOWN = plan.zones(Registry.load(COUNTY))
NOW = datetime(2026, 3, 20, tzinfo=UTC)
YEAR = 2025
DISTRICT = "331102"


def filled(
    form_id: str = "crops",
    *,
    region: str = DISTRICT,
    year: int = YEAR,
    spoil: Callable[[Workbook], object] | None = None,
) -> bytes:
    """A form filled with its examples, and what a test does to it."""
    form = forms()[form_id]
    book = load_workbook(io.BytesIO(template(form, region, year, KNOWN)))
    cover, data = book[plan.COVER], book[plan.DATA]
    for field, value in (
        ("filled_by", "张示例"),
        ("filled_on", "2026-03-15"),
        ("document", "2025 年统计年报"),
    ):
        cover.cell(plan.FIRST_FIELD + plan.FIELDS.index(field), 2).value = value
    if form.rows == "object":
        for n, name in enumerate(("甲", "乙")):
            data.cell(plan.FIRST + n, 1).value = name
            data.cell(plan.FIRST + n, 2).value = "碧湖镇"
    n_rows = 2 if form.rows == "object" else len(plan.rows_of(form, region, KNOWN))
    for row in range(plan.FIRST, plan.FIRST + n_rows):
        for item in form.items:
            number = float(item.example)
            data.cell(row, plan.column_of(form, item.id)).value = int(number) if item.kind == "count" else number
    if spoil:
        spoil(book)
    return to_bytes(book, NOW)


def reading(content: bytes, *, year: int | None = YEAR, now: datetime = NOW) -> Reading:
    """What is read of it."""
    return read(content, forms=forms(), known=KNOWN, now=now, year=year)
