"""One station: newest values, a series with flags, limit and gaps, and the calendar of its grade."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from fastapi import Request
from nicegui import ui
from starlette.concurrency import run_in_threadpool

from console.web import series
from console.web.pages.charts import calendar_options, series_options
from console.web.pages.frame import House, View, framed, tag, when
from console.web.pages.tables import export_links, table
from console.web.series import SeriesAsked
from console.web.site import Site
from console.web.words import word, words
from domain.catalogue import parameters
from domain.times import LOCAL

_SPANS = (1, 7, 30, 90, 366, 3650)


def register(house: House) -> None:
    """Register the page."""

    @ui.page("/stations/{station_id}", response_timeout=60)
    async def station(request: Request, station_id: str) -> None:
        with framed(house, request, "/stations", "web.nav.stations") as view:
            found = view.site.home.registry.by_id.get(station_id)
            if found is None:
                ui.label(view.t("web.station.unknown")).classes("sy-soft")
                return
            _heading(view, found)
            newest = view.site.observed.rows()
            newest = newest[newest["station_id"] == station_id]
            asked = _asked(view, request, station_id, newest)
            # Ten years of hours take a second to read, in which the other pages go on.
            read = await run_in_threadpool(_read, view.site, asked)
            with ui.element("div").classes("sy-paper w-full"):
                _chooser(view, newest, asked)
                _chart(view, asked, read)
            with ui.element("div").classes("sy-cols"):
                _newest(view, newest, station_id)
                _calendar(view, read.days)


@dataclass(frozen=True, slots=True)
class _Read:
    """What the store says of one series and its station."""

    rows: pd.DataFrame
    gaps: list[series.Gap]
    limits: list[tuple[datetime, float, str]]
    days: pd.DataFrame


def _read(site: Site, asked: SeriesAsked) -> _Read:
    rows = series.station_rows(site, asked)
    days = series.calendar(site, asked.station, site.now())
    return _Read(rows, series.gaps(site, rows, asked), series.limit_line(site, asked), days)


def _heading(view: View, found: dict[str, Any]) -> None:
    with ui.element("div").classes("sy-bar"):
        tag("h1", str(found[f"name_{view.lang}"]))
        for text in (
            word("medium", found["medium"], view.lang),
            view.site.name(found["township"], view.lang),
            f"{found['station_id']}",
            str(found["target"]),
        ):
            if text:
                tag("span", text, "sy-tag")


def _asked(view: View, request: Request, station_id: str, newest: pd.DataFrame) -> SeriesAsked:
    """What the address asks for; else the first graded series of the station."""
    query = dict(request.query_params)
    known = set(zip(newest["parameter"], newest["period"], strict=True))
    chosen = (query.get("parameter", ""), query.get("period", ""))
    if chosen not in known and known:
        hourly = sorted(k for k in known if k[1] in ("PT1H", "PT4H")) or sorted(known)
        wanted = [k for k in hourly if k[0] in ("PM2.5", "NH3N", "LAeq", "COD", "stack_NOx")]
        chosen = (wanted or hourly)[0]
    days = query.get("days", "7")
    if "from" not in query and days.isdecimal():
        query["from"] = (view.site.now() - timedelta(days=min(3660, int(days) or 7))).isoformat()
    return SeriesAsked.of(
        {**query, "station": station_id, "parameter": chosen[0], "period": chosen[1]}, view.site.now()
    )


def _chooser(view: View, newest: pd.DataFrame, asked: SeriesAsked) -> None:
    pairs = sorted(zip(newest["parameter"], newest["period"], strict=True))
    options = {f"{p}|{t}": f"{parameter_name(p, view.lang)} · {word('period', t, view.lang)}" for p, t in pairs}
    days = round((asked.end - asked.start) / timedelta(days=1))

    def go(value: str, span: int) -> None:
        parameter, _, period = value.partition("|")
        ui.navigate.to(f"/stations/{asked.station}?parameter={parameter}&period={period}&days={span}")

    current = f"{asked.parameter}|{asked.period}"
    with ui.element("div").classes("sy-bar"):
        if current in options:
            chooser = ui.select(options, value=current, with_input=True, on_change=lambda e: go(e.value, days))
            chooser.props("dense outlined options-dense").classes("min-w-60")
        for span in _SPANS:
            text = view.t("web.days", n=span) if span <= 366 else view.t("web.years", n=span // 365)
            button = ui.button(text, on_click=lambda span=span: go(current, span))
            button.props(f"dense no-caps unelevated {'' if span == days else 'flat'}")
        ui.space()
        told = {"station": asked.station, "parameter": asked.parameter, "period": asked.period}
        export_links(view, "series", told | {"from": asked.start.isoformat(), "to": asked.end.isoformat()})


def _chart(view: View, asked: SeriesAsked, read: _Read) -> None:
    rows, gaps = read.rows, read.gaps
    if rows.empty:
        ui.label(view.t("web.series.none")).classes("sy-soft")
        return
    ui.echart(series_options(view, rows, gaps, read.limits, parameter_name(asked.parameter, view.lang))).style(
        "height:360px;width:100%"
    ).mark("series")
    if len(rows) > series.DRAWN:
        ui.label(view.t("web.series.thinned", n=len(rows))).classes("sy-soft sy-small")
    if gaps:
        tag("h2", view.t("web.gaps"))
        frame = pd.DataFrame(
            {
                "start": [g.start for g in gaps],
                "end": [g.end for g in gaps],
                "why": [word("coverage", g.reason, view.lang) for g in gaps],
            }
        )
        table(view, frame, ("start", "end", "why"), key="start", rows=8)


def _newest(view: View, newest: pd.DataFrame, station_id: str) -> None:
    with ui.element("div").classes("sy-paper"):
        with ui.element("div").classes("sy-bar"):
            tag("h2", view.t("web.station.newest"))
            ui.space()
            export_links(view, "latest", {"station": station_id})
        flags = words("flag", view.lang)
        shown = newest.assign(
            parameter=[parameter_name(p, view.lang) for p in newest["parameter"]],
            period=[word("period", p, view.lang) for p in newest["period"]],
            flag=[flags.get(str(f), str(f)) for f in newest["flag"]],
        )
        table(view, shown, ("parameter", "period", "value", "unit", "time", "flag"), key="parameter", rows=20)


def _calendar(view: View, days: pd.DataFrame) -> None:
    now = view.site.now()
    with ui.element("div").classes("sy-paper"):
        tag("h2", view.t("web.calendar"))
        if days.empty:
            ui.label(view.t("web.calendar.none")).classes("sy-soft")
            return
        year = now.astimezone(LOCAL).year
        ui.echart(calendar_options(view, days, year)).style("height:190px;width:100%")
        last = days.iloc[-1]
        ui.label(f"{last['day']} · {last[f'word_{view.lang}']}").classes("sy-soft sy-small")
        ui.label(view.t("web.as_of", at=when(now))).classes("sy-soft sy-small")


def parameter_name(parameter: str, lang: str) -> str:
    """Name and id of a parameter."""
    known = parameters()
    return f"{known.loc[parameter, f'name_{lang}']} {parameter}" if parameter in known.index else parameter
