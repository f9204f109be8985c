"""Channels are found by themselves and switched on by the environment."""

import json
from pathlib import Path

import pytest

from alerts.notifiers import body, channels
from domain.errors import CatalogueError
from store.ledger.outbox import Letter
from tests.alerts.conftest import T0


def test_the_log_is_always_on_and_the_webhook_when_it_has_an_address(tmp_path: Path) -> None:
    assert [c.name for c in channels(tmp_path, {})] == ["log"]
    assert [c.name for c in channels(tmp_path, {"SANYAN_WEBHOOK_URL": ""})] == ["log"]
    on = channels(tmp_path, {"SANYAN_WEBHOOK_URL": "https://example.invalid/hook"})
    assert [c.name for c in on] == ["log", "webhook"]


@pytest.mark.parametrize("url", ["nonsense", "ftp://example.invalid/", "http://", "http://host:port/"])
def test_a_wrong_address_is_refused_and_not_repeated_in_the_message(tmp_path: Path, url: str) -> None:
    with pytest.raises(CatalogueError, match="SANYAN_WEBHOOK_URL") as caught:
        channels(tmp_path, {"SANYAN_WEBHOOK_URL": url})
    assert url not in str(caught.value)


def test_the_body_is_one_line_with_the_key() -> None:
    text = body(Letter("k", "log", T0, json.dumps({"text_zh": "一行\n二行"})))
    assert "\n" not in text
    assert json.loads(text) == {"key": "k", "text_zh": "一行\n二行"}
