"""Blocks of values as files have them (rows of several parameters), and how they become rows of observations.

A block stays as narrow as the file: 35,000 hours of eleven parameters are thirteen arrays. Only a batch of months at
a time is made into rows of the lake, so memory does not grow with the length of the history.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from domain.catalogue import parameters
from domain.records import TABLES, Flag

#: Shanghai has kept UTC+8 without summer time since 1991; months are months there, as in the lake.
_SHANGHAI = np.timedelta64(8, "h")


@dataclass(frozen=True, slots=True)
class Block:
    """Values of parameters at common rows, in canonical units."""

    station: np.ndarray  # (n,) int32 into `names`
    names: tuple[str, ...]  # station ids
    time: np.ndarray  # (n,) datetime64[us], UTC, start of the period
    values: Mapping[str, np.ndarray]  # parameter -> (n,) float64, NaN where the feed has none
    left_out: Mapping[str, np.ndarray] = field(default_factory=dict)  # parameter -> (n,) bool: no observation at all
    mark: np.ndarray | None = None  # (n,) int32 into `marks`; None: no marks
    marks: tuple[str, ...] = ("",)  # what the sender says of the row
    spoiled: tuple[str, ...] = ()  # the marks that make values unusable

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: np.ndarray) -> "Block":
        """The rows at these positions (or under this mask)."""
        return replace(
            self,
            station=self.station[rows],
            time=self.time[rows],
            values={p: v[rows] for p, v in self.values.items()},
            left_out={p: v[rows] for p, v in self.left_out.items()},
            mark=None if self.mark is None else self.mark[rows],
        )

    def months(self) -> np.ndarray:
        """The Shanghai month of each row, as months since 1970-01."""
        return np.asarray((self.time + _SHANGHAI).astype("datetime64[M]").astype(np.int64))


def batches(blocks: Sequence[Block], *, rows: int) -> Iterator[list[Block]]:
    """The blocks cut into runs of whole Shanghai months of at most `rows` observations (one month at least)."""
    blocks = [b for b in blocks if len(b)]
    if not blocks:
        return
    months = [b.months() for b in blocks]
    first = min(int(m.min()) for m in months)
    size = np.zeros(max(int(m.max()) for m in months) - first + 1, dtype=np.int64)
    for block, month in zip(blocks, months, strict=True):
        size += np.bincount(month - first, minlength=len(size)) * len(block.values)
    if size.sum() <= rows:
        yield blocks
        return
    start = 0
    while start < len(size):
        end = max(start + 1, int(np.searchsorted(np.cumsum(size[start:]), rows, side="right")) + start)
        parts = [_between(b, m, first + start, first + end) for b, m in zip(blocks, months, strict=True)]
        kept = [p for p in parts if len(p)]
        if kept:
            yield kept
        start = end


def _between(block: Block, months: np.ndarray, first: int, end: int) -> Block:
    return block.take((months >= first) & (months < end))


def observations(
    blocks: Sequence[Block], *, medium: str, period: str, feed: str, received_at: datetime
) -> pd.DataFrame:
    """The blocks as rows of the table `observations`; words are categories.

    Rows follow station, parameter and time as far as the blocks do; of rows with one key the later block's, then the
    later row, comes last, which is the one the lake keeps.
    """
    blocks = [b for b in blocks if len(b) and b.values]
    parts = [_melted(b) for b in blocks]
    if not parts:
        return TABLES["observations"].frame()
    joined = {c: np.concatenate([p[c] for p in parts]) for c in ("time", "value", "flag")}
    n = len(joined["time"])
    station, station_names = _joined_words([(p["station"], b.names) for p, b in zip(parts, blocks, strict=True)])
    parameter, parameter_names = _joined_words([(p["parameter"], p["parameters"]) for p in parts])
    mark, mark_names = _joined_words([(p["mark"], b.marks) for p, b in zip(parts, blocks, strict=True)])
    known = parameters()["unit"]
    units = sorted({str(known[p]) for p in parameter_names})
    unit = np.array([units.index(str(known[p])) for p in parameter_names], dtype=np.int32)[parameter]
    received = np.full(n, np.datetime64(int(received_at.timestamp() * 1e6), "us"))
    return pd.DataFrame(
        {
            "medium": _same(medium, n),
            "station_id": _words(station, station_names),
            "parameter": _words(parameter, parameter_names),
            "time": pd.DatetimeIndex(joined["time"]).tz_localize("UTC"),
            "period": _same(period, n),
            "value": joined["value"],
            "unit": _words(unit, units),
            "flag": joined["flag"],
            "source_flag": _words(mark, mark_names),
            "feed": _same(feed, n),
            "received_at": pd.DatetimeIndex(received).tz_localize("UTC"),
        },
        copy=False,
    )


def _melted(block: Block) -> dict[str, Any]:
    """One row per parameter and row, ordered by station, parameter, time."""
    order = _order(block)
    block = block if order is None else block.take(order)
    told = sorted(block.values)
    runs = _runs(block.station)
    lengths = [e - s for s, e in runs for _ in told]
    out = {
        "station": np.repeat(block.station[[s for s, _ in runs]], [(e - s) * len(told) for s, e in runs]),
        "parameter": np.repeat(np.tile(np.arange(len(told), dtype=np.int32), len(runs)), lengths),
        "time": _spread(runs, len(told), block.time),
        "value": np.concatenate([block.values[p][s:e] for s, e in runs for p in told]),
        "mark": np.zeros(sum(lengths), np.int32) if block.mark is None else _spread(runs, len(told), block.mark),
    }
    out["flag"] = _door_flags(block, out["value"], out["mark"])
    if block.left_out:
        none = np.zeros(len(block), dtype=bool)
        keep = ~np.concatenate([block.left_out.get(p, none)[s:e] for s, e in runs for p in told])
        out = {name: column[keep] for name, column in out.items()}
    return {**out, "parameters": tuple(told)}


def _order(block: Block) -> np.ndarray | None:
    if len(block) < 2:
        return None
    step = np.diff(block.station)
    if bool(np.all((step > 0) | ((step == 0) & (np.diff(block.time) >= np.timedelta64(0))))):
        return None
    return np.lexsort((block.time, block.station))


def _runs(station: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(station)) + 1
    return list(zip([0, *edges.tolist()], [*edges.tolist(), len(station)], strict=True))


def _spread(runs: Sequence[tuple[int, int]], times: int, column: np.ndarray) -> np.ndarray:
    return np.concatenate([column[s:e] for s, e in runs for _ in range(times)])


def _door_flags(block: Block, value: np.ndarray, mark: np.ndarray) -> np.ndarray:
    flag = np.where(np.isnan(value), np.int32(Flag.MISSING), np.int32(Flag.NOT_EVALUATED))
    if block.spoiled:
        bad = np.array([word in block.spoiled for word in block.marks])[mark]
        flag[bad & (flag != Flag.MISSING)] = Flag.FAIL
    return flag


def _joined_words(parts: Sequence[tuple[np.ndarray, Sequence[str]]]) -> tuple[np.ndarray, list[str]]:
    """Codes into several word lists as codes into one sorted list."""
    words = sorted(set().union(*(set(names) for _, names in parts)))
    place = {word: i for i, word in enumerate(words)}
    out = [np.array([place[w] for w in names], dtype=np.int32)[codes] for codes, names in parts]
    return np.concatenate(out), words


def _words(codes: np.ndarray, words: Sequence[str]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, categories=pd.Index(words, dtype="str"), validate=False)


def _same(word: str, n: int) -> pd.Categorical:
    return _words(np.zeros(n, dtype=np.int8), [word])
