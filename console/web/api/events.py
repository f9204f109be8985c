"""Alerts, what happened to them, and grid reports."""

from datetime import timedelta
from html import escape
from typing import Any, Literal

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from pydantic import BaseModel

from console.web.api.asking import From, Paged, To, Word, page_of, records
from console.web.api.series import span_of
from console.web.site import Site
from domain.records import Alert, GridReport, Severity
from store.ledger.alerts import read_alerts, read_transitions

Status = Literal["pending", "firing", "resolved", "withdrawn"]


class TransitionRow(BaseModel):
    """One thing that happened to an alert."""

    name: str
    at: Any
    severity: str
    reason: str
    recorded_at: Any
    verdict: str
    why: str


def router(site: Site) -> APIRouter:
    """The routes of this topic."""
    routes = APIRouter(tags=["events"])

    @routes.get("/alerts", response_model=page_of("AlertRow", Alert, id=str))
    def alerts(
        paging: Paged,
        rule: Word = "",
        status: Status | None = None,
        severity: Severity | None = None,
        subject: Word = "",
        start: From = None,
        end: To = None,
    ) -> Any:
        """Alerts that overlap the span, the newest first: what the data say."""
        if start is not None and end is not None and start >= end:
            raise HTTPException(422, "`from` must be before `to`")
        found = read_alerts(site.home.ledger, rule=rule or None, status=status, start=start, end=end)
        found = found if severity is None else found[found["severity"] == str(severity)]
        found = found if not subject else found[found["subject"] == subject]
        return paging.of(found.iloc[::-1])

    @routes.get("/alerts/{alert_id}/transitions", response_model=list[TransitionRow])
    def transitions(alert_id: str) -> Any:
        """What happened to one alert, in order, and whether it was told."""
        found = read_transitions(site.home.ledger, alert_id)
        if found.empty:
            raise HTTPException(404, "there is no such alert")
        return records(found[list(TransitionRow.model_fields)])

    @routes.get("/reports", response_model=page_of("ReportRow", GridReport))
    def reports(paging: Paged, township: Word = "", category: Word = "", start: From = None, end: To = None) -> Any:
        """Grid reports, the newest first; personal data were masked at the door."""
        begin, until = span_of(site, start or (end or site.now()) - timedelta(days=31), end, one=True)
        where = {k: [v] for k, v in {"township": township, "category": category}.items() if v}
        found = site.home.lake.read("reports", start=begin, end=until, where=where)
        return paging.of(found.sort_values(["observed_at", "id"], ascending=False, kind="stable"))

    return routes


def atom(title: str, base: str, updated: str, entries: list[dict[str, str]]) -> Response:
    """An Atom feed (RFC 4287) of links."""
    parts = "".join(
        f"<entry><id>{escape(e['id'])}</id><title>{escape(e['title'])}</title><updated>{escape(e['updated'])}</updated>"
        f'<link href="{escape(e["href"], quote=True)}"/></entry>'
        for e in entries
    )
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        f"<id>{escape(base)}</id><title>{escape(title)}</title><updated>{escape(updated)}</updated>{parts}</feed>"
    )
    return Response(body, media_type="application/atom+xml")
