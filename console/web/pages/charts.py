"""Options of the charts: values with their flags, the limit, gaps with their reasons; days in a calendar."""

from datetime import datetime
from typing import Any

import pandas as pd

from console.web.pages.frame import View
from console.web.series import Gap, stretch, thinned
from console.web.words import word
from domain.times import LOCAL

#: How flags are drawn: colour and symbol by QARTOD flag.
_FLAGS = {3: ("#e08a00", "triangle"), 4: ("#c1121f", "diamond")}
#: The longest gaps are shaded, up to so many; the table below the chart has all.
_AREAS = 200
_GOOD, _LIMIT = "#0b7285", "#c1121f"


#: How ECharts writes moments along an axis: alike in both languages, and a day always with its month.
_MOMENTS = {
    "year": "{yyyy}", "month": "{MM}-{dd}", "day": "{MM}-{dd}", "hour": "{HH}:{mm}", "minute": "{HH}:{mm}",
    "second": "{HH}:{mm}:{ss}", "millisecond": "{HH}:{mm}:{ss}", "none": "{yyyy}-{MM}-{dd}",
}  # fmt: skip


def _local(moment: Any) -> str:
    """A moment as ECharts draws it unchanged, in Shanghai time."""
    return str(pd.Timestamp(moment).tz_convert(LOCAL).strftime("%Y-%m-%d %H:%M:%S"))


def series_options(
    view: View,
    rows: pd.DataFrame,
    gaps: list[Gap],
    limits: list[tuple[datetime, float, str]],
    name: str,
) -> dict[str, Any]:
    """One series: good values as a line broken at gaps, suspect and failed ones as marks, the limit, shaded gaps."""
    unit, every, rows = str(rows["unit"].iloc[-1]), len(rows), thinned(rows)
    doubted = rows["flag"].isin(list(_FLAGS)) & rows["value"].notna()
    # A doubted value breaks the line; among thinned ones it would break it where good values stand as well.
    good = rows.assign(value=rows["value"].mask(doubted)) if len(rows) == every else rows[~doubted]
    shortest = pd.Timedelta(0) if len(rows) == every else stretch(rows)
    line = _points(good) + [[_local(g.start), None] for g in gaps if g.end - g.start >= shortest]
    line.sort(key=lambda p: str(p[0]))
    drawn: list[dict[str, Any]] = [
        {
            "name": view.t("web.series.good"),
            "type": "line",
            "data": line,
            "showSymbol": len(line) < 90,
            "symbolSize": 4,
            "connectNulls": False,
            "lineStyle": {"width": 1.6},
            "itemStyle": {"color": _GOOD},
            "large": True,
            "markArea": _gap_areas(view, gaps),
        }
    ]
    for flag, (colour, symbol) in _FLAGS.items():
        bad = rows[doubted & (rows["flag"] == flag)]
        if len(bad):
            drawn.append(
                {
                    "name": word("flag", flag, view.lang),
                    "type": "scatter",
                    "symbol": symbol,
                    "symbolSize": 9,
                    "itemStyle": {"color": colour},
                    "data": _points(bad),
                }
            )
    if limits:
        drawn.append(
            {
                "name": view.t("web.series.limit", edition=limits[-1][2]),
                "type": "line",
                "step": "end",
                "showSymbol": False,
                "lineStyle": {"type": "dashed", "width": 1.4},
                "itemStyle": {"color": _LIMIT},
                "data": [[_local(t), v] for t, v, _ in limits],
            }
        )
    ink = "#9aaab8" if view.wall else "#5b6b7a"
    return {
        "animation": False,
        "textStyle": {"fontFamily": "inherit"},
        "grid": {"left": 56, "right": 18, "top": 64, "bottom": 62},
        "legend": {"top": 0, "type": "scroll", "textStyle": {"color": ink}},
        "tooltip": {"trigger": "axis", "renderMode": "richText", "confine": True},
        "xAxis": {"type": "time", "axisLabel": {"color": ink, "hideOverlap": True, "formatter": _MOMENTS}},
        "yAxis": {
            "type": "value",
            "name": f"{name} ({unit})",
            "nameTextStyle": {"color": ink, "align": "left"},
            "scale": True,
            "axisLabel": {"color": ink},
        },
        "dataZoom": [{"type": "inside"}, {"type": "slider", "height": 20, "bottom": 8}],
        "series": drawn,
    }


def _points(rows: pd.DataFrame) -> list[list[Any]]:
    """Moment and value as ECharts draws them; a missing value breaks the line."""
    moments = rows["time"].dt.tz_convert(LOCAL).dt.strftime("%Y-%m-%d %H:%M:%S")
    return [[at, None if pd.isna(v) else float(v)] for at, v in zip(moments, rows["value"], strict=True)]


def _gap_areas(view: View, gaps: list[Gap]) -> dict[str, Any]:
    areas = [
        [
            {
                "xAxis": _local(g.start),
                "name": word("coverage", g.reason, view.lang),
                "label": {"show": len(gaps) <= 6, "fontSize": 10, "color": "#8a6d3b", "position": "insideTop"},
            },
            {"xAxis": _local(g.end)},
        ]
        for g in sorted(gaps, key=lambda g: g.start - g.end)[:_AREAS]
    ]
    return {"itemStyle": {"color": "#d9a44140"}, "data": areas, "silent": True}


def calendar_options(view: View, days: pd.DataFrame, year: int) -> dict[str, Any]:
    """The days of a year, each in the colour of its grade."""
    first = str(days["day"].iloc[0])
    start = first if first[:4] == str(year - 1) else f"{year}-01-01"
    last = max(str(days["day"].iloc[-1]), start)
    return {
        "animation": False,
        "tooltip": {"renderMode": "richText", "confine": True},
        "calendar": {
            "top": 28,
            "left": 34,
            "right": 8,
            "bottom": 8,
            "range": [start, last],
            "cellSize": ["auto", 16],
            "yearLabel": {"show": False},
            "dayLabel": {"firstDay": 1, "nameMap": "ZH" if view.lang == "zh" else "EN"},
            "monthLabel": {"nameMap": "ZH" if view.lang == "zh" else "EN"},
            "itemStyle": {"borderColor": "#d9e0e6", "borderWidth": 1, "color": "transparent"},
        },
        "series": [
            {
                "type": "heatmap",
                "coordinateSystem": "calendar",
                "data": [
                    {
                        "value": [row["day"], float(row["value"])],
                        "name": row[f"word_{view.lang}"],
                        "itemStyle": {"color": row["colour"]},
                    }
                    for row in days.to_dict("records")
                ],
            }
        ],
    }
