"""What a gateway did and does: counted in memory, told in a small file for the console and `sanyan gateway status`.

| file, below `gateway/` of the home | |
|---|---|
| `<name>.json` | the state now, written anew every few seconds and at the end |
| `connections-<name>-<day>.jsonl` | a line when a connection begins, first names a device, and ends |
"""

import json
import os
from collections import defaultdict
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from domain.times import LOCAL
from store.home import Home

FOLDER = "gateway"
#: A state that was not written for so long is that of a gateway that died.
STALE_S = 30.0
#: More devices than this are not told apart: whoever sends made-up numbers must not fill the memory.
MOST_DEVICES = 10_000
OTHERS = "*"


@dataclass
class Device:
    """What one MN did since the start."""

    known: bool  # in the registry
    peer: str = ""
    last_at: datetime | None = None
    frames: int = 0
    answered: int = 0
    kept_aside: int = 0


@dataclass
class Health:
    """The state of one gateway; `counts` by name: frames, noise, answered, connections ..."""

    name: str
    home: Path
    started_at: datetime
    listening: list[str] = field(default_factory=list)
    open: int = 0
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    devices: dict[str, Device] = field(default_factory=dict)
    last_frame_at: datetime | None = None
    last_file_at: datetime | None = None
    mqtt: str = ""
    airflow: str = ""
    trouble: str = ""

    def heard(self, mn: str, peer: str, at: datetime, *, known: bool) -> Device:
        """Note a whole frame of a device."""
        name = mn if mn in self.devices or len(self.devices) < MOST_DEVICES else OTHERS
        device = self.devices.setdefault(name, Device(known))
        device.peer, device.last_at = peer, at
        device.frames += 1
        self.last_frame_at = at
        self.counts["frames"] += 1
        return device

    def write(self, now: datetime, *, running: bool = True) -> None:
        """Write the state; a whole file or the one before."""
        told = {f.name: getattr(self, f.name) for f in fields(self)} | {
            "at": now,
            "running": running,
            "pid": os.getpid(),
        }
        del told["home"]
        place = self.home / FOLDER / f"{self.name}.json"
        aside = place.with_name(f".{place.name}")
        place.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(json.dumps(told, ensure_ascii=False, default=_plain) + "\n", encoding="utf-8")
        aside.replace(place)

    def log(self, now: datetime, what: str, **told: Any) -> None:
        """A line of the connections' log."""
        place = self.home / FOLDER / f"connections-{self.name}-{now.astimezone(LOCAL):%Y-%m-%d}.jsonl"
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("a", encoding="utf-8") as log:
            log.write(json.dumps({"at": now.isoformat(), "what": what, **told}, ensure_ascii=False) + "\n")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Device):
        return asdict(value)
    raise TypeError(f"{value!r} is nothing JSON can say")


def gateways(home: Home, now: datetime) -> list[dict[str, Any]]:
    """The states of all gateways of a home, by name.

    `state` is running, stopped, or dead (it was not told to stop and is silent); `lag_s` is the time since the last
    frame, None when there was none.
    """
    found = []
    for path in sorted((home.root / FOLDER).glob("[!.]*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        silent = (now - datetime.fromisoformat(told["at"])).total_seconds()
        told["state"] = "stopped" if not told["running"] else "dead" if silent > STALE_S else "running"
        last = told["last_frame_at"]
        told["lag_s"] = None if last is None else (now - datetime.fromisoformat(last)).total_seconds()
        found.append(told)
    return found
