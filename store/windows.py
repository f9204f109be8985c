"""Rasters read a window at a time: what a block-wise computation opens, in each of its threads or processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.windows import Window

from domain.errors import FeedCorrupt

#: What GDAL may keep of decoded blocks, MB. Windows follow the file's own blocks, so more only costs memory.
CACHE_MB = 32


@dataclass(frozen=True, slots=True)
class Reader:
    """One band of an open raster. A reader belongs to one thread."""

    name: str
    shape: tuple[int, int]
    crs: str
    transform: Any
    nodata: float | None
    dtype: str
    block: tuple[int, int]  # rows and columns that are stored together
    _source: Any

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """The cells of a window that lies wholly inside.

        Raises:
            FeedCorrupt: they cannot be decoded; the text names the file and the window.
        """
        try:
            return self._source.read(1, window=Window(column, row, width, height))
        except RasterioError as error:
            raise FeedCorrupt(
                f"{self.name}: rows {row} to {row + height} cannot be read ({error}); fetch it again"
            ) from error


@contextmanager
def reading(place: str) -> Iterator[Reader]:
    """The first band of a raster, open until the block ends.

    Raises:
        FeedCorrupt: there is no such file, or it is no raster.
    """
    name = place.rpartition("/")[2]
    with rasterio.Env(GDAL_CACHEMAX=CACHE_MB):
        try:
            source = rasterio.open(place)
        except RasterioError as error:
            raise FeedCorrupt(f"{name}: the raster cannot be read ({error}); fetch it again") from error
        with source:
            crs = str(source.crs) if source.crs is not None else ""
            kind = source.dtypes[0]
            yield Reader(name, source.shape, crs, source.transform, source.nodata, kind, source.block_shapes[0], source)
