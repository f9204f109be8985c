"""What happens in the simulated county: a strict model of scenario.yaml.

Times in the file are hours after `anchor` or ISO texts with a zone; the loaded model holds only UTC-aware datetimes, so
that any window of any length shows the same county. An event belongs to the eye that can see it; `truth` says what the
pipeline must make of it (see sample_feeds/truth.py).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from domain.errors import CatalogueError
from domain.times import utc

DEFAULT = Path(__file__).with_name("scenario.yaml")

Share = Annotated[float, Field(ge=0, le=1)]
Hours = Annotated[float, Field(ge=0)]
LonLat = tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]]


class Strict(BaseModel):
    """No unknown key, no change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Expect(Strict):
    """What must follow of an event: an alert of a rule, evidence that alarms nobody, a rejection, or nothing."""

    expect: Literal["alert", "evidence", "rejection", "none"]
    rule: str = ""
    severity: Literal["", "blue", "yellow", "orange", "red"] = ""

    @model_validator(mode="after")
    def _whole(self) -> "Expect":
        if (self.expect == "none") == bool(self.rule):
            raise ValueError("an alert, evidence or a rejection names its rule, and nothing else does")
        if (self.expect == "alert") != bool(self.severity):
            raise ValueError("an alert has a severity, and nothing else does")
        return self


class Event(Strict):
    """The common part of all events."""

    id: str
    eye: Literal["ground", "sky", "human"] = "ground"
    subjects: tuple[str, ...] = Field(min_length=1)
    start: datetime
    end: datetime
    truth: tuple[Expect, ...] = Field(min_length=1)
    note_zh: str
    note_en: str
    incident: str = ""  # events that are one matter share a name; "": a matter of its own

    @model_validator(mode="after")
    def _forward(self) -> "Event":
        if self.end <= self.start:
            raise ValueError(f"{self.id}: it ends before it starts")
        return self

    def span(self, subject: str) -> tuple[datetime, datetime]:  # noqa: ARG002, the base of Episode.span
        """When the event is to be seen at one of its subjects (half-open)."""
        return self.start, self.end


class Episode(Event):
    """Real pollution: parameters go to a level, later and weaker at subjects further away."""

    kind: Literal[
        "pm_episode", "ozone_day", "ammonia_spill", "night_noise", "outlet_exceedance", "stack_exceedance",
        "lake_algae",
    ]  # fmt: skip
    levels: dict[str, float]  # parameter -> level in its canonical unit at share 1
    rise_h: Hours = 0
    fall_h: Hours = 0
    delay_h: dict[str, Hours] = {}  # subject -> travel time
    share: dict[str, Share] = {}  # subject -> what is left of the level

    def span(self, subject: str) -> tuple[datetime, datetime]:
        lag = timedelta(hours=self.delay_h.get(subject, 0))
        return self.start + lag, self.end + lag


class SoilSample(Event):
    """A sample in the laboratory sheet with values of its own; taken at `start`, reported before `end`."""

    kind: Literal["soil_contamination"]
    levels: dict[str, float]


class DeviceFault(Event):
    """An instrument or logger that does not tell the truth."""

    kind: Literal["flat_line", "spike", "drift", "gap", "wrong_clock", "calibration", "maintenance", "stopped"]
    parameters: tuple[str, ...] = ()  # empty: all of the station
    value: float = 0.0  # flat_line, spike, calibration: what is sent; drift: share gained by the end
    ahead_h: float = 0.0  # wrong_clock: how far the clock is ahead


class WireFault(Event):
    """A frame spoilt, lost, doubled or delayed between logger and platform."""

    kind: Literal[
        "bad_crc", "bad_length", "bad_grammar", "bad_value", "bad_time", "garbage", "truncated", "unknown_station",
        "unknown_code", "duplicate", "late", "out_of_order",
    ]  # fmt: skip
    delay_h: Hours = 0  # late: how much later the packet comes


class SkyEvent(Event):
    """Something to be seen from space: round `centre` over `area_ha`.

    Blooms and lost water (filled, drained) lie on the lake of their centre, the others on land. A bloom ends and lost
    water comes back; what happened to land stays.
    """

    kind: Literal["bloom", "clearing", "dump", "burn", "pine_decline", "water_loss"]
    eye: Literal["sky"] = "sky"
    centre: LonLat
    area_ha: Annotated[float, Field(gt=0)]

    @property
    def on_water(self) -> bool:
        """Whether it lies on a lake."""
        return self.kind in {"bloom", "water_loss"}


class SpotReports(Event):
    """Several people reporting one spot: `reports` within `radius_m` of `centre`, spread over the event."""

    kind: Literal["spot_reports"]
    eye: Literal["human"] = "human"
    centre: LonLat
    category: Literal["W", "A", "N", "S", "L", "E", "D", "R"]
    reports: Annotated[int, Field(ge=1)]
    radius_m: Annotated[float, Field(ge=0, le=100)]
    spread_h: Hours  # the reports come within this many hours after `start`
    text_zh: str
    place_zh: str = "后山"  # where at the village


class ReportFault(Event):
    """One grid report, or one page of them, that is not as it should be; `subjects` names the report or the page."""

    kind: Literal[
        "missing_time", "zero_position", "swapped_position", "office_position", "half_day_clock", "truncated_page",
    ]  # fmt: skip
    eye: Literal["human"] = "human"


AnyEvent = Annotated[
    Episode | SoilSample | DeviceFault | WireFault | SkyEvent | SpotReports | ReportFault, Field(discriminator="kind")
]


class Nature(Strict):
    """What changes between dates by itself; see sample_feeds/nature.py. Reflectances and shares are of bad days."""

    haze: Share = 0.06  # reflectance left in the blue by the atmospheric correction
    veil_share: Share = 0.15  # of the dates: thin cloud that the scene classification misses
    angle: Share = 0.05  # spread of brightness by the angles of sun and view
    registration_m: Annotated[float, Field(ge=0)] = 3.0  # spread of the place of an image
    glint: Share = 0.012  # spread of reflectance added to water
    drawdown_m: Annotated[float, Field(ge=0)] = 4.0  # by how much reservoirs fall in late winter


class Sky(Strict):
    """When satellites pass, how cloudy it is and how sharp they see."""

    resolution_m: Annotated[int, Field(ge=10)]  # of the 10 m bands; the 20 m bands have twice as much
    cycle_days: Annotated[int, Field(ge=1)]
    passes: tuple[int, ...]  # days of the cycle, counted from the anchor's Shanghai day
    pass_hour: Annotated[float, Field(ge=0, lt=24)]  # Shanghai time of day
    published_after_h: Hours
    clouds: dict[int, Share]  # day after the anchor's day -> cloud cover
    default_cloud: Share
    clear_below: Share  # at or below this cover the events themselves are free of cloud
    nature: Nature | None = None  # without it the land is that of one late summer, the same on every date


class Human(Strict):
    """Everyday reports beside the injected ones."""

    per_day: Annotated[int, Field(ge=0)]
    min_distance_m: Annotated[float, Field(ge=0)]  # everyday reports keep this far from any other, so none merge
    duplicate_share: Share  # the same report delivered again
    wrong_class_share: Share
    phone_share: Share  # free texts with a (made-up) phone number
    gcj02_share: Share


class Scenario(Strict):
    """One scenario; see the module."""

    name: str
    note: str
    anchor: datetime
    seed: int
    days: Annotated[int, Field(ge=1)]  # the demo period from the anchor
    sky: Sky
    human: Human
    events: tuple[AnyEvent, ...]

    @model_validator(mode="after")
    def _unique(self) -> "Scenario":
        ids = [event.id for event in self.events]
        repeated = sorted({i for i in ids if ids.count(i) > 1})
        if repeated:
            raise ValueError(f"event ids repeat: {repeated}")
        return self

    @property
    def start(self) -> datetime:
        return self.anchor

    @property
    def end(self) -> datetime:
        return self.anchor + timedelta(days=self.days)

    def of(self, *kinds: type[Event], subject: str | None = None) -> Iterator[Any]:
        """Events of these classes (and of this subject), in the order of the file."""
        for event in self.events:
            if isinstance(event, kinds) and (subject is None or subject in event.subjects):
                yield event


def load(path: Path = DEFAULT, *, anchor: datetime | None = None) -> Scenario:
    """Read a scenario; `anchor` moves the whole of it to another time.

    Raises:
        CatalogueError: the file is not a scenario; every problem at once.
    """
    if not path.is_file():
        raise CatalogueError([f"{path}: the scenario is missing"])
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise CatalogueError([f"{path.name}: {error}"]) from error
    if not isinstance(data, dict) or "anchor" not in data:
        raise CatalogueError([f"{path.name}:1: it must be a mapping with the key 'anchor'"])
    try:
        zero = utc(anchor or _moment(data["anchor"], None))
        data = {**data, "anchor": zero, "events": [_dated(event, zero) for event in data.get("events") or ()]}
        return Scenario.model_validate(data)
    except ValidationError as error:
        places = [(".".join(str(p) for p in e["loc"]), e["msg"]) for e in error.errors()]
        raise CatalogueError([f"{path.name}: {where}: {what}" for where, what in places]) from error
    except ValueError as error:
        raise CatalogueError([f"{path.name}: {error}; write hours after the anchor, or an ISO time"]) from error


def _dated(event: Any, zero: datetime) -> Any:
    if not isinstance(event, dict):
        return event  # the model will refuse it and say where
    return {key: _moment(value, zero) if key in {"start", "end"} else value for key, value in event.items()}


def _moment(value: Any, zero: datetime | None) -> datetime:
    if isinstance(value, (int, float)) and zero is not None:
        return zero + timedelta(hours=value)
    return utc(datetime.fromisoformat(str(value)))
