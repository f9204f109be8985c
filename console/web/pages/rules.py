"""The rules of this deployment, how often each spoke, and a replay on real history."""

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import yaml
from fastapi import Request
from nicegui import run, ui

from alerts.replay import replay
from alerts.rules import Rule, RuleBook, for_registry, load
from console.web.colours import scale
from console.web.pages.frame import House, View, badge, framed, tag
from console.web.pages.tables import export_links, table
from domain.errors import CatalogueError
from store.ledger.alerts import read_alerts
from store.ledger.incidents import read_reviewed

_DAYS = (7, 30, 90)
_SHOWN = ("rule", "alarms", "per_operator_hour", "subjects", "median_hours", "reviewed", "false_share", "lead_hours")
#: Longest text of rules somebody may try, characters.
_LONGEST = 20_000


def register(house: House) -> None:
    """Register the page."""

    @ui.page("/rules")
    def rules(request: Request) -> None:
        with framed(house, request, "/rules", "web.nav.rules") as view:
            with ui.element("div").classes("sy-bar"):
                tag("h1", view.t("web.nav.rules"))
                ui.space()
                export_links(view, "alerts")
            book = for_registry(view.site.home.registry.root)
            _list(view, book)
            if view.may("replay"):
                _replay(view, book)


def _list(view: View, book: RuleBook) -> None:
    now = view.site.now()
    recent = read_alerts(view.site.home.ledger, start=now - timedelta(days=30))
    counts = recent[recent["status"] != "pending"]["rule"].value_counts().to_dict()
    with ui.element("div").classes("sy-list"):
        for rule in book.rules:
            _rule(view, rule, int(counts.get(rule.id, 0)))


def _rule(view: View, rule: Rule, n: int) -> None:
    title = rule.title.zh if view.lang == "zh" else rule.title.en
    colours = [rule.severity] if not isinstance(rule.severity, dict) else list(rule.severity)
    with ui.element("details").classes("sy-paper"):
        with ui.element("summary"):
            tag("b", title)
            tag("span", rule.id, "sy-soft sy-small q-mx-sm")
            for colour in colours:
                shade = scale("severity")[str(colour)]
                badge(shade, shade.name(view.lang)).classes("q-mr-xs")
            tag("span", view.t("web.rules.count", n=n), "sy-soft sy-small q-ml-sm")
        tag("pre", _yaml(rule), "sy-raw q-mt-sm")


def _yaml(rule: Rule) -> str:
    return yaml.safe_dump(
        rule.model_dump(mode="json", by_alias=True, exclude_defaults=True), allow_unicode=True, sort_keys=False
    )


def _replay(view: View, book: RuleBook) -> None:
    with ui.element("section").classes("sy-paper w-full"):
        tag("h2", view.t("web.replay.title"))
        tag("p", view.t("web.replay.hint"), "sy-soft sy-small")
        with ui.element("div").classes("sy-bar"):
            chosen = (
                ui.select(
                    {"": view.t("web.replay.all")}
                    | {r.id: (r.title.zh if view.lang == "zh" else r.title.en) for r in book.rules},
                    value="",
                )
                .props("dense outlined options-dense")
                .classes("min-w-60")
            )
            span = ui.select({d: view.t("web.days", n=d) for d in _DAYS}, value=_DAYS[0]).props("dense outlined")
            button = ui.button(view.t("web.replay.run")).props("no-caps unelevated").mark("replay")
        text = (
            ui.textarea(view.t("web.replay.own")).props("outlined autogrow spellcheck=false").classes("w-full sy-num")
        )
        shown = ui.element("div").classes("w-full")

        async def go() -> None:
            if not view.may("replay"):
                ui.notify(view.t("web.refused"), type="negative")
                return
            wanted = _book(view, book, str(chosen.value or ""), str(text.value or ""))
            if wanted is None:
                return
            button.disable()
            now = view.site.now()
            start = now - timedelta(days=int(span.value))
            found = await run.io_bound(partial(_tried, view, wanted, start, now))
            button.enable()
            shown.clear()
            with shown:
                _result(view, found)

        button.on_click(go)


def _book(view: View, book: RuleBook, chosen: str, text: str) -> RuleBook | None:
    """The rules to replay: those typed, the one chosen, or all; None when what was typed is no rule."""
    if text.strip():
        if len(text) > _LONGEST:
            ui.notify(view.t("web.replay.long", n=_LONGEST), type="negative")
            return None
        with TemporaryDirectory() as folder:
            own = Path(folder) / "rules.yaml"
            own.write_text(text, encoding="utf-8")
            return _read(own)
    return RuleBook(rules=tuple(r for r in book.rules if r.id == chosen)) if chosen else book


def _read(own: Path) -> RuleBook | None:
    try:
        return load(own)
    except CatalogueError as error:
        ui.notify(str(error), type="negative", multi_line=True, timeout=15000)
        return None


def _tried(view: View, book: RuleBook, start: datetime, end: datetime) -> pd.DataFrame:
    """What a replay finds, held against what people found on the spot."""
    ledger = view.site.home.ledger
    reviewed = read_reviewed(ledger).rename(columns={"verified_at": "at"})
    return replay(view.site.home, book, start, end, reviewed=reviewed).rules


def _result(view: View, found: pd.DataFrame) -> None:
    shown = found.assign(
        false_share=[say_share(v) for v in found["false_share"]], per_operator_hour=found["per_operator_hour"].round(3)
    )
    table(view, shown, list(_SHOWN), key="rule", rows=30)


def say_share(value: float) -> str:
    """A share in per cent; nothing where it is unknown."""
    return "" if pd.isna(value) else f"{value:.0%}"
