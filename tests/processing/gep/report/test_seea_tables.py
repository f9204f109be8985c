"""The accounts of SEEA EA and the comparison of two years: what adds up, and what is said where a year is missing."""

import io

import openpyxl
import pandas as pd
import pytest

from processing.gep.account import account as computed
from processing.gep.profile import profiles
from processing.gep.report import comparison, seea_tables, tables
from processing.gep.report.comparison import Years
from processing.gep.report.content import Content, Paragraph
from processing.gep.report.document import document
from processing.gep.report.spreadsheet import workbook
from tests.processing.gep.report.given import ISSUE, NOW, REGION, REGISTRY, TOWNS, county, inputs, local, made, text


def year(of, *, base=None, index=101.0):
    """The account of a year with a price index of 2025."""
    rows = inputs(year=of, hot_days=100.0 if of == 2024 else 140.0)
    link = local().assign(parameter="price_index_link", value=index, unit="last year = 100")
    both = pd.concat([local(), link], ignore_index=True)
    return computed(rows, profiles()["db33-2020"], year=of, region=REGION, zones=TOWNS, base_year=base, local=both)


@pytest.fixture(scope="module")
def years():
    return Years(2024, (year(2024), year(2025)), (year(2024, base=2024), year(2025, base=2024)))


@pytest.fixture(scope="module")
def now(years):
    return years.current[1]


@pytest.mark.parametrize("side", ["supply", "use"])
def test_supply_is_use_and_both_are_the_total(now, side):
    rows = seea_tables.monetary(now, "zh", side).rows
    assert rows[tables.SUM].iloc[-1] == pytest.approx(now.total / 1e8)
    assert rows[tables.SUM].iloc[:-1].sum() == pytest.approx(now.total / 1e8)
    amounts = seea_tables.physical(now, "en", side)
    other = seea_tables.physical(now, "en", "use" if side == "supply" else "supply")
    assert amounts.rows[tables.SUM].tolist() == pytest.approx(other.rows[tables.SUM].tolist())
    assert "CNY" not in set(amounts.rows["unit"])


def test_the_extent_account_closes(now):
    cells = pd.DataFrame(
        [(TOWNS[0], "paddy", "paddy", 8e6), (TOWNS[0], "paddy", "lake", 2e6), (TOWNS[1], "lake", "lake", 1e6)],
        columns=["zone", "origin", "target", "area_m2"],
    )
    rows = seea_tables.extent(cells, None, now, "zh").rows.set_index("name")
    assert (rows["opening_ha"] + rows["additions_ha"] - rows["reductions_ha"]).tolist() == pytest.approx(
        rows["closing_ha"].tolist()
    )
    assert rows.loc["水田", ["opening_ha", "reductions_ha", "closing_ha"]].tolist() == [10, 2, 8]
    net = seea_tables.extent(None, inputs(year=2024), now, "en")
    assert "net changes" in net.note
    assert net.rows["net"].abs().max() == 0


def test_without_a_year_before_the_closing_alone_is_told(now):
    for table in (
        seea_tables.extent(None, None, now, "zh"),
        seea_tables.assets(None, now, "zh"),
        seea_tables.condition(None, now.zoned.frame, now, "zh"),
    ):
        assert table.note.startswith("没有 2024 年的数据")
        assert not {"opening", "opening_ha"} & {c.key for c in table.columns}
    worth = seea_tables.assets(None, now, "en").rows["closing"].iloc[-1]
    assert worth == pytest.approx(now.total / 1e8 * (1 - 1.03**-100) / 0.03)


def test_condition_is_weighted_by_area_and_goes_from_0_to_1(now):
    cover = pd.DataFrame(
        [
            (zone, "forest", "vegetation_cover_pct", value)
            for zone, value in zip(TOWNS, (80.0, 60.0, 70.0), strict=True)
        ],
        columns=["zone", "ecosystem", "quantity", "value"],
    )
    rows = seea_tables.condition(None, pd.concat([inputs(), cover]), now, "en").rows
    assert rows["closing"].tolist() == pytest.approx([(80 * 1 + 60 * 2 + 70 * 3) / 6])
    assert rows["closing_indicator"].tolist() == pytest.approx([(80 * 1 + 60 * 2 + 70 * 3) / 600])


def test_comparable_prices_leave_the_change_of_quantity_alone(years):
    rows = comparison.growth(years, "zh").rows.set_index("service")
    crops = rows.loc["农业产品"]
    assert crops["current_growth"] == pytest.approx(0, abs=1e-6)
    assert crops["comparable_growth"] == pytest.approx(100 * (1 / 1.01 - 1))
    assert rows.loc["气候调节", "comparable_growth"] == pytest.approx(40)
    assert rows["points"].iloc[:-1].sum() == pytest.approx(rows["comparable_growth"].iloc[-1])
    assert comparison.uncompared(years, "zh") == ""
    index = comparison.index(years.comparable[1], "en").rows
    assert "2025" in set(index["year"])
    assert not index.duplicated().any()


def test_growth_and_targets_of_townships(years):
    reached = comparison.assessed(years, county(), {TOWNS[0]: 1e8}, "zh")
    first = reached.rows[reached.rows["name"] == county().zones[TOWNS[0]]].iloc[0]
    assert first["done_pct"] == pytest.approx(100 * first["value_after"])
    assert "没有下达目标" in comparison.assessed(years, county(), {}, "zh").note


def whole(years, lang="zh", **more):
    return document(Content(years.current[1], county(lang), REGISTRY, inputs(), ISSUE, years=years, **more), lang)


def test_the_workbook_computes_what_it_says(years):
    content = io.BytesIO(workbook(whole(years, before_inputs=inputs(year=2024)), NOW))
    formulas, values = openpyxl.load_workbook(content), openpyxl.load_workbook(content, data_only=True)
    for name, head in (
        ("生态系统服务供给表（价值量）", "合计"),
        ("变化分解", "2025（亿元）"),
        ("生态系统资产账户（价值量）", "期末（亿元）"),
    ):
        sheet, stored = formulas[name], values[name]
        column = next(c.column for c in sheet[3] if c.value == head)
        for row in range(4, sheet.max_row + 1):
            written = sheet.cell(row, column).value
            assert written.startswith("="), (name, row)
            cells = [stored.cell(row, c).value for c in range(2, column)]
            numbers = [c for c in cells if isinstance(c, int | float)]
            assert stored.cell(row, column).value == pytest.approx(sum(numbers), abs=1e-9)


def test_one_line_says_why_there_is_no_comparison():
    alone = [b.text for b in text(made(draws=0)).blocks if isinstance(b, Paragraph)]
    assert [t for t in alone if "没有 2024 年的核算数据" in t]
    other = document(Content(made(draws=0), county(), REGISTRY, inputs(), ISSUE, unlike=("crops",)), "zh")
    assert any("核算项不同（农业产品产值）" in b.text for b in other.blocks if isinstance(b, Paragraph))


def test_a_norm_of_quantities_alone_has_no_accounts_of_values():
    physical = made(profile="hj1173-2021", draws=0)
    report = document(Content(physical, county(), REGISTRY, inputs(), ISSUE), "zh")
    assert not {"supply_money", "use_money", "asset_account"} & {t.id for t in report.tables}
    assert any("只核算功能量" in b.text for b in report.blocks if isinstance(b, Paragraph))
    assert workbook(report, NOW)
