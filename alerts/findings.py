"""From judged values to alerts: when the condition held, when a station is silent, and what is told of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from alerts.judging import Judged
from alerts.lifecycle import Ended, History, Ints, Policy, Status, history
from alerts.rules import SEVERITIES, Rule
from alerts.samples import MICRO, Samples, moment
from alerts.subjects import Subjects, fingerprint
from domain.records import Alert


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
    level_now: int  # the last
    fired_level: int  # that with which it fired
    turns: tuple[tuple[int, int], ...] = ()  # (moment, level) of every change after that


def spells(rule: Rule, samples: Samples, judged: Judged, now: int) -> list[Spell]:
    """The alerts of all subjects of a rule up to `now` (microseconds)."""
    policy = Policy(
        stale_after=(rule.stale_after or timedelta(0)) // MICRO,
        hold=0 if isinstance(rule.hold, int) else rule.hold // MICRO,
        count=rule.hold if isinstance(rule.hold, int) else 1,
        keep=rule.keep // MICRO,
    )
    h = history(samples.subject, samples.start, samples.end, judged.breach, now, policy, held=judged.held)
    return [_spell(rule, samples, judged, h, n) for n in range(len(h.series))]


def _spell(rule: Rule, samples: Samples, judged: Judged, h: History, n: int) -> Spell:
    at = h.order[h.first[n] : h.last[n] + 1]
    true = at[judged.breach[at]]  # only these say how bad it was
    worst = true[np.argmax(judged.badness[true])]
    if rule.ease is not None:
        at = h.order[h.first[n] : _stop(samples, h, n)]
    end = samples.end[at]
    course = _course(rule, end - h.starts_at[n], np.where(judged.breach[at], judged.level[at], -1))
    fired = int(h.fired_at[n]) if h.fired[n] >= 0 else None
    before = 0 if fired is None else int(np.searchsorted(end, fired))
    turns = np.flatnonzero(course[before + 1 :] != course[before:-1]) + before + 1
    return Spell(
        subject=samples.subjects[h.series[n]],
        starts_at=int(h.starts_at[n]),
        fired_at=fired,
        ends_at=None if h.ends_at[n] < 0 else int(h.ends_at[n]),
        stale=bool(h.stale[n]),
        value=float(samples.value[worst]),
        threshold=float(judged.threshold[worst]),
        level=int(course.max()),
        level_now=int(course[-1]),
        fired_level=int(course[before]),
        turns=tuple((int(end[i]), int(course[i])) for i in turns),
    )


def _stop(samples: Samples, h: History, n: int) -> int:
    """The position in `order` behind the last value during the alert."""
    over = h.ends_at[n] if h.ends_at[n] >= 0 else np.iinfo(np.int64).max
    stop = int(h.last[n]) + 1
    while stop < len(h.order):
        at = h.order[stop]
        if samples.subject[at] != h.series[n] or samples.end[at] >= over:
            break
        stop += 1
    return stop


def _course(rule: Rule, lasted: Ints, level: Ints) -> Ints:
    """The severity at each value of an alert.

    Args:
        rule: says how it escalates and whether it eases.
        lasted: since when the condition held, at the end of each value, microseconds.
        level: severity by the value alone; -1 where the condition did not hold.
    """
    level = level.copy()
    for severity, held in rule.escalate.items():
        grown = (level >= 0) & (lasted >= held // MICRO)
        level[grown] = np.maximum(level[grown], SEVERITIES.index(severity))
    level = np.maximum(level, rule.mildest)
    if rule.ease is None:
        return np.maximum.accumulate(level)
    first = np.searchsorted(lasted, lasted - rule.ease // MICRO, side="right")
    return np.array([level[f : i + 1].max() for i, f in enumerate(first)], dtype=np.int64)


def next_at(rule: Rule, samples: Samples, found: Iterable[Spell], now: int) -> int | None:
    """When the alerts will change although no value comes: a value is over, or an open alert goes stale."""
    judged = samples.end <= now
    newest = np.full(len(samples.subjects), -1, dtype=np.int64)
    np.maximum.at(newest, samples.subject[judged], samples.end[judged])
    of = {subject: i for i, subject in enumerate(samples.subjects)}
    stale_after = (rule.stale_after or timedelta(0)) // MICRO
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
    hour = timedelta(hours=1) / MICRO
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
            level_now=level,
            fired_level=level,
        )
        for i in np.flatnonzero(np.where(last, gap >= wait, gap > wait))
    ]


@dataclass(frozen=True, slots=True)
class Found:
    """One alert as the data give it; `fired_as` and `turns` tell how its severity came about."""

    alert: Alert
    fired_as: str
    turns: tuple[tuple[datetime, str], ...]


def tell(rule: Rule, spell: Spell, unit: str, subjects: Subjects) -> Found:
    """The alert of a spell, with its labels and summaries."""
    starts_at = moment(spell.starts_at)
    zh, en = subjects.summary(
        rule, spell.subject, value=spell.value, threshold=spell.threshold, unit=unit, time=starts_at
    )
    fired_at = None if spell.fired_at is None else moment(spell.fired_at)
    turns = tuple((moment(at), str(SEVERITIES[level])) for at, level in spell.turns)
    alert = Alert(
        fingerprint=fingerprint(rule.id, spell.subject),
        rule=rule.id,
        subject=spell.subject,
        labels=subjects.labels(rule, spell.subject),
        status=_status(spell),
        starts_at=starts_at,
        fired_at=fired_at,
        ends_at=None if spell.ends_at is None else moment(spell.ends_at),
        reason="" if spell.ends_at is None else str(Ended.STALE if spell.stale else Ended.RECOVERED),
        value=spell.value,
        threshold=spell.threshold,
        unit=unit,
        severity=str(SEVERITIES[spell.level]),
        severity_now=str(SEVERITIES[spell.level_now]),
        turned_at=turns[-1][0] if turns else fired_at,
        summary_zh=zh,
        summary_en=en,
        cause_zh=rule.cause.zh,
        cause_en=rule.cause.en,
        action_zh=rule.action.zh,
        action_en=rule.action.en,
    )
    return Found(alert, str(SEVERITIES[spell.fired_level]), turns)


def _status(spell: Spell) -> str:
    if spell.fired_at is None:
        return str(Status.PENDING)
    return str(Status.FIRING if spell.ends_at is None else Status.RESOLVED)
