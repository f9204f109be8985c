"""`sanyan gateway serve | status | play`: the ground gateway, how it is, and devices to try it. 数据接入网关。"""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from domain.texts import language, say
from domain.times import LOCAL

app = typer.Typer(no_args_is_help=True, help="The gateway of HJ 212 devices. 数据接入网关。")
screen = Console()

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]
RootOption = Annotated[str | None, typer.Option("--root", help="Folder of the feeds (SANYAN_FEEDS).")]


@app.command()
def serve(
    home: HomeOption = None,
    root: RootOption = None,
    name: Annotated[str, typer.Option(help="Name of this gateway, when several write for one feed.")] = "gateway",
    host: Annotated[str | None, typer.Option(help="Address to listen at, instead of gateway.yaml's.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen at, instead of gateway.yaml's.")] = None,
) -> None:
    """Take in what devices send, answer them, and write it where the feed is read. 启动网关。"""
    from ingest.gateway.serve import Gateway
    from ingest.gateway.settings import PORT, Listen, for_registry
    from ingest.run import feeds_root

    place = _home(home)
    settings = for_registry(place.registry.root)
    if host is not None or port is not None:
        listen = Listen(host=host or "127.0.0.1", port=PORT if port is None else port)
        settings = settings.model_copy(update={"listen": (listen,)})
    gateway = Gateway(place, settings, root=root or feeds_root(), name=name, clock=lambda: datetime.now(UTC))

    def ready(addresses: list[str]) -> None:
        screen.print(say("gateway.serving", addresses=", ".join(addresses)), soft_wrap=True, highlight=False)

    asyncio.run(gateway.run(ready))
    counts = gateway.health.counts
    screen.print(say("gateway.stopped", frames=counts["frames"], answered=counts["answered"], noise=counts["noise"]))


@app.command()
def status(home: HomeOption = None) -> None:
    """Gateways and the devices they hear. 网关状态。"""
    from console import screens
    from ingest.gateway.health import gateways

    place, now = _home(home), datetime.now(UTC)
    found = gateways(place, now)
    if not found:
        screen.print(say("gateway.none", home=place.root))
        return
    names = place.registry.stations.drop_duplicates("mn").set_index("mn")[f"name_{language()}"].to_dict()
    for told in found:
        screen.print(_summary(told), soft_wrap=True, highlight=False)
        rows = [
            (
                str(names.get(mn, say("gateway.stranger"))),
                escape(mn),
                str(d["frames"]),
                str(d["answered"]),
                str(d["kept_aside"]),
                screens.moment(d["last_at"] and datetime.fromisoformat(d["last_at"])),
            )
            for mn, d in sorted(told["devices"].items())
        ]
        sides = ("left", "left", "right", "right", "right", "left")
        heads = ("station", "mn", "frames", "answered", "aside", "last")
        if rows:
            screen.print(screens.table("title.devices", dict(zip(heads, sides, strict=True)), rows))


def _summary(told: dict[str, Any]) -> str:
    """State, ports, counts and troubles of a gateway in a few lines."""
    counts = told["counts"]
    lag = "-" if told["lag_s"] is None else f"{told['lag_s']:.0f} s"
    lines = [
        say(
            "gateway.state",
            name=told["name"],
            state=say(f"gateway.is.{told['state']}"),
            at=", ".join(told["listening"]),
        ),
        say(
            "gateway.counts",
            open=told["open"],
            lag=lag,
            **{n: counts.get(n, 0) for n in ("frames", "answered", "noise")},
        ),
    ]
    lines += [f"  {what}: {escape(told[what])}" for what in ("mqtt", "airflow", "trouble") if told[what]]
    refused = {n: v for n, v in counts.items() if n.startswith(("refused_", "aside_")) and v}
    lines += [f"  {n}: {v}" for n, v in sorted(refused.items())]
    return "\n".join(lines)


@app.command()
def play(
    host: Annotated[str, typer.Option(help="Address of the gateway, or of the broker.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Its port.")] = 9212,
    mqtt: Annotated[
        bool, typer.Option("--mqtt", help="Publish to a broker (hj212/<MN>/up) and not to the gateway.")
    ] = False,
    day: Annotated[str, typer.Option(help="Day of the simulated county that is played as today.")] = "2026-08-21",
    hours: Annotated[int, typer.Option(min=1, help="How many hours back to begin.")] = 24,
    follow: Annotated[bool, typer.Option("--follow", help="Go on for a day, each packet at its time.")] = False,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 20260818,
) -> None:
    """Simulated devices that send their packets, as loggers do. 模拟设备发送报文。"""
    from console.cli import instant
    from domain.registry import Registry
    from sample_feeds import play as devices
    from sample_feeds.scenario import load
    from sample_feeds.simulate import COUNTY

    now = datetime.now(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0)
    today = now.astimezone(LOCAL).date()
    # Whole days, so that day packets keep their midnight and the hour of the county is that of the clock.
    by = timedelta(days=(today - instant(day, now).astimezone(LOCAL).date()).days)
    begin, end = hour - timedelta(hours=hours), hour + timedelta(hours=24 if follow else 1)
    found = devices.packets(Registry.load(COUNTY), load(), begin - by, end - by, seed=seed, by=by)
    found = found if follow else [p for p in found if p.at <= now]

    def due(at: datetime) -> float:
        return max(0.0, (at - datetime.now(UTC)).total_seconds())

    if mqtt:
        done = devices.publish(found, host, port, due=due)
    else:
        done = asyncio.run(devices.send(found, host, port, due=due))
    screen.print(say("gateway.played", sent=done.sent, answered=done.answered, repeated=done.repeated, lost=done.lost))


def _home(home: Path | None) -> Any:
    from store.home import Home

    return Home.open(home)
