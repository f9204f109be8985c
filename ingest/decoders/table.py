"""Tables of values (csv, xlsx, xml) by their layout: blocks of observations, their stations, and what to compare with.

`decode` is the door every decoder has; `parse` gives more: values still as narrow as the file, the stations the file
tells of, and the reference columns that are no observations.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import field_validator

from domain.catalogue import convert, parameters
from domain.documents import Strict
from domain.errors import CatalogueError, FeedCorrupt
from domain.records import Reason, Rejection
from domain.times import LENGTHS
from ingest.blocks import Block, observations
from ingest.decoded import Context, Decoded
from ingest.layouts import Column, Layout, Reference, Time, find
from ingest.places import NUMERIC, Rows, needed, row_faults, station_rows, station_table, stations_of
from ingest.sheets import Fault, Kind, MissingColumn, Sheet, numbers, read_sheet, unpacked
from ingest.stamps import starts, written


@dataclass(frozen=True, slots=True)
class Parsed:
    """One file, read."""

    blocks: tuple[Block, ...]
    stations: pd.DataFrame  # STATION_COLUMNS, one row a station
    reference: pd.DataFrame  # station_id, time, period and a text column per reference quantity
    rejections: tuple[Rejection, ...]
    n_records: int


class Options(Strict):
    """What a feed of tables says in feeds.yaml."""

    layout: str

    @field_validator("layout")
    @classmethod
    def _known(cls, layout: str) -> str:
        try:
            needed(find(layout))
        except (CatalogueError, TypeError) as error:
            raise ValueError(str(error)) from None
        return layout


def decode(payload: bytes, context: Context) -> Decoded:
    """A file in the layout named by `context.options["layout"]`."""
    layout = find(str(context.options["layout"]))
    time, _ = needed(layout)
    parsed = parse(payload, context, layout)
    return Decoded.of(
        observations=observations(
            parsed.blocks, medium=layout.medium, period=time.period, feed=context.feed, received_at=context.received_at
        ),
        rejections=parsed.rejections,
        n_records=parsed.n_records,
    )


def parse(payload: bytes, context: Context, layout: Layout) -> Parsed:
    """A table file as blocks; bad cells, rows and files become rejections that name the line."""
    try:
        plain = unpacked(payload, layout)
        if not plain.strip():
            return _refused(context, Reason.EMPTY, "the file is empty")
        sheet = read_sheet(plain, layout, _kinds(layout), rest="number" if layout.shape == "across" else None)
        rows, faults = _rows(sheet, context, layout)
    except MissingColumn as error:
        return _refused(context, Reason.MISSING_FIELD, str(error))
    except FeedCorrupt as error:
        return _refused(context, Reason.BAD_DOCUMENT, str(error))
    blocks, bad = _BUILD[layout.shape](sheet, layout, rows)
    stations, misplaced = station_table(sheet, layout, rows)
    faults += [*bad, *misplaced, *sheet.faults]
    # a packed file has no lines to point at
    text = payload if plain is payload and layout.format != "xlsx" else b""
    return Parsed(
        tuple(blocks),
        stations,
        _reference(sheet, layout, rows),
        tuple(_rejections(context, faults, text)),
        len(sheet) + len(sheet.faults),
    )


def _refused(context: Context, reason: Reason, detail: str) -> Parsed:
    return Parsed((), station_rows([]), pd.DataFrame(), (context.reject(reason, detail),), 0)


def _rows(sheet: Sheet, context: Context, layout: Layout) -> tuple[Rows, list[Fault]]:
    """The rows with a time and a station, and what is wrong with the others."""
    time, _ = needed(layout)
    when = starts(sheet, time)
    station, names, faults = stations_of(sheet, layout, context.name)
    good = ~np.isnat(when) & (station >= 0)
    faults += _time_faults(sheet, time, when, station >= 0)
    until = np.datetime64(context.until.astimezone(UTC).replace(tzinfo=None), "us")
    late = good & (when + np.timedelta64(LENGTHS[time.period]) > until)
    faults += row_faults(sheet, late, Reason.FUTURE_TIME, "the period ends after the moment of import; see time.zone")
    at = np.flatnonzero(good & ~late)
    return Rows(at, station[at], names, when[at]), faults


# --- which columns, which rows ----------------------------------------------------------------------------------------


def _kinds(layout: Layout) -> dict[str, Kind]:
    """The columns a layout needs, and what they hold."""
    time, stations = needed(layout)
    words = [*time.text, stations.column, layout.parameter_column, layout.status.column if layout.status else ""]
    words += [r.column for r in layout.reference.values()]
    kinds: dict[str, Kind] = dict.fromkeys(time.parts.values(), "number")
    kinds |= {w: "word" for w in words if w}
    kinds |= {c: "number" if name in NUMERIC else "word" for name, c in stations.columns.items()}
    if layout.shape == "wide":
        kinds |= {name: "word" if c.values else "number" for name, c in layout.columns.items()}
    if layout.shape == "long":
        kinds[layout.value_column] = "number"
    return kinds


# --- values -----------------------------------------------------------------------------------------------------------


def _wide(sheet: Sheet, layout: Layout, rows: Rows) -> tuple[list[Block], list[Fault]]:
    values, left_out, faults = {}, {}, []
    for name, column in layout.columns.items():
        found, none, bad = _column(sheet, layout, name, column, rows.place)
        values[column.parameter] = found
        faults += bad
        if none is not None:
            left_out[column.parameter] = none
    return [_block(sheet, layout, rows, values, left_out)], faults


def _long(sheet: Sheet, layout: Layout, rows: Rows) -> tuple[list[Block], list[Fault]]:
    blocks: list[Block] = []
    told, codes, faults = _told(sheet, layout, rows)
    for name, column in layout.columns.items():
        mine = _subset(rows, codes == told.index(name)) if name in told else None
        if mine is None:
            continue
        found, none, bad = _column(sheet, layout, layout.value_column, column, mine.place)
        faults += bad
        left_out = {} if none is None else {column.parameter: none}
        blocks.append(_block(sheet, layout, mine, {column.parameter: found}, left_out))
    return blocks, faults


def _across(sheet: Sheet, layout: Layout, rows: Rows) -> tuple[list[Block], list[Fault]]:
    """A column per station: each parameter's rows are laid side by side, station after station."""
    names = [name.partition(".")[2] for name in rows.names]
    blocks: list[Block] = []
    told, codes, faults = _told(sheet, layout, rows)
    for name, column in layout.columns.items():
        mine = _subset(rows, codes == told.index(name)) if name in told else None
        if mine is None:
            continue
        parts = [_column(sheet, layout, c, column, mine.place) for c in names]
        faults += [fault for _, _, bad in parts for fault in bad]
        none = np.concatenate([np.zeros(len(v), bool) if out is None else out for v, out, _ in parts])
        blocks.append(
            Block(
                station=np.repeat(np.arange(len(names), dtype=np.int32), len(mine.place)),
                names=rows.names,
                time=np.tile(mine.when, len(names)),
                values={column.parameter: np.concatenate([v for v, _, _ in parts])},
                left_out={column.parameter: none} if none.any() else {},
            )
        )
    return blocks, faults


_BUILD = {"wide": _wide, "long": _long, "across": _across}


def _told(sheet: Sheet, layout: Layout, rows: Rows) -> tuple[list[str], np.ndarray, list[Fault]]:
    """The words in the parameter column, each row's word as a code, and the rows whose word nobody knows."""
    words = sheet.text(layout.parameter_column).dictionary_encode()
    told = words.dictionary.to_pylist()
    codes = words.indices.to_numpy(zero_copy_only=False)[rows.place]
    strange = [i for i, w in enumerate(told) if w not in layout.columns and w not in layout.ignore]
    faults = [
        Fault(
            Reason.UNKNOWN_CODE,
            int(sheet.lines[rows.place[i]]),
            f"{layout.parameter_column} {told[codes[i]]!r} is neither in the layout's columns nor in ignore",
        )
        for i in np.flatnonzero(np.isin(codes, strange))
    ]
    return told, codes, faults


def _column(
    sheet: Sheet, layout: Layout, name: str, column: Column, at: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None, list[Fault]]:
    """The values of a column at some rows, canonical; where there is nothing to observe; the cells that are nothing."""
    cells = sheet.columns[name]
    whole = len(at) == len(sheet)
    found = numbers(cells if whole else cells.take(pa.array(at)), layout.cells, column.values)
    values = convert(found.values, column.unit, str(parameters()["unit"][column.parameter]))
    none = found.unmeasured
    if len(found.bad):
        none = np.zeros(len(values), dtype=bool) if none is None else none
        none[found.bad] = True
        values = np.where(none, np.nan, values)
    faults = [
        Fault(
            Reason.BAD_VALUE,
            int(sheet.lines[at[i]]),
            f"column {name!r}: {cells[int(at[i])].as_py()!r} is no number; repair it or name it in cells.absent",
        )
        for i in found.bad
    ]
    return values, none, faults


def _block(
    sheet: Sheet, layout: Layout, rows: Rows, values: dict[str, np.ndarray], left_out: dict[str, np.ndarray]
) -> Block:
    block = Block(rows.station, rows.names, rows.when, values, left_out)
    if layout.status is None:
        return block
    words = sheet.text(layout.status.column).dictionary_encode()
    marks = tuple(words.dictionary.to_pylist())
    return Block(
        rows.station,
        rows.names,
        rows.when,
        values,
        left_out,
        mark=words.indices.to_numpy(zero_copy_only=False)[rows.place].astype(np.int32),
        marks=marks,
        spoiled=tuple(m for m in marks if m not in layout.status.usable),
    )


def _subset(rows: Rows, mask: np.ndarray) -> Rows:
    return Rows(rows.place[mask], rows.station[mask], rows.names, rows.when[mask])


# --- reference columns, and what is refused -------------------------------------------------------------------------


def _reference(sheet: Sheet, layout: Layout, rows: Rows) -> pd.DataFrame:
    """What somebody else computed for the same rows, as text in our words; "" where it says nothing."""
    if not layout.reference:
        return pd.DataFrame()
    time, _ = needed(layout)
    frame = pd.DataFrame(
        {
            "station_id": np.array(rows.names, dtype=object)[rows.station],
            "time": pd.DatetimeIndex(rows.when).tz_localize("UTC"),
            "period": time.period,
        }
    )
    for quantity, spec in layout.reference.items():
        words = sheet.text(spec.column).dictionary_encode()
        ours = np.array([_our_word(w, spec, layout) for w in words.dictionary.to_pylist()], dtype=object)
        frame[quantity] = ours[words.indices.to_numpy(zero_copy_only=False)[rows.place]] if len(ours) else ""
    return frame.astype(dict.fromkeys(["station_id", "period", *layout.reference], "str"))


def _our_word(text: str, spec: Reference, layout: Layout) -> str:
    parts = text.split(spec.separator) if spec.separator else [text]
    told = [spec.words.get(p.strip(), p.strip()) for p in parts if p.strip() not in {"", *layout.cells.absent}]
    return ",".join(sorted(told))


def _time_faults(sheet: Sheet, spec: Time, when: np.ndarray, placed: np.ndarray) -> list[Fault]:
    how = spec.format or "year, month, day, hour"
    return [
        Fault(Reason.BAD_TIME, int(sheet.lines[i]), f"{written(sheet, spec, int(i))!r} is no time ({how})")
        for i in np.flatnonzero(np.isnat(when) & placed)
    ]


def _rejections(context: Context, faults: Sequence[Fault], text: bytes) -> Iterator[Rejection]:
    """The faults in the order of the file, pointing at their lines where the payload is text."""
    if not faults:
        return
    ends = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord("\n")) + 1
    starts_at = [0, *ends.tolist(), len(text)]
    for fault in sorted(faults, key=lambda f: (f.line, f.reason, f.detail)):
        offset = length = 0
        if text and 0 < fault.line < len(starts_at):
            offset = starts_at[fault.line - 1]
            length = starts_at[fault.line] - offset
        yield context.reject(fault.reason, f"line {fault.line}: {fault.detail}", offset=offset, length=length)
