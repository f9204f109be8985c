"""All stations with their state now."""

import pandas as pd
from fastapi import Request
from nicegui import ui

from console.web import county
from console.web.pages.frame import House, View, framed, tag
from console.web.pages.tables import export_links, table
from console.web.words import words

_COLUMNS = ("name", "medium", "state", "value", "time", "alert", "township")


def register(house: House) -> None:
    """Register the page."""

    @ui.page("/stations")
    def stations(request: Request) -> None:
        with framed(house, request, "/stations", "web.nav.stations") as view:
            with ui.element("div").classes("sy-bar"):
                tag("h1", view.t("web.nav.stations"))
                ui.space()
                export_links(view, "stations")
            medium = request.query_params.get("medium", "")
            known = words("medium", view.lang)
            with ui.element("div").classes("sy-bar"):
                for key, text in {"": view.t("web.all"), **known}.items():
                    link = ui.link(text, f"/stations?medium={key}" if key else "/stations").classes("sy-tag")
                    if key == medium:
                        link.classes("sy-late")
            _table(view, medium)


def _table(view: View, medium: str) -> None:
    lang = view.lang
    rows = [
        {
            "id": f["id"],
            "name": f["properties"][f"name_{lang}"],
            "medium": f["properties"]["medium"],
            "state": view.t("web.station.silent") if f["properties"]["silent"] else f["properties"][f"word_{lang}"],
            "value": f["properties"]["value"],
            "time": pd.Timestamp(f["properties"]["seen"]) if f["properties"]["seen"] else None,
            "alert": f["properties"]["alert"],
            "township": view.site.name(f["properties"]["township"], lang),
        }
        for f in county.stations(view.site)["features"]
        if not medium or f["properties"]["medium"] == medium
    ]
    frame = pd.DataFrame(rows, columns=["id", *_COLUMNS])
    told = {"medium": words("medium", lang), "alert": words("severity", lang)}
    made = table(view, frame, _COLUMNS, key="id", rows=50, words=told)
    made.on("rowClick", lambda e: ui.navigate.to(f"/stations/{e.args[1]['_key']}")).classes("cursor-pointer")
