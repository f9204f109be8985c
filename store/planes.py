"""Planes: named arrays of one shape that live for one computation, in memory while small and in a scratch folder else.

A county at 10 m has 45 million cells: a plane of float32 is 180 MB, and a day makes thirty. On the disk they cost no
memory but that of the windows which are being looked at.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np

#: Shapes up to so many cells are kept in memory.
SMALL_CELLS = 2**21


class Planes:
    """Arrays (y, x) by name. A cell that nobody wrote is 0."""

    def __init__(self, shape: tuple[int, int], folder: Path | None) -> None:
        self.shape = shape
        self._folder = folder
        self._held: dict[str, np.ndarray] = {}
        self._kinds: dict[str, np.dtype] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._kinds

    def write(self, name: str, row: int, column: int, values: np.ndarray) -> None:
        """Write a window (y, x) of a plane; the first write decides what numbers it holds."""
        if name not in self._kinds:
            self._made(name, values.dtype)
        part = np.s_[row : row + values.shape[0], column : column + values.shape[1]]
        self._open(name, "r+")[part] = values

    def read(
        self, name: str, row: int = 0, column: int = 0, height: int | None = None, width: int | None = None
    ) -> np.ndarray:
        """A copy of a window, the whole plane when none is given.

        Raises:
            KeyError: no such plane.
        """
        bottom = self.shape[0] if height is None else row + height
        right = self.shape[1] if width is None else column + width
        return np.array(self._open(name, "r")[row:bottom, column:right])

    def at(self, name: str, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """The values of some cells.

        Raises:
            KeyError: no such plane.
        """
        return np.array(self._open(name, "r")[rows, columns])

    def drop(self, name: str) -> None:
        """Forget a plane."""
        del self._kinds[name]
        if self._held.pop(name, None) is None and self._folder is not None:
            (self._folder / name).unlink()

    def _made(self, name: str, kind: np.dtype) -> None:
        self._kinds[name] = kind
        if self._folder is None:
            self._held[name] = np.zeros(self.shape, dtype=kind)
        else:
            with (self._folder / name).open("wb") as stream:
                stream.truncate(self.shape[0] * self.shape[1] * kind.itemsize)

    def _open(self, name: str, mode: Literal["r", "r+"]) -> np.ndarray:
        """The plane; a mapped file is let go, with its pages, when the caller is done with it."""
        if self._folder is None:
            return self._held[name]
        place, kind = self._folder / name, self._kinds[name]
        return np.memmap(place, dtype=kind, mode=mode, shape=self.shape)


@contextmanager
def planes(shape: tuple[int, int], root: Path) -> Iterator[Planes]:
    """Planes that are gone, with their files, when the block ends.

    Args:
        shape: rows and columns.
        root: folder for scratch files, on a disk with room for all planes.
    """
    if shape[0] * shape[1] <= SMALL_CELLS:
        yield Planes(shape, None)
        return
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".writing-") as folder:
        yield Planes(shape, Path(folder))
