"""`sanyan review`: what people say of observations, with who, when and why; it stands over what tests say."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.markup import escape

from domain.catalogue import parameters
from domain.errors import PipelineError
from domain.records import Flag
from domain.texts import say

app = typer.Typer(no_args_is_help=True, help="Flags set by people: who, when, why. 人工复核。")

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]
WhoOption = Annotated[str, typer.Option(help="Who says it.")]
WhyOption = Annotated[str, typer.Option(help="Why.")]
WORDS = {"pass": Flag.PASS, "unknown": Flag.NOT_EVALUATED, "suspect": Flag.SUSPECT, "fail": Flag.FAIL}


@app.command("set")
def set_review(
    station: Annotated[str, typer.Argument(help="Station id.")],
    flag: Annotated[str, typer.Argument(help="pass, suspect, fail, or unknown.")],
    who: WhoOption,
    why: WhyOption,
    start: Annotated[str, typer.Option("--from", help="First instant; without a zone it is Shanghai time.")],
    end: Annotated[str, typer.Option("--to", help="First instant after.")],
    parameter: Annotated[str, typer.Option(help="Parameter id; all of the station when none is named.")] = "",
    home: HomeOption = None,
) -> None:
    """Set the flag of a station's values over a period. 设定一段时间的数据标记。"""
    from store.ledger.reviews import Review, say_review

    place, moment, shown, now = _shell(home)
    row = place.registry.by_id.get(station)
    if row is None:
        raise PipelineError(say("error.station", station=station))
    if flag not in WORDS:
        raise PipelineError(say("error.flag", flag=flag, known=", ".join(WORDS)))
    if parameter and parameter not in parameters().index:
        raise PipelineError(say("error.parameter", parameter=parameter))
    review = Review(
        who=who, why=why, medium=row["medium"], station_id=station, parameter=parameter,
        start=moment(start, now), end=moment(end, now), flag=int(WORDS[flag]),
    )  # fmt: skip
    number = _said(lambda: say_review(place.ledger, review, now=now))
    shown.print(say("done.review", number=number))


@app.command("list")
def list_reviews(
    home: HomeOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what was taken back.")] = False,
) -> None:
    """The judgements that hold, and with --all the whole log. 复核记录。"""
    from console import screens
    from store.ledger.reviews import read_reviews

    place, _, shown, _ = _shell(home)
    found = read_reviews(place.ledger)
    found = found if everything else found[found["holds"].astype(bool)]
    if found.empty:
        shown.print(say("none.reviews"))
        return
    rows = [
        (
            r["number"],
            f"{r['station_id']} · {r['parameter'] or '*'}\n{_flag(r)}",
            f"{screens.moment(r['start'])}\n{screens.moment(r['end'])}",
            f"{r['who']} · {screens.moment(r['said_at'])}\n{escape(r['why'])}",
        )
        for r in found.to_dict("records")
    ]
    names = ("number", "station", "starts", "why")
    shown.print(screens.table("title.reviews", dict.fromkeys(names, "left"), rows))


def _flag(review: dict[str, Any]) -> str:
    """The flag a person set, or which judgement was taken back."""
    if pd.isna(review["takes_back"]):
        return {int(flag): word for word, flag in WORDS.items()}[review["flag"]]
    return say("review.back", number=review["takes_back"])


@app.command("undo")
def undo(
    number: Annotated[int, typer.Argument(help="A number of `sanyan review list`.")],
    who: WhoOption,
    why: WhyOption,
    home: HomeOption = None,
) -> None:
    """Take a judgement back; both stay in the log. 撤销复核。"""
    from store.ledger.reviews import take_back

    place, _, shown, now = _shell(home)
    _said(lambda: take_back(place.ledger, number, who=who, why=why, now=now))
    shown.print(say("done.undo", number=number))


def _said(work: Any) -> Any:
    """What the ledger refuses is a message to the person who typed it."""
    try:
        return work()
    except ValueError as error:
        raise PipelineError(str(error)) from error


def _shell(home: Path | None) -> tuple[Any, Any, Any, datetime]:
    """The home, how instants are read, the screen and the moment, as all commands have them."""
    from console.cli import instant, open_home, screen

    return open_home(home), instant, screen, datetime.now(UTC)
