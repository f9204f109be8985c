"""The layers of the map as GeoJSON (RFC 7946), and our newest composite below them."""

import hashlib
import json
from collections.abc import Callable, Hashable
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel

from console.web import cases, county
from console.web.county import BaseMap, Collection
from console.web.site import Site
from store.ledger.alerts import committed


class FeatureCollection(BaseModel):
    """RFC 7946."""

    type: str
    features: list[dict[str, Any]]


_GEOJSON: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/geo+json": {"schema": FeatureCollection.model_json_schema()}}},
    304: {"description": "unchanged"},
}


def layers(site: Site) -> dict[str, tuple[Callable[[], Collection], Callable[[], Hashable]]]:
    """Every layer by name, and what it hangs on."""
    registry, lake, ledger = site.home.registry, site.home.lake, site.home.ledger
    return {
        "townships": (lambda: county.zones(registry.townships), lambda: 0),
        "waters": (lambda: county.zones(registry.waters), lambda: 0),
        "stations": (
            lambda: county.stations(site),
            lambda: (site.observed.stand(), site.computed.stand(), committed(ledger), site.minute()),
        ),
        "reports": (lambda: county.reports(site), lambda: (lake.version("reports"), site.minute())),
        "candidates": (lambda: county.candidates(site), lambda: (lake.version("candidates"), site.minute())),
        "incidents": (lambda: cases.layer(site), site.incidents_stand),
    }


def _body(made: Collection) -> tuple[bytes, str]:
    body = json.dumps(made, ensure_ascii=False).encode()
    return body, f'"{hashlib.sha256(body).hexdigest()[:24]}"'


def router(site: Site, base: BaseMap) -> APIRouter:
    """The routes of this topic."""
    routes = APIRouter(tags=["map"])
    known = layers(site)

    @routes.get("/geojson/{layer}", responses=_GEOJSON, response_class=Response)
    def layer(request: Request, layer: str) -> Response:
        """One layer: townships, waters, stations, reports, candidates, incidents."""
        if layer not in known:
            raise HTTPException(404, f"there is no such layer; known are {', '.join(known)}")
        make, stand = known[layer]
        body, tag = site.shared(("layer", layer), stand(), lambda: _body(make()))
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"etag": tag})
        return Response(body, media_type="application/geo+json", headers={"etag": tag, "cache-control": "no-cache"})

    @routes.get("/basemap.png", response_class=Response, responses={200: {"content": {"image/png": {}}}})
    def picture() -> Response:
        """Our newest clear composite in EPSG:3857; its corners are in X-Bounds (south, west, north, east)."""
        name, made = base.current()
        if made is None:
            raise HTTPException(404, "no scene has been computed yet")
        corners = f"{made.south:.6f},{made.west:.6f},{made.north:.6f},{made.east:.6f}"
        return Response(
            made.png,
            media_type="image/png",
            headers={"x-bounds": corners, "etag": f'"{name}"', "cache-control": "private, max-age=86400"},
        )

    return routes
