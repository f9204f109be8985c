"""The command line: `sanyan demo | simulate | ingest | compute | evaluate | status | alerts | history | publish ...`.

The same shell functions as the DAGs. This is one of the three places that may read the clock.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from console.air_cli import app as air_app
from console.bulletin_cli import app as bulletin_app
from console.bulletin_cli import statistics
from console.gateway_cli import app as gateway_app
from console.gep_cli import app as gep_app
from console.history_cli import app as history_app
from console.incidents_cli import app as incidents_app
from console.quality import app as quality_app
from console.review import app as review_app
from console.rules_cli import app as rules_app
from console.sky_cli import app as sky_app
from console.suppressions_cli import maintenance_app, messages_app, shelve_app, silence_app
from console.web_cli import app as web_app
from domain.errors import PipelineError
from domain.texts import language, say
from domain.times import LOCAL

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Sanyan 三眼: 天眼, 地眼, 人眼 -> indicators, GEP inputs, alerts."
)
app.add_typer(history_app, name="history")
docs_app = typer.Typer(no_args_is_help=True, help="Pages written from the code. 由代码生成的文档。")
app.add_typer(docs_app, name="docs")
app.add_typer(review_app, name="review")
app.add_typer(quality_app, name="qc")
app.add_typer(web_app, name="console")
app.add_typer(air_app, name="air")
app.add_typer(incidents_app, name="incidents")
app.add_typer(bulletin_app, name="bulletin")
app.command("statistics")(statistics)
app.add_typer(gep_app, name="gep")
app.add_typer(gateway_app, name="gateway")
app.add_typer(sky_app, name="sky")
app.add_typer(rules_app, name="rules")
app.add_typer(silence_app, name="silence")
app.add_typer(shelve_app, name="shelve")
app.add_typer(maintenance_app, name="maintenance")
app.add_typer(messages_app, name="messages")
screen = Console()

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]
FromOption = Annotated[
    str | None, typer.Option("--from", help="First instant, ISO 8601; without a zone it is Shanghai time.")
]
ToOption = Annotated[str | None, typer.Option("--to", help="First instant after.")]


@contextmanager
def progress() -> Iterator[Callable[[str, float], None]]:
    """A progress display; call it with what is being done and the share that is done."""
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=screen
    ) as bars:
        tasks: dict[str, Any] = {}

        def show(what: str, share: float) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=1.0)
            bars.update(tasks[what], completed=share)

        yield show


def instant(text: str | None, default: datetime) -> datetime:
    """An instant the user typed; without a zone it is Shanghai time."""
    if text is None:
        return default
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise PipelineError(say("error.period", text=text)) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)).astimezone(UTC)


def open_home(home: Path | None) -> Any:
    """The home named on the command line, else by environment, else the default."""
    from store.home import Home

    return Home.open(home)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo lives.")] = Path("var/demo"),
    keep: Annotated[bool, typer.Option("--keep-airflow", help="Leave the Airflow page running at the end.")] = False,
) -> None:
    """Two simulated weeks through real Airflow. 两周模拟数据，经真实 Airflow。"""
    from console.demo import run

    with progress() as show:
        done = run(folder, progress=show, keep_airflow=keep)
    done.print(screen)
    if not done.matches_truth:
        raise typer.Exit(1)


@app.command("airflow")
def serve_airflow(
    home: HomeOption = None,
    root: Annotated[str | None, typer.Option(help="Folder or address of the feeds (SANYAN_FEEDS).")] = None,
    until: Annotated[str | None, typer.Option(help="End of a replayed archive (SANYAN_REPLAY_UNTIL).")] = None,
) -> None:
    """Start a private Airflow with its page on this machine. 在本机启动 Airflow 页面。"""
    from console.orchestrator import airflow, environment_of

    place = open_home(home)
    with airflow(place.root.parent / "airflow", environment_of(place.root, root, until)) as server:
        screen.print(say("airflow.serving", url=server.url))
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder to write the feeds to.")],
    start: Annotated[str, typer.Option(help="First instant.")] = "2026-08-18T08:00+08:00",
    days: Annotated[float, typer.Option(help="How many days.")] = 14.0,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 20260818,
    scenario: Annotated[Path | None, typer.Option(help="Another scenario.yaml.")] = None,
) -> None:
    """Write simulated feeds in the formats of real devices and platforms. 生成模拟数据。"""
    from sample_feeds.scenario import load
    from sample_feeds.simulate import simulate as write

    begin = instant(start, datetime.now(UTC))
    chosen = load(scenario) if scenario else load()
    with progress() as show:
        counts = write(out, start=begin, end=begin + timedelta(days=days), seed=seed, scenario=chosen, progress=show)
    screen.print(say("done.simulate", out=out, days=f"{days:g}", counts=_counted(asdict(counts))))


@app.command()
def ingest(
    feeds: Annotated[
        list[str] | None, typer.Argument(help="Feeds of ingest/feeds.yaml; all when none is named.")
    ] = None,
    home: HomeOption = None,
    root: Annotated[str | None, typer.Option(help="Folder or address of the feeds (SANYAN_FEEDS).")] = None,
    start: FromOption = None,
    end: ToOption = None,
) -> None:
    """Take in what the feeds received in a period. 接入数据。"""
    from ingest.run import feeds_of, feeds_root
    from ingest.run import ingest as run

    place = open_home(home)
    now = datetime.now(UTC)
    known = feeds_of(place)
    chosen = feeds or list(known)
    for name in chosen:
        if name not in known and name not in feeds_of(place, only=name):
            raise PipelineError(say("error.feed", feed=name, known=", ".join(known)))
    window = (instant(start, now - timedelta(days=1)), instant(end, now))
    with progress() as show:
        results = {}
        for name in chosen:
            what = say("work.ingest", feed=name)
            show(what, 0.0)
            results[name] = run(place, name, start=window[0], end=window[1], now=now, root=root or feeds_root())
            show(what, 1.0)
    for name, c in results.items():
        rejected = sum(c.rejected.values())
        screen.print(
            say(
                "done.ingest",
                feed=name,
                records=c.records,
                new=c.new,
                changed=c.changed,
                unchanged=c.unchanged,
                rejected=rejected,
            )
        )


@app.command()
def compute(home: HomeOption = None) -> None:
    """Compute the indicators of everything that changed. 计算指标。"""
    from processing.human import compute_human
    from processing.period_run import compute_periods
    from processing.run import compute as compute_ground
    from processing.sky import compute_sky

    place, now = open_home(home), datetime.now(UTC)
    runs = {"ground": compute_ground, "periods": compute_periods, "human": compute_human, "sky": compute_sky}
    with progress() as show:
        for eye, run in runs.items():
            show(f"{say('work.compute')} · {eye}", 0.0)
            counts = run(place, now=now)
            show(f"{say('work.compute')} · {eye}", 1.0)
            screen.print(say("done.compute", what=_counted(asdict(counts))))


@app.command()
def evaluate(
    home: HomeOption = None,
    now: Annotated[str | None, typer.Option(help="Judge silence up to this instant; default is the clock.")] = None,
) -> None:
    """Evaluate the alert rules and send what is due. 评估告警规则。"""
    from alerts.run import deliver
    from alerts.run import evaluate as run

    place, moment = open_home(home), instant(now, datetime.now(UTC))
    with progress() as show:
        show(say("work.evaluate"), 0.0)
        counts = run(place, now=moment)
        sent = deliver(place, now=moment)
        show(say("work.evaluate"), 1.0)
    screen.print(say("done.evaluate", what=_counted(asdict(counts) | asdict(sent))))


@app.command()
def publish(home: HomeOption = None, start: FromOption = None, end: ToOption = None) -> None:
    """Publish to InfluxDB what changed, or a period again. 发布到 InfluxDB。"""
    from store.influx import Target
    from store.influx import publish as run

    target, now = Target.from_environment(), datetime.now(UTC)
    if target is None:
        screen.print(say("done.publish_off"))
        return
    begin = None if start is None else instant(start, now)
    with progress() as show:
        done = run(
            open_home(home), target, now=now, start=begin, end=None if end is None else instant(end, now), progress=show
        )
    screen.print(say("done.publish", **asdict(done)))
    if done.delayed:
        raise typer.Exit(1)


@app.command()
def status(home: HomeOption = None) -> None:
    """Feeds, tables, rejections, newest values. 运行状态。"""
    from console import screens
    from domain.records import TABLES

    place, now = open_home(home), datetime.now(UTC)
    coverage = place.coverage.read()
    if coverage.empty and place.lake.version("observations") < 0:
        screen.print(say("none.data", home=place.root))
        return
    screen.print(screens.coverage_table(coverage))
    rows = [(n, f"{len(place.lake.read(n, columns=[TABLES[n].key[0]])):,}", place.lake.version(n)) for n in TABLES]
    columns = {"table": "left", "rows": "right", "version": "right"}
    screen.print(screens.table("title.tables", columns, rows))
    rejections = place.ledger.rejections()
    screen.print(screens.reasons_table(rejections) if len(rejections) else say("none.rejections"))
    newest = place.lake.read("observations", columns=["station_id", "medium", "time"])
    newest = newest.sort_values("time").groupby("station_id", as_index=False).last()
    names = place.registry.stations.set_index("station_id")[f"name_{language()}"].to_dict()
    screen.print(screens.stations_table(newest, names, now))


@app.command()
def alerts(
    home: HomeOption = None,
    status: Annotated[str | None, typer.Option(help="Only firing, resolved, ...")] = None,
    severity: Annotated[str | None, typer.Option(help="Only red, orange, yellow or blue.")] = None,
) -> None:
    """All alerts, the newest first. 告警列表。"""
    from console import screens
    from store.ledger.alerts import read_alerts

    found = read_alerts(open_home(home).ledger)
    for column, wanted in (("status", status), ("severity", severity)):
        found = found if wanted is None else found[found[column] == wanted]
    screen.print(screens.alerts_table(found, language()) if len(found) else say("none.alerts"))


@app.command()
def rejects(
    home: HomeOption = None,
    feed: Annotated[str | None, typer.Option(help="Only this feed.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only this reason.")] = None,
    limit: Annotated[int, typer.Option(help="How many, the newest first.")] = 30,
) -> None:
    """Rejected records with the reference of their raw payload. 拒收记录。"""
    from console import screens

    place = open_home(home)
    found = place.ledger.rejections(feed, reason)
    if found.empty:
        screen.print(say("none.rejections"))
        return
    screen.print(screens.rejections_table(found.head(limit)))
    screen.print(say("hint.raw", home=place.root), soft_wrap=True, highlight=False)


@app.command()
def raw(
    number: Annotated[str, typer.Argument(help="A number of `sanyan rejects`, or the beginning of one.")],
    home: HomeOption = None,
    whole: Annotated[bool, typer.Option("--whole", help="The whole payload, not only the rejected part.")] = False,
) -> None:
    """Write a rejected record, as it was received, to standard output. 原始报文。"""
    place = open_home(home)
    found = place.ledger.rejections()
    found = found[found["id"].str.startswith(number)]
    if len(found) != 1:
        raise PipelineError(say("error.raw", number=number))
    row = found.iloc[0]
    payload = place.files.payload(row["raw_ref"])
    sys.stdout.buffer.write(payload if whole or not row["length"] else payload[row["offset"] :][: row["length"]])


@app.command()
def verify(
    what: Annotated[str, typer.Argument(help="air or water.")],
    path: Annotated[Path, typer.Argument(help="A file with official values, of a known layout.")],
    profile: Annotated[str, typer.Option(help="Water: live (as the platform does) or assessment.")] = "live",
    markdown: Annotated[bool, typer.Option("--markdown", help="Markdown, for a page.")] = False,
) -> None:
    """Compare our values with the officially published ones. 与官方发布值比对。"""
    from console import screens
    from ingest.history import official
    from processing.verify import verify as compare

    try:
        result = compare(what, official(what, path, now=datetime.now(UTC)), profile=profile)
    except ValueError as error:
        raise PipelineError(str(error)) from None
    if markdown:
        sys.stdout.write(result.markdown())
        return
    screen.print(
        say(
            "verify.head",
            what=result.title,
            profile=result.profile,
            comparable=result.comparable,
            equal=result.equal,
            share=result.share,
        )
    )
    screen.print(screens.counts_table(result))
    if len(result.differences):
        screen.print(screens.differences_table(result))


@docs_app.command("indicators")
def docs_indicators() -> None:
    """Write docs/indicators.md from the indicators themselves. 生成指标文档。"""
    from console import reference

    reference.PAGE.write_text(reference.page(), encoding="utf-8")
    screen.print(say("done.docs", path=reference.PAGE))


@docs_app.command("sky")
def docs_sky() -> None:
    """Write docs/sky_products.md from the tables of the sky eye. 生成天眼产品文档。"""
    from console import sky_reference

    sky_reference.PAGE.write_text(sky_reference.page(), encoding="utf-8")
    screen.print(say("done.docs", path=sky_reference.PAGE))


@docs_app.callback()
def docs_of() -> None:
    """Pages written from the code. 由代码生成的文档。"""


def _counted(counts: dict[str, Any]) -> str:
    """Counts as `name number` pairs; nested counts are flattened, zeros left out."""
    parts = []
    for name, value in counts.items():
        if isinstance(value, dict):
            parts += [f"{k} {v:,}" for k, v in value.items() if v]
        elif isinstance(value, int) and value:
            parts.append(f"{name} {value:,}")
    return ", ".join(parts) or "0"


def main() -> None:
    """The `sanyan` command: what Sanyan itself refuses is a message and exit status 2, a bug a traceback."""
    try:
        app()
    except PipelineError as error:
        Console(stderr=True).print(f"[bold red]{say('error.head')}[/] {error}", highlight=False)
        raise SystemExit(2) from None
