"""The channel that always works: one JSON line a message in `alerts.log` of the home."""

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from pydantic import Field

from alerts.notification import ChannelEntry
from alerts.notifiers import Answer, Notifier, body
from domain.documents import Strict
from store.ledger.outbox import Letter


class Log:
    """Appends each message once, however often and by how many processes it is sent."""

    def __init__(self, path: Path, *, name: str = "log") -> None:
        self.path = path
        self.name = name
        self._keys: set[str] = set()
        self._read_to = 0

    def send(self, letter: Letter) -> Answer:
        """Write the line, unless the file has one of its key."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            self._catch_up(stream)
            if letter.key in self._keys:
                return Answer("sent", "was written before")
            stream.write(body(letter).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        return Answer("sent")

    def _catch_up(self, stream: BinaryIO) -> None:
        """Learn the keys that others wrote since; cut off what a killed writer left without an end."""
        if stream.seek(0, os.SEEK_END) < self._read_to:  # the file was rotated
            self._keys, self._read_to = set(), 0
        stream.seek(self._read_to)
        for line in stream:
            if not line.endswith(b"\n"):
                stream.truncate(self._read_to)
                break
            self._read_to += len(line)
            self._keys.add(str(json.loads(line)["key"]))


class Settings(Strict):
    """Where the log is, in the home."""

    file: str = Field(default="alerts.log", pattern=r"^[\w.-]+$")


def connect(settings: Settings, entry: ChannelEntry, root: Path) -> Notifier:
    """The log of a home under the channel's name."""
    return Log(root / settings.file, name=entry.name)


def by_environment(root: Path, environ: Mapping[str, str]) -> Notifier:  # noqa: ARG001 - one signature for all
    """The log of a home; it is always on."""
    return Log(root / "alerts.log")
