"""From rows of observations to arrays: values that belong together, hours of a day, exact means.

Times inside are whole UTC seconds; a day is a Shanghai day, which has been UTC+8 without summer time since 1991.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import pandas as pd

from domain.records import TABLES, Flag
from domain.times import LENGTHS
from processing.rounding import divide_half_even, scaled

#: Decimals of the fixed-point numbers in which sums are formed; finer than any value a feed sends.
FIXED = 6
SHANGHAI_S = 8 * 3600
DAY_S = 86_400
HOUR_S = 3_600


def seconds(times: pd.Series) -> np.ndarray:
    """UTC times as whole seconds since 1970, int64."""
    return np.asarray(times.to_numpy(dtype="datetime64[s]").astype(np.int64))


def coded(text: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Text, or categories, as codes (n,) into the words that occur, which are in order."""
    if isinstance(text.dtype, pd.CategoricalDtype):
        codes, words = text.cat.codes.to_numpy(), text.cat.categories
    else:
        codes, words = pd.factorize(text)
    names = np.asarray(words, dtype=object)
    if len(names) == 1 and len(codes):
        return np.zeros(len(codes), np.int64), names
    known = np.flatnonzero(np.bincount(codes, minlength=len(names)))
    known = known[np.argsort(names[known])]
    place = np.zeros(len(names), np.int64)
    place[known] = np.arange(len(known))
    return place[codes], names[known]


def distinct(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different whole numbers in order, and the place of each row's among them; dense ones are not sorted."""
    low = int(keys.min()) if len(keys) else 0
    step = 1 if ((keys - low) % HOUR_S).any() else HOUR_S
    slot = (keys - low) // step
    if not len(keys) or int(slot.max()) > 8 * len(keys):
        unique, place = np.unique(keys, return_inverse=True)
        return unique, place
    there = np.zeros(int(slot.max()) + 1, bool)
    there[slot] = True
    return np.flatnonzero(there) * step + low, (np.cumsum(there) - 1)[slot]


def times(whole_seconds: np.ndarray) -> pd.DatetimeIndex:
    """Whole seconds since 1970 as UTC times in microseconds."""
    return pd.DatetimeIndex(whole_seconds.astype("datetime64[s]").astype("datetime64[us]")).tz_localize("UTC")


def day_of(whole_seconds: np.ndarray) -> np.ndarray:
    """The Shanghai day each instant lies in, in days since 1970."""
    return np.asarray((whole_seconds + SHANGHAI_S) // DAY_S)


def dates(days: np.ndarray) -> np.ndarray:
    """Days since 1970 as datetime64[D]."""
    return np.asarray(days).astype("datetime64[D]")


def day_begin(days: np.ndarray) -> np.ndarray:
    """The UTC second at which each Shanghai day begins."""
    return np.asarray(days) * DAY_S - SHANGHAI_S


def whole_days(moments: np.ndarray) -> int:
    """Seconds of so many whole days that hold all instants, counted from the first."""
    return (int(moments.max() - moments.min()) // DAY_S + 1) * DAY_S if len(moments) else DAY_S


def length_s(period: str) -> int:
    """Length of a period in seconds; 0 for an instant."""
    return int(LENGTHS[period].total_seconds())


@dataclass(frozen=True, slots=True)
class Wide:
    """Values of several parameters of one period, side by side: n rows of one station and time, p parameters.

    Rows ascend by station, then time. `values` holds NaN where there is no usable value: none came, it is missing, or
    quality control failed it. `seen` tells whether an observation came at all.
    """

    names: np.ndarray  # station ids
    station: np.ndarray  # (n,) position in names
    time: np.ndarray  # (n,) UTC seconds
    values: np.ndarray  # (n, p)
    flags: np.ndarray  # (n, p) QARTOD; 9 where no observation came
    seen: np.ndarray  # (n, p)
    halved: np.ndarray  # (n, p) below detection, half the limit stands

    def __len__(self) -> int:
        return len(self.station)

    @property
    def subject(self) -> np.ndarray:
        """Station id of each row."""
        return np.asarray(self.names[self.station])


class Observed:
    """The observations of one medium with the flags of quality control, laid out on demand and only once.

    Values that quality control failed or that are missing are not usable; a value below detection (source flag L)
    counts as half the detection limit that was reported (环办监测函〔2020〕82号 item 7).
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        """Take rows with station_id, parameter, time, period, value, flag, source_flag, tests; in any order."""
        self.frame = frame
        self.station, self.names = coded(frame["station_id"])
        self._parameter, self.parameters = coded(frame["parameter"])
        self._parameters = pd.Index(self.parameters)
        self._period, periods = coded(frame["period"])
        self._periods = pd.Index(periods)
        self.time = seconds(frame["time"])
        self.flag = frame["flag"].to_numpy(np.int8)
        self._wide: dict[tuple[tuple[str, ...], str], Wide] = {}
        self._days: dict[tuple[tuple[str, ...], str], Days] = {}

    def among(self, parameters: Sequence[str], period: str) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the rows of these parameters and this period, and the place of each one's parameter."""
        place = np.append(pd.Index(parameters).get_indexer(self._parameters), -1)[self._parameter]
        code = self._periods.get_indexer([period])[0]
        at = np.flatnonzero((place >= 0) & (self._period == code) & (code >= 0))
        return at, place[at]

    def wide(self, parameters: Sequence[str], period: str) -> Wide:
        """Observations of one period set side by side; see `Wide`."""
        key = (tuple(parameters), period)
        if key not in self._wide:
            self._wide[key] = self._spread(parameters, period)
        return self._wide[key]

    def days(self, parameters: Sequence[str], period: str) -> "Days":
        """Observations of a period that divides the day, day by day; see `Days`."""
        key = (tuple(parameters), period)
        if key not in self._days:
            self._days[key] = by_day(self.wide(parameters, period), period)
        return self._days[key]

    def _spread(self, parameters: Sequence[str], period: str) -> Wide:
        at, column = self.among(parameters, period)
        station, moment = self.station[at], self.time[at]
        first = int(moment.min()) if len(moment) else 0
        span = whole_days(moment)
        key, row = distinct(station * span + (moment - first))
        raw = self.frame["value"].to_numpy(float)[at]
        flag = self.flag[at]
        below = (self.frame["source_flag"] == "L").to_numpy()[at]
        good = ~np.isin(flag, (Flag.FAIL, Flag.MISSING)) & np.isfinite(raw)
        usable = np.where(good, np.where(below, raw / 2, raw), np.nan)
        size, place = (len(key), len(parameters)), row * len(parameters) + column
        return Wide(
            names=self.names,
            station=(key // span).astype(np.int64),
            time=key % span + first,
            values=_placed(size, place, usable, np.nan),
            flags=_placed(size, place, flag, int(Flag.MISSING)),
            seen=_placed(size, place, np.ones(len(at), bool), False),
            halved=_placed(size, place, below & good, False),
        )


def _placed(size: tuple[int, int], place: np.ndarray, given: np.ndarray, otherwise: object) -> np.ndarray:
    """An array of so many rows and columns with the given values at places counted row by row."""
    out = np.full(size[0] * size[1], otherwise, given.dtype)
    out[place] = given
    return out.reshape(size)


@dataclass(frozen=True, slots=True)
class Days:
    """The slots of whole Shanghai days: n rows of one station and day, s slots in time order, p parameters."""

    names: np.ndarray
    station: np.ndarray  # (n,)
    day: np.ndarray  # (n,) days since 1970
    values: np.ndarray  # (n, p, s)
    flags: np.ndarray  # (n, p, s)
    seen: np.ndarray  # (n, p, s)

    @property
    def subject(self) -> np.ndarray:
        """Station id of each row."""
        return np.asarray(self.names[self.station])

    @property
    def time(self) -> np.ndarray:
        """UTC second at which each row's day begins."""
        return day_begin(self.day)


def by_day(rows: Wide, period: str) -> Days:
    """Rows of a period that divides the day, laid out day by day; slots where nothing came hold NaN.

    A time that does not fall on a slot belongs to the slot it lies in; the last one of a slot counts.
    """
    step = length_s(period)
    slots = DAY_S // step
    day = day_of(rows.time)
    low = int(day.min()) if len(day) else 0
    span = int(day.max()) - low + 1 if len(day) else 1
    key, row = distinct(rows.station * np.int64(span) + (day - low))
    slot = (rows.time - day_begin(day)) // step
    shape = (len(key), rows.values.shape[1], slots)
    values, flags, seen = np.full(shape, np.nan), np.full(shape, int(Flag.MISSING), np.int8), np.zeros(shape, bool)
    values[row, :, slot], flags[row, :, slot], seen[row, :, slot] = rows.values, rows.flags, rows.seen
    return Days(rows.names, (key // span).astype(np.int64), key % span + low, values, flags, seen)


class Located(Protocol):
    """Rows that know their stations, ascending."""

    @property
    def names(self) -> np.ndarray:
        """Station ids, ascending."""

    @property
    def station(self) -> np.ndarray:
        """(n,) position of each row's station in names."""


def attribute(stations: pd.DataFrame, rows: Located, days: np.ndarray, column: str) -> np.ndarray:
    """A registry column of each row's station as it was valid on the row's day; "" where the registry has none.

    Args:
        stations: the registry's stations: station_id, valid_from, valid_to and the column.
        rows: rows whose stations are meant.
        days: (n,) days since 1970.
        column: the registry column.
    """
    out = np.full(len(rows.station), "", dtype=object)
    edges = np.searchsorted(rows.station, np.arange(len(rows.names) + 1))
    known = stations[stations["station_id"].isin(rows.names)].sort_values("valid_from")
    for row in known[["station_id", "valid_from", "valid_to", column]].itertuples(index=False, name=None):
        code = int(np.searchsorted(rows.names, row[0]))
        mine = slice(edges[code], edges[code + 1])
        since = np.datetime64(row[1] or "1970-01-01", "D").astype(np.int64)
        until = np.datetime64(row[2] or "9999-12-31", "D").astype(np.int64)
        out[mine][(days[mine] >= since) & (days[mine] <= until)] = row[3]
    return out


def fixed(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values as fixed-point integers (0 where missing), and where they are."""
    there = np.isfinite(values)
    return scaled(np.where(there, values, 0), FIXED).astype(np.int64), there


def mean_rounded(values: np.ndarray, *, need: int, decimals: int) -> np.ndarray:
    """Mean over the last axis, exact on the decimal figures and rounded half-even; NaN below `need` values."""
    whole, there = fixed(values)
    count = there.sum(axis=-1)
    below = np.maximum(count, 1).astype(np.int64) * 10**FIXED
    mean = divide_half_even(whole.sum(axis=-1) * 10**decimals, below) / 10.0**decimals
    return np.where(count >= max(need, 1), mean, np.nan)


def flag_of(flags: np.ndarray, used: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The flag of a result from those of the values it used, over the last axis.

    3 when any of them is suspect, else 2 when any was not evaluated, else 1; 9 where the result is not known.
    """
    suspect = ((flags == Flag.SUSPECT) & used).any(axis=-1)
    unknown = ((flags == Flag.NOT_EVALUATED) & used).any(axis=-1)
    worst = np.where(suspect, int(Flag.SUSPECT), np.where(unknown, int(Flag.NOT_EVALUATED), int(Flag.PASS)))
    return np.where(known, worst, int(Flag.MISSING)).astype(np.int32)


def results(**columns: object) -> pd.DataFrame:
    """Columns of the table `indicators` (arrays of n, or one value for all) as a frame.

    `time` is given in UTC seconds; text becomes categories.
    """
    spec = TABLES["indicators"]
    n = len(np.asarray(columns["time"]))
    data: dict[str, object] = {}
    for name in spec.columns:
        given = columns[name]
        data[name] = times(np.asarray(given)) if name == "time" else _column(given, n)
    return pd.DataFrame(data, copy=False)


def _column(given: object, n: int) -> np.ndarray | pd.Categorical:
    if isinstance(given, str):
        return words(np.zeros(n, np.int8), [given])
    if isinstance(given, pd.Categorical):
        return given
    array = np.asarray(given)
    if array.ndim == 0:
        return np.full(n, array)
    return array if array.dtype.kind in "biufM" else words(*pd.factorize(array.astype(object, copy=False)))


def words(codes: np.ndarray, texts: Sequence[str] | np.ndarray) -> pd.Categorical:
    """Text as codes into different words."""
    return pd.Categorical.from_codes(codes, dtype=_of_words(tuple(texts)), validate=False)


@lru_cache(1024)
def _of_words(texts: tuple[str, ...]) -> pd.CategoricalDtype:
    return pd.CategoricalDtype(pd.Index(texts, dtype="str"))


def nothing() -> pd.DataFrame:
    """No results, with the columns of the table `indicators`."""
    return TABLES["indicators"].frame()


def together(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Results of several calculations as one frame."""
    return joined([f for f in frames if len(f)] or [nothing()])


def joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of frames with the same columns; what is categories in one of them is categories."""
    if len(frames) == 1:
        return frames[0]
    return pd.DataFrame({c: _joined([f[c] for f in frames]) for c in frames[0].columns}, copy=False)


def _joined(parts: Sequence[pd.Series]) -> pd.Series | pd.Categorical:
    ours = [isinstance(p.dtype, pd.CategoricalDtype) for p in parts]
    if not any(ours):
        return pd.concat(parts, ignore_index=True)
    place: dict[str, int] = {}
    codes = []
    for part, known in zip(parts, ours, strict=True):
        text = part.array if known else part.astype("category").array
        mine = [place.setdefault(word, len(place)) for word in text.categories.tolist()]
        codes.append(np.array(mine, dtype=np.int32)[text.codes])
    return words(np.concatenate(codes), list(place))
