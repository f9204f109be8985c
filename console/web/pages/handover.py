"""The note for the next shift: what is open, was done, is kept quiet, which feeds are behind; and free words."""

from datetime import timedelta

from fastapi import Request
from nicegui import ui

from console.web import feeds as health
from console.web.cases import Filter, listed
from console.web.pages.frame import House, View, framed, incident_address, tag, when
from console.web.pages.rows import IncidentRows, needed
from console.web.pages.silences import about, standing_now
from console.web.words import word
from store.ledger.audit import SYSTEM, read_audit
from store.ledger.handover import read_notes, say_note

_SHIFT = timedelta(hours=12)
#: A feed that has not been asked for so long is behind, hours.
_BEHIND_H = 3.0


def register(house: House) -> None:
    """Register the page."""

    @ui.page("/handover")
    def handover(request: Request) -> None:
        with framed(house, request, "/handover", "web.nav.handover") as view:
            now = view.site.now()
            with ui.element("div").classes("sy-bar"):
                tag("h1", view.t("web.handover.title", start=when(now - _SHIFT), end=when(now)))
                ui.space()
                ui.button(view.t("web.print")).props("flat no-caps dense").classes("sy-noprint").on(
                    "click", js_handler="() => window.print()"
                )
            _numbers(view)
            with ui.element("div").classes("sy-cols sy-first"):
                with ui.element("section").classes("sy-paper"):
                    tag("h2", view.t("web.handover.open"), "q-mb-sm")
                    IncidentRows(view, needed(view))
                with ui.element("section").classes("sy-paper"):
                    tag("h2", view.t("web.handover.steps"), "q-mb-sm")
                    _steps(view)
                with ui.element("section").classes("sy-paper"):
                    _quiet(view)
                with ui.element("section").classes("sy-paper"):
                    _notes(view)


def _numbers(view: View) -> None:
    active = listed(view.site, Filter(), limit=1000)
    found = health.health(view.site, _SHIFT)
    numbers = {
        "web.handover.n_open": int((active["handling"] == "open").sum()),
        "web.handover.n_active": len(active),
        "web.handover.n_overdue": int(active["overdue"].sum()),
        "web.handover.n_quiet": len(standing_now(view)),
        "web.handover.n_behind": int(
            (found["lag_h"].isna() | (found["lag_h"] > _BEHIND_H + 24 * (found["every"] == "P1D"))).sum()
        ),
    }
    with ui.element("div").classes("sy-stats"):
        for key, n in numbers.items():
            with ui.element("div").classes("sy-stat"):
                tag("b", str(n))
                tag("span", view.t(key), "sy-soft sy-small")


def _steps(view: View) -> None:
    done = read_audit(view.site.home.ledger)
    done = done[(done["at"] >= view.site.now() - _SHIFT) & ((done["who"] != SYSTEM) | (done["action"] == "escalated"))]
    if done.empty:
        ui.label(view.t("web.handover.nothing")).classes("sy-soft")
    for row in done.iloc[::-1].head(60).to_dict("records"):
        with ui.element("div").classes("sy-line"):
            tag("div", f"{when(row['at'])} · {row['who']}", "sy-soft sy-small sy-num")
            with ui.element("div").classes("sy-bar"):
                tag("span", word("step", row["action"], view.lang))
                ui.link(str(row["subject"]), incident_address(str(row["subject"]))).classes("sy-small")
            if row["why"]:
                tag("div", str(row["why"]), "sy-wrap sy-small")


def _quiet(view: View) -> None:
    tag("h2", view.t("web.nav.silences"), "q-mb-sm")
    found = standing_now(view)
    if found.empty:
        ui.label(view.t("web.silences.none")).classes("sy-soft")
    for row in found.to_dict("records"):
        with ui.element("div").classes("sy-line"):
            tag("div", f"{word('quiet', row['kind'], view.lang)} · {about(view, row)}")
            tag("div", f"{row['who']} · {view.t('web.incident.until', at=when(row['until']))}", "sy-soft sy-small")
            tag("div", str(row["why"]), "sy-wrap sy-small")


def _notes(view: View) -> None:
    tag("h2", view.t("web.handover.notes"), "q-mb-sm")

    @ui.refreshable
    def notes() -> None:
        found = read_notes(view.site.home.ledger, limit=20)
        if found.empty:
            ui.label(view.t("web.handover.nothing")).classes("sy-soft")
        for row in found.to_dict("records"):
            with ui.element("div").classes("sy-line"):
                tag("div", f"{when(row['at'])} · {row['who']}", "sy-soft sy-small sy-num")
                tag("div", str(row["text"]), "sy-wrap")

    if view.may("handle"):
        text = (
            ui.textarea(view.t("web.handover.write"))
            .props("outlined autogrow maxlength=4000")
            .classes("w-full sy-noprint")
        )

        def work() -> None:
            say_note(view.site.home.ledger, view.user.login, str(text.value or ""), now=view.site.now())

        def save() -> None:
            if view.act("handle", work, view.t("web.done")) is not None:
                text.set_value("")
                notes.refresh()

        ui.button(view.t("web.handover.save"), on_click=save).props("no-caps unelevated").classes("sy-noprint").mark(
            "note"
        )
    notes()
