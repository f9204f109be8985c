"""The frame of every page: who looks, in which language, the head, and what is told to the page while it is open."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from fastapi import Request
from nicegui import ui
from nicegui.client import Client
from nicegui.elements.mixins.text_element import TextElement
from nicegui.language import Language
from starlette.requests import cookie_parser

from console.web.cases import titles
from console.web.sign_in import LANGUAGE_COOKIE, language_of
from console.web.site import Site
from console.web.watch import Change, Watch
from domain.errors import PipelineError
from domain.texts import say
from domain.times import LOCAL
from store.ledger.users import User

_HEAD = '<link rel="stylesheet" href="/assets/console.css"><script src="/assets/console.js"></script>'
#: The language of what the toolkit writes itself, and of the document for those who read it aloud.
_LANGS: dict[str, Language] = {"zh": "zh-CN", "en": "en-US"}

#: The pages of the head: address, text, permission.
_PAGES = (
    ("/", "web.nav.map", "see"),
    ("/incidents", "web.nav.incidents", "see"),
    ("/stations", "web.nav.stations", "see"),
    ("/feeds", "web.nav.feeds", "see"),
    ("/rules", "web.nav.rules", "see"),
    ("/silences", "web.nav.silences", "see"),
    ("/handover", "web.nav.handover", "see"),
    ("/gep", "web.nav.gep", "see"),
    ("/accounts", "web.nav.accounts", "accounts"),
    ("/interface", "web.nav.interface", "see"),
)


@dataclass(frozen=True)
class House:
    """What all pages share."""

    site: Site
    watch: Watch


@dataclass(frozen=True)
class View:
    """One open page of one person."""

    house: House
    user: User
    secret: str
    lang: str
    wall: bool
    client: Client

    @property
    def site(self) -> Site:
        """What is shown."""
        return self.house.site

    def t(self, key: str, /, **values: object) -> str:
        """A text in the language of the page."""
        return say(key, self.lang, **values)

    def both(self, row: Any, field: str) -> str:
        """The field of a row that is there in both languages."""
        return str(row[f"{field}_{self.lang}"] or row[f"{field}_zh"] or "")

    def may(self, permission: str) -> bool:
        """Whether the person may, judged by the session as it is now and not as it was when the page was opened."""
        user = self.site.who(self.secret)
        return user is not None and self.site.allows(user, permission)

    def act(self, permission: str, work: Callable[[], Any], done: str = "") -> Any:
        """Do something if the person may; a refusal is said, not raised. What the work returned, or None."""
        if not self.may(permission):
            ui.notify(self.t("web.refused"), type="negative")
            return None
        try:
            result = work()
        except (PipelineError, ValueError) as error:
            ui.notify(str(error), type="negative", multi_line=True, timeout=8000)
            return None
        if done:
            ui.notify(done, type="positive")
        return True if result is None else result

    def subscribe(self, tell: Callable[[Change], None]) -> None:
        """Be told of changes while the page is open; who is no longer signed in is shown the door."""

        def told(change: Change) -> None:
            with self.client:
                if self.site.who(self.secret) is None:
                    ui.navigate.to("/sign-in")
                    return
                tell(change)

        self.house.watch.subscribers.add(told)
        self.client.on_delete(lambda: self.house.watch.subscribers.discard(told))

    @contextmanager
    def dialog(self, *, wide: bool = False) -> Iterator[ui.dialog]:
        """A dialog; it belongs to the whole page, so that what is drawn anew below does not take it away."""
        with self.client.content, ui.dialog() as dialog:
            card = ui.card().classes("max-w-full w-full sy-wide-card" if wide else "max-w-full w-96")
            with card:
                yield dialog
        dialog.on("hide", dialog.delete)
        dialog.open()

    def alarm(self, change: Change) -> None:
        """Sound the alarm for incidents that became red, and say which."""
        if not change.reds:
            return
        names = titles(self.site, change.reds)
        told = {
            "head": self.t("web.incidents.red", n=len(change.reds)),
            "muted": self.t("web.incidents.muted"),
            "close": self.t("web.close"),
            "reds": [
                {"href": incident_address(i), "title": names[i][0 if self.lang == "zh" else 1]} for i in change.reds[:5]
            ],
        }
        # Within a script a text must not be able to end it.
        safe = json.dumps(told).replace("<", "\\u003c")
        ui.run_javascript(f"syAlarm({safe})")

    def address(self, **query: str) -> None:
        """Write filters into the address of the page."""
        ui.run_javascript(f"syAddress({json.dumps(query)})")


def incident_address(identity: str) -> str:
    """The deep link of an incident."""
    return f"/incidents/{quote(identity, safe='')}"


def when(moment: Any, *, seconds: bool = False) -> str:
    """A moment as people here write it; "" for none."""
    if moment is None or moment != moment:  # noqa: PLR0124 - NaT
        return ""
    local = (moment.to_pydatetime() if hasattr(moment, "to_pydatetime") else moment).astimezone(LOCAL)
    return str(local.strftime("%m-%d %H:%M:%S" if seconds else "%m-%d %H:%M"))


@contextmanager
def framed(house: House, request: Request, active: str, title: str, *, full: bool = False) -> Iterator[View]:
    """The head around a page.

    Args:
        house: what all pages share.
        request: by whom and how it was asked.
        active: the address that is marked in the head.
        title: key of the page's title.
        full: without margins.
    """
    lang = language_of(request)
    secret = cookie_parser(request.headers.get("cookie", "")).get(house.site.cookie, "")
    wall = request.query_params.get("wall", "") == "1"
    view = View(house, request.state.user, secret, lang, wall, ui.context.client)
    # The toolkit knows one language a page for everybody; this is the page of this person alone.
    view.client.page = copy(view.client.page)
    view.client.page.language = _LANGS[lang]
    ui.add_head_html(_HEAD)
    ui.page_title(f"{say(title, lang)} · {say('web.brand', lang)}")
    ui.dark_mode(value=wall or request.cookies.get("sanyan_dark", "") == "1")
    ui.colors(primary="#0b5c7a", negative="#b3141b", positive="#1e7f4f", warning="#b36b00")
    replayed = abs((house.site.now() - datetime.now(UTC)).total_seconds()) > 60
    classes = [c for c, on in (("sy-full", full), ("sy-wall", wall), ("sy-replaying", replayed)) if on]
    ui.query("body").classes(" ".join(classes))
    _head(view, active)
    if replayed and not wall:
        ui.label(say("web.replay", lang, at=f"{house.site.now().astimezone(LOCAL):%Y-%m-%d %H:%M}")).classes(
            "sy-replay"
        )
    yield view
    view.subscribe(view.alarm)


def _head(view: View, active: str) -> None:
    pages = [(address, view.t(key)) for address, key, permission in _PAGES if view.site.allows(view.user, permission)]
    drawer = ui.left_drawer(value=False, bordered=True).props("behavior=mobile width=250")
    with drawer, ui.element("nav").classes("sy-side"):
        for address, text in pages:
            ui.link(text, address).classes("sy-here" if address == active else "")
    county = view.site.home.registry.county[f"name_{view.lang}"]
    with ui.header().classes("p-0"), ui.element("div").classes("sy-head"):
        menu = ui.button(icon="menu", on_click=drawer.toggle).props(
            f'flat round dense color=white aria-label="{view.t("web.menu")}"'
        )
        menu.classes("sy-burger")
        with ui.link(target="/").classes("sy-brandline"):
            tag("b", view.t("web.brand"))
            tag("span", str(county))
        with ui.element("nav").classes("sy-nav"):
            for address, text in pages:
                ui.link(text, address).classes("sy-here" if address == active else "")
        clock = ui.label().classes("sy-clock")
        _person(view)
    if view.site.is_live:
        clock.set_text(f"{view.site.now().astimezone(LOCAL):%H:%M}")
        ui.timer(20, lambda: clock.set_text(f"{view.site.now().astimezone(LOCAL):%H:%M}"))


def _person(view: View) -> None:
    other = "en" if view.lang == "zh" else "zh"
    switch = ui.button("English" if other == "en" else "中文").props("flat dense no-caps color=white").mark("language")
    switch.on("click", js_handler=f"() => syCookie('{LANGUAGE_COOKIE}', '{other}')")
    with (
        ui.button(icon="person").props(f'flat round dense color=white aria-label="{view.t("web.account")}"'),
        ui.menu(),
    ):
        ui.item(view.user.name).props("disable")
        ui.item(view.t(f"web.role.{view.user.role}")).props("disable")
        ui.separator()
        dark = ui.item(view.t("web.dark"))
        dark.on(
            "click",
            js_handler="() => syCookie('sanyan_dark', document.body.classList.contains('body--dark') ? '0' : '1')",
        )
        ui.item(view.t("web.wall"), on_click=lambda: ui.navigate.to("/?wall=1"))
        away = ui.item(view.t("web.sign_out"))
        away.on("click", js_handler="() => sySignOut()")


def tag(name: str, text: str, classes: str = "") -> TextElement:
    """An element of HTML that holds a text, which stays a text."""
    made = TextElement(tag=name, text=text)
    return made.classes(classes) if classes else made


def badge(shade: Any, text: str) -> ui.element:
    """A coloured word."""
    made = ui.label(text).classes("sy-badge")
    return made.style(f"background:{shade.colour};color:{shade.ink}")
