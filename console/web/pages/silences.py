"""Silences, shelved alarms and maintenance: what is kept quiet, by whom, why, until when; add one, end one early."""

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from fastapi import Request
from nicegui import ui

from alerts import maintenance
from alerts.rules import for_registry
from console.web.pages.frame import House, View, framed, tag, when
from console.web.pages.tables import export_links, table
from console.web.watch import Change
from console.web.words import word, words
from store.ledger.suppressions import KINDS, Suppression, end_suppression, read_suppressions, say_suppression, state_of

_HOURS = (1, 2, 4, 8, 24, 72, 168)
_COLUMNS = ("state", "kind", "rule", "subject", "why", "who", "start", "until", "ended_by")


def register(house: House) -> None:
    """Register the page."""

    @ui.page("/silences")
    def silences(request: Request) -> None:
        with framed(house, request, "/silences", "web.nav.silences") as view:
            with ui.element("div").classes("sy-bar"):
                tag("h1", view.t("web.nav.silences"))
                ui.space()
                export_links(view, "suppressions")

            @ui.refreshable
            def shown() -> None:
                _list(view, shown.refresh)

            if view.may("silence"):
                _form(view, shown.refresh)
            shown()
        view.subscribe(lambda change: _changed(change, shown.refresh))


def _changed(change: Change, refresh: Any) -> None:
    if "suppressions" in change.what:
        refresh()


def _list(view: View, refresh: Any) -> None:
    now = view.site.now()
    found = read_suppressions(view.site.home.ledger)
    found = found.assign(state=state_of(found, now)).sort_values(["until"], ascending=False)
    standing = found[found["state"] != "over"]
    tag("h2", view.t("web.silences.standing", n=len(standing)))
    with ui.element("div").classes("sy-list"):
        if standing.empty:
            ui.label(view.t("web.silences.none")).classes("sy-soft")
        for row in standing.to_dict("records"):
            _standing(view, row, refresh)
    tag("h2", view.t("web.silences.over"))
    over = found[found["state"] == "over"]
    told = {"state": words("suppression", view.lang), "kind": words("quiet", view.lang)}
    table(view, over, _COLUMNS, key="number", rows=20, words=told)


def _standing(view: View, row: dict[Any, Any], refresh: Any) -> None:
    with ui.element("div").classes("sy-paper"):
        with ui.element("div").classes("sy-bar"):
            tag("b", word("quiet", row["kind"], view.lang))
            tag("span", word("suppression", row["state"], view.lang), "sy-tag")
            tag("span", about(view, row), "sy-wrap")
            ui.space()
            if view.may("silence"):
                ui.button(view.t("web.silences.end"), on_click=lambda: _end(view, row, refresh)).props(
                    "flat dense no-caps"
                )
        tag("div", str(row["why"]), "sy-wrap")
        tag("div", f"{row['who']} · {when(row['start'])} – {when(row['until'])}", "sy-soft sy-small sy-num")


def about(view: View, row: dict[Any, Any]) -> str:
    """Which rule and subject an entry keeps quiet."""
    rule = view.t("web.silences.any_rule") if row["rule"] == "*" else str(row["rule"])
    any_subject = row["subject"] == "*"
    return (
        f"{rule} · {view.t('web.silences.any_subject') if any_subject else view.site.name(row['subject'], view.lang)}"
    )


def _end(view: View, row: dict[Any, Any], refresh: Any) -> None:
    with view.dialog() as dialog:
        tag("h2", view.t("web.silences.end"))
        why = ui.textarea(view.t("web.field.why")).props("autogrow maxlength=2000").classes("w-full")

        def go() -> None:
            if view.act("silence", lambda: _over(view, row, str(why.value or "")), view.t("web.done")) is not None:
                dialog.close()
                refresh()

        ui.button(view.t("web.ok"), on_click=go).props("no-caps unelevated")


def _over(view: View, row: dict[Any, Any], why: str) -> int:
    home, number, who, now = view.site.home, int(row["number"]), view.user.login, view.site.now()
    if row["kind"] == "maintenance":
        return maintenance.end(home, number, who=who, why=why, now=now)
    return end_suppression(home.ledger, number, who=who, why=why, now=now)


def _form(view: View, refresh: Any) -> None:
    book = for_registry(view.site.home.registry.root)
    rules = {"*": view.t("web.silences.any_rule")}
    rules |= {r.id: r.title.zh if view.lang == "zh" else r.title.en for r in book.rules}
    subjects = {"*": view.t("web.silences.any_subject")} | {
        k: n[0 if view.lang == "zh" else 1] for k, n in view.site.names.items()
    }
    with ui.expansion(view.t("web.silences.add"), icon="notifications_off").classes("sy-paper w-full"):
        with ui.element("div").classes("sy-bar"):
            kind = ui.select(
                {k: word("quiet", k, view.lang) for k in KINDS}, value=KINDS[0], label=view.t("web.column.kind")
            )
            rule = ui.select(rules, value="*", label=view.t("web.column.rule"), with_input=True).classes("min-w-48")
            subject = ui.select(subjects, value="*", label=view.t("web.column.station"), with_input=True).classes(
                "min-w-48"
            )
            hours = ui.select({h: view.t("web.hours", n=h) for h in _HOURS}, value=2, label=view.t("web.field.lasts"))
        why = ui.input(view.t("web.field.why")).classes("w-full").props("maxlength=2000")
        for field in (kind, rule, subject, hours, why):
            field.props("dense outlined")

        def go() -> None:
            now = view.site.now()
            end = now + timedelta(hours=int(hours.value))
            said = (str(kind.value), str(rule.value), str(subject.value), str(why.value or ""))
            if view.act("silence", lambda: _say(view, *said, now, end), view.t("web.done")) is not None:
                why.set_value("")
                refresh()

        ui.button(view.t("web.silences.add"), on_click=go).props("no-caps unelevated").mark("silence")


def _say(view: View, kind: str, rule: str, subject: str, why: str, now: datetime, end: datetime) -> int:
    if kind == "maintenance":
        work = maintenance.Work(who=view.user.login, why=why, start=now, end=end, station=subject)
        return maintenance.plan(view.site.home, work, now=now)
    new = Suppression(kind=kind, who=view.user.login, why=why, start=now, end=end, rule=rule, subject=subject)
    return say_suppression(view.site.home.ledger, new, now=now)


def standing_now(view: View) -> pd.DataFrame:
    """What is kept quiet at this moment."""
    found = read_suppressions(view.site.home.ledger)
    return found[state_of(found, view.site.now()) == "active"]
