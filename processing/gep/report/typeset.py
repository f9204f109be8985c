"""The report as PDF, laid out by Typst from `report.typ`; fonts with Chinese come along, so any machine gives it."""

import json
import re
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import typst
from matplotlib import font_manager

from domain.texts import say
from processing.charts_style import font
from processing.gep.report.content import Document, Heading, Paragraph, Picture
from processing.gep.report.tables import Column, Table

LAYOUT = Path(__file__).with_name("report.typ")
#: Tables longer than this are in the workbook and the package only.
LONGEST = 400


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
    annexes = [t for t in document.annexes if len(t.rows) <= LONGEST]
    left = [t.title for t in document.annexes if len(t.rows) > LONGEST]
    joined = ("、" if document.lang == "zh" else ", ").join(left)
    return {
        "lang": document.lang,
        "font": font(),
        "title": document.title,
        "subtitle": document.subtitle,
        "draft": document.draft,
        "contents": say("gep.heading.contents", document.lang),
        "cover": document.cover,
        "warnings": document.warnings,
        "blocks": [_block(b) for b in document.blocks],
        "annexes_title": say("gep.heading.annexes", document.lang),
        "annexes": [_table(t) for t in annexes],
        "annex_note": say("gep.note.elsewhere", document.lang, tables=joined) if left else "",
    }


def _block(block: Heading | Paragraph | Picture | Table) -> dict[str, Any]:
    if isinstance(block, Heading):
        return {"kind": "heading", "level": block.level, "text": block.text}
    if isinstance(block, Paragraph):
        return {"kind": "paragraph", "text": block.text, "loud": block.loud}
    if isinstance(block, Picture):
        return {"kind": "picture", "file": f"{block.name}.png", "caption": block.caption}
    return _table(block)


def _table(table: Table) -> dict[str, Any]:
    table = table.printed
    return {
        "kind": "table",
        "title": table.title,
        "note": table.note,
        "bold": list(table.bold),
        "columns": [{"head": c.head, "number": c.digits is not None} for c in table.columns],
        "widths": [share(c, table) for c in table.columns],
        "rows": [[printed(record[c.key], c) for c in table.columns] for record in table.rows.to_dict("records")],
    }


def printed(value: Any, column: Column) -> str:
    """A cell as text: numbers with the decimals of their column, nothing where there is nothing."""
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return ""
    if column.digits is None:
        return str(value)
    if column.digits > 2:
        return f"{float(value):,.6g}"
    return f"{round(float(value), column.digits) + 0.0:,.{column.digits}f}"  # + 0: nought has no sign


def width(text: str) -> int:
    """Room a text takes: a Chinese character is as wide as two Latin letters."""
    return sum(2 if ord(c) > 0x2E80 else 1 for c in text)


def share(column: Column, table: Table) -> float:
    """How much room a column takes beside the others; heads over numbers may take two lines."""
    texts = [printed(v, column) for v in table.rows[column.key].head(200)]
    words = max(map(width, re.split(r"[ （(]", column.head)))
    head = max(words, width(column.head) / 2) if column.digits is not None else width(column.head)
    return float(min(40, max(7, head, *map(width, texts))))
