"""Reports in every form say the same numbers, which follow from each other; what is not GEP is not called so."""

import io
import json
import re

import docx
import numpy as np
import openpyxl
import pandas as pd
import pytest

from domain.errors import FeedCorrupt
from processing.gep.report import package, tables
from processing.gep.report.content import Issue
from processing.gep.report.page import page
from processing.gep.report.spreadsheet import workbook
from processing.gep.report.typeset import pdf
from processing.gep.report.word import word
from processing.gep.statement import statement
from tests.processing.gep.report.given import ISSUE, NOW, TOWNS, county, given, inputs, made, text

pytestmark = pytest.mark.filterwarnings("error:Glyph")


@pytest.fixture(scope="module")
def account():
    return made()


@pytest.fixture(scope="module")
def report(account):
    return text(account)


def test_a_part_of_gep_is_never_called_gep(account, report):
    assert not account.complete
    assert "不是 GEP" in report.title
    assert any("不得称为 GEP" in w for w in report.warnings)
    names = tables.summary(account, "zh").rows["service"].tolist()
    assert names[-1] == "已核算部分合计（不是 GEP）"


def test_an_unconfirmed_profile_and_a_draft_stand_on_the_cover(account, report):
    told = "\n".join(report.warnings)
    assert "未核实" in told
    assert "不得对外发布" in told
    assert report.draft
    assert Issue("张示例", NOW, "sanyan", approver="张示例").draft
    assert not Issue("张示例", NOW, "sanyan", approver="李示例").draft


def test_parts_sum_to_categories_and_townships_to_the_whole(account):
    rows = tables.summary(account, "en").rows
    total = rows["value"].iloc[-1]
    assert total == pytest.approx(account.total / 1e8, rel=1e-12)
    categories = rows[rows["code"].isna()].iloc[:-1]["value"].sum()
    assert categories == pytest.approx(total, rel=1e-12)
    towns = tables.townships(account, county(), "zh").rows
    whole = statement(account, by=("zone",), complete_only=True)["value_cny"].sum() / 1e8
    assert towns["value"].sum() == pytest.approx(whole, rel=1e-9)
    assert towns["share"].sum() == pytest.approx(100)
    for kind in (("service", "ecosystem"), ("zone", "service")):
        wide = tables.matrix(account, "zh", down=kind[0], across=kind[1], county=county()).rows
        assert wide[tables.SUM].iloc[-1] == pytest.approx(total, rel=1e-9)


def test_extents_sum_to_the_area(account):
    rows = tables.extents(account, county(), "zh").rows
    assert rows[tables.SUM].iloc[-2] == pytest.approx(account.zoned.area_m2.sum() / 1e6)
    assert rows[tables.SUM].iloc[-1] == pytest.approx(100)


def test_every_writer_gives_the_same_bytes_twice(report):
    made_once = pdf(report, NOW)
    assert made_once.startswith(b"%PDF")
    assert pdf(report, NOW) == made_once
    assert workbook(report, NOW) == workbook(report, NOW)
    assert page(report) == page(report)


def test_the_english_report_is_english(account):
    document = text(account, "en")
    titles = [t.title for t in document.tables] + [c.title for t in document.tables for c in t.columns]
    assert not [t for t in [*titles, *document.warnings[1:2]] if re.search(r"[\u4e00-\u9fff]", t)]


def test_the_workbook_has_formulas_whose_stored_results_are_right(report):
    content = io.BytesIO(workbook(report, NOW))
    formulas, values = openpyxl.load_workbook(content), openpyxl.load_workbook(content, data_only=True)
    detail, stored = formulas["明细"], values["明细"]
    head = {c.value: c.column for c in detail[3]}
    checked = 0
    for row in range(4, detail.max_row + 1):
        written = detail.cell(row, head["价值量（CNY）"]).value
        if isinstance(written, str) and written.startswith("="):
            quantity, price = (stored.cell(row, head[k]).value for k in ("功能量", "单价"))
            assert stored.cell(row, head["价值量（CNY）"]).value == pytest.approx(quantity * price, rel=1e-12)
            checked += 1
    assert checked > 5
    counted = {
        row: stored.cell(row, head["价值量（CNY）"]).value
        for row in range(4, stored.max_row + 1)
        if stored.cell(row, head["计入合计"]).value == "是"
    }
    summary = values["核算结果汇总"]
    last = max(r for r in range(4, summary.max_row + 1) if summary.cell(r, 1).value)
    columns = {c.value: c.column for c in summary[3]}
    assert summary.cell(last, columns["价值量（亿元）"]).value == pytest.approx(sum(counted.values()) / 1e8, rel=1e-9)
    assert formulas["核算结果汇总"].cell(4, columns["价值量（亿元）"]).value.startswith("=SUMIFS(")
    assert formulas["核算结果汇总"].cell(last, columns["价值量（亿元）"]).value.count("+") >= 1


def test_the_word_document_has_cover_tables_and_the_mark_of_a_draft(report):
    opened = docx.Document(io.BytesIO(word(report, NOW)))
    texts = [p.text for p in opened.paragraphs]
    assert report.title in texts
    assert report.draft in texts
    assert opened.sections[0].header.paragraphs[0].text == report.draft
    assert [t for t in texts if t == "核算结果汇总"]
    assert len(opened.tables) > 8
    assert [p.text for p in opened.paragraphs if p.paragraph_format.page_break_before] == ["摘要"]


def test_the_page_needs_nothing_from_outside_and_escapes_what_it_prints(report):
    content = page(report).decode()
    assert "http" not in content
    assert "<script" not in content
    assert "&#34;x&#34;" in content or "&quot;x&quot;" in content


def test_a_package_gives_the_same_numbers_again(tmp_path, account, report):
    for name, content in package.files(account, given(inputs()), ISSUE, report.title, report.tables).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    read = package.read(tmp_path)
    assert package.differences(read).empty
    assert json.loads((tmp_path / "manifest.json").read_text())["draft"] is True
    assert pd.read_parquet(tmp_path / "account.parquet")["value_cny"].sum() > 0
    (tmp_path / "inputs.csv").write_bytes((tmp_path / "inputs.csv").read_bytes().replace(b"140.0", b"141.0"))
    with pytest.raises(FeedCorrupt, match=r"inputs\.csv"):
        package.read(tmp_path)
    with pytest.raises(FeedCorrupt, match=r"manifest\.json"):
        package.read(tmp_path / "nowhere")


def packed(folder, frame, **options):
    of = made(frame, **options)
    for name, content in package.files(of, given(frame), ISSUE, "a title", [tables.summary(of, "en")]).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return package.read(folder)


def test_causes_of_a_difference_add_up_and_are_found(tmp_path):
    one = packed(tmp_path / "a", inputs(), draws=0)
    warmer = packed(tmp_path / "b", inputs(hot_days=154.0), draws=0)
    causes = package.compared(one, warmer).set_index("cause")
    difference = warmer.manifest["total_cny"] - one.manifest["total_cny"]
    assert difference > 0
    assert causes["effect_cny"].sum() == pytest.approx(difference, rel=1e-9)
    assert causes.loc["inputs", "effect_cny"] == pytest.approx(difference, rel=1e-9)
    assert "hot_days (3)" in causes.loc["inputs", "detail"]
    other = packed(tmp_path / "c", inputs(), profile="trial-2022", draws=0)
    causes = package.compared(one, other).set_index("cause")
    assert causes["effect_cny"].sum() == pytest.approx(
        other.manifest["total_cny"] - one.manifest["total_cny"], rel=1e-9
    )
    assert "db33-2020 -> trial-2022" in causes.loc["profile", "detail"]
    later = packed(tmp_path / "d", inputs(year=2026, hot_days=154.0), year=2026, draws=0)
    causes = package.compared(one, later).set_index("cause")
    assert causes["effect_cny"].sum() == pytest.approx(
        later.manifest["total_cny"] - one.manifest["total_cny"], rel=1e-9
    )
    assert set(causes.index) == {"area", "quantity", "price", "parts", "software"}


@pytest.mark.parametrize("profile", ["db33-2020", "db33-2025", "trial-2022", "gbt46869-2025", "hj1173-2021"])
def test_every_norm_survives_its_package(tmp_path, profile):
    assert package.differences(packed(tmp_path, inputs(), profile=profile, draws=4)).empty


def test_ranges_hold_the_estimate(account):
    rows = tables.summary(account, "zh").rows
    known = rows[np.isfinite(rows["low"].astype(float))]
    assert (known["low"] <= known["value"] * 1.05).all()
    assert (known["high"] >= known["value"] * 0.95).all()
    assert len(TOWNS) == 3


def test_a_click_on_a_part_leads_to_its_inputs(account, report):
    content = page(report).decode()
    for part in tables.summary(account, "zh").rows["code"].dropna():
        assert f'href="#trace-{part}"' in content
        assert content.count(f'id="trace-{part}"') == 1
