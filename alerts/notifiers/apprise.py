"""Messages through Apprise: DingTalk, WeCom, Feishu, e-mail and the other services it knows, by their addresses.

    - name: duty
      kind: apprise
      per_minute: 18            # a DingTalk robot is blocked at more than 20
      settings: {url: "dingtalk://${DINGTALK_SECRET}@${DINGTALK_TOKEN}/", longest: 6000}
    - name: office
      kind: apprise
      settings: {url: "mailtos://${MAIL_USER}:${MAIL_PASSWORD}@mail.example.invalid?to=duty@example.invalid"}

| service | address | longest text |
|---|---|---|
| DingTalk group robot | dingtalk://SECRET@TOKEN/ | 20,000 bytes |
| WeCom group robot | wecombot://KEY | 2,048 bytes |
| Feishu bot | feishu://TOKEN (without signature) | |
| e-mail | mailto://, mailtos:// | |

Chat services honour no key: a message arrives at least once, and again when we died before writing down that it was
sent. Apprise tells only whether it worked, so what fails is tried again until the channel gives up.
"""

import importlib
import json
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from alerts.notification import ChannelEntry
from alerts.notifiers import Answer, Notifier
from domain.documents import Strict
from store.ledger.outbox import Letter


class Settings(Strict):
    """The service's address with its secrets, and how long a text it takes."""

    url: str
    longest: int = Field(default=2000, ge=20)  # bytes in UTF-8

    @field_validator("url")
    @classmethod
    def _known(cls, url: str) -> str:
        if _apprise().Apprise.instantiate(url, suppress_exceptions=True) is None:
            raise ValueError("it is no address Apprise knows; see the table in alerts/notifiers/apprise.py")
        return url


class ByApprise:
    """One service; a new connection for each message, for a process that lives for seconds."""

    def __init__(self, settings: Settings, *, name: str = "apprise", lang: str = "zh") -> None:
        self.settings = settings
        self.name = name
        self.lang = lang

    def send(self, letter: Letter) -> Answer:
        """Send once, cut to what the service takes."""
        payload = json.loads(letter.payload)
        title, text = str(payload.get(f"title_{self.lang}", "")), str(payload.get(f"text_{self.lang}", ""))
        service = _apprise().Apprise()
        service.add(self.settings.url)
        done = service.notify(
            title=title,
            body=cut(text.removeprefix(title).strip() or title, self.settings.longest),
            interpret_escapes=False,
        )
        return Answer("sent") if done else Answer("failed", "the service did not take it or could not be reached")


def _apprise() -> Any:
    """The library, loaded when a channel needs it: it knows two hundred services."""
    return importlib.import_module("apprise")


def cut(text: str, longest: int) -> str:
    """At most so many bytes in UTF-8, no character cut in two; what was cut is marked."""
    if len(text.encode()) <= longest:
        return text
    return text.encode()[: longest - len("…".encode())].decode(errors="ignore") + "…"


def connect(settings: Settings, entry: ChannelEntry, root: Path) -> Notifier:  # noqa: ARG001 - one signature for all
    """A service of `notification.yaml`."""
    return ByApprise(settings, name=entry.name, lang=entry.lang)
