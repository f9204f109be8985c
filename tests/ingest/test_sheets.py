import gzip
from contextlib import suppress

import numpy as np
import pytest
import yaml
from hypothesis import given as example_of
from hypothesis import strategies as st

from domain.errors import FeedCorrupt
from ingest.layouts import Cells, Layout
from ingest.sheets import MissingColumn, numbers, read_sheet, unpacked
from tests.ingest.given import xlsx
from tests.ingest.test_layouts import GOOD


def layout(**changes) -> Layout:
    return Layout.model_validate(yaml.safe_load(GOOD) | changes)


KINDS = {"t": "word", "station": "word", "PM2.5": "number"}
HEAD = "t,PM2.5,station\n"


def values(sheet):
    return sheet.columns["PM2.5"].to_pylist()


def test_numbers_are_read_at_once_and_lines_are_known():
    sheet = read_sheet(b"t,PM2.5,station\na,1.5,x\nb,,y\n", layout(), KINDS)
    assert values(sheet) == [1.5, None]
    assert sheet.lines.tolist() == [2, 3]
    assert sheet.text("station").to_pylist() == ["x", "y"]


def test_a_bad_cell_turns_the_columns_into_text():
    sheet = read_sheet((HEAD + "a,1.5,x\nb,broken,y\n").encode(), layout(), KINDS)
    found = numbers(sheet.columns["PM2.5"], Cells(), {})
    assert found.values[0] == 1.5
    assert found.bad.tolist() == [1]


@pytest.mark.parametrize(
    ("body", "lines", "faults"),
    [
        ("a,1,x\nb,2,y\n", [2, 3], []),
        ("a,1,x\n\n\nb,2,y\n", [2, 5], []),
        ("a,1,x\r\n\r\nb,2,y", [2, 4], []),
        ("a,1\nb,2,y\nc,3,z,4\nd,4,u\n", [3, 5], [2, 4]),
        ('"a\nb",1,x\nc,2\nd,3,y\n', [2, 5], [4]),
    ],
)
def test_every_row_knows_its_line_whatever_stands_between(body, lines, faults):
    sheet = read_sheet((HEAD + body).encode(), layout(), KINDS)
    assert sheet.lines.tolist() == lines
    assert [f.line for f in sheet.faults] == faults
    assert all("cells where the header has 3" in f.detail for f in sheet.faults)


def test_lines_above_and_comments_are_skipped():
    text = "# made up\n# twice\nunits,,\n" + HEAD + "a,1,x\n"
    sheet = read_sheet(text.encode(), layout(cells={"comment": "#", "skip_rows": 1}), KINDS)
    assert sheet.lines.tolist() == [5]


def test_other_encodings_and_delimiters():
    text = "t;PM2.5;station\na;1;丽水\n".encode("gb18030")
    sheet = read_sheet(text, layout(encoding="gb18030", cells={"delimiter": ";"}), KINDS)
    assert sheet.text("station").to_pylist() == ["丽水"]
    wrong = read_sheet(text, layout(cells={"delimiter": ";"}), KINDS)
    assert len(wrong) == 0
    assert [(f.line, "see the layout's encoding" in f.detail) for f in wrong.faults] == [(2, True)]


def test_one_strange_byte_spoils_one_line():
    sheet = read_sheet((HEAD + "a,1,x\n").encode() + b"b,2,\xff\nc,3,z\n", layout(), KINDS)
    assert sheet.lines.tolist() == [2, 4]
    assert [f.line for f in sheet.faults] == [3]
    assert sheet.columns["PM2.5"].to_pylist() == ["1", "3"]


def test_a_byte_order_mark_is_no_part_of_the_first_column():
    assert values(read_sheet(b"\xef\xbb\xbft,PM2.5,station\na,1,x\n", layout(), KINDS)) == [1.0]


def test_a_missing_and_a_double_column_are_told():
    with pytest.raises(MissingColumn, match=r"column 'PM2.5' is missing; it has t, station"):
        read_sheet(b"t,station\na,x\n", layout(), KINDS)
    with pytest.raises(FeedCorrupt, match="stands there twice"):
        read_sheet(b"t,PM2.5,PM2.5,station\na,1,2,x\n", layout(), KINDS)


def test_absent_is_missing_or_not_measured():
    cells = Cells(absent={"--": "missing", "*": "not_measured"})
    sheet = read_sheet((HEAD + "a,--,x\nb,*,y\nc, ,z\nd,1e3,u\n").encode(), layout(cells=cells), KINDS)
    found = numbers(sheet.columns["PM2.5"], cells, {})
    assert np.isnan(found.values).tolist() == [True, True, True, False]
    assert found.unmeasured.tolist() == [False, True, False, False]
    assert len(found.bad) == 0


def test_words_can_be_numbers():
    sheet = read_sheet((HEAD + "a,NNE,x\nb,XX,y\n").encode(), layout(), KINDS | {"PM2.5": "word"})
    found = numbers(sheet.columns["PM2.5"], Cells(), {"NNE": 22.5})
    assert found.values[0] == 22.5
    assert found.bad.tolist() == [1]


@pytest.mark.parametrize("text", ["inf", "1e999", "1,5", "0x10", "--", "1.2.3", "١"])
def test_what_is_no_finite_number_is_bad(text):
    sheet = read_sheet((HEAD + f'a,"{text}",x\nb,broken,y\n').encode(), layout(), KINDS)
    assert numbers(sheet.columns["PM2.5"], Cells(), {}).bad.tolist() == [0, 1]


def test_infinity_is_bad_on_the_fast_way_too():
    sheet = read_sheet((HEAD + "a,inf,x\nb,1,y\n").encode(), layout(), KINDS)
    assert numbers(sheet.columns["PM2.5"], Cells(), {}).bad.tolist() == [0]


@example_of(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_both_ways_read_the_same_numbers(given_values):
    rows = "".join(f"a,{v!r},x\n" for v in given_values)
    fast = numbers(read_sheet((HEAD + rows).encode(), layout(), KINDS).columns["PM2.5"], Cells(), {})
    slow = numbers(read_sheet((HEAD + rows + "b,broken,y\n").encode(), layout(), KINDS).columns["PM2.5"], Cells(), {})
    assert fast.values.tolist() == given_values
    assert slow.values[:-1].tolist() == given_values


@example_of(st.binary(max_size=300))
def test_no_bytes_do_anything_but_read_or_be_refused(payload):
    for kind in ("csv", "xml", "xlsx"):
        own = layout(format=kind, cells={"record": "r"} if kind == "xml" else {})
        with suppress(FeedCorrupt):
            sheet = read_sheet(unpacked(payload, own), own, KINDS)
            assert {len(column) for column in sheet.columns.values()} == {len(sheet)}


def test_gzip_is_undone_and_a_cut_one_refused():
    whole = gzip.compress(b"abc" * 100)
    assert unpacked(whole, layout()) == b"abc" * 100
    assert unpacked(whole, layout(compression="none")) == whole
    with pytest.raises(FeedCorrupt, match="gzip cannot be undone"):
        unpacked(whole[:-12], layout())


def test_a_spreadsheet_is_a_sheet():
    book = xlsx(["made up"], ["t", "PM2.5", "station"], ["a", 1.5, "x"], [None, None, None], ["b", 2, "y"])
    sheet = read_sheet(book, layout(format="xlsx", cells={"skip_rows": 1}), KINDS)
    assert values(sheet) == ["1.5", "2"]
    assert sheet.lines.tolist() == [3, 5]
    with pytest.raises(FeedCorrupt, match="no sheet 'other'"):
        read_sheet(book, layout(format="xlsx", cells={"sheet": "other"}), KINDS)


def test_xml_reads_no_file_and_expands_nothing():
    spy = (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY spy SYSTEM "file:///etc/hostname">]>'
        b"<x><r><t>&spy;</t><station>s</station><PM2.5>1</PM2.5></r></x>"
    )
    own = layout(format="xml", cells={"record": "r"})
    assert read_sheet(spy, own, KINDS).text("t").to_pylist() == [""]
