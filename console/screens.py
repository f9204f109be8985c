"""Tables for the terminal: frames in, rich tables out; no store and no clock."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import pandas as pd
from rich.table import Table

from console.texts import catalogue, say
from domain.times import LOCAL

SEVERITY_STYLES = {
    "red": "bold white on red",
    "orange": "bold dark_orange",
    "yellow": "bold yellow",
    "blue": "bold blue",
}


def table(title: str, columns: Mapping[str, str], rows: Iterable[Iterable[object]]) -> Table:
    """A titled table; `columns` maps names of the texts `column.*` to justification (left, right)."""
    out = Table(title=say(title), title_justify="left", header_style="bold", row_styles=("", "dim"))
    for key, justify in columns.items():
        wide = key in ("detail", "summary", "raw", "title")
        out.add_column(
            say(f"column.{key}"),
            justify="right" if justify == "right" else "left",
            overflow="fold",
            ratio=1 if wide else None,
        )
    for row in rows:
        out.add_row(*(str(cell) for cell in row))
    return out


def word(group: str, value: str) -> str:
    """The user's word for a member of a closed list (`reason`, `bad_crc`); unknown members stay as they are."""
    key = f"{group}.{value}"
    return say(key) if key in catalogue() else value


def moment(value: datetime | None) -> str:
    """An instant in Shanghai time, to the minute; empty when there is none."""
    if value is None or pd.isna(value):
        return ""
    return pd.Timestamp(value).tz_convert(LOCAL).strftime("%Y-%m-%d %H:%M")


def alerts_table(alerts: pd.DataFrame, language: str) -> Table:
    """Alerts, the newest first, with the summary in the user's language."""
    rows = []
    for a in alerts.sort_values("starts_at", ascending=False).to_dict("records"):
        style = SEVERITY_STYLES.get(a["severity"], "")
        severity = f"[{style}]{word('severity', a['severity'])}[/]" if style else a["severity"]
        summary = a["summary_zh"] if language == "zh" else a["summary_en"]
        rows.append(
            (severity, word("status", a["status"]), moment(a["starts_at"]), moment(a["ends_at"]), a["rule"], summary)
        )
    columns = ("severity", "status", "starts", "ends", "rule", "summary")
    return table("title.alerts", dict.fromkeys(columns, "left"), rows)


def coverage_table(coverage: pd.DataFrame) -> Table:
    """Per feed: how many windows ended how, how much came, how much was rejected, and until when it was asked."""
    rows = []
    for feed, part in coverage.groupby("feed"):
        states = ", ".join(f"{word('state', s)} {n}" for s, n in part["state"].value_counts().sort_index().items())
        rows.append(
            (feed, states, f"{part['n_records'].sum():,}", f"{part['n_rejected'].sum():,}", moment(part["end"].max()))
        )
    return table(
        "title.feeds",
        {
            "feed": "left",
            "state": "left",
            "records": "right",
            "rejected": "right",
            "last": "left",
        },
        rows,
    )


def reasons_table(rejections: pd.DataFrame) -> Table:
    """Rejections counted by feed and reason."""
    counted = rejections.groupby(["feed", "reason"]).size()
    rows = [(feed, word("reason", reason), f"{n:,}") for (feed, reason), n in counted.items()]
    return table("title.rejections_by_reason", {"feed": "left", "reason": "left", "count": "right"}, rows)


def rejections_table(rejections: pd.DataFrame) -> Table:
    """Rejections one by one, with the reference of the raw payload."""
    rows = [
        (moment(r["received_at"]), r["feed"], word("reason", r["reason"]), r["detail"], r["raw_ref"])
        for r in rejections.to_dict("records")
    ]
    columns = ("received", "feed", "reason", "detail", "raw")
    return table("title.rejections", dict.fromkeys(columns, "left"), rows)


def stations_table(newest: pd.DataFrame, names: Mapping[str, str], now: datetime) -> Table:
    """The newest value of every station and how long ago its period began."""
    rows = [
        (
            r["station_id"],
            names.get(r["station_id"], ""),
            r["medium"],
            moment(r["time"]),
            f"{(now - r['time']).total_seconds() / 3600:.1f}",
        )
        for r in newest.to_dict("records")
    ]
    return table(
        "title.stations",
        {
            "station": "left",
            "name": "left",
            "medium": "left",
            "last": "left",
            "lag": "right",
        },
        rows,
    )
