"""One incident: what each of the three eyes says, what was done, and the buttons for the next step.

`?print=1` is the same page for paper.
"""

from collections.abc import Callable
from typing import Any

from fastapi import Request
from nicegui import background_tasks, run, ui

from alerts.incidents import actions
from alerts.incidents.handling import STEPS, allowed
from alerts.run import send_tasks
from console.web.colours import scale
from console.web.pages.evidence import eye_section
from console.web.pages.frame import House, View, badge, framed, tag, when
from console.web.words import word, words
from domain.incidents import Outcome
from store.ledger.audit import SYSTEM
from store.ledger.incidents import Case, read_case

_EYES = ("sky", "ground", "human")
_HANDLINGS = ("open", "acknowledged", "dispatched", "verified", "closed")
#: Steps that need no reason.
_PLAIN = ("acknowledge",)


def register(house: House) -> None:
    """Register the page."""

    @ui.page("/incidents/{incident_id}")
    def incident(request: Request, incident_id: str) -> None:
        with framed(house, request, "/incidents", "web.nav.incidents") as view:
            shown = _Shown(view, incident_id)
            shown.draw()
        view.subscribe(lambda change: _changed(change, shown))
        if request.query_params.get("print") == "1":
            ui.timer(1.0, lambda: ui.run_javascript("window.print()"), once=True)


class _Shown:
    """The incident as the page shows it now."""

    def __init__(self, view: View, incident_id: str) -> None:
        self.view, self.id = view, incident_id
        self.seen: tuple[Any, ...] = ()

    @ui.refreshable_method
    def draw(self) -> None:
        """Draw what is there now."""
        case = read_case(self.view.site.home.ledger, self.id)
        self.seen = _told(case)
        if case is None:
            ui.label(self.view.t("web.incident.unknown")).classes("sy-soft")
        else:
            _page(self.view, case, self.draw.refresh)

    def renew(self) -> None:
        """Draw anew if there is anything new: a button must not vanish under a hand."""
        if _told(read_case(self.view.site.home.ledger, self.id)) != self.seen:
            self.draw.refresh()


def _told(case: Case | None) -> tuple[Any, ...]:
    """What would make the page another."""
    if case is None:
        return ()
    row = case.incident
    return (
        row["id"],
        row["version"],
        row["n_evidence"],
        row["severity"],
        len(case.timeline),
        tuple(case.tasks["state"]),
    )


def _changed(change: Any, shown: _Shown) -> None:
    if "incidents" in change.what:
        shown.renew()


def _page(view: View, case: Case, refresh: Callable[[], Any]) -> None:
    _heading(view, case)
    if view.may("handle"):
        _buttons(view, case, refresh)
    with ui.element("div").classes("sy-three"):
        for eye in _EYES:
            eye_section(view, case, eye)
    with ui.element("div").classes("sy-cols"):
        _timeline(view, case)
        _around(view, case)


def _heading(view: View, case: Case) -> None:
    row = case.incident
    shade = scale("severity").get(str(row["severity"]))
    with ui.element("div").classes("sy-paper w-full"):
        with ui.element("div").classes("sy-bar"):
            if shade:
                badge(shade, shade.name(view.lang))
            tag("h1", view.both(row, "title"), "sy-wrap")
            ui.space()
            ui.link(view.t("web.print"), "?print=1").classes("sy-tag sy-noprint")
        if view.both(row, "summary"):
            tag("p", view.both(row, "summary"), "sy-wrap q-my-sm")
        with ui.element("div").classes("sy-steps"):
            at = _HANDLINGS.index(row["handling"]) if row["handling"] in _HANDLINGS else 0
            for n, state in enumerate(_HANDLINGS):
                moment = {1: "acknowledged_at", 2: "dispatched_at", 3: "verified_at", 4: "closed_at"}.get(
                    n, "opened_at"
                )
                text = word("handling", state, view.lang) + (f" {when(row[moment])}" if n <= at else "")
                tag("span", text, "sy-now" if n == at else "sy-done" if n < at else "")
        facts = {
            "web.fact.id": row["id"],
            "web.fact.kind": word("kind", row["kind"], view.lang),
            "web.fact.place": view.site.name(row["township"], view.lang),
            "web.fact.span": f"{when(row['first_at'])} – {when(row['last_at']) or view.t('web.now')}",
            "web.fact.eyes": " · ".join(word("eye", e, view.lang) for e in str(row["eyes"]).split(",") if e),
            "web.fact.confidence": f"{float(row['confidence']):.0%}",
            "web.fact.assignee": row["assignee"],
            "web.fact.deadline": when(row["deadline"]),
            "web.fact.outcome": word("outcome", row["outcome"], view.lang) if row["outcome"] else "",
        }
        with ui.element("dl").classes("sy-facts"):
            for key, value in facts.items():
                if value:
                    with ui.element("div"):
                        tag("dt", view.t(key))
                        tag("dd", str(value))


def _buttons(view: View, case: Case, refresh: Callable[[], Any]) -> None:
    row = case.incident
    with ui.element("div").classes("sy-bar sy-noprint"):
        # What leads on comes before what could be done once more.
        for n, name in enumerate(sorted(allowed(row["handling"]), key=lambda s: STEPS[s].to == row["handling"])):
            if name in actions_of():
                button = ui.button(
                    view.t(f"web.act.{name}"),
                    on_click=lambda name=name: _ask(view, case, name, refresh),
                )
                button.props("no-caps unelevated" if n == 0 else "no-caps outline").mark(f"act-{name}")


def actions_of() -> dict[str, Callable[..., int]]:
    """The steps people take, by name."""
    return {
        "acknowledge": actions.acknowledge,
        "assign": actions.assign,
        "dispatch": actions.dispatch,
        "verify": actions.verify,
        "close": actions.close,
        "reopen": actions.reopen,
        "comment": actions.comment,
    }


def _ask(view: View, case: Case, name: str, refresh: Callable[[], Any]) -> None:
    """Take a step, after asking for what it needs."""
    if name in _PLAIN:
        _take(view, case, name, {}, refresh)
        return
    with view.dialog() as dialog:
        tag("h2", view.t(f"web.act.{name}"))
        fields: dict[str, Any] = {}
        if name == "assign":
            fields["to"] = ui.input(view.t("web.field.to"), value=view.user.login).classes("w-full")
        if name == "dispatch":
            fields["note"] = ui.input(view.t("web.field.note")).classes("w-full")
        if name == "verify":
            outcomes = {str(o): word("outcome", str(o), view.lang) for o in Outcome}
            fields["outcome"] = ui.select(outcomes, value=str(next(iter(Outcome))), label=view.t("web.field.outcome"))
            fields["outcome"].classes("w-full")
        fields["why"] = (
            ui.textarea(view.t("web.field.why")).props("autogrow maxlength=2000").classes("w-full").mark("why")
        )
        with ui.row().classes("justify-end w-full"):
            ui.button(view.t("web.cancel"), on_click=dialog.close).props("flat no-caps")

            def go() -> None:
                told = {k: str(f.value or "").strip() for k, f in fields.items()}
                if _take(view, case, name, told, refresh):
                    dialog.close()

            ui.button(view.t("web.ok"), on_click=go).props("no-caps unelevated").mark("confirm")


def _take(view: View, case: Case, name: str, told: dict[str, str], refresh: Callable[[], Any]) -> bool:
    site, row = view.site, case.incident

    def work() -> int:
        version = int(row["version"])
        return actions_of()[name](site.home, row["id"], **told, who=view.user.login, version=version, now=site.now())

    done = view.act("handle", work, view.t("web.done"))
    if done is not None and name == "dispatch":
        background_tasks.create(run.io_bound(send_tasks, site.home, now=site.now()), name="tasks")
    refresh()
    return done is not None


def _timeline(view: View, case: Case) -> None:
    with ui.element("section").classes("sy-paper"):
        tag("h2", view.t("web.timeline"))
        for row in case.timeline.iloc[::-1].head(100).to_dict("records"):
            with ui.element("div").classes("sy-line"):
                tag("div", f"{when(row['at'], seconds=True)} · {_person(view, row['who'])}", "sy-soft sy-small sy-num")
                tag("div", word("step", row["action"], view.lang))
                if row["why"]:
                    tag("div", str(row["why"]), "sy-wrap sy-small")


def _person(view: View, who: str) -> str:
    """Who took a step, in words: the system, the worker of a grid, or an account."""
    grid = who.removeprefix("grid:")
    if grid != who:
        return view.t("web.who.grid", grid=grid)
    return view.t("web.who.system") if who == SYSTEM else who


def _around(view: View, case: Case) -> None:
    with ui.element("section").classes("sy-paper"):
        tag("h2", view.t("web.sources"))
        if not case.sources:
            ui.label(view.t("web.sources.none")).classes("sy-soft")
        for source in case.sources[:8]:
            tag("div", str(source.get(f"name_{view.lang}", "")), "q-mt-sm")
            tag("div", str(source.get(f"why_{view.lang}", "")), "sy-soft sy-small sy-wrap")
        tag("h2", view.t("web.tasks"), "q-mt-md")
        if case.tasks.empty:
            ui.label(view.t("web.tasks.none")).classes("sy-soft")
        known = words("task", view.lang)
        for row in case.tasks.to_dict("records"):
            with ui.element("div").classes("sy-line"):
                tag("div", f"{when(row['created_at'])} · {row['grid_code']}", "sy-soft sy-small sy-num")
                tag("div", known.get(str(row["state"]), str(row["state"])))
                if row["verdict"]:
                    tag("div", str(row["verdict"]), "sy-wrap")
