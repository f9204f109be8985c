"""From values to alerts: which values break a rule, when a station is silent, and what alerts follow."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.lifecycle import Bools, Ended, Ints, Policy, Status, history
from alerts.rules import SEVERITIES, LimitReference, Reference, Rule, Threshold
from alerts.subjects import Subjects, fingerprint
from domain.limits import Limit, limit_of
from domain.records import Alert

Floats = NDArray[np.float64]
Stations = Mapping[str, Sequence[Mapping[str, Any]]]  # station id -> its registry rows, one for each validity

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)
_DAY = timedelta(days=1) // _MICRO
_EAST = timedelta(hours=8) // _MICRO  # Shanghai has kept UTC+8 without summer time since 1991


def micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (moment - _EPOCH) // _MICRO


def moment(at: int) -> datetime:
    """The UTC instant of microseconds since 1970."""
    return _EPOCH + int(at) * _MICRO


@dataclass(frozen=True, slots=True)
class Samples:
    """Values of one rule, one element each; `subject` is a position in `subjects`."""

    subjects: tuple[str, ...]
    subject: Ints
    start: Ints  # microseconds
    end: Ints
    value: Floats


@dataclass(frozen=True, slots=True)
class Judged:
    """Samples against their threshold: whether it is broken, how badly (comparable within a subject), how severely."""

    threshold: Floats
    breach: Bools
    badness: Floats
    level: Ints  # position in SEVERITIES


@dataclass(frozen=True, slots=True)
class Spell:
    """One alert in numbers; times in microseconds, None where there is none."""

    subject: str
    starts_at: int
    fired_at: int | None
    ends_at: int | None
    stale: bool
    value: float  # the worst
    threshold: float  # what it broke
    level: int  # the worst
    fired_level: int  # the worst when it fired
    escalations: tuple[tuple[int, int], ...] = ()  # (moment, level) of every worsening after that


def judge(rule: Rule, samples: Samples, stations: Stations) -> Judged:
    """Every sample against the rule's condition; where there is no limit nothing is broken.

    Raises:
        ValueError: the rule has no condition.
        CatalogueError: a station's zone or target is not in the tables of limits.
    """
    match rule.condition:
        case Threshold() as condition:
            return _against_number(rule, condition, samples.value)
        case LimitReference(limit=reference):
            return _against_limit(rule, reference, samples, stations)
        case None:
            raise ValueError(f"{rule.id} has no condition")


def _against_number(rule: Rule, condition: Threshold, v: Floats) -> Judged:
    compare = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}[condition.op]
    down = condition.op.startswith("<")
    level = _mildest(rule, len(v))
    for severity, begins in rule.levels[1:]:
        level[v <= begins if down else v >= begins] = SEVERITIES.index(severity)
    return Judged(np.full(len(v), condition.value), compare(v, condition.value), -v if down else v, level)


def _against_limit(rule: Rule, reference: Reference, samples: Samples, stations: Stations) -> Judged:
    v = samples.value
    high, low = _limits(rule, reference, samples, stations)
    under = v < low
    threshold = np.where(under | np.isnan(high), low, high)
    return Judged(threshold, under | (v > high), np.where(under, low - v, v - high), _mildest(rule, len(v)))


def _mildest(rule: Rule, n: int) -> Ints:
    mildest = rule.severity if isinstance(rule.severity, str) else rule.levels[0][0]
    return np.full(n, SEVERITIES.index(mildest), dtype=np.int64)


def _limits(rule: Rule, reference: Reference, samples: Samples, stations: Stations) -> tuple[Floats, Floats]:
    """Upper and lower limit of each sample; NaN where the standard sets none."""
    days = (samples.start + _EAST) // _DAY
    width = int(days.max(initial=0)) + 1
    keys, inverse = np.unique(samples.subject * width + days, return_inverse=True)
    parameter = reference.parameter or rule.parameter
    limits = [
        _limit(reference, parameter, stations.get(samples.subjects[s], ()), date(1970, 1, 1) + timedelta(d))
        for s, d in (divmod(int(k), width) for k in keys)
    ]
    high = np.array([x.value if x and x.sense != "at least" else np.nan for x in limits], dtype=float)
    low = np.array([(x.value if x.sense == "at least" else x.low) if x else np.nan for x in limits], dtype=float)
    return high[inverse], low[inverse]


def _limit(reference: Reference, parameter: str, rows: Iterable[Mapping[str, Any]], day: date) -> Limit | None:
    """The limit by the registry row in force on the day."""
    text = day.isoformat()
    there = [r for r in rows if r["valid_from"] <= text and (not r["valid_to"] or text <= r["valid_to"])]
    if not there:
        return None
    return limit_of(reference.standard, parameter, there[-1], day, averaging=reference.averaging)


def spells(rule: Rule, samples: Samples, judged: Judged, now: int) -> list[Spell]:
    """The alerts of all subjects of a rule up to `now` (microseconds)."""
    policy = Policy(
        stale_after=(rule.stale_after or timedelta(0)) // _MICRO,
        hold=0 if isinstance(rule.hold, int) else rule.hold // _MICRO,
        count=rule.hold if isinstance(rule.hold, int) else 1,
        keep=rule.keep // _MICRO,
    )
    h = history(samples.subject, samples.start, samples.end, judged.breach, now, policy)
    out = []
    for n in range(len(h.series)):
        # Only the true ones among the samples of the alert say how bad it was.
        at = h.order[h.first[n] : h.last[n] + 1]
        at = at[judged.breach[at]]
        worst = at[np.argmax(judged.badness[at])]
        level = np.maximum.accumulate(judged.level[at])
        fired = int(h.fired[n])
        before = 0 if fired < 0 else int(np.searchsorted(samples.end[at], h.fired_at[n]))
        rises = np.flatnonzero(level[before + 1 :] > level[before:-1]) + before + 1
        out.append(
            Spell(
                subject=samples.subjects[h.series[n]],
                starts_at=int(h.starts_at[n]),
                fired_at=None if fired < 0 else int(h.fired_at[n]),
                ends_at=None if h.ends_at[n] < 0 else int(h.ends_at[n]),
                stale=bool(h.stale[n]),
                value=float(samples.value[worst]),
                threshold=float(judged.threshold[worst]),
                level=int(level[-1]),
                fired_level=int(level[before]),
                escalations=tuple((int(samples.end[at[i]]), int(level[i])) for i in rises),
            )
        )
    return out


def next_at(rule: Rule, samples: Samples, found: Iterable[Spell], now: int) -> int | None:
    """When the alerts will change although no value comes: a value is over, or an open alert goes stale."""
    judged = samples.end <= now
    newest = np.full(len(samples.subjects), -1, dtype=np.int64)
    np.maximum.at(newest, samples.subject[judged], samples.end[judged])
    of = {subject: i for i, subject in enumerate(samples.subjects)}
    stale_after = (rule.stale_after or timedelta(0)) // _MICRO
    moments = [int(newest[of[s.subject]]) + stale_after for s in found if s.ends_at is None]
    moments += samples.end[~judged].tolist()
    return min(moments, default=None)


@dataclass(frozen=True, slots=True)
class Contacts:
    """What was heard of stations: the ends of their values, and when each station is to be heard at all."""

    stations: tuple[str, ...]
    station: Ints  # position in `stations`, one for each value
    end: Ints
    since: Ints  # for each station: from here on it is due; -1: from its first value on
    until: Ints  # for each station: up to here
    wait: Ints  # for each station: how long it may be silent


def silences(rule: Rule, contacts: Contacts, now: int) -> list[Spell]:
    """Every time a station said nothing for longer than it may: since its last value, fired when the wait was over.

    The silence of a station that is no longer due ends as stale: nobody heard it recover.
    """
    due = np.flatnonzero(contacts.since >= 0)
    station, end = np.r_[contacts.station, due], np.r_[contacts.end, contacts.since[due]]
    counts = (end >= contacts.since[station]) & (end <= contacts.until[station])
    order = np.lexsort((end[counts], station[counts]))
    station, end = station[counts][order], end[counts][order]
    last = np.r_[station[1:] != station[:-1], True][: len(station)]
    following = np.where(last, contacts.until[station], np.r_[end[1:], 0][: len(end)])
    gap, wait = following - end, contacts.wait[station]
    # A value that comes exactly when the wait is over is in time; none at that moment is silence.
    hour = timedelta(hours=1) / _MICRO
    level = SEVERITIES.index(rule.severity) if isinstance(rule.severity, str) else 0
    return [
        Spell(
            subject=contacts.stations[station[i]],
            starts_at=int(end[i]),
            fired_at=int(end[i] + wait[i]),
            ends_at=None if last[i] and following[i] >= now else int(following[i]),
            stale=bool(last[i] and following[i] < now),
            value=gap[i] / hour,
            threshold=wait[i] / hour,
            level=level,
            fired_level=level,
        )
        for i in np.flatnonzero(np.where(last, gap >= wait, gap > wait))
    ]


@dataclass(frozen=True, slots=True)
class Found:
    """One alert as the data give it; `fired_as` and `escalations` tell how its severity came about."""

    alert: Alert
    fired_as: str
    escalations: tuple[tuple[datetime, str], ...]


def tell(rule: Rule, spell: Spell, unit: str, subjects: Subjects) -> Found:
    """The alert of a spell, with its labels and summaries."""
    starts_at = moment(spell.starts_at)
    zh, en = subjects.summary(
        rule, spell.subject, value=spell.value, threshold=spell.threshold, unit=unit, time=starts_at
    )
    alert = Alert(
        fingerprint=fingerprint(rule.id, spell.subject),
        rule=rule.id,
        subject=spell.subject,
        labels=subjects.labels(rule, spell.subject),
        status=_status(spell),
        starts_at=starts_at,
        fired_at=None if spell.fired_at is None else moment(spell.fired_at),
        ends_at=None if spell.ends_at is None else moment(spell.ends_at),
        reason="" if spell.ends_at is None else str(Ended.STALE if spell.stale else Ended.RECOVERED),
        value=spell.value,
        threshold=spell.threshold,
        unit=unit,
        severity=str(SEVERITIES[spell.level]),
        summary_zh=zh,
        summary_en=en,
    )
    escalations = tuple((moment(at), str(SEVERITIES[level])) for at, level in spell.escalations)
    return Found(alert, str(SEVERITIES[spell.fired_level]), escalations)


def _status(spell: Spell) -> str:
    if spell.fired_at is None:
        return str(Status.PENDING)
    return str(Status.FIRING if spell.ends_at is None else Status.RESOLVED)
