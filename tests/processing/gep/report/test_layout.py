"""Tables on paper: measured with the widest letters a reader may have, no number and no word of a head is broken."""

import re

import pandas as pd
import pytest
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

from processing.gep.report.content import Heading, Paragraph
from processing.gep.report.layout import ACROSS, BESIDE, LONGEST, UPRIGHT, layout, on_paper, printed, turned_blocks
from processing.gep.report.tables import Column, Table
from tests.processing.gep.report.given import made, text

FONTS = {w: FT2Font(font_manager.findfont(f"DejaVu Sans:weight={w}")) for w in ("normal", "bold")}


def measured(of: str, size: float, weight: str) -> float:
    """The width of a text as a font says it, cm."""
    font = FONTS[weight]
    font.set_size(100, 72)
    font.set_text(of)
    return font.get_width_height()[0] / 64 / 100 * size / 72 * 2.54


def broken(table: Table, *, turned: bool = False) -> list[str]:
    """Texts that would have to be broken where no line may end."""
    laid = layout(table, turned=turned)
    assert sum(laid.widths) == pytest.approx(ACROSS if laid.turned else UPRIGHT)
    out = []
    for column, wide in zip(table.columns, laid.widths, strict=True):
        heads = re.findall(r"[A-Za-z0-9²^%.-]+", column.head)
        out += [w for w in heads if measured(w, laid.size, "bold") > wide - 0.9 * BESIDE]
        if column.digits is not None:
            for i, value in enumerate(table.rows[column.key]):
                number = printed(value, column)
                if measured(number, laid.size, "bold" if i in table.bold else "normal") > wide - 0.9 * BESIDE:
                    out.append(number)
    return out


def wide(n: int, value: float) -> Table:
    columns = [Column("name", "名称"), *(Column(f"c{i}", f"服务{i}", "亿元", 2) for i in range(n))]
    rows = pd.DataFrame([{"name": "老竹畲族镇"} | {f"c{i}": value for i in range(n)}] * 2)
    return Table("t", "乡镇 × 服务", tuple(columns), rows, bold=(1,))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_number_of_a_report_is_broken(lang):
    report = text(made(), lang)
    tables = [b.printed for b in report.blocks if isinstance(b, Table)]
    assert len(tables) > 5
    assert {t.id: broken(t) for t in tables if broken(t)} == {}
    annexes, note = on_paper(report)
    assert {t.id: broken(t.printed, turned=True) for t in annexes if broken(t.printed, turned=True)} == {}
    assert len(annexes) >= 2
    for left in (t for t in report.annexes if t not in annexes):
        assert len(left.columns) > 20 or len(left.rows) > LONGEST
        assert left.title in note


@pytest.mark.parametrize("value", [0.03, -432.58, 7_493_357.42])
@pytest.mark.parametrize("n", [1, 5, 9, 13])
def test_a_table_lies_across_only_when_it_must(n, value):
    table = wide(n, value)
    assert broken(table) == []
    assert layout(table).turned == ((n == 13 and value != 0.03) or (n == 9 and value > 1e6))


def test_a_table_too_wide_for_any_page_still_fits_between_the_margins():
    laid = layout(wide(60, 7_493_357.42))
    assert laid.turned
    assert not laid.fits
    assert sum(laid.widths) == pytest.approx(ACROSS)
    assert min(laid.widths) > 0


def test_a_heading_goes_with_the_table_below_it():
    here, there = wide(2, 1.0), wide(20, 1.0)
    blocks = [Heading("a", 1), here, Heading("b", 1), there, Paragraph("c"), Heading("d", 1), Heading("e", 2), there]
    assert turned_blocks(blocks) == [False, False, True, True, False, True, True, True]
