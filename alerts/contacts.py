"""When stations were heard, and from when to when they are due: what silence is judged by."""

from datetime import date, datetime, timedelta

import numpy as np

from alerts import maintenance
from alerts.conditions import OnSilence
from alerts.findings import Contacts
from alerts.inputs import MOMENT, Horizon, micros_of, read, widened
from alerts.maintenance import Spans
from alerts.rules import Rule
from alerts.samples import MICRO, micros
from domain.times import LENGTHS, day_start
from store.home import Home


def judged_until(home: Home, rule: Rule, now: datetime) -> datetime:
    """Up to when a rule can be judged: now, but silence only as far as the feed was asked."""
    if not isinstance(rule.on, OnSilence):
        return now
    asked = home.coverage.span(rule.on.feed)
    return now if asked is None else min(now, asked[1])


def reach(rule: Rule, home: Home) -> timedelta:
    """How far before a change an alert that is not in the ledger can have begun."""
    if not isinstance(rule.on, OnSilence):
        return rule.reach
    waits = [rule.on.wait(cadence) for cadence in cadences(rule.on, home).values()]
    return max(waits, default=timedelta(0)) + rule.longest


def contacts(home: Home, rule: Rule, horizon: Horizon, until: datetime, absent: Spans) -> Contacts:
    """When stations with a cadence were heard, and from when to when they are due.

    A station is due from the first day it is valid, but not before the feed was first asked; when no feed was ever
    asked (data came by other ways), from its own first value on. During maintenance it counts as heard.
    """
    if not isinstance(rule.on, OnSilence):
        raise TypeError(f"{rule.id} is not about silence")
    on = rule.on
    known = cadences(on, home)
    stations = sorted(known)
    rows = [_due(home, station) for station in stations]
    asked = home.coverage.span(on.feed)
    since = [
        -1 if asked is None else _origin(horizon.of(s), max(r[0], asked[0]))
        for s, r in zip(stations, rows, strict=True)
    ]
    end = [micros(until if r[1] is None else min(until, r[1])) for r in rows]
    where = {"station_id": stations}
    found = read(home, "observations", MOMENT, where, on.medium, widened(horizon, rule.longest))
    found = found[found["station_id"].isin(stations)]
    lengths = {p: length // MICRO for p, length in LENGTHS.items()}
    station = np.searchsorted(stations, found["station_id"].to_numpy(dtype=object)).astype(np.int64)
    heard = micros_of(found["time"]) + found["period"].map(lengths).fillna(0).to_numpy(dtype=np.int64)
    due = {*station.tolist(), *(i for i, at in enumerate(since) if at >= 0)}
    excused = [(i, at) for i in sorted(due) for at in _excused(stations[i], absent, on.wait(known[stations[i]]))]
    return Contacts(
        stations=tuple(stations),
        station=np.r_[station, np.array([i for i, _ in excused], dtype=np.int64)],
        end=np.r_[heard, np.array([at for _, at in excused], dtype=np.int64)],
        since=np.array(since, dtype=np.int64),
        until=np.array(end, dtype=np.int64),
        wait=np.array([on.wait(known[s]) // MICRO for s in stations], dtype=np.int64),
    )


def _excused(station: str, absent: Spans, wait: timedelta) -> list[int]:
    return maintenance.heard(absent.get(station, ()), wait)


def _origin(horizon: datetime | None, origin: datetime) -> int:
    return micros(origin) if horizon is None or origin >= horizon else -1


def cadences(on: OnSilence, home: Home) -> dict[str, timedelta]:
    """Cadence of every station that has one and speaks to a feed of its own accord."""
    rows = home.registry.by_id.items()
    return {
        station: LENGTHS[str(row["cadence"])]
        for station, row in rows
        if LENGTHS.get(str(row["cadence"])) and (not on.medium or row["medium"] == on.medium)
    }


def _due(home: Home, station: str) -> tuple[datetime, datetime | None]:
    """From when to when a station is in the registry."""
    stations = home.registry.stations
    rows = stations[stations["station_id"] == station]
    last = max(rows["valid_to"]) if (rows["valid_to"] != "").all() else ""
    first = min(rows["valid_from"]) or "1970-01-01"
    end = day_start(date.fromisoformat(last) + timedelta(days=1)) if last else None
    return day_start(date.fromisoformat(first)), end
