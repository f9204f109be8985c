"""`sanyan qc`: what quality control learns from history, and what is only seen over weeks."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from domain.texts import say

app = typer.Typer(no_args_is_help=True, help="Learning from history, drift. 质控：历史学习与漂移。")

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]


@app.command()
def learn(
    until: Annotated[str, typer.Argument(help="A day: learn from what lies before, for use from this day on.")],
    home: HomeOption = None,
) -> None:
    """Learn what is usual by station, season and hour. 学习各站各季各时的常值。"""
    from console.cli import instant, open_home, progress, screen
    from processing.learning import learn_bands

    now = datetime.now(UTC)
    with progress() as show:
        show(say("work.learn"), 0.0)
        done = learn_bands(open_home(home), until=instant(until, now), now=now)
        show(say("work.learn"), 1.0)
    screen.print(say("done.learn", read=f"{done.read:,}", bands=f"{done.computed:,}", since=until))


@app.command()
def drift(
    home: HomeOption = None,
    start: Annotated[str | None, typer.Option("--from", help="First instant; by default 60 days ago.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="First instant after.")] = None,
    medium: Annotated[str, typer.Option(help="Whose stations are compared.")] = "air",
) -> None:
    """Days on which a series drifts away from its neighbours. 相对邻近站点的漂移。"""
    from console import screens
    from console.cli import instant, open_home, screen
    from processing.learning import drifts

    now = datetime.now(UTC)
    found = drifts(
        open_home(home), start=instant(start, now - timedelta(days=60)), end=instant(end, now), medium=medium
    )
    if found.empty:
        screen.print(say("none.drifts"))
        return
    rows = [
        (r["station_id"], r["parameter"], r["day"], f"{r['change']:+.3g}", f"{r['allowed']:g}")
        for r in found.to_dict("records")
    ]
    columns = {"station": "left", "parameter": "left", "day": "left", "change": "right", "allowed": "right"}
    screen.print(screens.table("title.drifts", columns, rows))
