"""Filled forms: all of them read back whole, and each of many spoilt ones gives its place and its remedy."""

import math
from datetime import date

import openpyxl
import pytest
from openpyxl.styles import Font

from domain.forms import forms
from domain.records import Reason
from domain.texts import catalogue
from ingest.forms import plan
from ingest.forms.plan import COVER, DATA, FIRST, UNITS
from ingest.forms.problems import KINDS
from ingest.forms.reading import NOT_APPLICABLE, REPORTED
from tests.ingest.forms.filled import DISTRICT, KNOWN, YEAR, filled, reading

CROPS = forms()["crops"]
RESERVOIRS = forms()["reservoirs"]


@pytest.mark.parametrize("form", list(forms()))
def test_every_form_reads_back_what_was_filled(form):
    got = reading(filled(form))
    assert got.problems == ()
    assert (got.form.id, got.region, got.year, got.n_empty) == (form, DISTRICT, YEAR, 0)
    n_rows = 2 if got.form.rows == "object" else len(plan.rows_of(got.form, DISTRICT, KNOWN))
    assert len(got.figures) == n_rows * len(got.form.items)
    assert all(f.value == float(f.item.example) for f in got.figures)
    assert {f.state for f in got.figures} == {REPORTED}


def test_a_township_fills_its_own_row():
    got = reading(filled(region="331102100"))
    assert got.problems == ()
    assert {f.zone for f in got.figures} == {"331102100"}


def put(cell, value, sheet=DATA):
    return lambda book: book[sheet].__setitem__(cell, value)


def test_empty_zero_and_not_applicable_are_three_things():
    def three(book):
        book[DATA]["C5"], book[DATA]["C6"], book[DATA]["C7"] = None, 0, "不适用"

    got = reading(filled(spoil=three))
    assert got.problems == ()
    assert got.n_empty == 1
    said = {f.zone: f for f in got.figures if f.item.id == "grain_t"}
    assert "331102001" not in said
    assert (said["331102002"].value, said["331102002"].state) == (0.0, REPORTED)
    assert math.isnan(said["331102003"].value)
    assert said["331102003"].state == NOT_APPLICABLE


def field(name):
    return plan.address(plan.FIRST_FIELD + plan.FIELDS.index(name), 2)


def delete_row(row):
    return lambda book: book[DATA].delete_rows(row)


def twice(book):
    sheet = book[DATA]
    for n in range(1, len(plan.columns(CROPS)) + 1):
        sheet.cell(20, n).value = sheet.cell(5, n).value


def percent(book):
    book[DATA]["C5"].number_format = "0.0%"


def hide(name):
    def spoil(book):
        book[name].sheet_state = "hidden"

    return spoil


def hide_row(book):
    book[DATA].row_dimensions[7].hidden = True


def extra_hidden(book):
    book.create_sheet("旧数据").sheet_state = "hidden"


def rename(book):
    book[DATA].title = "Sheet1"


def swapped(book):
    sheet = book[DATA]
    for row in range(plan.CODES, 20):
        sheet.cell(row, 3).value, sheet.cell(row, 4).value = sheet.cell(row, 4).value, sheet.cell(row, 3).value


def shifted(book):
    book[DATA]["B5"], book[DATA]["B6"] = book[DATA]["B6"].value, book[DATA]["B5"].value


#: What is done to the form -> kind of problem, place.
SPOILT = {
    "wrong unit in the head": (put(f"C{UNITS}", "公斤"), "wrong_unit", f"{DATA}!C4"),
    "text in a number": (put("C6", "约一千"), "not_a_number", f"{DATA}!C6"),
    "a unit in a number": (put("D7", "86.4 吨"), "number_with_unit", f"{DATA}!D7"),
    "a number kept as text": (put("D8", "1,250"), "number_as_text", f"{DATA}!D8"),
    "full-width digits": (put("D8", "１２５０"), "number_as_text", f"{DATA}!D8"),
    "a missing township": (delete_row(9), "row_missing", f"{DATA}!A5:A18"),
    "a duplicated row": (twice, "row_twice", f"{DATA}!20:20"),
    "merged cells": (lambda b: b[DATA].merge_cells("C5:D6"), "merged", f"{DATA}!C5:D6"),
    "another year": (put(field("year"), 2024, COVER), "wrong_year", f"{COVER}!{field('year')}"),
    "a failed formula": (put("E9", "#DIV/0!"), "formula_error", f"{DATA}!E9"),
    "a formula without a result": (put("E9", "=C9+D9"), "formula_unknown", f"{DATA}!E9"),
    "a hidden data sheet": (hide(DATA), "sheet_hidden", DATA),
    "a hidden further sheet": (extra_hidden, "sheet_hidden", "旧数据"),
    "a further sheet": (lambda b: b.create_sheet("汇总"), "sheet_extra", "汇总"),
    "a hidden row": (hide_row, "hidden", f"{DATA}!7:7"),
    "a renamed sheet": (rename, "sheet_missing", DATA),
    "swapped columns": (swapped, "head_changed", f"{DATA}!C2"),
    "a deleted column": (lambda b: b[DATA].delete_cols(5), "head_changed", f"{DATA}!E2"),
    "a row of totals": (put("B20", "合计"), "row_extra", f"{DATA}!20:20"),
    "an unknown township": (put("A7", "330102001"), "row_unknown", f"{DATA}!A7"),
    "shifted names": (shifted, "name_differs", f"{DATA}!B5"),
    "a negative number": (put("C5", -1), "out_of_range", f"{DATA}!C5"),
    "a number far too large": (put("C5", 12_500_000), "out_of_range", f"{DATA}!C5"),
    "a percentage": (percent, "percent", f"{DATA}!C5"),
    "a date in a number": (put("C5", date(2025, 3, 4)), "a_date", f"{DATA}!C5"),
    "a truth in a number": (put("C5", True), "not_a_number", f"{DATA}!C5"),
    "remarks beside the table": (put("P8", "待核"), "outside", f"{DATA}!P8"),
    "nobody filled it": (put(field("filled_by"), None, COVER), "cover_empty", f"{COVER}!{field('filled_by')}"),
    "no date": (put(field("filled_on"), "上周", COVER), "bad_date", f"{COVER}!{field('filled_on')}"),
    "filled tomorrow": (put(field("filled_on"), "2026-03-22", COVER), "future_date", f"{COVER}!{field('filled_on')}"),
    "another region": (put(field("region"), "330106", COVER), "wrong_region", f"{COVER}!{field('region')}"),
    "an old form": (put(field("version"), "00000000", COVER), "other_version", f"{COVER}!{field('version')}"),
    "no such form": (put(field("form"), "corps", COVER), "unknown_form", f"{COVER}!{field('form')}"),
}


@pytest.mark.parametrize("what", list(SPOILT))
def test_a_spoilt_form_gives_its_place_its_remedy_and_no_figure(what):
    spoil, kind, place = SPOILT[what]
    got = reading(filled(spoil=spoil))
    assert (kind, place) in [(p.kind, p.place) for p in got.problems]
    assert got.figures == ()
    for problem in got.problems:
        for lang in ("zh", "en"):
            assert problem.what(lang)
            assert problem.remedy(lang)


OBJECTS = {
    "a reservoir twice": (put("A6", "甲"), "object_twice", f"{DATA}!A6"),
    "a reservoir without name": (put("A6", None), "object_unnamed", f"{DATA}!A6"),
    "a township that is not ours": (put("B6", "西湖街道"), "township_unknown", f"{DATA}!B6"),
}


@pytest.mark.parametrize("what", list(OBJECTS))
def test_rows_of_objects(what):
    spoil, kind, place = OBJECTS[what]
    got = reading(filled("reservoirs", spoil=spoil))
    assert [(p.kind, p.place) for p in got.problems] == [(kind, place)]


def test_a_count_is_whole():
    got = reading(filled("society", spoil=put("C5", 2.365)))
    assert [(p.kind, p.place) for p in got.problems] == [("not_whole", f"{DATA}!C5")]


@pytest.mark.parametrize(
    ("content", "kind", "named"),
    [
        ("代码,名称,粮食\n331102001,紫金街道,12\n".encode("gb18030"), "csv", "GBK"),
        ("代码,名称,粮食\n331102001,紫金街道,12\n".encode("utf-8-sig"), "csv", "UTF-8"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "not_a_workbook", ".xls"),
        (filled()[:4000], "not_a_workbook", "xlsx"),
        (b"", "not_a_workbook", "xlsx"),
    ],
)
def test_files_that_are_no_workbook(content, kind, named):
    got = reading(content)
    assert [p.kind for p in got.problems] == [kind]
    assert named in got.problems[0].what("en")
    assert got.form is None


def test_all_problems_come_at_once():
    def three(book):
        book[DATA]["C5"], book[DATA]["D9"] = "无", "3 吨"
        book[COVER][field("document")] = None

    kinds = [p.kind for p in reading(filled(spoil=three)).problems]
    assert sorted(kinds) == ["cover_empty", "not_a_number", "number_with_unit"]


def test_looks_do_not_matter():
    def bold(book):
        book[DATA]["C5"].font = Font(bold=True)
        book[DATA].column_dimensions["C"].width = 40

    assert reading(filled(spoil=bold)).problems == ()


def test_every_kind_has_its_words_and_reason():
    for kind, reason in KINDS.items():
        assert f"form.problem.{kind}" in catalogue()
        assert f"form.remedy.{kind}" in catalogue()
        assert reason in Reason
    tested = {kind for table in (SPOILT, OBJECTS) for _, kind, _ in table.values()}
    assert set(KINDS) - tested == {"csv", "not_a_workbook", "not_whole"}


def test_the_form_refuses_bad_input_while_it_is_typed(tmp_path):
    path = tmp_path / "crops.xlsx"
    path.write_bytes(filled())
    sheet = openpyxl.load_workbook(path)[DATA]
    assert sheet.protection.sheet
    assert not sheet.cell(FIRST, 3).protection.locked
    assert sheet.cell(FIRST, 1).protection.locked
    rules = {str(v.sqref): v for v in sheet.data_validations.dataValidation}
    assert "C5:C19" in rules
    assert "2000000" in rules["C5:C19"].formula1
