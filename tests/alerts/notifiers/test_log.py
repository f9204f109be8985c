"""The log has every message once, whoever writes it and whoever dies writing it."""

import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.notifiers.log import Log
from store.ledger.outbox import Letter
from tests.alerts.conftest import T0


def letter(key: str) -> Letter:
    return Letter(key, "log", T0, json.dumps({"text_zh": f"消息{key}\n第二行"}, ensure_ascii=False))


def keys(path: Path) -> list[str]:
    return [json.loads(line)["key"] for line in path.read_text(encoding="utf-8").splitlines()]


@given(st.lists(st.sampled_from("abcde")))
def test_each_key_is_written_once(tmp_path_factory: pytest.TempPathFactory, sent: list[str]) -> None:
    path = tmp_path_factory.mktemp("log") / "alerts.log"
    mine, other = Log(path), Log(path)
    for i, key in enumerate(sent):
        assert (mine, other)[i % 2].send(letter(key)).result == "sent"
    assert keys(path) == list(dict.fromkeys(sent)) if sent else not path.exists()


def test_writers_at_once_write_each_key_once(tmp_path: Path) -> None:
    path = tmp_path / "alerts.log"
    work = [threading.Thread(target=lambda: [Log(path).send(letter(str(k))) for k in range(30)]) for _ in range(4)]
    for w in work:
        w.start()
    for w in work:
        w.join()
    assert sorted(keys(path), key=int) == [str(k) for k in range(30)]


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_line_whose_writer_was_killed_is_written_anew(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "alerts.log"
    Log(path).send(letter("a"))
    whole = path.read_bytes()
    Log(path).send(letter("b"))
    path.write_bytes(path.read_bytes()[: len(whole) + cut])
    log = Log(path)
    log.send(letter("b"))
    log.send(letter("c"))
    assert keys(path) == ["a", "b", "c"]


def test_a_rotated_file_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "alerts.log"
    log = Log(path)
    log.send(letter("a"))
    path.unlink()
    log.send(letter("b"))
    assert keys(path) == ["b"]
