"""Tables as pages show them: named columns, times of Shanghai, and links to the same rows as CSV and XLSX."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import pandas as pd
from nicegui import ui

from console.web.pages.frame import View
from console.web.words import heading
from domain.times import LOCAL


def cell(value: Any) -> Any:
    """A value as a table shows it."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
        return ""
    if isinstance(value, pd.Timestamp):
        return (value.tz_convert(LOCAL) if value.tzinfo else value).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str | int) else str(value)


def export_links(view: View, table: str, asked: Mapping[str, str] | None = None) -> None:
    """Links to the rows as files, for roles that may have them."""
    if not view.may("export"):
        return
    query = urlencode({k: v for k, v in (asked or {}).items() if v})
    with ui.row().classes("items-center gap-2 sy-noprint"):
        for form in ("csv", "xlsx"):
            target = f"/export/{table}.{form}" + (f"?{query}" if query else "")
            ui.link(form.upper(), target).classes("sy-tag").props(
                f'download aria-label="{view.t("web.export")} {form}"'
            )


def table(
    view: View,
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    key: str,
    rows: int = 25,
    words: Mapping[str, Mapping[str, str]] | None = None,
) -> ui.table:
    """A table of some columns; a card a row on a phone.

    Args:
        view: the page.
        frame: the rows.
        columns: what is shown, in order.
        key: the column that tells rows apart.
        rows: how many at once.
        words: column -> value -> what is shown instead.
    """
    shown = [
        {c: (words or {}).get(c, {}).get(str(v), cell(v)) for c, v in zip([*columns, "_key"], [*row, n], strict=True)}
        for n, row in enumerate(frame[list(columns)].itertuples(index=False))
    ]
    if key in frame:
        for row, value in zip(shown, frame[key], strict=True):
            row["_key"] = str(value)
    wanted = [
        {"name": c, "label": heading(c, view.lang), "field": c, "align": "left", "sortable": True} for c in columns
    ]
    made = ui.table(rows=shown, columns=wanted, row_key="_key", pagination=rows if len(shown) > rows else 0)
    made.props(f'dense flat :grid="window.innerWidth < 700" no-data-label="{view.t("web.none")}"')
    if len(shown) <= rows:
        made.props("hide-bottom" if shown else "")
    return made
