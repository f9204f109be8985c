"""Accounts and the access log, for administrators."""

from typing import Any

from fastapi import Request
from nicegui import ui

from console.web.pages.frame import House, View, framed, tag
from console.web.pages.tables import export_links, table
from console.web.roles import roles
from console.web.words import words
from store.ledger import users
from store.ledger.users import User


def register(house: House) -> None:
    """Register the page."""

    @ui.page("/accounts")
    def accounts(request: Request) -> None:
        with framed(house, request, "/accounts", "web.nav.accounts") as view:
            if not view.may("accounts"):
                ui.label(view.t("web.refused")).classes("sy-soft")
                return
            with ui.element("div").classes("sy-bar"):
                tag("h1", view.t("web.nav.accounts"))
                ui.space()
                export_links(view, "accounts")

            @ui.refreshable
            def shown() -> None:
                _list(view, shown.refresh)

            _form(view, shown.refresh)
            shown()
            _log(view)


def _list(view: View, refresh: Any) -> None:
    known = {name: role.names[view.lang] for name, role in roles().items()}
    with ui.element("div").classes("sy-list"):
        for row in users.read_users(view.site.home.ledger).to_dict("records"):
            _account(view, row, known, refresh)


def _account(view: View, row: dict[Any, Any], known: dict[str, str], refresh: Any) -> None:
    ledger, login = view.site.home.ledger, str(row["login"])
    shut = row["disabled_at"] is not None and row["disabled_at"] == row["disabled_at"]

    def change(what: str, work: Any) -> None:
        def run() -> None:
            if login == view.user.login:
                raise ValueError(view.t("web.accounts.own"))
            work()
            view.site.log(view.user, what, login)
            view.site.forget()

        view.act("accounts", run, view.t("web.done"))
        refresh()

    with ui.element("div").classes("sy-paper sy-bar"):
        tag("b", login)
        tag("span", str(row["name"]))
        if shut:
            tag("span", view.t("web.accounts.shut"), "sy-late")
        ui.space()
        ui.select(
            known,
            value=row["role"],
            on_change=lambda e: change("role", lambda: users.set_role(ledger, login, str(e.value))),
        ).props("dense outlined options-dense")
        ui.button(view.t("web.accounts.link"), on_click=lambda: _link(view, login)).props("flat dense no-caps")
        text = view.t("web.accounts.open" if shut else "web.accounts.shut_now")
        now = view.site.now
        ui.button(
            text,
            on_click=lambda: change("account", lambda: users.disable(ledger, login, now=now(), disabled=not shut)),
        ).props("flat dense no-caps")


def _link(view: View, login: str) -> None:
    """Show a one-time link once."""

    def make() -> str:
        view.site.log(view.user, "link", login)
        return users.open_link(view.site.home.ledger, login, now=view.site.now())

    secret = view.act("accounts", make)
    if secret is None:
        return
    with view.dialog() as dialog:
        tag("h2", view.t("web.accounts.link"))
        tag("p", view.t("web.accounts.link_hint", login=login), "sy-soft sy-small")
        tag("pre", f"/link/{secret}", "sy-raw")
        ui.button(view.t("web.close"), on_click=dialog.close).props("flat no-caps")


def _form(view: View, refresh: Any) -> None:
    with (
        ui.expansion(view.t("web.accounts.add"), icon="person_add").classes("sy-paper w-full"),
        ui.element("div").classes("sy-bar"),
    ):
        login = ui.input(view.t("web.sign_in.login")).props("dense outlined")
        name = ui.input(view.t("web.column.name")).props("dense outlined")
        known = {k: r.names[view.lang] for k, r in roles().items()}
        role = ui.select(known, value=next(iter(known))).props("dense outlined options-dense")

        def add() -> None:
            new = User(str(login.value or "").strip(), str(name.value or "").strip(), str(role.value))

            def work() -> None:
                users.add_user(view.site.home.ledger, new, now=view.site.now())
                view.site.log(view.user, "account", new.login)

            if view.act("accounts", work, view.t("web.done")) is not None:
                refresh()
                _link(view, new.login)

        ui.button(view.t("web.accounts.add"), on_click=add).props("no-caps unelevated")


def _log(view: View) -> None:
    with ui.element("div").classes("sy-bar"):
        tag("h2", view.t("web.access"))
        ui.space()
        export_links(view, "access")
    found = users.read_access(view.site.home.ledger, limit=500)
    columns = ("at", "who", "what", "subject_text")
    table(
        view,
        found.rename(columns={"subject": "subject_text"}),
        columns,
        key="number",
        words={"what": words("access", view.lang)},
    )
