"""The picture of a candidate: the place before and on the day, side by side, with its outline and a scale bar. PNG."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from matplotlib.patheffects import withStroke
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from domain.registry import Zones
from domain.texts import say
from processing.charts_style import PALE, figure, png, strong, style
from processing.imagery.events import ClearView
from processing.imagery.grid import WGS84, Grid, moved

#: Bands of the colours. Dying pines and char show in the infrared, the rest to the naked eye.
_NATURAL, _FALSE = ("red", "green", "blue"), ("swir16", "nir", "red")
_INFRARED = ("burn", "pine_decline")
_LEAST_CELLS = 40  # of the side of the picture
_EDGE = "#ffd400"
#: Indices are called by their letters; these two have none.
_WORDS = ("visible", "flat")


@dataclass(frozen=True)
class CandidateContent:
    """What the picture shows: the candidate (a feature of `candidates.step`), the view before, and that of the day."""

    feature: Mapping[str, Any]
    before: ClearView
    now: ClearView
    day: date
    grid: Grid
    townships: Zones
    waters: Zones
    simulated: bool


def draw_candidate(content: CandidateContent, lang: str = "zh") -> bytes:
    """The picture as PNG, 10 x 6.4 inches; both halves have the same colours for the same reflectance.

    Cells that were never seen before, or not on the day, are grey.
    """
    said = content.feature["properties"]
    bands = _FALSE if said["kind"] in _INFRARED else _NATURAL
    place = moved(shape(content.feature["geometry"]), WGS84, content.grid.crs)
    window = _window(place, content.grid)
    stacks = [np.stack([v.bands[b][window] for b in bands], axis=-1) for v in (content.before, content.now)]
    pictures = _stretched(stacks, natural=bands == _NATURAL)
    with style():
        page = figure(10, 6.4)
        first, last = said["before_from"], said["before_to"]
        before = (
            say("candidate.before.one", lang, first=first)
            if first == last
            else say("candidate.before", lang, first=first, last=last)
        )
        for left, picture, title in (
            (0.03, pictures[0], before),
            (0.515, pictures[1], say("candidate.after", lang, day=content.day.isoformat())),
        ):
            axes = page.add_axes((left, 0.165, 0.455, 0.7))
            _panel(axes, picture, window, place, content.grid)
            axes.set_title(title, fontsize=11, pad=5)
        _words(page, content, lang, bands == _NATURAL)
        return png(page)


def _window(place: BaseGeometry, grid: Grid) -> tuple[slice, slice]:
    """A square of cells around the candidate with room about it, inside the grid."""
    west, south, east, north = place.bounds
    side = round(max(2.2 * max(east - west, north - south) / grid.resolution, _LEAST_CELLS))
    column, row = ((west + east) / 2 - grid.left) / grid.resolution, (grid.top - (south + north) / 2) / grid.resolution

    def span(middle: float, size: int) -> slice:
        length = min(side, size)
        first = min(max(round(middle - length / 2), 0), size - length)
        return slice(first, first + length)

    return span(row, grid.height), span(column, grid.width)


def _stretched(stacks: list[np.ndarray], *, natural: bool) -> list[np.ndarray]:
    """Reflectances as colours 0..1 by one stretch for all pictures, from the 1st to the 99th percentile of each colour.

    Natural colours share their range, so that grey stays grey.
    """
    together = np.concatenate([stack.reshape(-1, 3) for stack in stacks])
    seen = together[np.isfinite(together).all(axis=1)]
    if not len(seen):
        return [np.full(stack.shape, 0.72) for stack in stacks]
    low, high = np.percentile(seen, [1, 99], axis=0)
    reach = np.maximum(np.max(high - low) if natural else high - low, 0.02)
    out = []
    for stack in stacks:
        known = np.isfinite(stack).all(axis=-1, keepdims=True)
        colour = np.clip((np.where(known, stack, 0) - low) / reach, 0, 1) ** 0.65
        out.append(np.where(known, colour, 0.72))
    return out


def _panel(axes: Axes, picture: np.ndarray, window: tuple[slice, slice], place: BaseGeometry, grid: Grid) -> None:
    rows, columns = window
    west, east = (grid.left + grid.resolution * c for c in (columns.start, columns.stop))
    north, south = (grid.top - grid.resolution * r for r in (rows.start, rows.stop))
    axes.imshow(picture, extent=(west, east, south, north), interpolation="nearest", aspect="equal")
    for polygon in getattr(place, "geoms", [place]):
        for ring in (polygon.exterior, *polygon.interiors):
            path = Outline(np.asarray(ring.coords)[:, :2], closed=True)
            axes.add_patch(PathPatch(path, facecolor="none", edgecolor="black", linewidth=2.6))
            axes.add_patch(PathPatch(path, facecolor="none", edgecolor=_EDGE, linewidth=1.5))
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_xticks([])
    axes.set_yticks([])
    _scale_bar(axes, west, south, east - west)


def _scale_bar(axes: Axes, west: float, south: float, width: float) -> None:
    """A bar of 1, 2 or 5 times a power of ten, about a quarter of the picture."""
    power = 10.0 ** np.floor(np.log10(width / 4))
    length = max(step * power for step in (1, 2, 5) if step * power <= width / 3.5)
    x, y = west + 0.05 * width, south + 0.06 * width
    halo = [withStroke(linewidth=4.5, foreground="black")]
    axes.plot([x, x + length], [y, y], color="white", linewidth=2.6, path_effects=halo, solid_capstyle="butt")
    label = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    axes.text(
        x + length / 2, y + 0.02 * width, label, ha="center", color="white", fontsize=9,
        path_effects=[withStroke(linewidth=2.2, foreground="black")],
    )  # fmt: skip


def _words(page: Any, content: CandidateContent, lang: str, natural: bool) -> None:
    said = content.feature["properties"]
    kind = say(f"candidate.kind.{said['kind']}", lang)
    place = _name(content, lang)
    title = say("candidate.title", lang, place=place, kind=kind, day=content.day.isoformat()).strip()
    page.text(0.03, 0.945, title, fontsize=15, path_effects=strong(by=0.9))
    facts = say(
        "candidate.facts",
        lang,
        area=f"{said['area_ha']:.2f}",
        confidence=f"{said['confidence']:.2f}",
        lon=f"{said['lon']:.5f}",
        lat=f"{said['lat']:.5f}",
    )
    page.text(0.03, 0.124, facts, fontsize=10.5)
    page.text(0.03, 0.093, "　".join(_changes(said, lang)), fontsize=10)
    scenes = say("candidate.scenes", lang, **{k: _listed(said[f"{k}_scenes"], lang) for k in ("before", "after")})
    page.text(0.03, 0.069, scenes, fontsize=7.5, color=PALE)
    colours = say("candidate.colour.natural" if natural else "candidate.colour.false", lang)
    legend = [colours, say("candidate.outline", lang), say("candidate.missing", lang)]
    page.text(0.97, 0.012, "；".join(legend) if lang == "zh" else "; ".join(legend), fontsize=9, ha="right", color=PALE)
    page.text(0.03, 0.042, say("candidate.note", lang), fontsize=10, color="#a61c00")
    if content.simulated:
        page.text(0.03, 0.012, say("simulated", lang), fontsize=9, color="#a61c00")


def _changes(said: Mapping[str, Any], lang: str) -> list[str]:
    unknown = say("candidate.unknown", lang)
    return [
        say(
            "candidate.index",
            lang,
            name=say(f"candidate.{name}", lang) if name in _WORDS else name.upper(),
            before=unknown if pair[0] is None else f"{pair[0]:.2f}",
            after=unknown if pair[1] is None else f"{pair[1]:.2f}",
        )
        for name, pair in said["changes"].items()
    ]


def _listed(scenes: str, lang: str) -> str:
    """Names of scenes as long as they fit, else the first and how many they are."""
    names = scenes.split()
    if not names:
        return say("candidate.unknown", lang)
    return " ".join(names) if len(names) < 3 else say("candidate.scenes.more", lang, first=names[0], n=len(names))


def _name(content: CandidateContent, lang: str) -> str:
    """The water body of an event on water, else the township."""
    said = content.feature["properties"]
    for zones, key in ((content.waters, said["water_body"]), (content.townships, said["township"])):
        if key in zones.ids:
            return str((zones.names_zh if lang == "zh" else zones.names_en)[zones.ids.index(key)])
    return ""
