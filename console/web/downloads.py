"""Every table of the pages as CSV and XLSX, under the role that may have it."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Literal

import pandas as pd
from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool

from console.web import cases, feeds
from console.web.api.stations import chosen
from console.web.exports import CSV_TYPE, XLSX_TYPE, as_csv, as_xlsx
from console.web.series import SeriesAsked, station_rows
from console.web.sign_in import language_of
from console.web.site import Site
from console.web.words import headings
from store.ledger import users
from store.ledger.alerts import read_alerts
from store.ledger.suppressions import read_suppressions

#: At most so many rows of a ledger's list.
_MOST = 100_000

Query_ = Mapping[str, str]
Table = Callable[[Site, Query_], pd.DataFrame]


def _stations(site: Site, asked: Query_) -> pd.DataFrame:
    return chosen(site, asked.get("medium") or None, asked.get("township", ""), asked.get("words", ""))


def _latest(site: Site, asked: Query_) -> pd.DataFrame:
    rows = site.observed.rows()
    return rows[rows["station_id"] == asked["station"]] if asked.get("station") else rows


def _series(site: Site, asked: Query_) -> pd.DataFrame:
    return station_rows(site, SeriesAsked.of(asked, site.now()))


def _incidents(site: Site, asked: Query_) -> pd.DataFrame:
    wanted = {k: asked.get(k, "") for k in cases.FILTERS}
    found = cases.listed(site, cases.Filter(**wanted, past=asked.get("past") == "1"), limit=_MOST)
    return found.drop(columns=[c for c in ("version", "lon", "lat") if c in found])


def _alerts(site: Site, _asked: Query_) -> pd.DataFrame:
    found = read_alerts(site.home.ledger).iloc[::-1].head(_MOST)
    return found.assign(labels=[str(x) for x in found["labels"]])


def _rejections(site: Site, asked: Query_) -> pd.DataFrame:
    now = site.now()
    return feeds.rejected(site, asked.get("feed", ""), asked.get("reason", ""), now - timedelta(days=366), now)


def _feeds(site: Site, asked: Query_) -> pd.DataFrame:
    days = asked.get("days", "7")
    return feeds.health(site, timedelta(days=min(366, int(days)) if days.isdigit() else 7))


def _suppressions(site: Site, _asked: Query_) -> pd.DataFrame:
    return read_suppressions(site.home.ledger)


def _access(site: Site, _asked: Query_) -> pd.DataFrame:
    return users.read_access(site.home.ledger, limit=_MOST)


def _accounts(site: Site, _asked: Query_) -> pd.DataFrame:
    return users.read_users(site.home.ledger)


#: Every table, and the permission it wants beside `export`.
TABLES: dict[str, tuple[Table, str]] = {
    "stations": (_stations, "see"),
    "latest": (_latest, "see"),
    "series": (_series, "see"),
    "incidents": (_incidents, "see"),
    "alerts": (_alerts, "see"),
    "rejections": (_rejections, "see"),
    "feeds": (_feeds, "see"),
    "suppressions": (_suppressions, "see"),
    "access": (_access, "accounts"),
    "accounts": (_accounts, "accounts"),
}


def router(site: Site) -> APIRouter:
    """The routes of the downloads."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/export/{table}.{form}")
    async def export(request: Request, table: str, form: Literal["csv", "xlsx"]) -> Response:
        user, lang = request.state.user, language_of(request)
        if table not in TABLES:
            return PlainTextResponse("no such table", 404)
        read, permission = TABLES[table]
        if not (site.allows(user, "export") and site.allows(user, permission)):
            return PlainTextResponse("your role may not export this", 403)
        site.log(user, "export", f"{table}.{form} {request.url.query}".strip())
        asked = dict(request.query_params)

        def made() -> bytes:
            frame = headings(read(site, asked), lang)
            return as_csv(frame) if form == "csv" else as_xlsx(frame, table)

        body = await run_in_threadpool(made)
        name = f"sanyan-{table}-{site.now():%Y%m%dT%H%M}.{form}"
        told = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(body, media_type=CSV_TYPE if form == "csv" else XLSX_TYPE, headers=told)

    return routes
