"""Tables for the terminal: frames in, rich tables out; no store and no clock."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import pandas as pd
from rich.markup import escape
from rich.table import Table

from domain.texts import catalogue, say
from domain.times import LOCAL
from processing.comparison import Verification, told

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
        wide = key in ("detail", "summary", "title")
        out.add_column(
            say(f"column.{key}"),
            justify="right" if justify == "right" else "left",
            overflow="fold",
            ratio=1 if wide else None,
            no_wrap=key == "mn",  # people copy it
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
    """Alerts, the newest first, with the summary in the user's language; what is over is dim."""
    rows = []
    for a in alerts.sort_values(["starts_at", "id"], ascending=False).to_dict("records"):
        style = SEVERITY_STYLES.get(a["severity"], "")
        severity = f"[{style}]{word('severity', a['severity'])}[/]" if style else a["severity"]
        period = f"{moment(a['starts_at'])}\n{moment(a['ends_at']) or '…'}"
        summary = escape(a["summary_zh"] if language == "zh" else a["summary_en"])
        if a["inhibited_by"]:
            summary += f" [dim]({say('alert.inhibited', rule=a['inhibited_by'])})[/]"
        rows.append(
            (f"{severity}\n{word('status', a['status'])}", period, f"{summary}\n[dim]{a['rule']} · {a['subject']}[/]")
        )
    return table("title.alerts", dict.fromkeys(("severity", "starts", "summary"), "left"), rows)


def coverage_table(coverage: pd.DataFrame) -> Table:
    """Per feed: how many windows ended how, how much came, how much was rejected, and until when it was asked."""
    rows = []
    for feed, part in coverage.groupby("feed"):
        states = ", ".join(f"{word('state', s)} {n}" for s, n in part["state"].value_counts().sort_index().items())
        rows.append(
            (feed, states, f"{part['n_records'].sum():,}", f"{part['n_rejected'].sum():,}", moment(part["end"].max()))
        )
    columns = {"feed": "left", "state": "left", "records": "right", "rejected": "right", "asked": "left"}
    return table("title.feeds", columns, rows)


def reasons_table(rejections: pd.DataFrame) -> Table:
    """Rejections counted by feed and reason."""
    counted = rejections.groupby(["feed", "reason"]).size()
    rows = [(feed, word("reason", reason), f"{n:,}") for (feed, reason), n in counted.items()]
    return table("title.rejections_by_reason", {"feed": "left", "reason": "left", "count": "right"}, rows)


def rejections_table(rejections: pd.DataFrame) -> Table:
    """Rejections one by one; the number is what `sanyan raw` takes to show the bytes."""
    rows = [
        (r["id"][:8], f"{moment(r['received_at'])}\n{word('reason', r['reason'])}", escape(r["detail"]))
        for r in rejections.to_dict("records")
    ]
    return table("title.rejections", dict.fromkeys(("number", "received", "detail"), "left"), rows)


def stations_table(newest: pd.DataFrame, names: Mapping[str, str], now: datetime) -> Table:
    """The newest value of every station and how long ago its period began; stations never heard are named."""
    heard = newest.set_index("station_id")
    rows = []
    for station, name in names.items():
        if station in heard.index:
            r = heard.loc[station]
            rows.append((station, name, r["medium"], moment(r["time"]), lag(now - r["time"])))
        else:
            rows.append((station, name, "", f"[red]{say('station.never')}[/]", ""))
    columns = {"station": "left", "name": "left", "medium": "left", "last": "left", "lag": "right"}
    return table("title.stations", columns, rows)


def lag(since: timedelta) -> str:
    """A duration for people: hours up to two days, then days."""
    hours = since.total_seconds() / 3600
    return say("lag.hours", n=hours) if hours < 48 else say("lag.days", n=hours / 24)


def counts_table(found: Verification) -> Table:
    """How many rows of a comparison fall in which category."""
    rows = [(category, f"{n:,}") for category, n in found.counts.items()]
    return table("title.comparison", {"title": "left", "count": "right"}, rows)


def differences_table(found: Verification) -> Table:
    """Every difference of a comparison, with the values and the reason."""
    rows = [
        (f"{escape(station)}\n{when}", ours, official, f"{escape(values)}\n[dim]{escape(reason)}[/]")
        for station, when, ours, official, values, reason in told(found)
    ]
    columns = {"station": "left", "ours": "right", "official": "right", "detail": "left"}
    return table("title.differences", columns, rows)
