"""Where: which station each row of a sheet belongs to, and what the file tells of its stations."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import pandas as pd

from domain.errors import FeedCorrupt
from domain.records import Reason
from domain.registry import STATION_COLUMNS
from ingest.layouts import Layout, Station, Stations, Time
from ingest.sheets import Fault, Sheet, numbers

NUMERIC = ("lon", "lat", "river_km")


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a sheet whose time and station are known."""

    place: np.ndarray  # positions in the sheet
    station: np.ndarray  # codes into `names`
    names: tuple[str, ...]  # station ids
    when: np.ndarray


def needed(layout: Layout) -> tuple[Time, Stations]:
    """The parts every table has.

    Raises:
        TypeError: the layout describes frames or scenes.
    """
    if layout.time is None or layout.stations is None:
        raise TypeError(f"layout {layout.id} describes no table")
    return layout.time, layout.stations


def stations_of(sheet: Sheet, layout: Layout, name: str) -> tuple[np.ndarray, tuple[str, ...], list[Fault]]:
    """Each row's station as a code (-1: none), the station ids, and the rows that name none.

    With a column per station (shape across) the ids are in the order of the columns and every code is 0.
    """
    time, spec = needed(layout)
    n = len(sheet)
    if layout.shape == "across":
        own = {*time.parts.values(), *time.text, layout.parameter_column}
        columns = [c for c in sheet.columns if c and c not in own]
        return np.zeros(n, dtype=np.int32), tuple(f"{spec.prefix}.{c}" for c in columns), []
    if spec.numbered:
        return np.arange(n, dtype=np.int32), tuple(f"{spec.prefix}.{spec.numbered.format(i + 1)}" for i in range(n)), []
    if spec.file_pattern:
        found = re.search(spec.file_pattern, PurePath(name).name)
        if found is None:
            raise FeedCorrupt(f"the name does not match stations.file_pattern {spec.file_pattern!r}")
        return np.zeros(n, dtype=np.int32), (f"{spec.prefix}.{found['station']}",), []
    words = sheet.text(spec.column).dictionary_encode()
    told = words.dictionary.to_pylist()
    codes = words.indices.to_numpy(zero_copy_only=False).astype(np.int32)
    nameless = [i for i, word in enumerate(told) if word in {"", *layout.cells.absent}]
    codes = np.where(np.isin(codes, nameless), np.int32(-1), codes) if nameless else codes
    faults = row_faults(sheet, codes < 0, Reason.MISSING_FIELD, f"column {spec.column!r} names no station")
    return codes, tuple(f"{spec.prefix}.{word}" for word in told), faults


def station_rows(rows: Iterable[dict[str, object]]) -> pd.DataFrame:
    """Stations as a frame with the registry's columns; what is not told is "" or NaN."""
    frame = pd.DataFrame(list(rows), columns=list(STATION_COLUMNS), dtype="object")
    for column in STATION_COLUMNS:
        numeric = column in NUMERIC
        frame[column] = (
            pd.to_numeric(frame[column]) if numeric else frame[column].where(frame[column].notna(), "").astype("str")
        )
    return frame.astype(dict.fromkeys(NUMERIC, "float64"))


def described(station_id: str, *sources: Station | dict[str, object], cadence: str = "") -> dict[str, object]:
    """One station; of several descriptions the last that says something wins."""
    row: dict[str, object] = {"station_id": station_id, "name_zh": station_id.partition(".")[2], "cadence": cadence}
    for source in sources:
        told = source.model_dump(exclude_none=True) if isinstance(source, Station) else source
        row |= {k: v for k, v in told.items() if v not in ("", None)}
    return row


def station_table(sheet: Sheet, layout: Layout, rows: Rows) -> tuple[pd.DataFrame, list[Fault]]:
    """The stations that have rows, each described by its first row and by the layout, and impossible positions."""
    time, spec = needed(layout)
    cells = _attribute_cells(sheet, layout)
    if layout.shape == "across":
        found = [(name, 0) for name in rows.names]
    else:
        codes, first = np.unique(rows.station, return_index=True)
        found = [(rows.names[c], int(i)) for c, i in zip(codes.tolist(), rows.place[first], strict=True)]
    out, faults = [], []
    for name, at in found:
        told = {attribute: cell[at] for attribute, cell in cells.items()}
        if _misplaced(told):
            faults.append(Fault(Reason.BAD_POSITION, int(sheet.lines[at]), f"{name}: no such place on earth"))
            told = {k: v for k, v in told.items() if k not in {"lon", "lat"}}
        own = spec.known.get(name.partition(".")[2], Station())
        out.append(described(name, spec.attributes, told, own, cadence=time.period))
    return station_rows(out), faults


def _attribute_cells(sheet: Sheet, layout: Layout) -> dict[str, Sequence[object]]:
    _, spec = needed(layout)
    cells: dict[str, Sequence[object]] = {}
    for attribute, column in spec.columns.items():
        if attribute in NUMERIC:
            found = numbers(sheet.columns[column], layout.cells, {}).values
            cells[attribute] = [None if np.isnan(v) else float(v) for v in found]
        else:
            cells[attribute] = [spec.words.get(t, t) for t in sheet.text(column).to_pylist()]
    return cells


def _misplaced(told: dict[str, object]) -> bool:
    lon, lat = told.get("lon"), told.get("lat")
    return any(isinstance(v, float) and not -most <= v <= most for v, most in ((lon, 180.0), (lat, 90.0)))


def row_faults(sheet: Sheet, mask: np.ndarray, reason: Reason, detail: str) -> list[Fault]:
    """The same fault of every row under the mask."""
    return [Fault(reason, int(sheet.lines[i]), detail) for i in np.flatnonzero(mask)]
