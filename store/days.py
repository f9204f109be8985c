"""Months and days of rows, which are those of Asia/Shanghai, and the days of a commit as text in its metadata."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from domain.records import Table
from store.rows import numbers, single

Days = frozenset[tuple[str, date]]

#: Shanghai has kept UTC+8 without summer time since 1991; no feed is older.
_SHANGHAI_US = 8 * 3600 * 1_000_000
_DAY_US = 86_400 * 1_000_000
_EPOCH = date(1970, 1, 1)


def day_numbers(times: pa.ChunkedArray) -> np.ndarray:
    """The Shanghai day of each instant, in days since 1970."""
    return (numbers(times) + _SHANGHAI_US) // _DAY_US


def month_numbers(times: pa.ChunkedArray) -> np.ndarray:
    """The Shanghai month of each instant, in months since 1970-01."""
    days = day_numbers(times)
    if not len(days):
        return days
    low = int(days.min())
    months = np.arange(low, int(days.max()) + 1).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months[days - low]


def days_of(spec: Table, rows: pa.Table) -> Days:
    """The (medium, Shanghai day) pairs that the rows lie on; none for a table without time."""
    if not spec.time or rows.num_rows == 0:
        return frozenset()
    days = day_numbers(rows[spec.time])
    low = int(days.min())
    media, codes = [""], np.zeros(len(days), np.int64)
    if spec.medium:
        medium = single(rows[spec.medium].unify_dictionaries())
        media, codes = medium.dictionary.to_pylist(), medium.indices.to_numpy().astype(np.int64)
    width = int(days.max()) - low + 1
    pairs = np.flatnonzero(np.bincount(codes * width + (days - low)))
    return frozenset((media[p // width], _EPOCH + timedelta(days=low + p % width)) for p in pairs.tolist())


def to_text(days: Iterable[tuple[str, date]]) -> str:
    """`air=2026-08-18/2026-08-20,2026-08-25/2026-08-25;water=...`: runs of days by medium."""
    by_medium: dict[str, list[date]] = {}
    for medium, day in sorted(days):
        by_medium.setdefault(medium, []).append(day)
    parts = []
    for medium, ordered in by_medium.items():
        runs: list[list[date]] = []
        for day in ordered:
            if runs and (day - runs[-1][1]).days == 1:
                runs[-1][1] = day
            else:
                runs.append([day, day])
        parts.append(f"{medium}=" + ",".join(f"{a.isoformat()}/{b.isoformat()}" for a, b in runs))
    return ";".join(parts)


def from_text(text: str) -> Iterator[tuple[str, date]]:
    """The pairs that `to_text` wrote."""
    for part in text.split(";"):
        medium, _, runs = part.partition("=")
        for run in runs.split(","):
            first, last = (date.fromisoformat(d) for d in run.split("/"))
            for offset in range((last - first).days + 1):
                yield medium, first + timedelta(days=offset)
