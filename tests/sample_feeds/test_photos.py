"""Simulated photos: pictures that others can read, the same again, each its own."""

import io

import matplotlib.image
import pytest

from domain.photos import photo_type
from sample_feeds.photos import HEIGHT, WIDTH, photo


@pytest.mark.parametrize("category", ["W", "A", "N", "S", "L", "E", "R", ""])
def test_another_reader_reads_them(category):
    content = photo("IMG_1.png", category)
    assert photo_type(content) == "image/png"
    assert matplotlib.image.imread(io.BytesIO(content)).shape[:2] == (HEIGHT, WIDTH)


def test_the_same_name_gives_the_same_bytes_and_another_name_others():
    made = photo("IMG_1.png", "W")
    photo.cache_clear()
    assert photo("IMG_1.png", "W") == made != photo("IMG_2.png", "W")
