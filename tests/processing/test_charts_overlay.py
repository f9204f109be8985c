"""Our composite for a web map: every place keeps its colour, the unseen stays transparent, the newest seen wins."""

from io import BytesIO

import matplotlib.image
import numpy as np
import pytest
from pyproj import Transformer
from rasterio import Affine

from processing.charts_overlay import crop, newest_clear, overlay
from store.files import as_array

UTM = "EPSG:32650"
CORNER = Affine(60, 0, 750_000, 0, -60, 3_150_000)


def picture(cells: np.ndarray):
    return as_array(cells.astype(np.uint8), transform=CORNER, crs=UTM, nodata=0)


def test_every_place_keeps_its_colour():
    rows, columns = np.mgrid[0:200, 0:150]
    made = overlay(picture(np.stack([rows + 1, columns + 1, np.full_like(rows, 200)])))
    image = np.rint(matplotlib.image.imread(BytesIO(made.png)) * 255).astype(int)
    web = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    (west, east), (south, north) = web.transform([made.west, made.east], [made.south, made.north])
    place = Transformer.from_crs(UTM, "EPSG:3857", always_xy=True)
    for row, column in ((20, 30), (100, 75), (180, 140)):
        x, y = place.transform(750_000 + 60 * (column + 0.5), 3_150_000 - 60 * (row + 0.5))
        at = int((north - y) / (north - south) * image.shape[0]), int((x - west) / (east - west) * image.shape[1])
        red, green, blue, seen = image[at]
        assert abs(red - (row + 1)) <= 1
        assert abs(green - (column + 1)) <= 1
        assert (blue, seen) == (200, 255)


def test_what_nobody_saw_is_transparent():
    cells = np.full((3, 50, 50), 90)
    cells[:, 10:40, 10:40] = 0
    image = matplotlib.image.imread(BytesIO(overlay(picture(cells)).png))
    middle = tuple(n // 2 for n in image.shape[:2])
    assert image[middle][3] == 0
    assert 0.5 < (image[..., 3] > 0).mean() < 0.8


def test_the_newest_seen_cell_wins():
    newest, older, oldest = (np.full((3, 4, 4), v) for v in (10, 20, 30))
    newest[:, :2] = 0
    older[:, 0] = 0
    made = newest_clear(picture(c) for c in (newest, older, oldest))
    assert made.values[0, :, 0].tolist() == [30, 20, 10, 10]
    assert newest_clear([]) is None


@pytest.mark.parametrize(("row", "column", "there"), [(50, 50, True), (0, 0, True), (500, 50, False)])
def test_a_crop_is_of_the_place_or_nothing(row, column, there):
    lon, lat = Transformer.from_crs(UTM, "EPSG:4326", always_xy=True).transform(
        750_000 + 60 * column, 3_150_000 - 60 * row
    )
    made = crop(picture(np.full((3, 100, 100), 77)), lon, lat)
    assert (made is not None) == there
    assert crop(picture(np.zeros((3, 100, 100))), lon, lat) is None
