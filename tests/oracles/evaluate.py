"""Evaluate a file of worked examples: id, standard, function, inputs_json, expected_json, note."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.oracles.functions import FUNCTIONS

COLUMNS = ("id", "standard", "function", "inputs_json", "expected_json", "note")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One example: what the file expects and what came out."""

    id: str
    standard: str
    function: str
    inputs: str
    expected: Any
    got: Any  # the text of an error when our function refuses

    @property
    def agrees(self) -> bool:
        return same(self.expected, self.got)


def evaluate(path: Path) -> Iterator[Outcome]:
    """The outcome of every example of a file, in its order.

    Raises:
        ValueError: a column is missing or a cell holds no JSON; file and line are named.
    """
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = [c for c in COLUMNS[:-1] if c not in (reader.fieldnames or [])]
        if missing:
            raise ValueError(f"{path}:1: the columns {missing} are missing")
        for row in reader:
            try:
                inputs, expected = json.loads(row["inputs_json"]), json.loads(row["expected_json"])
            except json.JSONDecodeError as error:
                raise ValueError(f"{path}:{reader.line_num}: {error}") from error
            got = call(row["function"], inputs)
            yield Outcome(row["id"], row["standard"], row["function"], row["inputs_json"], expected, got)


def call(function: str, inputs: dict[str, Any]) -> Any:
    """The result of a named function, or the text of its refusal."""
    if function not in FUNCTIONS:
        return f"unknown function {function!r}"
    try:
        return FUNCTIONS[function](**inputs)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        return f"{type(error).__name__}: {error}"


def same(expected: Any, got: Any) -> bool:
    """Equal as JSON: the same keys, items and types of value; a number equals itself however it is written."""
    if isinstance(expected, dict):
        return (
            isinstance(got, dict)
            and expected.keys() == got.keys()
            and all(same(x, got[k]) for k, x in expected.items())
        )
    if isinstance(expected, list):
        return isinstance(got, list) and len(expected) == len(got) and all(map(same, expected, got))
    if isinstance(expected, bool) or isinstance(got, bool) or expected is None:
        return expected is got
    return bool(expected == got)
