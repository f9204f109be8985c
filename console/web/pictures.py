"""Pictures: those our own computing made, pieces of our composites, and the photos that came with reports.

A photo is asked for by the digest under which it lies in the archive; what is not a picture by its content is not given
out, whatever it is called. Of a photo only the picture is shown: what a telephone wrote into the file (where, when,
whose, which device) stays in the archive. No address or file name that somebody wrote is ever followed.
"""

import io
import re
import warnings
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse, Response
from PIL import Image, ImageOps

from console.web.county import picture_days
from console.web.site import Site
from domain.errors import StoreError
from domain.photos import photo_type
from processing.charts_overlay import crop, newest_clear

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
#: No side of a photo is shown with more pixels.
_SCREEN = 2048
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
        place = photo_of(site, digest)
        shown = None if place is None else bare(place.read_bytes())
        if shown is None:
            return PlainTextResponse("no such photo", 404)
        told = {"content-disposition": "inline", "etag": f'"{digest}"', "cache-control": "private, max-age=86400"}
        return Response(shown, media_type="image/jpeg", headers=told)

    return routes


def bare(content: bytes) -> bytes | None:
    """A photo upright, as JPEG for a screen, without anything but its picture; None where it cannot be drawn."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as photo:
                photo.draft("RGB", (_SCREEN, _SCREEN))  # a large JPEG is decoded no larger than it is shown
                upright = ImageOps.exif_transpose(photo).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
    upright.thumbnail((_SCREEN, _SCREEN))
    out = io.BytesIO()
    Image.frombytes("RGB", upright.size, upright.tobytes()).save(out, "JPEG", quality=88)
    return out.getvalue()


def photo_of(site: Site, digest: str) -> Path | None:
    """Where a photo lies in the archive; None when it never came, or is none."""
    folder = site.home.files.path(f"raw/{digest[:2]}") if _DIGEST.fullmatch(digest) else None
    for place in sorted(folder.glob(f"{digest}*")) if folder is not None else []:
        with place.open("rb") as stream:
            if photo_type(stream.read(16)):
                return place
    return None
