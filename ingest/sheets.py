"""Delimited text, spreadsheets and XML as the same thing: a sheet of named columns with the line of every row.

Delimited text is read by Arrow straight into numbers. Only when a cell will not become a number are the columns read
as text, and then each cell is judged by itself.
"""

import csv
import io
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from lxml import etree

from domain.errors import FeedCorrupt
from domain.records import Reason
from ingest import workbook
from ingest.layouts import Cells, Layout

#: What one column holds before it is anything else.
Kind = Literal["number", "word"]
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
#: A compressed file may claim any size; four years of hours of one station are 3 MB.
MAX_BYTES = 2_000_000_000


class MissingColumn(FeedCorrupt):
    """A sheet lacks a column its layout needs."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in a sheet that is no record."""

    reason: Reason
    line: int
    detail: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows of named cells. Columns are float64 (already read, NaN where absent) or text."""

    columns: Mapping[str, pa.Array]
    lines: np.ndarray  # (rows,) where each row stands in the file
    faults: tuple[Fault, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)

    def text(self, name: str) -> pa.Array:
        """A column as trimmed text, "" where there is none."""
        return pc.fill_null(pc.utf8_trim_whitespace(self.columns[name].cast(pa.string())), "")


@dataclass(frozen=True, slots=True)
class Numbers:
    """One column of cells as numbers."""

    values: np.ndarray  # (rows,) float64
    unmeasured: np.ndarray | None  # (rows,) bool: nothing was to be measured; None: nowhere
    bad: np.ndarray  # positions whose text is neither a number nor a word for no value


def unpacked(payload: bytes, layout: Layout) -> bytes:
    """The payload without gzip.

    Raises:
        FeedCorrupt: it ends early or grows beyond all measure.
    """
    if layout.compression == "none" or payload[:2] != b"\x1f\x8b":
        return payload
    parts, rest, room = [], payload, MAX_BYTES
    while rest:
        member = zlib.decompressobj(wbits=31)
        try:
            parts.append(member.decompress(rest, room + 1))
        except zlib.error as error:
            raise FeedCorrupt(f"gzip cannot be undone ({error}); fetch the file again") from error
        room -= len(parts[-1])
        if room < 0:
            raise FeedCorrupt(f"gzip grows beyond {MAX_BYTES} bytes; split the file")
        if not member.eof:
            raise FeedCorrupt("gzip cannot be undone (it ends early); fetch the file again")
        rest = member.unused_data.lstrip(b"\0")
    return b"".join(parts)


def read_sheet(plain: bytes, layout: Layout, kinds: Mapping[str, Kind], *, rest: Kind | None = None) -> Sheet:
    """The named columns of a csv, xlsx or xml file.

    Args:
        plain: the file's bytes, unpacked.
        layout: how it is written.
        kinds: the columns wanted, and whether they are numbers.
        rest: what every other column is; None leaves them out.

    Raises:
        FeedCorrupt: the file cannot be read at all, or lacks a column.
    """
    if layout.format == "xml":
        return _complete(_xml(plain, layout.cells, kinds), kinds)
    if layout.format == "xlsx":
        return _complete(_xlsx(plain, layout.cells), kinds)
    return _csv(plain, layout, kinds, rest)


def numbers(cells: pa.Array, spec: Cells, words: Mapping[str, float]) -> Numbers:
    """Cells as numbers: words first (compass points, for example), then marks of absence, then figures."""
    if pa.types.is_floating(cells.type):
        values = cells.to_numpy(zero_copy_only=False)
        return Numbers(values, None, np.flatnonzero(np.isinf(values)))
    text = pc.fill_null(pc.utf8_trim_whitespace(cells.cast(pa.string())), "")
    if not words:
        return _figures(text, spec)
    # words repeat: each is read once
    coded = text.dictionary_encode()
    told, code = coded.dictionary.to_pylist(), coded.indices.to_numpy(zero_copy_only=False)
    figures = _figures(coded.dictionary, spec)
    named = np.array([word in words for word in told], dtype=bool)
    values = np.where(named, [words.get(word, np.nan) for word in told], figures.values) if told else figures.values
    bad = np.zeros(len(told), dtype=bool)
    bad[figures.bad] = True
    none = figures.unmeasured
    return Numbers(
        np.asarray(values, dtype=float)[code],
        None if none is None else (none & ~named)[code],
        np.flatnonzero((bad & ~named)[code]),
    )


def _figures(text: pa.Array, spec: Cells) -> Numbers:
    figure = pc.match_substring_regex(text, _NUMBER)
    values = pc.if_else(figure, text, None).cast(pa.float64()).to_numpy(zero_copy_only=False).copy()
    known = figure.to_numpy(zero_copy_only=False) & np.isfinite(values)
    values[~known] = np.nan
    unmeasured = _isin(text, spec.marks("not_measured"))
    known |= unmeasured | _isin(text, ["", *spec.marks("missing")])
    return Numbers(values, unmeasured if unmeasured.any() else None, np.flatnonzero(~known))


def _isin(text: pa.Array, words: Sequence[str]) -> np.ndarray:
    return np.asarray(pc.is_in(text, value_set=pa.array(words, pa.string())).to_numpy(zero_copy_only=False))


# --- delimited text ---------------------------------------------------------------------------------------------------


def _csv(plain: bytes, layout: Layout, kinds: Mapping[str, Kind], rest: Kind | None) -> Sheet:
    """Text in any encoding; bytes that are none become U+FFFD, and their rows faults."""
    spec = layout.cells
    text, strange = _as_utf8(plain, layout.encoding)
    above = _lines_above(text, spec)
    header = _header(text, layout, above)
    _require(header, kinds)
    wanted = list(header) if rest else [c for c in header if c in kinds]
    direct = {c: pa.float64() if kinds.get(c, rest) == "number" else pa.string() for c in wanted}
    faults: list[Fault] = []
    try:
        if strange or "not_measured" in spec.absent.values():
            raise pa.ArrowInvalid  # Arrow knows one kind of absence, and a number is no place for U+FFFD
        table = _arrow(text, layout, above, direct, faults)
    except pa.ArrowInvalid:
        faults.clear()
        try:
            table = _arrow(text, layout, above, dict.fromkeys(wanted, pa.string()), faults)
        except pa.ArrowInvalid as error:
            raise FeedCorrupt(f"no delimited text ({error}); see the layout's delimiter and quote") from error
    record = np.ones(table.num_rows + len(faults), dtype=bool)
    record[[f.line for f in faults]] = False
    lines = _record_lines(text, layout, above + 1, len(record))
    told = tuple(Fault(f.reason, int(lines[f.line]), f.detail) for f in faults)
    sheet = Sheet({name: table[name].combine_chunks() for name in wanted}, lines[record], told)
    return _without_strange(sheet, layout.encoding) if strange else sheet


def _as_utf8(plain: bytes, encoding: str) -> tuple[bytes, bool]:
    """The text in UTF-8, and whether some bytes are none in the encoding it should have."""
    try:
        text = plain.decode(encoding)
    except UnicodeDecodeError:
        return plain.decode(encoding, "replace").encode(), True
    return (plain if encoding == "utf-8" else text.encode()), False


def _without_strange(sheet: Sheet, encoding: str) -> Sheet:
    strange = np.zeros(len(sheet), dtype=bool)
    for column in sheet.columns.values():
        strange |= pc.match_substring(column, "\ufffd").to_numpy(zero_copy_only=False)
    faults = [
        Fault(
            Reason.BAD_GRAMMAR, int(n), f"bytes that are no {encoding}; repair the line, or see the layout's encoding"
        )
        for n in sheet.lines[strange]
    ]
    keep = pa.array(~strange)
    columns = {name: column.filter(keep) for name, column in sheet.columns.items()}
    return Sheet(columns, sheet.lines[~strange], (*sheet.faults, *faults))


def _lines_above(plain: bytes, spec: Cells) -> int:
    """Lines before the line of column names: comments, then `skip_rows`."""
    if not spec.comment:
        return spec.skip_rows
    mark, count = spec.comment.encode(), 0
    for line in io.BytesIO(plain):
        if not line.startswith(mark):
            break
        count += 1
    return count + spec.skip_rows


def _header(plain: bytes, layout: Layout, above: int) -> list[str]:
    stream = io.BytesIO(plain)
    for _ in range(above):
        stream.readline()
    line = stream.readline().decode("utf-8-sig")
    if "\ufffd" in line:
        raise FeedCorrupt(f"line {above + 1}: bytes that are no {layout.encoding}; see the layout's encoding")
    try:
        cells = next(csv.reader([line.rstrip("\r\n")], **_dialect(layout)), [])
    except csv.Error as error:
        raise FeedCorrupt(f"line {above + 1}: no line of column names ({error}); see the layout's cells") from error
    return [c.strip() for c in cells]


def _dialect(layout: Layout) -> dict[str, Any]:
    quoting = csv.QUOTE_MINIMAL if layout.cells.quote else csv.QUOTE_NONE
    return {"delimiter": layout.cells.delimiter, "quotechar": layout.cells.quote or None, "quoting": quoting}


def _arrow(plain: bytes, layout: Layout, above: int, types: Mapping[str, pa.DataType], faults: list[Fault]) -> pa.Table:
    spec = layout.cells
    header = _header(plain, layout, above)

    def spoiled(row: pa.csv.InvalidRow) -> str:
        said = f"{row.actual_columns} cells where the header has {row.expected_columns}; repair or remove the line"
        faults.append(Fault(Reason.BAD_GRAMMAR, int(row.number) - above - 2, said))  # the line follows: _record_lines
        return "skip"

    absent = ["", " ", *spec.absent]
    return pa.csv.read_csv(
        pa.BufferReader(plain),
        # one thread: only so are the numbers of bad rows known; files are read side by side instead
        pa.csv.ReadOptions(use_threads=False, skip_rows=above + 1, column_names=header, block_size=1 << 22),
        pa.csv.ParseOptions(
            delimiter=spec.delimiter,
            quote_char=spec.quote or False,
            newlines_in_values=True,
            invalid_row_handler=spoiled,
        ),
        pa.csv.ConvertOptions(
            column_types=dict(types), include_columns=list(types), null_values=absent, strings_can_be_null=False
        ),
    )


def _record_lines(plain: bytes, layout: Layout, above: int, n: int) -> np.ndarray:
    """The line on which each of the `n` records below the first `above` lines begins."""
    below = plain.count(b"\n") - above + (not plain.endswith(b"\n"))
    if below == n:
        return np.arange(above + 1, above + 1 + n)
    # blank lines, or line ends inside quotes: walk
    stream = io.BytesIO(plain)
    for _ in range(above):
        stream.readline()
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    reader = csv.reader(text, **_dialect(layout))
    lines, last = [], above
    try:
        for cells in reader:
            if cells:
                lines.append(last + 1)
            last = above + reader.line_num
    except csv.Error as error:
        raise FeedCorrupt(f"line {last + 1}: no delimited text ({error}); see the layout's cells") from error
    return np.array(lines[:n] + [last] * (n - len(lines)), dtype=np.int64)


# --- XML and spreadsheets ---------------------------------------------------------------------------------------------


def _xml(plain: bytes, spec: Cells, kinds: Mapping[str, Kind]) -> Sheet:
    for name, text in spec.entities.items():
        plain = plain.replace(f"&{name};".encode(), text.encode())
    # no entity is ever fetched or expanded: a payload from outside must not read files or grow
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(plain, parser)
    except etree.XMLSyntaxError as error:
        raise FeedCorrupt(f"no XML ({error}); entities of the file belong in the layout's cells.entities") from error
    records = list(root.iter(f"{{*}}{spec.record}"))
    if not records:
        raise FeedCorrupt(f"no element {spec.record!r} in it; see the layout's cells.record")
    rows = [{etree.QName(c).localname: c.text or "" for c in r.iterchildren(etree.Element)} for r in records]
    columns = {name: pa.array([row.get(name, "") for row in rows], pa.string()) for name in kinds if name in rows[0]}
    return Sheet(columns, np.array([r.sourceline for r in records], dtype=np.int64))


def _xlsx(plain: bytes, spec: Cells) -> Sheet:
    sheets = workbook.read(plain)
    sheet = next((s for s in sheets if s.title == spec.sheet or not spec.sheet), None)
    if sheet is None or len(sheet.rows) <= spec.skip_rows:
        raise FeedCorrupt(f"no sheet {spec.sheet!r} with more than {spec.skip_rows} rows; see the layout's cells")
    header = [_cell(c) for c in sheet.rows[spec.skip_rows]]
    body = [(n, [_cell(c) for c in row]) for n, row in enumerate(sheet.rows[spec.skip_rows + 1 :], spec.skip_rows + 2)]
    body = [(n, row) for n, row in body if any(row)]
    columns = {name: pa.array([row[i] for _, row in body], pa.string()) for i, name in enumerate(header) if name}
    return Sheet(columns, np.array([n for n, _ in body], dtype=np.int64))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.text if isinstance(value, workbook.Formula) else str(value).strip()


def _complete(sheet: Sheet, kinds: Mapping[str, Kind]) -> Sheet:
    _require(list(sheet.columns), kinds)
    return sheet


def _require(header: list[str], kinds: Mapping[str, Kind]) -> None:
    twice = [c for c in kinds if header.count(c) > 1]
    if twice:
        raise FeedCorrupt(f"column {', '.join(map(repr, twice))} stands there twice; remove or rename one")
    lacking = [c for c in kinds if c not in header]
    if lacking:
        raise MissingColumn(f"column {', '.join(map(repr, lacking))} is missing; it has {', '.join(header) or 'none'}")
