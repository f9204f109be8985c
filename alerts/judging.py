"""Values against conditions: numbers, limits in force, rates of change, what is usual."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from alerts.conditions import Anomaly, Input, LimitReference, Rate, Reference, Threshold
from alerts.lifecycle import Bools, Ints
from alerts.rules import SEVERITIES, Rule
from alerts.samples import MICRO, Floats, Samples
from domain.limits import Limit, limit_of

Stations = Mapping[str, Sequence[Mapping[str, Any]]]  # station id -> its registry rows, one for each validity

_DAY = timedelta(days=1) // MICRO
_EAST = timedelta(hours=8) // MICRO  # Shanghai has kept UTC+8 without summer time since 1991
_COMPARE = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}


@dataclass(frozen=True, slots=True)
class Judged:
    """Samples against their threshold: whether it is broken, how badly (comparable within a subject), how severely."""

    threshold: Floats
    breach: Bools
    badness: Floats
    level: Ints  # position in SEVERITIES
    held: Bools  # broken, or not so far from it that what fires would end: within the deadband

    def where(self, kept: Bools) -> "Judged":
        """Only some of them."""
        return Judged(self.threshold[kept], self.breach[kept], self.badness[kept], self.level[kept], self.held[kept])


def judge(rule: Rule, samples: Samples, stations: Stations) -> Judged:
    """Every sample of a simple rule against its condition; where there is no limit nothing is broken.

    Raises:
        ValueError: the rule has not exactly one condition.
        CatalogueError: a station's zone or target is not in the tables of limits.
    """
    if rule.condition is None:
        raise ValueError(f"{rule.id} has no condition")
    return leveled(rule, samples, judge_input(rule.inputs[0], samples, stations))


def leveled(rule: Rule, samples: Samples, judged: Judged) -> Judged:
    """With the severity each value has by the rule."""
    level = np.full(len(samples.value), rule.mildest, dtype=np.int64)
    down = isinstance(rule.condition, Threshold) and rule.condition.op.startswith("<")
    for severity, begins in rule.levels[1:]:
        level[samples.value <= begins if down else samples.value >= begins] = SEVERITIES.index(severity)
    return replace(judged, level=level)


def judge_input(part: Input, samples: Samples, stations: Stations) -> Judged:
    """Every sample against one condition, without severities.

    Args:
        part: what is watched, and the condition.
        samples: its values; for a rate the rates, for an anomaly with the edges of what is usual.
        stations: registry rows by station, for limits.
    """
    match part.condition:
        case Threshold(op=op, value=value, deadband=deadband):
            return _against_number(op, value, deadband, samples.value)
        case Rate(rate=change):
            return _against_number(change.op, change.value, 0.0, samples.value)
        case LimitReference(limit=reference, deadband_pct=pct):
            high, low = _limits(reference, reference.parameter or part.parameter, samples, stations)
            return _against_edges(samples.value, low, high, pct / 100)
        case Anomaly():
            none = np.full(len(samples.value), np.nan)
            low = none if samples.low is None else samples.low
            return _against_edges(samples.value, low, none if samples.high is None else samples.high, 0.0)


def _against_number(op: str, limit: float, deadband: float, v: Floats) -> Judged:
    down = op.startswith("<")
    breach = _COMPARE[op](v, limit)
    held = breach | (v < limit + deadband if down else v > limit - deadband)
    return _judged(np.full(len(v), limit), breach, -v if down else v, held)


def _against_edges(v: Floats, low: Floats, high: Floats, deadband: float) -> Judged:
    """Outside of [low, high]; the deadband is a share of the edge. NaN edges are none."""
    under = v < low
    threshold = np.where(under | np.isnan(high), low, high)
    breach = under | (v > high)
    held = breach
    if deadband:
        held = breach | (v < low + deadband * np.abs(low)) | (v > high - deadband * np.abs(high))
    return _judged(threshold, breach, np.where(under, low - v, v - high), held)


def _judged(threshold: Floats, breach: Bools, badness: Floats, held: Bools) -> Judged:
    return Judged(threshold, breach, badness, np.zeros(len(breach), dtype=np.int64), held)


def _limits(reference: Reference, parameter: str, samples: Samples, stations: Stations) -> tuple[Floats, Floats]:
    """Upper and lower limit of each sample; NaN where the standard sets none."""
    days = (samples.start + _EAST) // _DAY
    width = int(days.max(initial=0)) + 1
    keys, inverse = np.unique(samples.subject * width + days, return_inverse=True)
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
