"""`sanyan gep trace`: from a number of an account back to its formula, parameters, inputs and cells of forms."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.tree import Tree

from domain.errors import PipelineError
from domain.texts import language, say

app = typer.Typer()

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]


@app.command("trace")
def trace_cell(
    cell: Annotated[str, typer.Argument(help="PART, PART/ZONE, PART/ZONE/ECOSYSTEM or PART/ZONE/ECOSYSTEM/ITEM.")],
    year: Annotated[int, typer.Option(help="Year of the account.")],
    profile: Annotated[str, typer.Option(help="A profile of `sanyan gep profiles`, or a file.")] = "db33-2025",
    base_year: Annotated[int | None, typer.Option(help="Prices of this year (comparable prices).")] = None,
    home: HomeOption = None,
) -> None:
    """What a number was made from. 追溯一个数的来源。"""
    from console.cli import open_home, screen
    from processing.gep.annual import gep_account
    from processing.gep.report.beside import county_of
    from processing.gep.report.trace import Cell, Step, trace

    place, lang = open_home(home), language()
    made, given, _ = gep_account(
        place, year=year, profile=profile, now=datetime.now(UTC), base_year=base_year, write=False
    )  # fmt: skip
    try:
        found = trace(made, given.inputs, Cell.read(cell), county_of(place, given, year, lang), lang)
    except KeyError as error:
        known = ", ".join(f.part for f in made.flows)
        raise PipelineError(say("gep.trace.unknown", cell=str(error).strip("'"), known=known)) from None

    def grown(branch: Tree, step: Step) -> None:
        source = f"\n[dim]{escape(step.source)}[/]" if step.source else ""
        inner = branch.add(f"{escape(step.text)}{source}")
        for below in step.steps:
            grown(inner, below)

    root = Tree(f"[bold]{escape(found.text)}[/]")
    for step in found.steps:
        grown(root, step)
    screen.print(root)
    files = sorted({path for _, s in found.lines() for path in _archived(place.root, s.source)})
    if files:
        screen.print(say("gep.trace.files"), style="bold")
        for path in files:
            screen.print(f"  {path}", soft_wrap=True, highlight=False)


def _archived(root: Path, source: str) -> list[str]:
    """The files of the archive that a source names, where they can be opened."""
    words = [w.partition("#")[0] for w in source.split() if w.startswith("raw/")]
    return [str(path) for w in words if (path := root / "files" / w).is_file()]
