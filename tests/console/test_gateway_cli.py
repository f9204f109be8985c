"""The gateway from the command line: served, played to, and asked how it is."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.gateway_cli import app


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setenv("SANYAN_LANG", "en")
    monkeypatch.setenv("COLUMNS", "200")

    def command(*words: str) -> str:
        done = CliRunner().invoke(app, list(words))
        if done.exception:
            raise done.exception
        return done.output

    return command


def test_nothing_has_run_yet(run, tmp_path):
    assert "No gateway has run" in run("status", "--home", str(tmp_path))


def test_devices_play_to_a_gateway_that_stops_when_told(run, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    home, root = str(tmp_path / "home"), str(tmp_path / "feeds")
    sanyan = str(Path(sys.executable).parent / "sanyan")
    command = [sanyan, "gateway", "serve", "--home", home, "--root", root, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        port = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline()).group(1)
        played = run("play", "--port", port, "--hours", "1")
        process.send_signal(signal.SIGTERM)
        last = process.stdout.read()
    assert process.returncode == 0
    sent, answered = (int(x) for x in re.search(r"(\d+) packets sent, (\d+) answers, 0 .*, 0 never", played).groups())
    assert sent >= answered > 0
    assert re.search(rf"stopped: \d+ frames, {answered} answered", last)
    status = run("status", "--home", home)
    assert "Gateway gateway: stopped" in status
    assert "331102000000000000000001" in status
    assert list(Path(root).rglob("*.hj212"))
