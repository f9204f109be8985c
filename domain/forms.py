"""The forms that departments fill for a GEP account: what is asked of whom, as rows of three tables.

| table | a row is |
|---|---|
| gep_departments.csv | a department and the day (of the year after) until which it delivers |
| gep_forms.csv | a form: one department, one row per township, per district or per object (reservoir, site, station) |
| gep_form_items.csv | a column of a form: unit, range, whether it must be filled, an example |
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal, cast, get_args

from domain.catalogue import TABLES_DIR, read_table
from domain.errors import CatalogueError

Rows = Literal["township", "district", "object"]
Kind = Literal["number", "count"]

_FORM = "form department rows object_zh object_en name_zh name_en needed_for"
_ITEM = "form item name_zh name_en unit unit_zh kind min max required example definition_zh definition_en"


@dataclass(frozen=True, slots=True)
class Item:
    """One column of a form."""

    id: str
    name_zh: str
    name_en: str
    unit: str
    unit_zh: str
    kind: Kind
    low: float
    high: float
    required: bool
    example: str
    definition_zh: str
    definition_en: str


@dataclass(frozen=True, slots=True)
class Form:
    """One form: what one department is asked."""

    id: str
    department: str
    department_zh: str
    department_en: str
    due: str  # month and day of the year after, MM-DD
    rows: Rows
    object_zh: str
    object_en: str
    name_zh: str
    name_en: str
    needed_for: str
    items: tuple[Item, ...]

    def due_on(self, year: int) -> date:
        """The day until which the figures of a year are due."""
        return date.fromisoformat(f"{year + 1}-{self.due}")

    @property
    def version(self) -> str:
        """Short digest of what is asked: a filled form of another version is not read."""
        asked = [(i.id, i.unit, i.kind, i.low, i.high, i.required) for i in self.items]
        return hashlib.sha256(repr((self.id, self.rows, asked)).encode()).hexdigest()[:8]


@cache
def forms() -> Mapping[str, Form]:
    """All forms by id, in the order of the table.

    Raises:
        CatalogueError: a table is not as it must be; every problem at once.
    """
    departments = _indexed("gep_departments", "department name_zh name_en due source confidence", "department")
    heads = read_table(
        TABLES_DIR / "gep_forms.csv",
        columns=[*_FORM.split(), "source", "confidence"],
        key=["form"],
    )
    rows = read_table(
        TABLES_DIR / "gep_form_items.csv",
        columns=[*_ITEM.split(), "source", "confidence"],
        key=["item"],
    )
    problems = [
        f"gep_forms.csv:{r['line']}: {r['form']}: unknown department {r['department']!r}"
        for r in heads.to_dict("records")
        if r["department"] not in departments
    ]
    problems += [
        f"gep_forms.csv:{r['line']}: {r['form']}: rows {r['rows']!r}"
        for r in heads.to_dict("records")
        if r["rows"] not in get_args(Rows)
    ]
    problems += [p for r in rows.to_dict("records") for p in _problems(r, set(heads["form"]))]
    if problems:
        raise CatalogueError(problems)
    items: dict[str, list[Item]] = {form: [] for form in heads["form"]}
    for row in rows.to_dict("records"):
        items[row["form"]].append(_item(row))
    return {
        str(r["form"]): Form(
            id=str(r["form"]),
            department=str(r["department"]),
            department_zh=departments[r["department"]]["name_zh"],
            department_en=departments[r["department"]]["name_en"],
            due=departments[r["department"]]["due"],
            rows=cast("Rows", r["rows"]),
            object_zh=str(r["object_zh"]),
            object_en=str(r["object_en"]),
            name_zh=str(r["name_zh"]),
            name_en=str(r["name_en"]),
            needed_for=str(r["needed_for"]),
            items=tuple(items[r["form"]]),
        )
        for r in heads.to_dict("records")
    }


def _indexed(name: str, columns: str, key: str) -> dict[str, dict[str, str]]:
    frame = read_table(TABLES_DIR / f"{name}.csv", columns=columns.split(), key=[key])
    return {str(r[key]): {str(k): str(v) for k, v in r.items()} for r in frame.to_dict("records")}


def _problems(row: dict[str, str], known: set[str]) -> list[str]:
    where = f"gep_form_items.csv:{row['line']}: {row['item']}"
    found = [] if row["form"] in known else [f"{where}: unknown form {row['form']!r}"]
    if row["kind"] not in get_args(Kind):
        found.append(f"{where}: kind {row['kind']!r}")
    if row["required"] not in ("yes", "no"):
        found.append(f"{where}: required {row['required']!r}; yes or no")
    numbers = [_number(row[name]) for name in ("min", "max", "example")]
    if any(math.isnan(n) for n in numbers):
        found.append(f"{where}: min, max and example must be numbers")
    elif not numbers[0] <= numbers[2] <= numbers[1]:
        found.append(f"{where}: the example lies outside min to max")
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _item(row: dict[str, str]) -> Item:
    return Item(
        id=row["item"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        unit=row["unit"],
        unit_zh=row["unit_zh"],
        kind=cast("Kind", row["kind"]),
        low=float(row["min"]),
        high=float(row["max"]),
        required=row["required"] == "yes",
        example=row["example"],
        definition_zh=row["definition_zh"],
        definition_en=row["definition_en"],
    )
