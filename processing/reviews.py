"""What people said stands over what tests said: reviews of the ledger laid upon flags.

Where several reviews speak of one value, the latest one that still holds does. A value that is missing stays missing.
"""

from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np
import pandas as pd

from domain.records import Flag
from domain.times import LOCAL

REVIEWED = "reviewed"
#: Begins the tests column of a value that a review speaks of; the number of the review follows.
MARK = "review:"


def spoken_of(observations: pd.DataFrame, reviews: pd.DataFrame) -> np.ndarray:
    """(n,) number of the review that holds for each observation; -1 where none does.

    Args:
        observations: medium, station_id, parameter and time, in any order.
        reviews: rows of `store.ledger.reviews.read_reviews`.
    """
    out = np.full(len(observations), -1, np.int64)
    holding = reviews[reviews["holds"].astype(bool)].sort_values("number")
    times = observations["time"]
    for row in holding.itertuples():
        mine = (observations["station_id"] == row.station_id) & (times >= row.start) & (times < row.end)
        mine &= observations["medium"] == row.medium
        if row.parameter:
            mine &= observations["parameter"] == row.parameter
        out[mine.to_numpy()] = row.number
    return out


def overruled(flagged: pd.DataFrame, reviews: pd.DataFrame) -> pd.DataFrame:
    """The flags with those of the reviews in their place: flag, level `reviewed`, tests `review:<number>`.

    Args:
        flagged: observations with medium, station_id, parameter, time, flag, tests and level.
        reviews: rows of `store.ledger.reviews.read_reviews`.
    """
    number = spoken_of(flagged, reviews)
    at = np.flatnonzero((number >= 0) & (flagged["flag"] != Flag.MISSING).to_numpy())
    if not len(at):
        return flagged
    out = flagged.astype({"tests": "str", "level": "str"}).reset_index(drop=True)
    flags = reviews.set_index("number")["flag"]
    out.loc[at, "flag"] = flags.loc[number[at]].to_numpy().astype(out["flag"].dtype)
    out.loc[at, "level"] = REVIEWED
    out.loc[at, "tests"] = [f"{MARK}{n}" for n in number[at]]
    return out.set_axis(flagged.index)


def days_spoken_of(entries: pd.DataFrame) -> Iterable[tuple[str, date]]:
    """The (medium, Shanghai day) pairs whose flags these entries (judgements or taking back) can change."""
    for row in entries.itertuples():
        first = row.start.astimezone(LOCAL).date()
        last = (row.end - timedelta(microseconds=1)).astimezone(LOCAL).date()
        for n in range((last - first).days + 1):
            yield row.medium, first + timedelta(days=n)
