"""The live map, with the incidents that need a person beside it; `?wall=1` is for the wall screen."""

from pathlib import Path

import nicegui.elements.leaflet as leaflet_package
from fastapi import Request
from nicegui import ui
from nicegui.element import Element

from console.web.colours import scale
from console.web.pages.frame import House, View, framed, tag
from console.web.pages.rows import IncidentRows, needed
from console.web.watch import Change
from console.web.words import words
from domain.times import LOCAL

_LEAFLET = Path(leaflet_package.__file__).parent / "dist"
_LAYERS = ("basemap", "townships", "waters", "stations", "reports", "candidates", "incidents")
#: What is pushed to the map when it changes; the rest are places that stay.
_MOVING = frozenset({"basemap", "reports", "candidates", "incidents"})
_LEGENDS = ("severity", "aqi", "water_class", "plain")


class CountyMap(Element, component=Path("..") / "assets" / "county_map.js"):
    """The map; its layers come from the API, its changes from here."""

    def __init__(self, view: View) -> None:
        super().__init__()
        self.add_resource(_LEAFLET)
        west, south, east, north = view.site.home.registry.county["bbox"]
        lang = view.lang
        told = {name: view.t(f"web.layer.{name}") for name in _LAYERS}
        for group in ("category", "candidate", "handling"):
            told |= {f"{group}.{k}": v for k, v in words(group, lang).items()}
        told |= {f"severity.{k}": s.name(lang) for k, s in scale("severity").items()}
        self._props["bounds"] = [[south, west], [north, east]]
        self._props["lang"] = lang
        self._props["words"] = told | {"silent": view.t("web.station.silent")}
        self._props["severities"] = {k: [s.colour, s.ink] for k, s in scale("severity").items()}


def register(house: House) -> None:
    """Register the page."""

    @ui.page("/")
    def county(request: Request) -> None:
        with framed(house, request, "/", "web.nav.map", full=True) as view:
            grid = ui.element("div").classes("sy-mapgrid")
            with grid, ui.element("div").classes("sy-panel"):
                _wall_head(view)
                panel = _panel(view)
            with grid, ui.element("div").classes("sy-mapbox"):
                shown = CountyMap(view)
                shown.on("open", lambda e: _open(e.args))
                _legend(view)
        view.subscribe(lambda change: _changed(view, shown, panel, change))


def _wall_head(view: View) -> None:
    if not view.wall:
        return
    clock = ui.label().classes("sy-wallclock")

    def tick() -> None:
        clock.set_text(f"{view.site.now().astimezone(LOCAL):%m-%d %H:%M:%S}")

    tick()
    if view.site.is_live:
        ui.timer(1, tick)
    ui.label(str(view.site.home.registry.county[f"name_{view.lang}"])).classes("sy-soft")


def _panel(view: View) -> IncidentRows:
    with ui.row().classes("items-center justify-between w-full no-wrap"):
        tag("h2", view.t("web.incidents.needed"))
        ui.link(view.t("web.incidents.all"), "/incidents").classes("sy-small")
    return IncidentRows(view, needed(view))


def _changed(view: View, shown: CountyMap, panel: IncidentRows, change: Change) -> None:
    if change.stations:
        shown.run_method("patch", change.stations)
    moved = sorted(_MOVING & change.what)
    if moved:
        shown.run_method("reload", moved)
    if "incidents" in change.what:
        panel.show(needed(view))


def _open(told: dict[str, str]) -> None:
    where = {"station": "/stations/", "incident": "/incidents/"}.get(str(told.get("kind")))
    if where is not None:
        ui.navigate.to(where + str(told.get("id", "")))


def _legend(view: View) -> None:
    with ui.element("details").classes("sy-legend"):
        tag("summary", view.t("web.legend"))
        for name in _LEGENDS:
            tag("b", view.t(f"web.legend.{name}"))
            for shade in scale(name).values():
                with ui.element("div"):
                    ui.element("i").style(f"background:{shade.colour}")
                    tag("span", shade.name(view.lang))
