"""What the approver reads: which account, what stands against it, and that nothing breaks out of the table."""

from dataclasses import replace

import pytest

from domain.errors import PipelineError
from processing.gep.report.approval import approver_of, question
from processing.gep.report.run import report
from store.home import Home
from tests.processing.gep.report.given import NOW, inputs


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    place = Home.open(tmp_path_factory.mktemp("home"))
    place.lake.upsert("gep_inputs", inputs(), now=NOW, why="test")
    place.lake.upsert("gep_inputs", inputs(year=2024, hot_days=90.0), now=NOW, why="test")
    return place


def draft(home, **options):
    told = {"year": 2025, "profile": "db33-2020", "author": "张示例", "now": NOW, "draws": 10, "formats": ["package"]}
    return report(home, **(told | options))


def test_the_question_says_what_is_approved_in_both_languages(home):
    issued = draft(home)
    zh, en = (question(issued, lang, where="HOME/files/gep/") for lang in ("zh", "en"))
    for text in (zh, en):
        total = f"{issued.account.total / 1e8:,.2f}"
        assert all(word in text for word in ("张示例", "db33-2020", issued.digest[:16], total, "HOME/files/gep/"))
        assert text.count("\n1. ") == 1
    assert "不是 GEP" in zh
    assert "现价" in zh
    assert "2024" in zh
    assert "%" in zh
    assert "not GEP" in en
    assert "尚有" in zh


def test_a_name_cannot_break_the_table(home):
    issued = draft(home)
    odd = replace(issued, issue=replace(issued.issue, author="a | b\nc"))
    assert "| a \\| b c |" in question(odd, "zh", where="")


def test_what_changed_after_it_was_seen_is_not_published(home):
    seen = draft(home)
    assert draft(home).digest == seen.digest
    with pytest.raises(PipelineError, match=r"草案|longer"):
        draft(home, approver="李示例", reason="seen", approved="0" * 64)
    done = draft(home, approver="李示例", reason="seen", approved=seen.digest)
    assert done.folder.name == "published"
    assert done.objections


def answered(option="Approve", **user):
    return {"chosen_options": [option], "responded_by_user": user, "params_input": {}}


def test_somebody_else_approves():
    assert approver_of(answered(name="li", id="7"), ("zhang", "wang")) == "li"
    assert approver_of(answered(id="li"), ("zhang", "")) == "li"


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        answered("Reject", name="li", id="li"),
        answered(name="Zhang ", id="9"),
        answered(name="li", id="zhang"),
        answered(name="wang", id="wang"),
        answered(name="Anonymous", id="anonymous"),
        answered(),
    ],
)
def test_nobody_else_does(answer):
    with pytest.raises(PipelineError):
        approver_of(answer, ("zhang", "wang"))
