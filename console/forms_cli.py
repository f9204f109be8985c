"""`sanyan gep forms | collect | board`: what departments deliver for an account."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from domain.errors import PipelineError
from domain.texts import language, say

app = typer.Typer()

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]
_STYLES = {"complete": "green", "incomplete": "yellow", "refused": "bold red", "missing": "red"}


@app.command("forms")
def write(
    year: Annotated[int, typer.Option(help="Year of the figures.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("var/forms"),
    region: Annotated[str | None, typer.Option(help="A township's code; by default the district.")] = None,
    department: Annotated[list[str] | None, typer.Option(help="Only these departments.")] = None,
    home: HomeOption = None,
) -> None:
    """Write the forms the departments fill. 生成部门数据收集表。"""
    from console.cli import open_home, screen
    from domain.forms import forms
    from ingest.forms.run import write_forms

    known = {form.department for form in forms().values()}
    unknown = sorted(set(department or ()) - known)
    if unknown:
        raise PipelineError(say("error.department", found=", ".join(unknown), known=", ".join(sorted(known))))
    try:
        paths = write_forms(open_home(home), out, year=year, region=region, departments=department or ())
    except KeyError as error:
        raise PipelineError(say("error.region", found=str(error.args[0]))) from None
    for path in paths:
        screen.print(f"  {path}")
    screen.print(say("done.forms", n=len(paths), year=year, folder=out))


@app.command()
def collect(
    paths: Annotated[list[Path], typer.Argument(help="Filled forms, or folders of them.")],
    year: Annotated[int | None, typer.Option(help="The year that is collected; others are refused.")] = None,
    home: HomeOption = None,
) -> None:
    """Take filled forms in; every problem is listed with its cell. 收取填好的表，逐格列出问题。"""
    from console import screens
    from console.cli import open_home, screen
    from ingest.forms.run import collect as take

    files = [f for p in paths for f in (sorted(p.glob("*.*")) if p.is_dir() else [p]) if not f.name.startswith("~$")]
    if not files:
        raise PipelineError(say("error.no_forms"))
    refused = 0
    lang = language()
    for got in take(open_home(home), files, now=datetime.now(UTC), year=year):
        if got.written is None:
            refused += 1
            rows = [(p.place or got.name, escape(p.what(lang)), escape(p.remedy(lang))) for p in got.reading.problems]
            screen.print(f"[bold red]✗[/] {escape(got.name)}")
            columns = {"place": "left", "problem": "left", "remedy": "left"}
            screen.print(screens.table("title.problems", columns, rows))
            continue
        form, written = got.reading.form, got.written
        name = "" if form is None else (form.name_zh if lang == "zh" else form.name_en)
        said = say(
            "done.collected",
            name=name,
            figures=len(got.reading.figures),
            new=written.new,
            changed=written.changed,
            empty=got.reading.n_empty,
        )
        screen.print(f"[green]✓[/] {escape(got.name)}  {said}")
    if refused:
        screen.print(say("done.refused", n=refused, files=len(files)))
        raise typer.Exit(1)


@app.command()
def board(
    year: Annotated[int, typer.Option(help="Year of the figures.")],
    home: HomeOption = None,
) -> None:
    """Who has delivered what, and what is overdue. 各部门交表情况。"""
    from console import screens
    from console.cli import open_home, screen
    from domain.forms import forms
    from ingest.forms.run import completeness

    found = completeness(open_home(home), year=year, now=datetime.now(UTC))
    zh = language() == "zh"
    rows = []
    for r in found.to_dict("records"):
        form = forms()[r["form"]]
        state = r["state"]
        rows.append(
            (
                form.department_zh if zh else form.department_en,
                form.name_zh if zh else form.name_en,
                f"[{_STYLES[state]}]{say(f'delivery.{state}')}[/]",
                f"{r['n_zones']}/{r['n_expected']}",
                r["n_empty"] if state == "incomplete" else "",
                screens.moment(r["received_at"]),
                f"{r['due']:%Y-%m-%d}",
                say("lag.days", n=r["n_overdue_days"]) if r["n_overdue_days"] else "",
            )
        )
    columns = {
        "department": "left", "form": "left", "state": "left", "delivered": "right", "empty": "right",
        "received": "left", "due": "left", "overdue": "right",
    }  # fmt: skip
    screen.print(screens.table("title.board", columns, rows))
    done = int((found["state"] == "complete").sum())
    screen.print(say("done.board", done=done, all=len(found), late=int((found["n_overdue_days"] > 0).sum())))
