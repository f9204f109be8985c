"""Stations, and the newest value of every one of them."""

from datetime import UTC, datetime
from typing import Any, Literal

import pandas as pd
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel
from pydantic_core import to_json

from console.web.api.asking import Paged, Rows, Word, records
from console.web.latest import Row
from console.web.site import Site
from domain.registry import MEDIA

Medium = Literal[MEDIA]  # type: ignore[valid-type]


class Station(BaseModel):
    """A row of the registry; device numbers stay inside."""

    station_id: str
    name_zh: str
    name_en: str
    medium: str
    kind: str
    township: str
    lon: float | None
    lat: float | None
    cadence: str
    zone: str
    target: str
    river: str
    river_km: float | None
    valid_from: str
    valid_to: str


_COLUMNS = list(Station.model_fields)


class StationPage(Rows):
    """One page of stations."""

    items: list[Station]


class Newest(BaseModel):
    """The newest values of the stations."""

    version: int
    stations: dict[str, list[dict[str, Any]]]


def router(site: Site) -> APIRouter:
    """The routes of this topic."""
    routes = APIRouter(tags=["stations"])
    said: dict[tuple[int, str, str], bytes] = {}

    @routes.get("/stations", response_model=StationPage)
    def stations(paging: Paged, medium: Medium | None = None, township: Word = "", words: Word = "") -> Any:
        """The stations of the registry; `words` is looked for in ids and names."""
        return paging.of(chosen(site, medium, township, words))

    @routes.get("/stations/{station_id}", response_model=Station)
    def station(station_id: str) -> Any:
        """One station."""
        found = site.home.registry.by_id.get(station_id)
        if found is None:
            raise HTTPException(404, "there is no such station")
        return records(pd.DataFrame([found])[_COLUMNS])[0]

    @routes.get("/latest", response_model=Newest)
    def latest(request: Request, medium: Medium | None = None, station: Word = "") -> Response:
        """The newest value of every series of every station, with the flag of quality control (QARTOD)."""
        version, rows = site.observed.told()
        key = (version, medium or "", station)
        tag = f'"{version}-{medium or ""}"'
        if not station and request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"etag": tag})
        if key not in said:
            for old in [k for k in said if k[0] != version]:
                said.pop(old, None)
            body = _newest(rows, medium, station, version)
            if station:
                return Response(body, media_type="application/json")
            said[key] = body
        return Response(said[key], media_type="application/json", headers={"etag": tag})

    return routes


def chosen(site: Site, medium: str | None, township: str, words: str) -> pd.DataFrame:
    """The stations that fit, with the columns told."""
    found = site.home.registry.stations[_COLUMNS]
    found = found if medium is None else found[found["medium"] == medium]
    found = found if not township else found[found["township"] == township]
    if words:
        text = found["station_id"] + " " + found["name_zh"] + " " + found["name_en"]
        found = found[text.str.lower().str.contains(words.lower(), regex=False)]
    return found


def _newest(rows: list[Row], medium: str | None, station: str, version: int) -> bytes:
    """As JSON, in which a value that is not finite is null."""
    stations: dict[str, list[dict[str, Any]]] = {}
    moments: dict[int, str] = {}
    for of, station_id, parameter, period, time, value, unit, flag, _ in rows:
        if (medium is None or of == medium) and station in ("", station_id):
            at = moments.get(time) or moments.setdefault(time, f"{datetime.fromtimestamp(time / 1e6, UTC):%FT%TZ}")
            row = {"parameter": parameter, "period": period, "value": value, "unit": unit, "flag": flag, "time": at}
            stations.setdefault(station_id, []).append(row)
    return to_json({"version": version, "stations": stations})
