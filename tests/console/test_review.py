"""`sanyan review` as it is typed."""

import pytest
from typer.testing import CliRunner

from console.cli import app
from domain.errors import PipelineError


@pytest.fixture
def typed(tmp_path, monkeypatch):
    monkeypatch.setenv("SANYAN_LANG", "en")
    monkeypatch.setenv("SANYAN_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words):
        result = CliRunner().invoke(app, ["review", *words])
        if isinstance(result.exception, PipelineError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return run


SPAN = ("--from", "2026-08-20T00:00", "--to", "2026-08-21")
SAID = ("--who", "Example Zhang", "--why", "probe in the air")


def test_set_list_undo(typed):
    assert "No reviews" in typed("list")
    assert "Review 0" in typed("set", "water-6", "fail", "--parameter", "DO", *SPAN, *SAID)
    shown = typed("list")
    for word in ("water-6", "DO", "2026-08-20 00:00", "2026-08-21 00:00", "fail", "Example Zhang", "probe in the air"):
        assert word in shown
    assert "Review 0" in typed("undo", "0", *SAID)
    assert "No reviews" in typed("list")
    assert "takes back 0" in typed("list", "--all")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("set", "water-66", "fail", *SPAN, *SAID), "no station water-66"),
        (("set", "water-6", "bad", *SPAN, *SAID), "flag bad is none of"),
        (("set", "water-6", "fail", "--parameter", "XX", *SPAN, *SAID), "no parameter XX"),
        (("set", "water-6", "fail", *SPAN, "--who", " ", "--why", "x"), "needs who"),
        (("set", "water-6", "fail", "--from", "2026-08-21", "--to", "2026-08-20", *SAID), "empty"),
        (("undo", "7", *SAID), "no review 7"),
    ],
)
def test_what_is_refused_is_said(typed, words, said):
    with pytest.raises(PipelineError, match=said):
        typed(*words)
