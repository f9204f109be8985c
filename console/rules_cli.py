"""`sanyan rules`: check, list, test and replay of alert rules."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.markup import escape

from domain.errors import PipelineError
from domain.texts import language, say

app = typer.Typer(no_args_is_help=True, help="Alert rules: check, test, replay. 告警规则。")

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]
RulesOption = Annotated[Path | None, typer.Option("--rules", help="A file of rules; by default those in force.")]


@app.command()
def check(
    rules: Annotated[Path | None, typer.Argument(help="A file of rules; by default those in force.")] = None,
) -> None:
    """Read the rules strictly; every problem with its line. 检查规则文件。"""
    _screen().print(say("rules.checked", n=len(_book(rules).rules)))


@app.command("list")
def list_rules(rules: RulesOption = None) -> None:
    """The rules in force, with cause and action. 规则列表。"""
    from console import screens

    lang = language()
    rows = [
        (
            f"{r.id}\n{escape(getattr(r.title, lang))}",
            escape(getattr(r.cause, lang)),
            escape(getattr(r.action, lang)),
        )
        for r in _book(rules).rules
    ]
    _screen().print(screens.table("title.rule_list", dict.fromkeys(("rule", "cause", "action"), "left"), rows))


@app.command()
def test(file: Annotated[Path, typer.Argument(help="Tests of rules, see docs/alerts.md.")]) -> None:
    """Run unit tests of rules. 规则单元测试。"""
    from alerts.rule_tests import run_tests

    registry = _registry()
    stations: dict[str, list[dict[str, Any]]] = {}
    for row in registry.stations.sort_values("valid_from", kind="stable").to_dict("records"):
        stations.setdefault(str(row["station_id"]), []).append({str(k): v for k, v in row.items()})
    results = run_tests(file, stations, _book(None))
    out = _screen()
    for r in results:
        if r.passed:
            out.print(say("rules.passed", name=escape(r.name)))
            continue
        out.print(f"[bold red]{say('rules.failed', name=escape(r.name), rule=r.rule)}[/]")
        for line in r.wanted or (say("rules.nothing"),):
            out.print(say("rules.wanted", line=line), highlight=False)
        for line in r.found or (say("rules.nothing"),):
            out.print(say("rules.found", line=line), highlight=False)
    failed = sum(not r.passed for r in results)
    out.print(say("rules.counted", passed=len(results) - failed, failed=failed))
    if failed:
        raise typer.Exit(1)


@app.command()
def replay(
    start: Annotated[str, typer.Option("--from", help="First instant; without a zone it is Shanghai time.")],
    end: Annotated[str, typer.Option("--to", help="First instant after.")],
    rules: RulesOption = None,
    rule: Annotated[list[str] | None, typer.Option("--rule", help="Only this rule; may be repeated.")] = None,
    operators: Annotated[float, typer.Option(help="How many operators share the alarms.")] = 1.0,
    csv: Annotated[Path | None, typer.Option(help="Write every alarm to this file.")] = None,
    home: HomeOption = None,
) -> None:
    """What these rules would have raised on real history; nothing is written or sent. 用历史数据回放规则。"""
    from alerts.replay import replay as run
    from console import screens
    from console.cli import instant, open_home
    from store.ledger.incidents import read_reviewed

    place, now = open_home(home), datetime.now(UTC)
    first, last = instant(start, now), instant(end, now)
    book = _book(rules, place.registry.root)
    unknown = [r for r in rule or [] if r not in book.by_id]
    if unknown:
        raise PipelineError(say("rules.unknown", rule=unknown[0], known=", ".join(book.by_id)))
    try:
        done = run(place, book, first, last, reviewed=read_reviewed(place.ledger), operators=operators, only=rule or ())
    except ValueError as error:
        raise PipelineError(str(error)) from None
    columns = {"rule": "left", **dict.fromkeys(("alarms", "load", "lasted", "looked", "wrong", "early"), "right")}
    rows = [
        (
            r["rule"],
            f"{r['alarms']:,}",
            f"{r['per_operator_hour']:.3f}",
            _number(r["median_hours"], ".1f"),
            f"{r['reviewed']:,}",
            _number(r["false_share"], ".0%"),
            _number(r["lead_hours"], ".1f"),
        )
        for r in done.rules.to_dict("records")
    ]
    shown = screens.table("title.rule_list", columns, rows)
    shown.title = say("title.replay", start=screens.moment(first), end=screens.moment(last))
    out = _screen()
    out.print(shown)
    hours = (last - first) / timedelta(hours=1)
    n = len(done.alarms)
    out.print(
        say(
            "rules.replayed",
            hours=f"{hours:,.0f}", operators=f"{operators:g}", alarms=f"{n:,}", load=f"{n / hours / operators:.3f}",
        )
    )  # fmt: skip
    if csv is not None:
        done.alarms.to_csv(csv, index=False)


def _number(value: float, form: str) -> str:
    return "–" if pd.isna(value) else format(value, form)


def _book(rules: Path | None, registry: Path | None = None) -> Any:
    from alerts.rules import for_registry, load

    return load(rules) if rules is not None else for_registry(registry or _registry().root)


def _registry() -> Any:
    from console.cli import open_home

    return open_home(None).registry


def _screen() -> Any:
    from console.cli import screen

    return screen
