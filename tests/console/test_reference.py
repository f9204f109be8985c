"""The page of indicators is the indicators."""

import re

from typer.testing import CliRunner

from console import reference
from console.cli import app
from processing.registered import registered


def test_the_page_is_not_stale():
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), (
        "docs/indicators.md is stale: run `make docs`"
    )


def test_every_indicator_has_one_whole_row():
    rows = re.findall(r"^\| `([\w.]+)` \|(.*)\|$", reference.page().partition("## Settings")[0], re.MULTILINE)
    assert [name for name, _ in rows] == sorted(registered(), key=lambda n: (n.partition(".")[0], n))
    for name, rest in rows:
        cells = [c.strip() for c in re.split(r"(?<!\\)\|", rest)]
        assert len(cells) == 9, name
        assert all(cells), name
        assert cells[-1][0] in "✔◐✘○", name


def test_the_command_writes_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "PAGE", tmp_path / "indicators.md")
    done = CliRunner().invoke(app, ["docs", "indicators"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "indicators.md").read_text(encoding="utf-8") == reference.page()
