"""The way once, without Airflow: the same shell functions in the same order, for tests that run it whole."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from alerts.incidents.run import join
from alerts.run import deliver, evaluate
from domain.records import TABLES
from domain.times import LOCAL
from ingest.run import feeds_of, ingest
from processing.human import compute_human
from processing.period_run import compute_periods
from processing.run import compute
from processing.sky import compute_sky
from sample_feeds.scenario import load
from sample_feeds.simulate import simulate
from store.home import Home
from store.ledger import metadata

START = datetime(2026, 8, 18, 8, tzinfo=LOCAL)
END = START + timedelta(days=14)
#: The last noon, before the last matter of the demo comes up, and three in the morning, when it is red.
EVE, NIGHT = datetime(2026, 8, 31, 12, tzinfo=LOCAL), datetime(2026, 9, 1, 3, tzinfo=LOCAL)
SEED = 20260818


def simulated(out: Path, start: datetime, end: datetime) -> Path:
    simulate(out, start=start, end=end, seed=SEED, scenario=load())
    return out


def run(
    home: Home, feeds: Path, start: datetime, end: datetime, eyes: tuple[str, ...] = ("ground", "human", "sky")
) -> None:
    """Ingest, compute and evaluate one window; `now` is its end."""
    gather(home, feeds, start, end, eyes)
    judge(home, end)


def gather(
    home: Home, feeds: Path, start: datetime, end: datetime, eyes: tuple[str, ...] = ("ground", "human", "sky")
) -> None:
    """Ingest one window and compute what follows from it."""
    for name, feed in feeds_of(home).items():
        if feed.eye in eyes:
            ingest(home, name, start=start, end=end, now=end, root=str(feeds))
    compute(home, now=end)
    compute_periods(home, now=end)
    if "human" in eyes:
        compute_human(home, now=end)
    if "sky" in eyes:
        compute_sky(home, now=end)


def judge(home: Home, now: datetime) -> None:
    """Evaluate the rules, join what the eyes say, send what is due."""
    evaluate(home, now=now)
    join(home, now=now)
    deliver(home, now=now)


def tables(root: Path | Home) -> Mapping[str, str]:
    """Every table of a home as text, for comparison; the order of rows is that of their keys."""
    home = root if isinstance(root, Home) else Home.open(root)
    out = {}
    for name in TABLES:
        frame = home.lake.read(name)
        out[name] = frame.to_csv(index=False)
    with home.ledger.engine.connect() as connection:
        for table in metadata.sorted_tables:
            if table.name in _BOOKKEEPING:
                continue
            frame = pd.DataFrame(connection.execute(sa.select(table)).mappings().all())
            out[table.name] = frame.sort_values(list(frame.columns), key=lambda c: c.astype(str)).to_csv(index=False)
    return out


#: How far readers have come and how often rules were judged: what a run did, not what it found.
_BOOKKEEPING = ("cursors", "evaluations", "joins")


def hours(start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    n = int((end - start) / timedelta(hours=1))
    return [(start + timedelta(hours=i), start + timedelta(hours=i + 1)) for i in range(n)]
