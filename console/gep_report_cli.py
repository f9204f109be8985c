"""`sanyan gep report | diff | reproduce`: an account in the forms officials submit, and what a package is good for."""

from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from domain.errors import PipelineError
from domain.texts import say

app = typer.Typer()

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]


@app.command()
def report(
    year: Annotated[int, typer.Option(help="Year of the account.")],
    region: Annotated[str | None, typer.Option(help="The district's code; it has to be that of the registry.")] = None,
    profile: Annotated[str, typer.Option(help="A profile of `sanyan gep profiles`, or a file.")] = "db33-2025",
    lang: Annotated[list[str] | None, typer.Option(help="zh (default), en; may be given twice.")] = None,
    form: Annotated[
        list[str] | None, typer.Option("--format", help="xlsx docx pdf html package; all by default.")
    ] = None,
    base_year: Annotated[int | None, typer.Option(help="Prices of this year (comparable prices).")] = None,
    draws: Annotated[int, typer.Option(help="Monte Carlo draws; 0 for none.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 20260818,
    author: Annotated[str | None, typer.Option(help="Who issues it; by default the user of this machine.")] = None,
    approver: Annotated[str, typer.Option(help="Who approves it, not its author; without one it is a draft.")] = "",
    reason: Annotated[str, typer.Option(help="The approver's answer to what stands against it.")] = "",
    home: HomeOption = None,
) -> None:
    """Write the report of a year, a draft without an approver. 生成年度核算报告（无审核人则为草案）。"""
    from console.cli import open_home, progress, screen
    from ingest.forms.run import completeness
    from processing.gep.report.run import FORMATS
    from processing.gep.report.run import report as write

    place, now = open_home(home), datetime.now(UTC)
    code = str(place.registry.county["code"])
    if region not in (None, code):
        raise PipelineError(say("account.no_region", region=str(region), known=code))
    with progress() as show:
        show(say("work.report"), 0.0)
        done = write(
            place,
            year=year,
            profile=profile,
            author=author or getuser(),
            approver=approver,
            reason=reason,
            now=now,
            langs=lang or ["zh"],
            formats=form or FORMATS,
            base_year=base_year,
            draws=draws,
            seed=seed,
            completeness=completeness(place, year=year, now=now),
        )
        show(say("work.report"), 1.0)
    for path in done.files:
        if path.parent == done.folder:
            screen.print(f"  {path}", soft_wrap=True, highlight=False)
    if done.folder.joinpath("package").is_dir():
        screen.print(f"  {done.folder / 'package'}", soft_wrap=True, highlight=False)
    key = "done.report" if done.account.complete else "done.report_partial"
    screen.print(say(key, value=f"{done.account.total / 1e8:,.2f}", n=len(done.account.missing)))


@app.command()
def diff(
    one: Annotated[Path, typer.Argument(help="Folder of a package.")],
    two: Annotated[Path, typer.Argument(help="Folder of another.")],
) -> None:
    """Why two issues or two years differ, cause by cause. 两期结果的差异及原因。"""
    from console import screens
    from console.cli import screen
    from processing.gep.report import package

    first, second = package.read(one), package.read(two)
    causes = package.compared(first, second)
    totals = [float(p.manifest["total_cny"]) / 1e8 for p in (first, second)]
    screen.print(
        say("gep.diff.head", one=f"{totals[0]:,.4f}", two=f"{totals[1]:,.4f}", by=f"{totals[1] - totals[0]:+,.4f}")
    )
    rows = [
        (say(f"gep.cause.{r['cause']}"), f"{r['effect_cny'] / 1e8:+,.4f}", escape(r["detail"]))
        for r in causes.to_dict("records")
    ]
    columns = {"reason": "left", "effect": "right", "detail": "left"}
    screen.print(screens.table("title.causes", columns, rows))


@app.command()
def reproduce(folder: Annotated[Path, typer.Argument(help="Folder of a package.")]) -> None:
    """Make the account of a package again and compare every cell. 按数据包重算并逐格核对。"""
    from console import screens
    from console.cli import screen
    from processing.gep.report import package

    read = package.read(folder)
    found = package.differences(read)
    if found.empty:
        screen.print(say("done.reproduced", cells=f"{len(read.stated):,}"))
        return
    rows = [
        (r["zone"], r["ecosystem"], f"{r['part']} {r['item']}".strip(), r["column"], r["stated"], r["ours"])
        for r in found.head(50).to_dict("records")
    ]
    columns = {"zone": "left", "ecosystem": "left", "part": "left", "what": "left", "stated": "right", "ours": "right"}
    screen.print(screens.table("title.unlike", columns, rows))
    screen.print(say("done.unlike", n=len(found)))
    others = package.other_tables(read)
    if others:
        screen.print(say("gep.other_tables", tables=", ".join(others), software=read.manifest["software"]))
    raise typer.Exit(1)
