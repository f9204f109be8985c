"""The list of incidents: what needs a person now is first; filters stand in the address; keys do what a mouse does.

Keys: j and k choose, Enter opens, a acknowledges, / goes to the search, ? tells the keys.
"""

from dataclasses import replace
from typing import Any

from fastapi import Request
from nicegui import ui

from alerts.incidents.actions import acknowledge
from console.web.cases import FILTERS, Filter, counted
from console.web.colours import scale
from console.web.pages.frame import House, View, framed, incident_address, tag
from console.web.pages.rows import IncidentRows, rows_of
from console.web.pages.tables import export_links
from console.web.words import words

_PAGE = 50


class _List:
    """What the page shows now."""

    def __init__(self, view: View, wanted: Filter, page: int) -> None:
        self.view, self.wanted, self.page = view, wanted, page

    def draw(self) -> None:
        """Put the list into the page."""
        self.count = ui.label().classes("sy-soft sy-small")
        self.rows = IncidentRows(self.view, ())
        self.pages = ui.pagination(1, 1, value=1, direction_links=True, on_change=lambda e: self.go(e.value))
        self.renew()

    def renew(self) -> None:
        """Show what there is now."""
        total = counted(self.view.site, self.wanted)
        pages = max(1, -(-total // _PAGE))
        self.page = min(self.page, pages)
        told = "web.incidents.count_past" if self.wanted.past else "web.incidents.count"
        self.count.set_text(self.view.t(told, n=total))
        self.rows.show(rows_of(self.view, self.wanted, limit=_PAGE, offset=(self.page - 1) * _PAGE))
        self.pages.max = pages
        self.pages.set_value(self.page)
        self.pages.set_visibility(pages > 1)

    def go(self, page: int) -> None:
        """Another page."""
        if page != self.page:
            self.page = page
            self.show()

    def filter(self, **changed: Any) -> None:
        """Other filters, from the first page."""
        self.wanted, self.page = replace(self.wanted, **changed), 1
        self.show()

    def show(self) -> None:
        """Show it, and write into the address what is shown."""
        self.rows.choose("")
        self.renew()
        asked = {k: getattr(self.wanted, k) for k in FILTERS}
        self.view.address(**asked, past="1" if self.wanted.past else "", page=str(self.page) if self.page > 1 else "")

    def acknowledge(self) -> None:
        """Acknowledge the chosen row."""
        site, identity = self.view.site, self.rows.chosen
        if identity:
            work = self.view.act(
                "handle",
                lambda: acknowledge(site.home, identity, who=self.view.user.login, now=site.now()),
                self.view.t("web.done"),
            )
            if work is not None:
                self.show()

    def key(self, key: str) -> None:
        """What a key does."""
        if key in ("j", "ArrowDown"):
            self.rows.step(1)
        elif key in ("k", "ArrowUp"):
            self.rows.step(-1)
        elif key == "Enter" and self.rows.chosen:
            ui.navigate.to(incident_address(self.rows.chosen))
        elif key == "a":
            self.acknowledge()
        elif key == "?":
            ui.notify(self.view.t("web.keys"), multi_line=True, timeout=8000)


def register(house: House) -> None:
    """Register the page."""

    @ui.page("/incidents")
    def incidents(request: Request) -> None:
        asked = request.query_params
        page = asked.get("page", "1")
        with framed(house, request, "/incidents", "web.nav.incidents") as view:
            wanted = Filter(**{k: asked.get(k, "")[:200] for k in FILTERS}, past=asked.get("past") == "1")
            shown = _List(view, wanted, max(1, min(10_000, int(page))) if page.isdecimal() else 1)
            with ui.element("div").classes("sy-bar"):
                tag("h1", view.t("web.nav.incidents"))
                ui.space()
                export_links(view, "incidents", dict(asked))
            _filters(view, shown)
            shown.draw()
            keyboard = ui.keyboard(
                on_key=lambda e: shown.key(str(e.key)) if e.action.keydown and not e.modifiers.ctrl else None,
                ignore=["input", "select", "button", "textarea"],
            )
            keyboard.mark("keys")
        view.subscribe(lambda change: _changed(shown, change))


def _changed(shown: _List, change: Any) -> None:
    if "incidents" in change.what:
        shown.renew()


def _filters(view: View, shown: _List) -> None:
    wanted, lang = shown.wanted, view.lang
    townships = view.site.home.registry.townships
    names = townships.names_zh if lang == "zh" else townships.names_en
    choices = {
        "handling": words("handling", lang),
        "severity": {k: s.name(lang) for k, s in reversed(scale("severity").items())},
        "kind": words("kind", lang),
        "township": dict(zip(townships.ids, names, strict=True)),
        "eye": words("eye", lang),
    }
    with ui.element("div").classes("sy-bar sy-noprint"):
        search = ui.input(view.t("web.search"), value=wanted.words).props("dense outlined clearable debounce=400")
        search.on_value_change(lambda e: shown.filter(words=(e.value or "")[:200])).classes("w-52").mark("search")
        for name, known in choices.items():
            value = getattr(wanted, name)
            options = {"": view.t(f"web.filter.{name}")} | known
            ui.select(
                options if value in options else options | {value: value},
                value=value,
                on_change=lambda e, name=name: shown.filter(**{name: e.value or ""}),
            ).props("dense outlined options-dense").classes("min-w-28").mark(f"filter-{name}")
        ui.checkbox(view.t("web.incidents.past"), value=wanted.past, on_change=lambda e: shown.filter(past=e.value))
