"""Incidents as rows, as the list, the map and the handover show them."""

from pathlib import Path
from typing import Any

from nicegui.element import Element

from console.web.cases import Filter, listed
from console.web.colours import scale
from console.web.pages.frame import View, incident_address, when
from console.web.words import word

#: What the browser shows of incidents: `id`, `href`, `colour`, `title`, `summary`, `tags`, `last`, `late`, `until`.
#: A tuple, since the toolkit copies and watches whatever may change, for every page again.
Rows = tuple[dict[str, Any], ...]


class IncidentRows(Element, component=Path("..") / "assets" / "incident_rows.js"):
    """Links, one an incident, in the order given."""

    def __init__(self, view: View, rows: Rows) -> None:
        super().__init__()
        self._props["none"] = view.t("web.incidents.none")
        self._props["rows"] = rows
        self._props["chosen"] = ""

    def show(self, rows: Rows) -> None:
        """Show other rows; nothing is sent where a person would see no difference."""
        if rows != self._props["rows"]:
            self._props["rows"] = rows

    @property
    def chosen(self) -> str:
        """The incident that keys act upon; "" if none is chosen or it is no longer shown."""
        chosen = str(self._props["chosen"])
        return chosen if any(row["id"] == chosen for row in self._props["rows"]) else ""

    def choose(self, identity: str) -> None:
        """Mark a row, and bring it into view."""
        self._props["chosen"] = identity

    def step(self, step: int) -> None:
        """Choose the next or the previous row; the first where none is chosen."""
        ids = [row["id"] for row in self._props["rows"]]
        if ids:
            at = ids.index(self.chosen) + step if self.chosen else 0
            self.choose(ids[max(0, min(len(ids) - 1, at))])


def rows_of(view: View, wanted: Filter, *, limit: int, offset: int = 0) -> Rows:
    """The rows of incidents sorted by what needs a person now; made once for all open pages that show the same."""
    key = ("rows", view.lang, wanted, limit, offset)

    def made() -> Rows:
        found = listed(view.site, wanted, limit=limit, offset=offset)
        return tuple(_row(view, row) for row in found.to_dict("records"))

    return view.site.of_incidents(key, made)


def needed(view: View) -> Rows:
    """The first rows of what needs a person now."""
    return rows_of(view, Filter(), limit=30)


def _row(view: View, row: dict[Any, Any]) -> dict[str, Any]:
    shade = scale("severity").get(str(row["severity"]))
    due = row["deadline"]
    return {
        "id": str(row["id"]),
        "href": incident_address(str(row["id"])),
        "colour": shade.colour if shade else "transparent",
        "title": view.both(row, "title"),
        "summary": view.both(row, "summary"),
        "tags": _tags(view, row, shade),
        "last": when(row["last_at"]),
        "late": view.t("web.incident.overdue") if row["overdue"] else "",
        "until": "" if due is None or due != due else view.t("web.incident.until", at=when(due)),  # noqa: PLR0124 - NaT
    }


def _tags(view: View, row: dict[Any, Any], shade: Any) -> list[str]:
    out = [shade.name(view.lang)] if shade else []
    out.append(word("handling", row["handling"], view.lang))
    out += [word("eye", eye, view.lang) for eye in str(row["eyes"]).split(",") if eye]
    confidence = row["confidence"]
    if confidence == confidence:  # noqa: PLR0124 - NaN
        out.append(view.t("web.incident.confidence", share=float(confidence)))
    out += [str(row["assignee"])] if row["assignee"] else []
    return out
