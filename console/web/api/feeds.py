"""Feed health: what was asked and what came, and the quarantine."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel

from console.web import feeds
from console.web.api.asking import From, Paged, Rows, To, Word, page_of, permitted, records
from console.web.api.series import span_of
from console.web.site import Site
from domain.records import Rejection
from store.ledger.users import User


class FeedRow(BaseModel):
    """The health of one feed."""

    feed: str
    name_zh: str
    name_en: str
    eye: str
    every: str
    asked_until: Any
    brought_until: Any
    lag_h: float | None
    n_records: int
    n_rejected: int
    failed: int
    empty: int
    rejected: int
    late: int
    received: int
    superseded: int


class CoverageRow(BaseModel):
    """What a feed answered for one window."""

    feed: str
    start: Any
    end: Any
    state: str
    n_records: int
    n_rejected: int
    detail: str
    asked_at: Any


class CoveragePage(Rows):
    """One page of windows."""

    items: list[CoverageRow]


class PayloadText(BaseModel):
    """A payload as text."""

    text: str
    offset: int
    length: int
    total: int


def router(site: Site) -> APIRouter:
    """The routes of this topic."""
    routes = APIRouter(tags=["feeds"])

    @routes.get("/feeds", response_model=list[FeedRow])
    def health(days: Annotated[int, Query(ge=1, le=366)] = 7) -> Any:
        """The health of every feed over the last days."""
        return records(feeds.health(site, timedelta(days=days)))

    @routes.get("/coverage", response_model=CoveragePage)
    def coverage(paging: Paged, feed: Word = "", start: From = None, end: To = None) -> Any:
        """What was asked and what came, window by window; a gap in the data has its reason here."""
        begin, until = span_of(site, start, end, one=bool(feed))
        return paging.of(site.home.coverage.read(feed or None, begin, until))

    @routes.get("/rejections", response_model=page_of("RejectionRow", Rejection, id=str))
    def rejections(paging: Paged, feed: Word = "", reason: Word = "", start: From = None, end: To = None) -> Any:
        """Records that could not be taken in, and why."""
        begin, until = span_of(site, start or (end or site.now()) - timedelta(days=31), end, one=True)
        return paging.of(feeds.rejected(site, feed, reason, begin, until))

    @routes.get("/rejections/{rejection_id}/payload", response_model=PayloadText)
    def payload(rejection_id: str, asker: Annotated[User, Depends(permitted(site, "raw"))]) -> Any:
        """The payload as text, personal data masked; a view of it is logged."""
        found = site.home.ledger.rejections()
        found = found[found["id"] == rejection_id]
        if found.empty:
            raise HTTPException(404, "there is no such rejection")
        row = {str(k): v for k, v in found.iloc[0].to_dict().items()}
        site.log(asker, "raw", rejection_id)
        shown = feeds.payload(site, row, unmasked=False)
        return PayloadText(text=shown.text, offset=shown.offset, length=shown.length, total=shown.total)

    return routes
