"""A filled form -> figures, or every problem it has with its cell; a form with a problem gives no figure at all."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from openpyxl.workbook.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from domain.errors import FeedCorrupt
from domain.forms import Form, Item
from domain.times import LOCAL
from ingest import workbook
from ingest.forms import plan
from ingest.forms.cells import judged, short
from ingest.forms.plan import CODES, COVER, DATA, FIRST, FIRST_FIELD, GUIDE, NAMES, UNITS, Zone
from ingest.forms.problems import Problem
from ingest.moments import instant

REPORTED, NOT_APPLICABLE = "reported", "not applicable"


@dataclass(frozen=True, slots=True)
class Figure:
    """One cell with content."""

    zone: str
    object: str
    item: Item
    value: float  # NaN where it does not apply
    state: str
    cell: str  # with its sheet


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says, or what is wrong with it."""

    form: Form | None
    region: str
    year: int
    document: str
    figures: tuple[Figure, ...]
    problems: tuple[Problem, ...]
    n_empty: int = 0  # required cells without a figure yet: no problem, but not complete


def read(
    content: bytes, *, forms: Mapping[str, Form], known: Mapping[str, Zone], now: datetime, year: int | None = None
) -> Reading:
    """The figures of one file, or all its problems at once.

    Args:
        content: the file as it came.
        forms: the forms there are.
        known: the district and its townships by code, the district first.
        now: no form is filled after it.
        year: the year that is collected; None takes the one on the cover.
    """
    try:
        values, formulas = workbook.books(content)
    except FeedCorrupt as error:
        return _unreadable(content, str(error))
    problems = [*_sheets(values)]
    if problems and COVER not in values.sheetnames:
        return Reading(None, "", 0, "", (), tuple(problems))
    cover = _Cover.of(values[COVER])
    form = forms.get(cover.text("form"))
    if form is None:
        problems.append(Problem("unknown_form", COVER, cover.cell("form"), {"form": cover.text("form")}))
        return Reading(None, "", 0, "", (), tuple(problems))
    problems += _cover(cover, form, known, now=now, year=year)
    stated = int(cover.number("year") or 0)
    table = _Table(form, values[DATA], formulas[DATA], known, cover.text("region")) if DATA in values else None
    if table is not None:
        problems += table.frame()
        if not any(p.kind in ("head_changed", "wrong_region", "other_version") for p in problems):
            figures, wrong, n_empty = table.content()
            if not problems and not wrong:
                return Reading(form, cover.text("region"), stated, cover.text("document"), figures, (), n_empty)
            problems += wrong
    return Reading(form, cover.text("region"), stated, cover.text("document"), (), tuple(problems))


def _unreadable(content: bytes, why: str) -> Reading:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if re.search(r"[,\t;]", text) and "\0" not in text:
            told = {"encoding": {"utf-8-sig": "UTF-8", "gb18030": "GBK"}[encoding]}
            return Reading(None, "", 0, "", (), (Problem("csv", "", "", told),))
    return Reading(None, "", 0, "", (), (Problem("not_a_workbook", "", "", {"why": why}),))


def _sheets(book: Workbook) -> Iterator[Problem]:
    for name in (COVER, DATA):
        if name not in book.sheetnames:
            yield Problem("sheet_missing", name, "", {"found": ", ".join(book.sheetnames)})
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            yield Problem("sheet_hidden", sheet.title, "")
        elif sheet.title not in (COVER, DATA, GUIDE):
            yield Problem("sheet_extra", sheet.title, "")


@dataclass(frozen=True)
class _Cover:
    """Fields of the cover by name."""

    values: Mapping[str, Any]

    @classmethod
    def of(cls, sheet: Worksheet) -> "_Cover":
        return cls({f: sheet.cell(FIRST_FIELD + n, 2).value for n, f in enumerate(plan.FIELDS)})

    def text(self, field: str) -> str:
        value = self.values[field]
        return "" if value is None else str(value).strip()

    def number(self, field: str) -> float | None:
        try:
            return float(self.text(field))
        except ValueError:
            return None

    @staticmethod
    def cell(field: str) -> str:
        return plan.address(FIRST_FIELD + plan.FIELDS.index(field), 2)


def _cover(
    cover: _Cover, form: Form, known: Mapping[str, Zone], *, now: datetime, year: int | None
) -> Iterator[Problem]:
    if cover.text("version") != form.version:
        yield Problem("other_version", COVER, cover.cell("version"), {"found": cover.text("version")})
    if cover.text("region") not in known:
        yield Problem("wrong_region", COVER, cover.cell("region"), {"found": cover.text("region")})
    stated = cover.number("year")
    if stated is None or not 1990 <= stated <= now.year or (year is not None and stated != year):
        yield Problem("wrong_year", COVER, cover.cell("year"), {"found": cover.text("year"), "year": year or "1990–"})
    for field in plan.FILLED:
        if not cover.text(field):
            yield Problem("cover_empty", COVER, cover.cell(field), {"field": field})
    if cover.text("filled_on"):
        try:
            filled = instant(cover.values["filled_on"], LOCAL)
        except ValueError:
            yield Problem("bad_date", COVER, cover.cell("filled_on"), {"found": cover.text("filled_on")})
        else:
            if filled > now:
                yield Problem("future_date", COVER, cover.cell("filled_on"), {"found": cover.text("filled_on")})


class _Table:
    """The data sheet of one file beside what it should look like."""

    def __init__(
        self, form: Form, values: Worksheet, formulas: Worksheet, known: Mapping[str, Zone], region: str
    ) -> None:
        self.form, self.values, self.formulas, self.known = form, values, formulas, known
        self.expected = plan.rows_of(form, region, known) if region in known else []
        self.codes = plan.columns(form)

    def frame(self) -> Iterator[Problem]:
        """Problems of the sheet's form: merged and hidden cells, a changed head, content where none belongs."""
        for span in self.values.merged_cells.ranges:
            if span.max_row >= CODES:
                yield Problem("merged", DATA, str(span.coord))
        for lines in (self.values.row_dimensions, self.values.column_dimensions):
            for name, line in lines.items():
                if line.hidden:
                    yield Problem("hidden", DATA, f"{name}:{name}")
        yield from self._head()
        for cells in self.values.iter_rows(min_col=len(self.codes) + 1):
            for cell in cells:
                if cell.value not in (None, ""):
                    yield Problem("outside", DATA, cell.coordinate, {"found": short(cell.value)})

    def _head(self) -> Iterator[Problem]:
        items = {item.id: item for item in self.form.items}
        for n, code in enumerate(self.codes, start=1):
            found, name, item = self._text(CODES, n), self._text(NAMES, n), items.get(code)
            if found != code or (item and item.name_zh not in name):
                told = {"found": name if found == code else found or "∅", "expected": code}
                yield Problem("head_changed", DATA, plan.address(CODES, n), told)
            elif item and self._text(UNITS, n) != plan.unit(item):
                told = {"found": self._text(UNITS, n).replace("\n", " "), "expected": item.unit_zh}
                yield Problem("wrong_unit", DATA, plan.address(UNITS, n), told)

    def content(self) -> tuple[tuple[Figure, ...], list[Problem], int]:
        """Figures, problems of cells, and how many required cells are empty."""
        figures: list[Figure] = []
        problems: list[Problem] = []
        n_empty = 0
        for row, zone, name in self._rows(problems):
            for item in self.form.items:
                column = plan.column_of(self.form, item.id)
                cell = self.values.cell(row, column)
                written = self.formulas.cell(row, column).value
                got = judged(cell, written, item)
                if isinstance(got, Problem):
                    problems.append(got)
                elif got is None:
                    n_empty += item.required
                else:
                    state = NOT_APPLICABLE if math.isnan(got) else REPORTED
                    figures.append(Figure(zone, name, item, got, state, f"{DATA}!{cell.coordinate}"))
        return tuple(figures), problems, n_empty

    def _rows(self, problems: list[Problem]) -> list[tuple[int, str, str]]:
        """(row, zone code, object name) of every row that is to be read."""
        last = max(
            (c.row for r in self.values.iter_rows(min_row=FIRST) for c in r if c.value not in (None, "")), default=0
        )
        used = [r for r in range(FIRST, last + 1) if any(self._text(r, n) for n in range(1, len(self.codes) + 1))]
        return self._objects(used, problems) if self.form.rows == "object" else self._zones(used, problems)

    def _zones(self, used: Sequence[int], problems: list[Problem]) -> list[tuple[int, str, str]]:
        wanted = {zone.code: zone for zone in self.expected}
        found: dict[str, int] = {}
        for row in used:
            code, at = self._text(row, 1), plan.address(row, 1)
            if not code:
                problems.append(Problem("row_extra", DATA, f"{row}:{row}", {"found": self._text(row, 2) or "∅"}))
            elif code not in wanted:
                problems.append(Problem("row_unknown", DATA, at, {"found": code}))
            elif code in found:
                told = {"name": wanted[code].name_zh, "other": found[code]}
                problems.append(Problem("row_twice", DATA, f"{row}:{row}", told))
            else:
                found[code] = row
                if self._text(row, 2) != wanted[code].name_zh:
                    told = {"found": self._text(row, 2), "expected": wanted[code].name_zh}
                    problems.append(Problem("name_differs", DATA, plan.address(row, 2), told))
        end = max(used, default=FIRST)
        for code, zone in wanted.items():
            if code not in found:
                problems.append(Problem("row_missing", DATA, f"A{FIRST}:A{end}", {"name": zone.name_zh, "code": code}))
        return [(row, code, "") for code, row in found.items()]

    def _objects(self, used: Sequence[int], problems: list[Problem]) -> list[tuple[int, str, str]]:
        towns = {zone.name_zh: code for code, zone in self.known.items()}
        found: dict[str, int] = {}
        out = []
        for row in used:
            name, town = self._text(row, 1), self._text(row, 2)
            if not name:
                problems.append(Problem("object_unnamed", DATA, plan.address(row, 1), {"what": self.form.object_zh}))
            elif name in found:
                told = {"name": name, "other": found[name]}
                problems.append(Problem("object_twice", DATA, plan.address(row, 1), told))
            elif town not in towns:
                problems.append(Problem("township_unknown", DATA, plan.address(row, 2), {"found": town or "∅"}))
            else:
                out.append((row, towns[town], name))
            found.setdefault(name, row)
        return out

    def _text(self, row: int, column: int) -> str:
        value = self.values.cell(row, column).value
        return "" if value is None else str(value).strip()
