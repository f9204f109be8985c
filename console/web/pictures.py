"""Pictures our own computing made: those drawn for candidates, and pieces of our composites."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse, Response

from console.web.site import Site
from domain.errors import StoreError
from processing.charts_overlay import crop

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def router(site: Site) -> APIRouter:
    """The routes of the pictures."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/crop/{day}.png")
    def cropped(
        day: str, lon: Annotated[float, Query(ge=-180, le=180)], lat: Annotated[float, Query(ge=-90, le=90)]
    ) -> Response:
        """Our picture of a day around a place."""
        if not _DAY.fullmatch(day) or not site.home.files.path(f"products/{day}/rgb.tif").is_file():
            return PlainTextResponse("no such picture", 404)
        made = crop(site.home.files.read_raster(f"products/{day}/rgb.tif"), lon, lat)
        if made is None:
            return PlainTextResponse("nothing was seen there", 404)
        return Response(made, media_type="image/png")

    @routes.get("/picture")
    def picture(name: Annotated[str, Query(max_length=300)]) -> Response:
        """A picture our own computing made."""
        if not (name.startswith(("candidates/", "products/")) and name.endswith(".png")):
            return PlainTextResponse("no such picture", 404)
        try:
            place = site.home.files.path(name)
        except StoreError:
            return PlainTextResponse("no such picture", 404)
        if not place.is_file():
            return PlainTextResponse("no such picture", 404)
        content: Any = place.read_bytes()
        return Response(content, media_type="image/png")

    return routes
