"""Feed health: how far each feed has been asked, what it answered, what was refused and why, with the raw payload."""

from datetime import timedelta
from typing import Any

import pandas as pd
from fastapi import Request
from nicegui import ui

from console.web import feeds as health
from console.web.pages.frame import House, View, framed, tag
from console.web.pages.tables import export_links, table
from console.web.words import word
from domain.errors import StoreError
from domain.records import Reason
from domain.texts import say
from store.ledger.coverage import STATES

_DAYS = (1, 7, 30, 366)
_COLUMNS = ("name", "eye", "asked_until", "brought_until", "lag_h", "n_records", "n_rejected", *STATES[1:-1])
_SHADES = {"received": "#2e9e6b", "late": "#b9a200", "empty": "#9aa3ad", "rejected": "#e08a00", "failed": "#c1121f"}

#: A gateway's state in the colours of answers.
_STATES = {"running": "received", "stopped": "empty", "dead": "failed"}


def register(house: House) -> None:
    """Register the page."""

    @ui.page("/feeds")
    def feeds(request: Request) -> None:
        asked = request.query_params
        days = int(asked["days"]) if asked.get("days", "") in {str(d) for d in _DAYS} else 7
        with framed(house, request, "/feeds", "web.nav.feeds") as view:
            with ui.element("div").classes("sy-bar"):
                tag("h1", view.t("web.nav.feeds"))
                for n in _DAYS:
                    ui.link(view.t("web.days", n=n), f"/feeds?days={n}").classes(
                        "sy-tag" + (" sy-late" if n == days else "")
                    )
                ui.space()
                export_links(view, "feeds", {"days": str(days)})
            _gateways(view)
            found = health.health(view.site, timedelta(days=days))
            shown = found.assign(
                name=found[f"name_{view.lang}"],
                eye=[word("eye", e, view.lang) for e in found["eye"]],
                lag_h=found["lag_h"].round(1),
            )
            table(view, shown, _COLUMNS, key="feed", rows=20)
            _windows(view, days)
            _rejections(view, days, asked.get("feed", ""), asked.get("reason", ""))


def _gateways(view: View) -> None:
    """A line for each gateway: whether it lives, what it hears, and what troubles it."""
    for told in health.listening(view.site):
        counts, lag = told["counts"], told["lag_s"]
        with ui.element("div").classes("sy-bar"):
            tag("span", view.t(f"gateway.is.{told['state']}"), "sy-badge").style(
                f"background:{_SHADES[_STATES[told['state']]]};color:#fff"
            )
            said = view.t(
                "web.feeds.gateway",
                name=told["name"],
                open=told["open"],
                frames=counts.get("frames", 0),
                noise=counts.get("noise", 0),
                devices=sum(d["known"] for d in told["devices"].values()),
                strangers=sum(not d["known"] for d in told["devices"].values()),
                lag="-" if lag is None else f"{lag / 60:.0f}",
            )
            tag("span", said)
            for trouble in (told["trouble"], told["airflow"]):
                if trouble:
                    tag("span", trouble, "sy-bad")


def _windows(view: View, days: int) -> None:
    """A row of windows a feed, coloured by the answer."""
    now = view.site.now()
    found = view.site.home.coverage.read(start=now - timedelta(days=min(days, 7)), end=now)
    if found.empty:
        return
    with ui.element("div").classes("sy-paper w-full"):
        tag("h2", view.t("web.feeds.windows"))
        data = [
            {
                "name": word("coverage", r["state"], view.lang),
                "value": [series_y, r["start"].timestamp() * 1000, r["end"].timestamp() * 1000],
                "itemStyle": {"color": _SHADES.get(r["state"], "#5b8db8")},
            }
            for series_y, (_, mine) in enumerate(found.groupby("feed", sort=True))
            for r in _runs(mine)
        ]
        names = [series_name(view, f) for f in sorted(found["feed"].unique())]
        ui.echart(_bands(data, names)).style(f"height:{70 + 26 * len(names)}px;width:100%")
        with ui.element("div").classes("sy-bar"):
            for state, colour in _SHADES.items():
                tag("span", word("coverage", state, view.lang), "sy-badge").style(f"background:{colour};color:#fff")


def _runs(mine: pd.DataFrame) -> list[dict[str, Any]]:
    """Neighbouring windows with one answer as one stretch."""
    out: list[dict[str, Any]] = []
    for row in mine.sort_values("start")[["state", "start", "end"]].to_dict("records"):
        if out and out[-1]["state"] == row["state"] and out[-1]["end"] >= row["start"]:
            out[-1]["end"] = max(out[-1]["end"], row["end"])
        else:
            out.append({str(k): v for k, v in row.items()})
    return out


def _bands(data: list[dict[str, Any]], names: list[str]) -> dict[str, Any]:
    return {
        "animation": False,
        "grid": {"left": 150, "right": 16, "top": 8, "bottom": 28},
        "tooltip": {"renderMode": "richText", "confine": True},
        "xAxis": {"type": "time"},
        "yAxis": {"type": "category", "data": names, "axisLabel": {"width": 140, "overflow": "truncate"}},
        "series": [
            {
                "type": "custom",
                "encode": {"x": [1, 2], "y": 0},
                "data": data,
                ":renderItem": "(p, api) => syBand(api)",
            }
        ],
    }


def series_name(view: View, feed: str) -> str:
    """The name of a feed."""
    from console.web.series import feed_name

    return feed_name(view.site, feed, view.lang)


def _rejections(view: View, days: int, feed: str, reason: str) -> None:
    now = view.site.now()
    everything = health.rejected(view.site, "", "", now - timedelta(days=days), now)
    reasons = {str(r): say(f"reason.{r}", view.lang) for r in Reason}
    with ui.element("div").classes("sy-bar"):
        tag("h2", view.t("web.feeds.rejections", n=len(everything)))
        for name, n in everything["reason"].value_counts().items():
            link = ui.link(f"{reasons.get(str(name), name)} {n}", f"/feeds?days={days}&reason={name}").classes("sy-tag")
            if name == reason:
                link.classes("sy-late")
        if feed or reason:
            ui.link(view.t("web.all"), f"/feeds?days={days}").classes("sy-tag")
        ui.space()
        export_links(view, "rejections", {"feed": feed, "reason": reason})
    found = everything if not reason else everything[everything["reason"] == reason]
    found = found if not feed else found[found["feed"] == feed]
    shown = found.assign(feed=[series_name(view, f) for f in found["feed"]])
    made = table(view, shown, ("received_at", "feed", "reason", "detail"), key="id", words={"reason": reasons})
    if view.may("raw"):
        ui.label(view.t("web.feeds.raw_hint")).classes("sy-soft sy-small")
        made.on("rowClick", lambda e: _payload(view, found, str(e.args[1]["_key"]))).classes("cursor-pointer")


def _payload(view: View, found: pd.DataFrame, identity: str) -> None:
    """The raw payload of one rejection; seeing it is logged, seeing it unmasked once more."""
    rows = found[found["id"] == identity]
    if rows.empty or not view.may("raw"):
        return
    row = {str(k): v for k, v in rows.iloc[0].to_dict().items()}
    view.site.log(view.user, "raw", identity)
    with view.dialog(wide=True) as dialog:
        tag("h2", str(row["detail"]), "sy-wrap")
        text = TextBox(view, row)
        with ui.row().classes("w-full justify-end"):
            if view.may("personal"):
                ui.button(view.t("web.unmask"), on_click=text.unmask).props("flat no-caps").mark("unmask")
            ui.button(view.t("web.close"), on_click=dialog.close).props("flat no-caps")


class TextBox:
    """The payload as text, masked until somebody who may asks for it as it came."""

    def __init__(self, view: View, row: dict[str, Any]) -> None:
        self.view, self.row = view, row
        self.note = ui.label().classes("sy-soft sy-small")
        self.part = tag("pre", "", "sy-raw sy-bad")
        self.box = tag("pre", "", "sy-raw")
        self.show(unmasked=False)

    def show(self, *, unmasked: bool) -> None:
        """Write the text."""
        try:
            payload = health.payload(self.view.site, self.row, unmasked=unmasked)
        except StoreError as error:
            self.box.set_text(str(error))
            return
        self.note.set_text(
            self.view.t("web.feeds.payload", total=payload.total, offset=payload.offset, n=payload.length)
        )
        self.part.set_text(payload.part)
        self.part.set_visibility(bool(payload.part))
        self.box.set_text(payload.text)

    def unmask(self) -> None:
        """Show personal data, and log that they were seen."""
        if self.view.may("personal"):
            self.view.site.log(self.view.user, "personal", str(self.row["id"]))
            self.show(unmasked=True)
