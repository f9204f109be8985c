"""Unit tests of rules, as YAML: series in, alerts out; no lake, no clock.

    rules: rules.yaml            # beside this file; by default the rules in force
    tests:
      - name: Three bad hours fire, two do not
        rule: air.polluted
        subject: air-1           # a station of the registry, for limits and names; by default `test`
        start: "2026-08-18T08:00+08:00"
        values: "100 160 170x2 _ 90"     # one a period; _ missing, 170x2 two of them
        alerts:
          - {starts: PT1H, fires: PT4H, ends: PT6H, reason: recovered, severity: yellow}

`values` is a text, or for a composition a list with one text an input. Of a rule about silence a number is a value that
was heard. A part may have its own `every` (by default the first period of what is watched). `until` ends the look (by
default the end of the last value). `usual` (low, middle, high) is the band of an anomaly.
`alerts` is the whole list, in order; times count from `start`. Without `fires` the alert is pending, without `ends` it
still goes on. `severity` is the worst, `now` the present one; both may be left out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, field_validator

from alerts.compositions import compose
from alerts.conditions import Anomaly, Composition, Duration, Input, OnSilence, Rate
from alerts.findings import Contacts, Spell, silences, spells
from alerts.inputs import edges
from alerts.judging import Stations, judge_input, leveled
from alerts.lifecycle import Ended
from alerts.rules import SEVERITIES, Rule, RuleBook, load
from alerts.samples import MICRO, Samples, micros, rates
from domain.documents import Document, Strict
from domain.errors import CatalogueError
from domain.records import Severity
from domain.times import HOUR, LENGTHS, LOCAL

_VALUE = re.compile(r"(_|[-+]?\d+(?:\.\d+)?)(?:x(\d+))?")


class Expected(Strict):
    """One alert; times since the start of the test."""

    starts: Duration
    fires: Duration | None = None
    ends: Duration | None = None
    reason: Ended | None = None
    severity: Severity | None = None
    now: Severity | None = None


class Band(Strict):
    """What is usual, for an anomaly."""

    low: float
    middle: float
    high: float


class Case(Strict):
    """One test."""

    name: str = Field(min_length=1)
    rule: str
    subject: str = "test"
    start: datetime
    values: str | tuple[str, ...]
    every: Duration | tuple[Duration, ...] | None = None
    until: Duration | None = None
    usual: Band | None = None
    alerts: tuple[Expected, ...]

    @field_validator("start", mode="before")
    @classmethod
    def _start(cls, start: object) -> object:
        moment = datetime.fromisoformat(start) if isinstance(start, str) else start
        if not isinstance(moment, datetime):
            raise ValueError(f'{start!r} is no instant; write for example "2026-08-18T08:00+08:00", in quotes')
        return moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)

    @field_validator("values")
    @classmethod
    def _values(cls, values: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for text in (values,) if isinstance(values, str) else values:
            wrong = [word for word in text.split() if not _VALUE.fullmatch(word)]
            if wrong:
                raise ValueError(f"{wrong[0]!r} is no value; write a number, _ for a missing one, or 90x5")
        return values

    @property
    def series(self) -> tuple[tuple[float, ...], ...]:
        """The values of each input, NaN where missing."""
        texts = (self.values,) if isinstance(self.values, str) else self.values
        return tuple(_expanded(text) for text in texts)


class Cases(Strict):
    """A file of tests."""

    rules: str | None = None
    tests: tuple[Case, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one test: what was wanted and what was found, each alert in one line; equal when it passed."""

    name: str
    rule: str
    wanted: tuple[str, ...]
    found: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the rule does what was wanted."""
        return self.wanted == self.found


def run_tests(path: Path, stations: Stations, rules: RuleBook) -> list[Result]:
    """Every test of a file.

    Args:
        path: the file of tests.
        stations: registry rows by station, for limits.
        rules: the rules in force, for a file that names none.

    Raises:
        CatalogueError: tests or rules are not as they must be; every problem with its line.
    """
    document = Document.read(path)
    cases = document.parse(Cases)
    book = rules if cases.rules is None else load(path.parent / cases.rules)
    problems = [
        document.problem(("tests", n), problem)
        for n, case in enumerate(cases.tests)
        if (problem := _problem(case, book.by_id.get(case.rule)))
    ]
    if problems:
        raise CatalogueError(problems)
    return [_result(case, book.by_id[case.rule], stations) for case in cases.tests]


def _problem(case: Case, rule: Rule | None) -> str:
    if rule is None:
        return f"{case.rule!r} is no rule here"
    wanted = max(len(rule.inputs), 1)
    if len(case.series) != wanted:
        return f"{rule.id} watches {wanted} series, and {len(case.series)} are given"
    if isinstance(rule.on, OnSilence) and case.every is None:
        return "a test of silence needs every: the cadence of the station"
    if rule.needs_bands and case.usual is None:
        return "a test of an anomaly needs usual: {low, middle, high}"
    return ""


def _expanded(text: str) -> tuple[float, ...]:
    out: list[float] = []
    for word in text.split():
        match = _VALUE.fullmatch(word)
        if match:
            out += [float("nan") if match[1] == "_" else float(match[1])] * int(match[2] or 1)
    return tuple(out)


def _result(case: Case, rule: Rule, stations: Stations) -> Result:
    lengths = _lengths(case, rule)
    end = max((len(v) * step for v, step in zip(case.series, lengths, strict=True)), default=timedelta(0))
    now = micros(case.start + (case.until or end))
    if isinstance(rule.on, OnSilence):
        found = _silent(case, rule, lengths[0], now)
    else:
        found = _spells(case, rule, lengths, now, stations)
    begin = micros(case.start)
    wanted = tuple(_line(e) for e in case.alerts)
    told = tuple(
        _line(_trimmed(_seen(s, begin), e)) for s, e in zip(found, _padded(case.alerts, len(found)), strict=True)
    )
    return Result(case.name, rule.id, wanted, told)


def _lengths(case: Case, rule: Rule) -> list[timedelta]:
    """How long one value of each series is."""
    if isinstance(case.every, tuple):
        return list(case.every)
    if case.every is not None:
        return [case.every] * len(case.series)
    return [LENGTHS[i.on.period[0]] or LENGTHS[HOUR] for i in rule.inputs]


def _spells(case: Case, rule: Rule, lengths: Sequence[timedelta], now: int, stations: Stations) -> list[Spell]:
    parts = []
    for part, series, step in zip(rule.inputs, case.series, lengths, strict=True):
        samples = _prepared(part, _samples(case, series, step), case.usual)
        parts.append((samples, judge_input(part, samples, stations)))
    if isinstance(rule.on, Composition):
        samples, judged = compose(rule.on, parts, (rule.stale_after or timedelta(0)) // MICRO)
    else:
        samples, judged = parts[0]
    return spells(rule, samples, leveled(rule, samples, judged), now)


def _samples(case: Case, series: Sequence[float], step: timedelta) -> Samples:
    value = np.array(series, dtype=np.float64)
    start = micros(case.start) + np.arange(len(value), dtype=np.int64) * (step // MICRO)
    there = ~np.isnan(value)
    subject = np.zeros(len(value), dtype=np.int64)
    return Samples((case.subject,), subject, start, start + step // MICRO, value).where(there)


def _prepared(part: Input, samples: Samples, band: Band | None) -> Samples:
    match part.condition:
        case Rate(rate=change):
            return rates(samples, change)
        case Anomaly(anomaly=how) if band is not None:
            middle = np.full(len(samples.value), band.middle)
            low, high = (edges(middle, np.full(len(middle), edge), how) for edge in (band.low, band.high))
            none = np.full(len(middle), np.nan)
            return replace(samples, low=none if how.side == "high" else low, high=none if how.side == "low" else high)
    return samples


def _silent(case: Case, rule: Rule, cadence: timedelta, now: int) -> list[Spell]:
    if not isinstance(rule.on, OnSilence):
        raise TypeError(f"{rule.id} is not about silence")
    heard = _samples(case, case.series[0], cadence).end
    one = np.zeros(1, dtype=np.int64)
    contacts = Contacts(
        stations=(case.subject,),
        station=np.zeros(len(heard), dtype=np.int64),
        end=heard,
        since=one + micros(case.start),
        until=one + now,
        wait=one + rule.on.wait(cadence) // MICRO,
    )
    return silences(rule, contacts, now)


def _seen(spell: Spell, begin: int) -> Expected:
    def since(at: int | None) -> timedelta | None:
        return None if at is None else (at - begin) * MICRO

    ended = spell.ends_at is not None
    return Expected.model_construct(
        starts=since(spell.starts_at),
        fires=since(spell.fired_at),
        ends=since(spell.ends_at),
        reason=(Ended.STALE if spell.stale else Ended.RECOVERED) if ended else None,
        severity=SEVERITIES[spell.level],
        now=SEVERITIES[spell.level_now],
    )


def _padded(wanted: Sequence[Expected], n: int) -> list[Expected | None]:
    return [*wanted, *[None] * n][:n]


def _trimmed(seen: Expected, wanted: Expected | None) -> Expected:
    """Without what the test does not ask for."""
    left_out = {k: None for k in ("reason", "severity", "now") if wanted is not None and getattr(wanted, k) is None}
    return seen.model_copy(update=left_out)


def _line(e: Expected) -> str:
    parts: Mapping[str, Any] = {
        "starts": _span(e.starts),
        "fires": None if e.fires is None else _span(e.fires),
        "ends": None if e.ends is None else _span(e.ends),
        "reason": e.reason,
        "severity": e.severity,
        "now": e.now,
    }
    return ", ".join(f"{k} {v}" for k, v in parts.items() if v is not None)


def _span(length: timedelta) -> str:
    """A length as the ISO 8601 duration people write in tests."""
    seconds = int(length.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    clock = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if n)
    if not days and not clock:
        return "PT0S"
    return f"{sign}P{f'{days}D' if days else ''}{f'T{clock}' if clock else ''}"
