"""What a rule must look at: values and contacts, read from the lake, and only as far back as they can matter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from alerts.findings import Contacts, Samples, micros
from alerts.lifecycle import Ints
from alerts.rules import OnIndicator, OnParameter, OnSilence, Rule
from domain.records import Flag
from domain.times import LENGTHS, day_start
from store.home import Home

_UNUSABLE = (Flag.FAIL, Flag.MISSING)
_MOMENT = ["station_id", "time", "period"]


@dataclass(frozen=True)
class Horizon:
    """From when on a rule is judged anew: what began earlier stays as it is. None: from the beginning.

    A subject whose alert still goes on at the horizon is judged from the start of that alert.
    """

    since: datetime | None = None
    earlier: Mapping[str, datetime] = field(default_factory=dict)

    def of(self, subject: str) -> datetime | None:
        """The horizon of one subject."""
        return self.earlier.get(subject, self.since)

    def begins(self, subject: str, moment: datetime) -> bool:
        """Whether something that began at a moment is judged anew."""
        since = self.of(subject)
        return since is None or moment >= since

    @property
    def first(self) -> datetime | None:
        """The earliest of all."""
        return None if self.since is None else min(self.since, *self.earlier.values(), self.since)


def tables(rule: Rule) -> tuple[str, ...]:
    """The tables whose changes may change the rule's alerts."""
    match rule.on:
        case OnIndicator():
            return ("indicators",)
        case OnParameter():
            return ("observations", "quality")
        case OnSilence():
            return ("observations",)


def reach(rule: Rule, home: Home) -> timedelta:
    """How far before a change an alert that is not in the ledger can have begun."""
    if not isinstance(rule.on, OnSilence):
        return rule.reach
    waits = [rule.on.wait(cadence) for cadence in _cadences(rule.on, home).values()]
    return max(waits, default=timedelta(0)) + rule.longest


def samples(home: Home, rule: Rule, horizon: Horizon) -> tuple[Samples, str]:
    """The usable values of a rule on an indicator or a parameter from the horizon on, and their unit.

    Missing values and those that quality control failed are no values: they can neither raise nor end an alert.
    """
    if isinstance(rule.on, OnIndicator):
        where = {"indicator": [rule.on.indicator], "period": list(rule.on.period)}
        columns = ["subject", "time", "period", "value", "unit", "flag"]
        found = _read(home, "indicators", columns, where, rule.on.medium, horizon)
    elif isinstance(rule.on, OnParameter):
        found = _observations(home, rule.on, horizon).rename(columns={"station_id": "subject"})
    else:
        raise TypeError(f"{rule.id} looks at no values")
    found = found[found["value"].notna() & ~found["flag"].isin(_UNUSABLE)]
    units = found["unit"][found["unit"] != ""]
    return _samples(found, rule.on.period), "" if units.empty else str(units.iloc[0])


def _observations(home: Home, on: OnParameter, horizon: Horizon) -> pd.DataFrame:
    """Observations with the flag of quality control, where it has judged them."""
    where = {"parameter": [on.parameter], "period": list(on.period)}
    found = _read(home, "observations", [*_MOMENT, "value", "unit", "flag"], where, on.medium, horizon)
    judged = _read(home, "quality", [*_MOMENT, "flag"], where, on.medium, horizon)
    merged = found.merge(judged, on=_MOMENT, how="left", suffixes=("_door", ""))
    merged["flag"] = merged["flag"].fillna(merged["flag_door"]).astype(int)
    return merged


def _samples(found: pd.DataFrame, periods: Sequence[str]) -> Samples:
    codes, subjects = pd.factorize(found["subject"], sort=True)
    lengths = {p: LENGTHS[p] // timedelta(microseconds=1) for p in periods}
    start = _micros(found["time"])
    end = start + found["period"].map(lengths).to_numpy(dtype=np.int64)
    if len(periods) > 1:
        # Of values with one end that of the period named first counts.
        preference = found["period"].map({p: i for i, p in enumerate(periods)}).to_numpy(dtype=np.int64)
        order = np.lexsort((preference, end, codes))
        again = (np.diff(codes[order]) == 0) & (np.diff(end[order]) == 0)
        keep = np.sort(order[np.r_[True, ~again][: len(order)]])
        codes, start, end, found = codes[keep], start[keep], end[keep], found.iloc[keep]
    return Samples(
        tuple(map(str, subjects)), codes.astype(np.int64), start, end, found["value"].to_numpy(dtype=np.float64)
    )


def details(home: Home, rule: Rule, subjects: Sequence[str]) -> dict[str, str]:
    """The newest detail of an indicator for some subjects."""
    if not subjects or not isinstance(rule.on, OnIndicator):
        return {}
    found = home.lake.read(
        "indicators",
        columns=["subject", "time", "detail"],
        medium=rule.on.medium or None,
        where={"indicator": [rule.on.indicator], "subject": list(subjects)},
    )
    newest = found.sort_values("time", kind="stable").drop_duplicates("subject", keep="last")
    return dict(zip(newest["subject"], newest["detail"], strict=True))


def judged_until(home: Home, rule: Rule, now: datetime) -> datetime:
    """Up to when a rule can be judged: now, but silence only as far as the feed was asked."""
    if not isinstance(rule.on, OnSilence):
        return now
    asked = home.coverage.span(rule.on.feed)
    return now if asked is None else min(now, asked[1])


def contacts(home: Home, rule: Rule, horizon: Horizon, until: datetime) -> Contacts:
    """When stations with a cadence were heard, and from when to when they are due.

    A station is due from the first day it is valid, but not before the feed was first asked; when no feed was ever
    asked (data came by other ways), from its own first value on.
    """
    if not isinstance(rule.on, OnSilence):
        raise TypeError(f"{rule.id} is not about silence")
    cadences = _cadences(rule.on, home)
    stations = sorted(cadences)
    rows = [_due(home, station) for station in stations]
    asked = home.coverage.span(rule.on.feed)
    since = [
        -1 if asked is None else _origin(horizon.of(s), max(r[0], asked[0]))
        for s, r in zip(stations, rows, strict=True)
    ]
    end = [micros(until if r[1] is None else min(until, r[1])) for r in rows]
    found = _read(
        home,
        "observations",
        _MOMENT,
        {"station_id": stations},
        rule.on.medium,
        _widened(horizon, rule.longest),
    )
    found = found[found["station_id"].isin(stations)]
    lengths = {p: length // timedelta(microseconds=1) for p, length in LENGTHS.items()}
    return Contacts(
        stations=tuple(stations),
        station=np.searchsorted(stations, found["station_id"].to_numpy(dtype=object)).astype(np.int64),
        end=_micros(found["time"]) + found["period"].map(lengths).fillna(0).to_numpy(dtype=np.int64),
        since=np.array(since, dtype=np.int64),
        until=np.array(end, dtype=np.int64),
        wait=np.array([rule.on.wait(cadences[s]) // timedelta(microseconds=1) for s in stations], dtype=np.int64),
    )


def _origin(horizon: datetime | None, origin: datetime) -> int:
    return micros(origin) if horizon is None or origin >= horizon else -1


def _cadences(on: OnSilence, home: Home) -> dict[str, timedelta]:
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


def _widened(horizon: Horizon, by: timedelta) -> Horizon:
    if horizon.since is None:
        return horizon
    return Horizon(horizon.since - by, {s: at - by for s, at in horizon.earlier.items()})


def _read(
    home: Home, table: str, columns: Sequence[str], where: Mapping[str, Sequence[Any]], medium: str, horizon: Horizon
) -> pd.DataFrame:
    """Rows from the horizon on; for the few subjects with an earlier one, from that on."""
    who = columns[0]
    found = home.lake.read(table, columns=columns, medium=medium or None, start=horizon.since, where=where)
    if not horizon.earlier:
        return found
    more = dict(where) | {who: sorted(horizon.earlier)}
    old = home.lake.read(table, columns=columns, medium=medium or None, start=horizon.first, where=more)
    old = old[old["time"] >= pd.to_datetime(old[who].map(dict(horizon.earlier)), utc=True)]
    return pd.concat([found[~found[who].isin(list(horizon.earlier))], old], ignore_index=True)


def _micros(times: pd.Series) -> Ints:
    return times.dt.as_unit("us").astype("int64").to_numpy(dtype=np.int64)
