"""The report as PDF, laid out by Typst from `report.typ`; fonts with Chinese come along, so any machine gives it."""

import json
import tempfile
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import typst
from matplotlib import font_manager

from domain.texts import say
from processing.charts_style import font
from processing.gep.report.content import Document, Heading, Paragraph, Picture
from processing.gep.report.layout import TOGETHER, layout, on_paper, printed, turned_blocks
from processing.gep.report.tables import Table

LAYOUT = Path(__file__).with_name("report.typ")


def pdf(document: Document, made_at: datetime) -> bytes:
    """The PDF; the same document gives the same bytes."""
    path = Path(font_manager.findfont(font_manager.FontProperties(family=font()), fallback_to_default=False))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "report.typ").write_bytes(LAYOUT.read_bytes())
        for picture in document.pictures:
            (root / f"{picture.name}.png").write_bytes(picture.png)
        (root / "report.json").write_text(json.dumps(_content(document), ensure_ascii=False), encoding="utf-8")
        made = typst.compile(
            str(root / "report.typ"), root=str(root), font_paths=[str(path.parent)], timestamp=int(made_at.timestamp())
        )
    assert isinstance(made, bytes)  # noqa: S101 - without `output` it is
    return made


def _content(document: Document) -> dict[str, Any]:
    annexes, note = on_paper(document)
    parts = groupby(zip(document.blocks, turned_blocks(document.blocks), strict=True), itemgetter(1))
    return {
        "lang": document.lang,
        "font": font(),
        "title": document.title,
        "subtitle": document.subtitle,
        "draft": document.draft,
        "contents": say("gep.heading.contents", document.lang),
        "cover": document.cover,
        "warnings": document.warnings,
        "parts": [{"turned": turned, "blocks": [_block(b) for b, _ in part]} for turned, part in parts],
        "annexes_title": say("gep.heading.annexes", document.lang),
        "annexes": [_table(t, turned=True) for t in annexes],
        "annex_note": note,
    }


def _block(block: Heading | Paragraph | Picture | Table) -> dict[str, Any]:
    if isinstance(block, Heading):
        return {"kind": "heading", "level": block.level, "text": block.text}
    if isinstance(block, Paragraph):
        return {"kind": "paragraph", "text": block.text, "loud": block.loud}
    if isinstance(block, Picture):
        return {"kind": "picture", "file": f"{block.name}.png", "caption": block.caption}
    return _table(block)


def _table(table: Table, *, turned: bool = False) -> dict[str, Any]:
    table = table.printed
    laid = layout(table, turned=turned)
    return {
        "kind": "table",
        "title": table.title,
        "note": table.note,
        "bold": list(table.bold),
        "columns": [{"head": c.head, "number": c.digits is not None} for c in table.columns],
        "widths": laid.widths,
        "size": laid.size,
        "together": len(table.rows) <= TOGETHER,
        "rows": [[printed(record[c.key], c) for c in table.columns] for record in table.rows.to_dict("records")],
    }
