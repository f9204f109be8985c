"""Who is told what, where and when: `notification.yaml` of the registry folder, read strictly.

channels    name, kind (a file of alerts/notifiers), lang (zh, en), per_minute (messages; 0: any number),
            give_up_after (a message that could not be sent for so long expires and is listed), settings (of the kind;
            ${NAME} is a variable of the environment: no secret stands in the file)
routes      channels, and the alerts that go there: severity, media, townships, rules (with * and ?); a key that is left
            out is any. Every route that matches counts; the last one must have no condition, so that nothing is lost
quiet_hours from, to (Shanghai), below: what is milder waits for the morning
rate_limit  messages, per: of one rule; what is more waits, red ones never

Without the file every channel that the environment switches on gets everything, at any hour.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from alerts.conditions import Duration
from alerts.rules import SEVERITIES
from domain.documents import Document, Strict
from domain.errors import CatalogueError
from domain.records import Alert, Severity
from domain.registry import MEDIA
from domain.times import LOCAL

FILE = "notification.yaml"

_VARIABLE = re.compile(r"\$\{(\w+)\}")


def _clock(text: object) -> object:
    if not isinstance(text, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError(f'{text!r} is no time of day; write for example "22:00", in quotes')
    return time.fromisoformat(text)


Clock = Annotated[time, BeforeValidator(_clock)]


class ChannelEntry(Strict):
    """One channel; its settings are read by its kind."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    kind: str
    lang: Literal["zh", "en"] = "zh"
    per_minute: int = Field(default=0, ge=0)
    give_up_after: Duration = timedelta(days=3)
    settings: dict[str, Any] = Field(default_factory=dict)


def _media(found: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [m for m in found if m not in (*MEDIA, "ecology", "human")]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no medium")
    return found


class Route(Strict):
    """Where some alerts go."""

    channels: tuple[str, ...] = Field(min_length=1)
    severity: tuple[Severity, ...] = ()
    media: Annotated[tuple[str, ...], AfterValidator(_media)] = ()
    townships: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()

    @property
    def conditional(self) -> bool:
        """Whether some alerts do not go there."""
        return bool(self.severity or self.media or self.townships or self.rules)

    def takes(self, alert: Alert) -> bool:
        """Whether an alert goes there; by its worst severity, so that who heard of it hears of its end."""
        return (
            (not self.severity or alert.severity in self.severity)
            and (not self.media or alert.labels.get("medium") in self.media)
            and (not self.townships or alert.labels.get("township") in self.townships)
            and (not self.rules or any(fnmatchcase(alert.rule, rule) for rule in self.rules))
        )


class QuietHours(Strict):
    """When only what is severe is said."""

    begin: Clock = Field(alias="from")
    to: Clock
    below: Severity

    def holds_back(self, severity: str, now: datetime) -> bool:
        """Whether a message of a severity waits at a moment."""
        if SEVERITIES.index(Severity(severity)) >= SEVERITIES.index(self.below):
            return False
        at = now.astimezone(LOCAL).time()
        return self.begin <= at < self.to if self.begin <= self.to else at >= self.begin or at < self.to


class RateLimit(Strict):
    """How many messages one rule may send."""

    messages: int = Field(ge=1)
    per: Duration


class Notification(Strict):
    """The whole policy."""

    channels: tuple[ChannelEntry, ...] = ()
    routes: tuple[Route, ...] = ()
    quiet_hours: QuietHours | None = None
    rate_limit: RateLimit | None = RateLimit(messages=60, per=timedelta(hours=1))

    def channels_of(self, alert: Alert, on: Sequence[str]) -> tuple[str, ...]:
        """The channels an alert goes to, of those that are on."""
        if not self.routes:
            return tuple(on)
        wanted = {name for route in self.routes if route.takes(alert) for name in route.channels}
        return tuple(name for name in on if name in wanted)


def for_registry(folder: Path) -> Notification:
    """The policy of a deployment.

    Raises:
        CatalogueError: every problem of the file at once.
    """
    path = folder / FILE
    if not path.is_file():
        return Notification()
    stat = path.stat()
    return _load(path, (stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=8)
def _load(path: Path, _stamp: tuple[int, int]) -> Notification:
    """The stamp makes a file that was written anew another one."""
    document = Document.read(path)
    policy = document.parse(Notification)
    problems = []
    names = [c.name for c in policy.channels]
    for n, name in enumerate(names):
        if name in names[:n]:
            problems.append(document.problem(("channels", n), f"the channel {name!r} repeats; give it another name"))
    for n, route in enumerate(policy.routes):
        problems += [
            document.problem(("routes", n, "channels"), f"{c!r} is no channel of this file")
            for c in route.channels
            if c not in names
        ]
    if policy.channels and (not policy.routes or policy.routes[-1].conditional):
        problems.append(
            document.problem(("routes",), "the last route must have no condition: what matches none would be lost")
        )
    if problems:
        raise CatalogueError(problems)
    return policy


def filled(value: Any, environ: Mapping[str, str]) -> Any:
    """Settings with ${NAME} replaced by variables of the environment.

    Raises:
        KeyError: a variable is not set; its name.
    """
    if isinstance(value, str):
        return _VARIABLE.sub(lambda m: environ[m.group(1)], value)
    if isinstance(value, Mapping):
        return {k: filled(v, environ) for k, v in value.items()}
    return [filled(v, environ) for v in value] if isinstance(value, list | tuple) else value
