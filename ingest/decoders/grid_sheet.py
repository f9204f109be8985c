"""The spreadsheet export of a grid platform: the same reports as its interface, in rows under Chinese headings."""

from collections.abc import Iterator
from typing import Any

from domain.errors import FeedCorrupt
from domain.records import Reason, Rejection
from ingest import reports, workbook
from ingest.decoded import Context, Decoded

Options = reports.Options

#: Titles and notes may stand above the headings.
_ROWS_ABOVE = 20
_NEEDED = {"id", "text"}


def decode(payload: bytes, context: Context) -> Decoded:
    """The reports of every sheet that has a row of known headings.

    A file that is no workbook is one `bad_document`; a row that is no report is refused by itself, named by sheet and
    row.
    """
    if not payload:
        return _refused(payload, context, Reason.EMPTY, "the file is empty; export it again")
    try:
        sheets = [sheet for sheet in workbook.read(payload) if not all(map(workbook.blank, sheet.rows))]
    except FeedCorrupt as error:
        return _refused(payload, context, Reason.BAD_DOCUMENT, str(error))
    items: list[tuple[str, dict[str, Any]]] = []
    rejections: list[Rejection] = []
    for sheet in sheets:
        header = _header(sheet)
        if header is None:
            what = (
                f"sheet {sheet.title}: no row with the headings of an id and a description in its first {_ROWS_ABOVE}"
            )
            rejections.append(context.reject(Reason.BAD_DOCUMENT, what, length=len(payload)))
        else:
            items += _items(sheet, header)
    found = reports.decode(items, context, Options(**context.options))
    return Decoded.of(
        reports=found.reports,
        rejections=(*found.rejections, *rejections),
        n_records=found.n_records + len(rejections),
    )


def _header(sheet: workbook.Sheet) -> int | None:
    """The first row among the first ones that names at least an id and a description."""
    aliases = reports.fields()
    for number, row in enumerate(sheet.rows[:_ROWS_ABOVE]):
        if {aliases.get(str(cell).strip(), "") for cell in row} >= _NEEDED:
            return number
    return None


def _items(sheet: workbook.Sheet, header: int) -> Iterator[tuple[str, dict[str, Any]]]:
    headings = [str(cell).strip() for cell in sheet.rows[header]]
    for number, row in enumerate(sheet.rows[header + 1 :], start=header + 2):
        if not workbook.blank(row):
            yield f"sheet {sheet.title} row {number}", dict(zip(headings, row, strict=True))


def _refused(payload: bytes, context: Context, reason: Reason, detail: str) -> Decoded:
    return Decoded.of(rejections=[context.reject(reason, detail, length=len(payload))], n_records=1)
