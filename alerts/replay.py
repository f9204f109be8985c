"""What a rule would have raised on real history, before it goes live: alarms, load, false ones, lead over people."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

import pandas as pd

from alerts import maintenance
from alerts.contacts import judged_until, reach
from alerts.evaluation import found_by
from alerts.findings import Found
from alerts.inputs import Horizon, Surroundings
from alerts.rules import RuleBook
from alerts.subjects import Subjects
from domain.records import Alert
from store.home import Home
from store.ledger.suppressions import read_suppressions

#: An alarm and a reviewed case belong together when they overlap within this.
NEAR = timedelta(hours=6)
_FIELDS = [f.name for f in fields(Alert)]


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of it: one row a rule, and one row an alarm."""

    rules: pd.DataFrame
    alarms: pd.DataFrame


def replay(
    home: Home,
    rules: RuleBook,
    start: datetime,
    end: datetime,
    *,
    reviewed: pd.DataFrame | None = None,
    operators: float = 1.0,
    only: Sequence[str] = (),
) -> Replay:
    """Judge the lake's values by rules, without touching the ledger.

    Args:
        home: memory and registry.
        rules: the rules to try, in force or not.
        start: alarms that fire from there on count.
        end: and before that; values that end later are not judged.
        reviewed: what people found out about past alarms: subject, starts_at, verified_at, reviewed (true or
            false); rows of `store.ledger.incidents.read_reviewed`.
        operators: how many people share the alarms.
        only: ids of the rules to try; all by default.

    Returns:
        `rules`: rule, alarms, per_operator_hour, subjects, median_hours (how long they lasted), open, reviewed (how
        many of them people looked at), false_share (of these), lead_hours (median by which the alarm came before
        people said that it was true; NaN where nobody did). `alarms`: the fields of `Alert`.

    Raises:
        ValueError: the span is empty.
    """
    if end <= start:
        raise ValueError(f"the span from {start.isoformat()} to {end.isoformat()} is empty")
    subjects, around = (
        Subjects.of(home.registry),
        Surroundings(home, maintenance.spans_of(home, read_suppressions(home.ledger))),
    )
    rows, alarms = [], []
    hours = (end - start) / timedelta(hours=1) * operators
    for rule in rules.rules:
        if only and rule.id not in only:
            continue
        since = start - reach(rule, home) - rule.longest - rule.lookback
        found, _ = found_by(home, rule, Horizon(since), judged_until(home, rule, end), subjects, around)
        fired = _fired(found, start, end)
        alarms.append(fired)
        rows.append({"rule": rule.id, **_load(fired, hours), **_against(fired, reviewed)})
    every = pd.concat(alarms, ignore_index=True) if alarms else pd.DataFrame(columns=_FIELDS)
    return Replay(pd.DataFrame(rows), every)


def _fired(found: Sequence[Found], start: datetime, end: datetime) -> pd.DataFrame:
    rows = [f.alert for f in found if f.alert.fired_at is not None and start <= f.alert.fired_at < end]
    frame = pd.DataFrame([{name: getattr(a, name) for name in _FIELDS} for a in rows], columns=_FIELDS)
    for column in ("starts_at", "fired_at", "ends_at"):
        frame[column] = pd.to_datetime(frame[column], utc=True)
    return frame.sort_values(["fired_at", "subject"], ignore_index=True)


def _load(fired: pd.DataFrame, hours: float) -> dict[str, float]:
    lasted = (fired["ends_at"] - fired["fired_at"]).dt.total_seconds() / 3600
    return {
        "alarms": len(fired),
        "per_operator_hour": len(fired) / hours,
        "subjects": fired["subject"].nunique(),
        "median_hours": float(lasted.median()),
        "open": int(fired["ends_at"].isna().sum()),
    }


def _against(fired: pd.DataFrame, reviewed: pd.DataFrame | None) -> dict[str, float]:
    """Each alarm with the reviewed case of the same subject that began nearest to it."""
    none = {"reviewed": 0, "false_share": float("nan"), "lead_hours": float("nan")}
    if reviewed is None or reviewed.empty or fired.empty:
        return none
    pairs = fired.reset_index().merge(reviewed, on="subject", suffixes=("", "_case"))
    began, at = (pd.to_datetime(pairs[c], utc=True) for c in ("starts_at_case", "verified_at"))
    over = pairs["ends_at"].fillna(pd.Timestamp("2262-01-01", tz="UTC"))
    near = (began >= pairs["starts_at"] - NEAR) & (began <= over + NEAR)
    pairs = pairs.assign(away=(began - pairs["starts_at"]).abs(), lead=(at - pairs["fired_at"]))[near]
    if pairs.empty:
        return none
    best = pairs.sort_values("away", kind="stable").drop_duplicates("index")
    true = best["reviewed"].astype(str).str.lower() == "true"
    lead = best.loc[true, "lead"].dt.total_seconds() / 3600
    return {"reviewed": len(best), "false_share": float(1 - true.mean()), "lead_hours": float(lead.median())}
