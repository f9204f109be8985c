"""Channels of `notification.yaml`: secrets from the environment, one kind a file, each against a loopback receiver."""

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from alerts.cap import problems
from alerts.notification import ChannelEntry
from alerts.notifiers import channels, kinds
from alerts.notifiers.apprise import ByApprise, cut
from alerts.notifiers.apprise import Settings as AppriseSettings
from alerts.notifiers.cap import Cap
from alerts.notifiers.cap import Settings as CapSettings
from alerts.notifiers.government_dingtalk import GovernmentDingTalk, signed
from alerts.notifiers.government_dingtalk import Settings as GovernmentSettings
from alerts.notifiers.webhook import Settings as WebhookSettings
from alerts.notifiers.webhook import Webhook
from domain.errors import CatalogueError
from store.ledger.outbox import Letter
from tests.alerts.conftest import T0, hours
from tests.alerts.test_cap import ROW


def letter(key: str = "k1", transition: str = "firing", reason: str = "", *ids: str) -> Letter:
    payload = {
        "transition": transition, "reason": reason, "rule": "air.a", "severity": "red", "at": T0.isoformat(),
        "title_zh": "【红色预警】题", "title_en": "[red] Title", "text_zh": "【红色预警】题\n甲站{key}超标",
        "text_en": "[red] Title\nA is bad", "alerts": [{"id": i, **ROW} for i in ids or ("a1",)],
    }  # fmt: skip
    return Letter(key, "x", T0, json.dumps(payload, ensure_ascii=False), 0, hours(1))


class Receiver:
    """A server that answers as told and keeps what it got."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Mapping[str, str], str]] = []
        self.answers: list[tuple[int, Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                receiver.got.append((self.path, dict(self.headers), text))
                status, answer = receiver.answers.pop(0) if receiver.answers else (200, {})
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            do_GET = do_POST = _any

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.server.shutdown()
    server.thread.join()
    server.server.server_close()


FILE = """\
channels:
  - {name: duty, kind: apprise, per_minute: 18, settings: {url: "dingtalk://${SECRET}@${TOKEN}/"}}
  - {name: log, kind: log, settings: {file: told.log}}
  - {name: cap, kind: cap, settings: {sender: a@example.invalid}}
  - {name: sms, kind: webhook, settings: {url: "${SMS}", body: {content: "{text}"}, longest: 70}}
routes: [{channels: [duty, log, cap, sms]}]
"""
SECRETS = {"SECRET": "SEC" + "0" * 30, "TOKEN": "a" * 64, "SMS": "https://example.invalid/sms"}


class TestFile:
    def on(self, folder: Path, text: str, environ: Mapping[str, str]) -> list[tuple[str, int]]:
        (folder / "notification.yaml").write_text(text, encoding="utf-8")
        return [(c.name, c.per_minute) for c in channels(folder, environ, folder)]

    def test_the_channels_of_the_file_are_on(self, tmp_path: Path) -> None:
        assert self.on(tmp_path, FILE, SECRETS) == [("duty", 18), ("log", 0), ("cap", 0), ("sms", 0)]

    @pytest.mark.parametrize(
        ("old", "new", "says"),
        [
            ("kind: cap", "kind: pigeon", "'pigeon' is no kind of channel; known are apprise, cap"),
            ("${SMS}", "${NOWHERE}", "the environment variable NOWHERE is not set"),
            ("longest: 70", "longest: many", r"settings\.longest"),
            ("dingtalk://", "pigeon://", "no address Apprise knows"),
            ("file: told.log", "file: ../told.log", r"settings\.file"),
            ("sender: a@example.invalid", "sender: a b", r"settings\.sender"),
        ],
    )
    def test_a_wrong_one_is_refused_without_its_secrets(self, tmp_path: Path, old: str, new: str, says: str) -> None:
        assert old in FILE
        with pytest.raises(CatalogueError, match=says) as caught:
            self.on(tmp_path, FILE.replace(old, new), SECRETS)
        assert not [s for s in SECRETS.values() if s in str(caught.value)]

    def test_every_kind_has_settings_and_connects(self) -> None:
        assert list(kinds()) == ["apprise", "cap", "government_dingtalk", "log", "webhook"]
        assert all(hasattr(k, "Settings") and hasattr(k, "connect") for k in kinds().values())


class TestApprise:
    def test_a_message_arrives_with_its_title(self, receiver: Receiver) -> None:
        channel = ByApprise(AppriseSettings(url=f"json://{receiver.host}/x"), lang="zh")
        assert channel.send(letter()).result == "sent"
        document = json.loads(receiver.got[0][2])
        assert (document["title"], document["message"]) == ("【红色预警】题", "甲站{key}超标")

    def test_what_is_not_taken_failed(self, receiver: Receiver) -> None:
        receiver.answers = [(500, {})]
        assert ByApprise(AppriseSettings(url=f"json://{receiver.host}/x")).send(letter()).result == "failed"

    @pytest.mark.parametrize(("longest", "text"), [(99, "甲乙丙"), (9, "甲乙丙"), (8, "甲…"), (6, "甲…")])
    def test_a_text_is_cut_between_characters(self, longest: int, text: str) -> None:
        assert cut("甲乙丙", longest) == text


class TestWebhook:
    def test_a_receiver_gets_the_fields_it_wants(self, receiver: Receiver) -> None:
        wanted = {"phone": "13800000000", "content": "{text}", "id": ["{key}", 7], "level": "{severity}"}
        settings = WebhookSettings(
            url=f"http://{receiver.host}/", headers={"Authorization": "Bearer t"}, body=wanted, longest=12
        )
        assert Webhook(settings.url, lang="zh", settings=settings).send(letter()).result == "sent"
        _, headers, text = receiver.got[0]
        assert json.loads(text) == {
            "phone": "13800000000", "content": "【红色预警】题\n甲站{…", "id": ["k1", 7], "level": "red"
        }  # fmt: skip
        assert (headers["Authorization"], headers["Idempotency-Key"]) == ("Bearer t", "k1")


class TestCap:
    def files(self, folder: Path) -> list[str]:
        return [f"{p.parent.name}/{p.name}" for p in sorted(folder.rglob("*.xml"))]

    def test_each_alarm_has_its_chain(self, tmp_path: Path) -> None:
        channel = Cap(tmp_path, CapSettings(sender="a@example.invalid"))
        for message in (
            letter("k1", "firing", "", "a1", "a2"), letter("k2", "escalated", "", "a1"),
            letter("k2", "escalated", "", "a1"), letter("k3", "resolved", "recovered", "a1", "a2"),
        ):  # fmt: skip
            assert channel.send(message).result == "sent"
        assert self.files(tmp_path) == [
            "a1/0001-k1.xml", "a1/0002-k2.xml", "a1/0003-k3.xml", "a2/0001-k1.xml", "a2/0002-k3.xml"
        ]  # fmt: skip
        last = (tmp_path / "a1" / "0003-k3.xml").read_bytes()
        assert last.decode().count("a@example.invalid,a1.") == 2, "it refers to both before it"
        assert b"<msgType>Cancel</msgType>" in last
        assert all(problems(p.read_bytes()) == [] for p in tmp_path.rglob("*.xml"))

    def test_an_end_of_what_was_never_published_is_not_published(self, tmp_path: Path) -> None:
        assert Cap(tmp_path, CapSettings(sender="a@example.invalid")).send(letter("k", "resolved", "stale")).result
        assert self.files(tmp_path) == []

    def test_a_hostile_id_stays_in_the_folder(self, tmp_path: Path) -> None:
        Cap(tmp_path / "cap", CapSettings(sender="a@example.invalid")).send(letter("k", "firing", "", "../../x"))
        assert list(tmp_path.iterdir()) == [tmp_path / "cap"]


class TestGovernmentDingTalk:
    def settings(self, host: str) -> GovernmentSettings:
        return GovernmentSettings(host=f"http://{host}", app_key="k", app_secret="s", tenant="1", receivers=("GE_1",))

    def test_a_notice_is_signed_and_carries_the_key(self, receiver: Receiver) -> None:
        receiver.answers = [(200, {"content": {"data": {"accessToken": "t"}}}), (200, {"success": True})]
        assert GovernmentDingTalk(self.settings(receiver.host)).send(letter()).result == "sent"
        assert receiver.got[0][0].startswith("/gettoken.json?")
        assert "bizMsgId=k1" in receiver.got[1][2]
        assert receiver.got[1][1]["X-Hmac-Auth-Signature"]

    @pytest.mark.parametrize(
        ("answers", "result"),
        [([(200, {})], "failed"), ([(200, {"access_token": "t"}), (200, {"success": False})], "refused"),
         ([(200, {"access_token": "t"}), (503, {})], "failed")],
    )  # fmt: skip
    def test_what_the_answer_means(self, receiver: Receiver, answers: list[Any], result: str) -> None:
        receiver.answers = answers
        assert GovernmentDingTalk(self.settings(receiver.host)).send(letter()).result == result

    def test_another_secret_is_another_signature(self) -> None:
        settings = self.settings("127.0.0.1")
        others = settings.model_copy(update={"app_secret": "y"})
        one, other = (signed(x, "GET", "/p", {"a": "1"}, at="t", nonce="n") for x in (settings, others))
        assert one["X-Hmac-Auth-Signature"] != other["X-Hmac-Auth-Signature"]

    def test_only_https(self) -> None:
        with pytest.raises(ValueError, match="https"):
            self.settings("example.invalid")


def test_an_entry_of_the_file_names_its_channel(tmp_path: Path) -> None:
    entry = ChannelEntry(name="told", kind="log")
    kind = kinds()["log"]
    assert kind.connect(kind.Settings(), entry, tmp_path).name == "told"
