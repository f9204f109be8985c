"""Values as arrays, and what is derived from them before they are judged: rates of change."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from alerts.conditions import Change
from alerts.lifecycle import Bools, Ints

Floats = NDArray[np.float64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICRO = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (moment - EPOCH) // MICRO


def moment(at: int) -> datetime:
    """The UTC instant of microseconds since 1970."""
    return EPOCH + int(at) * MICRO


@dataclass(frozen=True, slots=True)
class Samples:
    """Values of one input, one element each; `subject` is a position in `subjects`, times are microseconds.

    `low` and `high` are the edges of what is usual, where the condition asks for them; NaN where nothing was learnt.
    """

    subjects: tuple[str, ...]
    subject: Ints
    start: Ints
    end: Ints
    value: Floats
    low: Floats | None = None
    high: Floats | None = None

    def where(self, kept: Bools | Ints) -> "Samples":
        """Only some of them."""
        edges = {n: None if e is None else e[kept] for n, e in (("low", self.low), ("high", self.high))}
        return Samples(self.subjects, self.subject[kept], self.start[kept], self.end[kept], self.value[kept], **edges)


def rates(samples: Samples, change: Change) -> Samples:
    """Each value's change since the one before it of its subject, per `change.per` of the true time between them.

    The first value of a subject, and one after a gap longer than `change.within`, has no rate and is left out; so has
    one that ends with the one before. With `either` a fall counts as a rise.
    """
    order = np.lexsort((samples.start, samples.end, samples.subject))
    ordered = samples.where(order)
    same = np.r_[False, ordered.subject[1:] == ordered.subject[:-1]][: len(order)]
    elapsed = np.r_[0, np.diff(ordered.end)][: len(order)]
    known = same & (elapsed > 0) & (elapsed <= change.within // MICRO)
    step = np.r_[0.0, np.diff(ordered.value)][: len(order)]
    rate = np.divide(step * (change.per // MICRO), elapsed, out=np.zeros(len(order)), where=known)
    return replace(ordered, value=np.abs(rate) if change.either else rate).where(known)
