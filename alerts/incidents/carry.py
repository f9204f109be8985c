"""What people did, carried over when evidence makes an incident new, joins it to others, or wakes it up. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from alerts.incidents.handling import Policy, moved
from domain.incidents import Handling

_ORDER = (Handling.OPEN, Handling.ACKNOWLEDGED, Handling.DISPATCHED, Handling.VERIFIED)
_DONE = (
    "handling", "assignee", "deadline", "escalated", "reopened", "acknowledged_at", "dispatched_at", "verified_at",
    "closed_at", "closed_in_time",
)  # fmt: skip
Row = dict[Any, Any]


def begun(row: Row, now: datetime, terms: Policy, version: int) -> Row:
    """The handling of an incident nobody knew of: open, or historical when it was over long before."""
    historical = now - (row["last_at"] or now) > timedelta(hours=terms.historical_after_h)
    return {
        **dict.fromkeys(_DONE),
        "handling": str(Handling.OPEN),
        "assignee": "",
        "deadline": None if historical else terms.deadline(Handling.OPEN, row["severity"], now),
        "escalated": 0,
        "reopened": 0,
        "created_at": now,
        "historical": historical,
        "version": version,
    }


def carried(rows: Sequence[Row]) -> Row:
    """The handling of incidents that became one: of those not closed the furthest step counts, the earliest first."""
    ordered = sorted(rows, key=lambda r: (r["created_at"], r["id"]))
    live = [r for r in ordered if r["handling"] != Handling.CLOSED]
    furthest = max(live, key=lambda r: _ORDER.index(r["handling"])) if live else ordered[-1]
    return {
        **{name: furthest[name] for name in _DONE},
        "assignee": next((r["assignee"] for r in [furthest, *ordered] if r["assignee"]), ""),
        "reopened": max(r["reopened"] for r in ordered),
        "created_at": ordered[0]["created_at"],
        "historical": all(r["historical"] for r in ordered),
        "version": max(r["version"] for r in ordered) + 1,
    }


def woken(row: Row, fresh: Sequence[Row], now: datetime, terms: Policy) -> Row:
    """A closed incident opens again when something is seen after its closing; what only became known late is added.

    Args:
        row: the incident.
        fresh: evidence that is new to it.
        now: the moment.
        terms: deadlines.

    Returns:
        the columns that change; none when it stays closed.
    """
    if row["handling"] != Handling.CLOSED or row["closed_at"] is None:
        return {}
    closed = pd.Timestamp(row["closed_at"])
    if not any(e["standing"] and e["origin"] != "verdict" and e["known_at"] > closed for e in fresh):
        return {}
    live = {**row, "historical": False}
    return {"historical": False, **moved(live, Handling.OPEN, now, terms), "version": row["version"] + 1}
