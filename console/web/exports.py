"""Tables as CSV and XLSX for people's spreadsheets, in which no text can act as a formula.

A cell that begins with = + - @, a tab or a carriage return is a formula to a spreadsheet (OWASP, CSV Injection): in CSV
such text gets an apostrophe before it, in XLSX it is stored as text with the quote-prefix style.
"""

import csv
from io import BytesIO, StringIO
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from domain.times import LOCAL

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

#: Longest text of a spreadsheet cell.
_CELL = 32_767
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def as_csv(frame: pd.DataFrame) -> bytes:
    """UTF-8 with a byte order mark, which spreadsheets need to read Chinese; times are those of Shanghai."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow([_harmless(str(c)) for c in frame.columns])
    writer.writerows([_harmless(_cell(v)) for v in row] for row in frame.itertuples(index=False))
    return ("\ufeff" + out.getvalue()).encode()


def as_xlsx(frame: pd.DataFrame, title: str) -> bytes:
    """One sheet with a fixed heading and a filter."""
    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet(_sheet_name(title))
    sheet.freeze_panes = "A2"
    for n, column in enumerate(frame.columns, 1):
        longest = max([len(str(column)) * 2, *(_width(v) for v in frame[column].head(200))])
        sheet.column_dimensions[_letter(n)].width = min(60, longest + 2)
    sheet.append([_xlsx(sheet, str(c), bold=True) for c in frame.columns])
    for row in frame.itertuples(index=False):
        sheet.append([_xlsx(sheet, _cell(v)) for v in row])
    if len(frame.columns):
        sheet.auto_filter.ref = f"A1:{_letter(len(frame.columns))}{len(frame) + 1}"
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _cell(value: Any) -> Any:
    """A value as a cell: numbers stay numbers, times are Shanghai text, missing is empty."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value):  # noqa: PLR0124 - NaN
        return ""
    if isinstance(value, pd.Timestamp):
        local = value.tz_convert(LOCAL) if value.tzinfo else value
        return local.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool | int | float | str):
        return value
    return value.item() if hasattr(value, "item") else str(value)


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _xlsx(sheet: Any, value: Any, *, bold: bool = False) -> Any:
    if isinstance(value, str):
        value = ILLEGAL_CHARACTERS_RE.sub("", value)[:_CELL]
    cell: Any = WriteOnlyCell(sheet, value)
    if isinstance(value, str):
        cell.data_type = "s"  # a text that begins with = is a text
        cell.quotePrefix = value.startswith(_FORMULA)
    if bold:
        cell.font = Font(bold=True)
    return cell


def _width(value: Any) -> int:
    return sum(2 if ord(c) > 0x2E7F else 1 for c in str(_cell(value)))


def _letter(n: int) -> str:
    out = ""
    while n:
        n, rest = divmod(n - 1, 26)
        out = chr(65 + rest) + out
    return out


def _sheet_name(title: str) -> str:
    return "".join(c for c in title if c not in r"[]:*?/\\")[:31] or "Sanyan"
