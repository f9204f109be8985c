"""How our pictures look: a font that has Chinese, texts in two languages, colours, and PNG bytes that do not change."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import AbstractPathEffect, Normal, withStroke

from domain.errors import PipelineError

#: Dots an inch of a picture as PNG.
DPI = 130
#: Families with Chinese that systems bring along, best first.
_SYSTEM_FONTS = ("Noto Sans CJK SC", "Source Han Sans SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei")
_BUNDLED = "NotoSansCJKsc-Regular.otf"

INK, PALE, WATER, LIMIT = "#222222", "#8a8a8a", "#5b9bd5", "#c0392b"
#: A PNG would otherwise name the version of matplotlib, and its bytes change with it.
WITHOUT_STAMP: dict[str, Any] = {"Software": None}
#: The four colours of Chinese warnings, dark enough to be read on white.
SEVERITIES = {"blue": "#1f6fd6", "yellow": "#f2c200", "orange": "#f07d00", "red": "#d7191c"}


@cache
def font() -> str:
    """The family of a font with Chinese: the system's, else the one the package mplfonts brings as a file.

    The file is registered with this process only; nothing of anybody's matplotlib settings is touched.

    Raises:
        PipelineError: there is none.
    """
    known = {entry.name for entry in font_manager.fontManager.ttflist}
    for family in _SYSTEM_FONTS:
        if family in known:
            return family
    spec = find_spec("mplfonts")
    if spec is not None and spec.origin:
        path = Path(spec.origin).parent / "fonts" / _BUNDLED
        if path.is_file():
            font_manager.fontManager.addfont(str(path))
            return str(font_manager.FontProperties(fname=str(path)).get_name())
    raise PipelineError("no font with Chinese characters; install the package mplfonts or fonts-noto-cjk")


@contextmanager
def style() -> Iterator[None]:
    """Our settings for the figures made inside; those outside stay as they were."""
    settings: dict[str, Any] = {
        "font.family": [font(), "DejaVu Sans"],
        "font.size": 10,
        "axes.unicode_minus": False,
        "axes.edgecolor": PALE,
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "figure.facecolor": "white",
        "svg.hashsalt": "sanyan",
    }
    with mpl.rc_context(settings):
        yield


def strong(colour: str = INK, *, by: float = 0.7) -> list[AbstractPathEffect]:
    """Heavier letters; the Chinese fonts that come with packages have no bold cut."""
    return [withStroke(linewidth=by, foreground=colour), Normal()]


def figure(width_in: float, height_in: float) -> Figure:
    """A figure that needs no screen."""
    made = Figure(figsize=(width_in, height_in))
    FigureCanvasAgg(made)
    return made


def png(made: Figure, *, dpi: int = DPI) -> bytes:
    """The figure as PNG; the same figure gives the same bytes, without a date or a version inside."""
    out = BytesIO()
    made.savefig(out, format="png", dpi=dpi, metadata=WITHOUT_STAMP)
    return out.getvalue()
