"""Accounts and tokens from the command line."""

import re
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from console.web_cli import app
from domain.errors import PipelineError
from store.home import Home
from store.ledger import users


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("SANYAN_LANG", "en")

    def command(*words: str) -> str:
        done = CliRunner().invoke(app, [*words, "--home", str(tmp_path)])
        if done.exception:
            raise done.exception
        return done.output

    command.ledger = Home.open(tmp_path).ledger
    return command


def now() -> datetime:
    return datetime.now(UTC)


def test_an_account_comes_with_a_link(run):
    said = run("user", "zhang", "--role", "operator", "--name", "张示例")
    secret = re.search(r"/link/(\S+)", said).group(1)
    assert users.owner_of_link(run.ledger, secret, now=now()) == "zhang"
    again = re.search(r"/link/(\S+)", run("link", "zhang")).group(1)
    assert users.owner_of_link(run.ledger, secret, now=now()) is None
    assert users.owner_of_link(run.ledger, again, now=now()) == "zhang"


def test_a_token_is_shown_once_and_can_be_taken_back(run):
    run("user", "zhang", "--role", "viewer")
    token = run("token", "zhang", "--label", "report").strip()
    assert users.signed(run.ledger, token, now=now(), token=True).login == "zhang"
    listed = run("tokens")
    assert token not in listed
    (token_id,) = users.read_tokens(run.ledger)["id"]
    run("untoken", token_id[:12])
    assert users.signed(run.ledger, token, now=now(), token=True) is None


@pytest.mark.parametrize(
    "words",
    [
        ("user", "zhang", "--role", "king"),
        ("user", "Zhang Example"),
        ("link", "nobody"),
        ("token", "nobody"),
        ("untoken", "0"),
    ],
)
def test_mistakes_are_said(run, words):
    with pytest.raises(PipelineError):
        run(*words)
