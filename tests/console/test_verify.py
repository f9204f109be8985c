"""`sanyan verify` on the real files, as a person runs it."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.cli import app
from domain.errors import PipelineError

WATER = "water_official_4h_zhejiang_2021"


def run(*words):
    return CliRunner().invoke(app, ["verify", *words], env={"SANYAN_LANG": "en", "COLUMNS": "100"})


def data(folder):
    root = Path(os.environ.get("SANYAN_SHARED", Path(__file__).resolve().parents[2] / ".." / "shared")) / "data"
    if not (root / folder).is_dir():
        pytest.skip(f"real data {folder!r} are not at hand; set SANYAN_SHARED to the folder that has data/{folder}")
    return str(root / folder)


def test_profile_agreement_and_every_difference_are_printed():
    done = run("water", data(WATER))
    assert done.exit_code == 0, done.output
    assert "profile live" in done.output
    assert "98.90%" in done.output
    assert done.output.count("zhejiang.") == 25
    assert "| " not in done.output.splitlines()[0]


def test_markdown_is_for_pages():
    done = run("water", data(WATER), "--markdown", "--profile", "assessment")
    assert done.output.startswith("| compared | profile | rows |")
    assert "96.34 %" in done.output


def test_air_agrees_whole():
    assert "100.00%" in run("air", data("air_cnemc_xml_2019")).output


def test_an_unknown_profile_is_a_message():
    error = run("water", data(WATER), "--profile", "x").exception
    assert isinstance(error, PipelineError)
    assert "there are: assessment, live" in str(error)
