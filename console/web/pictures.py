"""Pictures our own computing made: those drawn for candidates, and pieces of our composites."""

import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse, Response

from console.web.county import picture_days
from console.web.site import Site
from domain.errors import StoreError
from processing.charts_overlay import crop, newest_clear

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def router(site: Site) -> APIRouter:
    """The routes of the pictures."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/crop/{side}/{day}.png")
    def cropped(
        side: Literal["before", "after"],
        day: str,
        lon: Annotated[float, Query(ge=-180, le=180)],
        lat: Annotated[float, Query(ge=-90, le=90)],
    ) -> Response:
        """How a place looked before a day, or from it on: of each cell the nearest clear view."""
        if not _DAY.fullmatch(day):
            return PlainTextResponse("no such day", 404)
        days = picture_days(site, day, after=side == "after")
        whole = newest_clear(site.home.files.read_raster(file) for file in days)
        made = None if whole is None else crop(whole, lon, lat)
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
