"""`sanyan gep account`, `profiles` and `published`, as a person runs them."""

import json

import pytest
from shapely.geometry import box, mapping
from typer.testing import CliRunner

from console.cli import app
from domain.errors import PipelineError
from processing.imagery.grid import WGS84, moved
from store.home import Home
from tests.processing.gep.district import REGION, ZONES
from tests.processing.gep.test_annual import YEAR, stocked
from tests.processing.skyland import GRID
from tests.processing.test_gep_inputs import cover_map


def run(monkeypatch, place: Home, *words, lang="zh"):
    """The command on a home with a small registry, 200 columns wide."""
    monkeypatch.setattr("console.cli.open_home", lambda _home: place)
    monkeypatch.setattr("console.cli.screen._width", 200)
    monkeypatch.setenv("SANYAN_LANG", lang)
    return CliRunner().invoke(app, ["gep", *words])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_account_says_norm_range_and_what_drives_it(tmp_path, monkeypatch, lang):
    words = ("account", "--year", str(YEAR), "--profile", "db33-2020", "--draws", "60")
    done = run(monkeypatch, stocked(tmp_path), *words, lang=lang)
    assert done.exit_code == 0, done.output
    for part in {
        "zh": ("DB33", "现价", "凭记忆", "水源涵养", "生态产品总值", "90% 区间", "秩相关", "flows"),
        "en": ("current prices", "not to be published", "water retention", "Gross ecosystem product", "90 % range"),
    }[lang]:
        assert part in done.output or part == "DB33"


def test_a_township_alone_and_nothing_written(tmp_path, monkeypatch):
    place = stocked(tmp_path)
    words = ("account", "--year", str(YEAR), "--profile", "db33-2020", "--region", ZONES[1], "--draws", "0", "--dry")
    done = run(monkeypatch, place, *words)
    assert done.exit_code == 0, done.output
    assert place.lake.version("flows") < 0


def test_what_is_not_there_is_a_message(tmp_path, monkeypatch):
    place = stocked(tmp_path)
    error = run(monkeypatch, place, "account", "--year", "2026", "--region", "99").exception
    assert isinstance(error, PipelineError)
    assert REGION in str(error)
    assert isinstance(run(monkeypatch, place, "account", "--year", "2026", "--profile", "x").exception, PipelineError)


def test_profiles_and_published_accounts_are_listed(tmp_path, monkeypatch):
    place = stocked(tmp_path)
    assert "GB/T 46869-2025" in run(monkeypatch, place, "profiles").output
    printed = run(monkeypatch, place, "published").output
    assert "7545.59" in printed
    assert "四舍五入后一致" in printed
    assert run(monkeypatch, place, "published", "--markdown").output.startswith("# Published accounts")


def test_a_parcel_and_what_its_change_loses(tmp_path, monkeypatch):
    place = stocked(tmp_path)
    polygon = tmp_path / "parcel.geojson"
    corner = box(GRID.left, GRID.top - 20 * GRID.resolution, GRID.left + 20 * GRID.resolution, GRID.top)
    polygon.write_text(json.dumps(mapping(moved(corner, GRID.crs, WGS84))), encoding="utf-8")
    words = ("parcel", str(polygon), "--year", str(YEAR), "--profile", "db33-2020", "--draws", "0")
    assert isinstance(run(monkeypatch, place, *words).exception, PipelineError)  # no map yet
    cover_map(place)
    done = run(monkeypatch, place, *words)
    assert done.exit_code == 0, done.output
    assert "常绿阔叶林" in done.output
    assert "水源涵养量" in done.output
    lost = run(monkeypatch, place, *words, "--from", "evergreen_broadleaf", "--to", "residential", lang="en")
    assert "evergreen broadleaf forest becomes residential land: -" in lost.output
    assert "ecosystem moon" in str(run(monkeypatch, place, *words, "--to", "moon", lang="en").exception)
    polygon.write_text("no json", encoding="utf-8")
    assert isinstance(run(monkeypatch, place, *words).exception, PipelineError)
