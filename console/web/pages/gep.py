"""Accounts of ecosystem products: the reports, and a polygon drawn or pasted with its account or a planned change."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from fastapi import Request
from nicegui import run, ui
from shapely.geometry import mapping

from console.web.gep import Accounts, Asked, Report, ecosystems, reports, rows_of
from console.web.pages.frame import House, View, framed, tag
from console.web.pages.tables import table
from domain.errors import PipelineError
from processing.gep.annual import OnParcel

_PROFILE = "db33-2025"
#: Only polygons can be drawn.
_DRAW: dict[str, Any] = {
    "draw": {"polygon": {"allowIntersection": False}, "rectangle": True, "polyline": False, "circle": False,
             "marker": False, "circlemarker": False},
    "edit": {"edit": False, "remove": True},
}  # fmt: skip


def register(house: House) -> None:
    """Register the page."""
    accounts = Accounts(house.site)

    @ui.page("/gep")
    def gep(request: Request) -> None:
        with framed(house, request, "/gep", "web.nav.gep") as view:
            tag("h1", view.t("web.nav.gep"))
            norms = accounts.profiles()
            _reports(view, norms)
            if view.may("account"):
                _Calculator(view, accounts, norms)


def _reports(view: View, norms: Mapping[str, str]) -> None:
    found = reports(view.site)
    with ui.element("section").classes("sy-paper w-full"):
        tag("h2", view.t("web.gep.reports"))
        if not found:
            tag("p", view.t("web.gep.no_reports"), "sy-soft")
        for one in found:
            _report(view, one, norms.get(one.profile, one.profile))


def _report(view: View, one: Report, norm: str) -> None:
    state = "published" if one.published else "draft"
    value = f"{one.total_cny / 1e8:,.2f}"
    with ui.element("div").classes("sy-bar q-mt-sm"):
        tag("b", f"{one.year} · {norm}")
        key = "web.gep.published" if one.published else "web.gep.draft"
        tag("span", view.t(key, author=one.author, approver=one.approver), "" if one.published else "sy-late")
        tag("span", view.t("web.gep.total" if one.complete else "web.gep.partial", value=value), "sy-soft")
        ui.space()
        if view.may("export"):
            for name in one.names:
                address = f"/reports/{one.year}/{quote(one.profile)}/{state}/{name}"
                ui.link(name.removeprefix("report_"), address, new_tab=True).classes("sy-tag")


class _Calculator:
    """The calculator of a parcel on one page."""

    def __init__(self, view: View, accounts: Accounts, norms: Mapping[str, str]) -> None:
        self.view, self.accounts, self.norms = view, accounts, norms
        years = accounts.years()
        with ui.element("section").classes("sy-paper w-full"):
            tag("h2", view.t("web.gep.parcel"))
            if not years:
                tag("p", view.t("web.gep.no_inputs"), "sy-soft")
                return
            tag("p", view.t("web.gep.parcel_hint"), "sy-soft sy-small")
            self._map()
            self._form(years)
            self.shown = ui.element("div").classes("w-full q-mt-md")

    def _map(self) -> None:
        registry = self.view.site.home.registry
        west, south, east, north = registry.county["bbox"]
        self.map = ui.leaflet(
            center=((south + north) / 2, (west + east) / 2),
            zoom=10,
            draw_control=_DRAW,
            options={"attributionControl": False},
        ).classes("w-full")
        self.map.style("height: 420px")
        self.map.clear_layers()  # no tiles from elsewhere
        self.map.image_overlay(
            url="/api/v1/basemap.png", bounds=[[south, west], [north, east]], options={"opacity": 0.75}
        )
        lines = {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "properties": {}, "geometry": mapping(s)} for s in registry.townships.shapes
            ],
        }
        look = {"style": {"color": "#0b5c7a", "weight": 1.2, "fillOpacity": 0.02}, "interactive": False}
        self.map.generic_layer(name="geoJSON", args=[lines, look])
        self.map.on("draw:created", self._drawn)
        self.map.on("draw:deleted", lambda: self.text.set_value(""))

    def _form(self, years: list[int]) -> None:
        view = self.view
        self.text = ui.textarea(view.t("web.gep.geojson")).props("outlined dense rows=3 spellcheck=false")
        self.text.classes("w-full sy-num").mark("geojson")
        kinds = {"": view.t("web.gep.as_it_is"), **ecosystems(view.lang)}
        with ui.element("div").classes("sy-bar"):
            self.year = ui.select({y: str(y) for y in years}, value=years[0], label=view.t("web.gep.year"))
            chosen = _PROFILE if _PROFILE in self.norms else next(iter(self.norms))
            self.profile = ui.select(dict(self.norms), value=chosen, label=view.t("web.gep.profile"))
            self.origin = ui.select(kinds, value="", label=view.t("web.gep.from")).mark("origin")
            self.target = ui.select(kinds, value="", label=view.t("web.gep.to")).mark("target")
            self.share = ui.number(view.t("web.gep.share"), value=100, min=1, max=100, suffix="%")
            for field in (self.year, self.profile, self.origin, self.target, self.share):
                field.props("dense outlined options-dense").classes("min-w-40")
            self.button = ui.button(view.t("web.gep.compute"), on_click=self._go).props("no-caps unelevated")
            self.button.mark("compute")

    def _drawn(self, event: Any) -> None:
        layer = event.args["layer"]
        points = layer.get("_latlngs") or [[]]
        ring = [[p["lng"], p["lat"]] for p in points[0]]
        self.text.set_value(json.dumps({"type": "Polygon", "coordinates": [[*ring, *ring[:1]]]}))

    async def _go(self) -> None:
        if not self.view.may("account"):
            ui.notify(self.view.t("web.refused"), type="negative")
            return
        asked = Asked(
            str(self.text.value or ""), int(self.year.value), str(self.profile.value), str(self.origin.value or ""),
            str(self.target.value or ""), float(self.share.value or 100) / 100,
        )  # fmt: skip
        self.button.disable()
        told = await run.io_bound(partial(_told, self.accounts, asked))
        self.button.enable()
        self.shown.clear()
        with self.shown:
            if isinstance(told, OnParcel):
                _answer(self.view, asked, told)
            else:
                tag("p", str(told), "sy-late").mark("wrong")


def _told(accounts: Accounts, asked: Asked) -> OnParcel | str:
    """The answer, or what is wrong with the question."""
    try:
        return accounts.tell(asked)
    except PipelineError as error:
        return str(error)


def _answer(view: View, asked: Asked, told: OnParcel) -> None:
    names = ecosystems(view.lang)
    change = asked.origin and asked.target
    found, value = told.found, f"{told.found.value_cny / 1e4:,.2f}"
    kinds = dict(sorted(told.areas.items(), key=lambda pair: -pair[1]))
    listed = ("，" if view.lang == "zh" else ", ").join(f"{names.get(k, k)} {v:,.2f}" for k, v in kinds.items())
    tag("p", view.t("web.gep.area", ha=f"{told.ha:,.2f}", kinds=listed))
    if told.missing_pct >= 1:
        tag("p", view.t("parcel.share", pct=f"{told.missing_pct:.0f}"), "sy-late")
    if change:
        said = view.t("web.gep.change", origin=names[asked.origin], target=names[asked.target], value=value)
    else:
        said = view.t("web.gep.value", value=value, year=asked.year)
    tag("p", said, "sy-h2").mark("answer")
    rows = rows_of(told, view.lang)
    for column in ("quantity", "value", "low", "high"):
        rows[column] = [_number(v) for v in rows[column]]
    shown = ("part", "quantity", "unit", "wan_cny", "low", "high")
    table(view, rows.rename(columns={"value": "wan_cny"}), shown, key="part", rows=40)
    left = [told.account.part(p).line.quantity.meta for p in found.left_out]
    parts = "、".join(getattr(m, f"name_{view.lang}") for m in left)
    tag("p", view.t("account.left_out", parts=parts or "–"), "sy-soft sy-small")
    for what in found.unknown:
        tag("p", what, "sy-late sy-small")
    if not told.account.profile.confirmed:
        tag("p", view.t("web.gep.unconfirmed"), "sy-soft sy-small")


def _number(value: float) -> str:
    if value != value:  # noqa: PLR0124 - NaN
        return ""
    return f"{value:,.2f}" if abs(value) < 1e13 else f"{value:.3e}"
