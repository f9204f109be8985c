"""The code and mark tables: whole, and strict about what is wrong in them."""

from pathlib import Path

import pytest

from domain.catalogue import TABLES_DIR, convertible, parameters, read_table
from domain.errors import CatalogueError
from domain.records import Flag
from ingest.decoders.hj212 import codes

COLUMNS = "st,code,old_code,parameter,unit,source\n"


def test_every_row_of_the_code_table_can_be_used() -> None:
    table = read_table(TABLES_DIR / "hj212_codes.csv", columns=COLUMNS.strip().split(","), key=["st", "code"])
    known = parameters()
    assert len(table) > 80
    for row in table.itertuples():
        assert row.parameter in known.index
        assert convertible(row.unit, known.loc[row.parameter, "unit"])
        assert row.source
        for st in row.st.split():
            assert codes.codes().new[st, row.code.casefold()] == (row.parameter, row.unit)


def test_the_same_code_is_another_parameter_at_another_kind_of_station() -> None:
    assert codes.codes().new["22", "a21026"] == ("SO2", "ug/m3")
    assert codes.codes().new["31", "a21026"] == ("stack_SO2", "mg/m3")
    assert codes.codes().old["31", "02"] == ("stack_SO2", "mg/m3")


@pytest.mark.parametrize("mark", ["N", "n", "S", ""])
def test_marks_a_value_survives(mark: str) -> None:
    assert codes.mark_flag(mark, "32") == Flag.NOT_EVALUATED


@pytest.mark.parametrize("mark", ["F", "M", "D", "C", "T", "B", "d", "Z", "NN", "3", "中"])
def test_marks_that_fail_a_value(mark: str) -> None:
    assert codes.mark_flag(mark, "32") == Flag.FAIL


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("22,a1,,nonsense,ug/m3,x", "hj212_codes.csv:2: parameter 'nonsense' is not in parameters.csv"),
        ("22,a1,,SO2,ppb,x", "hj212_codes.csv:2: no conversion from 'ppb'"),
        ("22,A1,,SO2,ug/m3,x\n22 31,a1,,SO2,ug/m3,x", "hj212_codes.csv:3: code 'a1' of ST 22 is given twice"),
        ("22,a1,01,SO2,ug/m3,x\n22,a2,01,CO,mg/m3,x", "hj212_codes.csv:3: old_code '01' of ST 22 is given twice"),
        ("22,a1,,SO2,x", "5 cells where the header has 6"),
    ],
)
def test_wrong_table_names_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: str, problem: str) -> None:
    (tmp_path / "hj212_codes.csv").write_text(COLUMNS + row + "\n", encoding="utf-8")
    monkeypatch.setattr(codes, "TABLES_DIR", tmp_path)
    with pytest.raises(CatalogueError, match=problem.replace("(", r"\(")):
        codes.codes.__wrapped__()
