"""What stands against publishing, and that nothing goes out while it stands."""

from dataclasses import replace

import pandas as pd
import pytest

from domain.errors import PipelineError
from processing.gep.report.gate import objections
from processing.gep.report.run import report
from store.home import Home
from tests.processing.gep.report.given import NOW, inputs, made


@pytest.fixture
def home(tmp_path):
    place = Home.open(tmp_path)
    place.lake.upsert("gep_inputs", inputs(), now=NOW, why="test")
    return place


def issue(home, **options):
    given = {"year": 2025, "profile": "db33-2020", "author": "zhang", "now": NOW, "draws": 0, "formats": ["package"]}
    return report(home, **(given | options))


def kinds(found):
    return [o.kind for o in found]


def test_what_is_missing_implausible_or_of_another_size_is_an_objection():
    account = made(draws=0)
    assert kinds(objections(account, inputs())) == ["incomplete"]
    odd = inputs(hot_days=400.0)
    found = objections(account, odd)
    assert kinds(found) == ["incomplete", *["implausible"] * 3]
    assert "hot_days" in found[1].what("zh")
    assert "400" in found[1].what("en")
    km2 = account.zoned.area_m2.sum() / 1e6
    assert kinds(objections(account, inputs(), map_km2=km2 * 1.01)) == ["incomplete"]
    assert kinds(objections(account, inputs(), map_km2=km2 * 1.05)) == ["incomplete", "area"]


def test_a_jump_from_the_year_before_is_an_objection():
    before, now = made(draws=0), made(inputs(hot_days=280.0), draws=0)
    found = objections(now, inputs(), before=before)
    assert kinds(found) == ["incomplete", "year"]
    assert kinds(objections(before, inputs(), before=before)) == ["incomplete"]
    assert kinds(objections(now, inputs(), before=replace(before, flows=()))) == ["incomplete"]


def test_a_draft_needs_nobody(home):
    done = issue(home)
    assert done.folder.name == "db33-2020"
    assert (done.folder / "package" / "manifest.json").is_file()


def test_the_author_cannot_approve(home):
    with pytest.raises(PipelineError, match="zhang"):
        issue(home, approver="zhang", reason="looks fine")
    assert not list(home.root.rglob("published"))


def test_objections_need_a_reason_and_it_is_told(home):
    with pytest.raises(PipelineError):
        issue(home, approver="li")
    with pytest.raises(PipelineError):
        issue(home, approver="li", reason="   ")
    done = issue(home, approver="li", reason="只发布已核算部分")
    assert done.folder.name == "published"
    manifest = (done.folder / "package" / "manifest.json").read_text(encoding="utf-8")
    assert '"approver": "li"' in manifest
    assert "只发布已核算部分" in manifest
    assert '"draft": false' in manifest


def test_unknown_words_are_named(home):
    with pytest.raises(PipelineError, match="odt"):
        issue(home, formats=["odt"])
    with pytest.raises(PipelineError, match="2031"):
        issue(home, year=2031)


def test_the_flows_of_the_lake_are_those_of_the_report(home):
    done = issue(home)
    flows = home.lake.read("flows")
    package = pd.read_parquet(done.folder / "package" / "account.parquet")
    assert len(flows) == len(package)
    assert flows["value_cny"].sum() == pytest.approx(package["value_cny"].sum())


def test_only_a_year_that_knows_the_same_parts_is_compared(home):
    year_before = inputs(year=2024, hot_days=70.0)
    home.lake.upsert("gep_inputs", year_before[year_before["quantity"] != "hot_days"], now=NOW, why="test")
    with pytest.raises(PipelineError) as without:
        issue(home, approver="li")
    assert "2024" not in str(without.value)
    home.lake.upsert("gep_inputs", year_before, now=NOW, why="test")
    with pytest.raises(PipelineError, match="2024"):
        issue(home, approver="li")
