"""`sanyan incidents ...`: what the three eyes say together, and the steps people take. 事件。

Names and telephone numbers of grid workers are shown masked; every step is kept in the audit trail.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.markup import escape
from rich.table import Table

from domain.errors import PipelineError
from domain.texts import language, say

app = typer.Typer(no_args_is_help=True, help="Incidents and their handling. 事件与处置。")

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]
WhoOption = Annotated[str, typer.Option("--who", help="Who takes the step.")]
WhyOption = Annotated[str, typer.Option("--why", help="Why; kept in the audit trail.")]
NumberArgument = Annotated[str, typer.Argument(help="A number of `sanyan incidents list`.")]
_EYES = ("sky", "ground", "human")


@app.command("list")
def list_incidents(
    home: HomeOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what is closed or historical.")] = False,
    kind: Annotated[str | None, typer.Option(help="Only of this kind (water, air, ground ...).")] = None,
    severity: Annotated[str | None, typer.Option(help="Only red, orange, yellow or blue.")] = None,
    text: Annotated[str, typer.Option(help="Only with this in number, title, summary or person.")] = "",
    limit: Annotated[int, typer.Option(help="How many.")] = 50,
) -> None:
    """Incidents, those first that need a person now. 事件列表。"""
    from store.ledger.incidents import count_incidents, read_incidents

    place, shown, now = _shell(home)
    wanted: dict[str, Any] = {"active": None if everything else True, "kind": kind, "severity": severity, "text": text}
    found = read_incidents(place.ledger, now=now, limit=limit, **wanted)
    if found.empty:
        shown.print(say("none.incidents"))
        return
    shown.print(_list_table(found))
    shown.print(say("incident.listed", shown=len(found), n=count_incidents(place.ledger, **wanted)))


@app.command()
def show(number: NumberArgument, home: HomeOption = None) -> None:
    """One incident: evidence of the three eyes, likely sources, tasks, timeline. 事件详情。"""
    from alerts.incidents.handling import allowed

    place, shown, _ = _shell(home)
    case = _case(place, number)
    row, lang = case.incident, language()
    shown.print(f"[bold]{escape(row[f'title_{lang}'])}[/]  {row['id']}  {_colour(row)}  {_state(row['handling'])}")
    shown.print(escape(row[f"summary_{lang}"]))
    shown.print(_evidence_table(case.evidence))
    for at, source in enumerate(case.sources, start=1):
        shown.print(
            f"{at}. [bold]{escape(source[f'name_{lang}'])}[/] ({source['score']:g})  {escape(source[f'why_{lang}'])}"
        )
    if len(case.tasks):
        shown.print(_tasks_table(case.tasks))
    shown.print(_timeline_table(case.timeline))
    steps = ", ".join(say(f"step.{s}") for s in allowed(row["handling"]))
    shown.print(say("incident.next", steps=steps, version=row["version"]))


@app.command()
def ack(number: NumberArgument, who: WhoOption, why: WhyOption = "", home: HomeOption = None) -> None:
    """Acknowledge: somebody has seen it and is on it. 确认。"""
    from alerts.incidents.actions import acknowledge

    _step(home, "acknowledge", lambda place, now: acknowledge(place, number, who=who, why=why, now=now), number)


@app.command()
def assign(
    number: NumberArgument,
    to: Annotated[str, typer.Option("--to", help="Who is on it from now on.")],
    who: WhoOption,
    why: WhyOption = "",
    home: HomeOption = None,
) -> None:
    """Hand it to somebody. 指派。"""
    from alerts.incidents.actions import assign as run

    _step(home, "assign", lambda place, now: run(place, number, to=to, who=who, why=why, now=now), number)


@app.command()
def dispatch(
    number: NumberArgument,
    who: WhoOption,
    grid: Annotated[str, typer.Option(help="Code of a grid; by default the one that answers for the place.")] = "",
    note: Annotated[str, typer.Option(help="What the worker should know besides.")] = "",
    why: WhyOption = "",
    home: HomeOption = None,
) -> None:
    """Send the grid worker who answers for the place; the task goes out at once. 派单。"""
    from alerts.incidents.actions import dispatch as run
    from alerts.run import send_tasks

    def work(place: Any, now: datetime) -> int:
        version = run(place, number, who=who, why=why, grid=grid, note=note, now=now)
        send_tasks(place, now=now)
        return version

    _step(home, "dispatch", work, number)


@app.command()
def verify(
    number: NumberArgument,
    outcome: Annotated[str, typer.Argument(help="found, not_found, instrument or unclear.")],
    who: WhoOption,
    why: WhyOption,
    home: HomeOption = None,
) -> None:
    """Say what somebody found on the spot. 核实。"""
    from alerts.incidents.actions import verify as run

    _step(home, "verify", lambda place, now: run(place, number, outcome=outcome, who=who, why=why, now=now), number)


@app.command()
def close(number: NumberArgument, who: WhoOption, why: WhyOption, home: HomeOption = None) -> None:
    """It is dealt with. 办结。"""
    from alerts.incidents.actions import close as run

    _step(home, "close", lambda place, now: run(place, number, who=who, why=why, now=now), number)


@app.command()
def reopen(number: NumberArgument, who: WhoOption, why: WhyOption, home: HomeOption = None) -> None:
    """It was not over after all. 重新打开。"""
    from alerts.incidents.actions import reopen as run

    _step(home, "reopen", lambda place, now: run(place, number, who=who, why=why, now=now), number)


@app.command()
def comment(number: NumberArgument, who: WhoOption, why: WhyOption, home: HomeOption = None) -> None:
    """A note for the timeline. 备注。"""
    from alerts.incidents.actions import comment as run

    _step(home, "comment", lambda place, now: run(place, number, who=who, why=why, now=now), number)


@app.command("join")
def join_eyes(home: HomeOption = None) -> None:
    """Join what the eyes say, take in verdicts, call who must be called, send tasks. 三眼汇合。"""
    from alerts.incidents.run import join
    from alerts.run import deliver, send_tasks

    place, shown, now = _shell(home)
    done = join(place, now=now).as_dict()
    deliver(place, now=now)
    send_tasks(place, now=now)
    shown.print(say("done.join", what=", ".join(f"{k} {v}" for k, v in done.items())))


@app.command()
def check(home: HomeOption = None) -> None:
    """Check the audit trail, entry by entry. 校验审计链。"""
    from store.ledger.audit import check_chain, newest

    place, shown, _ = _shell(home)
    problems = check_chain(place.ledger)
    for problem in problems:
        shown.print(f"[red]{escape(problem)}[/]")
    number, digest = newest(place.ledger)
    shown.print(say("incident.chain", n=number + 1, digest=digest, problems=len(problems)), soft_wrap=True)
    if problems:
        raise typer.Exit(1)


@app.command("simulate-answers")
def simulate_answers(
    feeds: Annotated[Path, typer.Argument(help="Folder of simulated feeds; the answers are laid into its pages.")],
    home: HomeOption = None,
    seed: Annotated[int, typer.Option(help="Same seed, same answers.")] = 20260818,
) -> None:
    """Grid workers of the simulator answer the tasks that were sent. 模拟网格员反馈。"""
    import json
    import os

    from alerts.incidents.task_channel import GridTasks
    from sample_feeds.scenario import load
    from sample_feeds.verdicts import answer

    place, shown, _ = _shell(home)
    folder = GridTasks.of(place.root, os.environ).folder
    tasks = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    for number, verdict in answer(feeds, tasks, place.registry, load(), seed=seed).items():
        shown.print(f"{number}  {escape(verdict)}")


@app.command()
def score(truth: Annotated[Path, typer.Argument(help="truth.csv of the simulator.")], home: HomeOption = None) -> None:
    """Precision and recall of incidents against the simulator's truth, and the lead over one eye. 对照真值。"""
    from alerts.incidents.score import score as run
    from console import screens
    from store.ledger.alerts import read_alerts
    from store.ledger.incidents import read_evidence, read_incidents

    place, shown, now = _shell(home)
    rows = pd.read_csv(truth, dtype=str, keep_default_na=False)
    incidents = read_incidents(place.ledger, now=now, active=None, limit=1_000_000)
    found = run(incidents, read_evidence(place.ledger), read_alerts(place.ledger), rows)
    lead = found.lead_h.set_index(["incident", "eye"])["hours"].to_dict()
    shown.print(
        screens.table(
            "title.score",
            {"matter": "left", "state": "left", "opened": "left"} | dict.fromkeys(_GAINED, "right"),
            [
                (
                    f"{m['incident']}\n[dim]{m['ids']}[/]",
                    say(f"score.{m['state']}"),
                    screens.moment(m["opened_at"]),
                    *(_gained(lead.get((m["incident"], eye))) for eye in _GAINED.values()),
                )
                for m in found.matters.to_dict("records")
            ],
        )
    )
    several = int(found.matters["eyes"].str.contains(",").sum())
    apart, aside = found.apart
    shown.print(
        say(
            "incident.scored",
            precision=f"{found.precision:.3f}",
            recall=f"{found.recall:.3f}",
            false=len(found.false),
            matters=int(found.matters["opens"].sum()),
            several=several,
            apart=apart,
            aside=aside,
        )
    )


#: Columns of the score -> the eye alone with which the incident is compared.
_GAINED = {"gained_ground": "ground", "gained_human": "human", "gained_sky": "sky"}


def _gained(hours: float | None) -> str:
    """Hours by which the incident was open before one eye alone would have opened it; a dash where it saw nothing."""
    if hours is None:
        return "—"
    return say("score.never") if hours == float("inf") else f"{hours:+.1f}"


def _list_table(found: pd.DataFrame) -> Table:
    from console import screens

    lang = language()
    rows = []
    for r in found.to_dict("records"):
        late = f"\n[red]{say('incident.late')}[/]" if r["overdue"] else ""
        rows.append(
            (
                f"{_colour(r)}\n{_state(r['handling'])}",
                f"{screens.moment(r['deadline']) or '—'}{late}\n[dim]{escape(r['assignee'] or '—')}[/]",
                f"[bold]{escape(r[f'title_{lang}'])}[/]\n{escape(r[f'summary_{lang}'])}\n[dim]{r['id']}[/]",
            )
        )
    return screens.table("title.incidents", {"severity": "left", "deadline": "left", "summary": "left"}, rows)


def _evidence_table(evidence: pd.DataFrame) -> Table:
    from console import screens

    lang = language()
    rows = []
    for eye in _EYES:
        for r in evidence[evidence["eye"] == eye].to_dict("records"):
            gone = "" if r["standing"] else f" [dim]{say('incident.withdrawn')}[/]"
            span = f"{screens.moment(r['starts_at'])}\n{screens.moment(r['ends_at']) or '…'}"
            rows.append(
                (say(f"eye.{eye}"), span, escape(r[f"summary_{lang}"]) + gone + f"\n[dim]{escape(r['ref'])}[/]")
            )
    return screens.table("title.evidence", {"eye": "left", "starts": "left", "summary": "left"}, rows)


def _tasks_table(tasks: pd.DataFrame) -> Table:
    from console import screens

    rows = [
        (
            t["id"],
            t["grid_code"],
            _masked(t["worker"]),
            screens.moment(t["deadline"]),
            say(f"task.{t['state']}"),
            escape(t["verdict"]),
        )
        for t in tasks.to_dict("records")
    ]
    columns = dict.fromkeys(("number", "grid", "worker", "deadline", "state", "detail"), "left")
    return screens.table("title.tasks", columns, rows)


def _timeline_table(timeline: pd.DataFrame) -> Table:
    from console import screens

    rows = [
        (screens.moment(e["at"]), escape(e["who"]), say(f"trail.{e['action']}"), escape(e["why"]) or _told(e["data"]))
        for e in timeline.to_dict("records")
    ]
    return screens.table("title.timeline", dict.fromkeys(("at", "person", "step", "detail"), "left"), rows)


def _told(data: Any) -> str:
    """What a step of the system was about, in short."""
    if not isinstance(data, dict):
        return ""
    if "evidence" in data:
        return say("incident.n_evidence", n=len(data["evidence"]))
    names = ("into", "incident", "task", "level", "outcome")
    return ", ".join(f"{data[name]}" for name in names if name in data)


def _masked(name: str) -> str:
    return f"{name[:1]}*" if name else ""


def _colour(row: Any) -> str:
    from console.screens import SEVERITY_STYLES

    return f"[{SEVERITY_STYLES[row['severity']]}]{say('severity.' + row['severity'])}[/] {row['confidence']:.0%}"


def _state(handling: str) -> str:
    return say(f"handling.{handling}")


def _case(place: Any, number: str) -> Any:
    from store.ledger.incidents import read_case

    case = read_case(place.ledger, number)
    if case is None:
        raise PipelineError(say("incident.refuse_unknown", id=number))
    return case


def _step(home: Path | None, step: str, work: Any, number: str) -> None:
    place, shown, now = _shell(home)
    try:
        version = work(place, now)
    except KeyError:
        raise PipelineError(say("incident.refuse_unknown", id=number)) from None
    shown.print(say("done.step", id=number, step=say(f"step.{step}"), version=version))


def _shell(home: Path | None) -> tuple[Any, Any, datetime]:
    """The home, the screen and the moment, as all commands have them."""
    from datetime import UTC

    from console.cli import open_home, screen

    return open_home(home), screen, datetime.now(UTC)
