"""Clear views between days: how they are kept, and how a county that is larger than memory looks at them, by windows.

A view is kept as whole numbers of 1 / 10000, as the scenes are, in `products/<day>/clear_view.tif`.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, cast

import numpy as np

from processing.imagery.events import BANDS, ClearView
from processing.imagery.grid import Window, blocks
from store.home import Home

NAME = "clear_view.tif"
SCALE = 10_000
MISSING = -32_768
TAGS = {"content": f"latest clear view: {', '.join(BANDS)} as reflectance x {SCALE}, and days since 1970-01-01"}


def packed(view: ClearView) -> np.ndarray:
    """A view as it is kept: int16 (8, y, x)."""
    stack = view.stack()
    stack[:-1] *= SCALE
    known = np.isfinite(stack)
    return np.where(known, np.rint(np.clip(np.where(known, stack, 0), -32_000, 32_000)), MISSING).astype(np.int16)


def opened(numbers: np.ndarray) -> ClearView:
    """A view from what was kept."""
    stack = np.where(numbers == MISSING, np.float32("nan"), numbers.astype(np.float32))
    stack[:-1] /= np.float32(SCALE)
    return ClearView.of(stack)


class _Looked:
    """One array that is read where it is asked for: `[rows, columns]` of cells, or `[slice, slice]`."""

    def __init__(self, read: Callable[[Window], np.ndarray]) -> None:
        self._read = read

    def __getitem__(self, where: tuple[Any, Any]) -> np.ndarray:
        rows, columns = where
        if isinstance(rows, slice):
            window = Window(rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start)
            return self._read(window)
        if not len(rows):
            return np.zeros(0, dtype=np.float32)
        top, left = int(rows.min()), int(columns.min())
        window = Window(top, left, int(rows.max()) - top + 1, int(columns.max()) - left + 1)
        return self._read(window)[rows - top, columns - left]


class StoredView:
    """A clear view that is read by windows; small ones are read once and whole.

    To those who look at some cells only it is a `ClearView`: see `as_view`.
    """

    def __init__(self, shape: tuple[int, int], read: Callable[[Window], ClearView]) -> None:
        self.shape, self._read = shape, read
        self._whole = Window(0, 0, *shape)
        self._last: tuple[Window, ClearView] | None = None

    def part(self, window: Window) -> ClearView:
        """The view of a window. The last one is remembered: several who come after each other ask for the same."""
        if self._last is None or window != self._last[0] != self._whole:
            chosen = self._whole if blocks(self.shape) == [self._whole] else window
            self._last = (chosen, self._read(chosen))
        held, view = self._last
        if held == window:
            return view
        cells = window.inside(held)
        return ClearView({band: values[cells] for band, values in view.bands.items()}, view.day[cells])

    def as_view(self) -> ClearView:
        """The view for those who index its arrays by cells or slices, and never take one whole."""
        return cast(ClearView, self)

    @property
    def bands(self) -> Mapping[str, _Looked]:
        """Reflectance by common name."""
        return {band: _Looked(lambda window, b=band: self.part(window).bands[b]) for band in BANDS}  # type: ignore[misc]

    @property
    def day(self) -> _Looked:
        """Day of the view of each cell."""
        return _Looked(lambda window: self.part(window).day)

    def index(self, name: str) -> _Looked:
        """An index, as `ClearView.index` knows it."""
        return _Looked(lambda window: self.part(window).index(name))


def stored(home: Home, day: date | None, shape: tuple[int, int]) -> StoredView:
    """The clear view at the end of a finished day; nothing was seen before the first."""
    if day is None:
        return StoredView(shape, lambda window: ClearView.never((window.height, window.width)))
    place = f"products/{day.isoformat()}/{NAME}"
    return StoredView(shape, lambda window: opened(home.files.read_raster(place, window=window).values))
