"""Laboratory spreadsheets (.xlsx): one row a sample, one column an item, wherever the row of headings stands.

Headings stand in one row or in two with merged cells (`检测项目` over the items) and are recognised by the table
lab_headings. The unit is what stands in brackets behind the heading, else in a row of units below it, else behind the
heading over it, else in a line `单位: mg/kg` above. A column without a unit that can be converted is refused and never
guessed. Non-detects: `<0.01`, `0.01L` and `未检出(0.01)` give the detection limit with source flag L; `ND` and `未检出`
alone give no value, flag 9, source flag ND. Every message names the sheet and the cell.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from domain.catalogue import TABLES_DIR, convert, convertible, parameters, read_table
from domain.errors import CatalogueError, FeedCorrupt
from domain.records import Flag, Reason, Rejection
from domain.registry import Registry
from domain.times import DAY, LOCAL, day_start
from ingest import workbook
from ingest.decoded import Context, Decoded
from ingest.feeds import Strict
from ingest.moments import instant
from ingest.reports import text
from ingest.workbook import Formula, Sheet

MEDIUM = "soil"
_ROWS_ABOVE = 30
_FIELDS = ("station", "station_name", "sample", "date")
_BRACKETED = re.compile(r"(.*?)[/,，]?[(（\[【]([^()（）\[\]【】]*)[)）\]】]", re.DOTALL)
_UNIT_ABOVE = re.compile(r"单位\s*[:：]\s*(\S+)")
_DATE_ABOVE = re.compile(r"采样(?:日期|时间)\s*[:：]\s*(\S.*)")
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_PLAIN = re.compile(_NUMBER, re.ASCII)
_BELOW = re.compile(rf"[<＜≤]\s*({_NUMBER})|({_NUMBER})\s*[Ll]", re.ASCII)
_NOT_DETECTED = re.compile(rf"(?:ND|N\.D\.?|未检出|低于检出限)\s*(?:[(（]\s*[<＜]?\s*({_NUMBER})\s*[)）])?", re.ASCII)
_NOT_MEASURED = frozenset({"", "/", "-", "--", "—", "——", "未测"})


class Options(Strict):
    """What the sheets leave unsaid."""

    zone: str = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of an item."""

    at: int
    parameter: str
    spelling: str  # of its unit, as written


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things are in one sheet."""

    fields: Mapping[str, int]  # our field -> column
    columns: tuple[_Column, ...]
    first: int  # first row of samples
    date: str  # above the headings, "" when the rows have it


def decode(payload: bytes, context: Context) -> Decoded:
    """The soil observations of every sheet that has a row of known headings.

    A file that is no workbook, or without such a sheet, is one `bad_document`; a column with a wrong unit, a row of an
    unknown point or an unreadable cell is refused by itself.
    """
    if not payload:
        return _refused(payload, context, Reason.EMPTY, "the file is empty; ask the laboratory to send it again")
    try:
        sheets = [sheet for sheet in workbook.read(payload) if not all(map(workbook.blank, sheet.rows))]
    except FeedCorrupt as error:
        return _refused(payload, context, Reason.BAD_DOCUMENT, str(error))
    reader = _Reader(context, ZoneInfo(Options(**context.options).zone), len(payload))
    laid_out = [(sheet, header) for sheet in sheets if (header := _header(sheet)) is not None]
    if not laid_out:
        what = f"no sheet has headings of a point and an item in its first {_ROWS_ABOVE} rows; see lab_headings.csv"
        return _refused(payload, context, Reason.BAD_DOCUMENT, what)
    for sheet, header in laid_out:
        reader.sheet(sheet, header)
    return Decoded.of(
        observations=reader.rows,
        rejections=reader.rejections,
        n_records=len(reader.rows) + len(reader.rejections),
    )


@cache
def headings() -> Mapping[str, tuple[str, str]]:
    """Heading (plain) -> (kind, meaning): a field of the sample or a parameter.

    Raises:
        CatalogueError: the table is not as it must be, or names an unknown parameter or field.
    """
    path = TABLES_DIR / "lab_headings.csv"
    frame = read_table(path, columns=["heading", "meaning", "kind"], key=["heading"])
    known = {"parameter": set(parameters().index), "field": set(_FIELDS)}
    problems = [
        f"{path.name}:{row.line}: {row.kind} {row.meaning!r} is not known"
        for row in frame.itertuples()
        if row.meaning not in known.get(str(row.kind), set())
    ]
    if problems:
        raise CatalogueError(problems)
    return {_plain(str(row.heading)): (str(row.kind), str(row.meaning)) for row in frame.itertuples()}


class _Reader:
    """Collects the rows and rejections of one workbook."""

    def __init__(self, context: Context, zone: ZoneInfo, size: int) -> None:
        self.context, self.zone, self.size = context, zone, size
        self.rows: list[dict[str, Any]] = []
        self.rejections: list[Rejection] = []

    def refuse(self, reason: Reason, where: str, what: str) -> None:
        self.rejections.append(self.context.reject(reason, f"cell {where}: {what}", length=self.size))

    def sheet(self, sheet: Sheet, header: tuple[int, int]) -> None:
        layout = self._layout(sheet, header)
        for number in range(layout.first, len(sheet.rows)):
            row = sheet.rows[number]
            # Notes and signatures below the table have neither a value nor a point.
            if any(_told(row[c.at]) for c in layout.columns) and _ids(row, layout):
                self._sample(sheet, layout, number)

    def _layout(self, sheet: Sheet, header: tuple[int, int]) -> _Layout:
        top, bottom = header
        over = _forward(sheet.rows[top]) if top < bottom else [("", "")] * len(sheet.rows[bottom])
        names = _names_of(sheet, header)
        known = headings()
        fields = {known[n][1]: i for i, (n, _) in reversed(list(enumerate(names))) if known.get(n, ("",))[0] == "field"}
        below = _unit_row(sheet, bottom, fields)
        above = " ".join(text(cell) for row in sheet.rows[:top] for cell in row)
        general = _UNIT_ABOVE.search(above)
        columns = []
        for at, (name, unit) in enumerate(names):
            under = text(sheet.rows[below][at]) if below is not None else ""
            spelling = unit or under or over[at][1] or (general[1] if general else "")
            column = self._column(sheet.address(bottom, at), at, name, spelling)
            columns += [column] if column else []
        date = _DATE_ABOVE.search(above)
        return _Layout(fields, tuple(columns), (bottom if below is None else below) + 1, date[1] if date else "")

    def _column(self, where: str, at: int, name: str, spelling: str) -> _Column | None:
        kind, meaning = headings().get(name, ("", ""))
        if kind == "parameter":
            canonical = str(parameters().loc[meaning, "unit"])
            spelling = "" if canonical == "1" and spelling in {"mg/kg", "g/kg"} else spelling  # a unit for all, but pH
            if convertible(spelling, canonical):
                return _Column(at, meaning, spelling)
            said = f"unit {spelling!r}" if spelling else "no unit"
            self.refuse(Reason.WRONG_UNIT, where, f"{meaning} has {said}, {canonical} is needed; correct the heading")
        elif kind == "" and any(convertible(spelling, unit) for unit in ("mg/kg", "g/kg")) and name:
            self.refuse(
                Reason.UNKNOWN_CODE, where, f"item {name!r} is not known; add it to domain/tables/lab_headings.csv"
            )
        return None

    def _sample(self, sheet: Sheet, layout: _Layout, number: int) -> None:
        row = sheet.rows[number]
        ids = _ids(row, layout)
        station = next((s for s in (_station(name, self.context.registry) for name in ids.values()) if s), None)
        if station is None or station["medium"] != MEDIUM:
            what = f"{', '.join(ids.values())!r} is no soil point of the registry; add it to stations.csv or correct it"
            self.refuse(Reason.UNKNOWN_STATION, sheet.address(number, min(layout.fields[f] for f in ids)), what)
            return
        time = self._time(sheet, layout, number)
        if time is not None:
            for column in layout.columns:
                self._value(sheet.address(number, column.at), row[column.at], column, str(station["station_id"]), time)

    def _time(self, sheet: Sheet, layout: _Layout, number: int) -> datetime | None:
        """The start of the Shanghai day of sampling."""
        at = layout.fields.get("date")
        cell = sheet.rows[number][at] if at is not None else layout.date
        where = sheet.address(number, at if at is not None else min(layout.fields.values()))
        if not _told(cell):
            self.refuse(Reason.MISSING_FIELD, where, "the sample has no sampling date; fill it in")
            return None
        try:
            day = instant(cell, self.zone).astimezone(LOCAL).date()
        except ValueError as error:
            self.refuse(Reason.BAD_TIME, where, f"the sampling date {error}; write it as 2026-08-19")
            return None
        if day_start(day) >= self.context.until:
            until = self.context.until.astimezone(LOCAL).date().isoformat()
            self.refuse(
                Reason.FUTURE_TIME, where, f"sampled on {day.isoformat()}, but received before {until}; correct it"
            )
            return None
        return day_start(day)

    def _value(self, where: str, cell: Any, column: _Column, station: str, time: datetime) -> None:
        if not _told(cell):
            return
        try:
            value, flag, mark = measured(cell)
        except ValueError as error:
            self.refuse(Reason.BAD_VALUE, where, f"{column.parameter}: {error}; correct it")
            return
        unit = str(parameters().loc[column.parameter, "unit"])
        self.rows.append(
            {
                "medium": MEDIUM,
                "station_id": station,
                "parameter": column.parameter,
                "time": time,
                "period": DAY,
                "value": float(convert(np.array([value]), column.spelling, unit)[0]),
                "unit": unit,
                "flag": int(flag),
                "source_flag": mark,
                "feed": self.context.feed,
                "received_at": self.context.received_at,
            }
        )


def measured(cell: object) -> tuple[float, Flag, str]:
    """A cell as (value in the column's unit, flag, the laboratory's mark).

    Raises:
        ValueError: it is neither a number nor a non-detect, or negative.
    """
    if isinstance(cell, Formula):
        raise ValueError(
            f"formula {cell.text[:40]!r} has no stored result, open and save the file in a spreadsheet program"
        )
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _positive(float(cell), str(cell)), Flag.NOT_EVALUATED, ""
    said = text(cell)
    if _PLAIN.fullmatch(said):
        return _positive(float(said), said), Flag.NOT_EVALUATED, ""
    below = _BELOW.fullmatch(said)
    absent = _NOT_DETECTED.fullmatch(said)
    limit = (below[1] or below[2]) if below else absent[1] if absent else None
    if limit:
        return _positive(float(limit), said), Flag.NOT_EVALUATED, "L"
    if absent:
        return math.nan, Flag.MISSING, "ND"
    raise ValueError(f"{said[:40]!r} is no value")


def _positive(value: float, said: str) -> float:
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{said[:40]!r} is no content")
    return value


def _header(sheet: Sheet) -> tuple[int, int] | None:
    """The first row, alone or with the one above it, that names a point and an item."""
    known = headings()
    for bottom in range(min(_ROWS_ABOVE, len(sheet.rows))):
        for top in (bottom, max(bottom - 1, 0)):
            kinds = {known.get(name, ("", "")) for name, _ in _names_of(sheet, (top, bottom))}
            point = any(kind == "field" and meaning != "date" for kind, meaning in kinds)
            if point and any(kind == "parameter" for kind, _ in kinds):
                return top, bottom
    return None


def _names_of(sheet: Sheet, header: tuple[int, int]) -> list[tuple[str, str]]:
    """Name and unit of each column: the lower cell where it says something, else the upper one."""
    pairs = zip(sheet.rows[header[0]], sheet.rows[header[1]], strict=True)
    return [_heading(lower if text(lower) else upper) for upper, lower in pairs]


def _forward(row: Sequence[Any]) -> list[tuple[str, str]]:
    """The headings of a row with merged cells: of a merged cell only the first holds the text."""
    found, last = [], ("", "")
    for cell in row:
        last = _heading(cell) if text(cell) else last
        found.append(last)
    return found


def _heading(cell: object) -> tuple[str, str]:
    """A heading as (plain name, unit in brackets or ""): `镉 (mg/kg)`, `镉/（mg/kg）`, `pH`, `Cd mg/kg`."""
    said = text(cell)
    bracketed = _BRACKETED.fullmatch(said)
    if bracketed:
        return _plain(bracketed[1]), bracketed[2].strip()
    name, _, unit = said.rpartition(" ")
    if name and convertible(unit.strip(), "mg/kg"):
        return _plain(name), unit.strip()
    return _plain(said), ""


def _plain(name: str) -> str:
    return re.sub(r"\s+", "", name).casefold()


def _unit_row(sheet: Sheet, header: int, fields: Mapping[str, int]) -> int | None:
    """The row below the headings when it names units and no sample."""
    if header + 1 >= len(sheet.rows):
        return None
    row = sheet.rows[header + 1]
    units = [text(cell) for at, cell in enumerate(row) if at not in fields.values()]
    named = any(convertible(u, "mg/kg") or convertible(u, "g/kg") for u in units if u)
    return header + 1 if named and not any(_told(row[at]) for at in fields.values()) else None


def _ids(row: Sequence[Any], layout: _Layout) -> dict[str, str]:
    """What the row says of its point, best first."""
    found = {f: text(row[layout.fields[f]]) for f in _FIELDS[:3] if f in layout.fields}
    return {field: name for field, name in found.items() if name}


def _told(cell: object) -> bool:
    return not (cell is None or (isinstance(cell, str) and cell.strip() in _NOT_MEASURED))


def _station(name: str, registry: Registry) -> dict[str, Any] | None:
    """A point by its id or its Chinese name, with or without the remark in brackets."""
    plain = _plain(name)
    return next((row for key, row in _names(registry) if key == plain), None)


def _names(registry: Registry) -> Iterator[tuple[str, dict[str, Any]]]:
    for row in registry.by_id.values():
        yield _plain(str(row["station_id"])), row
        yield _plain(str(row["name_zh"])), row
        yield _plain(re.split(r"[(（]", str(row["name_zh"]))[0]), row


def _refused(payload: bytes, context: Context, reason: Reason, detail: str) -> Decoded:
    return Decoded.of(rejections=[context.reject(reason, detail, length=len(payload))], n_records=1)
