"""The numbers of a bulletin, read from lake and ledger for a span of Shanghai days."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd

from alerts.incidents.statistics import alarm_load, chattering, handling
from domain.times import DAY, day_start
from store.home import Home
from store.ledger.alerts import read_alerts
from store.ledger.audit import newest
from store.ledger.incidents import read_incidents

_ALL = 1_000_000


@dataclass(frozen=True)
class Numbers:
    """All a bulletin says.

    * air: station, day, value, grade, flag, a row per station and day (value NaN where none could be said)
    * water: station, target, grade, value, excess (classes worse than the target), detail: the last judged day
    * opened, closed: incidents of the span; waiting: all that somebody must do something about, worst first
    * load: figures of ISA-18.2 of the month of the last day; chatter: rules and subjects that chatter in the span
    """

    county_zh: str
    county_en: str
    simulated: bool
    first: date
    last: date
    made_at: datetime
    operators: int
    air: pd.DataFrame
    water: pd.DataFrame
    opened: pd.DataFrame
    closed: pd.DataFrame
    waiting: pd.DataFrame
    alarms: pd.DataFrame
    handled: pd.DataFrame
    load: pd.DataFrame
    chatter: pd.DataFrame
    trail: tuple[int, str]  # number and digest of the last entry of the audit trail


def numbers(home: Home, first: date, last: date, *, now: datetime, operators: int = 1) -> Numbers:
    """The numbers of the days from `first` to `last`, both included.

    Args:
        home: memory and registry.
        first: first day.
        last: last day.
        now: the moment of the bulletin: what is overdue, and which values there are.
        operators: how many share the alarms at a time.

    Raises:
        ValueError: the last day lies before the first.
    """
    if last < first:
        raise ValueError(f"the bulletin ends ({last}) before it begins ({first})")
    start, end = day_start(first), day_start(last + timedelta(days=1))
    stamp = pd.Timestamp(now)
    # The newest day as people know it: nothing that happened after the span.
    incidents = read_incidents(home.ledger, now=now, active=None, limit=_ALL)
    alerts = read_alerts(home.ledger)
    fired = alerts[(alerts["fired_at"] >= start) & (alerts["fired_at"] < end)]
    month = alerts[alerts["fired_at"] >= pd.Timestamp(day_start(last.replace(day=1)))]
    county: dict[str, Any] = home.registry.county
    return Numbers(
        county_zh=str(county["name_zh"]),
        county_en=str(county["name_en"]),
        simulated=bool(county["simulated"]),
        first=first,
        last=last,
        made_at=now,
        operators=operators,
        air=_air(home, start, end),
        water=_water(home, start, end),
        opened=_within(incidents, "opened_at", start, end),
        closed=_within(incidents, "closed_at", start, end),
        waiting=read_incidents(home.ledger, now=now, active=True, limit=_ALL),
        alarms=fired[(fired["inhibited_by"] == "") & (fired["status"] != "pending")],
        handled=handling(incidents, "month", now=stamp).tail(1),
        load=alarm_load(
            month[month["fired_at"] < end], "month", operators=operators, now=min(stamp, pd.Timestamp(end))
        ),
        chatter=chattering(fired),
        trail=newest(home.ledger),
    )


def _within(incidents: pd.DataFrame, column: str, start: datetime, end: datetime) -> pd.DataFrame:
    chosen = incidents[(incidents[column] >= start) & (incidents[column] < end)]
    return chosen.sort_values([column, "id"]).reset_index(drop=True)


def _daily(home: Home, indicator: str, start: datetime, end: datetime) -> pd.DataFrame:
    where = {"indicator": [indicator], "period": [DAY]}
    return home.lake.read("indicators", start=start, end=end, where=where)


def _air(home: Home, start: datetime, end: datetime) -> pd.DataFrame:
    found = _daily(home, "air.aqi", start, end)
    columns = {"subject": "station", "time": "day"}
    return found[["subject", "time", "value", "grade", "flag", "detail"]].rename(columns=columns)


def _water(home: Home, start: datetime, end: datetime) -> pd.DataFrame:
    """The class of each section on the last day of the span on which it could be said."""
    classes = _daily(home, "water.class", start, end)
    classes = classes[classes["value"].notna()].sort_values("time").drop_duplicates("subject", keep="last")
    excess = _daily(home, "water.class_excess", start, end)[["subject", "time", "value"]]
    joined = classes.merge(excess, on=["subject", "time"], how="left", suffixes=("", "_excess"))
    stations = home.registry.stations
    rows = stations[stations["medium"] == "water"][["station_id", "target"]].drop_duplicates("station_id", keep="last")
    out = rows.merge(joined, left_on="station_id", right_on="subject", how="left")
    out = out.rename(columns={"station_id": "station", "value_excess": "excess"})
    out["grade"] = out["grade"].fillna("").astype("str")
    out["detail"] = out["detail"].fillna("").astype("str")
    return (
        out[["station", "target", "grade", "value", "excess", "detail"]].sort_values("station").reset_index(drop=True)
    )
