"""Pictures of an account: composition, townships beside each other, a map by value, and what a change is made of.

Colours are told apart by people who see few of them (Okabe and Ito 2008; viridis and cividis of matplotlib), and every
picture says its unit, year and source.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import matplotlib.colors as mcolors
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.patches import Patch, PathPatch
from matplotlib.patheffects import withStroke

from domain.registry import Registry
from domain.texts import say
from processing.charts_cartography import extent, furniture, outline
from processing.charts_style import INK, PALE, figure, png, strong, style
from processing.imagery.grid import WGS84, moved

#: Category of services -> colour (Okabe and Ito).
CATEGORIES = {"provisioning": "#E69F00", "regulating": "#009E73", "cultural": "#56B4E9"}
UP, DOWN, TOTAL = "#009E73", "#D55E00", "#666666"
_HALO = [withStroke(linewidth=2.0, foreground="white")]


@dataclass(frozen=True)
class Bar:
    """One bar: its name, value, and where it is known the ends of its interval."""

    name: str
    value: float
    low: float = float("nan")
    high: float = float("nan")
    category: str = ""


def bars(items: Sequence[Bar], *, title: str, unit: str, source: str, lang: str) -> bytes:
    """Horizontal bars, the longest at the top, with intervals where they are known; PNG.

    Args:
        items: in any order; what is NaN is left out.
        title: what is shown.
        unit: of the values.
        source: tables and year, printed small.
        lang: zh or en.
    """
    shown = sorted((b for b in items if np.isfinite(b.value)), key=lambda b: (b.value, b.name))
    with style():
        page = figure(9, 1.4 + 0.34 * max(3, len(shown)))
        axes = page.add_axes(_room(len(shown)))
        _draw_bars(axes, shown)
        axes.set_xlabel(unit)
        page.text(0.02, 1 - 0.28 / page.get_figheight(), title, fontsize=14, path_effects=strong(), va="top")
        used = [c for c in CATEGORIES if any(b.category == c for b in shown)]
        if len(used) > 1:
            handles = [Patch(color=CATEGORIES[c], label=say(f"gep.category.{c}", lang)) for c in used]
            axes.legend(handles=handles, loc="lower right", frameon=False)
        page.text(0.02, 0.12 / page.get_figheight(), source, fontsize=7.5, color=PALE)
        return png(page)


def _room(n: int) -> tuple[float, float, float, float]:
    height = 1.4 + 0.34 * max(3, n)
    return 0.24, 0.75 / height, 0.70, 1 - 1.35 / height


def _draw_bars(axes: Axes, shown: Sequence[Bar]) -> None:
    places = np.arange(len(shown))
    values = np.array([b.value for b in shown])
    axes.barh(places, values, color=[CATEGORIES.get(b.category, CATEGORIES["regulating"]) for b in shown], height=0.72)
    for place, bar in zip(places, shown, strict=True):
        known = np.isfinite(bar.low) and np.isfinite(bar.high)
        if known:
            axes.plot([bar.low, bar.high], [place, place], color=INK, linewidth=1.1, solid_capstyle="butt")
            axes.plot([bar.low, bar.high], [place, place], color=INK, marker="|", markersize=6, linestyle="")
        end = max(bar.value, bar.high) if known else bar.value
        axes.annotate(
            f"{bar.value:,.2f}", (max(end, 0.0), place), xytext=(5, 0), textcoords="offset points", va="center",
            fontsize=8.5,
        )  # fmt: skip
    axes.set_yticks(places, [b.name for b in shown])
    axes.axvline(0, color=PALE, linewidth=0.8)
    axes.margins(x=0.14)
    axes.set_ylim(-0.6, len(shown) - 0.4)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.grid(visible=True, color="#e5e5e5", linewidth=0.7)
    axes.set_axisbelow(True)


def value_map(
    registry: Registry, values: Mapping[str, float], *, title: str, unit: str, source: str, lang: str
) -> bytes:
    """Townships coloured by a value, with scale, legend, degrees, scale bar, reference system and source; PNG.

    Args:
        registry: the county.
        values: by township id; a missing one is hatched and said to be without data.
        title: what is shown.
        unit: of the values.
        source: tables and year.
        lang: zh or en.
    """
    zones, crs = registry.townships, str(registry.county["crs"])
    names = zones.names_zh if lang == "zh" else zones.names_en
    known = [v for v in values.values() if np.isfinite(v)]
    colours = mpl.colormaps["cividis_r"]
    norm = mcolors.Normalize(min(known, default=0.0), max(known, default=1.0))
    with style():
        page = figure(11, 9.2)
        axes = page.add_axes((0.06, 0.06, 0.78, 0.84))
        for key, name, shape in zip(zones.ids, names, zones.shapes, strict=True):
            value = float(values.get(key, np.nan))
            local = moved(shape, WGS84, crs)
            _zone(axes, local, None if np.isnan(value) else colours(norm(value)))
            middle = local.representative_point()
            text = name if np.isnan(value) else f"{name}\n{value:,.2f}"
            axes.annotate(
                text,
                (middle.x, middle.y),
                ha="center",
                va="center",
                fontsize=8.5,
                zorder=6,
                path_effects=_HALO,
                linespacing=1.35,
            )
        extent(axes, registry)
        furniture(axes, registry, [source], lang)
        page.text(0.06, 0.945, title, fontsize=17, path_effects=strong(by=1.0))
        bar = page.add_axes((0.87, 0.3, 0.02, 0.4))
        page.colorbar(ScalarMappable(norm, colours), cax=bar).outline.set_edgecolor(PALE)
        bar.set_title(unit, fontsize=9, loc="left")
        if len(known) < len(zones.ids):
            page.legend(
                handles=[Patch(facecolor="#f0f0f0", edgecolor="#bbbbbb", hatch="///", label=say("map.nodata", lang))],
                loc="upper right", bbox_to_anchor=(0.99, 0.27), frameon=False, fontsize=9,
            )  # fmt: skip
        return png(page)


def _zone(axes: Axes, shape: object, colour: object) -> None:
    missing = colour is None
    axes.add_patch(
        PathPatch(
            outline(shape),  # type: ignore[arg-type]
            facecolor="#f0f0f0" if missing else colour,  # type: ignore[arg-type]
            hatch="///" if missing else None,
            edgecolor="#bbbbbb" if missing else "white",
            linewidth=1.2,
            zorder=1,
        )
    )


def steps(
    parts: pd.Series, *, first: str, last: str, start: float, title: str, unit: str, source: str, lang: str
) -> bytes:
    """What lies between two totals, part by part (a waterfall); PNG.

    Args:
        parts: the parts in order, by the name that is printed; they add up to the difference of the totals.
        first: name of the first total.
        last: name of the last.
        start: the first total.
        title: what is shown.
        unit: of the values.
        source: tables and years.
        lang: zh or en.
    """
    ends = start + parts.cumsum().to_numpy()
    begins = np.concatenate([[start], ends[:-1]])
    names = [first, *map(str, parts.index), last]
    total = ends[-1] if len(ends) else start
    with style():
        page = figure(9, 4.6)
        axes = page.add_axes((0.1, 0.2, 0.86, 0.64))
        low = np.concatenate([[0.0], np.minimum(begins, ends), [0.0]])
        size = np.concatenate([[start], np.abs(ends - begins), [total]])
        colours = [TOTAL, *np.where(parts.to_numpy() >= 0, UP, DOWN), TOTAL]
        axes.bar(range(len(names)), size, bottom=low, color=colours, width=0.62)
        for i, value in enumerate([start, *parts, total]):
            shown = round(value, 2) + 0.0  # nought has no sign
            signed = f"{shown:,.2f}" if i in (0, len(names) - 1) or not shown else f"{shown:+,.2f}"
            axes.annotate(
                signed, (i, low[i] + size[i]), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=8.5
            )
        floor = min(start, total, *ends) if len(ends) else start
        bottom = max(0.0, floor - 0.35 * (max(start, total, *ends) - floor + 0.02 * abs(total)))
        axes.set_ylim(bottom=bottom)
        axes.margins(y=0.12)
        axes.set_xticks(range(len(names)), names)
        axes.set_ylabel(unit)
        axes.spines[["top", "right"]].set_visible(False)
        page.text(0.02, 0.94, title, fontsize=14, path_effects=strong(), va="center")
        note = f"{source}  {say('gep.chart.cut', lang)}" if bottom else source
        page.text(0.02, 0.03, note, fontsize=7.5, color=PALE)
        return png(page)
