"""What three eyes know together and one alone does not: the demo's two weeks under several seeds against their truth.

Another seed is other weather, noise, clouds, everyday reports and places within a spot; the events are those of the
scenario. No peer joins stations, satellites and grid reports, so each eye alone is the peer.
"""

import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from alerts.incidents.score import IncidentScore, score
from domain.incidents import Eye
from sample_feeds.scenario import load
from sample_feeds.simulate import simulate
from store.home import Home
from store.ledger.alerts import read_alerts
from store.ledger.incidents import read_evidence, read_incidents
from tests import pipeline
from tests.pipeline import SEED, START

END = START + timedelta(days=14)
SEEDS = (SEED, 1, 2, 3)


def scored(folder: Path, seed: int) -> IncidentScore:
    """Simulate under a seed, run the whole way, and hold the incidents against the truth."""
    simulate(folder / "feeds", start=START, end=END, seed=seed, scenario=load())
    home = Home.open(folder / "home")
    pipeline.run(home, folder / "feeds", START, END)
    truth = pd.read_csv(folder / "feeds" / "truth.csv", dtype=str, keep_default_na=False)
    incidents = read_incidents(home.ledger, now=END, active=None, limit=100_000)
    return score(incidents, read_evidence(home.ledger), read_alerts(home.ledger), truth)


def told(found: IncidentScore) -> list[str]:
    """The score in lines."""
    several = found.matters[found.matters["eyes"].str.contains(",")]
    apart, aside = found.apart
    whole = (
        f"precision {found.precision:.3f}, recall {found.recall:.3f} over {int(found.matters['opens'].sum())} matters, "
        f"{len(several)} of two or three eyes; {apart} of {aside} single reports nearby kept apart"
    )
    lines = [whole]
    lead = found.lead_h[found.lead_h["incident"].isin(several["incident"])]
    for eye in Eye:
        hours = lead.loc[lead["eye"] == eye, "hours"].to_numpy(float)
        sooner = hours[np.isfinite(hours) & (hours > 0)]
        middle = f"{np.median(sooner):.0f} h (to {sooner.max():.0f} h)" if sooner.size else "0 h"
        lines.append(
            f"before {eye} alone: sooner in {sooner.size} of its {hours.size} matters, by {middle} in the middle; "
            f"never opened by it alone: {int(np.isinf(hours).sum())}"
        )
    wrong = found.matters[~found.matters["state"].isin(["found", "apart"])]
    lines += [f"{row['incident']}: {row['state']}" for row in wrong.to_dict("records")]
    return lines + [f"{name}: an incident of nothing in the truth" for name in found.false]


def print_scores(seeds: tuple[int, ...]) -> None:
    """Print one score for each seed."""
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            for n, line in enumerate(told(scored(Path(folder), seed))):
                print(f"  {f'seed {seed}: ' if n == 0 else '    '}{line}", flush=True)


def run() -> None:
    """Print the score of several seeds."""
    print_scores(SEEDS)


if __name__ == "__main__":
    print_scores(tuple(int(s) for s in sys.argv[1:]) or SEEDS)
