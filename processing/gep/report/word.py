"""The report as a Word document (.docx), in the form officials submit and edit."""

import io
from datetime import datetime
from typing import Any

import docx
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from domain.texts import say
from processing.gep.report.content import Document, Heading, Paragraph, Picture
from processing.gep.report.layout import BESIDE, TOGETHER, layout, on_paper, printed, turned_blocks
from processing.gep.report.tables import Table

_BLUE, _RED = RGBColor(0x1F, 0x4E, 0x79), RGBColor(0xB3, 0x26, 0x1E)
_FONT_ZH, _FONT_EN = "宋体", "Times New Roman"


def word(document: Document, made_at: datetime) -> bytes:
    """The document; the same content gives the same bytes apart from the packing of the file."""
    page = docx.Document()
    _style(page)
    _cover(page, document)
    before = len(page.paragraphs)
    for block, turned in zip(document.blocks, turned_blocks(document.blocks), strict=True):
        _lay(page, turned=turned)
        _block(page, block, turned=turned)
    page.paragraphs[before].paragraph_format.page_break_before = True  # however full the cover is
    _lay(page, turned=True)
    page.add_heading(say("gep.heading.annexes", document.lang), 1)
    annexes, note = on_paper(document)
    for table in annexes:
        _table(page, table, turned=True)
    page.add_paragraph(note)
    properties = page.core_properties
    properties.title, properties.author = document.title, "Sanyan"
    properties.created = properties.modified = made_at.replace(tzinfo=None)
    out = io.BytesIO()
    page.save(out)
    return out.getvalue()


def _style(page: Any) -> None:
    normal = page.styles["Normal"]
    normal.font.name, normal.font.size = _FONT_EN, Pt(11)
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), _FONT_ZH)
    normal.paragraph_format.line_spacing = 1.3
    for level in (0, 1, 2):
        style = page.styles["Title" if level == 0 else f"Heading {level}"]
        style.font.name, style.font.color.rgb = _FONT_EN, _BLUE
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), "黑体")
    section = page.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.4)


def _cover(page: Any, document: Document) -> None:
    page.add_paragraph()
    title = page.add_paragraph(style="Title")
    title.add_run(document.title)
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    subtitle = page.add_paragraph(document.subtitle)
    subtitle.alignment = WD_ALIGN_PARAGRAPH.CENTER
    if document.draft:
        draft = page.add_paragraph()
        run = draft.add_run(document.draft)
        run.bold, run.font.size, run.font.color.rgb = True, Pt(14), _RED
        draft.alignment = WD_ALIGN_PARAGRAPH.CENTER
        header = page.sections[0].header.paragraphs[0]
        header.text, header.alignment = document.draft, WD_ALIGN_PARAGRAPH.RIGHT
    facts = page.add_table(rows=0, cols=2)
    for label, text in document.cover:
        cells = facts.add_row().cells
        cells[0].text, cells[1].text = label, text
        cells[0].width, cells[1].width = Cm(4), Cm(12)
    page.add_paragraph()
    for warning in document.warnings:
        _loud(page, warning)


def _lay(page: Any, *, turned: bool) -> None:
    """Go on upright or across; a new page where that changes."""
    if turned != (page.sections[-1].orientation == WD_ORIENT.LANDSCAPE):
        section = page.add_section()
        section.orientation = WD_ORIENT.LANDSCAPE if turned else WD_ORIENT.PORTRAIT
        section.page_width, section.page_height = section.page_height, section.page_width


def _block(page: Any, block: Heading | Paragraph | Picture | Table, *, turned: bool) -> None:
    if isinstance(block, Heading):
        page.add_heading(block.text, block.level)
    elif isinstance(block, Paragraph):
        if block.loud:
            _loud(page, block.text)
        else:
            page.add_paragraph(block.text).paragraph_format.first_line_indent = Pt(22)
    elif isinstance(block, Picture):
        page.add_picture(io.BytesIO(block.png), width=Cm(16))
        _caption(page, block.caption)
    else:
        _table(page, block, turned=turned)


def _loud(page: Any, text: str) -> None:
    box = page.add_table(rows=1, cols=1)
    cell = box.rows[0].cells[0]
    cell.text = text
    _shade(cell, "FFF2CC")
    page.add_paragraph().paragraph_format.line_spacing = 0.5


def _caption(page: Any, text: str, *, above: bool = False) -> None:
    caption = page.add_paragraph(text)
    caption.paragraph_format.keep_with_next = above
    caption.alignment = WD_ALIGN_PARAGRAPH.CENTER
    caption.runs[0].bold = True


def _table(page: Any, table: Table, *, turned: bool) -> None:
    table = table.printed
    laid = layout(table, turned=turned)
    _caption(page, table.title, above=True)
    grid = page.add_table(rows=1, cols=len(table.columns), style="Table Grid")
    grid.alignment = WD_TABLE_ALIGNMENT.CENTER
    grid.autofit = False
    _margins(grid)
    widths, size = [Cm(w) for w in laid.widths], Pt(laid.size)
    for column, wide in zip(grid.columns, widths, strict=True):
        column.width = wide
    for cell, column, wide in zip(grid.rows[0].cells, table.columns, widths, strict=True):
        cell.width = wide
        _write(cell, column.head, size, bold=True).keep_with_next = True
        _shade(cell, "D9E5F1")
    _row_mark(grid.rows[0], "w:tblHeader")  # it stands again on every page
    together = len(table.rows) <= TOGETHER
    for i, record in enumerate(table.rows.to_dict("records")):
        row = grid.add_row()
        _row_mark(row, "w:cantSplit")
        for cell, column, wide in zip(row.cells, table.columns, widths, strict=True):
            cell.width = wide
            text = printed(record[column.key], column)
            written = _write(cell, text, size, bold=i in table.bold)
            written.keep_with_next = together
            if column.digits is not None:
                written.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    note = page.add_paragraph(table.note)
    for run in note.runs:
        run.italic, run.font.size = True, Pt(8)


def _write(cell: Any, text: str, size: Any, *, bold: bool) -> Any:
    """Write into a cell; its paragraph's format."""
    paragraph = cell.paragraphs[0]
    run = paragraph.add_run(text)
    run.font.size, run.bold = size, bold
    paragraph.paragraph_format.line_spacing = 1.0
    return paragraph.paragraph_format


def _shade(cell: Any, colour: str) -> None:
    shade = OxmlElement("w:shd")
    shade.set(qn("w:val"), "clear")
    shade.set(qn("w:fill"), colour)
    cell._tc.get_or_add_tcPr().append(shade)  # noqa: SLF001 - python-docx has no word for shading


def _margins(grid: Any) -> None:
    """What cells keep free beside their text: Word's own is twice as much."""
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        edge = OxmlElement(f"w:{side}")
        edge.set(qn("w:w"), str(Cm(BESIDE / 2).twips))
        edge.set(qn("w:type"), "dxa")
        margins.append(edge)
    grid._tbl.tblPr.insert_element_before(margins, "w:tblLook")  # noqa: SLF001 - python-docx has no word for it


def _row_mark(row: Any, name: str) -> None:
    mark = OxmlElement(name)
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)  # noqa: SLF001 - python-docx has no word for it
