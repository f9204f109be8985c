"""The way of tasks to the county's platform: a folder it picks up from, and its interface when there is one.

| variable | meaning |
|---|---|
| SANYAN_TASKS | folder for the tasks, one JSON file each, named by the task; default outgoing/tasks in the home |
| SANYAN_TASKS_URL | address of the platform's interface; tasks are posted to it with the header Idempotency-Key |

Writing a file again with the same name changes nothing, and the platform tells repeats by taskId: whatever dies between
sending and recording, a task is there once.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from alerts.incidents.dispatch import CHANNEL
from alerts.notifiers import Answer
from store.ledger.outbox import Letter

_LATER = {408, 425, 429}


@dataclass(frozen=True)
class GridTasks:
    """The channel of tasks."""

    folder: Path
    url: str = ""
    name: str = CHANNEL

    @classmethod
    def of(cls, root: Path, environ: Mapping[str, str]) -> "GridTasks":
        """The channel of a home, as the environment sets it."""
        folder = environ.get("SANYAN_TASKS", "")
        return cls(Path(folder) if folder else root / "outgoing" / "tasks", environ.get("SANYAN_TASKS_URL", ""))

    def send(self, letter: Letter) -> Answer:
        """Post it when there is an interface, and leave the file in any case."""
        if self.url:
            answer = self._post(letter)
            if answer.result != "sent":
                return answer
        number = str(json.loads(letter.payload)["taskId"])
        place = self.folder / f"{number}.json"
        aside = place.with_name(f".{number}.{os.getpid()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            aside.write_text(letter.payload + "\n", encoding="utf-8")
            aside.replace(place)
        except OSError as error:
            return Answer("failed", error.strerror or type(error).__name__)
        return Answer("sent", place.name)

    def _post(self, letter: Letter) -> Answer:
        headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": letter.key}
        try:
            answer = httpx.post(self.url, content=letter.payload.encode(), headers=headers, timeout=10.0)
        except httpx.TransportError as error:
            return Answer("failed", type(error).__name__)
        if answer.is_success:
            return Answer("sent", str(answer.status_code))
        later = answer.is_server_error or answer.status_code in _LATER
        return Answer("failed" if later else "refused", str(answer.status_code))
