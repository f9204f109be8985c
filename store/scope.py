"""Which rows of a table are meant: by time, medium and values of columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import and_
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.records import Table
from store.parts import MONTH, Partition


@dataclass(frozen=True, slots=True)
class Scope:
    """Rows with the table's time in [start, end), of these media, with these values; what is None does not matter."""

    start: datetime | None = None
    end: datetime | None = None
    medium: str | Sequence[str] | None = None
    where: Mapping[str, Sequence[Any]] | None = None

    def rows(self, spec: Table) -> pc.Expression | None:
        """What the rows fulfil; None when every row does."""
        kinds = spec.schema
        conditions = [
            pc.field(c).isin(pa.array(list(values), kinds.field(c).type)) for c, values in self._values(spec).items()
        ]
        if spec.time:
            time = pc.field(spec.time)
            conditions += [time >= _moment(self.start)] if self.start else []
            conditions += [time < _moment(self.end)] if self.end else []
        return reduce(and_, conditions) if conditions else None

    def mask(self, spec: Table, rows: pa.Table) -> np.ndarray:
        """Which of the rows are meant."""
        out = np.zeros(rows.num_rows, dtype=bool)
        numbered = rows.append_column("", pa.array(np.arange(rows.num_rows)))
        condition = self.rows(spec)
        out[(numbered if condition is None else numbered.filter(condition))[""].to_numpy()] = True
        return out

    def partitions(self, spec: Table, known: Iterable[Partition]) -> list[Partition]:
        """The partitions that can hold such rows."""
        return [p for p in known if self._reaches(spec, dict(p))]

    def _reaches(self, spec: Table, partition: Mapping[str, str]) -> bool:
        month = partition.get(MONTH)
        if month is not None and self.start and month < _month(self.start):
            return False
        if month is not None and self.end and month > _month(self.end):
            return False
        values = self._values(spec).get(spec.medium)
        return values is None or partition[spec.medium] in values

    def _values(self, spec: Table) -> dict[str, Sequence[Any]]:
        out = dict(self.where or {})
        if self.medium is not None and spec.medium:
            out[spec.medium] = [self.medium] if isinstance(self.medium, str) else list(self.medium)
        return out


def _moment(bound: datetime) -> pa.Scalar:
    return pa.scalar(bound.astimezone(UTC), pa.timestamp("us", tz="UTC"))


def _month(bound: datetime) -> str:
    """The Shanghai month of an instant."""
    return (bound.astimezone(UTC) + timedelta(hours=8)).strftime("%Y-%m")
