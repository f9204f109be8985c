"""Messages to any HTTP receiver, as JSON, with the header Idempotency-Key; an SMS gateway is one of them.

The environment switches one on by SANYAN_WEBHOOK_URL; `notification.yaml` may name more, with the fields their
receivers want:

    - name: sms
      kind: webhook
      settings:
        url: ${SMS_URL}
        headers: {Authorization: "Bearer ${SMS_TOKEN}"}
        body: {phone: "13800000000", content: "{text}", id: "{key}"}
        longest: 70

Addresses and headers may hold secrets, so they never stand in a log or in the ledger.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from pydantic import Field, field_validator

from alerts.notification import ChannelEntry
from alerts.notifiers import Answer, Notifier, body
from domain.documents import Strict
from domain.errors import CatalogueError
from store.ledger.outbox import Letter

VARIABLE = "SANYAN_WEBHOOK_URL"

#: Answers after which the same message may be taken later (RFC 9110: timeout, too early, too many, server errors).
_LATER = {408, 425, 429}


def _address(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError("it is no http or https address; correct it or take it away")
    return url


class Settings(Strict):
    """How one receiver wants its messages."""

    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    #: Fields of the JSON document; texts may hold {text} {title} {key} {severity} {at}. None: everything there is.
    body: dict[str, Any] | None = None
    longest: int = Field(default=0, ge=0)  # characters of {text}; 0: any number
    timeout_s: float = Field(default=10.0, gt=0, le=60)

    @field_validator("url")
    @classmethod
    def _url(cls, url: str) -> str:
        return _address(url)


class Webhook:
    """Posts each message; the receiver tells repeats by the key."""

    def __init__(self, url: str, *, name: str = "webhook", lang: str = "zh", settings: Settings | None = None) -> None:
        self.name = name
        self.lang = lang
        self.settings = settings or Settings(url=url)

    def send(self, letter: Letter) -> Answer:
        """Post once."""
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Idempotency-Key": letter.key,
            **self.settings.headers,
        }
        content = self._content(letter).encode()
        try:
            answer = httpx.post(self.settings.url, content=content, headers=headers, timeout=self.settings.timeout_s)
        except httpx.TransportError as error:
            return Answer("failed", type(error).__name__)
        if answer.is_success:
            return Answer("sent", str(answer.status_code))
        later = answer.is_server_error or answer.status_code in _LATER
        return Answer("failed" if later else "refused", str(answer.status_code))

    def _content(self, letter: Letter) -> str:
        if self.settings.body is None:
            return body(letter)
        payload = json.loads(letter.payload)
        text = str(payload.get(f"text_{self.lang}", ""))
        longest = self.settings.longest
        said = {
            "key": letter.key,
            "text": text if not longest or len(text) <= longest else text[: longest - 1] + "…",
            "title": payload.get(f"title_{self.lang}", ""),
            "severity": payload.get("severity", ""),
            "at": payload.get("at", ""),
        }
        return json.dumps(_with(self.settings.body, said), ensure_ascii=False)


def _with(value: Any, said: Mapping[str, str]) -> Any:
    """The document with its placeholders replaced; what stands in a message is never taken for a placeholder."""
    if isinstance(value, str):
        return _PLACE.sub(lambda m: said[m.group(1)], value)
    if isinstance(value, Mapping):
        return {k: _with(v, said) for k, v in value.items()}
    return [_with(v, said) for v in value] if isinstance(value, list) else value


_PLACE = re.compile(r"\{(text|title|key|severity|at)\}")


def connect(settings: Settings, entry: ChannelEntry, root: Path) -> Notifier:  # noqa: ARG001 - one signature for all
    """A receiver of `notification.yaml`."""
    return Webhook(settings.url, name=entry.name, lang=entry.lang, settings=settings)


def by_environment(root: Path, environ: Mapping[str, str]) -> Notifier | None:  # noqa: ARG001 - one signature for all
    """The webhook of the environment.

    Raises:
        CatalogueError: the address is none.
    """
    url = environ.get(VARIABLE, "")
    if not url:
        return None
    try:
        return Webhook(_address(url))
    except ValueError as problem:
        raise CatalogueError([f"{VARIABLE}: {problem}"]) from None
