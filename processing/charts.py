"""Pictures for people: the map of the county, the chart of a station, the quick look of a scene. PNG, no screen needed.

`county_map` and `station_chart` read the memory, draw and write a file; what they draw is gathered in plain records, so
that the drawing itself can be tested without a lake.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib.dates as mdates
import matplotlib.image
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter
from pyproj import Transformer

from domain.catalogue import parameters
from domain.limits import Limit, limit_of
from domain.records import Flag
from domain.registry import Registry
from domain.texts import say
from domain.times import DAY, LENGTHS, LOCAL
from processing.charts_map import MapContent, draw_map
from processing.charts_style import INK, LIMIT, PALE, SEVERITIES, WITHOUT_STAMP, figure, png, strong, style
from processing.gep.inputs import assigned
from processing.imagery.grid import WGS84, moved
from store.home import Home
from store.ledger.alerts import read_alerts

#: Medium -> the standard whose limit is drawn.
_REFERENCES = {"air": "GB 3095", "water": "GB 3838", "noise": "GB 3096", "source": "emission"}
#: Quick looks are for the eye: no side longer than this.
_LONGEST = 1000


@dataclass(frozen=True)
class SeriesContent:
    """What the chart of a station shows: values with time, value and flag, in time order."""

    station: dict[str, Any]
    parameter: str
    values: pd.DataFrame
    length: timedelta
    start: datetime
    end: datetime
    limits: tuple[tuple[str, Limit], ...]  # key of the text that names it
    alerts: pd.DataFrame  # starts_at, ends_at, severity
    simulated: bool


def quicklook(colour: np.ndarray) -> bytes:
    """A true-colour picture (3, y, x bytes; 0 where nothing was seen, which becomes white) as a small PNG."""
    step = -(-max(colour.shape[1:]) // _LONGEST)
    small = colour[:, ::step, ::step]
    seen = (small > 0).all(axis=0)
    picture = np.ascontiguousarray(np.moveaxis(np.where(seen, small, 255), 0, -1), dtype=np.uint8)
    out = BytesIO()
    matplotlib.image.imsave(out, picture, format="png", metadata=WITHOUT_STAMP)
    return out.getvalue()


def county_map(
    home: Home, *, now: datetime, lang: str = "zh", layer: str = "ndvi", since: datetime | None = None
) -> Path:
    """Draw the county as it is known at `now` and write it below charts/; returns the file.

    Args:
        home: memory and registry.
        now: what is later is not shown.
        lang: zh or en.
        layer: ndvi (latest township mean) or aqi (latest daily index of the township's station, or the nearest).
        since: alerts that were over before it are not shown; by default 14 days before `now`.
    """
    first = since or now - timedelta(days=14)
    values, as_of = _ndvi(home, now) if layer == "ndvi" else _aqi(home, now)
    alerts = _placed(home, read_alerts(home.ledger, start=first, end=now), lang)
    content = MapContent(home.registry, layer, values, as_of, first, now, alerts)
    name = f"charts/map-{layer}-{now.astimezone(LOCAL):%Y%m%d%H}-{lang}.png"
    return home.files.write_bytes(name, draw_map(content, lang))


def station_chart(
    home: Home, station_id: str, parameter: str, *, start: datetime, end: datetime, lang: str = "zh"
) -> Path:
    """Draw one parameter of one station over [start, end) with its limit and quality flags; returns the file.

    Raises:
        KeyError: the registry has no such station, or the catalogue no such parameter.
    """
    station = home.registry.by_id[station_id]
    values, length = _series(home, station, parameter, start, end)
    alerts = read_alerts(home.ledger, start=start, end=end)
    content = SeriesContent(
        station=station,
        parameter=parameter,
        values=values,
        length=length,
        start=start,
        end=end,
        limits=_limits(station, parameter, start, length),
        alerts=alerts[alerts["subject"] == station_id],
        simulated=bool(home.registry.county["simulated"]),
    )
    name = f"charts/{station_id}-{parameter}-{start.astimezone(LOCAL):%Y%m%d}-{end.astimezone(LOCAL):%Y%m%d}-{lang}.png"
    return home.files.write_bytes(name, draw_series(content, lang))


def draw_series(content: SeriesContent, lang: str) -> bytes:
    """The chart as PNG, 12 x 5 inches: line broken at gaps, flagged values marked, limit dashed, alerts shaded."""
    with style():
        page = figure(12, 5)
        axes = page.add_axes((0.065, 0.15, 0.915, 0.68))
        known = content.values[content.values["value"].notna()]
        good = known[~known["flag"].isin([Flag.SUSPECT, Flag.FAIL])]
        top = _axis(axes, known, good, content.limits)
        _alert_spans(axes, content, lang)
        _line(axes, good, content, lang)
        _flagged(axes, content.values, top, lang)
        for i, (key, limit) in enumerate(content.limits):
            text = say(key, lang, value=f"{limit.value:g}", edition=limit.edition)
            dashes = (0, (6, 3)) if i == 0 else (0, (2, 2))
            axes.axhline(limit.value, color=LIMIT, linewidth=1.3, linestyle=dashes, zorder=2, label=text)
        if known.empty:
            axes.text(0.5, 0.5, say("series.empty", lang), ha="center", transform=axes.transAxes, color=PALE)
        _labels(page, axes, content, lang)
        return png(page)


def _axis(axes: Axes, known: pd.DataFrame, good: pd.DataFrame, limits: tuple[tuple[str, Limit], ...]) -> float:
    """Room for what is believed and for the limit; what quality control refused may lie beyond. Returns the top."""
    believed = (good if len(good) else known)["value"].tolist() + [limit.value for _, limit in limits]
    low, high = (min(believed), max(believed)) if believed else (0.0, 1.0)
    low = 0.0 if low >= 0 and low < 0.6 * high else low
    room = (high - low) or abs(high) or 1.0
    top = high + 0.16 * room
    axes.set_ylim(low - (0.0 if low == 0 else 0.12 * room), top)
    return top


def _line(axes: Axes, good: pd.DataFrame, content: SeriesContent, lang: str) -> None:
    times, values = good["time"].to_numpy("datetime64[us]"), good["value"].to_numpy(float)
    if len(times) > 1 and content.length:
        # NaN after a gap, so that no line is drawn over time without data.
        gaps = np.flatnonzero(np.diff(times) > np.timedelta64(content.length) * 1.5) + 1
        times = np.insert(times, gaps, times[gaps - 1] + np.timedelta64(content.length))
        values = np.insert(values, gaps, np.nan)
    few = len(good) < 200
    axes.plot(
        times, values, color="#1f6fb2", linewidth=1.4, marker="o" if few else None, markersize=3, zorder=3,
        label=say("series.values", lang),
    )  # fmt: skip


def _flagged(axes: Axes, values: pd.DataFrame, top: float, lang: str) -> None:
    bottom = axes.get_ylim()[0]
    for flag, marker, colour, key in (
        (Flag.SUSPECT, "^", "#e69f00", "series.suspect"),
        (Flag.FAIL, "X", "#d1495b", "series.fail"),
    ):
        rows = values[(values["flag"] == flag) & values["value"].notna()]
        if rows.empty:
            continue
        times, height = rows["time"].to_numpy("datetime64[us]"), rows["value"].to_numpy(float)
        axes.scatter(
            times, np.clip(height, bottom, top), marker=marker, s=46, color=colour, edgecolor="white", linewidth=0.7,
            zorder=5, clip_on=False, label=say(key, lang),
        )  # fmt: skip
        beyond = np.flatnonzero((height > top) | (height < bottom))
        for i in beyond[np.argsort(-np.abs(height[beyond]), kind="stable")][:3]:
            axes.annotate(
                say("series.outside", lang, value=f"{height[i]:g}"), (times[i], top if height[i] > top else bottom),
                xytext=(8, -14), textcoords="offset points", fontsize=8.5, color=colour,
            )  # fmt: skip
    missing = values[values["value"].isna()]
    if len(missing):
        times = missing["time"].to_numpy("datetime64[us]")
        axes.scatter(
            times, np.full(len(times), bottom), marker="|", s=60, color=PALE, zorder=4, clip_on=False,
            label=say("series.missing", lang),
        )  # fmt: skip


def _alert_spans(axes: Axes, content: SeriesContent, lang: str) -> None:
    named: set[str] = set()
    for row in content.alerts.to_dict("records"):
        begin = max(pd.Timestamp(row["starts_at"]), pd.Timestamp(content.start))
        finish = (
            pd.Timestamp(content.end) if pd.isna(row["ends_at"]) else min(row["ends_at"], pd.Timestamp(content.end))
        )
        label = say(f"severity.{row['severity']}", lang)
        axes.axvspan(
            _utc(begin), _utc(finish), color=SEVERITIES[row["severity"]], alpha=0.18, linewidth=0, zorder=1,
            label=None if label in named else label,
        )  # fmt: skip
        named.add(label)


def _labels(page: Any, axes: Axes, content: SeriesContent, lang: str) -> None:
    row = parameters().loc[content.parameter]
    unit = str(row["unit"]).replace("ug/", "μg/").replace("m3", "m³").replace("degC", "°C")
    name = f"{row[f'name_{lang}']}" + ("" if unit == "1" else f" ({unit})")
    station = content.station
    title = say("series.title", lang, station=station[f"name_{lang}"], id=station["station_id"], parameter=name)
    page.text(0.065, 0.93, title, fontsize=14, path_effects=strong(by=0.8))
    axes.set_xlim(_utc(content.start), _utc(content.end))
    axes.xaxis.set_major_locator(mdates.AutoDateLocator(tz=LOCAL, minticks=5, maxticks=15))
    long = content.end - content.start > timedelta(days=300)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: _tick(mdates.num2date(at, tz=LOCAL), long=long)))
    axes.set_xlabel(say("series.time", lang) + " " + " – ".join(_day(t) for t in (content.start, content.end)))
    axes.set_ylabel(name)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.8, zorder=0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    handles, _ = axes.get_legend_handles_labels()
    if handles:
        axes.legend(
            loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=6, fontsize=9, frameon=False, handlelength=1.6,
            columnspacing=1.2, labelcolor=INK,
        )  # fmt: skip
    if content.simulated:
        page.text(0.065, 0.025, say("simulated", lang), fontsize=8.5, color="#a61c00")


def _series(
    home: Home, station: dict[str, Any], parameter: str, start: datetime, end: datetime
) -> tuple[pd.DataFrame, timedelta]:
    """Values of the period the parameter is mostly reported in, with the flag of quality control where there is one."""
    where = {"station_id": [station["station_id"]], "parameter": [parameter]}
    seen = home.lake.read("observations", medium=station["medium"], start=start, end=end, where=where)
    judged = home.lake.read("quality", medium=station["medium"], start=start, end=end, where=where)
    counts = seen["period"].value_counts()
    period = str(station["cadence"]) if station["cadence"] in counts.index else next(iter(counts.index), DAY)
    seen = seen[seen["period"] == period]
    key = ["station_id", "parameter", "time", "period"]
    both = seen.merge(judged[[*key, "flag"]], on=key, how="left", suffixes=("", "_qc"))
    flag = both["flag_qc"].fillna(both["flag"]).astype(int)
    return both.assign(flag=flag)[["time", "value", "flag"]], LENGTHS.get(period, timedelta(0))


def _limits(
    station: dict[str, Any], parameter: str, start: datetime, length: timedelta
) -> tuple[tuple[str, Limit], ...]:
    """The limits a value is compared with, as (text key, limit).

    Air: of the hour where the standard has one and values are hourly, else of the day. Noise: daytime and night.
    """
    reference = _REFERENCES.get(str(station["medium"]))
    choices: tuple[tuple[str, str | None], ...] = (("series.limit", None),)
    if reference == "GB 3095":
        choices = (("series.limit.hour", "1h"), ("series.limit.day", None))
        choices = choices if length <= timedelta(hours=1) else choices[1:]
    elif reference == "GB 3096":
        choices = (("series.limit.daytime", "day"), ("series.limit.night", "night"))
    if reference is None or (reference == "GB 3096" and parameter != "LAeq"):
        return ()
    day = start.astimezone(LOCAL).date()
    found = tuple(
        (key, limit)
        for key, averaging in choices
        if (limit := limit_of(reference, parameter, station, day, averaging=averaging)) is not None
    )
    return found[:1] if reference == "GB 3095" else found


def _ndvi(home: Home, now: datetime) -> tuple[pd.Series, datetime]:
    rows = home.lake.read("indicators", medium="ecology", end=now, where={"indicator": ["ecology.ndvi"]})
    return _latest(rows, now)


def _aqi(home: Home, now: datetime) -> tuple[pd.Series, datetime]:
    rows = home.lake.read("indicators", medium="air", end=now, where={"indicator": ["air.aqi"], "period": [DAY]})
    by_station, as_of = _latest(rows, now)
    registry = home.registry
    crs = str(registry.county["crs"])
    points = [moved(shape, WGS84, crs).representative_point() for shape in registry.townships.shapes]
    speaking = assigned(_xy(registry, by_station.index), registry.townships.ids, np.array([(p.x, p.y) for p in points]))
    return pd.Series({t: by_station.reindex(names).mean() for t, (names, _) in speaking.items()}, dtype=float), as_of


def _xy(registry: Registry, stations: pd.Index) -> pd.DataFrame:
    rows = registry.stations[registry.stations["station_id"].isin(stations)]
    x, y = Transformer.from_crs(WGS84, registry.county["crs"], always_xy=True).transform(rows["lon"], rows["lat"])
    return rows.assign(x=x, y=y)


def _latest(rows: pd.DataFrame, now: datetime) -> tuple[pd.Series, datetime]:
    """The latest known value of each subject, and the time of the latest of all."""
    known = rows[rows["value"].notna()].sort_values("time")
    last = known.drop_duplicates("subject", keep="last").set_index("subject")["value"]
    return last.astype(float), known["time"].max().to_pydatetime() if len(known) else now


def _placed(home: Home, alerts: pd.DataFrame, lang: str) -> pd.DataFrame:
    """Alerts with text and place: of the station, the township, the water body or the spot they are about."""
    registry = home.registry
    places = {str(r["station_id"]): (r["lon"], r["lat"]) for r in registry.stations.to_dict("records")}
    for zones in (registry.townships, registry.waters):
        points = (shape.representative_point() for shape in zones.shapes)
        places |= {key: (p.x, p.y) for key, p in zip(zones.ids, points, strict=True)}
    spots = [s for s in alerts["subject"] if s not in places]
    if spots:
        rows = home.lake.read("indicators", medium="human", where={"subject": spots})
        details = [json.loads(text) for text in rows["detail"]]
        places |= {
            s: (d["lon"], d["lat"]) for s, d in zip(rows["subject"], details, strict=True) if d["lon"] is not None
        }
    found = [places.get(s, (np.nan, np.nan)) for s in alerts["subject"]]
    return pd.DataFrame(
        {
            "severity": alerts["severity"].tolist(),
            "starts_at": alerts["starts_at"].tolist(),
            "text": alerts[f"summary_{lang}"].tolist(),
            "lon": [lon for lon, _ in found],
            "lat": [lat for _, lat in found],
        }
    )


def _utc(moment: Any) -> Any:
    return pd.Timestamp(moment).tz_convert("UTC").tz_localize(None).to_numpy()


def _tick(moment: datetime, *, long: bool) -> str:
    """A day as month-day, an hour as hour:minute, a month of a long chart as year-month; the same in any language."""
    if long:
        return moment.strftime("%Y-%m")
    return moment.strftime("%m-%d" if moment.hour == 0 and moment.minute == 0 else "%H:%M")


def _day(moment: datetime) -> str:
    return moment.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M")
