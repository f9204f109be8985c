"""Channels that carry messages to people: one file each, found by themselves.

A module of this package offers `channel(root, environ)`: its notifier, or None while the environment does not switch it
on. A failed send is a value, so nothing a channel does holds back another.
"""

import importlib
import json
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

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


def channels(root: Path, environ: Mapping[str, str]) -> tuple[Notifier, ...]:
    """The channels that are switched on, in the order of their names.

    Raises:
        CatalogueError: a channel is configured wrongly.
    """
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    found = (importlib.import_module(f"{__name__}.{name}").channel(root, environ) for name in names)
    return tuple(notifier for notifier in found if notifier is not None)


def body(letter: Letter) -> str:
    """The letter as one line of JSON, with its key."""
    return json.dumps({"key": letter.key, **json.loads(letter.payload)}, ensure_ascii=False)
