"""Alert rules: `rules.yaml`, read strictly. A rule is data; adding one touches no code.

id          `medium.what`, unique
title       name for people, zh and en
on          what is watched, one of
            {indicator, period}          values of an indicator; with `share_of: area` per cent of the subject's area
            {parameter, medium, period}  observations, without those that quality control failed
            {silence: station, feed, cadences, grace}
                                         a station that says nothing for so many of its cadences and a grace, in the
                                         time for which the feed was asked: absence of data, an alarm class of its own
            {all: [...]}, {any: [...]}, {not: ...}
                                         a composition of parts, each {on, condition} or again a composition, about one
                                         subject; a part counts with its newest value no older than `stale_after`, and
                                         what is not known decides nothing
            `period` may be a list; of values with one end that of the period named first counts
condition   {op, value, deadband}                     one number
            {limit: {standard, averaging, parameter}, deadband_pct}
                                                      the limit in force at the station (its zone or target class) on
                                                      the day of the value, broken in the sense the standard gives it
            {rate: {op, value, per, within, either}}  rate of change by true elapsed time
            {anomaly: {times, floor, side}}           against what is usual at the same hour and season
            None for silence and compositions. What fires ends only beyond the deadband
for         ISO 8601 duration the condition must hold, or a number of consecutive values; by default one value fires
keep        how long it goes on firing after it was last true
stale_after without a value for so long it ends as stale, which is no recovery. None for silence
severity    a colour, or colour: value from which on it holds; `severity` of an alert is the worst it reached
escalate    colour: duration the condition has held from which on it is at least of that colour
ease        the present colour goes down when no value of the worse one was seen for so long; by default never
late        an alarm that was over when data so late told of it is historical: recorded and counted, never said
labels      further labels beside township and medium, for example {eye: sky}
inhibit     rules that silence this one while they fire on the same subject
cause       the likely first cause, zh and en
action      what to do first, zh and en
summary     zh and en, with {subject} {value} {threshold} {unit} {time}
"""

import hashlib
import string
from datetime import timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from alerts.conditions import (
    Anomaly,
    Composition,
    Condition,
    Duration,
    Input,
    LimitReference,
    On,
    OnIndicator,
    OnParameter,
    OnSilence,
    Text,
    Threshold,
    inputs_of,
    is_duration,
    is_told,
)
from domain.documents import Document, Strict
from domain.errors import CatalogueError
from domain.records import Severity
from domain.times import LENGTHS

RULES = Path(__file__).parent / "rules.yaml"

#: What a summary may say.
FIELDS = ("subject", "value", "threshold", "unit", "time")
SEVERITIES = tuple(Severity)  # mildest first

#: An alarm that was over for longer than this when it was found is news of the past.
LATE = timedelta(days=1)


class Rule(Strict):
    """One rule; see the module for its keys."""

    id: str = Field(pattern=r"^[a-z]+\.[a-z0-9_]+$")
    title: Text
    on: On
    condition: Condition | None = None
    hold: Duration | Annotated[int, Field(ge=1, strict=True)] = Field(default=1, alias="for")
    keep: Duration = timedelta(0)
    stale_after: Duration | None = None
    severity: Severity | dict[Severity, float]
    escalate: dict[Severity, Duration] = Field(default_factory=dict)
    ease: Duration | None = None
    late: Duration = LATE
    labels: dict[str, str] = Field(default_factory=dict)
    inhibit: tuple[str, ...] = ()
    cause: Text
    action: Text
    summary: Text

    @field_validator("hold", mode="before")
    @classmethod
    def _hold(cls, value: object) -> object:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if not is_duration(value):
            raise ValueError(f"{value!r} is neither a duration such as PT3H nor a number of values")
        return value

    @field_validator("summary")
    @classmethod
    def _fields(cls, summary: Text) -> Text:
        for text in (summary.zh, summary.en):
            try:
                used = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
            except ValueError as error:
                raise ValueError(f"{text!r}: {error}") from None
            if used - set(FIELDS):
                raise ValueError(f"{text!r} uses {sorted(used - set(FIELDS))}; known are {', '.join(FIELDS)}")
        return summary

    @model_validator(mode="after")
    def _fits(self) -> "Rule":
        if isinstance(self.on, OnSilence):
            self._check_silence()
        elif self.stale_after is None or (self.condition is None) != isinstance(self.on, Composition):
            raise ValueError(
                "condition and stale_after are needed; only silence has none, and a composition has its conditions "
                "in its parts"
            )
        if self.stale_after is not None and self.stale_after < self.longest:
            raise ValueError(f"stale_after is shorter than the period of a value, {self.longest}")
        if isinstance(self.on, Composition) and not is_told(self.on):
            raise ValueError("a composition needs a part that is not negated: its value is what is told")
        _ = self.inputs  # an input has checks of its own
        self._check_levels()
        return self

    def _check_silence(self) -> None:
        if self.condition is not None or self.stale_after is not None or "hold" in self.model_fields_set:
            raise ValueError("silence has neither condition, for nor stale_after: its cadences and grace say it all")
        if self.escalate or self.ease is not None:
            raise ValueError("silence has one severity: neither escalate nor ease")

    def _check_levels(self) -> None:
        mildest = self.mildest
        if isinstance(self.severity, dict):
            levels = self.severity
            if not levels or not isinstance(self.condition, Threshold):
                raise ValueError("severity by value needs at least one colour and a condition with op and value")
            down = self.condition.op.startswith("<")
            by_colour = [levels[s] for s in SEVERITIES if s in levels]
            if by_colour != sorted(set(by_colour), reverse=down):
                raise ValueError("severity: a worse colour must begin further beyond the threshold")
        held = [self.escalate[s] for s in SEVERITIES if s in self.escalate]
        if held != sorted(set(held)) or any(SEVERITIES.index(s) <= mildest for s in self.escalate):
            raise ValueError("escalate: colours must be worse than the mildest, and the worse the longer")

    @property
    def mildest(self) -> int:
        """Position among the colours of the mildest severity."""
        if isinstance(self.severity, dict):
            return min((SEVERITIES.index(s) for s in self.severity), default=0)
        return SEVERITIES.index(self.severity)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What is watched, with its conditions; one for a simple rule, none for silence."""
        if isinstance(self.on, Composition):
            return inputs_of(self.on)
        if isinstance(self.on, OnIndicator | OnParameter) and self.condition is not None:
            return (Input(on=self.on, condition=self.condition),)
        return ()

    @property
    def medium(self) -> str:
        """The medium whose changes matter; "" for any or several."""
        media = {self.on.medium} if isinstance(self.on, OnSilence) else {i.on.medium for i in self.inputs}
        return media.pop() if len(media) == 1 else ""

    @property
    def needs_stations(self) -> bool:
        """Whether a change of the registry's stations changes what the rule finds."""
        return isinstance(self.on, OnSilence) or any(isinstance(i.condition, LimitReference) for i in self.inputs)

    @property
    def needs_bands(self) -> bool:
        """Whether a new learning of what is usual changes what the rule finds."""
        return any(isinstance(i.condition, Anomaly) for i in self.inputs)

    @property
    def longest(self) -> timedelta:
        """The longest period of a value this rule looks at."""
        if isinstance(self.on, OnSilence):
            return max(LENGTHS.values())
        return max(LENGTHS[p] for i in self.inputs for p in i.on.period)

    @property
    def lookback(self) -> timedelta:
        """How far before a value others are needed to judge it: for a rate, and for the parts of a composition."""
        rate = max((i.lookback for i in self.inputs), default=timedelta(0))
        joined = isinstance(self.on, Composition) and self.stale_after is not None
        return rate + (self.stale_after if joined and self.stale_after else timedelta(0))

    @property
    def reach(self) -> timedelta:
        """How far before a change a pending alert can have begun, so that it is unknown to the ledger."""
        if self.stale_after is None:
            return timedelta(0)
        if isinstance(self.hold, int):
            return (self.hold - 1) * self.stale_after + self.longest
        return self.hold + self.stale_after + self.longest

    @property
    def levels(self) -> tuple[tuple[Severity, float], ...]:
        """Colours with the value from which on each holds, mildest first; the mildest holds from the threshold on."""
        if not isinstance(self.severity, dict):
            return ()
        return tuple((s, self.severity[s]) for s in SEVERITIES if s in self.severity)

    @property
    def digest(self) -> str:
        """Changes when the rule does."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


class RuleBook(Strict):
    """All rules of a deployment: those of its file, and before them those of the shipped sets it includes."""

    rules: tuple[Rule, ...] = ()
    include: tuple[str, ...] = ()

    @cached_property
    def by_id(self) -> dict[str, Rule]:
        """Rule by id."""
        return {rule.id: rule for rule in self.rules}


def load(path: Path = RULES) -> RuleBook:
    """The rules of one file.

    Raises:
        CatalogueError: every problem of the file at once, each with its line.
    """
    stat = path.stat() if path.is_file() else None
    return _load(path, None if stat is None else (stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=8)
def _load(path: Path, _stamp: tuple[int, int] | None) -> RuleBook:
    """The stamp makes a file that was written anew another one."""
    return _book(Document.read(path))


def parse(text: str) -> RuleBook:
    """The rules of a text as in `rules.yaml`, for one who tries them before they are a file.

    Raises:
        CatalogueError: every problem at once, each with its line.
    """
    return _book(Document.of("rules.yaml", text))


def _book(document: Document) -> RuleBook:
    book = document.parse(RuleBook)
    unknown = [n for n in book.include if n not in shipped()]
    if unknown:
        known = ", ".join(shipped())
        raise CatalogueError(
            [document.problem(("include",), f"{n!r} is no shipped set; known are {known}") for n in unknown]
        )
    included = [rule for name in book.include for rule in load(shipped()[name]).rules]
    whole = RuleBook(rules=(*included, *book.rules))
    problems = [document.problem(where, what) for where, what in _cross_check(whole, len(included))]
    if problems:
        raise CatalogueError(problems)
    return whole


def shipped() -> dict[str, Path]:
    """The sets of rules we ship, by name: `standard`, in force where a deployment has no file, and those to include."""
    return {"standard": RULES} | {p.stem: p for p in sorted(RULES.parent.glob("rules.d/*.yaml"))}


def for_registry(folder: Path) -> RuleBook:
    """The rules of a deployment: its own `rules.yaml` in the registry folder, else ours.

    Raises:
        CatalogueError: every problem of the file at once.
    """
    own = folder / "rules.yaml"
    return load(own if own.is_file() else RULES)


def _cross_check(book: RuleBook, included: int = 0) -> list[tuple[tuple[Any, ...], str]]:
    problems: list[tuple[tuple[Any, ...], str]] = []
    first: dict[str, int] = {}
    for n, rule in enumerate(book.rules):
        if rule.id in first:
            problems.append((("rules", n - included, "id"), f"the rule {rule.id!r} repeats; give it another id"))
        first.setdefault(rule.id, n)
    for n, rule in enumerate(book.rules):
        at = ("rules", n - included, "inhibit")
        for other in rule.inhibit:
            if other not in first:
                problems.append((at, f"{rule.id}: inhibit names {other!r}, which is no rule here"))
            elif rule.id in _silencers(book, other):
                problems.append((at, f"{rule.id}: inhibit goes in a circle by {other!r}; each would silence the other"))
    return problems


def _silencers(book: RuleBook, rule_id: str) -> set[str]:
    """The rule and everything that may silence it, directly or by others."""
    found: set[str] = set()
    ahead = [rule_id]
    while ahead:
        at = ahead.pop()
        if at not in found and at in book.by_id:
            found.add(at)
            ahead += book.by_id[at].inhibit
    return found
