import io
import zipfile

import pytest

from domain.errors import FeedCorrupt
from ingest import workbook
from ingest.workbook import Formula, Sheet, blank, read
from tests.ingest.given import xlsx


def test_cells_have_the_addresses_people_use():
    (sheet,) = read(xlsx(("点位", "镉"), ("soil-01", 0.1), title="结果"))
    assert sheet.title == "结果"
    assert sheet.rows == (("点位", "镉"), ("soil-01", 0.1))
    assert sheet.address(1, 1) == "结果!B2"
    assert sheet.address(0, 27) == "结果!AB1"


def test_a_formula_without_a_result_is_not_an_empty_cell():
    assert read(xlsx(("=1+1", "", 3)))[0].rows == ((Formula("=1+1"), None, 3),)


def test_blank_rows():
    assert blank((None, "", "  "))
    assert not blank((None, 0))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no readable"),
        (b"PK\x03\x04", "no readable"),
        (b"a,b\n1,2\n", "no readable"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as .xlsx"),
    ],
)
def test_files_that_are_no_workbooks(content, said):
    with pytest.raises(FeedCorrupt, match=said):
        read(content)


def test_a_file_that_unpacks_beyond_measure_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(workbook, "MAX_BYTES", 1000)
    with pytest.raises(FeedCorrupt, match="more than 1000 are not read"):
        read(xlsx((1,)))


def test_a_sheet_of_absurd_size_is_not_walked(monkeypatch):
    monkeypatch.setattr(workbook, "MAX_COLUMNS", 3)
    with pytest.raises(FeedCorrupt, match="1 rows and 4 columns"):
        read(xlsx((1, 2, 3, 4)))


def test_an_archive_of_something_else_is_no_workbook():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("hello.txt", "hello")
    with pytest.raises(FeedCorrupt, match="no readable"):
        read(out.getvalue())


def test_an_empty_sheet_has_no_told_rows():
    assert all(map(blank, Sheet("x", ()).rows))
