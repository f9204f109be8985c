"""Spreadsheets (.xlsx) as people send them: rows of cells with their addresses."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import openpyxl
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook.workbook import Workbook

from domain.errors import FeedCorrupt

#: A packed sheet may claim any size; a laboratory's year has some thousand rows.
MAX_BYTES = 200_000_000
MAX_ROWS = 200_000
MAX_COLUMNS = 400
#: What openpyxl, zip and XML raise at files that are no workbook or a damaged one.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    InvalidFileException,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its title and its rows, each a tuple of cell values (None where empty)."""

    title: str
    rows: tuple[tuple[Any, ...], ...]

    def address(self, row: int, column: int) -> str:
        """What a person calls the cell at (row, column), counted from 0: `Sheet1!C7`."""
        return f"{self.title}!{get_column_letter(column + 1)}{row + 1}"


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell with a formula whose result was never stored."""

    text: str


def read(content: bytes) -> list[Sheet]:
    """The visible sheets of a workbook; of a formula its stored result, or a `Formula` when there is none.

    Raises:
        FeedCorrupt: it is no .xlsx workbook, damaged, locked by a password, or of absurd size.
    """
    values, formulas = books(content)
    try:
        return [
            Sheet(str(sheet.title), tuple(_rows(sheet, formulas[sheet.title])))
            for sheet in values.worksheets
            if sheet.sheet_state == "visible"
        ]
    except _DAMAGE as error:
        raise _damaged(error) from error


def books(content: bytes) -> tuple[Workbook, Workbook]:
    """A workbook twice: with the stored results of its formulas, and with the formulas.

    Raises:
        FeedCorrupt: it is no .xlsx workbook, damaged, locked by a password, or of absurd size.
    """
    if content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise FeedCorrupt("an old .xls file or one with a password; save it as .xlsx without password")
    try:
        _measured(content)
        values, formulas = (openpyxl.load_workbook(io.BytesIO(content), data_only=given) for given in (True, False))
        for sheet in values.worksheets:
            _bounded(sheet)
    except _DAMAGE as error:
        raise _damaged(error) from error
    return values, formulas


def _damaged(error: Exception) -> FeedCorrupt:
    return FeedCorrupt(f"no readable .xlsx workbook ({type(error).__name__}: {error}); save it again")


def _bounded(sheet: Any) -> None:
    if sheet.max_row > MAX_ROWS or sheet.max_column > MAX_COLUMNS:
        raise ValueError(f"{sheet.title} has {sheet.max_row} rows and {sheet.max_column} columns; that is too many")


def _measured(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        size = sum(part.file_size for part in packed.infolist())
    if size > MAX_BYTES:
        raise ValueError(f"it unpacks to {size} bytes, more than {MAX_BYTES} are not read")


def _rows(values: Any, formulas: Any) -> Iterator[tuple[Any, ...]]:
    for shown, written in zip(values.iter_rows(values_only=True), formulas.iter_rows(values_only=True), strict=True):
        yield tuple(_cell(value, formula) for value, formula in zip(shown, written, strict=True))


def _cell(value: Any, formula: Any) -> Any:
    lost = value is None and isinstance(formula, str) and formula.startswith("=")
    return Formula(formula) if lost else value


def blank(row: Sequence[Any]) -> bool:
    """Whether a row has nothing in it."""
    return all(value is None or (isinstance(value, str) and not value.strip()) for value in row)
