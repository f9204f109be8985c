"""How a table is laid out on paper: no number is ever broken over two lines; a table too wide turns its page."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

from domain.texts import is_chinese, say
from processing.gep.report.content import Document, Heading
from processing.gep.report.tables import Column, Table

#: Room between the margins of an upright and of a turned page (A4), and what a cell keeps free beside its text, cm.
UPRIGHT, ACROSS, BESIDE = 16.2, 24.9, 0.22
#: Letters that are tried, pt: upright they stay readable at arm's length.
_UPRIGHT_PT, _ACROSS_PT = (8.5, 8.0, 7.5, 7.0), (7.5, 7.0, 6.5, 6.0, 5.5)
_CM_PER_PT, _SAMPLE_PT = 2.54 / 72, 64
#: Word processors round what they measure, and take a border off.
_SLACK = 1.04
#: The widest font a reader may have in place of the document's own; it comes with matplotlib.
_WIDEST = "DejaVu Sans"
#: Tables longer than this are in the workbook and the package only.
LONGEST = 400
#: Tables of so many rows at most stay together on one page.
TOGETHER = 24
#: A column of words is given at least `_WORDS` of these (if it has so many) and wants no more than `_LINE`.
_WORDS, _LINE, _LEAST = 12.0, 26.0, 3.0


@dataclass(frozen=True, slots=True)
class Layout:
    """Room of each column (cm), height of the letters (pt), whether the page lies across, whether the table fits."""

    widths: tuple[float, ...]
    size: float
    turned: bool
    fits: bool = True


def layout(table: Table, *, turned: bool = False) -> Layout:
    """The layout of a table: upright if that can be read, else across.

    Args:
        table: the table, as it is printed.
        turned: whether its page lies across anyway.
    """
    roomy, tight = ([_room(c, table, words) for c in table.columns] for words in (_WORDS, _LEAST))
    tries = [] if turned else [(roomy, size, False) for size in _UPRIGHT_PT]
    tries += [(rooms, size, True) for rooms in (roomy, tight) for size in _ACROSS_PT]
    for rooms, size, across in tries:
        room = ACROSS if across else UPRIGHT
        if sum(need * size * _CM_PER_PT + BESIDE for need, _ in rooms) <= room:
            return Layout(_widths(rooms, size, room), size, across)
    return Layout(_widths(tight, _ACROSS_PT[-1], ACROSS), _ACROSS_PT[-1], turned=True, fits=False)


def on_paper(document: Document) -> tuple[list[Table], str]:
    """The annexes that are printed, and a note on those that are too long or too wide for that ("" if none is)."""
    fit = {t.id: len(t.rows) <= LONGEST and layout(t.printed, turned=True).fits for t in document.annexes}
    left = ("、" if document.lang == "zh" else ", ").join(t.title for t in document.annexes if not fit[t.id])
    note = say("gep.note.elsewhere", document.lang, tables=left) if left else ""
    return [t for t in document.annexes if fit[t.id]], note


def turned_blocks(blocks: Sequence[object]) -> list[bool]:
    """Which blocks lie across: tables that are too wide, and the headings right above them."""
    out: list[bool] = []
    for block in reversed(blocks):
        if isinstance(block, Table):
            out.append(layout(block.printed).turned)
        else:
            out.append(isinstance(block, Heading) and bool(out) and out[-1])
    return out[::-1]


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
    return sum(2 if is_chinese(c) else 1 for c in text)


def _room(column: Column, table: Table, words: float) -> tuple[float, float]:
    """What a column needs (of words so much at most) and what it would like, in heights of its letters."""
    cells = [printed(v, column) for v in table.rows[column.key]]
    head = _longest(_unbroken(column.head), bold=True)
    pieces = max(head, _longest(piece for text in set(cells) for piece in _unbroken(text)))
    whole = max(_longest(cells), _longest((cells[i] for i in table.bold), bold=True))
    if column.digits is not None:
        need = max(_LEAST, pieces, whole)
        return need, max(need, min(_longest([column.head]), 2 * need))
    need = max(_LEAST, pieces, min(words, whole))
    return need, max(need, min(_LINE, max(whole, _longest([column.head]))))


def _unbroken(text: str) -> list[str]:
    """The parts of a text between which a line may end: after a blank, a hyphen or a slash, and after any character of
    Chinese.
    """
    return re.findall(r"[⺀-￯]|[^\s⺀-￯/-]+[/-]?|[/-]", text)


def _longest(texts: Iterable[str], *, bold: bool = False) -> float:
    return max((sum(_advance(c, bold) for c in t) for t in texts), default=0.0)


@cache
def _advance(letter: str, bold: bool) -> float:
    """Room of a letter in its own height; Chinese ones are square."""
    if is_chinese(letter):
        return 1.0
    glyph = _font("bold" if bold else "normal").load_char(ord(letter))
    return float(glyph.linearHoriAdvance) / 65536 / _SAMPLE_PT * _SLACK


@cache
def _font(weight: str) -> FT2Font:
    found = FT2Font(font_manager.findfont(font_manager.FontProperties(family=_WIDEST, weight=weight)))
    found.set_size(_SAMPLE_PT, 72)
    return found


def _widths(rooms: list[tuple[float, float]], size: float, room: float) -> tuple[float, ...]:
    """What each needs, the rest by what each would like beyond that, and what is over to all alike; together `room`."""
    need = np.array([n for n, _ in rooms]) * size * _CM_PER_PT + BESIDE
    more = np.array([w - n for n, w in rooms]) * size * _CM_PER_PT
    if need.sum() > room:
        return tuple(need * room / need.sum())
    given = more * min(1.0, (room - need.sum()) / more.sum()) if more.sum() > 0 else 0 * more
    filled = need + given
    return tuple(filled * room / filled.sum())
