"""`sanyan history`: layouts, and the import of real history by them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from domain.texts import say

app = typer.Typer(no_args_is_help=True, help="Real history: layouts and import. 历史数据：版式与导入。")

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]
#: Statements of scenes that are printed; all of them are kept with the scenes.
_SHOWN = 3


@app.command("layouts")
def layouts() -> None:
    """The layouts that can be imported. 可导入的版式。"""
    from console import screens
    from console.cli import screen
    from ingest.layouts import find, names

    rows = [(name, find(name).title) for name in names()]
    screen.print(screens.table("title.layouts", {"layout": "left", "title": "left"}, rows))


@app.command("import")
def history(
    layout: Annotated[str, typer.Argument(help="A name of `sanyan history layouts`, or a YAML file.")],
    path: Annotated[Path, typer.Argument(help="The folder or file to read.")],
    home: HomeOption = None,
) -> None:
    """Read real history by the description of its layout. 按版式导入历史数据。"""
    from console.cli import open_home, progress, screen
    from ingest.history import import_history
    from ingest.layouts import find, read_layout

    chosen = read_layout(Path(layout)) if layout.endswith((".yaml", ".yml")) else find(layout)
    place = open_home(home)
    with progress() as show:
        c = import_history(place, chosen, path, now=datetime.now(UTC), progress=show)
    rejected = sum(c.rejected.values())
    screen.print(
        say(
            "done.import",
            layout=layout,
            files=c.payloads,
            records=c.records,
            new=c.new,
            changed=c.changed,
            unchanged=c.unchanged,
            rejected=rejected,
        )
    )
    if c.statements:
        screen.print(say("sky_in.statements", n=len(c.statements)))
        for statement in c.statements[:_SHOWN]:
            screen.print(f"  {statement}", markup=False)
