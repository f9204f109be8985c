"""What one cell of a form says: a number, that there is no such thing, nothing, or something wrong."""

import math
import re
import unicodedata
from datetime import date
from typing import Any

from domain.forms import Item
from ingest.forms.plan import DATA, NOT_APPLICABLE
from ingest.forms.problems import Problem

_NUMBER = re.compile(r"[+-]?(\d{1,3}([,，]\d{3})+|\d+)(\.\d+)?", re.ASCII)
_WITH_UNIT = re.compile(r"([+-]?[\d,.]+)\s*([^\d\s,.].*)", re.ASCII)
_ERRORS = ("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!")


def judged(cell: Any, written: object, item: Item) -> float | Problem | None:
    """The number in a cell, NaN for "not applicable", None for an empty one, or what is wrong with it.

    Args:
        cell: an openpyxl cell with the stored value.
        written: the same cell's content as typed, a formula where there is one.
        item: what the column asks for.
    """
    value = unicodedata.normalize("NFKC", cell.value).strip() if isinstance(cell.value, str) else cell.value
    if value is None or value == "":
        lost = isinstance(written, str) and written.startswith("=")
        return Problem("formula_unknown", DATA, cell.coordinate, {"found": short(written)}) if lost else None
    if isinstance(value, str):
        return math.nan if value.upper() in NOT_APPLICABLE else _worded(cell, value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        kind = "a_date" if isinstance(value, date) else "not_a_number"
        return Problem(kind, DATA, cell.coordinate, {"found": short(value)})
    if "%" in str(cell.number_format):
        return Problem("percent", DATA, cell.coordinate, {"found": f"{value:.6g}", "unit": item.unit_zh})
    return _within(cell, float(value), item)


def _worded(cell: Any, text: str) -> Problem:
    """Why a text is no figure."""
    if text in _ERRORS:
        kind = "formula_error"
    elif _NUMBER.fullmatch(text):
        kind = "number_as_text"
    else:
        kind = "number_with_unit" if _WITH_UNIT.fullmatch(text) else "not_a_number"
    return Problem(kind, DATA, cell.coordinate, {"found": short(text)})


def _within(cell: Any, value: float, item: Item) -> float | Problem:
    if not item.low <= value <= item.high:
        told = {"found": f"{value:.12g}", "low": f"{item.low:.12g}", "high": f"{item.high:.12g}", "unit": item.unit_zh}
        return Problem("out_of_range", DATA, cell.coordinate, told)
    if item.kind == "count" and value != math.floor(value):
        return Problem("not_whole", DATA, cell.coordinate, {"found": f"{value:.12g}"})
    return value


def short(value: object) -> str:
    """Content of a cell for a message, at most 40 characters."""
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"
