"""The report as a workbook: a sheet a table, formulas where a reader would check them, with their results stored.

The sheet of detail holds quantity and price of every cell of the account; its values are their products, and the
summary and the townships are sums over it. A spreadsheet program that computes anew must find the stored results.
"""

import io
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import xlsxwriter
from matplotlib.image import imread
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from domain.texts import say
from processing.charts_style import DPI
from processing.gep.report.content import Document
from processing.gep.report.layout import printed, width
from processing.gep.report.tables import YI, Column, Table

_FIRST = 3  # rows above the first row of a table: title, note, heads
#: Room of columns in figures; height of a line, points.
_NARROWEST, _WIDEST, _LINE_PT = 8, 60, 15
#: Room of a picture on a page of its own, inches, and the rows it takes with its caption.
_FIGURE_INCHES, _FIGURE_ROWS = (8.0, 5.8), 32
#: A formula of one cell: (row of the table, its record) -> text, or None for a plain value.
_Formula = Callable[[int, Mapping[str, Any]], str | None]


def workbook(document: Document, made_at: datetime) -> bytes:
    """The workbook (.xlsx); the same document gives the same bytes."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"title": document.title, "created": made_at.replace(tzinfo=None)})
    looks = _Looks(book)
    names = _sheet_names(document)
    _cover(book.add_worksheet(say("gep.sheet.cover", document.lang)), document, looks)
    for table in document.tables:
        sheet = book.add_worksheet(names[table.id])
        _sheet(sheet, table, looks, _formulas(document, names, table.id), document)
    _figures(book.add_worksheet(say("gep.sheet.figures", document.lang)), document)
    book.close()
    return out.getvalue()


class _Looks:
    """Formats by what they are for."""

    def __init__(self, book: Workbook) -> None:
        self.book = book
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.head = book.add_format(
            {"bold": True, "font_color": "white", "bg_color": "#1F4E79", "border": 1, "border_color": "#BFBFBF",
             "text_wrap": True, "valign": "vcenter", "align": "center"}
        )  # fmt: skip
        self.note = book.add_format({"italic": True, "font_color": "#7F7F7F", "text_wrap": True, "valign": "top"})
        self.label = book.add_format({"bold": True, "valign": "top"})
        self.text = book.add_format({"text_wrap": True, "valign": "top"})
        self.loud = book.add_format(
            {"text_wrap": True, "valign": "top", "bg_color": "#FFF2CC", "font_color": "#7F3F00"}
        )
        self._made: dict[tuple[int | None, bool], Format] = {}

    def cell(self, digits: int | None, bold: bool) -> Format:
        """A cell of a table."""
        if (digits, bold) not in self._made:
            look: dict[str, Any] = {"border": 1, "border_color": "#D9D9D9", "valign": "top"}
            if digits is None:
                look["text_wrap"] = True
            else:
                fixed, free = "0" * min(2, digits), "#" * max(0, digits - 2)
                look["num_format"] = "#,##0" + ("." if digits else "") + fixed + free
            if bold:
                look |= {"bold": True, "bg_color": "#EAF1F8"}
            self._made[digits, bold] = self.book.add_format(look)
        return self._made[digits, bold]


def _sheet_names(document: Document) -> dict[str, str]:
    """Titles as names of sheets: at most 31 characters, none of those that are not allowed, all different."""
    names: dict[str, str] = {}
    for table in document.tables:
        name = re.sub(r"[\[\]:*?/\\]", " ", table.title)[:31].strip()
        names[table.id] = name if name not in names.values() else f"{name[:27]} {len(names)}"
    return names


def _cover(sheet: Worksheet, document: Document, looks: _Looks) -> None:
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 90)
    sheet.write(0, 0, document.title, looks.title)
    sheet.write(1, 0, document.subtitle)
    row = 3
    for label, text in document.cover:
        sheet.write(row, 0, label, looks.label)
        sheet.write_string(row, 1, text, looks.text)
        row += 1
    for text in document.warnings:
        row += 1
        sheet.merge_range(row, 0, row, 1, text, looks.loud)
        sheet.set_row(row, _LINE_PT * _lines(text, 110))
    sheet.hide_gridlines(2)
    sheet.fit_to_pages(1, 0)


def _sheet(sheet: Worksheet, table: Table, looks: _Looks, formulas: Mapping[str, _Formula], document: Document) -> None:
    sheet.write(0, 0, table.title, looks.title)
    widths = [_column_width(c, table) for c in table.columns]
    if table.note:
        sheet.merge_range(1, 0, 1, len(widths) - 1, table.note, looks.note)
        sheet.set_row(1, _LINE_PT * _lines(table.note, sum(widths)))
    records = table.rows.to_dict("records")
    for i, record in enumerate(records):
        told = [_lines(_shown(record[c.key], c), w) for c, w in zip(table.columns, widths, strict=True)]
        if max(told) > 1:
            sheet.set_row(_FIRST + i, _LINE_PT * max(told))
    for n, column in enumerate(table.columns):
        sheet.write(_FIRST - 1, n, column.head, looks.head)
        sheet.set_column(n, n, widths[n])
        for i, record in enumerate(records):
            look = looks.cell(column.digits, i in table.bold)
            formula = formulas[column.key](i, record) if column.key in formulas else None
            _write(sheet, (_FIRST + i, n), record[column.key], look, formula)
    sheet.set_row(_FIRST - 1, 32)
    sheet.freeze_panes(_FIRST, min(2, len(table.columns) - 1))
    if records:
        sheet.autofilter(_FIRST - 1, 0, _FIRST + len(records) - 1, len(table.columns) - 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(_FIRST - 1)
    sheet.set_footer(f"&L{document.draft}&C{document.title}&R&P / &N")


def _write(sheet: Worksheet, at: tuple[int, int], value: Any, look: Format, formula: str | None) -> None:
    missing = value is None or (isinstance(value, float) and not np.isfinite(value))
    if missing:
        sheet.write_blank(*at, None, look)
    elif formula is not None:
        sheet.write_formula(*at, formula, look, float(value))
    elif isinstance(value, int | float | np.number):
        sheet.write_number(*at, float(value), look)
    else:
        sheet.write_string(*at, str(value), look)


def _formulas(document: Document, names: Mapping[str, str], table_id: str) -> Mapping[str, _Formula]:
    """The formulas of a table's cells by column."""
    tables = {t.id: t for t in document.tables}
    table = tables[table_id]
    place = {c.key: xl_col_to_name(n) for n, c in enumerate(table.columns)}

    def line(i: int) -> int:
        return _FIRST + i + 1

    if table_id == "detail":
        return {
            "value_cny": lambda i, r: f"={place['quantity']}{line(i)}*{place['price']}{line(i)}" if _priced(r) else None
        }
    if table_id not in ("summary", "townships"):
        return _checks(table, place, line)
    total = _Sums(tables["detail"], names["detail"], say("gep.yes", document.lang))
    if table_id == "townships":
        return {
            "value": lambda i, _r: total.where("zone", f"{place['zone']}{line(i)}"),
            "per_km2": lambda i, r: f"={place['value']}{line(i)}*10000/{place['km2']}{line(i)}" if r["km2"] else None,
        }
    last = max(table.bold, default=0)
    parts = [b for b in table.bold if b != last]

    def value(i: int, record: Mapping[str, Any]) -> str | None:
        if i == last:
            return "=" + "+".join(f"{place['value']}{line(b)}" for b in parts) if parts else None
        if i in parts:
            first = max((b for b in parts if b < i), default=-1) + 1
            return f"=SUM({place['value']}{line(first)}:{place['value']}{line(i - 1)})"
        return total.where("part", f"{place['code']}{line(i)}") if record["code"] else None

    return {"value": value, "of_all": lambda i, _r: f"=100*{place['value']}{line(i)}/{place['value']}${line(last)}"}


#: Tables whose last column sums the others, and of them those whose last row does so too.
_SUMMED = ("service_by_ecosystem", "zone_by_service", "supply_money", "use_money", "supply_quantity", "use_quantity")
_BELOW = _SUMMED[:4]
#: Table -> its column that follows from others, and the sum it is.
_FOLLOWS = {
    "extent_account": ("closing_ha", ("+opening_ha", "+additions_ha", "-reductions_ha")),
    "asset_account": (
        "closing",
        ("+opening", "+additions", "+reductions", "+enhancement", "+degradation", "+revaluation"),
    ),
    "change": ("value_after", ("+value_before", "+area", "+quantity", "+price")),
}


def _checks(table: Table, place: Mapping[str, str], line: Callable[[int], int]) -> Mapping[str, _Formula]:
    """Formulas where rows or columns add up."""
    if table.id in _FOLLOWS:
        result, terms = _FOLLOWS[table.id]
        if all(t[1:] in place for t in terms):
            return {result: lambda i, _r: "=" + "".join(f"{t[0]}{place[t[1:]]}{line(i)}" for t in terms)}
    if table.id not in _SUMMED:
        return {}
    numbers = [c.key for c in table.columns if c.digits is not None]
    if len(numbers) < 2:
        return {}
    first, last = place[numbers[0]], place[numbers[-2]]
    found: dict[str, _Formula] = {numbers[-1]: lambda i, _r: f"=SUM({first}{line(i)}:{last}{line(i)})"}
    if table.id in _BELOW:
        found |= {key: partial(_below, place[key], line, max(table.bold)) for key in numbers[:-1]}
    return found


def _below(column: str, line: Callable[[int], int], end: int, i: int, _record: Mapping[str, Any]) -> str | None:
    """The sum of a column in its last row."""
    return f"=SUM({column}{line(0)}:{column}{line(end - 1)})" if i == end else None


def _priced(record: Mapping[str, Any]) -> bool:
    return bool(np.isfinite(record["price"]) and np.isfinite(record["quantity"]))


class _Sums:
    """Sums over the sheet of detail, of what is counted."""

    def __init__(self, detail: Table, sheet: str, yes: str) -> None:
        end = _FIRST + len(detail.rows)
        self.columns = {
            c.key: f"'{sheet}'!${xl_col_to_name(n)}${_FIRST + 1}:${xl_col_to_name(n)}${end}"
            for n, c in enumerate(detail.columns)
        }
        self.yes = yes

    def where(self, key: str, cell: str) -> str:
        """The sum in 10^8 CNY where a column equals a cell."""
        of = self.columns
        return f'=SUMIFS({of["value_cny"]},{of[key]},{cell},{of["counted"]},"{self.yes}")/{YI:.0f}'


def _figures(sheet: Worksheet, document: Document) -> None:
    for n, picture in enumerate(document.pictures):
        row = n * _FIGURE_ROWS
        high, wide = imread(io.BytesIO(picture.png)).shape[:2]
        scale = min(_FIGURE_INCHES[0] / wide, _FIGURE_INCHES[1] / high) * DPI
        sheet.write(row, 0, picture.caption)
        options = {"image_data": io.BytesIO(picture.png), "x_scale": scale, "y_scale": scale}
        sheet.insert_image(row + 1, 0, f"{picture.name}.png", options)
    sheet.set_h_pagebreaks([n * _FIGURE_ROWS for n in range(1, len(document.pictures))])
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.set_margins(left=0.5, right=0.5, top=0.5, bottom=0.5)
    sheet.hide_gridlines(2)


def _column_width(column: Column, table: Table) -> float:
    """Room of a column: every number whole, words as far as `_WIDEST`; heads over numbers take two lines."""
    texts = [_shown(v, column) for v in table.rows[column.key]]
    head = width(column.head) / (1 if column.digits is None else 2)
    widest = max([head, *map(width, texts)]) + 2
    return float(max(_NARROWEST, widest if column.digits is not None else min(_WIDEST, widest)))


def _shown(value: Any, column: Column) -> str:
    """A cell as the spreadsheet shows it: as it is printed, but with all of many decimals."""
    text = printed(value, column)
    if not text or column.digits is None or column.digits <= 2:
        return text
    whole, point, rest = f"{float(value):,.{column.digits}f}".partition(".")
    return whole + point + rest[:2] + rest[2:].rstrip("0")


def _lines(text: str, room: float) -> int:
    """How many lines a text takes; the last word of a line goes to the next."""
    return 1 if width(text) <= room - 1 else -(-width(text) * 11 // int(10 * (room - 1)))
