"""What the data give now against what the ledger has: which alerts are new, changed or withdrawn, and what happened.

| event | when |
|---|---|
| firing | a new or pending alert fires |
| escalated | its severity grew |
| eased | its severity went down, while it goes on |
| resolved | it ended (reason: recovered, or stale for want of data) |
| reopened | data that came late show that it had not ended |
| withdrawn | corrected data (or rules) no longer justify an alert that fired: it stays in the ledger and says so |
| restored | and then justify it again |

An alert whose start is moved by late data stays the same alert: nobody is told twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from alerts.findings import Found
from alerts.lifecycle import Status
from alerts.rules import SEVERITIES
from domain.records import Alert, Severity
from store.ledger.alerts import Stored

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to an alert, at a moment of its data."""

    name: str
    at: datetime
    severity: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """An alert to insert (no id), update, or forget (no alert), and what happened to it."""

    id: str | None
    alert: Alert | None
    events: tuple[Event, ...] = ()


def rank(severity: str) -> int:
    """Position among the colours, mildest 0."""
    return SEVERITIES.index(Severity(severity))


def reconcile(stored: Iterable[Stored], found: Iterable[Found], *, now: datetime, why: str) -> list[Change]:
    """The changes that make the ledger say what the data say.

    Args:
        stored: what the ledger has of some rules and subjects, from their horizons on.
        found: what the data give there.
        now: the moment of a withdrawal.
        why: the reason of a withdrawal: data or rule.
    """
    old: dict[str, list[Stored]] = {}
    new: dict[str, list[Found]] = {}
    for s in stored:
        old.setdefault(s.alert.fingerprint, []).append(s)
    for f in found:
        new.setdefault(f.alert.fingerprint, []).append(f)
    changes: list[Change] = []
    for key in sorted(old.keys() | new.keys()):
        changes += _of_one(old.get(key, []), new.get(key, []), now, why)
    return changes


def _of_one(old: Sequence[Stored], new: Sequence[Found], now: datetime, why: str) -> list[Change]:
    # What is pending again where something once fired is no news: what fired is withdrawn until it fires again.
    fired = {s.alert.starts_at for s in old if s.alert.status != Status.PENDING}
    new = [f for f in new if f.alert.status != Status.PENDING or f.alert.starts_at not in fired]
    pairs, unmatched = _pairs(old, new)
    changes = [change for s in unmatched if (change := _gone(s, now, why)) is not None]
    changes += [c for s, f in pairs if (c := _kept(s, f)) is not None]
    return changes


def _pairs(old: Sequence[Stored], new: Sequence[Found]) -> tuple[list[tuple[Stored | None, Found]], list[Stored]]:
    """Each found alert with the stored one that it is: of the same start, else a fired one that it overlaps."""
    by_start = {s.alert.starts_at: s for s in old}
    same = {f.alert.starts_at: by_start[f.alert.starts_at] for f in new if f.alert.starts_at in by_start}
    free = [s for s in old if s.alert.starts_at not in same]
    pairs: list[tuple[Stored | None, Found]] = []
    for f in sorted(new, key=lambda x: x.alert.starts_at):
        match = same.get(f.alert.starts_at)
        if match is None and f.alert.status != Status.PENDING:
            match = next((s for s in free if s.alert.status in _LIVE and _overlap(s.alert, f.alert)), None)
            if match is not None:
                free.remove(match)
        pairs.append((match, f))
    return pairs, free


_LIVE = (Status.FIRING, Status.RESOLVED)


def _overlap(a: Alert, b: Alert) -> bool:
    return a.starts_at < (b.ends_at or _NEVER) and b.starts_at < (a.ends_at or _NEVER)


def _turns(f: Found, level: int, since: datetime) -> list[Event]:
    """Changes of severity after a moment; and one more when corrected data show that it is another than was said."""
    out = []
    for at, severity in f.turns:
        if at > since and rank(severity) != level:
            out.append(Event("escalated" if rank(severity) > level else "eased", at, severity))
            level = rank(severity)
    after = f.alert
    now = rank(now_of(after))
    if now > level or (now < level and after.status == Status.FIRING):
        name = "escalated" if now > level else "eased"
        out.append(Event(name, after.turned_at or after.fired_at or since, now_of(after)))
    return out


def now_of(alert: Alert) -> str:
    """The present severity of an alert."""
    return alert.severity_now or alert.severity


def _gone(s: Stored, now: datetime, why: str) -> Change | None:
    if s.alert.status == Status.PENDING:
        return Change(s.id, None)
    if s.alert.status == Status.WITHDRAWN:
        return None
    withdrawn = replace(s.alert, status=str(Status.WITHDRAWN), reason=why)
    return Change(s.id, withdrawn, (Event("withdrawn", now, s.alert.severity, why),))


def _kept(s: Stored | None, f: Found) -> Change | None:
    if s is None:
        return Change(None, f.alert, _events(None, f))
    # Whether it was silenced is judged afterwards, when all alerts are known.
    after = replace(f.alert, inhibited_by=s.alert.inhibited_by, historical=s.alert.historical)
    return None if after == s.alert else Change(s.id, after, _events(s.alert, f))


def _events(before: Alert | None, f: Found) -> tuple[Event, ...]:
    """What happened between the alert before (None: there was none) and now, in order."""
    after = f.alert
    if after.fired_at is None:
        return ()
    was = Status.PENDING if before is None else Status(before.status)
    out: list[Event] = []
    if before is None or was == Status.PENDING:
        level, since = rank(f.fired_as), after.fired_at
        out.append(Event("firing", after.fired_at, f.fired_as))
    elif was == Status.WITHDRAWN:
        level, since = rank(now_of(after)), _NEVER
        out.append(Event("restored", after.fired_at, now_of(after)))
    else:
        level, since = rank(now_of(before)), before.turned_at or before.fired_at or after.fired_at
        if was == Status.RESOLVED and after.status == Status.FIRING and before.ends_at is not None:
            out.append(Event("reopened", before.ends_at, now_of(after)))
            level = max(level, rank(now_of(after)))
    out += _turns(f, level, since)
    if after.ends_at is not None and was != Status.RESOLVED:
        out.append(Event("resolved", after.ends_at, after.severity, after.reason))
    return tuple(out)
