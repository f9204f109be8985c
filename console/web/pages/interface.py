"""The REST API told from its own OpenAPI document; nothing is loaded from elsewhere."""

from fastapi import Request
from nicegui import ui

from console.web.api.app import build
from console.web.county import BaseMap
from console.web.pages.frame import House, framed, tag


def register(house: House) -> None:
    """Register the page."""
    document = build(house.site, BaseMap(house.site)).openapi()

    @ui.page("/interface")
    def interface(request: Request) -> None:
        with framed(house, request, "/interface", "web.nav.interface") as view:
            tag("h1", view.t("web.nav.interface"))
            tag("p", view.t("web.interface.hint"), "sy-soft")
            ui.link("/api/v1/openapi.json", "/api/v1/openapi.json")
            for path, methods in document["paths"].items():
                for method, operation in methods.items():
                    with ui.element("details").classes("sy-paper w-full"):
                        with ui.element("summary"):
                            tag("b", method.upper(), "q-mr-sm")
                            tag("code", f"/api/v1{path}", "sy-wrap")
                        tag("p", str(operation.get("description", "")), "sy-wrap")
                        with ui.element("dl").classes("sy-key"):
                            for parameter in operation.get("parameters", []):
                                tag("dt", f"{parameter['name']}{' *' if parameter.get('required') else ''}")
                                tag("dd", str(parameter.get("description", "") or parameter["in"]))
