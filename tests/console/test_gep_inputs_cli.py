"""`sanyan gep inputs`: what is there, what is missing with what would supply it, and the page of all inputs."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.cli import app
from console.gep_inputs_cli import page
from domain.records import TABLES
from store.home import Home
from tests.processing.gep.district import rows
from tests.processing.skyland import NOW

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr("console.cli.screen._width", 300)
    monkeypatch.setenv("SANYAN_LANG", "en")
    home = Home.open(tmp_path / "home")
    filled = rows().assign(year=2025, unit="1", n_valid=1, n_expected=1, method="reported", source="raw/x#B7")
    kept = filled[~filled["quantity"].isin(["hot_days"]) & ~filled["quantity"].str.startswith("rkls_t")]
    home.lake.upsert("gep_inputs", TABLES["gep_inputs"].frame(kept), now=NOW, why="test")
    return tmp_path / "home"


def said(*words):
    out = CliRunner().invoke(app, ["gep", "inputs", *words])
    assert out.exit_code == 0, out.output
    return out.output


def test_the_page_is_that_of_the_tables():
    assert (DOCS / "gep_inputs.md").read_text(encoding="utf-8") == page(), "sanyan gep inputs --markdown > docs/..."


def test_what_is_missing_is_named_with_what_would_supply_it(place):
    text = said("--year", "2025", "--home", str(place))
    assert "form: Crop output and value" in text
    text = said("--year", "2025", "--missing", "--home", str(place))
    assert "Crop output" not in text
    assert "gep_2025_331102_climate.xlsx" in text
    assert "sanyan history import soilgrids" in text
    assert "made from rainfall of the year" in text


def test_it_speaks_chinese_and_asks_for_a_year(place, monkeypatch):
    monkeypatch.setenv("SANYAN_LANG", "zh")
    text = said("--year", "2025", "--missing", "--home", str(place))
    assert "气象观测年值" in text
    assert "缺失" in text
    assert CliRunner().invoke(app, ["gep", "inputs"]).exit_code == 2
