"""`sanyan bulletin` and `sanyan statistics`: what is sent up, and how well it goes. 报送与统计。"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from domain.errors import PipelineError
from domain.texts import say
from domain.times import LOCAL

app = typer.Typer(no_args_is_help=True, help="Bulletins to send up. 日报与周报。")

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]
DayOption = Annotated[
    str | None, typer.Option("--day", help="The day, or the last day of the week; default yesterday.")
]
OutOption = Annotated[Path | None, typer.Option("--out", help="Folder for the files; default bulletins/ in the home.")]
LangOption = Annotated[str | None, typer.Option("--lang", help="zh or en; default Chinese.")]
OperatorsOption = Annotated[int, typer.Option("--operators", min=1, help="How many share the alarms at a time.")]


@app.command()
def daily(
    day: DayOption = None, out: OutOption = None, lang: LangOption = None, operators: OperatorsOption = 1,
    home: HomeOption = None,
) -> None:  # fmt: skip
    """The bulletin of one day, as DOCX and Markdown. 日报。"""
    _write(home, _day(day), 1, out, lang or "zh", operators)


@app.command()
def weekly(
    day: DayOption = None, out: OutOption = None, lang: LangOption = None, operators: OperatorsOption = 1,
    home: HomeOption = None,
) -> None:  # fmt: skip
    """The bulletin of the seven days that end with a day, as DOCX and Markdown. 周报。"""
    _write(home, _day(day), 7, out, lang or "zh", operators)


def statistics(
    by: Annotated[str, typer.Option("--by", help="week or month.")] = "month",
    operators: OperatorsOption = 1,
    home: HomeOption = None,
) -> None:
    """Handling times, and alarm load beside the limits of ISA-18.2. 处置统计与告警负荷。"""
    from alerts.incidents.statistics import alarm_load, chattering, handling
    from console import screens
    from console.cli import open_home, screen
    from store.ledger.alerts import read_alerts
    from store.ledger.incidents import read_incidents

    if by not in ("week", "month"):
        raise PipelineError(say("error.by", by=by))
    place, now = open_home(home), pd.Timestamp(datetime.now(UTC))
    alerts = read_alerts(place.ledger)
    handled = handling(read_incidents(place.ledger, now=now, active=None, limit=1_000_000), by, now=now)  # type: ignore[arg-type]
    load = alarm_load(alerts, by, operators=operators, now=now)  # type: ignore[arg-type]
    if handled.empty and load.empty:
        screen.print(say("none.alerts"))
        return
    columns = ("period", "opened", "closed", "waiting", "late", "reopened", "ack", "verified", "intime")
    rows = [
        (r["period"], r["opened"], r["closed"], r["open_now"], r["overdue"], r["reopened"], _n(r["acknowledge_h"]),
         _n(r["verify_h"]), _n(r["closed_in_time_pct"]))
        for r in handled.to_dict("records")
    ]  # fmt: skip
    screen.print(screens.table("title.handling", dict.fromkeys(columns, "right"), rows))
    styles = {"good": "green", "bearable": "yellow", "over": "red"}
    figures = [
        (r["period"], say(f"load.{r['figure']}"), f"{r['value']:.2f}", f"{r['good']:g} / {r['limit']:g}",
         f"[{styles[r['verdict']]}]{say('load_verdict.' + r['verdict'])}[/]", say(f"sure.{r['confidence']}"))
        for r in load.to_dict("records")
    ]  # fmt: skip
    heads = {"period": "left", "figure": "left", "value": "right", "limit": "right", "judged": "left", "sure": "left"}
    screen.print(screens.table("title.load", heads, figures))
    chatter = chattering(alerts)
    if len(chatter):
        cells = chatter.itertuples(index=False)
        heads = {"rule": "left", "subject": "left", "count": "right", "aday": "right"}
        screen.print(screens.table("title.chatter", heads, cells))


def _n(value: float) -> str:
    return "—" if pd.isna(value) else f"{value:.1f}"


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).astimezone(LOCAL).date() - timedelta(days=1)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise PipelineError(say("error.day", text=text)) from None


def _write(home: Path | None, last: date, days: int, out: Path | None, lang: str, operators: int) -> None:
    from alerts.bulletin.files import docx, markdown
    from alerts.bulletin.numbers import numbers
    from alerts.bulletin.words import bulletin
    from console.cli import open_home, screen

    if lang not in ("zh", "en"):
        raise PipelineError(say("error.lang", lang=lang))
    place = open_home(home)
    found = numbers(place, last - timedelta(days=days - 1), last, now=datetime.now(UTC), operators=operators)
    told = bulletin(found, _names(place), lang)
    folder = out or place.root / "bulletins"
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{'daily' if days == 1 else 'weekly'}-{last.isoformat()}-{lang}"
    (folder / f"{stem}.md").write_text(markdown(told), encoding="utf-8")
    (folder / f"{stem}.docx").write_bytes(docx(told))
    screen.print(say("done.bulletin", path=folder / f"{stem}.docx"), soft_wrap=True)


def _names(place: Any) -> Any:
    from alerts.incidents.evidence import Places
    from domain.rivers import Rivers

    return Places(place.registry, Rivers.of(place.registry)).names
