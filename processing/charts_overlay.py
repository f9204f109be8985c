"""Our own composite as a picture a web map can lay under everything else.

Web maps draw in the spherical Mercator projection (EPSG:3857), so the county grid is brought there cell by cell
(nearest: a picture for the eye, no values), and what nobody has seen stays transparent.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO

import matplotlib.image
import numpy as np
import xarray as xr
from pyproj import Transformer

from processing.charts_style import WITHOUT_STAMP

#: Longest side of the picture, cells.
_LONGEST = 1600
_MERCATOR = "EPSG:3857"


@dataclass(frozen=True, slots=True)
class Overlay:
    """A picture (PNG) and its corners in WGS 84."""

    png: bytes
    south: float
    west: float
    north: float
    east: float


def newest_clear(pictures: Iterable[xr.DataArray]) -> xr.DataArray | None:
    """Of true-colour pictures (3, y, x bytes, 0 unseen), newest first, the newest seen cell of each place.

    All pictures are on one grid. None when there is no picture.
    """
    whole: xr.DataArray | None = None
    for picture in pictures:
        if whole is None:
            whole = picture.copy(deep=True)
            continue
        unseen = (whole.values == 0).all(axis=0)
        if not unseen.any():
            break
        whole.values[:, unseen] = picture.values[:, unseen]
    return whole


def overlay(picture: xr.DataArray) -> Overlay:
    """A true-colour picture (3, y, x bytes, 0 unseen; attributes crs and transform) for a web map."""
    transform, (rows, columns) = picture.attrs["transform"], picture.shape[1:]
    there = Transformer.from_crs(picture.attrs["crs"], _MERCATOR, always_xy=True)
    edge_x = transform.c + transform.a * np.array([0.0, columns, columns, 0.0])
    edge_y = transform.f + transform.e * np.array([0.0, 0.0, rows, rows])
    x, y = there.transform(edge_x, edge_y)
    step = max(max(x) - min(x), max(y) - min(y)) / _LONGEST
    xs = np.arange(min(x) + step / 2, max(x), step)
    ys = np.arange(max(y) - step / 2, min(y), -step)
    source_x, source_y = there.transform(*np.meshgrid(xs, ys), direction="INVERSE")
    column = np.floor((source_x - transform.c) / transform.a).astype(int)
    row = np.floor((source_y - transform.f) / transform.e).astype(int)
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    colours = picture.values[:, np.where(inside, row, 0), np.where(inside, column, 0)]
    seen = inside & (colours > 0).any(axis=0)
    image = np.ascontiguousarray(np.moveaxis(np.concatenate([colours, (seen * 255)[None]]), 0, -1), dtype=np.uint8)
    out = BytesIO()
    matplotlib.image.imsave(out, image, format="png", metadata=WITHOUT_STAMP)
    back = Transformer.from_crs(_MERCATOR, "EPSG:4326", always_xy=True)
    (west, east), (south, north) = back.transform(
        [xs[0] - step / 2, xs[-1] + step / 2], [ys[-1] - step / 2, ys[0] + step / 2]
    )
    return Overlay(out.getvalue(), south, west, north, east)
