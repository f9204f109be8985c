"""Channels that carry messages to people: one file each, found by themselves.

A module of this package is a kind of channel. It offers

* `Settings`, what `notification.yaml` may say of a channel of this kind,
* `connect(settings, entry, root)`, the notifier of one such channel,
* and perhaps `by_environment(root, environ)`, the notifier that the environment alone switches on, or None.

A failed send is a value, so nothing a channel does holds back another.
"""

import importlib
import json
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Literal, Protocol

from pydantic import ValidationError

from alerts.notification import FILE, ChannelEntry, filled, for_registry
from domain.errors import CatalogueError
from store.ledger.outbox import Letter


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one attempt: sent, failed (worth another attempt), or refused (never will be taken)."""

    result: Literal["sent", "failed", "refused"]
    detail: str = ""


class Notifier(Protocol):
    """One channel. `send` must not do twice what it did for the same key, as far as the channel allows."""

    @property
    def name(self) -> str:
        """The channel's name, part of the idempotency key."""

    def send(self, letter: Letter) -> Answer:
        """Try once."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A notifier with its pace and patience."""

    notifier: Notifier
    per_minute: int = 0  # 0: any number
    give_up_after: timedelta = timedelta(days=3)

    @property
    def name(self) -> str:
        """The channel's name."""
        return self.notifier.name

    def send(self, letter: Letter) -> Answer:
        """Try once."""
        return self.notifier.send(letter)


def channels(root: Path, environ: Mapping[str, str], registry: Path | None = None) -> tuple[Channel, ...]:
    """The channels that are on: those of `notification.yaml` in the registry folder, else those of the environment.

    Raises:
        CatalogueError: a channel is configured wrongly; every problem at once, without the value of any secret.
    """
    entries = () if registry is None else for_registry(registry).channels
    if not entries:
        found = [m.by_environment(root, environ) for m in kinds().values() if hasattr(m, "by_environment")]
        return tuple(Channel(notifier) for notifier in found if notifier is not None)
    problems: list[str] = []
    out: list[Channel] = []
    for entry in entries:
        try:
            out.append(Channel(_connect(entry, root, environ), entry.per_minute, entry.give_up_after))
        except CatalogueError as error:
            problems += error.problems
    if problems:
        raise CatalogueError(problems)
    return tuple(out)


def kinds() -> dict[str, ModuleType]:
    """The kinds of channels by name, in order."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    return {name: importlib.import_module(f"{__name__}.{name}") for name in names}


def _connect(entry: ChannelEntry, root: Path, environ: Mapping[str, str]) -> Notifier:
    where = f"{FILE}: channel {entry.name}"
    kind = kinds().get(entry.kind)
    if kind is None:
        raise CatalogueError([f"{where}: {entry.kind!r} is no kind of channel; known are {', '.join(kinds())}"])
    try:
        settings = kind.Settings.model_validate(filled(entry.settings, environ))
    except KeyError as missing:
        raise CatalogueError([f"{where}: the environment variable {missing.args[0]} is not set"]) from None
    except ValidationError as error:
        told = [f"{where}: settings.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise CatalogueError(told) from None
    connected: Notifier = kind.connect(settings, entry, root)
    return connected


def body(letter: Letter) -> str:
    """The letter as one line of JSON, with its key."""
    return json.dumps({"key": letter.key, **json.loads(letter.payload)}, ensure_ascii=False)
