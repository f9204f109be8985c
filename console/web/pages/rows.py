"""Incidents as rows, as the list, the map and the handover show them."""

from typing import Any

import pandas as pd
from nicegui import ui

from console.web.colours import scale
from console.web.pages.frame import View, incident_address, tag, when
from console.web.words import word


def incident_rows(view: View, found: pd.DataFrame) -> None:
    """Links, one an incident, in the order given."""
    with ui.element("div").classes("sy-list"):
        if found.empty:
            ui.label(view.t("web.incidents.none")).classes("sy-soft")
        for row in found.to_dict("records"):
            _row(view, row)


def _row(view: View, row: dict[Any, Any]) -> None:
    shade = scale("severity").get(str(row["severity"]))
    with ui.link(target=incident_address(str(row["id"]))).classes("sy-row"):
        ui.element("i").style(f"background:{shade.colour if shade else 'transparent'}")
        with ui.element("div"):
            tag("b", view.both(row, "title"))
            if view.both(row, "summary"):
                tag("p", view.both(row, "summary"))
            with ui.element("div").classes("sy-bar"):
                for text in _tags(view, row, shade):
                    tag("span", text, "sy-tag")
        with ui.element("aside"):
            tag("div", when(row["last_at"]), "sy-num")
            if row["overdue"]:
                tag("div", view.t("web.incident.overdue"), "sy-late")
            if row["deadline"] is not None and row["deadline"] == row["deadline"]:
                tag("div", view.t("web.incident.until", at=when(row["deadline"])), "sy-num")


def _tags(view: View, row: dict[Any, Any], shade: Any) -> list[str]:
    out = [shade.name(view.lang)] if shade else []
    out.append(word("handling", row["handling"], view.lang))
    out += [word("eye", eye, view.lang) for eye in str(row["eyes"]).split(",") if eye]
    confidence = row["confidence"]
    if confidence == confidence:  # noqa: PLR0124 - NaN
        out.append(view.t("web.incident.confidence", share=float(confidence)))
    out += [str(row["assignee"])] if row["assignee"] else []
    return out
