"""Work notices through the government DingTalk (浙政钉 and other dedicated DingTalk deployments).

A plug-in in one file: it is on when `notification.yaml` names it, and needs an application of the platform.

    - name: government
      kind: government_dingtalk
      settings:
        host: https://openplatform.example.invalid      # the platform's own gateway, not oapi.dingtalk.com
        app_key: ${ZZD_KEY}
        app_secret: ${ZZD_SECRET}
        tenant: "123456"
        receivers: ["GE_example"]                        # employee codes

The interface is not public. What stands here is from memory and unconfirmed, therefore every path is a setting: an
access token by GET /gettoken.json, a notice by POST /message/workNotification, each signed with
HMAC-SHA256(secret, the lines method, time, nonce, path, sorted parameters) in the headers X-Hmac-Auth-*. `bizMsgId` is
our key, by which the platform can tell repeats.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from pydantic import Field, field_validator

from alerts.notification import ChannelEntry
from alerts.notifiers import Answer, Notifier
from domain.documents import Strict
from domain.times import LOCAL
from store.ledger.outbox import Letter


class Settings(Strict):
    """The platform, the application, and who receives."""

    host: str
    app_key: str = Field(min_length=1)
    app_secret: str = Field(min_length=1)
    tenant: str = Field(min_length=1)
    receivers: tuple[str, ...] = Field(min_length=1)
    token_path: str = "/gettoken.json"  # noqa: S105 - a path
    notice_path: str = "/message/workNotification"
    timeout_s: float = Field(default=10.0, gt=0, le=60)

    @field_validator("host")
    @classmethod
    def _host(cls, host: str) -> str:
        if not host.startswith(("https://", "http://127.0.0.1")):
            raise ValueError("it must be an https address")
        return host.rstrip("/")


class GovernmentDingTalk:
    """Sends work notices; a token is asked for with each message."""

    def __init__(self, settings: Settings, *, name: str = "government", lang: str = "zh") -> None:
        self.settings = settings
        self.name = name
        self.lang = lang

    def send(self, letter: Letter) -> Answer:
        """Send one notice."""
        payload = json.loads(letter.payload)
        text = str(payload.get(f"text_{self.lang}", ""))
        try:
            with httpx.Client(base_url=self.settings.host, timeout=self.settings.timeout_s) as client:
                token = self._token(client, letter)
                if not token:
                    return Answer("failed", "no access token: check app_key, app_secret and the allowed addresses")
                notice = {
                    "access_token": token,
                    "bizMsgId": letter.key,
                    "tenantId": self.settings.tenant,
                    "receiverIds": ",".join(self.settings.receivers),
                    "msg": json.dumps({"msgtype": "text", "text": {"content": text}}, ensure_ascii=False),
                }
                answer = self._ask(client, "POST", self.settings.notice_path, notice, letter)
        except httpx.TransportError as error:
            return Answer("failed", type(error).__name__)
        return _meaning(answer)

    def _token(self, client: httpx.Client, letter: Letter) -> str:
        asked = {"appkey": self.settings.app_key, "appsecret": self.settings.app_secret}
        answer = self._ask(client, "GET", self.settings.token_path, asked, letter)
        found = _document(answer)
        content = found.get("content")
        data = content.get("data") if isinstance(content, dict) else None
        inner = data if isinstance(data, dict) else {}
        return str(inner.get("accessToken") or found.get("access_token") or "")

    def _ask(
        self, client: httpx.Client, method: str, path: str, said: Mapping[str, str], letter: Letter
    ) -> httpx.Response:
        at = datetime.now(LOCAL).isoformat(timespec="milliseconds")  # the platform refuses a signature of another time
        headers = signed(self.settings, method, path, said, at=at, nonce=letter.key)
        if method == "GET":
            return client.get(path, params=dict(said), headers=headers)
        return client.post(path, data=dict(said), headers=headers)


def signed(
    settings: Settings, method: str, path: str, said: Mapping[str, str], *, at: str, nonce: str
) -> dict[str, str]:
    """The headers that sign one request."""
    parameters = "&".join(f"{k}={said[k]}" for k in sorted(said))
    text = f"{method}\n{at}\n{nonce}\n{path}\n{parameters}"
    digest = hmac.new(settings.app_secret.encode(), text.encode(), hashlib.sha256).digest()
    return {
        "apiKey": settings.app_key,
        "X-Hmac-Auth-Timestamp": at,
        "X-Hmac-Auth-Version": "1.0",
        "X-Hmac-Auth-Nonce": nonce,
        "X-Hmac-Auth-Signature": base64.b64encode(digest).decode(),
    }


def _meaning(answer: httpx.Response) -> Answer:
    """HTTP success is not enough: the document says whether the notice was taken."""
    if answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return Answer("failed", str(answer.status_code))
    taken = answer.is_success and bool(_document(answer).get("success"))
    return Answer("sent" if taken else "refused", str(answer.status_code))


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def connect(settings: Settings, entry: ChannelEntry, root: Path) -> Notifier:  # noqa: ARG001 - one signature for all
    """An application of `notification.yaml`."""
    return GovernmentDingTalk(settings, name=entry.name, lang=entry.lang)
