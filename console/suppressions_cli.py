"""`sanyan silence | shelve | maintenance | messages`: what is kept quiet and why, and what became of messages."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from domain.errors import PipelineError
from domain.texts import say

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]
WhoOption = Annotated[str, typer.Option(help="Who says it.")]
WhyOption = Annotated[str, typer.Option(help="Why.")]
FromOption = Annotated[
    str | None, typer.Option("--from", help="First instant; without a zone it is Shanghai time; by default now.")
]
ToOption = Annotated[str, typer.Option("--to", help="First instant after: it ends by itself.")]
AllOption = Annotated[bool, typer.Option("--all", help="Also what is over.")]

silence_app = typer.Typer(no_args_is_help=True, help="Silences with an end and a reason. 静默。")
shelve_app = typer.Typer(no_args_is_help=True, help="One alarm put aside; it comes back by itself. 搁置。")
maintenance_app = typer.Typer(no_args_is_help=True, help="Planned work at stations. 维护。")
messages_app = typer.Typer(no_args_is_help=True, help="Messages and what became of them. 消息。")


@silence_app.command("add")
def add_silence(
    who: WhoOption,
    why: WhyOption,
    end: ToOption,
    start: FromOption = None,
    rule: Annotated[str, typer.Option(help="Rule id, with * and ?.")] = "*",
    subject: Annotated[str, typer.Option(help="Station, township, water ..., with * and ?.")] = "*",
    severity: Annotated[str, typer.Option(help="Only while it is red, orange, yellow or blue.")] = "",
    township: Annotated[str, typer.Option(help="Only of this township.")] = "",
    medium: Annotated[str, typer.Option(help="Only of this medium.")] = "",
    home: HomeOption = None,
) -> None:
    """Keep what matches quiet until an end. 设置静默。"""
    labels = {k: v for k, v in (("township", township), ("medium", medium)) if v}
    _add("silence", home, start, end, who=who, why=why, rule=rule, subject=subject, severity=severity, labels=labels)


@shelve_app.command("add")
def add_shelve(
    rule: Annotated[str, typer.Argument(help="Rule id.")],
    subject: Annotated[str, typer.Argument(help="Station, township, water ...")],
    who: WhoOption,
    why: WhyOption,
    end: ToOption,
    home: HomeOption = None,
) -> None:
    """Put one alarm aside for at most a day. 搁置一条告警。"""
    _add("shelve", home, None, end, who=who, why=why, rule=rule, subject=subject)


@maintenance_app.command("add")
def add_maintenance(
    station: Annotated[str, typer.Argument(help="Station id, with * and ?; * is the whole site.")],
    who: WhoOption,
    why: WhyOption,
    end: ToOption,
    start: FromOption = None,
    township: Annotated[str, typer.Option(help="Only stations of this township.")] = "",
    medium: Annotated[str, typer.Option(help="Only stations of this medium.")] = "",
    home: HomeOption = None,
) -> None:
    """Plan work: values of that time are not valid, alarms wait. 计划维护。"""
    from alerts.maintenance import Work, plan
    from console.cli import instant, open_home

    place, now = open_home(home), datetime.now(UTC)
    work = Work(
        who=who, why=why, start=instant(start, now), end=instant(end, now), station=station, township=township,
        medium=medium,
    )  # fmt: skip
    _told(_said(lambda: plan(place, work, now=now)), work.end)


def _add(kind: str, home: Path | None, start: str | None, end: str, **what: Any) -> None:
    from console.cli import instant, open_home
    from store.ledger.suppressions import Suppression, say_suppression

    now = datetime.now(UTC)
    entry = Suppression(kind=kind, start=instant(start, now), end=instant(end, now), **what)
    ledger = open_home(home).ledger
    _told(_said(lambda: say_suppression(ledger, entry, now=now)), entry.end)


def _told(number: int, end: datetime) -> None:
    from console import screens
    from console.cli import screen

    screen.print(say("done.suppression", number=number, end=screens.moment(end)))


def _lists(kind: str) -> Callable[..., None]:
    def listed(home: HomeOption = None, everything: AllOption = False) -> None:
        """What is planned or in force, and with --all what is over. 列表。"""
        from console import screens
        from console.cli import open_home, screen
        from store.ledger.suppressions import read_suppressions, state_of

        found = read_suppressions(open_home(home).ledger, kind=kind)
        found = found.assign(state=state_of(found, datetime.now(UTC)))
        found = found if everything else found[found["state"] != "over"]
        if found.empty:
            screen.print(say("none.suppressions"))
            return
        rows = [
            (
                r["number"],
                say(f"suppression.{r['state']}"),
                _what(r),
                f"{screens.moment(r['start'])}\n{screens.moment(r['until'])}",
                f"{escape(r['who'])} · {screens.moment(r['said_at'])}\n{escape(r['why'])}{_early(r)}",
            )
            for r in found.to_dict("records")
        ]
        columns = dict.fromkeys(("number", "status", "what", "from", "why"), "left")
        screen.print(screens.table("title.suppressions", columns, rows))

    return listed


def _what(row: dict[str, Any]) -> str:
    parts = [row["rule"], row["subject"], row["severity"], *(f"{k}={v}" for k, v in row["labels"].items())]
    return escape("\n".join(p for p in parts if p and p != "*") or "*")


def _early(row: dict[str, Any]) -> str:
    return f"\n↳ {escape(row['ended_by'])}: {escape(row['ended_why'])}" if row["ended_by"] else ""


def _ends(kind: str) -> Callable[..., None]:
    def ended(
        number: Annotated[int, typer.Argument(help="A number of the list.")],
        who: WhoOption,
        why: WhyOption,
        home: HomeOption = None,
    ) -> None:
        """End it now; both entries stay in the log. 提前结束。"""
        from alerts import maintenance
        from console.cli import open_home, screen
        from store.ledger.suppressions import end_suppression

        place, now = open_home(home), datetime.now(UTC)
        if kind == "maintenance":
            _said(lambda: maintenance.end(place, number, who=who, why=why, now=now))
        else:
            _said(lambda: end_suppression(place.ledger, number, who=who, why=why, now=now))
        screen.print(say("done.ended", number=number))

    return ended


for _kind, _app in (("silence", silence_app), ("shelve", shelve_app), ("maintenance", maintenance_app)):
    _app.command("list")(_lists(_kind))
    _app.command("end")(_ends(_kind))


@messages_app.command("list")
def list_messages(home: HomeOption = None) -> None:
    """Messages by channel and state, and what was not said with its reason. 消息统计。"""
    from console import screens
    from console.cli import open_home, screen
    from store.ledger.alerts import suppressed
    from store.ledger.outbox import summary

    ledger = open_home(home).ledger
    found, held = summary(ledger), suppressed(ledger)
    if found.empty and held.empty:
        screen.print(say("none.messages"))
        return
    rows = [
        (r["channel"], say(f"outbox.{r['state']}"), f"{r['n']:,}", screens.moment(r["oldest"]),
         escape(r["last_detail"] or ""))
        for r in found.to_dict("records")
    ]  # fmt: skip
    columns = {"channel": "left", "state": "left", "count": "right", "oldest": "left", "detail": "left"}
    screen.print(screens.table("title.messages", columns, rows))
    reasons = [(say(f"verdict.{r['verdict']}"), f"{r['n']:,}", escape(r["why"])) for r in held.to_dict("records")]
    if reasons:
        columns = {"outcome": "left", "count": "right", "why": "left"}
        screen.print(screens.table("title.suppressed", columns, reasons))


@messages_app.callback()
def messages_of() -> None:
    """Messages and what became of them. 消息。"""


def _said(work: Callable[[], int]) -> int:
    """What the ledger refuses is a message to the person who typed it."""
    try:
        return work()
    except ValueError as error:
        raise PipelineError(str(error)) from error
