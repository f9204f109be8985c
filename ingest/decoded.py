"""What a decoder is given and what it gives back.

A decoder is a module `ingest/decoders/<name>.py` with `decode(payload: bytes, context: Context) -> Decoded`. It is a
pure function: the same payload and context give the same frames, and bad content is never an exception but a
`Rejection`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import pandas as pd

from domain.records import TABLES, Reason, Rejection
from domain.registry import Registry


@dataclass(frozen=True, slots=True)
class Context:
    """Where a payload came from, and what a decoder may know besides its bytes."""

    feed: str
    received_at: datetime  # UTC start of the capture window
    until: datetime  # UTC end of the capture window
    registry: Registry
    raw_ref: str  # archive reference of the payload
    name: str  # file or address, for messages
    options: Mapping[str, Any] = field(default_factory=dict)

    def reject(self, reason: Reason, detail: str, *, offset: int = 0, length: int = 0) -> Rejection:
        """A rejection of `length` bytes at `offset` of this payload; the feed and the file are named for the caller."""
        return Rejection(
            feed=self.feed,
            received_at=self.received_at,
            reason=reason.value,
            detail=f"{self.feed}: {self.name}: {detail}",
            raw_ref=self.raw_ref,
            offset=offset,
            length=length,
        )


@dataclass(frozen=True, slots=True)
class Decoded:
    """The records of one payload, as frames with exactly the columns of their tables, and what was refused."""

    observations: pd.DataFrame
    scenes: pd.DataFrame
    reports: pd.DataFrame
    rejections: tuple[Rejection, ...]
    n_records: int  # records seen, good or bad

    @classmethod
    def empty(cls) -> "Decoded":
        """A payload without a record."""
        return cls.of()

    @classmethod
    def of(
        cls,
        *,
        observations: "pd.DataFrame | list[Any] | None" = None,
        scenes: "pd.DataFrame | list[Any] | None" = None,
        reports: "pd.DataFrame | list[Any] | None" = None,
        rejections: Iterable[Rejection] = (),
        n_records: int = 0,
    ) -> "Decoded":
        """The given records (frames, or lists of records or dicts) as typed frames; what is not given is empty.

        Raises:
            KeyError: a column of a table is missing.
        """
        return cls(
            observations=_frame("observations", observations),
            scenes=_frame("scenes", scenes),
            reports=_frame("reports", reports),
            rejections=tuple(rejections),
            n_records=n_records,
        )


def _frame(table: str, rows: "pd.DataFrame | list[Any] | None") -> pd.DataFrame:
    nothing = _nothing(table)
    if rows is None or len(rows) == 0:
        return nothing.copy()
    if isinstance(rows, pd.DataFrame) and rows.columns.equals(nothing.columns) and rows.dtypes.equals(nothing.dtypes):
        return rows.reset_index(drop=True)
    return TABLES[table].frame(rows)


@cache
def _nothing(table: str) -> pd.DataFrame:
    return TABLES[table].frame()
