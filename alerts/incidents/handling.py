"""The closed loop as a state machine: which step may follow which state, and until when. Pure.

| step | from | to |
|---|---|---|
| acknowledge | open | acknowledged |
| dispatch | open, acknowledged, dispatched (somebody else) | dispatched |
| verify | open, acknowledged, dispatched, verified (a second look) | verified |
| close | acknowledged (with a reason), dispatched (with a reason), verified | closed |
| reopen | verified, closed | open |
| assign, comment | any | the same |

Nothing that nobody looked at can be closed. Every step names who and, where it ends or undoes something, why.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from domain import working_time
from domain.documents import Document, Strict
from domain.errors import PipelineError
from domain.incidents import Handling
from domain.records import Severity
from domain.texts import say

FILE = "handling.yaml"
OWN = Path(__file__).with_name(FILE)
H = Handling


@dataclass(frozen=True, slots=True)
class Step:
    """One step: from which states, to which, and whether it needs a reason."""

    of: tuple[Handling, ...]
    to: Handling | None  # None: the state stays
    reasoned: bool = False


STEPS: Mapping[str, Step] = {
    "acknowledge": Step((H.OPEN,), H.ACKNOWLEDGED),
    "dispatch": Step((H.OPEN, H.ACKNOWLEDGED, H.DISPATCHED), H.DISPATCHED),
    "verify": Step((H.OPEN, H.ACKNOWLEDGED, H.DISPATCHED, H.VERIFIED), H.VERIFIED, reasoned=True),
    "close": Step((H.ACKNOWLEDGED, H.DISPATCHED, H.VERIFIED), H.CLOSED, reasoned=True),
    "reopen": Step((H.VERIFIED, H.CLOSED), H.OPEN, reasoned=True),
    "assign": Step(tuple(Handling), None),
    "comment": Step(tuple(Handling), None, reasoned=True),
}
#: The moment each state was reached is kept in this column.
REACHED = {
    H.ACKNOWLEDGED: "acknowledged_at",
    H.DISPATCHED: "dispatched_at",
    H.VERIFIED: "verified_at",
    H.CLOSED: "closed_at",
}


class Term(Strict):
    """A length of time, of working time or of any."""

    hours: float = Field(ge=0)
    working: bool = False

    def after(self, start: datetime) -> datetime:
        """The instant at which it is over."""
        length = timedelta(hours=self.hours)
        return working_time.after(start, length) if self.working else start + length


class Named(Strict):
    """A name in both languages."""

    zh: str
    en: str


class Level(Strict):
    """One level of escalation."""

    after_h: float = Field(ge=0)
    to: Named


class Policy(Strict):
    """The content of handling.yaml."""

    historical_after_h: float = Field(gt=0)
    deadlines: dict[Literal["open", "acknowledged", "dispatched", "verified"], dict[Severity, Term]]
    escalation: tuple[Level, ...]

    def deadline(self, handling: str, severity: str, since: datetime) -> datetime | None:
        """Until when the step after a state is due; None when nothing is."""
        terms = {str(state): terms for state, terms in self.deadlines.items()}.get(handling, {})
        term = terms.get(Severity(severity))
        return None if term is None else term.after(since)

    def levels_due(self, deadline: datetime, now: datetime) -> int:
        """How many levels should have been told by now of an incident nobody acknowledged."""
        return sum(deadline + timedelta(hours=level.after_h) <= now for level in self.escalation)


@cache
def policy(root: Path) -> Policy:
    """The policy of a registry's folder, else ours.

    Raises:
        CatalogueError: the file is not as it must be.
    """
    own = root / FILE
    return Document.read(own if own.is_file() else OWN).parse(Policy)


def allowed(handling: str) -> tuple[str, ...]:
    """The steps that may follow a state, in the order of the loop."""
    return tuple(name for name, step in STEPS.items() if handling in step.of)


def taken(
    incident: Mapping[str, Any], step: str, *, who: str, why: str, now: datetime, terms: Policy
) -> dict[str, Any]:
    """The columns of an incident that a step changes.

    Raises:
        PipelineError: the step may not follow the incident's state, or lacks who or why; the text is in the language of
            whoever reads it.
    """
    rule = STEPS[step]
    if not who.strip():
        raise PipelineError(say("incident.refuse_who"))
    if rule.reasoned and not why.strip():
        raise PipelineError(say("incident.refuse_why", step=say(f"step.{step}")))
    state = incident["handling"]
    if state not in rule.of:
        known = ", ".join(say(f"step.{name}") for name in allowed(state))
        raise PipelineError(
            say("incident.refuse_step", step=say(f"step.{step}"), state=say(f"handling.{state}"), allowed=known)
        )
    changes: dict[str, Any] = {"version": incident["version"] + 1}
    return changes if rule.to is None else changes | moved(incident, rule.to, now, terms)


def moved(incident: Mapping[str, Any], to: Handling, now: datetime, terms: Policy) -> dict[str, Any]:
    """The columns that change when an incident comes into a state, by whatever way."""
    changes: dict[str, Any] = {"handling": str(to), "active": to != H.CLOSED and not incident["historical"]}
    changes["deadline"] = None if incident["historical"] else terms.deadline(to, incident["severity"], now)
    if to == H.OPEN:
        changes |= dict.fromkeys(("verified_at", "closed_at", "closed_in_time"), None)
        return changes | {"reopened": incident["reopened"] + 1, "escalated": 0}
    changes[REACHED[to]] = now
    if to in (H.DISPATCHED, H.VERIFIED) and incident["acknowledged_at"] is None:
        changes["acknowledged_at"] = now
    if to == H.CLOSED:
        last = terms.deadline(H.VERIFIED, incident["severity"], incident["verified_at"] or incident["created_at"])
        changes["closed_in_time"] = last is None or now <= last
    return changes
