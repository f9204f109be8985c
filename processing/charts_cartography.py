"""What every map of ours has around its content: degrees, scale bar, north arrow, reference system, source."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

from domain.registry import Registry
from domain.texts import say
from processing.charts_style import INK, PALE
from processing.imagery.grid import WGS84, moved


def extent(axes: Axes, registry: Registry) -> None:
    """Limits of the map: the townships and a margin, with room for the scale bar below; equal scales."""
    zones, crs = registry.townships, str(registry.county["crs"])
    bounds = np.array([moved(s, WGS84, crs).bounds for s in zones.shapes])
    (west, south), (east, north) = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    margin = 0.03 * max(east - west, north - south)
    axes.set_xlim(west - margin, east + margin)
    axes.set_ylim(south - 2.6 * margin, north + margin)
    axes.set_aspect("equal")


def furniture(axes: Axes, registry: Registry, lines: Sequence[str], lang: str) -> None:
    """Frame with degrees, scale bar, north arrow, `lines` and reference system, and the note on simulated data."""
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    width, height = east - west, north - south
    _degrees(axes, str(registry.county["crs"]))
    length = 10_000 if width > 40_000 else 10 ** np.floor(np.log10(width / 4))
    x, y = west + 0.03 * width, south + 0.045 * height
    for part, colour in enumerate((INK, "white", INK, "white")):
        axes.add_patch(
            PathPatch(
                Outline([(x + length * f, y + g) for f, g in _box(part / 4, (part + 1) / 4, 0.007 * height)]),
                facecolor=colour, edgecolor=INK, linewidth=0.8, zorder=9,
            )
        )  # fmt: skip
    unit = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    axes.text(x, y + 0.013 * height, "0", ha="center", fontsize=8, zorder=9)
    axes.text(x + length, y + 0.013 * height, unit, ha="center", fontsize=8, zorder=9)
    arrow = {"arrowstyle": "-|>,head_width=0.45,head_length=0.9", "color": INK, "linewidth": 2}
    top = (west + 0.05 * width, north - 0.035 * height)
    axes.annotate("", top, xytext=(top[0], top[1] - 0.075 * height), arrowprops=arrow, zorder=9)
    axes.text(top[0], top[1] + 0.004 * height, say("map.north", lang), ha="center", fontsize=11)
    told = [*lines, say("map.crs", lang, crs=registry.county["crs"])]
    axes.text(
        east - 0.012 * width, south + 0.012 * height, "\n".join(told), ha="right", va="bottom", fontsize=8, zorder=9
    )
    if registry.county["simulated"]:
        axes.text(
            west + 0.03 * width, south + 0.012 * height, say("simulated", lang), fontsize=9, color="#a61c00",
            zorder=9,
        )  # fmt: skip


def _degrees(axes: Axes, crs: str) -> None:
    """Ticks at whole tenths of a degree along the lower and the left edge."""
    to, back = (Transformer.from_crs(a, b, always_xy=True) for a, b in ((WGS84, crs), (crs, WGS84)))
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    (lon0, lat0), (lon1, lat1) = back.transform(west, south), back.transform(east, north)
    step = 0.1 if max(lon1 - lon0, lat1 - lat0) > 0.25 else 0.005
    lons = np.arange(np.ceil(lon0 / step), np.floor(lon1 / step) + 1) * step
    lats = np.arange(np.ceil(lat0 / step), np.floor(lat1 / step) + 1) * step
    decimals = 1 if step >= 0.1 else 3
    axes.set_xticks([to.transform(lon, lat0)[0] for lon in lons], [f"{lon:.{decimals}f}°E" for lon in lons])
    axes.set_yticks([to.transform(lon0, lat)[1] for lat in lats], [f"{lat:.{decimals}f}°N" for lat in lats])
    axes.tick_params(labelsize=8, direction="in", color=PALE)
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)


def outline(shape: BaseGeometry) -> Outline:
    """The polygons of a shape, holes included, as one path."""
    polygons = list(getattr(shape, "geoms", [shape]))
    rings = [np.asarray(ring.coords)[:, :2] for p in polygons for ring in (p.exterior, *p.interiors)]
    return Outline.make_compound_path(*(Outline(ring, closed=True) for ring in rings))


def _box(left: float, right: float, height: float) -> list[tuple[float, float]]:
    return [(left, 0), (right, 0), (right, height), (left, height), (left, 0)]
