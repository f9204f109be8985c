"""Stations, and the newest value of every one of them."""

import json
import math
from typing import Any, Literal

import numpy as np
import pandas as pd
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel

from console.web.api.asking import Paged, Rows, Word, records
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
        rows = site.observed.rows()
        version = site.observed.version
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


def _newest(rows: pd.DataFrame, medium: str | None, station: str, version: int) -> bytes:
    rows = rows if medium is None else rows[rows["medium"] == medium]
    rows = rows if not station else rows[rows["station_id"] == station]
    times = np.datetime_as_string(rows["time"].dt.tz_localize(None).to_numpy("datetime64[s]"), unit="s")
    columns = [rows[c].tolist() for c in ("station_id", "parameter", "period", "value", "unit", "flag")]
    stations: dict[str, list[dict[str, Any]]] = {}
    for station_id, parameter, period, value, unit, flag, at in zip(*columns, times.tolist(), strict=True):
        known = value if math.isfinite(value) else None
        row = {"parameter": parameter, "period": period, "value": known, "unit": unit, "flag": flag, "time": f"{at}Z"}
        stations.setdefault(station_id, []).append(row)
    return json.dumps({"version": version, "stations": stations}, allow_nan=False).encode()
