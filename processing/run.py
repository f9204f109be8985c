"""The shell of the ground eye: what changed in the observations -> quality flags and indicators of those days.

Flags of a day follow from its own values and those of the days around it, and indicators from the flags of the days
they reach. A changed day is therefore computed anew together with the days it can reach, and nothing else matters: a
day at a time, all at once, live or as history, the tables become the same.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache

import numpy as np
import pandas as pd

from domain.errors import StoreConflict
from domain.records import TABLES, Flag
from domain.registry import MEDIA
from domain.times import LOCAL, day_start, spans
from processing.aggregate import Observed, joined, together, words
from processing.corroboration import Around, corroborate
from processing.counts import Counts
from processing.registered import Registered, registered
from processing.reviews import MARK, overruled
from processing.screening import screen
from processing.upstream import upstream
from store.home import Home
from store.ledger.reviews import read_reviews
from store.scope import Scope

CURSOR = "compute"
#: Levels of flags: the tests' own, and those that people have set, which no run replaces.
AUTOMATIC = "auto-checked"
REVIEWED = ("reviewed", "published")
#: Days around a day whose values decide its flags: `qc.CONTEXT_S` is one day.
CONTEXT_DAYS = 1

_ATTEMPTS = 10
_PASSES = 20
_ROWS_AT_ONCE = 600_000
_ROWS_OF_STATION_MONTH = 12 * 744
_READ = ["medium", "station_id", "parameter", "time", "period", "value", "flag", "source_flag", "received_at"]
_log = logging.getLogger(__name__)

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundCounts(Counts):
    """Counts of a run, with what quality control said."""

    suspect: int = 0  # observations marked suspect
    failed: int = 0
    not_evaluated: dict[str, int] = field(default_factory=dict)  # "test: why it could not judge" -> observations

    def __add__(self, other: Counts) -> "GroundCounts":
        """Both together; what quality control said is added where the other has it."""
        mine, theirs = self.as_dict(), other.as_dict()
        reasons = Counter(self.not_evaluated) + Counter(getattr(other, "not_evaluated", {}))
        numbers = {k: n + theirs.get(k, 0) for k, n in mine.items() if k != "not_evaluated"}
        return GroundCounts(**numbers, not_evaluated=dict(reasons))


def compute(
    home: Home, *, now: datetime, media: Sequence[str] | None = None, progress: Progress | None = None
) -> GroundCounts:
    """Flags and indicators of everything that changed since the last run.

    Args:
        home: memory and registry.
        now: the moment written beside superseded rows.
        media: only these media; the others stay marked as changed.
        progress: called with what is being done and the share that is done.

    Raises:
        CatalogueError: a table of limits or thresholds is not as it must be.
        StoreConflict: other writers never let us through.
    """
    told = progress or (lambda _text, _share: None)
    counts, since = GroundCounts(), home.ledger.cursor(CURSOR)
    # Until nothing is left: somebody else may have read values newer than ours and finished before us. Whoever writes
    # last then sees those changes here and puts right what he wrote.
    before = None
    for _ in range(_PASSES):
        changes, more = home.lake.changes("observations", since), upstream(home)
        if changes.version == since and more == before:
            break
        plan = _plan(home, [(m, d) for m, d in changes.days | more.days if m in (media or MEDIA)])
        for i, span in enumerate(plan):
            told(f"{span.first.isoformat()} .. {span.last.isoformat()}", i / len(plan))
            counts += _settle(home, span, now)
        if media is None and more.fresh:
            more.settle(home)
        if media is None and changes.version != since:
            home.ledger.advance(CURSOR, changes.version)
        since, before = changes.version, (upstream(home) if media is None and more.fresh else more)
    told("", 1.0)
    return counts


@dataclass(frozen=True, slots=True)
class _Span:
    """Days that are computed in one go, both ends included, and the media that changes can have reached there."""

    first: date
    last: date
    media: tuple[str, ...]

    @property
    def start(self) -> datetime:
        return day_start(self.first)

    @property
    def end(self) -> datetime:
        return day_start(self.last + timedelta(days=1))

    @property
    def indicators(self) -> tuple[Registered, ...]:
        """What is computed from the observations of these media."""
        return tuple(r for m in self.media for r in _indicators(m))


@cache
def _indicators(medium: str) -> tuple[Registered, ...]:
    """What is computed from the observations of a medium: its own indicators and those of any station's health."""
    ours = (medium, "quality")
    return tuple(r for r in registered().values() if r.meta.takes == "observations" and r.meta.medium in ours)


def _reach(indicators: Iterable[Registered]) -> tuple[int, int]:
    """Days before and after a day whose observations its indicators depend on, through the flags."""
    metas = [r.meta for r in indicators]
    before, after = max((m.before_days for m in metas), default=0), max((m.after_days for m in metas), default=0)
    return before + CONTEXT_DAYS, after + CONTEXT_DAYS


def _plan(home: Home, dirty: Iterable[tuple[str, date]]) -> list[_Span]:
    """The days that changed days can reach, in spans of bounded size that end with a month where they can."""
    reached: dict[str, set[date]] = {}
    for medium, day in dirty:
        before, after = _reach(_indicators(medium))
        reached.setdefault(medium, set()).update(day + timedelta(days=n) for n in range(-after, before + 1))
    stations = int(home.registry.stations["medium"].isin(reached).sum())
    months = max(1, _ROWS_AT_ONCE // (_ROWS_OF_STATION_MONTH * max(1, stations)))
    out: list[_Span] = []
    for start, end in spans(set().union(*reached.values())):
        first, last = start.astimezone(LOCAL).date(), end.astimezone(LOCAL).date() - timedelta(days=1)
        while first <= last:
            stop = min(last, _month_end(first, months))
            media = tuple(m for m in MEDIA if any(first <= d <= stop for d in reached.get(m, ())))
            out += [_Span(first, stop, media)] if media else []
            first = stop + timedelta(days=1)
    return out


def _month_end(day: date, months: int) -> date:
    """Last day of the month in which so many months, counted from the day's own, end."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1) - timedelta(days=1)


def _settle(home: Home, span: _Span, now: datetime) -> GroundCounts:
    """One span computed and written; read and computed again when somebody else wrote the same months meanwhile."""
    for _ in range(_ATTEMPTS):
        try:
            return _write(home, span, now)
        except StoreConflict as conflict:
            _log.info("%s to %s: %s; computing again", span.first, span.last, conflict)
    raise StoreConflict(f"{span.first} to {span.last}: {_ATTEMPTS} runs in a row met another writer")


def _write(home: Home, span: _Span, now: datetime) -> GroundCounts:
    versions = {name: home.lake.version(name) for name in ("quality", "indicators")}
    before, after = _reach(span.indicators)
    start, end = span.start - timedelta(days=before), span.end + timedelta(days=after)
    observations = home.lake.read(
        "observations", columns=_READ, medium=span.media, start=start, end=end, categories=True
    )
    people = {"level": list(REVIEWED)}
    spoken = home.lake.read("quality", medium=span.media, start=start, end=end, where=people)
    logged = spoken["tests"].str.startswith(MARK)
    judging = _Judging(
        Around(home.registry.stations, home.lake.read("bands", medium=span.media)),
        spoken[~logged],
        read_reviews(home.ledger),
    )
    counts = GroundCounts(computed=(span.last - span.first).days + 1)
    flags, values = [], []
    for medium in span.media:
        ours = observations if len(span.media) == 1 else observations[observations["medium"] == medium]
        flagged, part = _flagged(ours, judging, medium, span)
        mine = _within(flagged["time"], span) & _by_us(flagged)
        flags.append(flagged.loc[mine, TABLES["quality"].columns])
        values.append(results(flagged, home.registry.stations, _indicators(medium)))
        counts += part
    found = together(values)
    computed = {"indicator": sorted({r.meta.id for r in span.indicators})}
    quality = joined(flags)
    for name, rows, where, gone in (
        ("quality", quality, {"level": [AUTOMATIC]}, _without(spoken[logged & _within(spoken["time"], span)], quality)),
        ("indicators", found[_within(found["time"], span)], computed, None),
    ):
        written = home.lake.upsert(
            name,
            rows,
            now=now,
            why="computed anew from changed observations",
            remove=gone,
            replace=Scope(span.start, span.end, span.media, where),
            expected_version=versions[name],
        )
        counts += Counts().wrote(written)
    return counts


def results(flagged: pd.DataFrame, stations: pd.DataFrame, indicators: Sequence[Registered]) -> pd.DataFrame:
    """Rows of the table `indicators` of every function among the given ones, for all days of the observations.

    Args:
        flagged: observations of one medium with the columns flag, tests and medium.
        stations: the registry's stations.
        indicators: what to compute.
    """
    observed = Observed(flagged)
    return together([f(observed, stations) for f in dict.fromkeys(r.function for r in indicators)])


@dataclass(frozen=True, slots=True)
class _Judging:
    """What flags follow from beside the observations."""

    around: Around
    spoken: pd.DataFrame  # rows of `quality` that people wrote themselves
    reviews: pd.DataFrame  # the log of reviews


def _flagged(
    observations: pd.DataFrame, judging: _Judging, medium: str, span: _Span
) -> tuple[pd.DataFrame, GroundCounts]:
    """Observations of one medium with flags, tests and level: people's where they have spoken, else the tests'."""
    inside = _within(observations["time"], span).to_numpy()
    first = screen(observations, medium, counted=inside)
    second = corroborate(observations, medium, first.flag, first.tests, judging.around, counted=inside)
    level = words(np.zeros(len(observations), np.int8), [AUTOMATIC])
    flagged = observations.assign(flag=second.flag, tests=second.tests, level=level)
    counts = GroundCounts(
        read=int(inside.sum()),
        suspect=int((second.flag[inside] == Flag.SUSPECT).sum()),
        failed=int((second.flag[inside] == Flag.FAIL).sum()),
        not_evaluated=dict(first.not_evaluated + second.not_evaluated),
    )
    if len(judging.reviews):
        flagged = overruled(flagged, judging.reviews)
    return (_overruled(flagged, judging.spoken) if len(judging.spoken) else flagged), counts


def _by_us(flags: pd.DataFrame) -> pd.Series:
    """Rows of `quality` that a run makes: by tests or from the log of reviews; the others people wrote themselves."""
    by_tests = flags["level"] == AUTOMATIC
    return by_tests if by_tests.all() else by_tests | flags["tests"].astype("str").str.startswith(MARK)


def _without(logged: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame | None:
    """The few stored rows from the log of reviews whose observations are gone."""
    keys = list(TABLES["quality"].key)
    if logged.empty:
        return None
    now = rows.loc[rows["time"].isin(logged["time"]), keys].astype(logged.dtypes[keys])
    return logged[~pd.MultiIndex.from_frame(logged[keys]).isin(pd.MultiIndex.from_frame(now))]


def _overruled(flagged: pd.DataFrame, spoken: pd.DataFrame) -> pd.DataFrame:
    """The flags with those that people have set in their place."""
    keys, said = list(TABLES["quality"].key), ["flag", "tests", "level"]
    both = flagged[keys].astype(spoken.dtypes[keys]).merge(spoken[[*keys, *said]], on=keys, how="left")
    there = both["level"].notna().to_numpy()
    out = flagged.astype({"tests": "str", "level": "str"})
    for column in said:
        out.loc[there, column] = both.loc[there, column].to_numpy()
    return out


def _within(times: pd.Series, span: _Span) -> pd.Series:
    return (times >= span.start) & (times < span.end)
