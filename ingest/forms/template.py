"""An empty form as a workbook: what is given is locked, what is to be filled is bright, and wrong input is refused."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from domain.forms import Form, Item
from domain.spreadsheets import to_bytes
from domain.texts import say
from ingest.forms import plan
from ingest.forms.plan import CODES, FIRST, FIRST_FIELD, NAMES, UNITS, Zone

_HEAD = PatternFill("solid", fgColor="1F4E79")
_GIVEN = PatternFill("solid", fgColor="EDEDED")
_OPEN = PatternFill("solid", fgColor="FFFBE6")
_EDGE = Border(*(Side(style="thin", color="BFBFBF"),) * 4)
_WRAP = Alignment(wrap_text=True, vertical="center", horizontal="center")
_LEFT = Alignment(wrap_text=True, vertical="top")


def template(form: Form, region: str, year: int, known: Mapping[str, Zone]) -> bytes:
    """The workbook (.xlsx) of a form for a region and a year; the same arguments give the same bytes.

    Args:
        form: what is asked.
        region: code of the district (all its townships) or of one township.
        year: of the figures.
        known: the district and its townships by code.

    Raises:
        KeyError: the region is not known.
    """
    book = Workbook()
    cover = book.active
    assert isinstance(cover, Worksheet)  # noqa: S101 - a new workbook has one
    cover.title = plan.COVER
    _cover(cover, form, known[region], year)
    _data(book.create_sheet(plan.DATA), form, plan.rows_of(form, region, known), known)
    _guide(book.create_sheet(plan.GUIDE), form)
    return to_bytes(book, datetime(year, 1, 1, tzinfo=UTC))


def _cover(sheet: Worksheet, form: Form, region: Zone, year: int) -> None:
    given: dict[str, str | int] = {
        "form": form.id, "version": form.version, "region": region.code, "region_name": region.name_zh, "year": year,
        "department": form.department_zh,
    }  # fmt: skip
    sheet["A1"] = f"{year} 年 {region.name_zh} {form.name_zh}\n{form.name_en}"
    sheet["A1"].font = Font(bold=True, size=14)
    sheet["A1"].alignment = _LEFT
    sheet.merge_cells("A1:B1")
    sheet.row_dimensions[1].height = 44
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 34, 56
    for n, field in enumerate(plan.FIELDS):
        label, cell = sheet.cell(FIRST_FIELD + n, 1), sheet.cell(FIRST_FIELD + n, 2)
        star = " *" if field in plan.FILLED else ""
        label.value = say(f"form.field.{field}", "zh") + star + "\n" + say(f"form.field.{field}", "en")
        label.alignment, label.border = _LEFT, _EDGE
        cell.value, cell.border, cell.alignment = given.get(field), _EDGE, _LEFT
        _openness(cell, locked=field in given)
        sheet.row_dimensions[FIRST_FIELD + n].height = 30
    _finished(sheet)


def _data(sheet: Worksheet, form: Form, rows: Sequence[Zone], known: Mapping[str, Zone]) -> None:
    codes = plan.columns(form)
    sheet["A1"] = say("form.fill", "zh") + "\n" + say("form.fill", "en")
    sheet["A1"].alignment = _LEFT
    sheet.row_dimensions[1].height = 44
    sheet.merge_cells(start_row=1, end_row=1, start_column=1, end_column=max(4, len(codes)))
    items = {item.id: item for item in form.items}
    for n, code in enumerate(codes, start=1):
        item = items.get(code)
        names = plan.heading(item) if item else _key_heading(form, code)
        for row, text in ((CODES, code), (NAMES, names), (UNITS, plan.unit(item) if item else None)):
            cell = sheet.cell(row, n, text)
            cell.alignment, cell.border = _WRAP, _EDGE
            cell.fill = _HEAD if row == NAMES else _GIVEN
            cell.font = Font(bold=True, color="FFFFFF") if row == NAMES else Font(size=9, color="7F7F7F")
        sheet.column_dimensions[get_column_letter(n)].width = 24 if code in ("name", "object", "note") else 16
    sheet.row_dimensions[NAMES].height, sheet.row_dimensions[UNITS].height = 62, 30
    last = FIRST + (plan.OBJECT_ROWS if form.rows == "object" else len(rows)) - 1
    _rows(sheet, form, rows, last)
    for item in form.items:
        sheet.add_data_validation(_validation(item, form, last))
    if form.rows == "object":
        choice = DataValidation(type="list", formula1='"' + ",".join(_towns(known)) + '"', allow_blank=True)
        choice.error, choice.errorTitle = say("form.choose", "zh"), "township"
        choice.add(f"B{FIRST}:B{last}")
        sheet.add_data_validation(choice)
    sheet.freeze_panes = plan.address(FIRST, 3)
    _finished(sheet)


def _rows(sheet: Worksheet, form: Form, rows: Sequence[Zone], last: int) -> None:
    given = [] if form.rows == "object" else [(z.code, z.name_zh) for z in rows]
    for row in range(FIRST, last + 1):
        for n, code in enumerate(plan.columns(form), start=1):
            cell = sheet.cell(row, n)
            if given and n <= len(plan.keys(form)):
                cell.value = given[row - FIRST][n - 1]
            cell.border = _EDGE
            cell.number_format = "General" if code in (*plan.keys(form), plan.NOTE) else "0.############"
            _openness(cell, locked=bool(given) and n <= len(plan.keys(form)))


def _guide(sheet: Worksheet, form: Form) -> None:
    heads = ("item", "name", "unit", "example", "range", "definition")
    sheet["A1"] = say("form.rules", "zh") + "\n\n" + say("form.rules", "en")
    sheet["A1"].alignment = _LEFT
    sheet.merge_cells("A1:F1")
    sheet.row_dimensions[1].height = 190
    for n, head in enumerate(heads, start=1):
        cell = sheet.cell(3, n, say(f"form.guide.{head}", "zh") + "\n" + say(f"form.guide.{head}", "en"))
        cell.fill, cell.font, cell.alignment = _HEAD, Font(bold=True, color="FFFFFF"), _WRAP
        sheet.column_dimensions[get_column_letter(n)].width = (22, 40, 18, 14, 20, 48)[n - 1]
    sheet.row_dimensions[3].height = 32
    for row, item in enumerate(form.items, start=4):
        definition = "\n".join(t for t in (item.definition_zh, item.definition_en) if t)
        span = f"{item.low:.12g} – {item.high:.12g}"
        for n, text in enumerate((item.id, plan.heading(item), plan.unit(item), item.example, span, definition), 1):
            cell = sheet.cell(row, n, text)
            cell.alignment, cell.border = _LEFT, _EDGE
        sheet.row_dimensions[row].height = 32
    _finished(sheet)


def _key_heading(form: Form, code: str) -> str:
    if code == "object":
        return f"{form.object_zh} *\n{form.object_en}"
    return say(f"form.key.{code}", "zh") + "\n" + say(f"form.key.{code}", "en")


def _validation(item: Item, form: Form, last: int) -> DataValidation:
    column = get_column_letter(plan.column_of(form, item.id))
    first = f"{column}{FIRST}"
    whole = f",{first}=INT({first})" if item.kind == "count" else ""
    words = ",".join(f'{first}="{w}"' for w in plan.NOT_APPLICABLE)
    inside = f"AND(ISNUMBER({first}),{first}>={item.low:.12g},{first}<={item.high:.12g}{whole})"
    check = DataValidation(type="custom", formula1=f"OR({inside},{words})", allow_blank=True)
    values = {"low": f"{item.low:.12g}", "high": f"{item.high:.12g}", "unit": item.unit_zh}
    check.errorTitle, check.error = item.name_zh[:30], say("form.refused", "zh", **values)
    check.promptTitle, check.prompt = item.name_zh[:30], say("form.prompt", "zh", **values)
    check.add(f"{first}:{column}{last}")
    return check


def _towns(known: Mapping[str, Zone]) -> list[str]:
    return [z.name_zh for z in list(known.values())[1:]]


def _openness(cell: object, *, locked: bool) -> None:
    cell.fill = _GIVEN if locked else _OPEN  # type: ignore[attr-defined]
    cell.protection = Protection(locked=locked)  # type: ignore[attr-defined]


def _finished(sheet: Worksheet) -> None:
    """Locked but for the bright cells, and printable on one page's width."""
    sheet.protection.sheet = True
    sheet.protection.formatColumns = False
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
