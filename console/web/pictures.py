"""Pictures: those our own computing made, pieces of our composites, and the photos that came with reports.

A photo is asked for by the digest under which it lies in the archive; what is not a picture by its content is not given
out, whatever it is called. No address or file name that somebody wrote is ever followed.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, PlainTextResponse, Response

from console.web.county import picture_days
from console.web.site import Site
from domain.errors import StoreError
from domain.photos import photo_type
from processing.charts_overlay import crop, newest_clear

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
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

    @routes.get("/photo/{digest}")
    def photo(digest: str) -> Response:
        """A photo that came with a report."""
        found = photo_of(site, digest)
        if found is None:
            return PlainTextResponse("no such photo", 404)
        place, kind = found
        told = {"content-disposition": "inline", "etag": f'"{digest}"', "cache-control": "private, max-age=86400"}
        return FileResponse(place, media_type=kind, headers=told)

    return routes


def photo_of(site: Site, digest: str) -> tuple[Path, str] | None:
    """Where a photo lies in the archive and its media type; None when it never came, or is none."""
    folder = site.home.files.path(f"raw/{digest[:2]}") if _DIGEST.fullmatch(digest) else None
    for place in sorted(folder.glob(f"{digest}*")) if folder is not None else []:
        with place.open("rb") as stream:
            kind = photo_type(stream.read(16))
        if kind:
            return place, kind
    return None
