"""Incidents: the list, one with everything around it, and the steps people take."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import Response
from pydantic import BaseModel, Field, create_model
from pydantic_core import to_json

from alerts.incidents import actions
from alerts.run import send_tasks
from console.web import cases
from console.web.api.asking import Moment, Paged, Rows, Word, permitted, plain, records
from console.web.api.events import atom
from console.web.site import Site
from domain.incidents import Handling, Outcome
from domain.records import Severity
from store.ledger.incidents import Case, read_case
from store.ledger.users import User

_COLUMNS: dict[Any, tuple[str, ...]] = {
    str: (
        *("id", "kind", "title_zh", "title_en", "summary_zh", "summary_en", "township", "severity", "outcome"),
        *("handling", "assignee", "eyes", "merged_into"),
    ),
    Moment | None: (
        *("first_at", "last_at", "opened_at", "deadline"),
        *("acknowledged_at", "dispatched_at", "verified_at", "closed_at"),
    ),
    float | None: ("lon", "lat", "confidence"),
    int: ("n_evidence", "version", "escalated", "reopened"),
    bool: ("historical",),
}
_FIELDS: dict[str, Any] = {name: (kind, ...) for kind, names in _COLUMNS.items() for name in names}
_STORED = tuple(_FIELDS)
_FIELDS["overdue"] = (bool, False)
IncidentRow = create_model("IncidentRow", **_FIELDS)


class IncidentPage(Rows):
    """One page of incidents."""

    items: list[IncidentRow]  # type: ignore[valid-type]


class Told(BaseModel):
    """One incident with everything around it."""

    incident: IncidentRow  # type: ignore[valid-type]
    evidence: list[dict[str, Any]]
    timeline: list[dict[str, Any]]
    tasks: list[dict[str, Any]]
    sources: list[dict[str, Any]]


class Taken(BaseModel):
    """The version of the incident after a step."""

    version: int


_Why = Annotated[str, Field(max_length=2000)]
_Version = Annotated[int | None, Field(ge=0, le=2**31, description="The version the step was decided upon.")]


class Reason(BaseModel):
    """A step that needs no more than a reason."""

    why: _Why = ""
    version: _Version = None


class Assignment(Reason):
    """Who is on it from now on."""

    to: Annotated[str, Field(max_length=200)]


class Dispatch(Reason):
    """Which grid is sent, with what note."""

    grid: Annotated[str, Field(max_length=50)] = ""
    note: _Why = ""


class Verification(Reason):
    """What somebody found on the spot."""

    outcome: Outcome


def router(site: Site) -> APIRouter:
    """The routes of this topic."""
    routes = APIRouter(tags=["incidents"])

    @routes.get("/incidents", response_model=IncidentPage)
    def incidents(
        paging: Paged,
        words: Word = "",
        handling: Handling | None = None,
        severity: Severity | None = None,
        kind: Word = "",
        township: Word = "",
        eye: Word = "",
        past: bool = False,
    ) -> Any:
        """Incidents in the order in which they need a person; with `past` closed ones too, the newest first."""
        wanted = cases.Filter(words, str(handling or ""), str(severity or ""), kind, township, eye, past)
        found, total = cases.page(site, wanted, limit=paging.size, offset=paging.offset, columns=_STORED)
        items = [{k: row[k] for k in _FIELDS} for row in found]
        # Rows of our own table need no second look: a thousand of them would take longer than finding them.
        body = to_json({"items": items, "total": total, "page": paging.page, "size": paging.size})
        return Response(body, media_type="application/json")

    @routes.get("/incidents/{incident_id}", response_model=Told)
    def incident(incident_id: str) -> Any:
        """One incident; of several that were merged the one they became."""
        case = _case(site, incident_id)
        row = {k: v for k, v in case.incident.items() if k in _FIELDS}
        return Told(
            incident={k: plain(v) for k, v in row.items()},
            evidence=records(case.evidence.drop(columns=["digest"], errors="ignore")),
            timeline=records(case.timeline.drop(columns=["previous", "digest"], errors="ignore")),
            tasks=records(case.tasks),
            sources=case.sources,
        )

    _steps(site, routes)
    _feed(site, routes)
    return routes


def _steps(site: Site, routes: APIRouter) -> None:
    """One operation for each step."""

    def step(name: str, body: type[Reason], act: Callable[..., int]) -> None:
        def take(incident_id: str, said: Any, user: Any) -> Taken:
            told = {k: str(v) for k, v in said.model_dump(exclude={"version"}).items()}
            _case(site, incident_id)
            done = act(site.home, incident_id, **told, who=user.login, version=said.version, now=site.now())
            if act is actions.dispatch:
                send_tasks(site.home, now=site.now())  # at once; what the platform refuses the DAGs try again
            return Taken(version=done)

        asker = Annotated[User, Depends(permitted(site, "handle"))]
        take.__annotations__ = {"incident_id": str, "said": body, "user": asker, "return": Taken}
        take.__doc__ = f"Take the step {name}; refused (400) when it may not follow the incident's state."
        routes.post(f"/incidents/{{incident_id}}/{name}", response_model=Taken, name=name)(take)

    step("acknowledge", Reason, actions.acknowledge)
    step("assign", Assignment, actions.assign)
    step("dispatch", Dispatch, actions.dispatch)
    step("verify", Verification, actions.verify)
    step("close", Reason, actions.close)
    step("reopen", Reason, actions.reopen)
    step("comment", Reason, actions.comment)


def _feed(site: Site, routes: APIRouter) -> None:
    @routes.get(
        "/feeds/incidents.atom", response_class=Response, responses={200: {"content": {"application/atom+xml": {}}}}
    )
    def feed() -> Response:
        """The newest incidents as an Atom feed (RFC 4287) whose entries link to what the API says of each."""
        found = cases.listed(site, cases.Filter(past=True), limit=100)
        entries = [
            {
                "id": f"urn:sanyan:incident:{r['id']}",
                "title": str(r["title_zh"]),
                "updated": r["opened_at"].isoformat(),
                "href": f"/api/v1/incidents/{r['id']}",
            }
            for r in found.to_dict("records")
        ]
        return atom("三眼 incidents", "urn:sanyan:incidents", site.now().isoformat(), entries)


def _case(site: Site, incident_id: str) -> Case:
    case = read_case(site.home.ledger, incident_id)
    if case is None:
        raise HTTPException(404, "there is no such incident")
    return case
