"""How well alerts tell what truly happened."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from alerts.lifecycle import Status

_EARLY = pd.Timedelta(hours=6)
_LATE = pd.Timedelta(hours=48)
_NEVER = pd.Timestamp("2262-01-01", tz="UTC")


@dataclass(frozen=True)
class Score:
    """Truth rows that were found and missed, alerts that nothing explains, and how many rows wanted an alert."""

    found: pd.DataFrame
    missed: pd.DataFrame
    false: pd.DataFrame
    expected: int

    @property
    def perfect(self) -> bool:
        """Everything found and nothing else."""
        return self.missed.empty and self.false.empty


def score(alerts: pd.DataFrame, truth: pd.DataFrame) -> Score:
    """Alerts against the truth.

    An alert tells a truth row when the rule is the same, the row's subject is the alert's subject or one of its labels,
    and [starts_at, ends_at) overlaps [start - 6 h, end + 48 h). Only alerts that fired, were not withdrawn and were not
    silenced all the while by another rule are alerts to people.

    Args:
        alerts: rule, subject, labels (dict), status, starts_at, ends_at, inhibited_by.
        truth: rule, subject, start, end (texts or times with zone), expect (alert, rejection or none).
    """
    told = alerts["status"].isin([Status.FIRING, Status.RESOLVED]) & (alerts["inhibited_by"] == "")
    said = alerts[told].reset_index(drop=True)
    wanted = truth[truth["expect"] == "alert"].reset_index(drop=True)
    explained = pd.Series(data=False, index=said.index)
    found = pd.Series(data=False, index=wanted.index)
    starts, ends = _times(said["starts_at"]), _times(said["ends_at"]).fillna(_NEVER)
    places = [_places(row) for row in said[["subject", "labels"]].to_dict("records")]
    for at, row in wanted.iterrows():
        here = pd.Series([row["subject"] in p for p in places], index=said.index, dtype=bool)
        start, end = pd.to_datetime(row["start"], utc=True) - _EARLY, pd.to_datetime(row["end"], utc=True) + _LATE
        match = here & (said["rule"] == row["rule"]) & (starts < end) & (ends > start)
        found[at] = match.any()
        explained |= match
    return Score(wanted[found], wanted[~found], said[~explained], len(wanted))


def _times(column: pd.Series) -> pd.Series:
    return pd.to_datetime(column, utc=True)


def _places(row: dict[Any, Any]) -> set[str]:
    return {str(row["subject"]), *map(str, row["labels"].values())}
