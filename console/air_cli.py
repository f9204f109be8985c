"""`sanyan air`: the index of days under another edition of HJ 633."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from domain.errors import PipelineError
from domain.texts import say

app = typer.Typer(no_args_is_help=True, help="Air under another edition. 空气：按另一版标准计算。")

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]


@app.callback()
def air() -> None:
    """Air under another edition. 空气：按另一版标准计算。"""


@app.command()
def under(
    edition: Annotated[str, typer.Argument(help="HJ 633-2012 or HJ 633-2026.")],
    home: HomeOption = None,
    start: Annotated[str | None, typer.Option("--from", help="First day; by default 30 days ago.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="First day after.")] = None,
) -> None:
    """Daily index in the edition in force and in another one, side by side. 现行版与另一版的日指数对照。"""
    from console import screens
    from console.cli import instant, open_home, screen
    from domain.times import day_start, local_day
    from processing import other_edition

    now = datetime.now(UTC)
    first, after = instant(start, day_start(now.date() - timedelta(days=30))), instant(end, now)
    try:
        found = other_edition.under(open_home(home), edition, start=first, end=after)
    except KeyError as error:
        raise PipelineError(str(error.args[0])) from None
    if found.empty:
        screen.print(say("none.days"))
        return
    rows = [
        (day, r["subject"], r["edition"], _index(r["value"]), r["grade"], _index(r["value_other"]), r["grade_other"])
        for day, r in zip(local_day(found["time"]), found.to_dict("records"), strict=True)
    ]
    columns = {
        "day": "left", "station": "left", "edition": "left",
        "index": "right", "grade": "left", "index_other": "right", "grade_other": "left",
    }  # fmt: skip
    screen.print(screens.table("title.under", columns, rows))
    worse = int((found["value_other"] > 100).sum()), int((found["value"] > 100).sum())
    screen.print(say("done.under", edition=edition, there=worse[0], here=worse[1], days=len(found)))


def _index(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.0f}"
