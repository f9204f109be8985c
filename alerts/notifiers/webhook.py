"""Messages to any HTTP receiver, as JSON, with the header Idempotency-Key.

Switched on by SANYAN_WEBHOOK_URL. The address may hold a secret, so it never stands in a log or in the ledger.
"""

from collections.abc import Mapping
from pathlib import Path

import httpx

from alerts.notifiers import Answer, Notifier, body
from domain.errors import CatalogueError
from store.ledger.outbox import Letter

VARIABLE = "SANYAN_WEBHOOK_URL"

#: Answers after which the same message may be taken later (RFC 9110: timeout, too early, too many, server errors).
_LATER = {408, 425, 429}


class Webhook:
    """Posts each message; the receiver tells repeats by the key."""

    name = "webhook"

    def __init__(self, url: str, *, timeout_s: float = 10.0) -> None:
        self.url = url
        self.timeout_s = timeout_s

    def send(self, letter: Letter) -> Answer:
        """Post once."""
        headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": letter.key}
        try:
            answer = httpx.post(self.url, content=body(letter).encode(), headers=headers, timeout=self.timeout_s)
        except httpx.TransportError as error:
            return Answer("failed", type(error).__name__)
        if answer.is_success:
            return Answer("sent", str(answer.status_code))
        later = answer.is_server_error or answer.status_code in _LATER
        return Answer("failed" if later else "refused", str(answer.status_code))


def channel(root: Path, environ: Mapping[str, str]) -> Notifier | None:  # noqa: ARG001 - one signature for all
    """The webhook of the environment.

    Raises:
        CatalogueError: the address is none.
    """
    url = environ.get(VARIABLE, "")
    if not url:
        return None
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise CatalogueError([f"{VARIABLE}: it is no http or https address; correct it or take it away"])
    return Webhook(url)
