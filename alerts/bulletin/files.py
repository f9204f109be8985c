"""A bulletin as Markdown (which reads as plain text too) and as a Word document. Same bulletin, same bytes."""

import io
import unicodedata
import zipfile
from collections.abc import Iterable

from docx import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from alerts.bulletin.words import Bulletin, Grid

#: Typefaces of official documents, which every office machine in China has; others take the next best.
_HEAD, _BODY, _LATIN = "黑体", "仿宋", "Times New Roman"
#: Width of the text, and the widest a column is taken to be, in halves of a Chinese character.
_TEXT_CM, _WIDEST = 15.6, 36
_EPOCH = (2000, 1, 1, 0, 0, 0)


def markdown(b: Bulletin) -> str:
    """The bulletin as Markdown."""
    lines = [f"# {b.title}", "", b.subtitle, ""]
    for section in b.sections:
        lines += [f"## {section.heading}", ""]
        for paragraph in section.paragraphs:
            lines += [_plain(paragraph), ""]
        if section.grid is not None:
            lines += [*_rows(section.grid), ""]
    lines += ["---", "", *(f"{_plain(line)}\n" for line in b.closing)]
    return "\n".join(lines).rstrip() + "\n"


def _rows(grid: Grid) -> Iterable[str]:
    yield "| " + " | ".join(_cell(c) for c in grid.heading) + " |"
    yield "|" + "---|" * len(grid.heading)
    for row in grid.rows:
        yield "| " + " | ".join(_cell(c) for c in row) + " |"


def _plain(text: str) -> str:
    """Text of others stays text: no markup, no new lines."""
    return " ".join(text.split()).replace("<", "&lt;").replace("*", "\\*").replace("`", "\\`").replace("[", "\\[")


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")


def docx(b: Bulletin) -> bytes:
    """The bulletin as a Word document on A4, in the layout of an official report."""
    document = Document()
    page = document.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.top_margin, page.bottom_margin, page.left_margin, page.right_margin = Cm(3.7), Cm(3.5), Cm(2.8), Cm(2.6)
    _paragraph(document, b.title, size=22, face=_HEAD, align=WD_ALIGN_PARAGRAPH.CENTER, colour=RGBColor(0xC0, 0, 0))
    _paragraph(document, b.subtitle, size=12, align=WD_ALIGN_PARAGRAPH.CENTER)
    for section in b.sections:
        _paragraph(document, section.heading, size=15, face=_HEAD, before=10)
        for text in section.paragraphs:
            _paragraph(document, text, size=12, indent=True)
        if section.grid is not None:
            _grid(document, section.grid)
    for line in b.closing:
        _paragraph(document, line, size=9, before=6, colour=RGBColor(0x60, 0x60, 0x60))
    properties = document.core_properties
    properties.title, properties.author, properties.comments = b.title, "Sanyan", ""
    raw = io.BytesIO()
    document.save(raw)
    return _undated(raw.getvalue())


def _paragraph(
    document: "Document",
    text: str,
    *,
    size: float,
    face: str = _BODY,
    align: WD_ALIGN_PARAGRAPH | None = None,
    indent: bool = False,
    before: float = 0,
    colour: RGBColor | None = None,
) -> None:
    paragraph = document.add_paragraph()
    paragraph.alignment = align
    layout = paragraph.paragraph_format
    layout.space_before, layout.space_after, layout.line_spacing = Pt(before), Pt(4), 1.25
    layout.first_line_indent = Pt(2 * size) if indent else None
    _run(paragraph, text, size, face, colour)


def _run(paragraph: "object", text: str, size: float, face: str, colour: RGBColor | None = None) -> None:
    run = paragraph.add_run(text)  # type: ignore[attr-defined]
    run.font.size, run.font.name = Pt(size), _LATIN
    run._element.rPr.rFonts.set(qn("w:eastAsia"), face)  # noqa: SLF001 - python-docx has no other way to East Asian faces
    if colour is not None:
        run.font.color.rgb = colour


def _grid(document: "Document", grid: Grid) -> None:
    """A table whose columns are as wide as what stands in them; rows stay whole and the heading comes again."""
    table = document.add_table(rows=1, cols=len(grid.heading))
    table.style, table.alignment, table.autofit = "Table Grid", WD_TABLE_ALIGNMENT.CENTER, False
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))  # noqa: SLF001 - as above
    widths = _widths(grid)
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    for at, cells in enumerate((grid.heading, *grid.rows)):
        row = table.rows[0] if at == 0 else table.add_row()
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))  # noqa: SLF001 - as above
        for cell, text, width in zip(row.cells, cells, widths, strict=True):
            cell.width = width
            cell.paragraphs[0].paragraph_format.space_after = Pt(0)
            _run(cell.paragraphs[0], text, 10.5, _BODY if at else _HEAD)


def _widths(grid: Grid) -> list[Cm]:
    """Shares of the text's width (15.6 cm) by the longest line of each column, neither tiny nor all."""
    columns = zip(grid.heading, *grid.rows, strict=True)
    longest = [min(max(_cells(text) for text in column), _WIDEST) + 2 for column in columns]
    return [Cm(_TEXT_CM * n / sum(longest)) for n in longest]


def _cells(text: str) -> int:
    """Width of a text in halves of a Chinese character."""
    return sum(2 if unicodedata.east_asian_width(c) in "FWA" else 1 for c in text)


def _undated(raw: bytes) -> bytes:
    """The same archive with every file dated alike: the same bulletin gives the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(source.namelist()):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, source.read(name))
    return out.getvalue()
