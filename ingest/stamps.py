"""When: the columns of a sheet that say the time, as the UTC start of the period."""

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from domain.times import LENGTHS
from ingest.layouts import Time
from ingest.sheets import Sheet

_NEVER = np.datetime64("NaT", "us")
#: Parts below the day: the largest value, and what one is.
_CLOCK = {
    "hour": (24, np.timedelta64(1, "h")),
    "minute": (59, np.timedelta64(1, "m")),
    "second": (60, np.timedelta64(1, "s")),
}


def starts(sheet: Sheet, spec: Time) -> np.ndarray:
    """The UTC start of each row's period.

    Returns:
        (rows,) datetime64[us]; NaT where the cells are no time.
    """
    if spec.fixed is not None:
        moment = np.datetime64(int(spec.fixed.timestamp() * 1e6), "us")
        stamps = np.full(len(sheet), moment)
    elif spec.parts:
        stamps = _universal(_from_parts(sheet, spec), spec.zone)
    else:
        stamps = _from_text(sheet, spec)
    return stamps - np.timedelta64(LENGTHS[spec.period]) if spec.stamp == "end" else stamps


def written(sheet: Sheet, spec: Time, row: int) -> str:
    """The cells of one row's time, for a message."""
    columns = list(spec.parts.values()) or spec.text
    return " ".join(str(sheet.columns[c][row].as_py()) for c in columns)


def _from_parts(sheet: Sheet, spec: Time) -> np.ndarray:
    """Naive local times; hour 24 is the hour 0 of the next day, as some platforms write it."""
    cells = {part: _numbers(sheet.columns[column]) for part, column in spec.parts.items()}
    good = np.logical_and.reduce([np.isfinite(v) & (v == np.floor(v)) for v in cells.values()])
    good &= (cells["year"] >= 1900) & (cells["year"] < 2200) & (cells["month"] >= 1) & (cells["month"] <= 12)
    good &= (cells["day"] >= 1) & (cells["day"] <= 31)
    for part, (most, _) in _CLOCK.items():
        if part in cells:
            good &= (cells[part] >= 0) & (cells[part] <= most)
    whole = {part: np.where(good, v, 1).astype(np.int64) for part, v in cells.items()}
    month = ((whole["year"] - 1970) * 12 + whole["month"] - 1).astype("datetime64[M]")
    day = month.astype("datetime64[D]") + (whole["day"] - 1)
    good &= day.astype("datetime64[M]") == month
    out = day.astype("datetime64[us]")
    for part, (_, unit) in _CLOCK.items():
        if part in whole:
            out = out + whole[part] * unit
    return np.where(good, out, _NEVER)


def _numbers(cells: pa.Array) -> np.ndarray:
    if pa.types.is_floating(cells.type):
        return np.asarray(cells.to_numpy(zero_copy_only=False))
    return pd.to_numeric(cells.to_pandas().astype("object"), errors="coerce").to_numpy(dtype=float)


def _from_text(sheet: Sheet, spec: Time) -> np.ndarray:
    """Distinct texts are read once: a year of hours of 2,000 stations has 8,760."""
    text = pc.binary_join_element_wise(*(sheet.text(c) for c in spec.text), " ").dictionary_encode()
    words = pd.Series(text.dictionary.to_pylist(), dtype="object")
    zoned = "%z" in spec.format
    read = pd.to_datetime(words, format=spec.format, errors="coerce", utc=zoned)
    stamps = read.dt.tz_convert(None) if zoned else read
    found = stamps.to_numpy().astype("datetime64[us]")
    found = found if zoned else _universal(found, spec.zone)
    return np.asarray(found[text.indices.to_numpy()] if len(found) else found)


def _universal(local: np.ndarray, zone: str) -> np.ndarray:
    """Naive local times as naive UTC; hours that a change of clocks repeats or leaves out are no times."""
    index = pd.DatetimeIndex(local).tz_localize(ZoneInfo(zone), ambiguous="NaT", nonexistent="NaT")
    return np.asarray(index.tz_convert(None).to_numpy().astype("datetime64[us]"))
