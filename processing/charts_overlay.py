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
_LONGEST = 1280
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


def crop(picture: xr.DataArray, lon: float, lat: float, *, side_m: float = 4000.0) -> bytes | None:
    """A square of a true-colour picture around a point as PNG, the point ringed; None where nothing was seen.

    Args:
        picture: 3, y, x bytes, 0 unseen; attributes crs and transform, in metres.
        lon: of the point, WGS 84.
        lat: of the point.
        side_m: side of the square.
    """
    transform = picture.attrs["transform"]
    x, y = Transformer.from_crs("EPSG:4326", picture.attrs["crs"], always_xy=True).transform(lon, lat)
    column, row = int((x - transform.c) / transform.a), int((y - transform.f) / transform.e)
    half = max(1, round(side_m / 2 / abs(transform.a)))
    top, left = max(0, row - half), max(0, column - half)
    part = picture.values[:, top : max(0, row + half), left : max(0, column + half)]
    if part.size == 0 or not part.any():
        return None
    zoom = max(1, 320 // max(part.shape[1:]))
    image = np.moveaxis(np.where((part > 0).any(axis=0), part, 230), 0, -1).repeat(zoom, 0).repeat(zoom, 1)
    rows, columns = np.indices(image.shape[:2])
    distance = np.hypot(rows - (row - top + 0.5) * zoom, columns - (column - left + 0.5) * zoom)
    image[np.abs(distance - 0.22 * max(image.shape[:2])) < 1.2] = (255, 61, 129)
    out = BytesIO()
    matplotlib.image.imsave(out, np.ascontiguousarray(image, dtype=np.uint8), format="png", metadata=WITHOUT_STAMP)
    return out.getvalue()
