"""What the evidence gives now against what the ledger has: which incidents are new, changed, merged or split.

Works inside one transaction. Only what changed evidence can reach is fused anew: the window of time grows until every
group that is touched lies wholly inside. An incident whose evidence moved into another stays as a pointer to it; the
steps of people go with it, so that nothing they did is lost and the timeline of both can be read.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from alerts.fuse import FAULT, Fused, fuse, incident_id, reach_h
from alerts.incidents.carry import begun, carried, woken
from alerts.incidents.describe import described
from alerts.incidents.evidence import Places, digests
from alerts.incidents.handling import Policy
from alerts.incidents.likely_sources import Alarms, alarms_of
from domain import incidents as words
from domain.incidents import Handling
from store.ledger import incident_tables as book
from store.ledger.audit import SYSTEM, Entry
from store.ledger.ledger import Ledger

#: Likely sources of an incident: (its row, its evidence, all alarms around it) -> plain values.
Sources = Callable[[Mapping[str, Any], pd.DataFrame, Alarms], list[dict[str, Any]]]
Row = dict[Any, Any]
#: Kinds that come from somewhere else: of these likely sources are looked for.
SPREADING = ("water", "air")
_GIVEN = (
    "kind", "founder", "first_at", "last_at", "opened_at", "lon", "lat", "township", "river", "river_km", "eyes",
    "n_evidence", "log_odds", "confidence", "severity", "outcome",
)  # fmt: skip


@dataclass(frozen=True)
class Settled:
    """What one settling did: ids of incidents, and the entries to append to the trail."""

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Settling:
    """What every settling needs."""

    ledger: Ledger
    places: Places
    terms: Policy
    sources: Sources
    now: datetime


@dataclass
class _Change:
    """Entries and rows gathered on the way."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)


def settle(job: Settling, tx: book.Connection, changed: pd.DataFrame, gone: Collection[str] = ()) -> Settled:
    """Write changed evidence and what follows from it.

    Args:
        job: ledger, places, policy, likely sources and the moment.
        tx: an open transaction.
        changed: new or different evidence, columns of domain.incidents.Evidence.
        gone: ids of evidence that no longer exists where it came from.
    """
    before = book.evidence_by(tx, "id", {*changed["id"], *gone})
    book.remove_evidence(tx, gone)
    held = dict(zip(before["id"], before["incident_id"], strict=True))
    incident_of = [held.get(i, "") for i in changed["id"]]
    book.put_evidence(tx, changed.assign(incident_id=incident_of, digest=digests(changed)))
    left = before[before["id"].isin(gone)]
    near, fused = _reached(job, tx, changed, before)
    touched = {i for i in (*near["incident_id"], *before["incident_id"]) if i}
    stored = book.stored(tx, {*touched, *fused.incidents["id"]})
    result = _compare(job, tx, near, fused, stored, touched, left)
    _write(tx, near, result)
    ids = {row["id"] for row in result.rows}
    return Settled(
        new=tuple(result.new),
        changed=tuple(sorted(ids - set(result.new) - set(result.merged))),
        merged=tuple(result.merged),
        entries=tuple(result.entries),
    )


def _reached(
    job: Settling, tx: book.Connection, changed: pd.DataFrame, before: pd.DataFrame
) -> tuple[pd.DataFrame, Fused]:
    """Evidence of all groups that changed evidence touches now or touched before, and what they are."""
    reach = timedelta(hours=reach_h())
    spans = pd.concat([changed[["starts_at", "ends_at"]], before[["starts_at", "ends_at"]]])
    low, high = _span(spans, reach)
    ids = set(before["incident_id"]) - {""}
    named = {k for keys in changed["keys"] for k in keys.split()}
    while True:
        parts = [
            book.evidence_between(tx, low, high),
            book.evidence_by(tx, "incident_id", ids),
            book.evidence_by(tx, "id", named),
        ]
        found = pd.concat([p for p in parts if len(p)] or parts[:1]).drop_duplicates("id").reset_index(drop=True)
        near = words.frame(found)
        near = near.assign(incident_id=found.set_index("id")["incident_id"].reindex(near["id"]).to_numpy())
        fused = fuse(near[list(words.COLUMNS)], job.places.rivers, _founders(near))
        data = fused.evidence.assign(incident_id=near["incident_id"].to_numpy())
        doubted = set(changed.loc[changed["weight"] == FAULT, "subject"])
        start = data["id"].isin(changed["id"]) | (data["subject"].isin(doubted) & (data["origin"] == "alert"))
        start |= data["incident_id"].isin(ids)
        mine = data[data["group"].isin(data.loc[start, "group"])]
        more = set(mine["incident_id"]) - {""} - ids
        need_low, need_high = _span(mine, reach) if len(mine) else (low, high)
        inside = need_low >= low and (high is None or (need_high is not None and need_high <= high))
        if inside and not more:
            chosen = fused.incidents[fused.incidents["id"].isin(set(mine["incident"]) - {""})]
            return mine.reset_index(drop=True), Fused(fused.evidence, chosen)
        ids |= more
        low = min(low, need_low)
        high = None if high is None or need_high is None else max(high, need_high)


def _founders(near: pd.DataFrame) -> set[str]:
    """Ids of evidence that founded the incident it belongs to."""
    held = near[near["incident_id"] != ""]
    rows = zip(held["id"], held["known_at"], held["incident_id"], strict=True)
    return {name for name, known_at, incident in rows if incident_id(name, known_at) == incident}


def _span(rows: pd.DataFrame, reach: timedelta) -> tuple[datetime, datetime | None]:
    """From when to when evidence can be that belongs to one of these directly; None: without end."""
    low = rows["starts_at"].min().to_pydatetime() - reach
    high = None if rows["ends_at"].isna().any() else rows["ends_at"].max().to_pydatetime() + reach
    return low, high


def _compare(
    job: Settling,
    tx: book.Connection,
    near: pd.DataFrame,
    fused: Fused,
    stored: Mapping[str, dict[str, Any]],
    touched: set[str],
    left: pd.DataFrame,
) -> _Change:
    out = _Change()
    homes = _homes(near, left, set(fused.incidents["id"]))
    joined: dict[str, list[str]] = {}
    for old in sorted(touched - set(fused.incidents["id"])):
        if homes.get(old):
            joined.setdefault(homes[old], []).append(old)
        elif not stored[old]["merged_into"]:
            _emptied(job, stored[old], out)
    members: dict[str, list[Row]] = {}
    for row in near.to_dict("records"):
        members.setdefault(row["incident"], []).append(row)
    alarms = _alarms(tx, fused.incidents)
    for given in fused.incidents.to_dict("records"):
        _one(job, given, members[given["id"]], alarms, stored, joined.get(given["id"], []), out)
    for to, olds in sorted(joined.items()):
        for old in olds:
            if stored[old]["merged_into"] != to:
                out.rows.append(
                    {**stored[old], "merged_into": to, "active": False, "version": stored[old]["version"] + 1}
                )
                out.merged.append(old)
                out.entries.append(Entry(SYSTEM, old, "merged", data={"into": to}))
    return out


def _homes(near: pd.DataFrame, left: pd.DataFrame, known: Collection[str]) -> dict[str, str]:
    """Where the evidence of each former incident is now: incident -> incident, that of most of it, of equals the first.

    A spot that got another name when a late report came before it lives on in the spot that now holds its alarm or key.
    """
    rows = near.loc[near["incident_id"] != "", ["incident_id", "incident"]]
    keyed = {k: i for keys, i in zip(near["keys"], near["incident"], strict=True) for k in keys.split() if i}
    moved_on = [(i, keyed[k]) for i, keys in zip(left["incident_id"], left["keys"], strict=True)
                for k in keys.split() if k in keyed]  # fmt: skip
    rows = pd.concat([rows, pd.DataFrame(moved_on, columns=["incident_id", "incident"])])
    rows = rows[rows["incident"].isin(known)]
    counted = (
        rows.value_counts()
        .reset_index(name="n")
        .sort_values(["incident_id", "n", "incident"], ascending=[True, False, True])
    )
    first = counted.drop_duplicates("incident_id")
    return dict(zip(first["incident_id"], first["incident"], strict=True))


def _emptied(job: Settling, row: dict[str, Any], out: _Change) -> None:
    """An incident none of whose evidence exists any more: it stays, and says so."""
    if row["n_evidence"] == 0:
        return
    out.rows.append({**row, "n_evidence": 0, "eyes": "", "confidence": 0.0, "log_odds": -99.0})
    out.entries.append(Entry(SYSTEM, row["id"], "emptied", data={"at": job.now.isoformat()}))


def _alarms(tx: book.Connection, found: pd.DataFrame) -> Alarms:
    """The alarms of the time in which what was found can have come from elsewhere."""
    spread = found[found["kind"].isin(SPREADING)]
    if spread.empty:
        return {}
    since = spread["first_at"].min().to_pydatetime() - timedelta(hours=reach_h())
    return alarms_of(book.evidence_between(tx, since, spread["first_at"].max().to_pydatetime()))


def _told(job: Settling, row: dict[str, Any], mine: list[Row], alarms: Alarms) -> dict[str, Any]:
    """Likely sources, title and summary of an incident."""
    sources = job.sources(row, pd.DataFrame(mine), alarms) if row["kind"] in SPREADING else []
    return described(row, mine, sources, job.places) | {"sources": json.dumps(sources, ensure_ascii=False)}


def _one(
    job: Settling,
    given: dict[Any, Any],
    mine: list[Row],
    alarms: Alarms,
    stored: Mapping[str, dict[str, Any]],
    joined: list[str],
    out: _Change,
) -> None:
    """One incident as the evidence gives it now, beside what is stored of it and of those that joined it."""
    name = str(given["id"])
    here, row = stored.get(name), _given(given)
    others = [stored[i] for i in joined if not stored[i]["merged_into"]]
    if here is None or here["merged_into"]:
        version = 1 if here is None else here["version"] + 1
        done = carried(others) if others else begun(row, job.now, job.terms, version)
        origin = sorted({e["incident_id"] for e in mine} - {"", name, *joined})
        out.new.append(name)
        data = {"evidence": sorted(e["id"] for e in mine), "split_from": origin, "historical": done["historical"]}
        out.entries.append(Entry(SYSTEM, name, "opened", data=data))
    else:
        done = carried([here, *others]) if others else {}
        fresh = [e for e in mine if e["incident_id"] != name]
        if fresh:
            ids = sorted(e["id"] for e in fresh)
            out.entries.append(Entry(SYSTEM, name, "evidence", data={"evidence": ids}))
            again = woken({**here, **done}, fresh, job.now, job.terms)
            if again:
                done |= again
                out.entries.append(Entry(SYSTEM, name, "reopen", data={"evidence": ids}))
    row = {**(here or {}), **done, **row, "id": name, "merged_into": ""}
    row["active"] = row["handling"] != Handling.CLOSED and not row["historical"]
    row |= _told(job, row, mine, alarms)
    for old in others:
        out.entries.append(Entry(SYSTEM, name, "absorbed", data={"incident": old["id"], "handling": old["handling"]}))
    if here is not None and here["severity"] != row["severity"]:
        out.entries.append(Entry(SYSTEM, name, "severity", data={"from": here["severity"], "to": row["severity"]}))
    if row != here:
        out.rows.append(row)


def _given(row: dict[Any, Any]) -> dict[str, Any]:
    """Columns of the ledger from a row of a frame: no NaN, no pandas."""
    out: dict[str, Any] = {}
    for name in _GIVEN:
        value = row[name]
        if isinstance(value, pd.Timestamp):
            value = value.to_pydatetime()
        out[name] = None if pd.isna(value) else value
    return out | {"n_evidence": int(row["n_evidence"])}


def _write(tx: book.Connection, near: pd.DataFrame, result: _Change) -> None:
    book.put_incidents(tx, result.rows)
    differs = near["incident"] != near["incident_id"]
    book.move_evidence(tx, dict(zip(near.loc[differs, "id"], near.loc[differs, "incident"], strict=True)))
    into = {row["id"]: row["merged_into"] for row in result.rows if row["merged_into"]}
    moves = {t["id"]: {"incident_id": into[t["incident_id"]]} for t in book.tasks_of(tx, into)}
    book.change_tasks(tx, moves)
