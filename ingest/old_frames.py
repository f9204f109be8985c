"""HJ 212 frames that somebody kept as text, one in a cell: joined as a gateway receives them, and decoded."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from domain.errors import FeedCorrupt
from domain.records import Reason, Rejection
from ingest.decoded import Context
from ingest.decoders import hj212
from ingest.layouts import Layout
from ingest.places import described, station_rows
from ingest.sheets import MissingColumn, read_sheet, unpacked

#: History is old: the age a live frame may have does not apply.
_OPTIONS = {"max_age_days": 36_500}


def read_frames(
    payload: bytes, context: Context, layout: Layout, *, archive: Callable[[bytes, str], str]
) -> dict[str, Any]:
    """The fields of `history.Imported` of a text whose column `layout.frames.column` holds frames.

    Devices are those of `layout.stations.known` (by station name, with their `mn`); others are unknown stations.
    Rejections point into the joined frames, which are archived too, and name the line of the text.
    """
    if layout.frames is None or layout.stations is None:
        raise TypeError(f"layout {layout.id} describes no frames")
    try:
        sheet = read_sheet(unpacked(payload, layout), layout, {layout.frames.column: "word"})
    except MissingColumn as error:
        return {"rejections": (context.reject(Reason.MISSING_FIELD, str(error)),)}
    except FeedCorrupt as error:
        return {"rejections": (context.reject(Reason.BAD_DOCUMENT, str(error)),)}
    rows = [f"{text}\r\n".encode() for text in sheet.text(layout.frames.column).to_pylist()]
    joined = b"".join(rows)
    spec = layout.stations
    devices = station_rows(described(f"{spec.prefix}.{name}", spec.attributes, own) for name, own in spec.known.items())
    registry = replace(
        context.registry, stations=pd.concat([context.registry.stations, devices.assign(line=0)], ignore_index=True)
    )
    inner = replace(context, registry=registry, raw_ref=archive(joined, ".hj212"), options=_OPTIONS)
    decoded = hj212.decode(joined, inner)
    seen = devices[devices["station_id"].isin(decoded.observations["station_id"])]
    first = np.cumsum([0, *map(len, rows)])
    broken = [context.reject(f.reason, f"line {f.line}: {f.detail}") for f in sheet.faults]
    return {
        "observations": decoded.observations,
        "stations": seen,
        "rejections": (*broken, *(_lined(r, sheet.lines, first) for r in decoded.rejections)),
        "n_records": len(sheet) + len(sheet.faults),
    }


def _lined(rejection: Rejection, lines: np.ndarray, first: np.ndarray) -> Rejection:
    row = int(np.searchsorted(first, rejection.offset, side="right")) - 1
    return replace(rejection, detail=f"{rejection.detail} [line {lines[min(row, len(lines) - 1)]}]")
