"""`sanyan rules | silence | shelve | maintenance | messages`: what a person types and reads."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alerts.run import evaluate
from console.cli import app
from domain.errors import PipelineError
from domain.registry import Registry
from store.home import SAMPLE_COUNTY, Home
from tests.alerts.conftest import hours, indicators, put
from tests.alerts.test_run import POLLUTED

Run = Callable[..., str]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name, value in (("SANYAN_LANG", "en"), ("COLUMNS", "160"), ("SANYAN_HOME", str(tmp_path))):
        monkeypatch.setenv(name, value)
    for name in ("SANYAN_REGISTRY", "SANYAN_LEDGER_URL", "SANYAN_LAKE_URL", "SANYAN_WEBHOOK_URL"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, list(words))
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return done.output

    return run


def test_rules_are_checked_listed_and_tested(typed: Run, tmp_path: Path) -> None:
    assert "13 rules, no problems." in typed("rules", "check")
    assert "Likely" not in typed("rules", "check")
    assert "Zijin" not in typed("rules", "list")
    tests = Path(__file__).parents[1] / "alerts" / "rules_test.yaml"
    assert "4 passed, 0 failed." in typed("rules", "test", str(tests))
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(tests.read_text(encoding="utf-8").replace("fires: PT13H", "fires: PT14H"), encoding="utf-8")
    out = typed("rules", "test", str(wrong), code=1)
    assert "wanted: starts PT10H, fires PT14H" in out
    assert "found:  starts PT10H, fires PT13H" in out


def test_a_replay_is_told_in_numbers(typed: Run, tmp_path: Path) -> None:
    put(Home(tmp_path, Registry.load(SAMPLE_COUNTY)), "indicators", indicators("air.aqi", "air-1", POLLUTED))
    out = typed("rules", "replay", "--from", "2026-08-18", "--to", "2026-08-19", "--rule", "air.polluted",
                "--csv", str(tmp_path / "alarms.csv"))  # fmt: skip
    assert "24 h, 1 operator(s): 1 alarms, 0.042 per operator-hour." in out
    assert "air-1" in (tmp_path / "alarms.csv").read_text(encoding="utf-8")
    with pytest.raises(PipelineError, match="there is no rule x; known are air"):
        typed("rules", "replay", "--from", "2026-08-18", "--to", "2026-08-19", "--rule", "x")


@pytest.mark.parametrize(
    ("kind", "what"),
    [("silence", ("--rule", "air.*")), ("maintenance", ("air-1",))],
)
def test_what_is_kept_quiet_is_listed_until_it_is_ended(typed: Run, kind: str, what: tuple[str, ...]) -> None:
    said = ("--who", "张示例", "--why", "[bold]known")
    assert "number 0" in typed(kind, "add", *what, "--to", "2199-01-01", *said)
    listed = typed(kind, "list")
    assert "[bold]known" in listed
    assert "active" in listed
    assert "Number 0 is over now." in typed(kind, "end", "0", "--who", "李示例", "--why", "done")
    assert "No silence" in typed(kind, "list")
    assert "done" in typed(kind, "list", "--all")
    with pytest.raises(PipelineError, match="over already"):
        typed(kind, "end", "0", "--who", "李示例", "--why", "again")


def test_one_alarm_is_shelved_for_a_day_at_most(typed: Run) -> None:
    with pytest.raises(PipelineError, match="at most"):
        typed("shelve", "add", "air.polluted", "air-1", "--to", "2199-01-01", "--who", "张示例", "--why", "x")


def test_messages_and_what_was_not_said_are_counted(typed: Run, tmp_path: Path) -> None:
    assert "No messages yet." in typed("messages", "list")
    home = Home(tmp_path, Registry.load(SAMPLE_COUNTY))
    put(home, "indicators", indicators("air.aqi", "air-1", POLLUTED))
    evaluate(home, now=hours(12))
    put(home, "indicators", indicators("air.aqi", "air-2", POLLUTED))
    evaluate(home, now=hours(48))
    out = typed("messages", "list")
    assert "pending" in out
    assert "historical: it was over long before it was found" in out
