"""Evaluate a file of worked examples: id, function, inputs_json, expected_json; if it has them standard, rel_tol, note.

Without `rel_tol` a number must be equal; with it, it may differ by that share.
"""

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.errors import CatalogueError
from tests.oracles.functions import FUNCTIONS

COLUMNS = ("id", "function", "inputs_json", "expected_json")
#: Below this a number counts as nought where a file allows a relative difference.
_NOUGHT = 1e-12


@dataclass(frozen=True, slots=True)
class Outcome:
    """One example: what the file expects and what came out."""

    id: str
    standard: str
    function: str
    inputs: str
    expected: Any
    got: Any  # the text of an error when our function refuses
    rel_tol: float = 0.0

    @property
    def agrees(self) -> bool:
        return same(self.expected, self.got, self.rel_tol)


def evaluate(path: Path) -> Iterator[Outcome]:
    """The outcome of every example of a file, in its order.

    Raises:
        ValueError: a column is missing or a cell holds no JSON; file and line are named.
    """
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = [c for c in COLUMNS if c not in (reader.fieldnames or [])]
        if missing:
            raise ValueError(f"{path}:1: the columns {missing} are missing")
        for row in reader:
            try:
                inputs, expected = json.loads(row["inputs_json"]), json.loads(row["expected_json"])
                rel_tol = float(row.get("rel_tol") or 0)
            except ValueError as error:
                raise ValueError(f"{path}:{reader.line_num}: {error}") from error
            got = call(row["function"], inputs)
            standard = row.get("standard") or row.get("source_note") or ""
            yield Outcome(row["id"], standard, row["function"], row["inputs_json"], expected, got, rel_tol)


def call(function: str, inputs: dict[str, Any]) -> Any:
    """The result of a named function, or the text of its refusal."""
    if function not in FUNCTIONS:
        return f"unknown function {function!r}"
    try:
        return FUNCTIONS[function](**inputs)
    except (KeyError, ValueError, TypeError, IndexError, CatalogueError) as error:
        return f"{type(error).__name__}: {error}"


def same(expected: Any, got: Any, rel_tol: float = 0.0) -> bool:
    """Equal as JSON: the same keys, items and types of value; a number equals itself however it is written."""
    if isinstance(expected, dict):
        return (
            isinstance(got, dict)
            and expected.keys() == got.keys()
            and all(same(x, got[k], rel_tol) for k, x in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(got, list)
            and len(expected) == len(got)
            and all(same(x, y, rel_tol) for x, y in zip(expected, got, strict=True))
        )
    if isinstance(expected, bool) or isinstance(got, bool) or expected is None:
        return expected is got
    if rel_tol and isinstance(expected, int | float) and isinstance(got, int | float):
        return math.isclose(expected, got, rel_tol=rel_tol, abs_tol=_NOUGHT)
    return bool(expected == got)
