"""Alert rules: `rules.yaml`, read strictly. A rule is data; adding one touches no code.

id          `medium.what`, unique
title       name for people, zh and en
on          what is watched, one of
            {indicator, period}          values of an indicator
            {parameter, medium, period}  observations, without those that quality control failed
            {silence: station, feed, cadences, grace}
                                         a station that says nothing for so many of its cadences and a grace, in the
                                         time for which the feed was asked
            `period` may be a list; of values with one end that of the period named first counts
condition   {op, value}, or {limit: {standard, averaging, parameter}}: the limit in force at the station on the day of
            the value, broken in the sense the standard gives it. None for silence
for         ISO 8601 duration the condition must hold, or a number of consecutive values; by default one value fires
keep        how long it goes on firing after it was last true
stale_after without a value for so long it ends as stale, which is no recovery. None for silence
severity    a colour, or colour: value from which on it holds; an alert has the worst it reached
labels      further labels beside township and medium, for example {eye: sky}
inhibit     rules that silence this one while they fire on the same subject
summary     zh and en, with {subject} {value} {threshold} {unit} {time}
"""

import hashlib
import re
import string
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from domain.catalogue import parameters
from domain.documents import Document, Strict
from domain.errors import CatalogueError
from domain.records import Severity
from domain.registry import MEDIA
from domain.times import LENGTHS

RULES = Path(__file__).parent / "rules.yaml"

#: What a summary may say.
FIELDS = ("subject", "value", "threshold", "unit", "time")
SEVERITIES = tuple(Severity)  # mildest first

_DURATION = re.compile(r"P(?!$)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?")


def _duration(text: object) -> object:
    if not isinstance(text, str) or not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is no ISO 8601 duration; write for example PT3H or P1D")
    return text


def _periods(value: object) -> object:
    listed = (value,) if isinstance(value, str) else value
    unknown = [p for p in listed if p not in LENGTHS] if isinstance(listed, list | tuple) else [value]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no period of a value; known are {', '.join(LENGTHS)}")
    return listed


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Periods = Annotated[tuple[str, ...], BeforeValidator(_periods), Field(min_length=1)]


class Text(Strict):
    """One text in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class OnIndicator(Strict):
    """Values of one indicator."""

    indicator: str = Field(pattern=r"^[a-z]+\.\w[\w.]*$")
    period: Periods

    @property
    def medium(self) -> str:
        """The medium whose changes matter; "" for any."""
        medium = self.indicator.partition(".")[0]
        return "" if medium == "quality" else medium  # quality.* has the medium of its station


class OnParameter(Strict):
    """Observations of one parameter in one medium, without those that quality control failed."""

    parameter: str
    medium: Literal[MEDIA]  # type: ignore[valid-type]
    period: Periods

    @field_validator("parameter")
    @classmethod
    def _known(cls, parameter: str) -> str:
        if parameter not in parameters().index:
            raise ValueError(f"{parameter!r} is not in domain/tables/parameters.csv")
        return parameter


class OnSilence(Strict):
    """Stations that say nothing."""

    silence: Literal["station"]
    feed: str = Field(min_length=1)
    cadences: int = Field(ge=1)
    grace: Duration
    medium: Literal["", *MEDIA] = ""  # type: ignore[valid-type]

    def wait(self, cadence: timedelta) -> timedelta:
        """How long a station of this cadence may be silent."""
        return self.cadences * cadence + self.grace


class Threshold(Strict):
    """Compared with one number."""

    op: Literal[">", ">=", "<", "<="]
    value: float


class Reference(Strict):
    """A limit of a standard; see `domain.limits.limit_of`."""

    standard: Literal["GB 3095", "GB 3838", "GB 3096", "emission"]
    averaging: str | None = None
    parameter: str = ""  # by default the parameter watched


class LimitReference(Strict):
    """Compared with the limit in force, in the sense of the standard."""

    limit: Reference


_ONE_OF: Mapping[str, tuple[str, ...]] = {
    "on": ("indicator", "parameter", "silence"),
    "condition": ("op", "limit"),
}


def _tag(field: str) -> Discriminator:
    keys = _ONE_OF[field]

    def tag(value: object) -> str | None:
        return next((k for k in keys if (k in value if isinstance(value, dict) else hasattr(value, k))), None)

    return Discriminator(
        tag,
        custom_error_type="unknown_form",
        custom_error_message=f"it must be a mapping with one of the keys {', '.join(keys)}",
    )


On = Annotated[
    Annotated[OnIndicator, Tag("indicator")]
    | Annotated[OnParameter, Tag("parameter")]
    | Annotated[OnSilence, Tag("silence")],
    _tag("on"),
]
Condition = Annotated[Annotated[Threshold, Tag("op")] | Annotated[LimitReference, Tag("limit")], _tag("condition")]


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
    labels: dict[str, str] = Field(default_factory=dict)
    inhibit: tuple[str, ...] = ()
    summary: Text

    @field_validator("hold", mode="before")
    @classmethod
    def _hold(cls, value: object) -> object:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if not isinstance(value, str) or not _DURATION.fullmatch(value):
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
        silence = isinstance(self.on, OnSilence)
        if silence and (self.condition is not None or self.stale_after is not None or "hold" in self.model_fields_set):
            raise ValueError("silence has neither condition, for nor stale_after: its cadences and grace say it all")
        if not silence and (self.condition is None or self.stale_after is None):
            raise ValueError("condition and stale_after are needed; only silence has none")
        if self.stale_after is not None and self.stale_after < self.longest:
            raise ValueError(f"stale_after is shorter than the period of a value, {self.longest}")
        if isinstance(self.condition, LimitReference) and not (self.condition.limit.parameter or self.parameter):
            raise ValueError("a limit of an indicator needs limit.parameter, the parameter the standard limits")
        if isinstance(self.severity, dict):
            self._check_levels(self.severity)
        return self

    def _check_levels(self, levels: Mapping[Severity, float]) -> None:
        if not levels or not isinstance(self.condition, Threshold):
            raise ValueError("severity by value needs at least one colour and a condition with op and value")
        down = self.condition.op.startswith("<")
        by_colour = [levels[s] for s in SEVERITIES if s in levels]
        if by_colour != sorted(set(by_colour), reverse=down):
            raise ValueError("severity: a worse colour must begin further beyond the threshold")

    @property
    def parameter(self) -> str:
        """The parameter watched; "" when it is none."""
        return self.on.parameter if isinstance(self.on, OnParameter) else ""

    @property
    def longest(self) -> timedelta:
        """The longest period of a value this rule looks at."""
        return max(LENGTHS.values()) if isinstance(self.on, OnSilence) else max(LENGTHS[p] for p in self.on.period)

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
    """All rules of a deployment."""

    rules: tuple[Rule, ...]

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
    document = Document.read(path)
    book = document.parse(RuleBook)
    problems = [document.problem(where, what) for where, what in _cross_check(book)]
    if problems:
        raise CatalogueError(problems)
    return book


def for_registry(folder: Path) -> RuleBook:
    """The rules of a deployment: its own `rules.yaml` in the registry folder, else ours.

    Raises:
        CatalogueError: every problem of the file at once.
    """
    own = folder / "rules.yaml"
    return load(own if own.is_file() else RULES)


def _cross_check(book: RuleBook) -> list[tuple[tuple[Any, ...], str]]:
    problems: list[tuple[tuple[Any, ...], str]] = []
    first: dict[str, int] = {}
    for n, rule in enumerate(book.rules):
        if rule.id in first:
            problems.append((("rules", n, "id"), f"the rule {rule.id!r} repeats; give it another id"))
        first.setdefault(rule.id, n)
    for n, rule in enumerate(book.rules):
        at = ("rules", n, "inhibit")
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
