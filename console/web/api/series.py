"""Observations and indicators over time."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query

from console.web.api.asking import From, Paged, To, Word, page_of
from console.web.site import Site
from domain.records import IndicatorValue, Observation

#: The longest span of one question: a month of everything, ten years of one series.
_SPAN, _SPAN_OF_ONE = timedelta(days=31), timedelta(days=3660)

Needed = Annotated[str, Query(min_length=1, max_length=200)]


def span_of(site: Site, start: datetime | None, end: datetime | None, *, one: bool) -> tuple[datetime, datetime]:
    """The span asked for; by default the last day.

    Raises:
        HTTPException: it is empty or too long.
    """
    last = end or site.now()
    first = start or last - timedelta(days=1)
    longest = _SPAN_OF_ONE if one else _SPAN
    if first >= last:
        raise HTTPException(422, "`from` must be before `to`")
    if last - first > longest:
        raise HTTPException(422, f"at most {longest.days} days can be asked at once; name one series to ask for more")
    return first, last


def router(site: Site) -> APIRouter:
    """The routes of this topic."""
    routes = APIRouter(tags=["series"])

    @routes.get("/observations", response_model=page_of("ObservationRow", Observation))
    def observations(
        paging: Paged, station: Needed, parameter: Word = "", period: Word = "", start: From = None, end: To = None
    ) -> Any:
        """Observations of one station as they came, the flag being that of quality control where there is one."""
        found = site.home.registry.by_id.get(station)
        if found is None:
            raise HTTPException(404, "there is no such station")
        begin, until = span_of(site, start, end, one=bool(parameter))
        where = {"station_id": [station]} | ({"parameter": [parameter]} if parameter else {})
        where |= {"period": [period]} if period else {}
        key = ["station_id", "parameter", "time", "period"]
        lake, medium = site.home.lake, str(found["medium"])
        rows = lake.read("observations", medium=medium, start=begin, end=until, where=where)
        flags = lake.read("quality", columns=[*key, "flag"], medium=medium, start=begin, end=until, where=where)
        judged = rows.merge(flags.rename(columns={"flag": "judged"}), on=key, how="left")["judged"]
        rows["flag"] = judged.fillna(rows["flag"]).astype("int32").to_numpy()
        return paging.of(rows)

    @routes.get("/indicators", response_model=page_of("IndicatorRow", IndicatorValue))
    def indicators(
        paging: Paged,
        indicator: Word = "",
        subject: Word = "",
        period: Word = "",
        start: From = None,
        end: To = None,
    ) -> Any:
        """Indicators with the edition of the standard each was computed by."""
        begin, until = span_of(site, start, end, one=bool(indicator and subject))
        asked = {"indicator": indicator, "subject": subject, "period": period}
        where = {k: [v] for k, v in asked.items() if v}
        return paging.of(site.home.lake.read("indicators", start=begin, end=until, where=where))

    return routes
