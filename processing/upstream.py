"""What besides observations changes flags and indicators: reviews by people, and new learnings from history."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from domain.times import LOCAL
from processing.reviews import days_spoken_of
from store.home import Home
from store.ledger.reviews import read_reviews

REVIEWS, BANDS = "compute.reviews", "compute.bands"


@dataclass(frozen=True, slots=True)
class Upstream:
    """Days to compute anew, and how far reviews and learnings are then worked off."""

    days: frozenset[tuple[str, date]]
    review: int  # number of the last entry seen
    bands: int  # version of the table seen
    fresh: bool  # whether any of the two went on since the last run

    def settle(self, home: Home) -> None:
        """Remember that these days have been computed."""
        home.ledger.advance(REVIEWS, self.review)
        home.ledger.advance(BANDS, self.bands)


def upstream(home: Home) -> Upstream:
    """The (medium, Shanghai day) pairs that reviews and learnings since the last run reach."""
    since = home.ledger.cursor(REVIEWS)
    entries = read_reviews(home.ledger, since=since)
    review = since if entries.empty else int(entries["number"].max())
    seen, now = home.ledger.cursor(BANDS), home.lake.version("bands")
    learnt = frozenset() if now == seen else _learnt_days(home, seen)
    days = frozenset(days_spoken_of(entries)) | learnt
    return Upstream(days, review, now, fresh=(review, now) != (since, seen))


def _learnt_days(home: Home, seen: int) -> frozenset[tuple[str, date]]:
    """Days with observations from the first day on which any learning that is new or different holds."""
    before, after = _digests(home, seen), _digests(home, None)
    differing = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    since: dict[str, date] = {}
    for medium, start in differing:
        since[medium] = min(start, since.get(medium, start))
    if not since:
        return frozenset()
    return frozenset((m, d) for m, d in home.lake.changes("observations", -1).days if m in since and d >= since[m])


def _digests(home: Home, version: int | None) -> dict[tuple[str, date], int]:
    """(medium, first day) of each learning, and a number that differs when its bands do."""
    bands = home.lake.read("bands", version=version) if version is None or version >= 0 else pd.DataFrame()
    out: dict[tuple[str, date], int] = {}
    if bands.empty:
        return out
    hashes = pd.util.hash_pandas_object(bands.astype({"n": "int64"}), index=False).to_numpy(np.uint64)
    for (medium, start), rows in bands.groupby(["medium", "valid_from"]).indices.items():
        day = start.astimezone(LOCAL).date()
        out[str(medium), day] = int(hashes[rows].sum(dtype=np.uint64))
    return out
