"""What a rule watches and what it calls broken: the forms of `on` and `condition` in rules.yaml, read strictly."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from domain.catalogue import parameters
from domain.documents import Strict
from domain.registry import MEDIA
from domain.times import LENGTHS

_DURATION = re.compile(r"P(?!$)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?")


def is_duration(text: object) -> bool:
    """Whether it is an ISO 8601 duration of days, hours, minutes and seconds."""
    return isinstance(text, str) and _DURATION.fullmatch(text) is not None


def _duration(text: object) -> object:
    if not isinstance(text, timedelta) and not is_duration(text):
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
    """Values of one indicator; with `share_of: area`, hectares become per cent of the subject's area."""

    indicator: str = Field(pattern=r"^[a-z]+\.\w[\w.]*$")
    period: Periods
    share_of: Literal["", "area"] = ""

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
    """Compared with one number; what fires ends only beyond the deadband (in the unit of the values)."""

    op: Literal[">", ">=", "<", "<="]
    value: float
    deadband: float = Field(default=0.0, ge=0)


class Reference(Strict):
    """A limit of a standard; see `domain.limits.limit_of`."""

    standard: Literal["GB 3095", "GB 3838", "GB 3096", "emission"]
    averaging: str | None = None
    parameter: str = ""  # by default the parameter watched


class LimitReference(Strict):
    """Compared with the limit in force, in the sense of the standard; the deadband is per cent of the limit."""

    limit: Reference
    deadband_pct: float = Field(default=0.0, ge=0, lt=100)


class Change(Strict):
    """How fast values change, per so much true time; not over more than `within` between two values."""

    op: Literal[">", ">=", "<", "<="]
    value: float
    per: Duration
    within: Duration
    either: bool = False  # rise and fall alike

    @model_validator(mode="after")
    def _fits(self) -> "Change":
        if self.per <= timedelta(0) or self.within <= timedelta(0):
            raise ValueError("rate: per and within must be longer than nothing")
        return self


class Rate(Strict):
    """A condition on the rate of change."""

    rate: Change


class Unusual(Strict):
    """So many times further from the middle than the edge of what is usual at this hour and season."""

    times: float = Field(gt=0)
    floor: float = Field(default=0.0, ge=0)  # smallest distance from the middle that counts, in the unit of the values
    side: Literal["high", "low", "both"] = "high"


class Anomaly(Strict):
    """Compared with the band learnt from the station's own history for the same hour and month or season."""

    anomaly: Unusual


Condition = Annotated[
    Annotated[Threshold, Tag("op")]
    | Annotated[LimitReference, Tag("limit")]
    | Annotated[Rate, Tag("rate")]
    | Annotated[Anomaly, Tag("anomaly")],
    Discriminator(
        lambda value: _tag(value, ("op", "limit", "rate", "anomaly")),
        custom_error_type="unknown_form",
        custom_error_message="it must be a mapping with one of the keys op, limit, rate, anomaly",
    ),
]


def _tag(value: object, keys: tuple[str, ...]) -> str | None:
    return next((k for k in keys if (k in value if isinstance(value, Mapping) else hasattr(value, k))), None)


Watched = Annotated[
    Annotated[OnIndicator, Tag("indicator")] | Annotated[OnParameter, Tag("parameter")],
    Discriminator(
        lambda value: _tag(value, ("indicator", "parameter")),
        custom_error_type="unknown_form",
        custom_error_message="it must be a mapping with one of the keys indicator, parameter",
    ),
]


class Input(Strict):
    """One thing that is watched and its condition; what a rule is about, or a part of a composition."""

    on: Watched
    condition: Condition

    @property
    def parameter(self) -> str:
        """The parameter watched; "" when it is none."""
        return self.on.parameter if isinstance(self.on, OnParameter) else ""

    @property
    def lookback(self) -> timedelta:
        """How far before a value another one is needed to judge it."""
        return self.condition.rate.within if isinstance(self.condition, Rate) else timedelta(0)

    @model_validator(mode="after")
    def _fits(self) -> "Input":
        if isinstance(self.condition, LimitReference) and not (self.condition.limit.parameter or self.parameter):
            raise ValueError("a limit of an indicator needs limit.parameter, the parameter the standard limits")
        if isinstance(self.condition, Anomaly) and not self.parameter:
            raise ValueError("an anomaly is one of a parameter: bands are learnt from observations")
        return self


class OnAll(Strict):
    """True when all parts are (AND)."""

    all: tuple["Part", ...] = Field(min_length=1)


class OnAny(Strict):
    """True when at least one part is (OR)."""

    any: tuple["Part", ...] = Field(min_length=1)


class OnNot(Strict):
    """True when the part is false (NOT)."""

    not_: "Part" = Field(alias="not")


Part = Annotated[
    Annotated[Input, Tag("on")]
    | Annotated[OnAll, Tag("all")]
    | Annotated[OnAny, Tag("any")]
    | Annotated[OnNot, Tag("not")],
    Discriminator(
        lambda value: _tag(value, ("on", "all", "any", "not")) or ("not" if isinstance(value, OnNot) else None),
        custom_error_type="unknown_form",
        custom_error_message="a part must be a mapping with one of the keys on (with condition), all, any, not",
    ),
]
for _model in (OnAll, OnAny, OnNot):
    _model.model_rebuild()

On = Annotated[
    Annotated[OnIndicator, Tag("indicator")]
    | Annotated[OnParameter, Tag("parameter")]
    | Annotated[OnSilence, Tag("silence")]
    | Annotated[OnAll, Tag("all")]
    | Annotated[OnAny, Tag("any")]
    | Annotated[OnNot, Tag("not")],
    Discriminator(
        lambda value: (
            _tag(value, ("indicator", "parameter", "silence", "all", "any", "not"))
            or ("not" if isinstance(value, OnNot) else None)
        ),
        custom_error_type="unknown_form",
        custom_error_message="it must be a mapping with one of the keys indicator, parameter, silence, all, any, not",
    ),
]
Composition = OnAll | OnAny | OnNot


def inputs_of(part: "Composition | Input") -> tuple[Input, ...]:
    """The inputs of a composition, from left to right."""
    match part:
        case Input():
            return (part,)
        case OnAll(all=parts) | OnAny(any=parts):
            return tuple(i for p in parts for i in inputs_of(p))
        case OnNot(not_=inner):
            return inputs_of(inner)


def is_told(part: "Composition | Input") -> bool:
    """Whether a composition has a part that is not negated: its value is what people are told."""
    match part:
        case Input():
            return True
        case OnAll(all=parts) | OnAny(any=parts):
            return any(is_told(p) for p in parts)
        case OnNot():
            return False
