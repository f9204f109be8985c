"""The CAP 1.2 messages this deployment has issued, as files and as an Atom feed of the newest of each alert."""

import re
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from lxml import etree

from console.web.api.events import atom
from console.web.site import Site

_CAP = {"c": "urn:oasis:names:tc:emergency:cap:1.2"}
_MEDIA = "application/cap+xml"
#: How many alerts the feed tells of.
_MOST = 200
_NAME = re.compile(r"[\w.:-]+", re.ASCII)


def router(site: Site) -> APIRouter:
    """The routes of this topic."""
    routes = APIRouter(tags=["cap"])
    folder = site.home.root / "cap"

    @routes.get("/feeds/cap.atom", response_class=Response, responses={200: {"content": {"application/atom+xml": {}}}})
    def feed() -> Response:
        """An Atom feed (RFC 4287) of the newest CAP message of each alert, the newest first."""
        newest = [files[-1] for of in folder.glob("*") if (files := sorted(of.glob("*.xml")))]
        entries = sorted((_entry(file) for file in newest), key=lambda e: e["updated"], reverse=True)
        return atom("三眼 CAP", "urn:sanyan:cap", site.now().isoformat(), entries[:_MOST])

    @routes.get("/cap/{alert_id}/{name}", response_class=Response, responses={200: {"content": {_MEDIA: {}}}})
    def message(alert_id: str, name: str) -> Response:
        """One CAP message."""
        place = folder / alert_id / name
        if not (_NAME.fullmatch(alert_id) and _NAME.fullmatch(name) and name.endswith(".xml") and place.is_file()):
            raise HTTPException(404, "there is no such message")
        if not place.resolve().is_relative_to(folder.resolve()):
            raise HTTPException(404, "there is no such message")
        return Response(place.read_bytes(), media_type=_MEDIA)

    return routes


def _entry(file: Path) -> dict[str, str]:
    root: Any = etree.fromstring(file.read_bytes(), etree.XMLParser(resolve_entities=False, no_network=True))

    def text(name: str) -> str:
        return str(root.findtext(name, default="", namespaces=_CAP))

    return {
        "id": text("c:identifier"),
        "title": text("c:info/c:headline") or text("c:msgType"),
        "updated": text("c:sent"),
        "href": f"/api/v1/cap/{file.parent.name}/{file.name}",
    }
