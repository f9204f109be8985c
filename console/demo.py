"""The main job: two simulated weeks through real Airflow to indicators, GEP inputs and alerts, held against the truth.

August goes through the DAG `history` (one month, one run), the hours of 1 September through the hourly DAGs exactly as
they would live. The account of ecosystems is that of the year before, the last one that is over: archives of its rain,
soil and growth, and what the departments reported in its spring; the year before it is the opening. The metadata of
Airflow are made anew each time; the home stays, so a second run shows that nothing changes.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
from rich.console import Console

from alerts.score import Score, score
from console import screens
from console.orchestrator import Airflow, airflow, environment_of
from domain.forms import forms
from domain.records import TABLES
from domain.texts import language, say
from domain.times import LOCAL
from ingest.forms.run import collect, write_forms
from ingest.history import import_history
from ingest.layouts import find
from processing.charts import county_map, station_chart
from sample_feeds.departments import Manner, fill
from sample_feeds.scenario import load
from sample_feeds.simulate import simulate, simulate_years
from store.home import Home
from store.ledger.alerts import read_alerts

START = datetime(2026, 8, 18, 8, tzinfo=LOCAL)
END = START + timedelta(days=14)
#: The last year that is over, the one before it for the opening, and one whose figures are still being collected.
ACCOUNT_YEAR, OPENING_YEAR, BACKLOG_YEAR = END.year - 1, END.year - 2, END.year - 3
#: Archives of past years, by the layout that reads them.
ARCHIVES = ("chirps_daily", "soilgrids", "yearly_grids")
#: What departments owe of the back year: nothing came (None), or not as it should.
_BACKLOG: dict[str, Manner | None] = {
    "tourism": None, "recreation": None, "timber": "incomplete", "emissions": "careless",
}  # fmt: skip
SEED = 20260818
#: The norm of the demo's account.
PROFILE = "db33-2025"
_DAGS = ("ground_hourly", "human_hourly", "sky_daily", "gep_yearly", "history", "upkeep_daily")
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Outcome:
    """What the demo found, ready to print."""

    folder: Path
    rows: dict[str, int]
    rejections: pd.DataFrame
    indicators: pd.DataFrame
    score: Score
    files: dict[str, Path]
    changed: bool
    seconds: float
    url: str

    @property
    def matches_truth(self) -> bool:
        """Whether every injected event was found and nothing else."""
        return self.score.perfect

    def print(self, screen: Console) -> None:
        """Print it for the person who typed `make demo`."""
        screen.rule(say("demo.head"))
        rejected = len(self.rejections)
        screen.print(say("demo.rows", **{k: f"{v:,}" for k, v in self.rows.items()}, rejected=f"{rejected:,}"))
        screen.print(screens.reasons_table(self.rejections))
        kinds = self.indicators["indicator"].nunique()
        screen.print(say("demo.indicators", values=f"{len(self.indicators):,}", kinds=kinds))
        screen.print(self._events())
        screen.print(say("demo.files"), style="bold")
        for key, path in self.files.items():
            screen.print(f"  {say(f'demo.file.{key}')}: {_near(path)}", soft_wrap=True, highlight=False)
        screen.print(say("demo.next"), style="bold")
        home, feeds = _near(self.folder / "home"), _near(self.folder / "feeds")
        package, years = home / "files" / "gep", (OPENING_YEAR, ACCOUNT_YEAR)
        for key, command in {
            "status": f"sanyan status --home {home}",
            "alerts": f"sanyan alerts --home {home}",
            "rejects": f"sanyan rejects --home {home}",
            "airflow": f"sanyan airflow --home {home} --root {feeds} --until {END:%Y-%m-%dT%H}",
            "console": f"sanyan console serve --home {home} --until {END:%Y-%m-%dT%H:%M}",
            "board": f"sanyan gep board --year {BACKLOG_YEAR} --home {home}",
            "inputs": f"sanyan gep inputs --year {ACCOUNT_YEAR} --home {home}",
            "change": " ".join(["sanyan gep diff", *(str(package / str(y) / PROFILE / "package") for y in years)]),
            "history": "sanyan history layouts",
        }.items():
            screen.print(
                f"  [dim]{say(f'demo.next.{key}')}[/]\n    .venv/bin/{command}", soft_wrap=True, highlight=False
            )
        if not self.changed:
            screen.print(say("demo.repeat"))
        screen.print(say("demo.time", seconds=self.seconds))
        if self.url:
            screen.print(say("airflow.serving", url=self.url))

    def _events(self) -> object:
        told = pd.concat([self.score.found.assign(told="found"), self.score.missed.assign(told="missed")])
        rows = [
            (
                r["event_id"],
                r["subject"],
                r["rule"],
                f"[green]✓[/] {say('column.found')}" if r["told"] == "found" else f"[red]✗ {say('column.missed')}[/]",
            )
            for r in told.sort_values(["start", "event_id", "subject"]).to_dict("records")
        ]
        rows += [
            ("", r["subject"], r["rule"], f"[red]✗ {say('column.false')}[/]")
            for r in self.score.false.to_dict("records")
        ]
        counts = {k: len(getattr(self.score, k)) for k in ("found", "missed", "false")}
        columns = {"event": "left", "subject": "left", "rule": "left", "status": "left"}
        out = screens.table("title.events", columns, rows)
        out.caption = say("demo.score", expected=self.score.expected, **counts)
        out.caption_justify = "left"
        return out


def run(folder: Path, *, progress: Progress, keep_airflow: bool = False) -> Outcome:
    """Simulate, run Airflow, draw, and hold the alerts against the truth.

    Args:
        folder: where feeds, home and Airflow live; made when it is not there.
        progress: called with what is being done and the share that is done.
        keep_airflow: leave the Airflow page running.

    Raises:
        PipelineError: Airflow did not come up or a run failed; the text names the log.
    """
    begun = time.monotonic()
    folder = folder.resolve()
    feeds, home = folder / "feeds", Home.open(folder / "home")
    _simulated(feeds, progress)
    before = _versions(home)
    _archived(home, feeds, progress)
    _delivered(home, folder / "forms", progress)
    url = _through_airflow(folder, feeds, progress, keep=keep_airflow)
    progress(say("work.charts"), 0.0)
    files = _drawn(home, feeds)
    progress(say("work.charts"), 1.0)
    truth = pd.read_csv(feeds / "truth.csv", dtype=str, keep_default_na=False)
    return Outcome(
        folder=folder,
        rows={name: len(home.lake.read(name, columns=[TABLES[name].key[0]])) for name in ("reports", "scenes")}
        | {"records": len(home.lake.read("observations", columns=["station_id"]))},
        rejections=home.ledger.rejections(),
        indicators=home.lake.read("indicators", columns=["indicator", "subject"]),
        score=score(read_alerts(home.ledger), truth),
        files=files,
        changed=_versions(home) != before,
        seconds=time.monotonic() - begun,
        url=url,
    )


def _simulated(feeds: Path, progress: Progress) -> None:
    what = say("work.simulate")
    progress(what, 0.0)
    simulate(
        feeds, start=START, end=END, seed=SEED, scenario=load(), progress=lambda _text, share: progress(what, share)
    )
    progress(what, 1.0)


def _archived(home: Home, feeds: Path, progress: Progress) -> None:
    """What the archives have of the two years of the account is simulated and taken in by its layouts."""
    what = say("work.archives")
    progress(what, 0.0)
    simulate_years(feeds, years=(OPENING_YEAR, ACCOUNT_YEAR), seed=SEED, scenario=load())
    for n, layout in enumerate(ARCHIVES, start=1):
        import_history(home, find(layout), feeds / "archives", now=START)
        progress(what, n / len(ARCHIVES))


def _delivered(home: Home, folder: Path, progress: Progress) -> None:
    """The departments fill the bureau's forms of each year and send them in the spring after; some owe a back year."""
    what = say("work.forms")
    years = (BACKLOG_YEAR, OPENING_YEAR, ACCOUNT_YEAR)
    for n, year in enumerate(years, start=1):
        sent = []
        for path in write_forms(home, folder / str(year), year=year):
            form = forms()[path.stem.rpartition(f"{home.registry.county['code']}_")[2]]
            manner = _BACKLOG.get(form.id, "whole") if year == BACKLOG_YEAR else "whole"
            if manner is not None:
                filled = fill(path.read_bytes(), form, home.registry, year=year, seed=SEED, manner=manner)
                path.write_bytes(filled)
                sent.append(path)
        for _ in collect(home, sent, now=datetime(year + 1, 4, 1, tzinfo=LOCAL), year=year):
            progress(what, n / (len(years) + 1))
    progress(what, 1.0)


def _through_airflow(folder: Path, feeds: Path, progress: Progress, *, keep: bool) -> str:
    shutil.rmtree(folder / "airflow", ignore_errors=True)
    progress(say("work.airflow"), 0.0)
    settings = environment_of(folder / "home", str(feeds), END.isoformat(), retries=0)
    with airflow(folder / "airflow", settings, keep=keep) as server:
        server.ready(_DAGS)
        progress(say("work.airflow"), 1.0)
        month, midnight = START.replace(day=1, hour=0), END.replace(hour=0)
        server.backfill("history", month.isoformat(), month.isoformat())
        _wait(server, {"history": 1}, progress)
        server.trigger("gep_yearly", {"partition": f"{OPENING_YEAR}"})
        last = END - timedelta(hours=1)
        for dag_id in ("ground_hourly", "human_hourly"):
            server.backfill(dag_id, midnight.isoformat(), last.isoformat())
        yesterday = (midnight - timedelta(days=1)).isoformat()
        server.backfill("sky_daily", yesterday, yesterday)
        # A schedule that is switched on runs its last whole year by itself.
        if all(run["partition_key"] != f"{ACCOUNT_YEAR}" for run in server.runs("gep_yearly")):
            server.trigger("gep_yearly", {"partition": f"{ACCOUNT_YEAR}"})
        _wait(server, {"ground_hourly": END.hour, "human_hourly": END.hour, "sky_daily": 1, "gep_yearly": 2}, progress)
        _wait(server, {"gep_yearly": len(server.runs("gep_yearly"))}, progress)
        return server.url if keep else ""


def _wait(server: Airflow, expected: dict[str, int], progress: Progress) -> None:
    server.wait(expected, timeout_s=900, progress=lambda dag_id, share: progress(say(f"work.{dag_id}"), share))


def _near(path: Path) -> Path:
    """A path as the person would type it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _versions(home: Home) -> dict[str, int]:
    return {name: home.lake.version(name) for name in TABLES}


def _drawn(home: Home, feeds: Path) -> dict[str, Path]:
    """The files a person would open first."""
    report = f"gep/{ACCOUNT_YEAR}/{PROFILE}/report_zh"
    return {
        "report": home.files.path(f"{report}.pdf"),
        "workbook": home.files.path(f"{report}.xlsx"),
        "gep": home.files.path(f"gep/{ACCOUNT_YEAR}/inputs.csv"),
        "map": county_map(home, now=END, lang=language()),
        "chart": station_chart(home, "air-1", "PM2.5", start=START, end=END, lang=language()),
        "alerts": home.root / "alerts.log",
        "truth": feeds / "truth.csv",
    }
