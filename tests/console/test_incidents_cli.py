"""`sanyan incidents`, `sanyan bulletin`, `sanyan statistics`: what a person sees and types."""

import pytest
from typer.testing import CliRunner

from console.cli import app
from store.ledger.incidents import read_incidents
from tests.alerts.incidents.loop import NOW, opened


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return opened(tmp_path_factory.mktemp("cli"))


def typed(case, *words: str, lang: str = "zh"):
    result = CliRunner().invoke(app, [*words, "--home", str(case[0].root)], env={"SANYAN_LANG": lang, "COLUMNS": "160"})
    return result.exit_code, result.output if result.exception is None else result.output + str(result.exception)


def test_a_shift_on_the_command_line(case):
    home, name = case
    assert "丽新畲族乡" in typed(case, "incidents", "list")[1]
    assert typed(case, "incidents", "ack", name, "--who", "张示例")[0] == 0
    code, said = typed(case, "incidents", "close", name, "--who", "张示例", "--why", "")
    assert code != 0
    assert "理由" in said
    assert typed(case, "incidents", "dispatch", name, "--who", "张示例")[0] == 0
    assert len(list((home.root / "outgoing" / "tasks").iterdir())) == 1
    assert typed(case, "incidents", "verify", name, "found", "--who", "张示例", "--why", "属实")[0] == 0
    assert typed(case, "incidents", "close", name, "--who", "张示例", "--why", "已清运")[0] == 0
    assert read_incidents(home.ledger, now=NOW, active=None)["handling"].tolist() == ["closed"]
    code, said = typed(case, "incidents", "show", name)
    assert code == 0
    for word in ("人眼", "派单", "核实", "办结"):
        assert word in said
    for private in ("13800000000", "李样例", "王虚构", "陈假名", "刘某某"):
        assert private not in said
    assert "没有待办事件" in typed(case, "incidents", "list")[1]


def test_the_trail_is_checked(case):
    code, said = typed(case, "incidents", "check", lang="en")
    assert code == 0
    assert "0 problems" in said


def test_an_unknown_incident_is_a_message(case):
    code, said = typed(case, "incidents", "show", "I-none", lang="en")
    assert code != 0
    assert "there is no incident I-none" in said


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_bulletins_are_written_in_both_languages(case, tmp_path, lang):
    for kind in ("daily", "weekly"):
        code, said = typed(case, "bulletin", kind, "--day", "2026-08-24", "--lang", lang, "--out", str(tmp_path))
        assert code == 0, said
        assert (tmp_path / f"{kind}-2026-08-24-{lang}.docx").stat().st_size > 5000
        assert (tmp_path / f"{kind}-2026-08-24-{lang}.md").read_text(encoding="utf-8").startswith("# ")
    assert "2026-13-01" in typed(case, "bulletin", "daily", "--day", "2026-13-01")[1]


def test_statistics(case):
    code, said = typed(case, "statistics", "--by", "week", lang="en")
    assert code == 0, said
    assert "Handling" in said
    assert typed(case, "statistics", "--by", "year")[0] != 0
