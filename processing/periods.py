"""From days to months, seasons and years: which days belong together, exact statistics, rows of the table `periods`.

Arrays are (s, d): s subjects ascending, d consecutive Shanghai days. A season is a calendar quarter (GB 3095).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from domain.records import TABLES, Flag
from domain.times import MONTH, SEASON, YEAR
from processing.aggregate import (
    DAY_S,
    FIXED,
    attribute,
    dates,
    day_begin,
    day_of,
    fixed,
    seconds,
    times,
)
from processing.rounding import divide_half_even

#: Days before the first of a year that its indicators look back to (runs of days that cross New Year).
BEFORE_DAYS = 10


@dataclass(frozen=True, slots=True)
class Span:
    """One month, season or year, in days since 1970; `months` are its months, January 0."""

    period: str
    first: int
    stop: int
    months: tuple[int, ...]

    @property
    def days(self) -> int:
        """How many days it has."""
        return self.stop - self.first


def day_number(day: date) -> int:
    """Days since 1970."""
    return (day - date(1970, 1, 1)).days


def spans_of(year: int) -> tuple[Span, ...]:
    """The twelve months of a year, its four seasons and itself, in this order."""
    edges = [day_number(date(year + m // 12, m % 12 + 1, 1)) for m in range(13)]
    months = [Span(MONTH, edges[m], edges[m + 1], (m,)) for m in range(12)]
    seasons = [Span(SEASON, edges[m], edges[m + 3], tuple(range(m, m + 3))) for m in range(0, 12, 3)]
    return (*months, *seasons, Span(YEAR, edges[0], edges[12], tuple(range(12))))


@dataclass(frozen=True, slots=True)
class Daily:
    """The daily indicators of one medium in one year and the days just before it."""

    year: int
    subjects: np.ndarray  # (s,) ascending
    first: int  # the first day, in days since 1970
    count: int  # d
    known: Mapping[str, tuple[np.ndarray, np.ndarray]]  # indicator -> values (s, d), flags (s, d)

    @classmethod
    def of(cls, rows: pd.DataFrame, year: int) -> "Daily":
        """Lay out rows of the table `indicators` (period P1D): columns indicator, subject, time, value, flag."""
        first = day_number(date(year, 1, 1)) - BEFORE_DAYS
        count = day_number(date(year + 1, 1, 1)) - first
        day = day_of(seconds(rows["time"])) - first
        rows, day = rows[(day >= 0) & (day < count)], day[(day >= 0) & (day < count)]
        subject, subjects = pd.factorize(rows["subject"].astype("str"), sort=True)
        name, names = pd.factorize(rows["indicator"].astype("str"))
        value, flag = rows["value"].to_numpy(float), rows["flag"].to_numpy(np.int8)
        known: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for code, indicator in enumerate(names):
            at = np.flatnonzero(name == code)
            values, flags = cls._empty(len(subjects), count)
            values[subject[at], day[at]], flags[subject[at], day[at]] = value[at], flag[at]
            known[str(indicator)] = (values, flags)
        return cls(year, np.asarray(subjects, dtype=object), first, count, known)

    @staticmethod
    def _empty(subjects: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        return np.full((subjects, count), np.nan), np.full((subjects, count), int(Flag.MISSING), np.int8)

    def values(self, indicator: str) -> np.ndarray:
        """(s, d) values of an indicator; NaN where there are none."""
        return self.known[indicator][0] if indicator in self.known else self._empty(len(self.subjects), self.count)[0]

    def flags(self, indicator: str) -> np.ndarray:
        """(s, d) flags of an indicator; 9 where there is no value."""
        return self.known[indicator][1] if indicator in self.known else self._empty(len(self.subjects), self.count)[1]

    @property
    def days(self) -> np.ndarray:
        """(d,) days since 1970."""
        return np.arange(self.first, self.first + self.count)

    @property
    def spans(self) -> tuple[Span, ...]:
        """The months, seasons and the year."""
        return spans_of(self.year)

    @property
    def within(self) -> slice:
        """The columns that lie in the year itself."""
        return slice(BEFORE_DAYS, self.count)

    def columns(self, span: Span) -> slice:
        """The columns of a span."""
        return slice(span.first - self.first, span.stop - self.first)

    def registered(self, stations: pd.DataFrame, column: str) -> np.ndarray:
        """(s, d) a registry column of each subject as it was valid on each day; "" where it is no station."""
        shape = (len(self.subjects), self.count)
        rows = _Located(self.subjects, np.repeat(np.arange(shape[0]), shape[1]))
        return attribute(stations, rows, np.tile(self.days, shape[0]), column).reshape(shape)


@dataclass(frozen=True, slots=True)
class _Located:
    names: np.ndarray
    station: np.ndarray


def exact_mean(values: np.ndarray, decimals: int) -> np.ndarray:
    """Mean over the last axis of what is there, exact on the decimal figures, rounded half-even; NaN without values."""
    whole, there = fixed(values)
    count = there.sum(axis=-1)
    below = np.maximum(count, 1).astype(np.int64) * 10**FIXED
    mean = divide_half_even(whole.sum(axis=-1) * 10**decimals, below) / 10.0**decimals
    return np.where(count > 0, mean, np.nan)


def exact_percentile(values: np.ndarray, p: int, decimals: int) -> np.ndarray:
    """The p-th percentile over the last axis, exact and rounded half-even; NaN without values.

    Place k = 1 + (n-1)*p/100 among the ascending values, linear between neighbours.

    Source: HJ 663-2013 annex A (from memory and one code base).
    """
    whole, there = fixed(values)
    ordered = np.sort(np.where(there, whole, np.iinfo(np.int64).max), axis=-1)
    last = there.sum(axis=-1) - 1
    place, rest = np.divmod(np.maximum(last, 0) * p, 100)
    low = np.take_along_axis(ordered, place[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(ordered, np.minimum(place + 1, np.maximum(last, 0))[..., None], axis=-1)[..., 0]
    low, high = np.where(last >= 0, low, 0), np.where(last >= 0, high, 0)
    between = (low * (100 - rest) + high * rest) * 10**decimals
    found = divide_half_even(between, np.array(100 * 10**FIXED)) / 10.0**decimals
    return np.where(last >= 0, found, np.nan)


def ranks(values: np.ndarray) -> np.ndarray:
    """Place of each value over the first axis, smallest 1, equal values sharing one and the next left out (1, 1, 3).

    NaN has no place.
    """
    known = np.where(np.isnan(values), np.inf, values)
    smaller = (known[None] < known[:, None]).sum(axis=1)
    return np.where(np.isnan(values), np.nan, smaller + 1)


def worst_flag(flags: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Over the last axis: 3 when a used value is suspect, else 2 when one was not evaluated, else 1."""
    suspect = ((flags == Flag.SUSPECT) & used).any(axis=-1)
    unknown = ((flags == Flag.NOT_EVALUATED) & used).any(axis=-1)
    return np.where(suspect, int(Flag.SUSPECT), np.where(unknown, int(Flag.NOT_EVALUATED), int(Flag.PASS)))


def marked(*marks: str) -> str:
    """The end of a detail that names the unconfirmed numbers it rests on."""
    return "unconfirmed: " + ", ".join(marks) if marks else ""


def joined(*texts: str) -> str:
    """Parts of a detail, without the empty ones."""
    return "; ".join(t for t in texts if t)


class Sheet:
    """Rows of the table `periods` gathered block by block; text that repeats in a block is written once."""

    def __init__(self, medium: str) -> None:
        """An empty sheet of one medium."""
        self.medium = medium
        self._blocks: list[dict[str, object]] = []
        self._sizes: list[int] = []

    def add(
        self,
        indicator: str,
        period: str,
        *,
        subject: np.ndarray,
        day: np.ndarray | int,
        value: np.ndarray,
        edition: str | np.ndarray,
        flag: np.ndarray | int,
        unit: str = "1",
        grade: str | np.ndarray = "",
        n_valid: np.ndarray | int = 1,
        n_expected: np.ndarray | int = 1,
        detail: str | np.ndarray | Sequence[str] = "",
        only: np.ndarray | None = None,
    ) -> None:
        """Rows of one indicator and period, one for each subject and day; the flag is 9 where the value is missing.

        Args:
            indicator: its id.
            period: its period.
            subject: (n,) subjects.
            day: day (or days) since 1970 on which the period begins.
            value: (n,) values.
            edition: edition of the standard.
            flag: flag where there is a value.
            unit: unit of the value.
            grade: grade in words.
            n_valid: values used.
            n_expected: values there should be.
            detail: what else must be known.
            only: (n,) rows to keep.
        """
        n = len(subject)
        known = ~np.isnan(np.asarray(value, dtype=float))
        block: dict[str, object] = {
            "indicator": indicator, "subject": subject, "day": day, "period": period, "value": value, "unit": unit,
            "grade": grade, "n_valid": n_valid, "n_expected": n_expected,
            "flag": np.where(known, flag, int(Flag.MISSING)), "detail": detail, "edition": edition,
        }  # fmt: skip
        if only is not None:
            block = {k: v if _single(v) else np.asarray(v)[only] for k, v in block.items()}
            n = int(only.sum())
        if n:
            self._blocks.append(block)
            self._sizes.append(n)

    def frame(self) -> pd.DataFrame:
        """All rows with the columns of the table."""
        spec = TABLES["periods"]
        if not self._blocks:
            return spec.frame()
        data = {name: self._column(name) for name in self._blocks[0]}
        data["time"] = times(day_begin(data.pop("day").astype(np.int64)))
        data["medium"] = np.full(sum(self._sizes), self.medium, dtype=object)
        for name in ("n_valid", "n_expected", "flag"):
            data[name] = data[name].astype(np.int32)
        return pd.DataFrame({c: data[c] for c in spec.columns})

    def _column(self, name: str) -> np.ndarray:
        values = [block[name] for block in self._blocks]
        if all(_single(v) for v in values):
            one = np.array(values, dtype=object if isinstance(values[0], str) else None)
            return np.repeat(one, self._sizes)
        return np.concatenate([_spread(v, n) for v, n in zip(values, self._sizes, strict=True)])


def _single(value: object) -> bool:
    return isinstance(value, str) or np.ndim(value) == 0  # type: ignore[arg-type]


def _spread(value: object, n: int) -> np.ndarray:
    if isinstance(value, str):
        return np.full(n, value, dtype=object)
    array = np.asarray(value, dtype=object) if isinstance(value, list) else np.asarray(value)
    return np.full(n, array) if array.ndim == 0 else array


def day_dates(days: np.ndarray | int) -> np.ndarray:
    """Days since 1970 as datetime64[D], at least one."""
    return dates(np.atleast_1d(np.asarray(days)))


def last_dates(spans: Sequence[Span]) -> np.ndarray:
    """The last day of each span as datetime64[D]."""
    return dates(np.array([s.stop - 1 for s in spans]))


def instant(day: int) -> pd.Timestamp:
    """The UTC time at which a Shanghai day begins."""
    return pd.Timestamp(int(day) * DAY_S - 8 * 3600, unit="s", tz="UTC")
