"""The map of the county: townships by a value, waters, stations, and the alerts with their list beside it."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import matplotlib.colors as mcolors
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.patheffects import withStroke
from pyproj import Transformer

from domain.registry import Registry
from domain.standards import table
from domain.texts import is_chinese, say
from domain.times import LOCAL
from processing.charts_cartography import extent, furniture, outline
from processing.charts_style import INK, PALE, SEVERITIES, WATER, figure, png, strong, style
from processing.imagery.grid import WGS84, moved

#: Medium -> marker, size and colour of its stations, in drawing order.
MARKERS = {
    "soil": ("o", 14, "#8c6d46"),
    "groundwater": ("d", 34, "#356f8f"),
    "noise": ("^", 34, "#7b5ea7"),
    "water": ("v", 46, "#0b5394"),
    "source": ("s", 40, "#444444"),
    "air": ("o", 46, "#b3446c"),
}
_HALO = [withStroke(linewidth=2.2, foreground="white")]


@dataclass(frozen=True)
class MapContent:
    """What the map shows.

    `values` are by township id (missing ones are hatched) and the latest of them is of `as_of`; `alerts` have the
    columns severity, starts_at, text, lon and lat (NaN: listed only).
    """

    registry: Registry
    layer: str  # ndvi or aqi
    values: pd.Series
    as_of: datetime
    since: datetime
    now: datetime
    alerts: pd.DataFrame


def draw_map(content: MapContent, lang: str) -> bytes:
    """The map as PNG, 14 x 10 inches."""
    with style():
        page = figure(14, 10)
        axes = page.add_axes((0.045, 0.06, 0.64, 0.86))
        side = page.add_axes((0.70, 0.06, 0.285, 0.86))
        side.set_axis_off()
        scale, norm = _scale(content.layer)
        _townships(axes, content, scale, norm, lang)
        _waters(axes, content.registry, lang)
        _stations(axes, content.registry)
        _alerts(axes, content)
        stamp = content.now.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M")
        furniture(axes, content.registry, [say("map.asof", lang, date=stamp)], lang)
        county = content.registry.county[f"name_{lang}"]
        page.text(
            0.045,
            0.955,
            say(f"map.title.{content.layer}", lang, county=county),
            fontsize=19,
            path_effects=strong(by=1.0),
        )
        _value_scale(page, content, scale, norm, lang)
        _legend(side, content, lang)
        _alert_list(side, content, lang, top=0.772)
        return png(page)


def _scale(layer: str) -> tuple[mcolors.Colormap, mcolors.Normalize]:
    """Greens for NDVI; the colours of the standard's six categories for AQI."""
    if layer == "ndvi":
        greens = mcolors.LinearSegmentedColormap.from_list("greens", ["#f3ecd2", "#cfdd9d", "#86b96a", "#2f7d43"])
        return greens, mcolors.Normalize(0.4, 0.9)
    categories = table("air_aqi_categories")
    edges = [*categories["aqi_low"].astype(float), 500.0]
    return mcolors.ListedColormap(categories["hex"].tolist()), mcolors.BoundaryNorm(edges, len(categories))


def _townships(axes: Axes, content: MapContent, scale: Any, norm: Any, lang: str) -> None:
    zones, crs = content.registry.townships, str(content.registry.county["crs"])
    names = zones.names_zh if lang == "zh" else zones.names_en
    opacity = 0.9 if content.layer == "ndvi" else 0.55
    for key, name, shape in zip(zones.ids, names, zones.shapes, strict=True):
        local = moved(shape, WGS84, crs)
        value = float(content.values.get(key, np.nan))
        missing = np.isnan(value)
        axes.add_patch(
            PathPatch(
                outline(local),
                facecolor="#f0f0f0" if missing else (*scale(norm(value))[:3], opacity),
                hatch="///" if missing else None,
                edgecolor="#bbbbbb" if missing else "white",
                linewidth=1.2,
                zorder=1,
            )
        )
        middle = local.representative_point()
        shown = name if missing else f"{name}\n{value:.2f}" if content.layer == "ndvi" else f"{name}\n{value:.0f}"
        # Above the middle, where an alert about the whole township is drawn.
        axes.annotate(
            shown, (middle.x, middle.y), xytext=(0, 9), textcoords="offset points", ha="center", va="bottom",
            fontsize=8.5, linespacing=1.05, zorder=6, path_effects=_HALO,
        )  # fmt: skip
    extent(axes, content.registry)


def _waters(axes: Axes, registry: Registry, lang: str) -> None:
    crs = str(registry.county["crs"])
    names = registry.waters.names_zh if lang == "zh" else registry.waters.names_en
    for name, kind, shape in zip(names, registry.waters.kinds, registry.waters.shapes, strict=True):
        local = moved(shape, WGS84, crs)
        axes.add_patch(PathPatch(outline(local), facecolor=WATER, edgecolor="#2f75b5", linewidth=0.6, zorder=2))
        at = local.representative_point()
        axes.annotate(
            name, (at.x, at.y), xytext=(6, -11) if kind == "river" else (0, -20), textcoords="offset points",
            ha="left" if kind == "river" else "center", fontsize=8, color="#1f4e79", zorder=6, path_effects=_HALO,
        )  # fmt: skip


def _stations(axes: Axes, registry: Registry) -> None:
    to = Transformer.from_crs(WGS84, registry.county["crs"], always_xy=True)
    for medium, (marker, size, colour) in MARKERS.items():
        rows = registry.stations[registry.stations["medium"] == medium]
        x, y = to.transform(rows["lon"].to_numpy(), rows["lat"].to_numpy())
        axes.scatter(x, y, marker=marker, s=size, color=colour, edgecolor="white", linewidth=0.8, zorder=4)


def _alerts(axes: Axes, content: MapContent) -> None:
    """A numbered disc at each place; alerts of one place share it, in the colour of the most severe."""
    order = list(SEVERITIES)
    placed = content.alerts.assign(number=np.arange(1, len(content.alerts) + 1)).dropna(subset=["lon", "lat"])
    to = Transformer.from_crs(WGS84, content.registry.county["crs"], always_xy=True)
    for (lon, lat), here in placed.groupby(["lon", "lat"], sort=True):
        x, y = to.transform(lon, lat)
        worst = max(here["severity"], key=order.index)
        axes.scatter([x], [y], s=170, facecolor="none", edgecolor=SEVERITIES[worst], linewidth=2.4, zorder=7)
        axes.annotate(
            _numbers(here["number"].tolist()), (x, y), xytext=(10, -3), textcoords="offset points", zorder=8,
            **_badge(worst),
        )  # fmt: skip


def _badge(severity: str) -> dict[str, Any]:
    """How the number of an alert is written: on its colour, dark on yellow and white on the others."""
    back = SEVERITIES.get(severity, PALE)
    front = INK if severity == "yellow" else "white"
    box = {"boxstyle": "round,pad=0.22", "facecolor": back, "edgecolor": "white", "linewidth": 0.8}
    return {"fontsize": 8.5, "color": front, "bbox": box, "path_effects": strong(front, by=0.4)}


def _numbers(numbers: Sequence[int]) -> str:
    shown = ",".join(map(str, numbers[:3]))
    return shown if len(numbers) <= 3 else f"{shown}…"


def _value_scale(page: Any, content: MapContent, scale: Any, norm: Any, lang: str) -> None:
    """The colour scale at the top of the side panel."""
    bar = page.add_axes((0.705, 0.875, 0.26, 0.016))
    colours = page.colorbar(ScalarMappable(norm, scale), cax=bar, orientation="horizontal", spacing="uniform")
    colours.outline.set_edgecolor(PALE)
    if content.layer == "aqi":
        colours.set_ticks([0, 50, 100, 150, 200, 300, 500])
    bar.tick_params(labelsize=8)
    day = content.as_of.astimezone(LOCAL).strftime("%Y-%m-%d")
    page.text(0.705, 0.9, say(f"map.value.{content.layer}", lang, date=day), fontsize=10, path_effects=strong())


def _legend(side: Axes, content: MapContent, lang: str) -> None:
    used = [m for m in reversed(MARKERS) if (content.registry.stations["medium"] == m).any()]
    entries: list[Any] = [
        Line2D([], [], marker=marker, color=colour, linestyle="", label=say(f"medium.{medium}", lang))
        for medium, (marker, _, colour) in ((m, MARKERS[m]) for m in used)
    ]
    entries.append(Patch(facecolor=WATER, edgecolor="#2f75b5", label=say("map.water", lang)))
    entries.append(Patch(facecolor="#f0f0f0", edgecolor="#bbbbbb", hatch="///", label=say("map.nodata", lang)))
    side.legend(
        handles=entries, loc="upper left", bbox_to_anchor=(-0.01, 0.915), ncols=2, fontsize=9, frameon=False,
        borderpad=0, labelspacing=0.35,
    )  # fmt: skip


def _alert_list(side: Axes, content: MapContent, lang: str, *, top: float) -> None:
    """The alerts by number, each on one or two lines; those that find no room are counted."""
    period = {k: v.astimezone(LOCAL).strftime("%m-%d") for k, v in (("since", content.since), ("until", content.now))}
    side.text(0.0, top, say("map.alerts", lang, **period), fontsize=10, path_effects=strong())
    if content.alerts.empty:
        side.text(0.0, top - 0.035, say("map.noalerts", lang), fontsize=9)
    line, y = 0.0154, top - 0.008
    for number, row in enumerate(content.alerts.to_dict("records"), start=1):
        wrapped = wrapped_text(str(row["text"]), lang)
        if y - line * (len(wrapped) + 1.6) < -0.02:
            left = len(content.alerts) - number + 1
            side.text(0.0, y - 1.3 * line, say("map.more", lang, n=left), fontsize=8.5, color=PALE)
            return
        y -= line * 1.4
        side.text(0.025, y, str(number), ha="center", **_badge(row["severity"]) | {"fontsize": 7.5})
        for i, part in enumerate(wrapped):
            side.text(0.065, y - i * line, part, fontsize=8.2)
        y -= line * (len(wrapped) - 1)


def wrapped_text(text: str, lang: str, *, most: int = 2) -> list[str]:
    """A text in at most `most` lines of the list; what is too long ends in an ellipsis.

    English breaks between words; Chinese anywhere, where a Latin letter takes half the room of a character.
    """
    if lang == "en":
        return textwrap.wrap(text, 56, max_lines=most, placeholder=" …") or [""]
    lines, used = [""], 0.0
    for character in text:
        size = 1.0 if is_chinese(character) else 0.56
        if used + size > 30:
            if len(lines) == most:
                lines[-1] = lines[-1][:-1] + "…"
                break
            lines.append("")
            used = 0.0
        lines[-1] += character
        used += size
    return lines
