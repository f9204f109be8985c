"""Messages as CAP 1.2 files: one folder an alarm, one file a message, numbered in the order they were published.

    - name: cap
      kind: cap
      settings: {sender: monitor@example.invalid, folder: cap}

What an Update or a Cancel refers to is read from the folder of its alarm: what truly was published.
"""

import json
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from alerts import cap
from alerts.conditions import Duration
from alerts.notification import ChannelEntry
from alerts.notifiers import Answer, Notifier
from domain.documents import Strict
from domain.texts import LANGUAGES
from store.ledger.outbox import Letter


class Settings(Strict):
    """Who publishes, and where."""

    sender: str = Field(pattern=r"^[^\s,<&]+$")
    folder: str = Field(default="cap", pattern=r"^[\w.-]+$")
    valid_for: Duration = timedelta(days=1)
    status: Literal["Actual", "Exercise", "Test"] = "Actual"


class Cap:
    """Writes each message once, however often it is sent."""

    def __init__(self, folder: Path, settings: Settings, *, name: str = "cap") -> None:
        self.folder = folder
        self.settings = settings
        self.name = name

    def send(self, letter: Letter) -> Answer:
        """Write the document of every alarm of the letter that is not there yet."""
        payload = json.loads(letter.payload)
        written = [self._write(letter, payload, alert) for alert in payload.get("alerts", [])]
        return Answer("sent", f"{sum(written)} new of {len(written)}")

    def _write(self, letter: Letter, payload: dict[str, Any], alert: dict[str, Any]) -> bool:
        folder = self.folder / re.sub(r"[^\w.-]", "_", str(alert["id"]))
        folder.mkdir(parents=True, exist_ok=True)
        before = sorted(folder.glob("*.xml"))
        if any(path.stem.endswith(letter.key) for path in before):
            return False
        references = [cap.reference(path.read_bytes()) for path in before]
        if not references and payload["transition"] in ("resolved", "withdrawn"):
            return False  # it was never published here, so there is nothing to cancel
        text = cap.document(
            cap.Message(
                identifier=f"{folder.name}.{len(before) + 1}.{letter.key}",
                sender=self.settings.sender,
                sent=letter.created_at or letter.at,
                transition=payload["transition"],
                reason=payload["reason"],
                alert=alert,
                title={lang: payload[f"title_{lang}"] for lang in LANGUAGES},
                references=references,
                valid_for=self.settings.valid_for,
                status=self.settings.status,
            )
        )
        path = folder / f"{len(before) + 1:04d}-{letter.key}.xml"
        part = path.with_suffix(".part")
        with part.open("wb") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
        return True


def connect(settings: Settings, entry: ChannelEntry, root: Path) -> Notifier:
    """A folder of CAP files in the home."""
    return Cap(root / settings.folder, settings, name=entry.name)
