"""The webhook against a real server that fails, then works."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from alerts.notifiers.webhook import Webhook
from alerts.run import Sent, deliver, evaluate
from store.home import Home
from store.ledger.outbox import Letter, read_deliveries, read_outbox
from tests.alerts.conftest import HOUR, T0, hours, indicators, put

LETTER = Letter("k1", "webhook", T0, json.dumps({"text_zh": "消息"}))


class Receiver:
    """A server that answers as told (200 when nothing is told) and honours the idempotency key."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.requests: list[tuple[str, dict[str, object]]] = []
        self.taken: dict[str, dict[str, object]] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                document = json.loads(self.rfile.read(size))
                key = self.headers["Idempotency-Key"]
                receiver.requests.append((key, document))
                status = receiver.answers.pop(0) if receiver.answers else 200
                if status == 200:
                    receiver.taken.setdefault(key, document)
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook?access_token=secret"

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.stop()


def test_a_message_is_posted_with_its_key(receiver: Receiver) -> None:
    assert Webhook(receiver.url).send(LETTER).result == "sent"
    assert receiver.requests == [("k1", {"key": "k1", "text_zh": "消息"})]


@pytest.mark.parametrize(
    ("status", "result"),
    [(204, "sent"), (301, "refused"), (400, "refused"), (401, "refused"), (408, "failed"), (429, "failed"),
     (500, "failed"), (503, "failed")],
)  # fmt: skip
def test_what_the_answer_means(receiver: Receiver, status: int, result: str) -> None:
    receiver.answers = [status]
    answer = Webhook(receiver.url).send(LETTER)
    assert (answer.result, answer.detail) == (result, str(status))


def test_nobody_there_is_a_value_without_the_address() -> None:
    gone = Receiver()
    gone.stop()
    answer = Webhook(gone.url).send(LETTER)
    assert answer.result == "failed"
    assert "secret" not in answer.detail


def test_a_server_that_fails_and_then_works_has_everything_once(
    home: Home, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANYAN_WEBHOOK_URL", receiver.url)
    put(home, "indicators", indicators("air.aqi", "air-1", [160] * 3 + [90] * 6))
    evaluate(home, now=hours(9))
    receiver.answers = [503, 500, 429]
    outcomes = [deliver(home, now=hours(9) + i * HOUR) for i in range(6)]
    assert outcomes[0] == Sent(sent=2, failed=1), "the log has both, the server failed"
    assert sum(o.sent for o in outcomes) == 4
    assert set(read_outbox(home.ledger)["state"]) == {"sent"}
    titles = [str(document["title_en"]) for document in receiver.taken.values()]
    assert sorted(titles) == ["[recovered] Polluted air persists", "[yellow] Polluted air persists"]
    assert "secret" not in read_deliveries(home.ledger).to_csv() + read_outbox(home.ledger).to_csv()
    assert "secret" not in (home.root / "alerts.log").read_text(encoding="utf-8")
