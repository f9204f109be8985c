"""What each eye says of an incident: pictures before and after, the series of the station, reports word for word."""

import json
from typing import Any
from urllib.parse import quote

import pandas as pd
from nicegui import ui

from alerts.rules import for_registry
from console.web import series
from console.web.county import nearby_reports, picture_days
from console.web.pages.charts import series_options
from console.web.pages.frame import View, tag, when
from console.web.pages.station import parameter_name
from console.web.pictures import photo_of
from console.web.series import SeriesAsked
from console.web.words import word
from domain.times import LOCAL
from store.ledger.incidents import Case

#: What tells most of a station, when the rule watches an indicator.
_TELLING = ("NH3N", "PM2.5", "COD", "stack_NOx", "LAeq")


def eye_section(view: View, case: Case, eye: str) -> None:
    mine = case.evidence[case.evidence["eye"] == eye]
    with ui.element("section").classes("sy-paper"):
        tag("h2", f"{word('eye', eye, view.lang)} · {len(mine)}")
        if mine.empty:
            ui.label(view.t("web.evidence.none")).classes("sy-soft")
        for row in mine.head(20).to_dict("records"):
            _evidence(view, row)
        if len(mine):
            {"sky": _pictures, "ground": _ground_chart, "human": _reports}[eye](view, case, mine)


def _evidence(view: View, row: dict[Any, Any]) -> None:
    with ui.element("div").classes("q-mt-sm"):
        tag("div", view.both(row, "summary"), "sy-wrap")
        subject = str(row["subject"])
        known = subject in view.site.home.registry.by_id
        with ui.element("div").classes("sy-bar"):
            tag(
                "span",
                f"{when(row['starts_at'])} – {when(row['ends_at']) or view.t('web.now')}",
                "sy-soft sy-small sy-num",
            )
            if known:
                ui.link(view.site.name(subject, view.lang), f"/stations/{subject}").classes("sy-small")


def _pictures(view: View, case: Case, mine: pd.DataFrame) -> None:
    """Before and after: what was drawn for a candidate, else our own pictures of the place."""
    ids = mine.loc[mine["origin"] == "candidate", "ref"].tolist()
    told = ["picture", "before_scenes", "after_scenes"]
    drawn = view.site.home.lake.read("candidates", columns=told, where={"id": ids}) if ids else pd.DataFrame()
    names = [p for p in drawn.get("picture", []) if p]
    for row in drawn[drawn["picture"] != ""].head(3).to_dict("records") if names else []:
        ui.image(f"/picture?name={quote(row['picture'])}").classes("sy-picture q-mt-sm")
        said = view.t("candidate.scenes", before=row["before_scenes"] or "—", after=row["after_scenes"] or "—")
        tag("div", said, "sy-soft sy-small sy-wrap")
    lon, lat = case.incident["lon"], case.incident["lat"]
    if names or pd.isna(lon) or pd.isna(lat):
        return
    day = f"{mine['starts_at'].min().tz_convert(LOCAL):%Y-%m-%d}"
    with ui.element("div").classes("sy-pair q-mt-sm"):
        for side, text in (("before", view.t("web.before", day=day)), ("after", view.t("web.after", day=day))):
            if picture_days(view.site, day, after=side == "after"):
                with ui.element("figure"):
                    source = f"/crop/{side}/{day}.png?lon={lon:.5f}&lat={lat:.5f}"
                    ui.element("img").props(f'src="{source}" alt="{text}"').classes("sy-picture")
                    tag("figcaption", text, "sy-small")


def _reports(view: View, _case: Case, mine: pd.DataFrame) -> None:
    """What was reported there, word for word."""
    found = nearby_reports(view.site, mine[mine["lon"].notna()])
    if found.empty:
        return
    tag("h2", view.t("web.reports.near", n=len(found)), "q-mt-md")
    for row in found.head(20).to_dict("records"):
        with ui.element("div").classes("sy-line"):
            about = (
                when(row["observed_at"]),
                word("category", row["category"], view.lang),
                word("reporter", row["source"], view.lang),
            )
            tag("div", " · ".join(about), "sy-soft sy-small")
            tag("div", str(row["text"]), "sy-wrap")
            if row["verdict"]:
                tag("div", str(row["verdict"]), "sy-soft sy-wrap")
            _photos(view, json.loads(row["photos"] or "[]"))


def _photos(view: View, digests: list[str]) -> None:
    """The photos of a report, each a link to itself; of those that never came only their number."""
    there = [d for d in digests if photo_of(view.site, d)]
    if there:
        with ui.element("div").classes("sy-photos"):
            for n, digest in enumerate(there, start=1):
                with ui.link(target=f"/photo/{digest}", new_tab=True):
                    told = view.t("web.reports.photo", n=n)
                    ui.element("img").props(f'src="/photo/{digest}" loading=lazy alt="{told}"')
    if len(there) < len(digests):
        tag("div", view.t("web.reports.photos_missing", n=len(digests) - len(there)), "sy-soft sy-small")


def _ground_chart(view: View, _case: Case, mine: pd.DataFrame) -> None:
    """The series of the station that spoke first, around the incident, with limit and flags."""
    stations = [s for s in mine["subject"] if s in view.site.home.registry.by_id]
    if not stations:
        return
    station = str(stations[0])
    start = mine["starts_at"].min() - pd.Timedelta(days=2)
    end = min(pd.Timestamp(view.site.now()), mine["known_at"].max() + pd.Timedelta(days=2))
    first = mine[mine["subject"] == station].iloc[0]
    parameter, period = _parameter(view, str(first["rule"]), station, (first["starts_at"], end))
    if not parameter:
        return
    asked = SeriesAsked(station, parameter, period, start.to_pydatetime(), end.to_pydatetime())
    rows = series.station_rows(view.site, asked)
    if rows.empty:
        return
    options = series_options(
        view,
        rows,
        series.gaps(view.site, rows, asked),
        series.limit_line(view.site, asked),
        parameter_name(parameter, view.lang),
    )
    ui.echart(options).style("height:260px;width:100%").classes("q-mt-sm")


def _parameter(view: View, rule: str, station: str, span: tuple[pd.Timestamp, pd.Timestamp]) -> tuple[str, str]:
    """The series to show of a station: what the rule that spoke watches, else the parameter its indicator names as the
    worst, else what its grade depends on most.
    """
    rows = view.site.observed.rows()
    known = set(zip(*(rows.loc[rows["station_id"] == station, c] for c in ("parameter", "period")), strict=True))
    found = for_registry(view.site.home.registry.root).by_id.get(rule)
    told = found.model_dump(mode="json") if found else {}
    worst = _worst(view, _watched(told, "indicator"), station, span, {p for p, _ in known})
    for parameter in (*_watched(told, "parameter"), *worst, *_TELLING):
        for period in ("PT1H", "PT4H"):
            if (parameter, period) in known:
                return parameter, period
    return min(known) if known else ("", "")


def _watched(part: Any, key: str) -> list[str]:
    """The parameters (or indicators) named anywhere in a rule: what it looks at, or whose limit it holds against."""
    if isinstance(part, dict):
        own = [str(part[key])] if part.get(key) else []
        return own + [p for value in part.values() for p in _watched(value, key)]
    return [p for value in part for p in _watched(value, key)] if isinstance(part, list | tuple) else []


def _worst(
    view: View, indicators: list[str], station: str, span: tuple[pd.Timestamp, pd.Timestamp], known: set[str]
) -> list[str]:
    """Parameters of the station by how often its indicators of the span name them, the most often first."""
    if not indicators:
        return []
    rows = view.site.home.lake.read(
        "indicators",
        medium=str(view.site.home.registry.by_id[station]["medium"]),
        start=span[0].to_pydatetime(),
        end=span[1].to_pydatetime(),
        columns=["detail"],
        where={"indicator": indicators, "subject": [station]},
    )
    words = rows["detail"].str.findall(r"[A-Za-z][\w.]*").explode()
    return [str(p) for p in words[words.isin(known)].value_counts().index]
